"""A STUN and TURN server for tests, on UDP and TCP of one loopback port (RFC 8489, RFC 8656).

    with StunServer() as stun:
        ...                       # stun.address; stun.relays: allocations that are not ended

Credentials are those of servers that share a secret: the user name is ``EXPIRY:...`` in seconds of
Unix time, the password the base64 of its HMAC-SHA-1. It relays nothing. The words of the protocol
are written down here a second time, so that what is tested does not judge itself.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import Literal

from tests.servers.listen import Listener
from tests.servers.loop import LoopThread
from tests.servers.ports import LOOPBACK

Behaviour = Literal["healthy", "silent", "deaf", "open", "full", "stale", "forged", "garbage"]
"""``deaf``: to binding requests; ``open``: relays for anybody; ``full``: no relays left; ``stale``:
a nonce holds for one request; ``forged``: what it signs is signed with another key."""

_COOKIE = b"\x21\x12\xa4\x42"


@dataclass
class StunServer:
    """``asked``: the types of the requests; ``relays``: who has an allocation."""

    behaviour: Behaviour = "healthy"
    secret: str = "turn"
    realm: str = "stun.test"
    port: int = 0
    asked: list[int] = field(default_factory=list)
    relays: set[object] = field(default_factory=set)
    _nonces: int = 0

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return LOOPBACK, self.port

    def credentials(self, seconds: int = 600) -> tuple[str, str]:
        """A user name and a password that hold for so long."""
        name = f"{int(time.time()) + seconds}:somebody"
        return name, self._password(name)

    def __enter__(self) -> StunServer:
        listener = Listener(self._serve, at=(LOOPBACK, self.port))
        self.port = listener.address[1]
        self._loop = LoopThread("stun")
        self._loop.spawn(listener.accept())
        try:
            self._loop.run(self._hear())
        except BaseException:
            self._loop.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call(self._datagrams.close)
        self._loop.stop()

    async def _hear(self) -> None:
        """UDP, until the end."""
        server = self

        class Datagrams(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                for answer in server._answers(data, addr, ("udp", addr)):
                    server._datagrams.sendto(answer, addr)

        loop = asyncio.get_running_loop()
        self._datagrams, _ = await loop.create_datagram_endpoint(
            Datagrams, local_addr=(LOOPBACK, self.port)
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection by TCP; an allocation ends with it."""
        who = writer.get_extra_info("peername")
        try:
            while True:
                head = await reader.readexactly(20)
                rest = await reader.readexactly(struct.unpack_from("!H", head, 2)[0])
                for answer in self._answers(head + rest, who, ("tcp", who)):
                    writer.write(answer)
        except (asyncio.IncompleteReadError, OSError):
            pass  # the client's right
        finally:
            self.relays.discard(("tcp", who))
            writer.transport.abort()

    def _answers(self, data: bytes, who: tuple[str, int], key: object) -> list[bytes]:
        kind = struct.unpack_from("!H", data)[0]
        self.asked.append(kind)
        if self.behaviour == "silent" or (self.behaviour == "deaf" and kind == 0x001):
            return []
        if self.behaviour == "garbage":
            return [b"\xff" * 32]
        transaction = data[8:20]
        # somebody's answer to something else comes first
        stray = self._message(kind | 0x100, bytes(12), [(0x0020, _address(who))])
        return [stray, self._answer(kind, transaction, _attributes(data), data, who, key)]

    def _answer(
        self,
        kind: int,
        transaction: bytes,
        told: dict[int, tuple[int, bytes]],
        data: bytes,
        who: tuple[str, int],
        key: object,
    ) -> bytes:
        if kind == 0x001:
            return self._message(0x101, transaction, [(0x0020, _address(who))])
        secret: bytes | None = None
        if self.behaviour != "open":
            if 0x0008 not in told:
                return self._challenge(kind, transaction, 401)
            name = told[0x0006][1].decode()
            nonce = told[0x0015][1]
            if self.behaviour == "stale" and nonce == b"nonce-1":
                return self._challenge(kind, transaction, 438)
            secret = hashlib.md5(f"{name}:{self.realm}:{self._password(name)}".encode()).digest()
            at, signature = told[0x0008]
            signed = data[:2] + struct.pack("!H", at - 20 + 24) + data[4:at]
            ended = int(name.partition(":")[0] or 0) < time.time()
            if ended or not hmac.compare_digest(signature, hmac.digest(secret, signed, "sha1")):
                return self._challenge(kind, transaction, 401)
        if self.behaviour == "full":
            return self._message(0x113, transaction, [(0x0009, _error(486))], secret)
        if self.behaviour == "forged":
            secret = bytes(16)
        if kind == 0x003:
            self.relays.add(key)
            relay = [(0x0016, _address((LOOPBACK, 49152))), (0x000D, struct.pack("!I", 600))]
            return self._message(0x103, transaction, relay, secret)
        if told.get(0x000D, (0, b""))[1] == bytes(4):
            self.relays.discard(key)
        return self._message(0x104, transaction, [(0x000D, bytes(4))], secret)

    def _challenge(self, kind: int, transaction: bytes, number: int) -> bytes:
        self._nonces += 1
        nonce = f"nonce-{self._nonces}".encode()
        told = [(0x0009, _error(number)), (0x0014, self.realm.encode()), (0x0015, nonce)]
        return self._message(kind | 0x110, transaction, told)

    def _password(self, name: str) -> str:
        digest = hmac.digest(self.secret.encode(), name.encode(), "sha1")
        return base64.b64encode(digest).decode()

    @staticmethod
    def _message(
        kind: int, transaction: bytes, told: list[tuple[int, bytes]], secret: bytes | None = None
    ) -> bytes:
        body = b"".join(
            struct.pack("!HH", number, len(value)) + value + bytes(-len(value) % 4)
            for number, value in told
        )
        size = len(body) + (24 if secret is not None else 0)
        whole = struct.pack("!HH", kind, size) + _COOKIE + transaction + body
        if secret is not None:
            whole += struct.pack("!HH", 0x0008, 20) + hmac.digest(secret, whole, "sha1")
        return whole


def _attributes(data: bytes) -> dict[int, tuple[int, bytes]]:
    """Place and value of each attribute."""
    found: dict[int, tuple[int, bytes]] = {}
    at = 20
    while at < len(data):
        number, size = struct.unpack_from("!HH", data, at)
        found.setdefault(number, (at, data[at + 4 : at + 4 + size]))
        at += 4 + size + -size % 4
    return found


def _address(who: tuple[str, int]) -> bytes:
    host = bytes(a ^ b for a, b in zip(socket.inet_aton(who[0]), _COOKIE, strict=True))
    return struct.pack("!BBH", 0, 1, who[1] ^ 0x2112) + host


def _error(number: int) -> bytes:
    return struct.pack("!HBB", 0, number // 100, number % 100) + b"told by the test"
