"""STUN messages without input or output (RFC 8489 §5, §14; RFC 8656 §18): bytes in, bytes out."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import struct
from collections.abc import Iterable
from typing import NamedTuple

COOKIE = 0x2112A442
HEADER = 20
"""Bytes of a header; the length that it tells is that of what follows."""

BINDING, ALLOCATE, REFRESH = 0x001, 0x003, 0x004
REQUEST, SUCCESS, ERROR = 0x000, 0x100, 0x110

MAPPED_ADDRESS = 0x0001
USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
ERROR_CODE = 0x0009
LIFETIME = 0x000D
REALM = 0x0014
NONCE = 0x0015
XOR_RELAYED_ADDRESS = 0x0016
REQUESTED_TRANSPORT = 0x0019
XOR_MAPPED_ADDRESS = 0x0020
SOFTWARE = 0x8022

UDP = b"\x11\x00\x00\x00"
"""What REQUESTED-TRANSPORT says for a relay of UDP (RFC 8656 §18.8)."""

_FAMILIES = {1: 4, 2: 16}
_DIGEST = 20

Attribute = tuple[int, bytes]
Address = tuple[str, int]


class Message(NamedTuple):
    """A message: method and class, transaction, attributes in their order, and its bytes."""

    method: int
    kind: int
    transaction: bytes
    attributes: tuple[Attribute, ...]
    data: bytes

    def get(self, wanted: int) -> bytes | None:
        """The first attribute of that type; those behind it count for nothing (§14)."""
        return next((value for kind, value in self.attributes if kind == wanted), None)


def encode(
    method: int,
    transaction: bytes,
    attributes: Iterable[Attribute] = (),
    key: bytes | None = None,
    kind: int = REQUEST,
) -> bytes:
    """A message; with ``key`` its integrity is protected (§14.5)."""
    body = b"".join(_attribute(*each) for each in attributes)
    if key is None:
        return _header(method | kind, len(body), transaction) + body
    signed = _header(method | kind, len(body) + 4 + _DIGEST, transaction) + body
    return signed + _attribute(MESSAGE_INTEGRITY, hmac.digest(key, signed, "sha1"))


def length(header: bytes) -> int:
    """How many bytes follow a header. Raises ValueError where it is none of STUN."""
    kind, size, cookie = struct.unpack_from("!HHI", header)
    if kind & 0xC000 or size % 4 or cookie != COOKIE:
        raise ValueError("it does not speak STUN")
    return int(size)


def decode(data: bytes) -> Message:
    """The message that ``data`` is. Raises ValueError."""
    if len(data) < HEADER or length(data) != len(data) - HEADER:
        raise ValueError("it does not speak STUN")
    kind = struct.unpack_from("!H", data)[0]
    attributes: list[Attribute] = []
    at = HEADER
    while at < len(data):
        wanted, size = struct.unpack_from("!HH", data, at)
        if at + 4 + size > len(data):
            raise ValueError("an attribute is cut off")
        attributes.append((wanted, data[at + 4 : at + 4 + size]))
        at += 4 + size + -size % 4
    # the two bits of the class lie between those of the method (§5)
    return Message(kind & ~0x0110, kind & 0x0110, data[8:HEADER], tuple(attributes), data)


def key_of(username: str, realm: bytes, password: str) -> bytes:
    """The key of long-term credentials (§9.2.2)."""
    text = username.encode() + b":" + realm + b":" + password.encode()
    return hashlib.md5(text, usedforsecurity=False).digest()


def is_intact(message: Message, key: bytes) -> bool:
    """Whether its MESSAGE-INTEGRITY is there and was made with ``key``."""
    at = HEADER
    for wanted, value in message.attributes:
        if wanted == MESSAGE_INTEGRITY:
            size = struct.pack("!H", at - HEADER + 4 + _DIGEST)
            signed = message.data[:2] + size + message.data[4:at]
            return hmac.compare_digest(value, hmac.digest(key, signed, "sha1"))
        at += 4 + len(value) + -len(value) % 4
    return False


def address(message: Message, wanted: int) -> Address | None:
    """An address that the message tells (§14.1, §14.2); None where it cannot be read."""
    value = message.get(wanted)
    if value is None or len(value) < 8 or len(value) != 4 + _FAMILIES.get(value[1], 0):
        return None
    port = int(struct.unpack_from("!H", value, 2)[0])
    host = value[4:]
    if wanted != MAPPED_ADDRESS:
        mask = struct.pack("!I", COOKIE) + message.transaction
        port ^= COOKIE >> 16
        host = bytes(a ^ b for a, b in zip(host, mask, strict=False))
    return str(ipaddress.ip_address(host)), port


def error_of(message: Message) -> tuple[int, str]:
    """Number and reason of an error (§14.8); 0 where it cannot be read."""
    value = message.get(ERROR_CODE) or b""
    if len(value) < 4 or not 3 <= value[2] & 7 <= 6 or value[3] > 99:
        return 0, ""
    return (value[2] & 7) * 100 + value[3], value[4:].decode(errors="replace")[:127]


def _header(kind: int, size: int, transaction: bytes) -> bytes:
    return struct.pack("!HHI", kind, size, COOKIE) + transaction


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
