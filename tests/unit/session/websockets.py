"""A WebSocket wire without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.servers.websocket import OPEN, TEXT, accepted, frame, frames
from tests.unit.session.streams import Transport
from xmppctl.session.link import Link
from xmppctl.session.trace import Trace
from xmppctl.session.weblink import endpoint
from xmppctl.session.websocket import WebSocketWire


class Writes(Transport):
    """Keeps each write of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        super().write(data)
        self.writes.append(bytes(data))

    def sent(self) -> list[tuple[int, bytes]]:
        """The frames since the last look."""
        found, rest = frames(self.written)
        assert not rest
        self.written = b""
        self.writes.clear()
        return found

    def messages(self) -> list[str]:
        """The messages since the last look."""
        return [text.decode() for opcode, text in self.sent() if opcode == TEXT]


def bare_wire(url: str = "wss://host:1/ws?a=b") -> tuple[WebSocketWire, Writes]:
    """A wire on a connection that is no WebSocket yet."""
    wire, transport = WebSocketWire(Trace(), endpoint(url)), Writes()
    wire.link = Link(wire._data_came, wire._link_ended)
    wire.link.connection_made(transport)
    return wire, transport


def accept(request: str, **headers: str | None) -> bytes:
    """A good answer to the request, with other ``headers`` (None: left out)."""
    key = next(
        line.split(": ")[1]
        for line in request.split("\r\n")
        if line.lower().startswith("sec-websocket-key:")
    )
    return accepted(key, **headers)


async def upgraded(
    answer: Callable[[str], bytes] = accept, more: bytes = b""
) -> tuple[WebSocketWire, Writes]:
    """A wire on a WebSocket; ``answer`` makes the server's answer of the request."""
    wire, transport = bare_wire()
    task = asyncio.ensure_future(wire.upgrade())
    await asyncio.sleep(0)
    assert wire.link is not None
    wire.link.data_received(answer(transport.text) + more)
    await task
    return wire, transport


async def opened() -> tuple[WebSocketWire, Writes]:
    """A wire whose stream is open in both directions."""
    wire, transport = await upgraded()
    wire.open("fake.test")
    come(wire, OPEN)
    transport.sent()
    return wire, transport


def come(wire: WebSocketWire, *messages: str) -> None:
    """Messages of the server come in, in one piece."""
    assert wire.link is not None
    wire.link.data_received(b"".join(map(frame, messages)))


def data(wire: WebSocketWire, *pieces: bytes) -> None:
    """Bytes come in, one piece after the other."""
    assert wire.link is not None
    for piece in pieces:
        wire.link.data_received(piece)
