"""Files on their way: what is shared in a message, what was fetched."""

from __future__ import annotations

from typing import Annotated, ClassVar

from xmppctl.records import dataclass


@dataclass(frozen=True)
class SharedFile:
    """A file that a message tells of."""

    name: Annotated[str, "name of the file"]
    size: Annotated[int, "bytes"]
    media_type: Annotated[str, "media type"]
    sha256: Annotated[str, "SHA-256 of its bytes, hexadecimal"]
    url: Annotated[str, "where it can be fetched"]


@dataclass(frozen=True)
class Fetched:
    """A file that was fetched."""

    PLAIN: ClassVar[str] = "file"

    url: Annotated[str, "URL that was asked for"]
    file: Annotated[str, "path of the file that was written"]
    size: Annotated[int, "bytes"]
    type: Annotated[str | None, "media type that the sender claims"]
    sha256: Annotated[str, "SHA-256 of its bytes, hexadecimal"]
    verified: Annotated[
        str | None, "algorithm of the given hash, or of the encryption, that they were verified by"
    ] = None
