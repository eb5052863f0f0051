"""XML of a stream (RFC 6120 §4, §11): bytes in, complete elements out; elements in, text out.

Elements are ``xml.etree.ElementTree.Element`` with ``{namespace}name`` tags. Restricted XML
(RFC 6120 §11.1): comments, processing instructions, DTDs and entity declarations end the parse.
No I/O here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn
from xml.etree.ElementTree import Element
from xml.parsers import expat

NS_CLIENT = "jabber:client"
NS_STREAM = "http://etherx.jabber.org/streams"
NS_XML = "http://www.w3.org/XML/1998/namespace"

STREAM = f"{{{NS_STREAM}}}stream"
LANG = f"{{{NS_XML}}}lang"

MAX_ELEMENT_BYTES = 16 * 1024 * 1024
"""Largest top-level element that is accepted; servers stop at 256 KiB to 10 MiB."""

MAX_DEPTH = 128
"""Deepest nesting that is kept; real stanzas stay below 20. Elements are walked recursively."""


class XmlError(ValueError):
    """What arrived is not the XML of a stream."""


class StreamParser:
    """Feeds on bytes and calls back for the header, each top-level element and the footer.

    ``on_header(attributes)``, ``on_element(element)``, ``on_footer()`` are called in stream
    order, from inside ``feed``. A parser lives for one stream; a restart takes a new one.
    What is nested deeper than ``MAX_DEPTH`` is left out, and ``cut`` says so.
    """

    def __init__(
        self,
        on_header: Callable[[dict[str, str]], None],
        on_element: Callable[[Element], None],
        on_footer: Callable[[], None],
    ) -> None:
        self._on_header = on_header
        self._on_element = on_element
        self._on_footer = on_footer
        self.cut = False
        self._stack: list[Element] = []
        self._tail: Element | None = None
        self._text: list[str] = []
        self._opened = False
        self._closed = False
        self._size = 0
        # RFC 6120 §11.6: UTF-8, whatever an XML declaration says
        parser = expat.ParserCreate("UTF-8", "}")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.CommentHandler = self._refuse
        parser.ProcessingInstructionHandler = self._refuse
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        self._parser = parser

    def feed(self, data: bytes) -> None:
        """Parse some more bytes. Raises XmlError; then the parser is of no use any more."""
        self._size += len(data)
        if self._size > MAX_ELEMENT_BYTES:
            raise XmlError(f"an element of more than {MAX_ELEMENT_BYTES} bytes")
        try:
            self._parser.Parse(data, False)
        except expat.ExpatError as error:
            raise XmlError(expat.ErrorString(error.code)) from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        # the busiest function of a run that reads much: nothing is called that can be inline
        for key in attributes:
            if "}" in key:
                attributes = {_tag(key): value for key, value in attributes.items()}
                break
        element = Element("{" + name if "}" in name else name, attributes)
        stack = self._stack
        if stack:
            if self._text:
                self._put_text()
            if len(stack) < MAX_DEPTH:
                stack[-1].append(element)
            else:  # it may be in an archive, whose other messages it must not withhold
                self.cut = True
        elif not self._opened:
            if element.tag != STREAM:
                raise XmlError(f"the stream begins with <{_local(element.tag)}/>")
            self._opened = True
            self._on_header(dict(element.attrib))
            return
        stack.append(element)
        self._tail = None

    def _end(self, name: str) -> None:
        if not self._stack:
            self._closed = True
            self._on_footer()
            return
        if self._text:
            self._put_text()
        element = self._stack.pop()
        if self._stack:
            self._tail = element
            return
        self._tail = None
        self._size = 0
        if not self._closed:
            self._on_element(element)

    def _data(self, text: str) -> None:
        if self._stack:
            self._text.append(text)
            return
        if text.strip(" \t\r\n"):
            raise XmlError("text between elements")
        self._size = 0  # white space between elements keeps the connection alive

    def _put_text(self) -> None:
        """The text since the last tag belongs behind the last child, or before the first."""
        text = "".join(self._text)
        self._text.clear()
        if self._tail is not None:
            self._tail.tail = text
        else:
            self._stack[-1].text = text

    def _refuse(self, *_: object) -> NoReturn:
        raise XmlError("comments, processing instructions and DTDs have no place in a stream")


def parse(text: str | bytes, *, whole: bool = True) -> Element:
    """One element, from a file or a frame. Raises XmlError.

    Not ``whole``: what is nested deeper than ``MAX_DEPTH`` is left out, and is no error.
    """
    elements: list[Element] = []
    parser = StreamParser(lambda _: None, elements.append, lambda: None)
    parser.feed(f'<s:stream xmlns:s="{NS_STREAM}">'.encode())
    if isinstance(text, str):
        text = text.encode()
    text = text.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<?xml"):
        _, _, text = text.partition(b"?>")
    parser.feed(text)
    parser.feed(b"</s:stream>")
    if parser.cut and whole:
        raise XmlError(f"elements nested more than {MAX_DEPTH} deep")
    if len(elements) != 1:
        raise XmlError(f"{len(elements)} elements where one is wanted")
    return elements[0]


def header(to: str, sender: str | None = None) -> str:
    """The opening of a stream (RFC 6120 §4.7).

    Without ``xml:lang``: it would become the language of every text that is sent, which nobody
    here knows.
    """
    by = f" from={quote(sender)}" if sender else ""
    return (
        f"<?xml version='1.0'?><stream:stream xmlns='{NS_CLIENT}' xmlns:stream='{NS_STREAM}'"
        f" version='1.0' to={quote(to)}{by}>"
    )


FOOTER = "</stream:stream>"


def serialise(element: Element, parent_ns: str = NS_CLIENT) -> str:
    """The element as text for a stream whose default namespace is ``parent_ns``.

    No prefixes are made but ``xml:`` and, for attributes of other namespaces, local ones: many
    peers match on text. Raises XmlError for characters that XML 1.0 cannot carry.
    """
    parts: list[str] = []
    _write(element, parent_ns, parts.append)
    return "".join(parts)


def _write(element: Element, parent_ns: str, out: Callable[[str], None]) -> None:
    ns, name = split(element.tag)
    out(f"<{name}")
    if ns != parent_ns:
        out(f" xmlns={quote(ns)}")
    for number, (key, value) in enumerate(element.items()):
        key_ns, key_name = split(key)
        if not key_ns:
            out(f" {key_name}={quote(value)}")
        elif key_ns == NS_XML:
            out(f" xml:{key_name}={quote(value)}")
        else:
            out(f" xmlns:a{number}={quote(key_ns)} a{number}:{key_name}={quote(value)}")
    if not element.text and not len(element):
        out("/>")
        return
    out(">")
    if element.text:
        out(_escape(element.text))
    for child in element:
        _write(child, ns, out)
        if child.tail:
            out(_escape(child.tail))
    out(f"</{name}>")


def split(tag: str) -> tuple[str, str]:
    """``{namespace}name`` as (namespace, name); namespace is "" where there is none."""
    if tag[:1] == "{":
        ns, _, name = tag[1:].partition("}")
        return ns, name
    return "", tag


def _tag(name: str) -> str:
    return "{" + name if "}" in name else name


def _local(tag: str) -> str:
    return split(tag)[1]


def illegal_character(text: str) -> str | None:
    """The first character of ``text`` that XML 1.0 §2.2 does not allow, if any."""
    for char in text:
        if char < " " and char not in "\t\n\r":
            return char
        if "\ud800" <= char <= "\udfff" or char in "\ufffe\uffff":
            return char
    return None


def _escape(text: str) -> str:
    if not text.isprintable() and (bad := illegal_character(text)) is not None:
        raise XmlError(f"XML cannot carry the character U+{ord(bad):04X}")
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;")


def quote(text: str) -> str:
    """The value of an attribute with its quotes. Raises XmlError as ``serialise``."""
    text = _escape(text).replace("'", "&apos;").replace("\n", "&#10;").replace("\t", "&#9;")
    return f"'{text}'"
