"""The raw XML client over WebSocket (RFC 7395) and over BOSH (XEP-0124, XEP-0206).

The certificate is that of the URL's host, which is an address here.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import itertools
import os
import re
import secrets
import socket
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError, fromstring, tostring
from xml.sax.saxutils import quoteattr

from tests.peers.rawxml import RawClient
from tests.peers.stream import CLIENT, StreamClosed

FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
BOSH = "http://jabber.org/protocol/httpbind"
XBOSH = "urn:xmpp:xbosh"
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE, _PING = 1, 8, 9
# a stanza that leaves its namespace to the stream header, which neither has
_STANZA = re.compile(r"<(iq|message|presence)\b(?![^>]*\sxmlns=)")


def _with_namespace(xml: str) -> str:
    return _STANZA.sub(rf"<\1 xmlns='{CLIENT}'", xml)


class _Web(RawClient):
    """A client of ``domain`` that is reached by ``url``."""

    scheme: ClassVar[str]

    def __init__(self, domain: str, url: str, ca_file: Path, *, timeout: float = 10.0) -> None:
        self.url = urlsplit(url)
        assert self.url.scheme == self.scheme
        assert self.url.hostname is not None
        assert self.url.port is not None
        address = self.url.hostname, self.url.port
        super().__init__(domain, address, ca_file, direct=True, timeout=timeout)

    @property
    def _addressing(self) -> str:
        sender = "" if self.sender is None else f" from={quoteattr(self.sender)}"
        return f"to={quoteattr(self.domain)}{sender}"


class RawWebSocket(_Web):
    """``send`` takes one element at a time, as a frame does."""

    scheme = "wss"

    def secure(self) -> None:
        """Connect, up to the end of the WebSocket handshake."""
        self._socket = self._context.wrap_socket(
            socket.create_connection(self.address, self.timeout), server_hostname=self.address[0]
        )
        self._buffer = b""
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self._socket.sendall(
            f"GET {self.url.path} HTTP/1.1\r\nHost: {self.url.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: xmpp\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._buffer:
            self._more(time.monotonic() + self.timeout)
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        proof = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest())
        if not head.startswith(b"HTTP/1.1 101") or proof not in head:
            raise StreamClosed(head.decode(errors="replace"))

    @property
    def header(self) -> str:
        """<open/>."""
        return f"<open xmlns='{FRAMING}' {self._addressing} version='1.0'/>"

    def open_stream(self, behind: str = "") -> None:
        """Send <open/> and the element that is to follow it at once; read the other side's."""
        self._pending.clear()
        self.send(self.header)
        if behind:
            self.send(behind)
        self.expect(lambda e: e.tag == f"{{{FRAMING}}}open")

    def send(self, xml: str | bytes) -> None:
        """Send one element in a frame of its own."""
        text = xml.decode() if isinstance(xml, bytes) else xml
        self._frame(_TEXT, _with_namespace(text).encode())

    def close(self) -> None:
        """Send <close/> and end the connection."""
        if self._socket is None:
            return
        with suppress(OSError):
            self.send(f"<close xmlns='{FRAMING}'/>")
        self._socket.close()
        self._socket = None

    def _frame(self, kind: int, payload: bytes) -> None:
        mask = os.urandom(4)
        size = len(payload)
        head = bytes([0x80 | kind, 0x80 | size]) if size < 126 else b""
        if not head:
            head = bytes([0x80 | kind, 0x80 | 126]) + struct.pack("!H", size)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self._live().sendall(head + mask + masked)

    def _read(self, deadline: float) -> None:
        kind, payload = self._next_frame(deadline)
        if kind == _CLOSE:
            raise StreamClosed(payload[2:].decode(errors="replace") or "the WebSocket was closed")
        if kind == _PING:
            self._frame(10, payload)
        elif kind == _TEXT:
            element = fromstring(payload)
            if element.tag == f"{{{FRAMING}}}close":
                raise StreamClosed("the stream was closed")
            self._pending.append(element)

    def _next_frame(self, deadline: float) -> tuple[int, bytes]:
        self._need(2, deadline)
        kind, size, start = self._buffer[0] & 0x0F, self._buffer[1], 2
        if size == 126:
            self._need(4, deadline)
            size, start = struct.unpack("!H", self._buffer[2:4])[0], 4
        elif size == 127:
            self._need(10, deadline)
            size, start = struct.unpack("!Q", self._buffer[2:10])[0], 10
        self._need(start + size, deadline)
        payload = self._buffer[start : start + size]
        self._buffer = self._buffer[start + size :]
        return kind, payload

    def _need(self, size: int, deadline: float) -> None:
        while len(self._buffer) < size:
            self._more(deadline)

    def _more(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"nothing came from {self.domain} in time")
        connection = self._live()
        connection.settimeout(left)
        data = connection.recv(65536)
        if not data:
            raise StreamClosed("the connection was closed")
        self._buffer += data


class RawBosh(_Web):
    """What is sent goes out with the next ``recv``, or with the end."""

    scheme = "https"

    def secure(self) -> None:
        """Connect."""
        self._http = http.client.HTTPSConnection(
            *self.address, timeout=self.timeout + 5, context=self._context
        )
        self._http.connect()
        self._rid = itertools.count(secrets.randbelow(2**40))
        self._sid: str | None = None
        self._out: list[str] = []

    def open_stream(self, behind: str = "") -> None:
        """Create the session, or restart its stream; ``behind`` stands in the same body."""
        self._pending.clear()
        if behind:
            self.send(behind)
        xmpp = f"xmlns:xmpp='{XBOSH}'"
        if self._sid is None:
            body = self._post(
                f"{self._addressing} content='text/xml; charset=utf-8' hold='1' ver='1.6' "
                f"wait='{int(self.timeout)}' xml:lang='en' xmpp:version='1.0' {xmpp}"
            )
            self._sid = body.get("sid")
        else:
            self._post(f"{self._addressing} xmpp:restart='true' {xmpp}")

    def send(self, xml: str | bytes) -> None:
        """Send with the next request."""
        self._out.append(_with_namespace(xml.decode() if isinstance(xml, bytes) else xml))

    def close(self) -> None:
        """End the session, with what is left to send."""
        if self._sid is not None:
            # ejabberd answers in odd XML where the stream has ended already
            with suppress(OSError, StreamClosed, http.client.HTTPException, ParseError):
                self._post("type='terminate'")
            self._sid = None
            self._http.close()

    def _read(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing came from {self.domain} in time")
        self._post("")

    def _post(self, attributes: str) -> Element:
        sid = "" if self._sid is None else f" sid='{self._sid}'"
        text = "".join(self._out)
        self._out.clear()
        request = f"<body xmlns='{BOSH}' rid='{next(self._rid)}'{sid} {attributes}>{text}</body>"
        self._http.request(
            "POST", self.url.path, request.encode(), {"Content-Type": "text/xml; charset=utf-8"}
        )
        response = self._http.getresponse()
        answer = response.read()
        if response.status != http.client.OK:
            raise StreamClosed(f"{response.status} {answer.decode(errors='replace')}")
        body = fromstring(answer)
        self._pending.extend(body)
        if body.get("type") == "terminate" and not len(body):
            raise StreamClosed(tostring(body, encoding="unicode"))
        return body
