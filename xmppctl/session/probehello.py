"""ClientHello messages made by hand, and what a server answers to one (RFC 5246, RFC 8446).

OpenSSL as it is installed knows neither the old versions of TLS nor the cipher suites that a check
has to look for. None of this leads to a connection: no key is agreed on, nothing is verified, and
nothing is sent behind the hello. No I/O here.
"""

from __future__ import annotations

import ipaddress
import os
import struct
from collections.abc import Iterable, Mapping
from typing import NamedTuple

SSL3, TLS10, TLS11, TLS12, TLS13 = 0x0300, 0x0301, 0x0302, 0x0303, 0x0304

NAMES = {SSL3: "SSL3", TLS10: "1.0", TLS11: "1.1", TLS12: "1.2", TLS13: "1.3"}

# the registry of TLS Cipher Suites, by what is wrong with them
_NULL = (0x0001, 0x0002, 0x003B, 0xC001, 0xC006, 0xC00B, 0xC010, 0xC015)
_EXPORT = (0x0003, 0x0006, 0x0008, 0x000B, 0x000E, 0x0011, 0x0014, 0x0017, 0x0019)
_ANON = (
    0x0018, 0x001A, 0x001B, 0x0034, 0x003A, 0x0046, 0x006C, 0x006D, 0x0089, 0x009B, 0x00A6, 0x00A7,
    0x00BF, 0x00C5, 0xC016, 0xC017, 0xC018, 0xC019,
)  # fmt: skip
_RC4 = (0x0004, 0x0005, 0xC002, 0xC007, 0xC00C, 0xC011)
_DES = (0x0009, 0x000C, 0x000F, 0x0012, 0x0015)
_3DES = (0x000A, 0x000D, 0x0010, 0x0013, 0x0016, 0xC003, 0xC008, 0xC00D, 0xC012)

BROKEN: Mapping[str, tuple[int, ...]] = {
    "NULL": _NULL, "EXPORT": _EXPORT, "anonymous": _ANON, "RC4": _RC4, "DES": _DES, "3DES": _3DES,
}  # fmt: skip
"""Suites that nobody should accept: without encryption or authentication, or broken by now."""

COMMON = (
    # ECDHE and DHE with AES-GCM, ChaCha20, AES-CBC, Camellia; then RSA key exchange
    0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0x009E, 0x009F, 0xCCAA, 0xC023, 0xC027, 0xC024,
    0xC028, 0xC009, 0xC013, 0xC00A, 0xC014, 0x0067, 0x006B, 0x0033, 0x0039, 0x0032, 0x0038, 0x0045,
    0x0088, 0x009C, 0x009D, 0x003C, 0x003D, 0x002F, 0x0035, 0x0041, 0x0084, 0x0096, 0x0007,
    *_3DES, *_RC4,
)  # fmt: skip
"""Suites of TLS 1.2 and older among which every server that is not odd finds one."""

_RENEGOTIATION = 0x00FF  # RFC 5746: a signal, not a suite
_GROUPS = (0x001D, 0x0017, 0x0018, 0x0019, 0x001E, 0x0100, 0x0101)
_SIGNATURES = (
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B, 0x0401,
    0x0501, 0x0601, 0x0203, 0x0201, 0x0303, 0x0301, 0x0402, 0x0202,
)  # fmt: skip

_ALERT, _HANDSHAKE = 21, 22
_SERVER_HELLO = 2
_LARGEST_RECORD = 1 << 14

ALERTS = {
    0: "close notify", 10: "unexpected message", 40: "handshake failure", 47: "illegal parameter",
    50: "decode error", 70: "protocol version", 71: "insufficient security", 80: "internal error",
    86: "inappropriate fallback", 112: "unrecognized name", 120: "no application protocol",
}  # fmt: skip


class Answer(NamedTuple):
    """What came for a hello: the version and suite that the server chose, or None and why."""

    version: int | None = None
    suite: int | None = None
    refusal: str | None = None


def hello(
    newest: int, suites: Iterable[int], *, name: str | None = None, alpn: str | None = None
) -> bytes:
    """The record with a ClientHello of TLS 1.2 or older; ``newest``: of what may be chosen.

    ``name``: the server's, for SNI.
    """
    chosen = struct.pack("!H", _RENEGOTIATION)
    chosen = b"".join(struct.pack("!H", each) for each in suites) + chosen
    body = struct.pack("!H", newest) + os.urandom(32) + b"\x00" + _long(chosen) + b"\x01\x00"
    if newest > SSL3:
        body += _long(b"".join(_extensions(newest, name, alpn)))
    message = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return struct.pack("!BHH", _HANDSHAKE, min(newest, TLS10), len(message)) + message


def _extensions(newest: int, name: str | None, alpn: str | None) -> Iterable[bytes]:
    if name is not None and not _is_address(name):
        yield _extension(0, _long(b"\x00" + _long(name.encode("ascii"))))
    yield _extension(10, _long(b"".join(struct.pack("!H", each) for each in _GROUPS)))
    yield _extension(11, b"\x01\x00")  # uncompressed points
    if newest >= TLS12:
        yield _extension(13, _long(b"".join(struct.pack("!H", each) for each in _SIGNATURES)))
    if alpn is not None:
        text = alpn.encode("ascii")
        yield _extension(16, _long(bytes((len(text),)) + text))
    yield _extension(23, b"")  # extended master secret


def read(data: bytes, *, ended: bool = False) -> Answer | None:
    """The answer in what a server sent so far, None while more is to come.

    ``ended``: nothing more will.
    """
    handshake = b""
    rest = data
    while len(rest) >= 5:
        kind, major, length = rest[0], rest[1], int.from_bytes(rest[3:5])
        if kind not in (_ALERT, _HANDSHAKE) or major != 3 or length > _LARGEST_RECORD + 2048:
            break
        record, rest = rest[5 : 5 + length], rest[5 + length :]
        if kind == _HANDSHAKE:
            handshake += record
            answer = _server_hello(handshake)
            if answer is not None:
                return answer
        elif len(record) >= 2 and not handshake:
            if record[0] == 1 and record[1] == 112:
                continue  # a warning that the name is not known; the handshake goes on
            return Answer(refusal=ALERTS.get(record[1], f"alert {record[1]}"))
        if len(record) < length:
            break
    if data[:1] and data[0] not in (_ALERT, _HANDSHAKE):
        return Answer(refusal="no TLS came")
    if ended:
        return Answer(refusal="the answer breaks off" if data else "the connection was closed")
    return None


def _server_hello(message: bytes) -> Answer | None:
    """Version and suite of a ServerHello; None where it is not whole yet."""
    if len(message) < 4:
        return None
    if message[0] != _SERVER_HELLO:
        return Answer(refusal="no ServerHello came")
    length = int.from_bytes(message[1:4])
    body = message[4 : 4 + length]
    if len(body) < length:
        return None
    try:
        (version,) = struct.unpack_from("!H", body)
        start = 35 + body[34]
        (suite,) = struct.unpack_from("!H", body, start)
    except (struct.error, IndexError):
        return Answer(refusal="a malformed ServerHello")
    if version not in NAMES:
        return Answer(refusal="an unknown version")
    return Answer(version, suite)


def kind_of(suite: int) -> str:
    """What is wrong with a suite of ``BROKEN``; "" for another."""
    return next((kind for kind, suites in BROKEN.items() if suite in suites), "")


def _extension(number: int, content: bytes) -> bytes:
    return struct.pack("!H", number) + _long(content)


def _long(content: bytes) -> bytes:
    """Content behind its length in two bytes."""
    return struct.pack("!H", len(content)) + content


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
