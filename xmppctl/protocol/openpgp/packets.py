"""Packets of OpenPGP messages (RFC 9580 §4) as far as needed before a library unpacks them.

What is compressed can be a thousand times as long as the message, and that again.
"""

from __future__ import annotations

import zlib

MOST_BYTES = 16 * 1024 * 1024
"""Longest content that is opened: no element of a stream is longer."""

_ENCRYPTED = (1, 3, 9, 18, 20)
_SIGNATURE, _ONE_PASS, _COMPRESSED, _LITERAL = 2, 4, 8, 11
_WINDOW = {1: -15, 2: 15}


def is_encrypted(message: bytes) -> bool:
    """Whether a message is encrypted, and not signed alone. Raises ValueError."""
    return _tag(message, 0) in _ENCRYPTED


def plain(message: bytes) -> bytes:
    """A message that is signed alone, without its compression. Raises ValueError."""
    if _tag(message, 0) == _COMPRESSED:
        message = _inflated(_body(message))
    at = 0
    while (tag := _tag(message, at)) in (_SIGNATURE, _ONE_PASS):
        start, length = _length(message, at)
        if length is None:
            break
        at = start + length
    if tag != _LITERAL:
        raise ValueError("it is no signed message")
    return message


def _tag(data: bytes, at: int) -> int:
    if at >= len(data) or not data[at] & 0x80:
        raise ValueError("it is no OpenPGP message")
    return data[at] & 0x3F if data[at] & 0x40 else data[at] >> 2 & 0x0F


def _length(data: bytes, at: int) -> tuple[int, int | None]:
    """Where the body of the packet begins, and its length; None where that is in parts."""
    if not data[at] & 0x40:
        octets = (1, 2, 4, 0)[data[at] & 3]
        start = at + 1 + octets
        return start, int.from_bytes(data[at + 1 : start]) if octets else len(data) - start
    return _new_length(data, at + 1)


def _new_length(data: bytes, at: int) -> tuple[int, int | None]:
    first = data[at] if at < len(data) else 0
    if first < 192:
        return at + 1, first
    if first < 224:
        return at + 2, ((first - 192) << 8) + int.from_bytes(data[at + 1 : at + 2]) + 192
    if first == 255:
        return at + 5, int.from_bytes(data[at + 1 : at + 5])
    return at + 1, None


def _body(data: bytes) -> bytes:
    """That of the first packet, its parts together."""
    start, length = _length(data, 0)
    found = b""
    while length is None:
        size = 1 << (data[start - 1] & 0x1F)
        found += data[start : start + size]
        start, length = _new_length(data, start + size)
    return found + data[start : start + length]


def _inflated(body: bytes) -> bytes:
    if not body or body[0] not in _WINDOW:
        raise ValueError("it is compressed in another way than with zip or zlib")
    try:
        engine = zlib.decompressobj(_WINDOW[body[0]])
        found = engine.decompress(body[1:], MOST_BYTES + 1)
    except zlib.error:
        raise ValueError("what is compressed in it is damaged") from None
    if len(found) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES} bytes")
    return found
