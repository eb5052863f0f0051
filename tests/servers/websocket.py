"""The server's side of a WebSocket as a script: frames made by hand, good ones and bad ones.

def script(conn):
    ws = FakeWebSocket(conn)            # answers the request
    ws.login()                          # any password, a bound resource
    ws.send_frame(b"\\xff")

with WebServer(script, authority.issue("web.test")) as web: ...
"""

from __future__ import annotations

import base64
import hashlib
import re
from xml.etree.ElementTree import Element, fromstring

from tests.peers.stream import BIND, CLIENT, SASL, STREAMS
from tests.servers.web import WebConnection

FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
OPEN = f"<open xmlns='{FRAMING}' from='fake.test' id='i1' version='1.0' xml:lang='en'/>"
CLOSE = f"<close xmlns='{FRAMING}'/>"

CONT, TEXT, BINARY, END, PING, PONG = 0, 1, 2, 8, 9, 10
"""Opcodes; END closes the WebSocket."""

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def features(inner: str = "") -> str:
    """Stream features."""
    return f"<stream:features xmlns:stream='{STREAMS}' xmlns='{CLIENT}'>{inner}</stream:features>"


def frame(data: str | bytes, opcode: int = TEXT, *, fin: bool = True, bits: int = 0) -> bytes:
    """A frame of a server, which is not masked (RFC 6455 §5.2)."""
    payload = data.encode() if isinstance(data, str) else data
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 65536:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    return bytes([fin << 7 | bits << 4 | opcode]) + length + payload


def masked(data: str) -> bytes:
    """A frame that only a client may send."""
    return bytes([0x81, 0x80 | len(data)]) + bytes(4) + data.encode()


def frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The client's frames as (opcode, payload), and what is no whole frame yet.

    Raises AssertionError for what no client may send.
    """
    found = []
    while len(data) >= 2:
        first, second = data[0], data[1]
        assert first & 0x80, "the client never splits a message"
        assert not first & 0x70, "no extension was agreed on"
        assert second & 0x80, "a client masks what it sends"
        size, rest = second & 0x7F, data[2:]
        if size >= 126:
            bytes_of_size = 2 if size == 126 else 8
            size, rest = int.from_bytes(rest[:bytes_of_size], "big"), rest[bytes_of_size:]
        if len(rest) < 4 + size:
            break
        mask, rest = rest[:4], rest[4:]
        found.append(
            (first & 15, bytes(byte ^ mask[at % 4] for at, byte in enumerate(rest[:size])))
        )
        data = rest[size:]
    return found, data


def accepted(key: str, **headers: str | None) -> bytes:
    """The answer to a request with this key, with other ``headers`` (None: left out)."""
    digest = hashlib.sha1((key + _GUID).encode()).digest()
    known: dict[str, str | None] = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": base64.b64encode(digest).decode(),
        "Sec-WebSocket-Protocol": "xmpp",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{name}: {value}\r\n" for name, value in known.items() if value is not None]
    return ("HTTP/1.1 101 Switching Protocols\r\n" + "".join(lines) + "\r\n").encode()


class FakeWebSocket:
    """One client; ``texts`` are its messages, ``codes`` those with which it closed."""

    def __init__(self, conn: WebConnection, **headers: str | None) -> None:
        self.conn = conn
        self.texts: list[str] = []
        self.codes: list[int] = []
        self.pongs: list[bytes] = []
        self._data = b""
        self._pending: list[str] = []
        request = conn.request()
        assert "xmpp" in request.all("sec-websocket-protocol")
        conn.send(accepted(request.all("sec-websocket-key")[0], **headers))

    def send(self, *texts: str) -> None:
        """Send messages, in one piece."""
        self.conn.send(b"".join(map(frame, texts)))

    def recv(self) -> Element:
        """The client's next message."""
        while not self._pending:
            self._read()
        return fromstring(self._pending.pop(0))

    def expect(self, name: str) -> Element:
        """The client's next message, which has to be this element, whatever its namespace."""
        element = self.recv()
        assert element.tag.endswith("}" + name), element.tag
        return element

    def opened(self, inner: str) -> None:
        """Await the opening, and answer it with these features."""
        self.expect("open")
        self.send(OPEN, features(inner))

    def login(self) -> None:
        """Take any password, and bind a resource."""
        self.opened(f"<mechanisms xmlns='{SASL}'><mechanism>PLAIN</mechanism></mechanisms>")
        self.expect("auth")
        self.send(f"<success xmlns='{SASL}'/>")
        self.opened(f"<bind xmlns='{BIND}'/>")
        iq = self.expect("iq")
        jid = f"<bind xmlns='{BIND}'><jid>alice@fake.test/r</jid></bind>"
        self.send(f"<iq xmlns='{CLIENT}' type='result' id='{iq.get('id')}'>{jid}</iq>")

    def request(self) -> Element:
        """The next IQ request; stream management is not known here."""
        while not (element := self.recv()).tag.endswith("}iq"):
            pass
        return element

    def result(self, iq: Element, payload: str = "") -> None:
        """Answer a request."""
        sender = iq.get("to", "alice@fake.test")
        self.send(
            f"<iq xmlns='{CLIENT}' type='result' id='{iq.get('id')}' from='{sender}'>{payload}</iq>"
        )

    def until_closed(self) -> None:
        """Take what comes, until the client leaves; a ``<close/>`` is answered."""
        answered = False
        try:
            while True:
                if not answered and any(re.match(r"<close\b", text) for text in self.texts):
                    answered = True
                    self.send(CLOSE)
                self._read()
        except OSError:
            return

    def _read(self) -> None:
        data = self.conn.sock.recv(65536)
        if not data:
            raise ConnectionError("the client closed the connection")
        self._data += data
        found, self._data = frames(self._data)
        for opcode, payload in found:
            if opcode == TEXT:
                self.texts.append(payload.decode())
                self._pending.append(payload.decode())
            elif opcode == END:
                self.codes.append(int.from_bytes(payload[:2], "big"))
            elif opcode == PONG:
                self.pongs.append(payload)
