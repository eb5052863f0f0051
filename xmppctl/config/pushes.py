"""Which push notifications were enabled here: no server tells that again (XEP-0357).

A file of mode 0600 per account in the state directory, changed under a lock. It holds services and
nodes, and no secret of theirs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from xmppctl.config import logins, paths
from xmppctl.errors import LocalError

_FORMAT = 1

Enabled = tuple[tuple[str, str | None], ...]
"""Services with the node of each, in the order in which they were enabled."""


def load(jid: str, env: Mapping[str, str] = os.environ) -> Enabled:
    """What is kept for the bare ``jid``; nothing where the file is damaged.

    Raises LocalError where it cannot be read.
    """
    try:
        data = json.loads(_file(jid, env).read_bytes())
        if data["format"] != _FORMAT or data["jid"] != jid:
            return ()
        return tuple((_text(service), None if node is None else _text(node))
                     for service, node in data["enabled"])  # fmt: skip
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise LocalError(f"cannot read {_file(jid, env)}: {error.strerror}", step="state") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        return ()


def update(
    jid: str, change: Callable[[Enabled], Enabled], env: Mapping[str, str] = os.environ
) -> None:
    """Replace what is kept by what ``change`` makes of it. Raises LocalError."""
    path = _file(jid, env)
    paths.ensure_private_dir(paths.ensure_private_dir(paths.state_dir(env)) / path.parent.name)
    with paths.locked(path):
        before = load(jid, env)
        after = change(before)
        if after != before:
            data = {"format": _FORMAT, "jid": jid, "enabled": after}
            paths.write_private(path, json.dumps(data, ensure_ascii=False).encode())


def _file(jid: str, env: Mapping[str, str]) -> Path:
    return paths.state_dir(env) / "pushes" / logins.file(jid, env).name


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
