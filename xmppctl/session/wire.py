"""One XML stream in both directions: elements in order, out and in (RFC 6120 §4).

``Wire`` is all that the layers above know of a transport; ``TcpWire`` and its siblings for
WebSocket and BOSH carry the elements.
"""

from __future__ import annotations

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import ClassVar
from xml.etree.ElementTree import Element

from xmppctl.errors import ConnectError, DeadlineError, UsageError, XmppctlError
from xmppctl.session.conditions import stream_error
from xmppctl.session.trace import Trace
from xmppctl.session.xml import FOOTER, NS_STREAM, XmlError, serialise

STREAM_ERROR = f"{{{NS_STREAM}}}error"
FEATURES = f"{{{NS_STREAM}}}features"

_WAITING_FOR = {
    "starttls": "the offer of STARTTLS",
    "tls": "the TLS handshake",
    "stream": "the stream features",
    "auth": "the answer to the login",
    "bind": "the resource",
    "close": "the end of the stream",
}
"""What the server owes at each step, in words."""


class Wire(ABC):
    """A stream in both directions.

    Elements wait in a queue for ``receive`` until ``deliver`` names who gets them at once.
    After the end every call raises the error that tells why; ``ended_by_peer`` is set where it was
    a stream error (RFC 6120 §4.9).

    ``place``: host, address, port and direct TLS of a TCP connection, for the next run.

    A transport implements ``_opening``, ``_put``, ``_footer``, ``_hang_up``, ``abort`` and
    ``ssl_object``, and calls ``_header_came``, ``_element_came``, ``_footer_came`` and ``_end``.
    """

    transport: ClassVar[str]
    """Its name: tcp, websocket, bosh."""

    speaks_first: ClassVar[bool] = True
    """Whether elements may follow the stream's opening without waiting for the peer's."""

    in_order: ClassVar[bool] = True
    """Whether the end of the stream comes behind all answers that the server had made before it."""

    def __init__(self, trace: Trace, peer: str) -> None:
        self.trace = trace
        self.peer = peer
        self.place: tuple[str, str, int, bool] | None = None
        self.header: dict[str, str] = {}
        self.error: XmppctlError | None = None
        self.closing = False
        self.ended_by_peer = False
        self._shut = False
        self._open = False
        self._gathered: list[str] | None = None
        self._queue: deque[Element] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._on_element: Callable[[Element], None] | None = None
        self._on_end: Callable[[XmppctlError], None] | None = None
        self._footer_seen = False

    # --- what a transport has to do

    @property
    @abstractmethod
    def ssl_object(self) -> ssl.SSLObject | None:
        """The TLS layer, None before there is one."""

    @abstractmethod
    def _opening(self, to: str, sender: str | None) -> str:
        """Get ready for a new stream; what ``_put`` is to send for its opening."""

    @abstractmethod
    def _put(self, parts: Sequence[str]) -> None:
        """Send openings, elements and footers, each a string of its own, in one flight."""

    @abstractmethod
    def _footer(self) -> str:
        """What ``_put`` is to send for the end of the stream."""

    @abstractmethod
    async def _hang_up(self) -> None:
        """Close the connection, once, as soon as what was put is sent."""

    @abstractmethod
    def abort(self) -> None:
        """Drop the connection."""

    # --- what the layers above use

    def open(self, to: str, sender: str | None = None) -> None:
        """Open the stream, or open it anew after STARTTLS and SASL."""
        self._queue.clear()
        self._open = True
        opening = self._opening(to, sender)
        self.trace.sent(opening)
        self._send([opening])

    def send(self, *items: Element | str) -> None:
        """Send elements (or text already made) in one flight.

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
        self._send(texts)

    def gather(self) -> None:
        """From here on keep what is to be sent, until the event loop has its turn or ``flush``."""
        if self._gathered is None:
            self._gathered = []
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Send what was gathered."""
        parts, self._gathered = self._gathered, None
        if parts and self.error is None:
            self._put(parts)

    def _send(self, parts: list[str]) -> None:
        if self._gathered is not None:
            self._gathered += parts
        else:
            self._put(parts)

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

    async def close(self, timeout: float | None) -> None:
        """Close the stream; with ``timeout`` wait that long for the peer to close it too.

        Raises, only with ``timeout``, DeadlineError (step "close") where the peer stays silent and
        what ended the stream where that was not the peer's footer: then nobody knows what of the
        last things sent was processed.
        """
        if self._shut:
            return
        self._shut = True
        try:
            if self.error is None and self._open:
                self.closing = True
                footer = self._footer()
                self.trace.sent(footer)
                self._send([footer])
                self.flush()
                if timeout is not None:
                    await self._wait_for_footer(timeout)
            elif timeout is not None and self.error is not None:
                raise self.error
        finally:
            await self._hang_up()

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

    def _header_came(self, attributes: dict[str, str]) -> None:
        self.trace.received("<stream:stream>")
        self.header = attributes

    def _element_came(self, element: Element) -> None:
        if self.error is not None:  # behind a stream error nothing counts any more
            return
        self.trace.received(element)
        if element.tag == STREAM_ERROR:
            self.ended_by_peer = True
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
