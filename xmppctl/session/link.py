"""A TCP connection on the event loop that may come under TLS: bytes in, bytes out."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from xmppctl.session.tlschannel import TlsChannel

_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)

_LINGER = 1.0
"""Seconds that the network may take for what is still to be sent at the end."""


class Link(asyncio.Protocol):
    """``on_data(bytes)`` gets what comes in, in clear; ``on_end(error or None)`` the end, once.

    ``tls`` is the TLS layer, None before there is one.
    """

    def __init__(
        self, on_data: Callable[[bytes], None], on_end: Callable[[Exception | None], None]
    ) -> None:
        self.tls: TlsChannel | None = None
        self.lost = asyncio.Event()
        self._on_data = on_data
        self._on_end = on_end
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None
        self._shaking: asyncio.Future[None] | None = None
        self._ended = False
        self._closed = False

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is there (asyncio calls this)."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._socket = transport.get_extra_info("socket")

    def data_received(self, data: bytes) -> None:
        """Bytes arrived (asyncio calls this)."""
        if self._ended:
            return
        if self.tls is None:
            self._on_data(data)
        elif self._shaking is not None:
            self._shake(data)
        else:
            self._decrypt(data)

    def eof_received(self) -> bool:
        """The peer closed the connection (asyncio calls this)."""
        self._end(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone (asyncio calls this)."""
        self.lost.set()
        self._end(exc)

    # --- for the layers above

    @property
    def ssl_object(self) -> ssl.SSLObject | None:
        """The TLS layer for questions about it, None before the end of the handshake."""
        return self.tls.object if self.tls is not None and self.tls.established else None

    async def connect(self, sock: socket.socket) -> None:
        """Take over a connected socket, which the link owns in every case. Raises OSError."""
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, sock=sock)
        except BaseException:
            sock.close()
            raise

    async def start_tls(self, channel: TlsChannel) -> None:
        """Go on inside TLS; ``channel`` may be anywhere in its handshake.

        Raises ssl.SSLError, and ConnectionError where the connection ends meanwhile.
        """
        self._shaking = asyncio.get_running_loop().create_future()
        self.tls = channel
        self._shake(b"")
        try:
            await self._shaking
        finally:
            self._shaking = None
        self._decrypt(b"")  # what came behind the handshake in one piece

    def write(self, data: bytes) -> None:
        """Send. Nothing happens behind the end."""
        if self._ended or self._transport is None:
            return
        if self.tls is None:
            self._transport.write(data)
        else:
            try:
                self.tls.send(data)
            except ssl.SSLError as error:
                self._end(error)
                return
            self._transport.write(self.tls.pending())
        self._acknowledge_at_once()

    def unsent(self) -> int:
        """Bytes that still wait for the network to take them."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def close(self) -> None:
        """Close as soon as everything is sent, without waiting for the peer."""
        if self._transport is None or self._closed:
            return
        self._closed = True
        if self.tls is not None and self.tls.established and not self._ended:
            self.tls.close()
            self._transport.write(self.tls.pending())
        self._ended = True
        self._transport.close()

    async def hang_up(self) -> None:
        """Close, and wait for a moment until the network has taken everything."""
        unsent = self.unsent()
        self.close()
        if unsent:
            # the loop may end behind this: on a slow way the last words would never leave
            with suppress(TimeoutError):
                async with asyncio.timeout(_LINGER):
                    await self.lost.wait()

    def abort(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    # --- inside

    def _shake(self, data: bytes) -> None:
        assert self.tls is not None and self._shaking is not None and self._transport is not None
        try:
            over = self.tls.handshake(data)
        except (ssl.SSLError, ssl.CertificateError, OSError) as error:
            self._transport.write(self.tls.pending())
            self._end(error)
            return
        if pending := self.tls.pending():
            self._transport.write(pending)
        if over:
            self._acknowledge_at_once()
            if not self._shaking.done():
                self._shaking.set_result(None)

    def _decrypt(self, data: bytes) -> None:
        assert self.tls is not None
        try:
            clear = self.tls.receive(data)
        except ssl.SSLError as error:
            self._end(error)
            return
        if self._transport is not None and (pending := self.tls.pending()):
            self._transport.write(pending)
        if clear:
            self._on_data(clear)
        if self.tls.ended:
            self._end(None)

    def _end(self, exc: Exception | None) -> None:
        if self._ended:
            return
        self._ended = True
        if self._shaking is not None and not self._shaking.done():
            self._shaking.set_exception(exc or ConnectionAbortedError())
            return
        self._on_end(exc)

    def _acknowledge_at_once(self) -> None:
        """Linux: let the answer not wait for a delayed TCP ACK.

        A server without TCP_NODELAY holds back its header until what it sent at the end of the
        TLS 1.3 handshake is acknowledged: 40 ms of every login with Prosody 0.12. The kernel
        forgets the wish with every write.
        """
        if _QUICKACK is not None and self._socket is not None:
            with suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
