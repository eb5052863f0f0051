"""One XML stream over TCP and TLS: bytes of a transport in, elements in order out (RFC 6120 §4).

``Wire`` is all that the layers above know of a transport. Whoever brings another one (WebSocket,
BOSH) offers the same methods.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from xml.etree.ElementTree import Element

from xmppctl.errors import ConnectError, DeadlineError, TlsError, UsageError, XmppctlError
from xmppctl.session.conditions import stream_error
from xmppctl.session.tlserror import broken_tls
from xmppctl.session.trace import Trace
from xmppctl.session.xml import FOOTER, NS_STREAM, StreamParser, XmlError, header, serialise

STREAM_ERROR = f"{{{NS_STREAM}}}error"
FEATURES = f"{{{NS_STREAM}}}features"

_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)

_LINGER = 1.0
"""Seconds that a TLS closing handshake may take in the background, and what is still to be sent."""

_WAITING_FOR = {
    "starttls": "the offer of STARTTLS",
    "tls": "the TLS handshake",
    "stream": "the stream features",
    "auth": "the answer to the login",
    "bind": "the resource",
    "close": "the end of the stream",
}
"""What the server owes at each step, in words."""


class Wire(asyncio.Protocol):
    """A stream in both directions.

    Elements wait in a queue for ``receive`` until ``deliver`` names who gets them at once.
    After the end every call raises the error that tells why. ``ssl_object`` is the TLS layer, None
    before there is one.
    """

    def __init__(self, trace: Trace, peer: str) -> None:
        self.trace = trace
        self.peer = peer
        self.header: dict[str, str] = {}
        self.error: XmppctlError | None = None
        self.closing = False
        self.ssl_object: ssl.SSLObject | None = None
        self._shut = False
        self._transport: asyncio.Transport | None = None
        self._tcp: asyncio.Transport | None = None
        self._lost = asyncio.Event()
        self._socket: Any = None
        self._parser: StreamParser | None = None
        self._queue: deque[Element] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._on_element: Callable[[Element], None] | None = None
        self._on_end: Callable[[XmppctlError], None] | None = None
        self._securing = False
        self._name = ""
        self._footer_seen = False

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is there (asyncio calls this)."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._tcp = self._tcp or transport
        self._socket = transport.get_extra_info("socket")

    def data_received(self, data: bytes) -> None:
        """Bytes arrived (asyncio calls this)."""
        if self.error is not None:
            return
        if self._securing:
            self._end(self._injected())
            return
        try:
            if self._parser is None:
                raise XmlError("it speaks before it is spoken to")
            self._parser.feed(data)
        except XmlError as error:
            self._end(
                ConnectError(
                    f"{self.peer} does not speak XMPP as it should ({error})",
                    step=self.trace.step,
                    condition="not-well-formed",
                    by=self.peer,
                )
            )

    def eof_received(self) -> bool:
        """The peer closed the connection (asyncio calls this)."""
        self._end(self._closed())
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone (asyncio calls this)."""
        self._lost.set()
        # under TLS 1.3 a server refuses a client certificate after the client's last message
        if isinstance(exc, ssl.SSLError):
            self._end(broken_tls(exc, self.peer, self._name, self.trace.step))
        self._end(self._closed(exc))

    # --- what the layers above use

    def open(self, to: str, sender: str | None = None) -> None:
        """Open the stream, or open it anew after STARTTLS and SASL."""
        self._parser = StreamParser(self._header_came, self._element_came, self._footer_came)
        self._queue.clear()
        self.write(header(to, sender))

    def send(self, *items: Element | str) -> None:
        """Send elements (or text already made) in one write.

        Raises UsageError for text that XML cannot carry, before anything is sent, and the error
        that ended the stream.
        """
        try:
            texts = [item if isinstance(item, str) else serialise(item) for item in items]
        except XmlError as error:
            raise UsageError(
                f"{error}: nothing was sent", step=self.trace.step, condition="not-well-formed"
            ) from None
        if self.error is not None:
            raise self.error
        for item in items:
            self.trace.sent(item)
        self._write("".join(texts))

    def write(self, text: str) -> None:
        """Send text that is not an element: the stream's header or footer."""
        self.trace.sent(text)
        self._write(text)

    async def receive(self, timeout: float, step: str) -> Element:
        """The next element.

        Raises DeadlineError after ``timeout`` seconds of silence, or what ended the stream.
        """
        await self.ready(timeout, step)
        return self._queue.popleft()

    async def ready(self, timeout: float, step: str) -> None:
        """Wait until an element is there, without taking it. Raises as ``receive``."""
        if not self._queue and self.error is None:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout):
                    await self._waiter
            except TimeoutError:
                raise self.silence(timeout, step) from None
            finally:
                self._waiter = None
        if not self._queue:
            assert self.error is not None
            raise self.error

    async def features(self, timeout: float, step: str) -> Element:
        """The stream features, which are the first element of a stream (RFC 6120 §4.3.2)."""
        element = await self.receive(timeout, step)
        if element.tag != FEATURES:
            raise ConnectError(
                f"{self.peer} sent no stream features",
                step=step,
                condition="no-stream-features",
                by=self.peer,
            )
        return element

    def deliver(
        self, on_element: Callable[[Element], None], on_end: Callable[[XmppctlError], None]
    ) -> None:
        """From now on each element goes to ``on_element`` as it comes, in order."""
        self._on_element, self._on_end = on_element, on_end
        while self._queue:
            on_element(self._queue.popleft())
        if self.error is not None:
            on_end(self.error)

    async def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Go on inside TLS (RFC 6120 §5, XEP-0368); the stream has to be opened anew afterwards.

        Raises what asyncio raises (ssl.SSLError, ConnectionError, OSError), and TlsError for data
        behind <proceed/>.
        """
        assert self._transport is not None
        self._parser, self._name = None, name
        if self.error is not None:
            raise self.error
        if self._queue:
            raise self._injected()
        self._securing = True
        transport = await asyncio.get_running_loop().start_tls(
            self._transport,
            self,
            context,
            server_hostname=name,
            ssl_shutdown_timeout=_LINGER,
        )
        if transport is None:
            raise ConnectionAbortedError
        self._transport, self._securing = transport, False
        self.ssl_object = transport.get_extra_info("ssl_object")
        if self.error is not None:
            raise self.error

    async def close(self, timeout: float | None) -> None:
        """Close the stream; with ``timeout`` wait that long for the peer to close it too.

        Raises, only with ``timeout``, DeadlineError (step "close") where the peer stays silent and
        what ended the stream where that was not the peer's footer: then nobody knows what of the
        last things sent was processed.
        """
        if self._transport is None or self._shut:
            return
        self._shut = True  # asyncio's TLS transport may not be closed twice
        try:
            if self.error is None and self._parser is not None:
                self.closing = True
                self.write(FOOTER)
                if timeout is not None:
                    await self._wait_for_footer(timeout)
            elif timeout is not None and self.error is not None:
                raise self.error
        finally:
            unsent = self._unsent()
            self._transport.close()
        if unsent:
            # the loop may end behind this: on a slow way the footer would never leave
            with suppress(TimeoutError):
                async with asyncio.timeout(_LINGER):
                    await self._lost.wait()

    def abort(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def fail(self, error: XmppctlError) -> None:
        """The peer broke a rule: ``error`` is the end of the stream."""
        self._end(error)
        self.abort()

    def silence(self, timeout: float, step: str) -> DeadlineError:
        """What to raise when nothing came for ``timeout`` seconds."""
        owed = _WAITING_FOR.get(step)
        waiting = f" (waiting for {owed})" if owed else ""
        login = owed and step != "close"  # the shorter of the two holds
        options = "--connect-timeout and --timeout give" if login else "--timeout gives"
        return DeadlineError(
            f"no answer from {self.peer} within {timeout:g} s{waiting}",
            step=step,
            condition="timeout",
            by=self.peer,
            hint=f"{options} it longer",
        )

    async def _wait_for_footer(self, timeout: float) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout):
                while not self._footer_seen:
                    if self.error is not None:
                        raise self.error
                    await self._waiter
                    self._waiter = asyncio.get_running_loop().create_future()
        except TimeoutError:
            self.abort()
            raise self.silence(timeout, "close") from None
        finally:
            self._waiter = None

    def _unsent(self) -> int:
        """Bytes that still wait for the network to take them."""
        layers = {id(each): each for each in (self._tcp, self._transport) if each is not None}
        return sum(each.get_write_buffer_size() for each in layers.values())

    def _write(self, text: str) -> None:
        assert self._transport is not None
        self._transport.write(text.encode())
        self._acknowledge_at_once()

    def _acknowledge_at_once(self) -> None:
        """Linux: let the answer not wait for a delayed TCP ACK.

        A server without TCP_NODELAY holds back its header until what it sent at the end of the
        TLS 1.3 handshake is acknowledged: 40 ms of every login with Prosody 0.12. The kernel
        forgets the wish with every write.
        """
        if _QUICKACK is not None and self._socket is not None:
            with suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def _header_came(self, attributes: dict[str, str]) -> None:
        self.trace.received("<stream:stream>")
        self.header = attributes

    def _element_came(self, element: Element) -> None:
        if self.error is not None:  # behind a stream error nothing counts any more
            return
        self.trace.received(element)
        if element.tag == STREAM_ERROR:
            self._end(stream_error(element, self.peer, self.trace.step))
        elif self._on_element is not None:
            self._on_element(element)
        else:
            self._queue.append(element)
            self._wake()

    def _footer_came(self) -> None:
        self.trace.received(FOOTER)
        self._footer_seen = True
        if not self.closing:
            self._end(self._closed())
        self._wake()

    def _closed(self, exc: Exception | None = None) -> ConnectError:
        reason = f" ({exc.strerror.lower()})" if isinstance(exc, OSError) and exc.strerror else ""
        return ConnectError(
            f"{self.peer} closed the connection{reason}",
            step=self.trace.step,
            condition="connection-closed",
            by=self.peer,
        )

    def _injected(self) -> TlsError:
        """Data in clear behind <proceed/> would be taken for a part of the protected stream."""
        return TlsError(
            f"{self.peer} sent data in clear where TLS has to begin",
            step="tls",
            condition="unexpected-data",
            by=self.peer,
            hint="somebody on the way may have put it there; try --tls direct",
        )

    def _end(self, error: XmppctlError) -> None:
        if self.error is not None:
            return
        self.error = error
        if self._on_end is not None:
            self._on_end(error)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
