"""The roster of an account as it was last seen, with its version (RFC 6121 §2.6).

One file per account in the cache directory. It is replaced as a whole, and a roster and its version
stand in it together: of two runs that write at once either one leaves a cache that is true. What
cannot be read is as if it were not there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from xmppctl.config import paths
from xmppctl.model.roster import Contact, Roster, Subscription

_FORMAT = 1


def load(jid: str, env: Mapping[str, str] = os.environ) -> Roster | None:
    """What is kept for the bare ``jid``, None where that is nothing, or damaged."""
    try:
        data = json.loads(_file(jid, env).read_bytes())
        if data["format"] != _FORMAT or data["jid"] != jid:
            return None
        ver = _text(data["ver"])
        return Roster(ver, [_contact(item, ver) for item in data["contacts"]])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def store(jid: str, roster: Roster, env: Mapping[str, str] = os.environ) -> None:
    """Keep ``roster`` for the bare ``jid``; without a version it would be of no use later.

    Raises LocalError.
    """
    if not roster.ver:
        return
    path = _file(jid, env)
    paths.ensure_private_dir(paths.ensure_private_dir(paths.cache_dir(env)) / path.parent.name)
    contacts = [asdict(contact) for contact in roster.contacts]
    data = {"format": _FORMAT, "jid": jid, "ver": roster.ver, "contacts": contacts}
    paths.write_private(path, json.dumps(data, ensure_ascii=False).encode())


def forget(jid: str, env: Mapping[str, str] = os.environ) -> None:
    """Remove what is kept for the bare ``jid``, as far as that is possible."""
    with suppress(OSError):
        _file(jid, env).unlink(missing_ok=True)


def _file(jid: str, env: Mapping[str, str]) -> Path:
    # a JID may be longer than a file name, and contain a slash
    return paths.cache_dir(env) / "roster" / f"{hashlib.sha256(jid.encode()).hexdigest()[:32]}.json"


def _contact(item: Any, ver: str) -> Contact:
    name, subscription, groups = item["name"], item["subscription"], item["groups"]
    if subscription not in get_args(Subscription) or item["ask"] not in (None, "subscribe"):
        raise ValueError("no contact")
    return Contact(
        _text(item["jid"]),
        None if name is None else _text(name),
        subscription,
        item["ask"],
        bool(item["approved"]),
        [_text(group) for group in groups],
        ver,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    return value
