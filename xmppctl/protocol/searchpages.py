"""XEP-0059: the results of a search page by page, where its service gives pages."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar
from xml.etree.ElementTree import Element

import aioxmpp.rsm.xso as rsm_xso

from xmppctl.errors import UnsupportedError
from xmppctl.model.paging import Part
from xmppctl.protocol import rsm
from xmppctl.session.payload import from_element, to_element
from xmppctl.session.stream import Session

T = TypeVar("T")

NS = "http://jabber.org/protocol/rsm"

_SET = f"{{{NS}}}set"


class Batch(NamedTuple, Generic[T]):
    """What was answered to one question; ``page`` None: it was no page."""

    results: list[T]
    page: rsm.Page | None


Ask = Callable[[Element | None], Awaitable[Batch[T]]]
"""Asks with a ``<set/>``, or without."""


def read(parent: Element, by: str) -> rsm.Page | None:
    """The ``<set/>`` of an answer. Raises RefusedError (malformed-answer)."""
    told = parent.find(_SET)
    if told is None:
        return None
    # one example of XEP-0433 has a <max/> there, which is not for answers
    for extra in told.findall(f"{{{NS}}}max"):
        told.remove(extra)
    return rsm.read(from_element(told, rsm_xso.ResultSetMetadata, by=by))


async def walk(
    session: Session, ask: Ask[T], wanted: Part, by: str, *, pages: bool
) -> AsyncGenerator[T, None]:
    """The results that are ``wanted``.

    ``pages``: whether the service is known to give pages; otherwise it is asked for one only where
    a part is wanted. Raises what ``ask`` raises, RefusedError where a page comes again, and
    UnsupportedError where a place is wanted and the service does not page.
    """
    number = wanted.number if wanted.number is not None else wanted.limit
    place = (wanted.after, wanted.before, wanted.index) != (None, None, None)
    if not (pages or place or number is not None):
        for result in (await ask(None)).results:
            yield result
        return
    if wanted.before is not None:
        for result in await _before(session, ask, wanted, by):
            yield result
        return
    guard, given = rsm.Guard(), 0
    after, index = wanted.after, wanted.index
    while True:
        size = wanted.page_size if number is None else min(wanted.page_size, number - given)
        batch = await ask(to_element(rsm.request(maximum=size, after=after, index=index)))
        page = batch.page
        if page is None and place:
            raise _unpaged(by)
        if page is not None:
            _note(session, page, len(batch.results))
            guard.check(page, by=by)
        for result in batch.results:
            yield result
            given += 1
            if given == number:
                return
        if page is None or not page.last or page.is_last(len(batch.results)) or not batch.results:
            return
        after, index = page.last, None


async def count(ask: Ask[T]) -> int:
    """How many results there are (§2.7)."""
    batch = await ask(to_element(rsm.request(maximum=0)))
    if batch.page is not None and batch.page.count is not None:
        return batch.page.count
    if batch.page is None:
        return len(batch.results)
    return len((await ask(None)).results)


async def _before(session: Session, ask: Ask[T], wanted: Part, by: str) -> list[T]:
    guard = rsm.Guard()
    before, number = wanted.before, wanted.number or wanted.page_size
    found: list[T] = []
    while True:
        size = min(wanted.page_size, number - len(found))
        batch = await ask(to_element(rsm.request(maximum=size, before=before)))
        page = batch.page
        if page is None:
            raise _unpaged(by)
        _note(session, page, len(batch.results))
        guard.check(page, by=by)
        found = batch.results + found
        if not page.first or page.index == 0 or not batch.results or len(found) >= number:
            return found[-number:]
        before = page.first


def _note(session: Session, page: rsm.Page, number: int) -> None:
    session.trace.note(
        f"page: {number} results, count={page.count}, index={page.index}, first={page.first}, "
        f"last={page.last}"
    )


def _unpaged(by: str) -> UnsupportedError:
    return UnsupportedError(
        f"{by} does not give its results in pages (XEP-0059)",
        step="search",
        condition="feature-not-implemented",
        by=by,
    )
