"""XEP-0227 §3, §4: the pieces of a file as they come; no I/O here, and never the whole file.

What is nobody's, or of accounts that are not wanted, is passed over without being kept. There are
no DTDs, so that there are no entities; each piece has a limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn
from xml.etree.ElementTree import Element
from xml.parsers import expat

from xmppctl.protocol.portable import (
    ARCHIVE,
    CONFIGURATIONS,
    HOST,
    INCLUDE,
    NODES,
    OFFLINE,
    SERVER_DATA,
    USER,
)
from xmppctl.session.xml import MAX_DEPTH, MAX_ELEMENT_BYTES, XmlError, split

HOLDERS = frozenset({ARCHIVE, OFFLINE, CONFIGURATIONS, NODES})
"""Elements of an account whose children come one by one."""


@dataclass(frozen=True)
class Place:
    """Where in a file something is: of which host and user; empty where of none yet."""

    host: str = ""
    user: str = ""


@dataclass(frozen=True)
class Account:
    """An account begins: its name and host, as the file has them."""

    place: Place


@dataclass(frozen=True)
class Piece:
    """A child of the account; of a ``holder`` among them, a child of that."""

    place: Place
    element: Element
    holder: str | None = None


@dataclass(frozen=True)
class Include:
    """Another file belongs here (§4); ``href`` as it is written."""

    place: Place
    href: str


Event = Account | Piece | Include


class Reader:
    """Feeds on bytes, gives events. ``place``: where the file is included.

    ``wants`` says of which accounts the pieces are to be given.
    """

    def __init__(self, wants: Callable[[Place], bool], place: Place | None = None) -> None:
        self._wants = wants
        self._included = place
        self._place = place or Place()
        self._open: list[str] = []  # the containers that are open
        self._stack: list[Element] = []  # the piece that is being built
        self._passed = 0  # how deep inside of what is passed over
        self._text: list[str] = []
        self._tail: Element | None = None
        self._events: list[Event] = []
        self._begun = 0
        parser = expat.ParserCreate(None, "}")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        self._parser = parser

    def feed(self, data: bytes, *, last: bool = False) -> list[Event]:
        """Parse some more bytes; ``last``: there are no more. Raises XmlError."""
        try:
            self._parser.Parse(data, last)
        except expat.ExpatError as error:
            raise XmlError(f"line {error.lineno}: {expat.ErrorString(error.code)}") from None
        except XmlError:
            raise
        except (LookupError, ValueError) as error:  # of Python's codecs, by the XML declaration
            raise XmlError(f"line 1: the encoding of the file: {error}") from None
        if self._stack and self._parser.CurrentByteIndex - self._begun > MAX_ELEMENT_BYTES:
            raise XmlError(
                f"line {self._parser.CurrentLineNumber}: an element of more than "
                f"{MAX_ELEMENT_BYTES} bytes"
            )
        events, self._events = self._events, []
        return events

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = _tag(name)
        if self._passed:
            self._passed += 1
        elif self._stack:
            self._put_text()
            if len(self._stack) >= MAX_DEPTH:
                raise self._wrong(f"elements nested more than {MAX_DEPTH} deep")
            element = Element(tag, {_tag(key): each for key, each in attributes.items()})
            self._stack[-1].append(element)
            self._stack.append(element)
            self._tail = None
        else:
            self._outside(tag, {_tag(key): each for key, each in attributes.items()})

    def _outside(self, tag: str, attributes: dict[str, str]) -> None:
        """An element that is no part of a piece."""
        above = self._open[-1] if self._open else self._root()
        if tag == INCLUDE and above in ("file", SERVER_DATA, HOST, USER):
            if self._open:
                self._include(attributes)
            self._passed = 1
        elif above == "file" and tag not in (SERVER_DATA, HOST):
            raise self._wrong(f"<{split(tag)[1]}/> where <server-data/> was expected")
        elif above == "file" and tag == SERVER_DATA:
            self._open.append(tag)
        elif above in ("file", SERVER_DATA) and tag == HOST:
            self._place = Place(attributes.get("jid", ""))
            self._open.append(tag)
        elif above == HOST and tag == USER:
            self._place = Place(self._place.host, attributes.get("name", ""))
            self._open.append(tag)
            self._events.append(Account(self._place))
        elif above in (SERVER_DATA, HOST) or not self._wants(self._place):
            self._passed = 1
        elif above == USER and tag in HOLDERS:
            self._open.append(tag)
        else:
            self._begun = self._parser.CurrentByteIndex
            self._stack.append(Element(tag, attributes))
            self._tail = None

    def _root(self) -> str:
        """What an included file stands in; "file" for one that is not included."""
        if self._included is None:
            return "file"
        if self._included.user:
            return USER
        return HOST if self._included.host else SERVER_DATA

    def _include(self, attributes: dict[str, str]) -> None:
        if self._place.user and not self._wants(self._place):
            return
        if "parse" in attributes or "xpointer" in attributes or not attributes.get("href"):
            raise self._wrong("an XInclude other than of a whole XML file by its href")
        self._events.append(Include(self._place, attributes["href"]))

    def _end(self, name: str) -> None:
        if self._passed:
            self._passed -= 1
        elif self._stack:
            self._put_text()
            element = self._stack.pop()
            self._tail = element
            if not self._stack:
                self._tail = None
                holder = self._open[-1] if self._open and self._open[-1] in HOLDERS else None
                self._events.append(Piece(self._place, element, holder))
        else:
            tag = self._open.pop()
            if tag == USER:
                self._place = Place(self._place.host)
            elif tag == HOST:
                self._place = Place()

    def _data(self, text: str) -> None:
        if self._stack:
            self._text.append(text)

    def _put_text(self) -> None:
        text = "".join(self._text)
        self._text.clear()
        if not text:
            return
        if self._tail is not None:
            self._tail.tail = text
        else:
            self._stack[-1].text = text

    def _refuse(self, *_: object) -> NoReturn:
        raise self._wrong("a DTD, which has no place here")

    def _wrong(self, text: str) -> XmlError:
        return XmlError(f"line {self._parser.CurrentLineNumber}: {text}")


def _tag(name: str) -> str:
    return "{" + name if "}" in name else name
