"""A server that a test writes as a script: for what a real server would never send.

    async def script(conn):
        await conn.login()                 # STARTTLS, any password, a bound resource
        request = await conn.recv()
        conn.send(f"<iq type='result' id='{request.get('id')}' from='evil.test'/>")

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        xmppctl("ping", jid="alice@fake.test", connect=fake.address, ...)

The script runs once per connection. When it returns, the stream is closed. What it raises (other
than the client's going away) is raised again when the ``with`` block is left.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Literal
from xml.etree.ElementTree import Element, ParseError, tostring
from xml.sax.saxutils import escape, quoteattr

from tests.peers.stream import BIND, CLIENT, SASL, STANZAS, STREAMS, TLS, StreamClosed, StreamParser
from tests.servers.ca import Certificate
from tests.servers.listen import Listener, close
from tests.servers.loop import LoopThread
from tests.servers.ports import LOOPBACK

_STARTTLS = f"<starttls xmlns='{TLS}'><required/></starttls>"
_HEADER = re.compile(rb"<\?xml|<stream:stream")
_BIND = f"<bind xmlns='{BIND}'/>"


class FakeConnection:
    """One client of the fake server; every wait is bounded by ``timeout`` seconds."""

    def __init__(
        self,
        server: FakeServer,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.server = server
        self.domain = server.domain
        self.timeout = 10.0
        self.jid: str | None = None
        self.username: str | None = None
        self.password: str | None = None
        self.received: list[Element] = []
        self._reader = reader
        self._writer = writer
        self._parser = StreamParser()
        self._pending: deque[Element] = deque()
        self._early = b""
        self._streams = 0

    # --- the steps of a login, to be used whole or one by one ---------------------------------

    async def login(self, features: str = "") -> str:
        """Everything up to a bound resource; ``features`` are added to those after SASL.

        Returns the full JID. The password is accepted whatever it is; see ``password``.
        """
        if self.server.tls == "starttls":
            await self.starttls()
        await self.authenticate()
        return await self.bind(features)

    async def stream_features(self, features: str) -> dict[str, str]:
        """Await the client's stream header, answer it, send ``features``; the header."""
        header = await self.header()
        self.send_header()
        self.send(f"<stream:features>{features}</stream:features>")
        return header

    async def header(self) -> dict[str, str]:
        """Await a stream header: the first of a new stream."""
        self._parser, self._pending = StreamParser(), deque()
        data, self._early = self._early, b""
        while True:
            self._feed(data)
            if self._parser.header is not None:
                return self._parser.header
            data = await self._read()

    def send_header(
        self, *, domain: str | None = None, ident: str | None = None, namespace: str = CLIENT
    ) -> None:
        """Send a stream header."""
        self._streams += 1
        self.send(
            f"<?xml version='1.0'?><stream:stream xmlns='{namespace}' xmlns:stream='{STREAMS}' "
            f"version='1.0' from={quoteattr(domain or self.domain)} "
            f"id={quoteattr(ident or f'fake-{self._streams}')}>"
        )

    async def starttls(self, *, proceed: bool = True) -> None:
        """Offer STARTTLS, await the request, answer, and do the TLS handshake."""
        await self.stream_features(_STARTTLS)
        await self.expect(f"{{{TLS}}}starttls")
        if not proceed:
            self.send(f"<failure xmlns='{TLS}'/>")
            return
        self.send(f"<proceed xmlns='{TLS}'/>")
        await self.handshake()

    @property
    def namespace(self) -> str:
        """The namespace of the stanzas of the stream."""
        return self._parser.namespace

    @property
    def waiting(self) -> tuple[Element, ...]:
        """What came already and has not been asked for: with the stream header, for example."""
        return tuple(self._pending)

    async def handshake(self) -> None:
        """The server's half of a TLS handshake, with the certificate of the fake server."""
        context = self.server.certificate.server_context()
        await asyncio.wait_for(self._writer.start_tls(context), self.timeout)

    async def authenticate(
        self, mechanisms: tuple[str, ...] = ("PLAIN",), *, failure: str | None = None
    ) -> None:
        """Offer ``mechanisms``; accept PLAIN, or refuse with the condition ``failure``."""
        offer = "".join(f"<mechanism>{name}</mechanism>" for name in mechanisms)
        await self.stream_features(f"<mechanisms xmlns='{SASL}'>{offer}</mechanisms>")
        request = await self.expect(f"{{{SASL}}}auth")
        if request.get("mechanism") == "PLAIN":
            parts = base64.b64decode(request.text or "").decode().split("\0")
            self.username, self.password = parts[-2:]
        if failure is None:
            self.send(f"<success xmlns='{SASL}'/>")
        else:
            self.send(f"<failure xmlns='{SASL}'><{failure}/></failure>")

    async def bind(self, features: str = "") -> str:
        """The restarted stream and resource binding; the full JID."""
        await self.stream_features(_BIND + features)
        request = await self.expect(f"{{{CLIENT}}}iq")
        resource = request.findtext(f".//{{{BIND}}}resource") or "fake"
        self.jid = f"{self.username or 'user'}@{self.domain}/{resource}"
        self.result(request, f"<bind xmlns='{BIND}'><jid>{escape(self.jid)}</jid></bind>")
        return self.jid

    # --- stanzas ------------------------------------------------------------------------------

    def send(self, xml: str | bytes) -> None:
        """Send ``xml`` as it is."""
        self._writer.write(xml.encode() if isinstance(xml, str) else xml)

    async def recv(self, timeout: float | None = None) -> Element:
        """The next first-level element; raises TimeoutError or StreamClosed."""
        while not self._pending:
            if self._parser.closed:
                raise StreamClosed("the client closed the stream")
            self._feed(await self._read(timeout))
        element = self._pending.popleft()
        self.received.append(element)
        self.server.received.append(element)
        return element

    async def expect(self, tag: str, timeout: float | None = None) -> Element:
        """The next element, which must have this tag (``{namespace}name``)."""
        element = await self.recv(timeout)
        if element.tag != tag:
            raise AssertionError(
                f"expected {tag}, the client sent {tostring(element, encoding='unicode')}"
            )
        return element

    async def request(self, payload: str, timeout: float | None = None) -> Element:
        """The next IQ request with a child of this tag; any other request gets a plain error."""
        while True:
            element = await self.recv(timeout)
            if element.tag != f"{{{CLIENT}}}iq" or element.get("type") not in ("get", "set"):
                continue
            if element.find(payload) is not None:
                return element
            self.error(element, "service-unavailable")

    def result(self, request: Element, payload: str = "", **attributes: str) -> None:
        """Answer an IQ request; ``attributes`` (``from_``) replace those of a correct answer."""
        self._answer(request, "result", payload, attributes)

    def error(
        self, request: Element, condition: str, type: str = "cancel", text: str = "", by: str = ""
    ) -> None:
        """Answer a stanza with a stanza error (RFC 6120 §8.3)."""
        told = f"<text xmlns='{STANZAS}'>{escape(text)}</text>" if text else ""
        origin = f" by={quoteattr(by)}" if by else ""
        body = f"<error type='{type}'{origin}><{condition} xmlns='{STANZAS}'/>{told}</error>"
        self._answer(request, "error", body, {})

    def stream_error(self, condition: str, text: str = "") -> None:
        """End the stream with a stream error (RFC 6120 §4.9)."""
        ns = "urn:ietf:params:xml:ns:xmpp-streams"
        told = f"<text xmlns='{ns}'>{escape(text)}</text>" if text else ""
        self.send(f"<stream:error><{condition} xmlns='{ns}'/>{told}</stream:error>")
        self.send("</stream:stream>")

    async def until_closed(self, timeout: float | None = None) -> None:
        """Take what comes, answer nothing, until the client closes the stream."""
        try:
            while True:
                await self.recv(timeout)
        except StreamClosed:
            return

    def abort(self) -> None:
        """Reset the TCP connection."""
        self._writer.transport.abort()

    def _answer(
        self, request: Element, type: str, payload: str, attributes: dict[str, str]
    ) -> None:
        known = {
            "type": type,
            "id": request.get("id", ""),
            "from": request.get("to", self.domain),
            "to": self.jid or "",
            **{name.rstrip("_"): value for name, value in attributes.items()},
        }
        text = " ".join(f"{name}={quoteattr(value)}" for name, value in known.items() if value)
        name = request.tag.rpartition("}")[2]
        self.send(f"<{name} {text}>{payload}</{name}>")

    def _feed(self, data: bytes) -> None:
        # a client that pipelines sends the header of the next stream behind what ends this one
        begin = 0
        if self._parser.header is None:
            begin = data.find(b"<stream:stream") + 1
        following = _HEADER.search(data, begin) if begin or self._parser.header else None
        if following is not None:
            data, self._early = data[: following.start()], data[following.start() :]
        self._pending.extend(self._parser.feed(data))

    async def _read(self, timeout: float | None = None) -> bytes:
        limit = self.timeout if timeout is None else timeout
        data = await asyncio.wait_for(self._reader.read(65536), limit)
        if not data:
            raise StreamClosed("the client closed the connection")
        return data


class FakeServer:
    """Listens on ``address`` as ``domain`` with ``certificate``; see the module's example.

    ``tls``: ``starttls``, ``direct``, or ``none`` for a script that begins in clear. ``at``: host
    and port to listen on.
    ``received`` lists the elements of all connections in order, ``connections`` counts
    those that came so far as to reach the script.
    """

    def __init__(
        self,
        domain: str,
        certificate: Certificate,
        script: Callable[[FakeConnection], Awaitable[None]],
        *,
        tls: Literal["starttls", "direct", "none"] = "starttls",
        at: tuple[str, int] = (LOOPBACK, 0),
    ) -> None:
        self.domain = domain
        self.certificate = certificate
        self.script = script
        self.tls = tls
        self.received: list[Element] = []
        self.connections = 0
        self.errors: list[BaseException] = []
        self.address = at

    def __enter__(self) -> FakeServer:
        self._loop = LoopThread("fake-server")
        context = self.certificate.server_context() if self.tls == "direct" else None
        listener = Listener(self._accept, context, self.address)
        self.address = listener.address
        self._loop.spawn(listener.accept())
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._loop.stop()
        if kind is None and self.errors:
            raise self.errors[0]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.script(FakeConnection(self, reader, writer))
            if not writer.is_closing():
                writer.write(b"</stream:stream>")
        except (StreamClosed, OSError, ParseError, asyncio.CancelledError):
            pass  # the client went away, which is its right (a bad certificate, for example)
        except Exception as error:
            self.errors.append(error)
        await close(writer)
