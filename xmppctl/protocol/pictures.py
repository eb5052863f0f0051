"""What a picture is, by its bytes: media type and size, whatever anybody says about it."""

from __future__ import annotations

import io
from typing import NamedTuple

from xmppctl.errors import UsageError

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_MAX_PIXELS = 64_000_000


class Size(NamedTuple):
    """In pixels."""

    width: int
    height: int


def kind_of(data: bytes) -> str | None:
    """The media type: PNG, JPEG, GIF, WebP or SVG; None for anything else."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if b"<svg" in data[:1024] and data.lstrip()[:1] == b"<":
        return "image/svg+xml"
    return None


def media_type(data: bytes) -> str:
    """The same. Raises UsageError for what is no picture."""
    kind = kind_of(data)
    if kind is None:
        raise UsageError("the file is no PNG, JPEG, GIF, WebP or SVG picture", step="input")
    return kind


def size(data: bytes) -> Size | None:
    """Width and height as the header of the file tells them; None where it does not."""
    kind = kind_of(data)
    if kind == "image/png" and data[12:16] == b"IHDR":
        return _size(data[16:20], data[20:24], "big")
    if kind == "image/gif":
        return _size(data[6:8], data[8:10], "little")
    if kind == "image/jpeg":
        return _jpeg(data)
    if kind == "image/webp":
        return _webp(data)
    return None


def _is_whole(data: bytes) -> bool:
    """Whether a PNG has all of its chunks, from the header to the end (its §5)."""
    if size(data) is None:
        return False
    place = 8
    while data[place + 4 : place + 8] != b"IEND":
        if place >= len(data):
            return False
        place += 12 + int.from_bytes(data[place : place + 4], "big")
    return len(data) >= place + 12


def _size(width: bytes, height: bytes, order: str, *, more: int = 0) -> Size | None:
    if not width or len(width) != len(height):
        return None
    little = order == "little"
    values = [int.from_bytes(each, "little" if little else "big") for each in (width, height)]
    found = Size(values[0] + more, values[1] + more)
    return found if all(found) else None


def _jpeg(data: bytes) -> Size | None:
    place = 2
    while place + 9 <= len(data):
        if data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if marker == 0xFF:  # fill bytes
            place += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # without a length
            place += 2
            continue
        # the frame headers; C4, C8 and CC are something else
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return _size(data[place + 7 : place + 9], data[place + 5 : place + 7], "big")
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None


def _webp(data: bytes) -> Size | None:
    form = data[12:16]
    if form == b"VP8X":
        return _size(data[24:27], data[27:30], "little", more=1)
    if form == b"VP8L" and data[20:21] == b"/" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if form == b"VP8 " and data[23:26] == b"\x9d\x01\x2a" and len(data) >= 30:
        width, height = (int.from_bytes(data[i : i + 2], "little") & 0x3FFF for i in (26, 28))
        return Size(width, height) if width and height else None
    return None


def to_png(data: bytes) -> bytes:
    """The picture as PNG; its first frame. Raises UsageError, also where Pillow is missing."""
    kind = media_type(data)
    if kind == "image/png":
        if not _is_whole(data):
            raise UsageError("the PNG picture is broken, or not all of it is there", step="input")
        return data
    if kind == "image/svg+xml":
        raise UsageError(
            "an SVG picture cannot be converted to PNG, which an avatar has to be (XEP-0084)",
            step="input",
            hint="convert it first, for example with: rsvg-convert logo.svg > logo.png",
        )
    told = size(data)
    if told is not None and told.width * told.height > _MAX_PIXELS:
        raise UsageError(
            f"the picture has {told.width} x {told.height} pixels: no avatar", step="input"
        )
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise UsageError(
            f"an avatar has to be PNG (XEP-0084), and {kind} is converted by Pillow, which is not "
            "installed",
            step="input",
            condition="missing-dependency",
            hint="pip install 'xmppctl[avatar]', or convert the picture to PNG first",
        ) from None
    out = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "GIF", "WEBP")) as opened:
            opened.seek(0)
            picture = ImageOps.exif_transpose(opened)  # PNG does not say which way is up
            wanted = "RGBA" if "transparency" in picture.info or "A" in picture.mode else "RGB"
            picture.convert(wanted).save(out, "PNG", optimize=True)
    except Exception as error:  # a broken file makes Pillow raise nearly anything
        raise UsageError(f"the picture cannot be read: {error}", step="input") from None
    return out.getvalue()
