"""A proxy before a server's port that delays, cuts, mutes, garbles and rewrites.

Transparent by default: TLS goes through untouched, faults count bytes or look for patterns of the
clear part. A pattern must arrive in one piece, as the features, stanzas and TLS records that a
server writes in one go do. ``FaultProxy.intercept`` ends TLS here (direct TLS on both sides, with
a certificate of the run), so that patterns are those of the XML stream.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tests.servers.listen import Listener, close
from tests.servers.loop import LoopThread
from tests.servers.ports import LOOPBACK

if TYPE_CHECKING:
    from tests.servers.base import Server

# first bytes of TLS records (RFC 8446 §5.1): from there on nothing is XML any more
_TLS_RECORDS = frozenset({0x14, 0x15, 0x16, 0x17})
SERVER_HELLO = b"\x16\x03"
STARTTLS_FEATURE = re.compile(rb"<starttls\b[^>]*?(?:/>|>.*?</starttls\s*>)", re.DOTALL)
_SCRAM = re.compile(rb"<mechanism>SCRAM[^<]*</mechanism>")


@dataclass(frozen=True)
class Flow:
    """The faults of one direction; counts are bytes of that direction on one connection.

    ``delay``         seconds that every piece is held back (order is kept)
    ``cut_after``     reset the connection after so many bytes
    ``cut_at``        reset it before this pattern
    ``mute_after``    swallow everything after so many bytes; the connection stays open
    ``mute_at``       swallow this pattern and everything behind it
    ``garble_after``  flip the bits of everything after so many bytes
    ``drop``          take these patterns out of the clear part of the stream
    """

    delay: float = 0.0
    cut_after: int | None = None
    cut_at: bytes | None = None
    mute_after: int | None = None
    mute_at: bytes | None = None
    garble_after: int | None = None
    drop: tuple[re.Pattern[bytes], ...] = ()


def strip_starttls() -> Flow:
    """The downgrade attack of RFC 6120 §13.12: the server seems not to offer STARTTLS."""
    return Flow(drop=(STARTTLS_FEATURE,))


class _Records:
    """Counts the TLS records of one direction that are data by their type (RFC 8446 §5.1)."""

    def __init__(self) -> None:
        self.data = 0
        self._buffer = b""
        self._clear = True

    def feed(self, data: bytes) -> None:
        if self._clear and data[0] not in _TLS_RECORDS:
            return
        self._clear = False
        self._buffer += data
        while len(self._buffer) >= 5:
            end = 5 + int.from_bytes(self._buffer[3:5])
            if len(self._buffer) < end:
                break
            self.data += self._buffer[0] == 0x17
            self._buffer = self._buffer[end:]


class Connection:
    """What passed on one connection; times are ``time.monotonic()``."""

    def __init__(self) -> None:
        self.opened = time.monotonic()
        self.up = bytearray()
        self.down = bytearray()
        # how often the client spoke after it had heard something new
        self.flights = 0
        # how often it was still there to hear what came next: its round trips
        self.waits = 0
        self._heard = True
        self._left = False
        # set when all that the client sent has been counted
        self.ended = threading.Event()
        self._records = _Records()

    def spoke(self, data: bytes) -> None:
        """The client sent this, or nothing more ever."""
        if not data:
            self._left = True
            self.ended.set()
            return
        self._records.feed(data)
        self.flights += self._heard
        self._heard = False

    def sent_up(self, data: bytes) -> None:
        self.up += data

    def sent_down(self, data: bytes) -> None:
        self.down += data
        # the end of the client's handshake (TLS 1.3) is a record of data; what comes before the
        # next one are session tickets, which nobody waits for
        if self._records.data != 1:
            self.waits += not self._heard and not self._left
            self._heard = True


class _Cut(Exception):  # noqa: N818 - not an error: the fault that was asked for
    pass


class _Filter:
    """Applies one Flow to the bytes of one connection."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self._passed = 0
        self._muted = False
        self._held = b""
        self._clear = True

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """What goes on of ``data``, and whether the connection is to be cut behind it."""
        if self._muted:
            return b"", False
        if self.flow.drop and self._clear:
            data = self._rewrite(data)
        cut = False
        if (at := self.flow.cut_at) and at in data:
            data, cut = data[: data.index(at)], True
        if (at := self.flow.mute_at) and at in data:
            data, self._muted = data[: data.index(at)], True
        if (limit := self.flow.cut_after) is not None and self._passed + len(data) >= limit:
            data, cut = data[: limit - self._passed], True
        if (limit := self.flow.mute_after) is not None and self._passed + len(data) >= limit:
            data, self._muted = data[: limit - self._passed], True
        if (limit := self.flow.garble_after) is not None and self._passed + len(data) > limit:
            keep = max(0, limit - self._passed)
            data = data[:keep] + bytes(byte ^ 0xFF for byte in data[keep:])
        self._passed += len(data)
        return data, cut

    def _rewrite(self, data: bytes) -> bytes:
        if not self._held and data[0] in _TLS_RECORDS:
            self._clear = False
            return data
        data = self._held + data
        if not data.rstrip().endswith(b">"):  # in the middle of a tag: the rest is on its way
            self._held = data
            return b""
        self._held = b""
        for pattern in self.flow.drop:
            data = pattern.sub(b"", data)
        return data


class FaultProxy:
    """Listens on ``address`` and forwards to ``upstream``; a context manager.

    ``greeting`` decides what happens to a new connection: ``forward`` it, keep it ``silent``
    (accepted, never answered), ``refuse`` it (closed at once), or answer with ``garbage``.
    ``up`` is the direction from the client to the server. ``connections`` lists what passed.
    """

    def __init__(
        self,
        upstream: tuple[str, int],
        *,
        up: Flow = Flow(),
        down: Flow = Flow(),
        greeting: Literal["forward", "silent", "refuse", "garbage"] = "forward",
    ) -> None:
        self.upstream = upstream
        self.up = up
        self.down = down
        self.greeting = greeting
        self.connections: list[Connection] = []
        self.address = (LOOPBACK, 0)
        self._outer: ssl.SSLContext | None = None
        self._inner: ssl.SSLContext | None = None
        self._name: str | None = None

    @classmethod
    def intercept(cls, server: Server, *, up: Flow = Flow(), down: Flow = Flow()) -> FaultProxy:
        """A proxy that reads the XML stream; to be reached by direct TLS.

        SCRAM is taken out of the offer, for a client that has channel binding and finds no -PLUS
        would tell the server so, and rightly be refused (RFC 5802 §6): PLAIN is left.
        """
        drop = (*down.drop, _SCRAM)
        proxy = cls(server.direct_tls, up=up, down=replace(down, drop=drop))
        proxy._outer = server.certificate.server_context()
        proxy._inner = ssl.create_default_context(cafile=server.ca_file)
        proxy._name = server.domain
        return proxy

    def __enter__(self) -> FaultProxy:
        self._loop = LoopThread("fault-proxy")
        listener = Listener(self._accept, self._outer)
        self.address = listener.address
        self._loop.spawn(listener.accept())
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.stop()

    @property
    def flights(self) -> int:
        """Of the last connection: see ``Connection``."""
        return self.connections[-1].flights

    @property
    def waits(self) -> int:
        """Round trips of the last connection: see ``Connection``."""
        return self.connections[-1].waits

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection()
        self.connections.append(connection)
        with suppress(asyncio.CancelledError, OSError):
            if self.greeting == "forward":
                await self._forward(connection, reader, writer)
            elif self.greeting == "garbage":
                writer.write(bytes(range(128, 256)) * 8)
                await reader.read()
            elif self.greeting == "silent":
                while data := await reader.read(65536):
                    connection.spoke(data)
                    connection.sent_up(data)
        await close(writer)

    async def _forward(
        self, connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        host, port = self.upstream
        far_reader, far_writer = await asyncio.open_connection(host, port)
        pumps: list[asyncio.Task[None]] = []
        try:
            if self._inner is not None:
                await far_writer.start_tls(self._inner, server_hostname=self._name)
            pumps = [
                asyncio.create_task(
                    _pump(reader, far_writer, self.up, connection.sent_up, connection.spoke)
                ),
                asyncio.create_task(_pump(far_reader, writer, self.down, connection.sent_down)),
            ]
            await asyncio.gather(*pumps)
        except _Cut:
            writer.transport.abort()
        finally:
            for pump in pumps:
                pump.cancel()
            try:
                await asyncio.gather(*pumps, return_exceptions=True)
            finally:  # however often this is cancelled
                await close(far_writer)


async def _pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    flow: Flow,
    passed: Callable[[bytes], None],
    arrived: Callable[[bytes], None] = lambda _: None,
) -> None:
    """Carry one direction to its end, every piece ``flow.delay`` seconds late.

    ``arrived`` is told what is read and the end, ``passed`` what goes on.
    """
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    filtered = _Filter(flow)

    async def read() -> None:
        try:
            while data := await reader.read(65536):
                arrived(data)
                queue.put_nowait((time.monotonic() + flow.delay, data))
        finally:  # a connection that was reset comes to an end too
            arrived(b"")
            queue.put_nowait((time.monotonic() + flow.delay, b""))

    async def write() -> None:
        while True:
            due, data = await queue.get()
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            if not data:
                break
            data, cut = filtered.feed(data)
            if data:
                passed(data)
                writer.write(data)
                await writer.drain()
            if cut:
                raise _Cut
        if writer.can_write_eof():
            writer.write_eof()
        else:  # TLS has no half-closed state
            writer.close()

    reading = asyncio.create_task(read())
    try:
        await write()
        await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
