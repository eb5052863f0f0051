"""A synchronous raw XML client and component: what is written is sent as it is, byte for byte.

TLS is verified against the authority of the run. Meant for the odd stanzas that a library would
not send, and for reading exactly what a server sends.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self
from xml.etree.ElementTree import Element, tostring
from xml.sax.saxutils import escape, quoteattr

from tests.peers.stream import BIND, CLIENT, SASL, STREAMS, TLS, StreamClosed, StreamParser

if TYPE_CHECKING:
    from tests.servers.base import Account, Server


class RawStream:
    """A TCP connection with an XML stream on it; every read is bounded by ``timeout`` seconds."""

    namespace = CLIENT

    def __init__(self, domain: str, address: tuple[str, int], timeout: float = 10.0) -> None:
        self.domain = domain
        self.address = address
        self.timeout = timeout
        # the 'from' of the stream header
        self.sender: str | None = None
        self._socket: socket.socket | None = None
        self._parser = StreamParser()
        self._pending: deque[Element] = deque()
        self._ids = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> None:
        """Open the TCP connection."""
        self._socket = socket.create_connection(self.address, self.timeout)

    @property
    def header(self) -> str:
        """The stream header of this side, for a test that sends more together with it."""
        sender = "" if self.sender is None else f" from={quoteattr(self.sender)}"
        return (
            f"<?xml version='1.0'?><stream:stream to={quoteattr(self.domain)}{sender} "
            f"version='1.0' xmlns='{self.namespace}' xmlns:stream='{STREAMS}'>"
        )

    def open_stream(self, behind: str = "") -> None:
        """Send a stream header, and what is to go right ``behind`` it in the same write.

        What was read of an earlier stream is forgotten.
        """
        self._parser = StreamParser()
        self._pending.clear()
        self.send(self.header + behind)

    def send(self, xml: str | bytes) -> None:
        """Send ``xml`` as it is."""
        self._live().sendall(xml.encode() if isinstance(xml, str) else xml)

    def recv(self, timeout: float | None = None) -> Element:
        """The next first-level element.

        Raises TimeoutError, and StreamClosed with the stream error if there was one.
        """
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not self._pending:
            self._read(deadline)
        element = self._pending.popleft()
        if element.tag == f"{{{STREAMS}}}error":
            raise StreamClosed(tostring(element, encoding="unicode"))
        return element

    def raw_until_closed(self) -> str:
        """What comes until the other side closes the connection, unparsed; raises TimeoutError."""
        connection = self._live()
        text = b""
        while data := connection.recv(65536):
            text += data
        return text.decode()

    def expect(self, predicate: Callable[[Element], bool], timeout: float | None = None) -> Element:
        """The next element that ``predicate`` accepts; what comes before it is dropped."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            element = self.recv(max(0.0, deadline - time.monotonic()))
            if predicate(element):
                return element

    def iq(self, payload: str, *, type: str = "get", to: str | None = None) -> Element:
        """Send a request and return its answer, result or error."""
        ident = f"raw-{next(self._ids)}"
        address = "" if to is None else f" to={quoteattr(to)}"
        self.send(f"<iq type='{type}' id='{ident}'{address}>{payload}</iq>")
        tag = f"{{{self.namespace}}}iq"
        return self.expect(
            lambda e: e.tag == tag and e.get("id") == ident and e.get("type") in ("result", "error")
        )

    def close(self) -> None:
        """Close the stream (without waiting for the other side) and the connection."""
        if self._socket is None:
            return
        with suppress(OSError):
            self.send("</stream:stream>")
        self._socket.close()
        self._socket = None

    def wait_header(self) -> dict[str, str]:
        """The attributes of the stream header of the other side."""
        deadline = time.monotonic() + self.timeout
        while self._parser.header is None:
            self._read(deadline)
        return self._parser.header

    def _live(self) -> socket.socket:
        if self._socket is None:
            raise StreamClosed("not connected")
        return self._socket

    def _read(self, deadline: float) -> None:
        if self._parser.closed:
            raise StreamClosed("the stream was closed")
        connection = self._live()
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"nothing came from {self.domain} in time")
        connection.settimeout(left)
        data = connection.recv(65536)
        connection.settimeout(self.timeout)
        if not data:
            raise StreamClosed("the connection was closed")
        self._pending.extend(self._parser.feed(data))


class RawClient(RawStream):
    """A client of ``domain`` at ``address``; ``direct`` means TLS from the first byte."""

    def __init__(
        self,
        domain: str,
        address: tuple[str, int],
        ca_file: Path,
        *,
        direct: bool = False,
        timeout: float = 10.0,
    ) -> None:
        super().__init__(domain, address, timeout)
        self.direct = direct
        self.jid: str | None = None
        self._context = ssl.create_default_context(cafile=ca_file)

    @classmethod
    def login_as(cls, account: Account, resource: str | None = None, **options: bool) -> RawClient:
        """A client of ``account`` with a bound resource; no presence was sent."""
        server = account.server
        address = server.direct_tls if options.get("direct") else server.starttls
        client = cls(account.domain, address, server.ca_file, **options)
        try:
            client.open()
            client.login(account.local, account.password)
            client.bind(resource)
        except BaseException:
            client.close()
            raise
        return client

    def open(self) -> Element:
        """Connect and secure the stream; the stream features inside TLS."""
        self.secure()
        self.open_stream()
        return self.recv()

    def secure(self) -> None:
        """Connect, up to the end of the TLS handshake; no stream header was sent inside it."""
        self.connect()
        if not self.direct:
            self.open_stream()
            self.recv()
            self.send(f"<starttls xmlns='{TLS}'/>")
            answer = self.recv()
            if answer.tag != f"{{{TLS}}}proceed":
                raise StreamClosed(tostring(answer, encoding="unicode"))
        self._socket = self._context.wrap_socket(self._live(), server_hostname=self.domain)

    def login(self, local: str, password: str) -> Element:
        """SASL PLAIN (RFC 4616); the features after it. Raises PermissionError when refused."""
        secret = base64.b64encode(f"\0{local}\0{password}".encode()).decode()
        return self._authenticate("PLAIN", secret)

    def login_anonymously(self) -> Element:
        """SASL ANONYMOUS (RFC 4505); the features after it."""
        return self._authenticate("ANONYMOUS", "")

    def bind(self, resource: str | None = None) -> str:
        """Bind a resource (the server's choice by default); the full JID."""
        wish = "" if resource is None else f"<resource>{escape(resource)}</resource>"
        answer = self.iq(f"<bind xmlns='{BIND}'>{wish}</bind>", type="set")
        jid = answer.findtext(f"{{{BIND}}}bind/{{{BIND}}}jid")
        if jid is None:
            raise StreamClosed(tostring(answer, encoding="unicode"))
        self.jid = jid
        return jid

    def message(self, to: str, body: str, ident: str | None = None) -> None:
        """Send a chat message."""
        extra = "" if ident is None else f" id={quoteattr(ident)}"
        self.send(
            f"<message type='chat' to={quoteattr(to)}{extra}><body>{escape(body)}</body></message>"
        )

    def wait_message(self, timeout: float | None = None) -> Element:
        """The next message with a body."""
        return self.expect(
            lambda e: e.tag == f"{{{CLIENT}}}message" and e.find(f"{{{CLIENT}}}body") is not None,
            timeout,
        )

    def _authenticate(self, mechanism: str, initial: str) -> Element:
        self.send(f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{initial or '='}</auth>")
        answer = self.recv()
        if answer.tag != f"{{{SASL}}}success":
            raise PermissionError(tostring(answer, encoding="unicode"))
        self.open_stream()
        return self.recv()


class RawComponent(RawStream):
    """XEP-0114: a component, such as a push service, attached to a server of the tests."""

    namespace = "jabber:component:accept"

    @classmethod
    def attach(cls, server: Server) -> RawComponent:
        """A component that owns ``server.component``; raises StreamClosed when refused."""
        component = cls(server.component, (server.host, server.ports.component))
        try:
            component.connect()
            component.open_stream()
            ident = component.wait_header()["id"]
            # XEP-0114 §3: SHA-1 of stream id and secret, in lower-case hexadecimal
            digest = hashlib.sha1((ident + server.component_secret).encode()).hexdigest()
            component.send(f"<handshake>{digest}</handshake>")
            component.recv()
        except BaseException:
            component.close()
            raise
        return component
