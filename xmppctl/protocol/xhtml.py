"""The XHTML of XEP-0071: what may be in it, and what it says without its markup.

What goes out has to keep to the recommended profile (§7.8) and to links that name a web page, an
entity or the like. What comes in is only ever read for its text: attributes but those of links
and pictures are of no account, and nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from xmppctl.session.xml import LANG, XmlError, parse, split

NS = "http://www.w3.org/1999/xhtml"
NS_WRAPPER = "http://jabber.org/protocol/xhtml-im"
BODY = f"{{{NS}}}body"

_ALLOWED: dict[str, frozenset[str]] = {
    "a": frozenset({"href", "style", "type"}),
    "blockquote": frozenset({"style"}),
    "body": frozenset({"style", LANG}),
    "br": frozenset(),
    "cite": frozenset({"style"}),
    "em": frozenset(),
    "img": frozenset({"alt", "height", "src", "style", "width"}),
    "li": frozenset({"style"}),
    "ol": frozenset({"style"}),
    "p": frozenset({"style"}),
    "span": frozenset({"style"}),
    "strong": frozenset(),
    "ul": frozenset({"style"}),
}
_NEEDED = {"a": ("href",), "img": ("src", "alt")}
_PROPERTIES = frozenset(
    {
        "background-color", "color", "font-family", "font-size", "font-style", "font-weight",
        "margin-left", "margin-right", "text-align", "text-decoration",
    }
)  # fmt: skip
_SCHEMES = frozenset({"ftp", "geo", "http", "https", "mailto", "sip", "sips", "sms", "tel", "xmpp"})
_SOURCES = frozenset({"cid", "http", "https"})
_STYLE_VALUE = re.compile(r"(?:rgb\([0-9%., ]+\)|[A-Za-z0-9#%.,'\" +-])+")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):[^\s\x00-\x20\x7f]+")
_LENGTH = re.compile(r"[0-9]{1,5}%?")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
_DECLARATION = re.compile(rb"<\?xml[^>]*\?>")
_DOCTYPE = re.compile(rb"<!DOCTYPE[^>\[]*>", re.IGNORECASE)
_SPACE = re.compile("[ \t\r\n\f]+")

_NOT_TEXT = frozenset({"head", "script", "style", "title"})
_BLOCKS = frozenset(
    {
        "address", "blockquote", "body", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5",
        "h6", "hr", "li", "ol", "p", "pre", "table", "td", "th", "tr", "ul",
    }
)  # fmt: skip
_DEEPEST_QUOTE = 8
_LONGEST_URL = 2048


# --- what goes out


def load(data: bytes) -> Element:
    """The ``<body/>`` of a fragment or a document.

    Raises ValueError with a sentence for what is no XML, and for everything that XHTML-IM does
    not have: it would have to be removed.
    """
    data = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    data = _DECLARATION.sub(b"", data, 1) if data.startswith(b"<?xml") else data
    data = data.lstrip()
    data = _DOCTYPE.sub(b"", data, 1) if data[:9].upper() == b"<!DOCTYPE" else data
    try:
        root = parse(f"<body xmlns='{NS}'>".encode() + data + b"</body>")
    except XmlError as error:
        raise ValueError(f"it is no XHTML: {error}") from None
    body = _body(root)
    wrong = list(dict.fromkeys(_wrong(body, outermost=True)))
    if wrong:
        shown = ", ".join(wrong[:10]) + (", ..." if len(wrong) > 10 else "")
        raise ValueError(f"XHTML-IM (XEP-0071 §7.8) does not have {shown}")
    body.tail = None
    return body


def _body(root: Element) -> Element:
    """The body of a document, or what was put around a fragment."""
    inside = list(root)
    if len(inside) != 1 or "".join([root.text or "", inside[0].tail or ""]).strip():
        return root
    (element,) = inside
    if element.tag == BODY:
        return element
    if element.tag not in (f"{{{NS}}}html", f"{{{NS_WRAPPER}}}html"):
        return root
    bodies = element.findall(BODY)
    if len(bodies) != 1:
        raise ValueError(f"it has {len(bodies)} bodies where one is wanted")
    head = element.find(f"{{{NS}}}head")
    spare = [e for e in element if e is not head and e is not bodies[0]]
    spare += [e for e in (head if head is not None else ()) if split(e.tag)[1] not in _DROPPED]
    if spare:
        raise ValueError(f"XHTML-IM has no <{split(spare[0].tag)[1]}/>")
    return bodies[0]


_DROPPED = frozenset({"meta", "title"})
"""What the head of a document may have: nothing of a message is lost with it."""


def _wrong(element: Element, *, outermost: bool = False) -> Iterator[str]:
    ns, name = split(element.tag)
    if ns != NS or name not in _ALLOWED or (name == "body") is not outermost:
        yield f"<{name}/>"
    else:
        for key, value in element.items():
            yield from _wrong_attribute(name, key, value)
        yield from (
            f"<{name}/> without {key}" for key in _NEEDED.get(name, ()) if key not in element.attrib
        )
    for child in element:
        yield from _wrong(child)


def _wrong_attribute(name: str, key: str, value: str) -> Iterator[str]:
    if key not in _ALLOWED[name]:
        yield f"the attribute {split(key)[1]} of <{name}/>"
    elif key == "style":
        for declaration in filter(str.strip, value.split(";")):
            prop, colon, told = declaration.partition(":")
            if prop.strip().lower() not in _PROPERTIES:
                yield f"the style {prop.strip()!r}"
            elif not colon or not _STYLE_VALUE.fullmatch(told.strip()):
                yield f"the style {declaration.strip()!r}"
    elif key == "href" and not _is_url(value, _SCHEMES):
        yield f"the link {value[:80]!r}"
    elif key == "src" and not _is_url(value, _SOURCES):
        yield f"the picture {value[:80]!r}"
    elif key in ("height", "width") and not _LENGTH.fullmatch(value):
        yield f"the {key} {value[:80]!r}"
    elif key == "type" and not _MEDIA_TYPE.fullmatch(value):
        yield f"the type {value[:80]!r}"


def _is_url(text: str, schemes: frozenset[str]) -> bool:
    found = _URL.fullmatch(text.strip())
    return found is not None and found[1].lower() in schemes


# --- what it says


def plain(body: Element) -> str:
    """The text alone: a line for each block, list entries and quotes marked, links named.

    The target of a link stands behind its text where that says something else (§11.2). Elements
    that are not known are read for their text (§12.2), those of other namespaces are not.
    """
    lines = _Lines()
    lines.walk(body)
    return lines.result()


class _Lines:
    """Text that grows, line by line."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._line: list[str] = []
        self._spaced = True  # white space that follows would be the second, or the first of a line
        self._started = False  # the line has more than the mark of a list entry
        self._quotes = 0
        self._numbers: list[int | None] = []

    def result(self) -> str:
        self._close()
        return "\n".join(self._done).strip("\n")

    def walk(self, element: Element, *, kept: bool = False, linked: bool = False) -> None:
        """Add what an element says. ``kept``: its white space counts; ``linked``: in a link."""
        ns, name = split(element.tag)
        if ns != NS or name in _NOT_TEXT:
            return
        if name in _BLOCKS:
            self._close()
        if name == "br":
            self._end()
        elif name == "img":
            self._say(element.get("alt", ""))
            self._target(element.get("src", ""), element.get("alt", ""), _SOURCES - {"cid"})
        else:
            self._enter(name)
            kept = kept or name == "pre"
            self._say(element.text or "", kept=kept)
            for child in element:
                self.walk(child, kept=kept, linked=linked or name == "a")
                self._say(child.tail or "", kept=kept)
            if name == "a" and not linked:
                said = _SPACE.sub(" ", "".join(element.itertext())).strip()
                self._target(element.get("href", ""), said, _SCHEMES)
        if name in _BLOCKS:
            self._close()
        self._leave(name)

    def _enter(self, name: str) -> None:
        if name == "blockquote":
            self._quotes += 1
        elif name in ("ol", "ul"):
            self._numbers.append(0 if name == "ol" else None)
        elif name == "li":
            number = self._numbers[-1] if self._numbers else None
            if number is not None:
                self._numbers[-1] = number + 1
            self._line.append("* " if number is None else f"{number + 1}. ")
            self._spaced, self._started = True, False

    def _leave(self, name: str) -> None:
        if name == "blockquote":
            self._quotes -= 1
        elif name in ("ol", "ul"):
            self._numbers.pop()
        elif name == "li" and self._line:  # an entry that says nothing
            self._end()

    def _say(self, text: str, *, kept: bool = False) -> None:
        if kept:
            first, *others = text.split("\n")
            self._add(first)
            for line in others:
                self._end()
                self._add(line)
            return
        text = _SPACE.sub(" ", text)
        self._add(text.removeprefix(" ") if self._spaced else text)

    def _add(self, text: str) -> None:
        if text:
            self._line.append(text)
            self._spaced, self._started = text.endswith(" "), True

    def _target(self, url: str, said: str, schemes: frozenset[str]) -> None:
        url = url.strip()
        if len(url) > _LONGEST_URL or not _is_url(url, schemes):
            return
        if said not in (url, url.rstrip("/"), url.partition(":")[2], url.partition("://")[2]):
            self._add(f"<{url}>" if self._spaced else f" <{url}>")

    def _close(self) -> None:
        """End the line, if anything was said in it."""
        if self._started:
            self._end()

    def _end(self) -> None:
        text = "".join(self._line).rstrip(" ")
        self._done.append(f"{'> ' * min(self._quotes, _DEEPEST_QUOTE)}{text}".rstrip(" "))
        self._line.clear()
        self._spaced, self._started = True, False
