"""OpenPGP keys in the state directory: a file of mode 0600 for every bare JID.

It holds secret keys. It is read only where nobody else can, changed under a lock, and replaced
durably. One that cannot be understood is an error and not overwritten: the keys in it may be the
only ones that open old messages.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from xmppctl.config import logins, paths
from xmppctl.errors import LocalError
from xmppctl.model.openpgp import KeyRing, KnownKey, SecretKey

_FORMAT = 1
_TRUST = ("verified", "blind", "undecided", "distrusted")


class Store:
    """The keys of the account ``jid``, a bare JID."""

    def __init__(self, jid: str, env: Mapping[str, str] = os.environ) -> None:
        self._jid = jid
        self._env = env

    @property
    def path(self) -> Path:
        """The file, which need not exist."""
        name = logins.file(self._jid, self._env).name
        return paths.state_dir(self._env) / "openpgp" / name

    def read(self) -> KeyRing:
        """See ``KeyStore.read``."""
        path = self.path
        if not os.path.lexists(path):
            return KeyRing()
        return _decoded(paths.read_private(path), path, self._jid)

    def update(self, change: Callable[[KeyRing], KeyRing]) -> KeyRing:
        """See ``KeyStore.update``."""
        path = self.path
        paths.ensure_private_dir(paths.ensure_private_dir(path.parent.parent) / path.parent.name)
        with paths.locked(path):
            before = self.read()
            after = change(before)
            if after != before:
                paths.write_private(path, _encoded(after, self._jid))
        return after


def _encoded(ring: KeyRing, jid: str) -> bytes:
    data = {
        "format": _FORMAT,
        "jid": jid,
        "secrets": [
            {"fingerprint": each.fingerprint, "key": base64.b64encode(each.data).decode()}
            for each in ring.secrets
        ],
        "contacts": {
            contact: {
                fingerprint: {
                    "key": base64.b64encode(each.data).decode(),
                    "date": each.date,
                    "trust": each.trust,
                }
                for fingerprint, each in keys.items()
            }
            for contact, keys in ring.contacts.items()
        },
    }
    return json.dumps(data, ensure_ascii=False, indent=1).encode()


def _decoded(content: bytes, path: Path, jid: str) -> KeyRing:
    try:
        data = json.loads(content)
        if data["format"] != _FORMAT or data["jid"] != jid:
            raise ValueError("another format or account")
        secrets = tuple(
            SecretKey(_text(each["fingerprint"]), _bytes(each["key"])) for each in data["secrets"]
        )
        contacts = {
            contact: {fingerprint: _known(each) for fingerprint, each in keys.items()}
            for contact, keys in data["contacts"].items()
        }
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise LocalError(
            f"{path} cannot be understood: it is not overwritten, for it may hold secret keys",
            step="state",
            condition="damaged",
            hint="move it away, and xmppctl openpgp restore gets the keys from a backup",
        ) from None
    return KeyRing(secrets, contacts)


def _known(data: Any) -> KnownKey:
    date, trust = data["date"], data["trust"]
    if trust not in _TRUST:
        raise ValueError("no such trust")
    return KnownKey(_bytes(data["key"]), None if date is None else _text(date), trust)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _bytes(value: object) -> bytes:
    return base64.b64decode(_text(value), validate=True)
