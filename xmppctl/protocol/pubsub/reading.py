"""XEP-0060 §6.5: the items of a node as records, page by page where the service pages (XEP-0059).

Pages are asked for whatever the service announces: one gives them and does not say so, another
ignores the request and gives all at once, of which the wanted part is taken here. The UIDs of such
a list are the ids of its items.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import aioxmpp.rsm.xso as rsm_xso

from xmppctl.errors import RefusedError
from xmppctl.model.jid import Jid
from xmppctl.model.paging import Part
from xmppctl.model.pubsub import PubsubItem
from xmppctl.protocol import Xep, rsm
from xmppctl.protocol.pubsub import NS, PUBSUB, atom
from xmppctl.protocol.pubsub.asking import (
    flight,
    is_error,
    name_of,
    not_found,
    payload_of,
    query,
    refusal,
    unreadable,
)
from xmppctl.records import dataclass
from xmppctl.session.payload import from_element, to_element
from xmppctl.session.stream import Session
from xmppctl.session.xml import serialise, split

XEPS = (Xep("0060", "1.30.0", "partial", "items of any service and account"),)

_SET = "{http://jabber.org/protocol/rsm}set"


def record(item: Element) -> PubsubItem:
    """The record of an ``<item/>``; the first element in it is its payload."""
    payload = item[0] if len(item) else None
    text = "" if payload is None else _text(payload)
    return PubsubItem(
        id=item.get("id"),
        publisher=item.get("publisher"),
        xml=None if payload is None else serialise(payload, ""),
        text=text or None,
        payload_ns=None if payload is None else split(payload.tag)[0] or None,
    )


def _text(payload: Element) -> str:
    """The words of a payload; of an entry of a feed only what it says, each part a line."""
    if payload.tag == atom.ENTRY:
        said = (
            payload.findtext(f"{{{atom.NS}}}{name}") for name in ("title", "summary", "content")
        )
        return "\n".join(text.strip() for text in said if text and text.strip())
    mixed = [payload.text, *(child.tail for child in payload)]
    if any(text and text.strip() for text in mixed) or len(payload) < 2:
        return "".join(payload.itertext()).strip()
    parts = (_text(child) for child in payload)
    return "\n".join(filter(None, parts))


async def chosen(
    session: Session,
    service: Jid | None,
    node: str,
    ids: Sequence[str],
    *,
    subid: str | None = None,
) -> list[PubsubItem]:
    """The items with these ids (§6.5.8), in this order; one that is not there has an error.

    ``subid``, here as below: by which of several subscriptions (§6.5.9.1). Raises RefusedError,
    UnsupportedError, DeadlineError.
    """
    wanted = list(dict.fromkeys(ids))
    whole, items = _query(node, subid)
    for each in wanted:
        SubElement(items, f"{{{NS}}}item", {"id": each})
    (answer,) = await flight(session, service, [("get", whole)])
    if is_error(answer):
        raise await refusal(session, service, answer, _what(session, service, node), _NEEDS)
    found = {each.get("id"): each for each in _items(session, service, answer, node)}
    return [
        record(found[each]) if each in found else missing(session, service, node, each)
        for each in wanted
    ]


def missing(session: Session, service: Jid | None, node: str, identifier: str) -> PubsubItem:
    """The record of an item that is not there."""
    text = f"the node {node} of {name_of(session, service)} has no item {identifier}"
    return PubsubItem(identifier, error=not_found(session, service, text).info())


async def newest(
    session: Session,
    service: Jid | None,
    node: str,
    number: int,
    *,
    subid: str | None = None,
) -> list[PubsubItem]:
    """The items that were published last (§6.5.7), the newest at the end.

    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    whole, items = _query(node, subid)
    items.set("max_items", str(number))
    (answer,) = await flight(session, service, [("get", whole)])
    if is_error(answer):
        raise await refusal(session, service, answer, _what(session, service, node), _NEEDS)
    found = _items(session, service, answer, node)
    return [record(each) for each in found[-number:]]


async def part(
    session: Session,
    service: Jid | None,
    node: str,
    wanted: Part,
    *,
    subid: str | None = None,
) -> AsyncGenerator[PubsubItem, None]:
    """The items that are ``wanted``, in the order of the service.

    Raises RefusedError (item-not-found: no such node, or no such place in it; page-repeated),
    UnsupportedError, DeadlineError.
    """
    given, most = 0, wanted.limit
    walk = _backwards if wanted.before is not None else _forwards
    async for item in walk(session, service, node, wanted, subid):
        yield record(item)
        given += 1
        if given == most:
            return


async def count(
    session: Session, service: Jid | None, node: str, *, subid: str | None = None
) -> int:
    """How many items the node has (XEP-0059 §2.7); counted where the service does not tell.

    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    told = await _ask(session, service, node, subid, rsm.request(maximum=0))
    if told.page is None:
        return len(told.items)
    if told.page.count is not None:
        return told.page.count
    return len([item async for item in part(session, service, node, Part(), subid=subid)])


# --- pages

_NEEDS = "retrieve-items"


@dataclass(frozen=True)
class _Answer:
    items: list[Element]
    page: rsm.Page | None  # None: the service does not page, these are all


def _query(node: str, subid: str | None) -> tuple[Element, Element]:
    whole, items = query("items", node)
    if subid is not None:  # who has several subscriptions says by which one (§6.5.9.1)
        items.set("subid", subid)
    return whole, items


async def _ask(
    session: Session, service: Jid | None, node: str, subid: str | None, result_set: Any
) -> _Answer:
    """One page, or all items where the service gives no pages."""
    asked = to_element(result_set)
    for attempt in (asked, None):
        whole, _ = _query(node, subid)
        if attempt is not None:
            whole.append(attempt)
        (answer,) = await flight(session, service, [("get", whole)])
        if attempt is None or not is_error(answer, "bad-request", "feature-not-implemented"):
            break
    if is_error(answer):
        raise await refusal(session, service, answer, _what(session, service, node), _NEEDS)
    found = _items(session, service, answer, node)
    told = answer[0].find(_SET)
    if told is None:
        return _Answer(found, None)
    by = name_of(session, service)
    page = rsm.read(from_element(told, rsm_xso.ResultSetMetadata, by=by))
    if page is not None:
        session.trace.note(
            f"page: {len(found)} items, count={page.count}, index={page.index}, "
            f"first={page.first}, last={page.last}"
        )
    return _Answer(found, page)


def _items(session: Session, service: Jid | None, answer: Element, node: str) -> list[Element]:
    """The ``<item/>`` of an answer; those of another node were not asked for.

    Raises RefusedError (malformed-answer) where nothing is said of the node: that is not "none".
    """
    told = [
        items
        for items in payload_of(session, service, answer, PUBSUB).findall(f"{{{NS}}}items")
        if items.get("node", node) == node
    ]
    if not told:
        raise unreadable(session, service, f"no <items/> of the node {node}")
    return [item for items in told for item in items.findall(f"{{{NS}}}item")]


async def _forwards(
    session: Session, service: Jid | None, node: str, wanted: Part, subid: str | None
) -> AsyncGenerator[Element, None]:
    guard, seen = rsm.Guard(), _Seen()
    number = wanted.number
    most = min(filter(None, (wanted.page_size, number, wanted.limit)))
    place: dict[str, Any] = {"after": wanted.after, "index": wanted.index}
    given = 0
    while True:
        answer = await _ask(session, service, node, subid, rsm.request(maximum=most, **place))
        if answer.page is None:
            for item in _window(session, service, node, answer.items, wanted):
                yield item
            return
        guard.check(answer.page, by=name_of(session, service))
        if not given and wanted.after is not None:
            if answer.page.index == 0:  # nothing comes before it
                raise _no_place(session, service, node, wanted.after)
            if not answer.items:
                await _check_end(session, service, node, subid, answer.page, wanted.after)
        for item in seen.new(answer.items):
            yield item
            given += 1
            if given == number:
                return
        last = answer.page.last
        if last is None or not answer.items or answer.page.is_last(len(answer.items)):
            return
        most = min(wanted.page_size, number - given) if number else wanted.page_size
        place = {"after": last}


async def _backwards(
    session: Session, service: Jid | None, node: str, wanted: Part, subid: str | None
) -> AsyncGenerator[Element, None]:
    guard, before = rsm.Guard(), wanted.before
    number = wanted.number or wanted.page_size
    found: list[Element] = []
    while len(found) < number:
        most = min(wanted.page_size, number - len(found))
        answer = await _ask(session, service, node, subid, rsm.request(maximum=most, before=before))
        if answer.page is None:
            found = _window(session, service, node, answer.items, wanted)
            break
        guard.check(answer.page, by=name_of(session, service))
        if not found and wanted.before:
            await _check_next(session, service, node, subid, answer, wanted.before)
        found = answer.items + found
        before = answer.page.first
        if before is None or answer.page.index == 0 or not answer.items:
            break
    for item in _Seen().new(found[-number:]):
        yield item


async def _check_end(
    session: Session,
    service: Jid | None,
    node: str,
    subid: str | None,
    page: rsm.Page,
    uid: str,
) -> None:
    """Nothing behind the last item is an empty page, but so is one server's for unknown UIDs."""
    if page.count != 0:
        told = await _ask(session, service, node, subid, rsm.request(maximum=1, before=""))
        if told.page is not None and told.page.last == uid:
            return
    raise _no_place(session, service, node, uid)


async def _check_next(
    session: Session,
    service: Jid | None,
    node: str,
    subid: str | None,
    answer: _Answer,
    uid: str,
) -> None:
    """What precedes an unknown UID is the last page for one server: who follows that page?"""
    last = answer.page.last if answer.page is not None else None
    told = await _ask(session, service, node, subid, rsm.request(maximum=1, after=last))
    if told.page is None or told.page.first != uid:
        raise _no_place(session, service, node, uid)


class _Seen:
    """Leaves out what was there already: a page may begin before the end of the one before it."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def new(self, items: Sequence[Element]) -> Iterator[Element]:
        for item in items:
            identifier = item.get("id")
            if identifier is None:
                yield item
            elif identifier not in self._ids:
                self._ids.add(identifier)
                yield item


def _window(
    session: Session, service: Jid | None, node: str, items: list[Element], wanted: Part
) -> list[Element]:
    """The part of a whole list that is ``wanted``."""
    number = wanted.number
    if wanted.before is not None:
        end = len(items)
        if wanted.before:
            end = _place(session, service, node, items, wanted.before)
        return items[max(0, end - (number or end)) : end]
    begin = wanted.index or 0
    if wanted.after is not None:
        begin = _place(session, service, node, items, wanted.after) + 1
    return items[begin:] if number is None else items[begin : begin + number]


def _place(session: Session, service: Jid | None, node: str, items: list[Element], uid: str) -> int:
    for place, item in enumerate(items):
        if item.get("id") == uid:
            return place
    raise _no_place(session, service, node, uid)


def _no_place(session: Session, service: Jid | None, node: str, uid: str) -> RefusedError:
    by = name_of(session, service)
    return not_found(session, service, f"the node {node} of {by} has no item {uid} to begin at")


def _what(session: Session, service: Jid | None, node: str) -> str:
    return f"the items of the node {node} of {name_of(session, service)}"
