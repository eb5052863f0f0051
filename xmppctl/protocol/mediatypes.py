"""Media types (RFC 2045 §5.1): of names and bytes, and the endings of file names for them."""

from __future__ import annotations

import mimetypes
import re

ANY = "application/octet-stream"

_FORM = re.compile(r"[\w.+!#$&^-]{1,80}/[\w.+!#$&^-]{1,80}([ \t]*;[ -~]{0,200})?", re.ASCII)
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"%PDF-", "application/pdf"),
)


def checked(text: str | None) -> str | None:
    """The media type that somebody claims; None where it has not the form of one."""
    found = (text or "").strip()
    return found if _FORM.fullmatch(found) is not None else None


def guess(name: str, content: bytes) -> str:
    """The media type of a file by its name, or else by its first bytes."""
    found, packed = mimetypes.guess_type(name)
    if found is not None and packed is None:
        return found
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if content.startswith(magic)), ANY)


def ending(media_type: str | None) -> str:
    """The ending of a file name, with its dot; ``.bin`` for a type that has none."""
    plain = (media_type or ANY).partition(";")[0].strip().lower()
    return mimetypes.guess_extension(plain) or ".bin"
