"""XEP-0047: In-Band Bytestreams, one way each: blocks in requests, every one acknowledged."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError
from xmppctl.protocol import Xep
from xmppctl.protocol.jingle.transports import Ibb
from xmppctl.session.responder import RefusalError

XEPS = (Xep("0047", "2.0.1", "partial", "of Jingle sessions, in requests"),)

NS = "http://jabber.org/protocol/ibb"
OPEN, DATA, CLOSE = (f"{{{NS}}}{name}" for name in ("open", "data", "close"))

_SEQUENCE = 65536

Ask = Callable[[Element], Awaitable[object]]
"""Sends the payload of a request to the peer and waits for the result."""


class Incoming:
    """The bytes of one bytestream, as they come; what does not fit ends it (§2.2)."""

    def __init__(self, transport: Ibb) -> None:
        self._transport = transport
        self._blocks: asyncio.Queue[bytes] = asyncio.Queue()
        self._opened = False
        self._closed = False
        self._sequence = 0
        self._broken: str | None = None

    @property
    def closed(self) -> bool:
        """Whether nothing comes any more."""
        return self._closed

    def open(self, element: Element) -> None:
        """``<open/>``. Raises RefusalError."""
        if self._opened:
            raise RefusalError("unexpected-request", "cancel")
        size = (element.get("block-size") or "").strip()
        if not size.isascii() or not size.isdigit() or not 0 < int(size[:9]) <= 65535:
            raise RefusalError("bad-request", "modify")
        if int(size) > self._transport.block_size:
            raise RefusalError("resource-constraint", "modify")
        if element.get("stanza", "iq") != "iq":
            raise RefusalError("not-acceptable")
        self._opened = True

    def data(self, element: Element) -> None:
        """``<data/>``. Raises RefusalError."""
        if not self._opened or self._closed:
            raise RefusalError("item-not-found")
        if element.get("seq", "") != str(self._sequence):
            raise self._break("a block is missing, or came twice", "unexpected-request")
        try:
            block = binascii.a2b_base64((element.text or "").encode("ascii"), strict_mode=True)
        except (binascii.Error, ValueError):
            raise self._break("a block is no base64", "bad-request") from None
        if len(element) or len(block) > self._transport.block_size:
            raise self._break("a block is too large", "bad-request")
        self._sequence = (self._sequence + 1) % _SEQUENCE
        if block:
            self._blocks.put_nowait(block)

    def close(self) -> None:
        """``<close/>``. Raises RefusalError."""
        if self._closed:
            raise RefusalError("item-not-found")
        self._finish()

    def _break(self, why: str, condition: str) -> RefusalError:
        self._broken = why
        self._finish()
        return RefusalError(condition, "cancel")

    def _finish(self) -> None:
        self._closed = True
        self._blocks.put_nowait(b"")

    async def read(self) -> bytes:
        """The next bytes, none at the end. Raises RefusedError where the bytestream broke."""
        block = await self._blocks.get()
        if not block:
            self._blocks.put_nowait(b"")
            if self._broken is not None:
                raise RefusedError(
                    f"the bytestream broke: {self._broken}",
                    step="transfer",
                    condition="malformed-data",
                )
        return block


class Outgoing:
    """Writes one bytestream: ``ask`` sends each block, and gives when the peer has it."""

    def __init__(self, transport: Ibb, ask: Ask) -> None:
        self._transport = transport
        self._ask = ask
        self._sequence = 0
        self._opened = False
        self._rest = b""

    async def open(self) -> None:
        """Open it, with the block size that was agreed upon (XEP-0261 §2.2)."""
        attributes = {
            "block-size": str(self._transport.block_size),
            "sid": self._transport.sid,
            "stanza": "iq",
        }
        await self._ask(Element(OPEN, attributes))
        self._opened = True

    async def write(self, data: bytes) -> None:
        """Send the bytes, in whole blocks; what is less than one waits for more."""
        size = self._transport.block_size
        data = self._rest + data
        whole = len(data) - len(data) % size
        self._rest = data[whole:]
        for start in range(0, whole, size):
            await self._block(data[start : start + size])

    async def close(self) -> None:
        """Send what is left, and close it."""
        if self._rest:
            rest, self._rest = self._rest, b""
            await self._block(rest)
        if self._opened:
            self._opened = False
            await self._ask(Element(CLOSE, {"sid": self._transport.sid}))

    async def _block(self, data: bytes) -> None:
        element = Element(DATA, {"seq": str(self._sequence), "sid": self._transport.sid})
        element.text = base64.b64encode(data).decode("ascii")
        self._sequence = (self._sequence + 1) % _SEQUENCE
        await self._ask(element)
