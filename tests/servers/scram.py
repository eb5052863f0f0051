"""The server's side of the mechanisms that a client may use before it has seen an offer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets


class ScramServer:
    """One exchange of SCRAM (RFC 5802), ``name``, with whoever knows ``password``."""

    def __init__(self, name: str, password: str) -> None:
        self._hash = name.removeprefix("SCRAM-").replace("-", "").lower()
        self._password = password.encode()
        self._salt = secrets.token_bytes(12)
        self.username = ""
        self._client_first = self._server_first = ""

    def challenge(self, first: bytes) -> bytes:
        """The server's first message to the client's."""
        _, _, self._client_first = first.decode().split(",", 2)
        fields = dict(part.split("=", 1) for part in self._client_first.split(","))
        self.username = fields["n"]
        nonce = fields["r"] + secrets.token_hex(8)
        salt = base64.b64encode(self._salt).decode()
        self._server_first = f"r={nonce},s={salt},i=4096"
        return self._server_first.encode()

    def final(self, last: bytes) -> bytes | None:
        """The server's last message; None where the client does not know the password."""
        without, _, proof = last.decode().rpartition(",p=")
        salted = hashlib.pbkdf2_hmac(self._hash, self._password, self._salt, 4096)
        message = ",".join((self._client_first, self._server_first, without)).encode()
        key = self._hmac(salted, b"Client Key")
        signature = self._hmac(hashlib.new(self._hash, key).digest(), message)
        if base64.b64decode(proof) != bytes(a ^ b for a, b in zip(key, signature, strict=True)):
            return None
        return b"v=" + base64.b64encode(self._hmac(self._hmac(salted, b"Server Key"), message))

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._hash)
