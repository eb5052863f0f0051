"""SASL mechanisms as the raw clients of the tests speak them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets


def b64(data: bytes) -> str:
    """``data`` as the text of a SASL element; the empty one is written ``=`` (RFC 6120 §6.4.2)."""
    return base64.b64encode(data).decode() or "="


class Scram:
    """One SCRAM exchange without channel binding (RFC 5802, RFC 7677); ``name`` SHA-1, ..."""

    def __init__(self, name: str, local: str, password: str) -> None:
        self.mechanism = f"SCRAM-{name}"
        self.first_bare = f"n={local},r={secrets.token_urlsafe(18)}".encode()
        self._hash = name.replace("-", "").lower()
        self._password = password.encode()
        self._server_signature = b""

    @property
    def first(self) -> bytes:
        """The client's first message."""
        return b"n,," + self.first_bare

    def final(self, challenge: bytes) -> bytes:
        """The client's final message to the server's first."""
        fields = dict(part.split(b"=", 1) for part in challenge.split(b","))
        salted = hashlib.pbkdf2_hmac(
            self._hash, self._password, base64.b64decode(fields[b"s"]), int(fields[b"i"])
        )
        bare = b"c=biws,r=" + fields[b"r"]
        message = b",".join((self.first_bare, challenge, bare))
        key = self._hmac(salted, b"Client Key")
        signature = self._hmac(hashlib.new(self._hash, key).digest(), message)
        self._server_signature = self._hmac(self._hmac(salted, b"Server Key"), message)
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        return bare + b",p=" + base64.b64encode(proof)

    def verify(self, final: bytes) -> bool:
        """Whether the server's final message proves that it knows the password."""
        return final == b"v=" + base64.b64encode(self._server_signature)

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._hash)


class HashedToken:
    """HT-SHA-256-NONE (draft-schmaus-kitten-sasl-ht): the mechanism of FAST tokens."""

    mechanism = "HT-SHA-256-NONE"

    def __init__(self, local: str, token: str) -> None:
        self._token = token.encode()
        self.first = local.encode() + b"\0" + hmac.digest(self._token, b"Initiator", "sha256")

    def verify(self, final: bytes) -> bool:
        """Whether the server proved that it knows the token."""
        return final == hmac.digest(self._token, b"Responder", "sha256")
