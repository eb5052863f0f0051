"""A server with nothing behind it: it answers with prepared bytes, so that clients are measured.

    python -m benchmarks._stub DOMAIN CHAIN KEY MESSAGES CONTACTS

Direct TLS, SASL PLAIN, one account. It has an archive of so many messages, given in pages of 100,
and so many contacts; to any other request the answer is an empty result, and messages are counted.
Prints its port; then, for each line of its standard input, how many messages came since the line
before. It is a process of its own, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from datetime import UTC, datetime, timedelta
from xml.parsers import expat

_PAGE = 100
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_CLIENT = "jabber:client"
_MAM = "urn:xmpp:mam:2"
_ROSTER = "jabber:iq:roster"
_SM = "urn:xmpp:sm:3"
_FEATURES = (
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
    "<mechanism>PLAIN</mechanism></mechanisms></stream:features>",
    "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
    f"<sm xmlns='{_SM}'/></stream:features>",
)
_QUERYID = b"@QUERYID@"
_ACCOUNT = "reader"


class Store:
    """What clients ask for, as bytes."""

    def __init__(self, domain: str, messages: int, contacts: int) -> None:
        self.domain = domain
        self.came = 0
        self.total = messages
        self.pages = [
            b"".join(self._result(n) for n in range(first, min(first + _PAGE, messages)))
            for first in range(0, messages, _PAGE)
        ]
        items = "".join(
            f"<item jid='contact-{n:05}@bulk.example' name='Contact {n}' subscription='both'>"
            "<group>staff</group></item>"
            for n in range(contacts)
        )
        self.roster = f"<query xmlns='{_ROSTER}'>{items}</query>".encode()

    def _result(self, number: int) -> bytes:
        stamp = (_BEGIN + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")
        own, other = f"{_ACCOUNT}@{self.domain}/phone", f"contact{number % 5}@{self.domain}/desk"
        sender, to = (own, other) if number % 2 else (other, own)
        return (
            f"<message from='{_ACCOUNT}@{self.domain}'><result xmlns='{_MAM}' queryid='@QUERYID@' "
            f"id='a{number:07}'><forwarded xmlns='urn:xmpp:forward:0'>"
            f"<delay xmlns='urn:xmpp:delay' stamp='{stamp}'/>"
            f"<message xmlns='{_CLIENT}' from='{sender}' to='{to}' type='chat' id='m{number:07}'>"
            f"<body>Line {number} of an archive, as long as most are &amp; a bit more</body>"
            f"<origin-id xmlns='urn:xmpp:sid:0' id='m{number:07}'/>"
            f"<stanza-id xmlns='urn:xmpp:sid:0' by='{_ACCOUNT}@{self.domain}' id='a{number:07}'/>"
            "<request xmlns='urn:xmpp:receipts'/></message></forwarded></result></message>"
        ).encode()

    def page(self, after: str, queryid: str) -> tuple[bytes, bytes]:
        """The page behind that id, and the ``<fin/>`` of it."""
        number = int(after[1:]) // _PAGE + 1 if after else 0
        first = number * _PAGE
        if first >= self.total:
            return b"", f"<fin xmlns='{_MAM}' complete='true'/>".encode()
        last = min(first + _PAGE, self.total) - 1
        fin = (
            f"<fin xmlns='{_MAM}' complete='{'true' if last == self.total - 1 else 'false'}'>"
            f"<set xmlns='http://jabber.org/protocol/rsm'><first index='{first}'>a{first:07}"
            f"</first><last>a{last:07}</last><count>{self.total}</count></set></fin>"
        )
        return self.pages[number].replace(_QUERYID, queryid.encode()), fin.encode()


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._streams = 0
        self._handled = 0
        self._out: list[bytes] = []
        self._restart()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The TLS handshake is done (asyncio calls this)."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Bytes came (asyncio calls this)."""
        while data:  # a client may write the header of the next stream behind its login
            begin = data.find(b"<?xml", 1)
            part, data = (data, b"") if begin < 0 else (data[:begin], data[begin:])
            if part.startswith((b"<?xml", b"<stream:stream")):
                self._restart()
            self._parser.Parse(part, False)
        if self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()

    def _restart(self) -> None:
        parser = expat.ParserCreate("UTF-8", "}")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        self._parser = parser
        self._depth = 0
        self._name = self._text = ""
        self._attributes: dict[str, str] = {}
        self._payload = self._inner = ""
        self._found: dict[str, str] = {}

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            features = _FEATURES[min(self._streams, 1)]
            self._streams += 1
            self._send(
                f"<?xml version='1.0'?><stream:stream xmlns='{_CLIENT}' version='1.0' id='s' "
                "xmlns:stream='http://etherx.jabber.org/streams' "
                f"from='{self._store.domain}'>{features}"
            )
        elif self._depth == 2:
            self._name, self._attributes, self._payload = name.rpartition("}")[2], attributes, ""
        elif self._depth == 3 and not self._payload:
            self._payload = name
            self._found = {"queryid": attributes.get("queryid", "")}
        self._inner, self._text = name.rpartition("}")[2], ""

    def _data(self, text: str) -> None:
        self._text += text

    def _end(self, name: str) -> None:
        self._depth -= 1
        if self._depth == 1:
            self._element(self._name)
        elif self._depth == 0:
            self._send("</stream:stream>")
            self._out, out = [], b"".join(self._out)
            self._transport.write(out)
            self._transport.close()
        elif self._inner in ("after", "resource"):
            self._found[self._inner] = self._text
        self._inner = ""

    def _element(self, name: str) -> None:
        if name == "message":
            self._handled += 1
            self._store.came += 1
        elif name == "iq":
            self._handled += 1
            self._iq()
        elif name == "r":
            self._send(f"<a xmlns='{_SM}' h='{self._handled}'/>")
        elif name == "enable":
            self._handled = 0
            self._send(f"<enabled xmlns='{_SM}'/>")
        elif name == "auth":
            self._send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")

    def _iq(self) -> None:
        if self._attributes.get("type") not in ("get", "set"):
            return
        ns = self._payload.rpartition("}")[0]
        payload = b""
        if ns == "urn:ietf:params:xml:ns:xmpp-bind":
            jid = f"{_ACCOUNT}@{self._store.domain}/{self._found.get('resource', 'stub')}"
            payload = f"<bind xmlns='{ns}'><jid>{jid}</jid></bind>".encode()
        elif ns == _ROSTER:
            payload = self._store.roster
        elif ns == _MAM:
            results, payload = self._store.page(
                self._found.get("after", ""), self._found["queryid"]
            )
            self._out.append(results)
        to = self._attributes.get("to")
        sender = f" from='{to}'" if to else ""
        self._send(f"<iq type='result' id='{self._attributes['id']}'{sender}>")
        self._out.append(payload)
        self._send("</iq>")

    def _send(self, text: str) -> None:
        self._out.append(text.encode())


async def serve(domain: str, chain: str, key: str, messages: int, contacts: int) -> None:
    """Until the end of the standard input."""
    store = Store(domain, messages, contacts)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(store), "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    questions: asyncio.Queue[str] = asyncio.Queue()
    loop.add_reader(sys.stdin, lambda: questions.put_nowait(sys.stdin.readline()))
    while await questions.get():
        print(store.came, flush=True)
        store.came = 0


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:4], *map(int, sys.argv[4:6])))
