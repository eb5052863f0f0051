"""Hashed tokens, the client's side: the HT-* mechanisms with which FAST logs in.

draft-schmaus-kitten-sasl-ht-09 (the mechanisms), XEP-0484 (where tokens come from). One message
each way; authentication is mutual: a server that does not prove that it knows the token is refused.

What XEP-0484 asks of a client, for whoever speaks the stream (the names are those of its elements):

- §3.2: the first token comes with a login by another mechanism: ``<request-token mechanism=…/>`` in
  ``<authenticate/>``; the mechanism MUST be one that the server offers in ``<fast/>``. Where this
  channel can be bound a mechanism that binds it MUST be preferred (§6): ``choose``.
- §3.3, §3.4: a token is good for the mechanism it was asked for, and for no other one: never try it
  with another, not even with one that binds less.
- §3.4: a login by token MUST have ``<fast/>`` in ``<authenticate/>``. ``count`` is a MUST in TLS
  0-RTT data alone, which is never sent here, so it is left out.
- §3.5: ``<success/>`` may bring a ``<token/>`` that nobody asked for, for the same mechanism: keep
  it, in the place of the one that was used. The old one stays good until the new one was used once:
  being cut off in between costs nothing. A login without a new token changes nothing.
- §3.6: ``<fast invalidate='true'/>`` in a login by the token ends it; no new one comes then unless
  it is asked for.
- §4.1: the stream's ``from`` MUST be the JID, and ``<user-agent id=…/>`` MUST be there, the same
  UUID with which the token was got. A token is as good as a password: never shown, never logged.
- §4.1: after a ``<failure/>`` (a token that ended says "credentials-expired") drop the token and
  log in by another mechanism; the same stream may go on (XEP-0388 §2.6.3).
- §6: only inside TLS with a verified certificate. HT draft §1.2 says the same.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence

from xmppctl.errors import AuthError
from xmppctl.model.xep import Xep
from xmppctl.session.sasl import Bindings, OneMessage

XEPS = (Xep("0484", "0.2.0", "partial", "no TLS 0-RTT data"),)

# draft §2, the hashes by their names in the registry of RFC 6920; the weakest first
_HASHES = {
    "SHA-256": "sha256",
    "SHA3-256": "sha3_256",
    "SHA-384": "sha384",
    "SHA3-384": "sha3_384",
    "SHA-512": "sha512",
    "SHA3-512": "sha3_512",
}

# draft §2, table 1, and NONE, which XEP-0484 §3.1 added; the weakest first
_BINDINGS = {
    "NONE": None,
    "ENDP": "tls-server-end-point",
    "UNIQ": "tls-unique",
    "EXPR": "tls-exporter",
}


class HashedToken(OneMessage):
    """One login by the ``token`` (a secret) that was given for the mechanism ``name``.

    ``data``: that of the mechanism's channel binding, b"" for one without.
    """

    def __init__(self, name: str, username: str, token: str, data: bytes = b"") -> None:
        self.name = name
        self._username = username
        self._token = token.encode()
        self._data = data
        self._algorithm = _HASHES[_split(name)[0]]

    def initial(self) -> bytes:
        """The whole message of the client: user name, NUL, hashed token."""
        return self._username.encode() + b"\0" + self._hash(b"Initiator")

    def finish(self, data: bytes | None) -> None:
        """The server reported success, with ``data``; raises AuthError unless it proved itself."""
        if not hmac.compare_digest(data or b"", self._hash(b"Responder")):
            raise AuthError(
                "the server did not prove that it knows the token of this login",
                step="auth",
                condition="server-not-authentic",
                hint="it may be an impostor: check which server answers",
            )

    def _hash(self, role: bytes) -> bytes:
        return hmac.digest(self._token, role + self._data, self._algorithm)


def usable(name: str, bindings: Bindings, announced: Collection[str] | None = None) -> bool:
    """Whether ``name`` is a mechanism known here that this very connection can do.

    ``bindings``: what this side can bind; ``announced``: the types of the server (XEP-0440), None
    where it names none.
    """
    algorithm, suffix = _split(name)
    if algorithm not in _HASHES or suffix not in _BINDINGS:
        return False
    binding = _BINDINGS[suffix]
    return binding is None or (binding in bindings and (announced is None or binding in announced))


def choose(
    offered: Sequence[str], bindings: Bindings, announced: Collection[str] | None = None
) -> str | None:
    """The strongest of the mechanisms that ``<fast/>`` offers, to ask for a token with.

    A better binding counts more than a longer hash. None where none can be used. Arguments as
    those of ``usable``.
    """
    possible = [name for name in offered if usable(name, bindings, announced)]
    return max(possible, key=_strength, default=None)


def make(name: str, username: str, token: str, bindings: Bindings) -> HashedToken:
    """A login by the ``token`` that was given for ``name``, which must be ``usable``."""
    binding = _BINDINGS[_split(name)[1]]
    return HashedToken(name, username, token, bindings[binding]() if binding is not None else b"")


def binding_of(name: str) -> str | None:
    """The channel binding type of a mechanism that is known here; None for one without."""
    return _BINDINGS[_split(name)[1]]


def _split(name: str) -> tuple[str, str]:
    """Hash and binding in a mechanism's name; two empty strings for another family's."""
    if not name.startswith("HT-"):
        return "", ""
    algorithm, _, suffix = name.removeprefix("HT-").rpartition("-")
    return algorithm, suffix


def _strength(name: str) -> tuple[int, int]:
    algorithm, suffix = _split(name)
    return list(_BINDINGS).index(suffix), list(_HASHES).index(algorithm)
