"""An incremental parser of XML streams (RFC 6120 §4): bytes in, whole first-level elements out."""

from __future__ import annotations

from typing import cast
from xml.etree.ElementTree import Element, XMLPullParser

STREAMS = "http://etherx.jabber.org/streams"
CLIENT = "jabber:client"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
SASL2 = "urn:xmpp:sasl:2"
BIND2 = "urn:xmpp:bind:0"
FAST = "urn:xmpp:fast:0"
SM = "urn:xmpp:sm:3"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"


class StreamClosed(Exception):  # noqa: N818 - an event, not always an error
    """The other side ended the stream or the connection; the text holds its last words."""


class StreamParser:
    """One stream; after a restart (RFC 6120 §4.3.3) a new one is needed.

    ``header`` holds the attributes of the stream header once it was read, ``namespace`` is that of
    its stanzas, ``closed`` is True after the closing tag. Malformed XML raises
    ``xml.etree.ElementTree.ParseError``.
    """

    def __init__(self) -> None:
        self.header: dict[str, str] | None = None
        self.namespace = ""
        self.closed = False
        self._parser: XMLPullParser[Element] = XMLPullParser(("start-ns", "start", "end"))
        self._depth = 0
        self._root: Element | None = None

    def feed(self, data: bytes) -> list[Element]:
        """The elements that ``data`` completed."""
        self._parser.feed(data)
        complete = []
        for kind, value in self._parser.read_events():
            if kind == "start-ns":
                prefix, uri = cast("tuple[str, str]", value)
                if self._depth == 0 and not prefix:
                    self.namespace = uri
                continue
            element = cast("Element", value)
            if kind == "start":
                self._depth += 1
                if self._depth == 1:
                    self.header, self._root = dict(element.attrib), element
                continue
            self._depth -= 1
            if self._depth == 1:
                complete.append(element)
                assert self._root is not None
                self._root.clear()  # a long stream must not keep its stanzas
            elif self._depth == 0:
                self.closed = True
        return complete
