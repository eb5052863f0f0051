"""Bookmarks as files, written and read.

``json``  an array of objects; also one object in a line each (jsonl)
``xml``   the ``<storage/>`` of XEP-0048, with the ``<extensions/>`` of XEP-0402 in it; read are
          also items of XEP-0402, wherever in the document they stand
``list``  the JID of a room in a line each
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import UsageError
from xmppctl.model import jsonrecords
from xmppctl.model.bookmark import Bookmark, BookmarkChange
from xmppctl.protocol.bookmarks import CONFERENCE, EXTENSIONS, NS_LEGACY, PAGE, ROOM, STORAGE
from xmppctl.protocol.bookmarks.elements import Subject, Wish, wish_of
from xmppctl.protocol.bookmarks.stores import room, subject_of
from xmppctl.protocol.pubsub import NS as NS_PUBSUB
from xmppctl.session.weburl import parse_url
from xmppctl.session.xml import XmlError, illegal_character, parse, serialise

FORMS = ("json", "xml", "list")
_KEYS = ("name", "nick", "autojoin", "password", "pinned", "notify", "extensions")
_NOTIFY = ("always", "on-mention", "never")

Found = tuple[Subject, Wish] | BookmarkChange
"""A bookmark, or a record with the error of one that cannot be read."""


def write(bookmarks: Iterable[Bookmark], form: str) -> Iterator[str]:
    """The text of a file in pieces, each of whole lines; web pages have no place in a list."""
    if form == "json":
        yield from _write_json(bookmarks)
    elif form == "xml":
        yield _write_xml(bookmarks)
    else:
        yield from (f"{each.jid}\n" for each in bookmarks if each.jid is not None)


def read(data: bytes, form: str) -> list[Found]:
    """The bookmarks of a file; ``form`` is one of ``FORMS`` or "auto".

    What is there twice is there once, unless it says different things. Raises UsageError where
    the file as a whole cannot be read.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    readers = {"json": _read_json, "xml": _read_xml, "list": _read_list}
    return _unique(readers[detect(data) if form == "auto" else form](data))


def detect(data: bytes) -> str:
    """What a file looks like."""
    return {b"[": "json", b"{": "json", b"<": "xml"}.get(data.lstrip()[:1], "list")


def _write_json(bookmarks: Iterable[Bookmark]) -> Iterator[str]:
    before = "[\n"
    for each in bookmarks:
        if each.jid is None:
            record: dict[str, Any] = {"url": each.url, "name": each.name}
        else:
            record = {"jid": each.jid, **{key: getattr(each, key) for key in _KEYS}}
        yield f"{before}  {json.dumps(record, ensure_ascii=False)}"
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _write_xml(bookmarks: Iterable[Bookmark]) -> str:
    lines = [f"<storage xmlns='{NS_LEGACY}'>\n"]
    for each in bookmarks:
        element = Element(ROOM, {"jid": each.jid}) if each.jid else Element(PAGE)
        if each.url is not None:
            element.set("url", each.url)
        if each.name is not None:
            element.set("name", each.name)
        if each.autojoin:
            element.set("autojoin", "true")
        for name, text in (("nick", each.nick), ("password", each.password)):
            if text is not None:
                SubElement(element, f"{{{NS_LEGACY}}}{name}").text = text
        if each.extensions:
            holder = SubElement(element, EXTENSIONS)
            holder.extend(parse(text) for text in each.extensions)
        lines.append(f"  {serialise(element, NS_LEGACY)}\n")
    return "".join([*lines, "</storage>\n"])


def _read_json(data: bytes) -> Iterator[Found]:
    for place, record in jsonrecords.read(data):
        if isinstance(record, jsonrecords.Unreadable):
            yield _bad(record.text, place, record.why)
        else:
            yield _of_json(record, place)


def _of_json(record: Any, place: str) -> Found:
    shown = json.dumps(record, ensure_ascii=False)
    if not isinstance(record, dict):
        return _bad(shown, place, "no object")
    try:
        return _subject(record.get("jid"), record.get("url")), _wish(record)
    except ValueError as error:
        return _bad(str(record.get("jid") or shown), place, str(error))


def _subject(jid: Any, url: Any) -> Subject:
    if isinstance(url, str) and jid is None:
        parse_url(url)
        return _text("url", url)
    found = room(jid) if isinstance(jid, str) else None
    if found is None:
        raise ValueError("its jid is not that of a room")
    return found


def _wish(record: dict[str, Any]) -> Wish:
    """What a record says; null says nothing."""
    texts = {
        key: _text(key, record[key])
        for key in ("name", "nick", "password", "notify")
        if record.get(key) is not None
    }
    if texts.get("notify", _NOTIFY[0]) not in _NOTIFY:
        raise ValueError(f"its notify is none of {', '.join(_NOTIFY)}")
    for key in ("autojoin", "pinned"):
        if record.get(key) not in (None, True, False):
            raise ValueError(f"its {key} is neither true nor false")
    listed = record.get("extensions") or []
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise ValueError("its extensions are no list of XML")
    try:
        extensions = tuple(parse(each) for each in listed)
    except XmlError as error:
        raise ValueError(f"its extensions are no XML ({error})") from None
    if extensions:  # which say that too
        texts.pop("notify", None)
    return Wish(
        autojoin=record.get("autojoin"),
        pinned=(record.get("pinned") or None) if not extensions else None,
        extensions=extensions,
        **texts,
    )


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"its {name} is no text")  # noqa: TRY004 - all are told alike
    if illegal_character(value) is not None:
        raise ValueError(f"its {name} contains a control character that XMPP cannot carry")
    return value


def _read_xml(data: bytes) -> Iterator[Found]:
    try:
        root = parse(data)
    except XmlError as error:
        raise UsageError(f"the file is not XML: {error}", step="input") from None
    number = 0
    for parent in root.iter():
        if parent.tag == STORAGE:
            for element in parent:
                if element.tag in (ROOM, PAGE):
                    number += 1
                    yield _of_element(subject_of(element), element, element.get("jid"), number)
        elif parent.tag.startswith(f"{{{NS_PUBSUB}") and parent.tag.endswith("}item"):
            for element in parent.findall(CONFERENCE):
                number += 1
                yield _of_element(room(parent.get("id")), element, parent.get("id"), number)


def _of_element(subject: Subject | None, element: Element, jid: str | None, number: int) -> Found:
    place = f"entry {number}"
    try:
        if isinstance(subject, str):
            parse_url(subject)
    except ValueError as error:
        return _bad(str(subject), place, str(error))
    if subject is None:
        return _bad(jid or serialise(element, ""), place, "its jid is not that of a room")
    return subject, wish_of(element)


def _read_list(data: bytes) -> Iterator[Found]:
    for number, raw in enumerate(data.split(b"\n"), 1):
        text = raw.decode("utf-8", "replace").strip()
        if not text:
            continue
        subject = room(text)
        if subject is None:
            yield _bad(text, f"line {number}", "it is not the JID of a room")
        else:
            yield subject, Wish()


def _bad(text: str, place: str, why: str) -> BookmarkChange:
    error = UsageError(f"{place} cannot be read: {why}", step="input", condition="bad-input")
    return BookmarkChange(jid=text[:200], error=error.info())


def _unique(found: Iterable[Found]) -> list[Found]:
    seen: dict[Subject, str] = {}
    result: list[Found] = []
    for each in found:
        if isinstance(each, BookmarkChange):
            result.append(each)
            continue
        subject, wish = each
        said = repr(
            (wish.name, wish.nick, wish.password, wish.autojoin, wish.pinned, wish.notify)
        ) + "".join(serialise(part, "") for part in wish.extensions)
        if subject not in seen:
            seen[subject] = said
            result.append(each)
        elif seen[subject] != said:
            result.append(
                _bad(str(subject), str(subject), "it is there before, and says something else")
            )
    return result
