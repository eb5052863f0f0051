"""XEP-0454: OMEMO Media Sharing: files encrypted with a key that an OMEMO message carries.

What is uploaded is the file in AES-256-GCM with the tag of 16 bytes behind it. Its URL as others
get it has another scheme, and vector and key where a fragment would be, so that it is to be seen
inside encrypted messages alone.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from xmppctl.errors import RefusedError
from xmppctl.protocol import Xep
from xmppctl.records import dataclass
from xmppctl.session.weburl import Url, parse_url

XEPS = (Xep("0454", "0.1.0", "partial", "without thumbnails"),)

SCHEME = "aesgcm"
TAG = 16
_KEY, _VECTOR = 32, 12
_FRAGMENT = re.compile(r"(?:[0-9a-f]{88}|[0-9a-f]{96})", re.IGNORECASE)
"""Vector and key; some clients have vectors of 16 bytes."""


@dataclass(frozen=True)
class Secret:
    """What a file is encrypted with; never for two of them."""

    vector: bytes
    key: bytes

    @classmethod
    def new(cls) -> Secret:
        """One that nothing was encrypted with."""
        return cls(secrets.token_bytes(_VECTOR), secrets.token_bytes(_KEY))


def compose(url: str, secret: Secret) -> str:
    """The URL with its key. Raises ValueError for one that is not https (§3)."""
    if not parse_url(url).secure:
        raise ValueError("only what is served by https may be shared so")
    rest = url.partition("#")[0].partition(":")[2]
    return f"{SCHEME}:{rest}#{secret.vector.hex()}{secret.key.hex()}"


def parse(text: str) -> tuple[Url, Secret]:
    """Where the file is, and its key. Raises ValueError with a sentence that has no key in it."""
    scheme, _, rest = text.strip().partition(":")
    place, _, fragment = rest.partition("#")
    if scheme.lower() != SCHEME or not place.startswith("//"):
        raise ValueError("it is no aesgcm URL")
    if _FRAGMENT.fullmatch(fragment) is None:
        raise ValueError("it has no key of the file behind #: 88 hexadecimal digits, or 96")
    packed = bytes.fromhex(fragment)
    return parse_url(f"https:{place}"), Secret(packed[:-_KEY], packed[-_KEY:])


class Source(Protocol):
    """A file that is to be read."""

    size: int

    def blocks(self, progress: Callable[[int], object]) -> Iterator[bytes]:
        """Its bytes; may be called again."""

    def close(self) -> None:
        """It is not read any more."""


class Sealed:
    """A file as it is uploaded: encrypted.

    ``secret``: of the last time that it was read, with a new one each time, since the file might
    have changed. ``sha256``: of what was uploaded.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.size = source.size + TAG
        self.sha256: str | None = None
        self.secret: Secret | None = None

    def blocks(self, progress: Callable[[int], object]) -> Iterator[bytes]:
        """The bytes, ``size`` of them."""
        self.secret = secret = Secret.new()
        encryptor = Cipher(AES(secret.key), GCM(secret.vector)).encryptor()
        digest = hashlib.sha256()
        for block in self._source.blocks(progress):
            sealed = encryptor.update(block)
            digest.update(sealed)
            yield sealed
        last = encryptor.finalize() + encryptor.tag
        digest.update(last)
        self.sha256 = digest.hexdigest()
        yield last

    def close(self) -> None:
        """Give up what was read."""
        self._source.close()


class Opening:
    """Decrypts what comes, piece by piece, and gives it to ``write``.

    Nothing of it is to be believed before ``finish``. ``size`` and ``sha256`` are those of the
    file.
    """

    def __init__(self, secret: Secret, write: Callable[[bytes], object]) -> None:
        self._decryptor = Cipher(AES(secret.key), GCM(secret.vector)).decryptor()
        self._write = write
        self._held = b""
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Hexadecimal."""
        return self._digest.hexdigest()

    def take(self, block: bytes) -> None:
        """The next bytes of what was uploaded."""
        self._held += block
        ready, self._held = self._held[:-TAG], self._held[-TAG:]
        if ready:
            self._give(self._decryptor.update(ready))

    def finish(self, by: str) -> None:
        """That was all. Raises RefusedError where it is not what was encrypted with this key."""
        try:
            if len(self._held) < TAG:
                raise InvalidTag
            self._give(self._decryptor.finalize_with_tag(self._held))
        except InvalidTag:
            raise RefusedError(
                "the file is not what was encrypted with this key: nothing is kept of it",
                step="verify",
                condition="hash-mismatch",
                by=by,
            ) from None

    def _give(self, block: bytes) -> None:
        if block:
            self.size += len(block)
            self._digest.update(block)
            self._write(block)
