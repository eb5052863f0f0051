"""XEP-0030: Service Discovery, with the forms of XEP-0128 and the pages of XEP-0059.

Answers are read leniently: one identity, item or form that does not fit must not hide the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any
from xml.etree.ElementTree import Element

from xmppctl.errors import (
    ConnectError,
    ErrorInfo,
    PartialError,
    RefusedError,
    XmppctlError,
)
from xmppctl.model.disco import DiscoEntry, DiscoInfo, DiscoItem, Identity, InfoField, InfoForm
from xmppctl.model.jid import Jid, parse
from xmppctl.model.paging import Part
from xmppctl.protocol import Xep, forms, rsm
from xmppctl.protocol import discoanswers as answers
from xmppctl.session.conditions import UNSUPPORTED, stanza_error
from xmppctl.session.stream import Session
from xmppctl.session.xml import LANG

XEPS = (
    Xep("0030", "2.5.0", "complete"),
    Xep("0128", "1.0.1", "complete"),
    Xep("0068", "1.3.0", "complete"),
)

_INFO = "{http://jabber.org/protocol/disco#info}"

_PARALLEL = 16
"""Questions under way at once while a tree is walked."""


# --- disco#info (§3)


def info_request(node: str | None) -> Element:
    """The ``<query/>`` that asks what an entity, or a node of it, is."""
    return Element(f"{_INFO}query", {} if node is None else {"node": node})


def check_info(answer: Element | None, by: str) -> Element:
    """The ``<query/>`` of an answer. Raises RefusedError (malformed-answer)."""
    return answers.checked(answer, f"{_INFO}query", by, "disco#info")


def answered(iq: Element, by: str) -> Element:
    """The ``<query/>`` in what came as an answer. Raises its error, and as ``check_info``."""
    if iq.get("type") == "error":
        error = stanza_error(iq, f"disco info of {by}")
        error.step, error.by = "disco#info", error.by or by
        raise error
    return check_info(next(iter(iq), None), by)


async def info(
    session: Session,
    jid: Jid | str,
    node: str | None = None,
    *,
    timeout: float | None = None,
    must_exist: bool = False,
) -> DiscoInfo:
    """What the entity is and can do (§3). Raises RefusedError, DeadlineError.

    ``must_exist``: an answer that says nothing at all about a node is item-not-found, which is
    what other servers answer; whatever exists has an identity (§3.1).
    """
    answer = await session.request(
        info_request(node),
        to=jid,
        step="disco#info",
        what=f"disco info of {jid}" + (f" node {node}" if node else ""),
        timeout=timeout,
    )
    found = read_info(check_info(answer, str(jid)), str(jid), node)
    if must_exist and node and not (found.identities or found.features or found.forms):
        raise RefusedError(
            f"{jid} says nothing about a node {node}",
            step="disco#info",
            condition="item-not-found",
            by=str(jid),
        )
    return found


def read_info(query: Element, jid: str, node: str | None) -> DiscoInfo:
    """The record of a ``<query/>``; features that are there twice are told once."""
    own = query.get(LANG)
    identities = [
        Identity(
            category=element.get("category", ""),
            type=element.get("type", ""),
            name=element.get("name") or None,
            lang=element.get(LANG, own),
        )
        for element in query.findall(f"{_INFO}identity")
    ]
    features = {element.get("var", "") for element in query.findall(f"{_INFO}feature")}
    return DiscoInfo(
        jid=jid,
        node=node,
        identities=identities,
        features=sorted(features - {""}),
        forms=[_form(element) for element in query.findall(forms.FORM)],
    )


def _form(element: Element) -> InfoForm:
    form = forms.read(element)
    fields = [InfoField(each.var, each.values, each.label) for each in form.fields if each.var]
    return InfoForm(form.form_type, fields)


# --- disco#items (§4)


async def items(
    session: Session,
    jid: Jid | str,
    node: str | None = None,
    *,
    timeout: float | None = None,
    page_size: int = Part.page_size,
    after: str | None = None,
    index: int | None = None,
    number: int | None = None,
) -> AsyncGenerator[DiscoItem, None]:
    """The entity's items (§4), page by page where the entity pages its answer (XEP-0059).

    ``after``: only those that follow this UID; ``index``: only from this one on; ``number``: no
    more than so many. Raises RefusedError, DeadlineError, and UnsupportedError where a place is
    given and the entity does not page, or not so.
    """
    guard = rsm.Guard()
    size, given = min(page_size, number or page_size), 0
    asked = rsm.request(maximum=size, after=after, index=index)
    answer = await answers.ask(session, jid, node, asked, timeout)
    if answer.page is None and (after is not None or index is not None):
        raise answers.unpaged(jid)
    if index is not None and answer.items and answer.page and answer.page.index != index:
        raise answers.unpaged(jid, " by --index")
    while True:
        page = answer.page
        hidden = page and not answer.items and page.count != 0 and index is None
        if hidden and size < Part.page_size:  # perhaps; and it does not say where it ended
            size = Part.page_size
            asked = rsm.request(maximum=size, after=after)
            answer = await answers.ask(session, jid, node, asked, timeout)
            continue
        if page is not None:
            guard.check(page, by=str(jid))
            answers.note(session, page, len(answer.items))
        for item in answer.items:
            yield item
            given += 1
            if given == number:
                return
        if page is None or page.last is None or page.is_last(len(answer.items)):
            return
        after, index = page.last, None
        size = min(page_size, number - given) if number else page_size
        asked = rsm.request(maximum=size, after=after)
        answer = await answers.ask(session, jid, node, asked, timeout)


async def part(
    session: Session, jid: Jid | str, node: str | None, wanted: Part
) -> AsyncGenerator[DiscoItem, None]:
    """The items that are ``wanted``; to stop at its limit is left to the caller.

    An entity that gives less at once than it is asked for is asked again. One that does not page
    gives the first ``maximum`` all the same. Raises what ``items`` raises.
    """
    if wanted.before is not None:
        for item in await _before(session, jid, node, wanted):
            yield item
        return
    place: dict[str, Any] = {"after": wanted.after, "index": wanted.index}
    size, number = wanted.page_size, wanted.number
    async with aclosing(items(session, jid, node, page_size=size, number=number, **place)) as found:
        async for item in found:
            yield item


async def _before(
    session: Session, jid: Jid | str, node: str | None, wanted: Part
) -> list[DiscoItem]:
    guard = rsm.Guard()
    found: list[DiscoItem] = []
    before, number = wanted.before, wanted.number or wanted.page_size
    size = min(wanted.page_size, number)
    while True:
        asked = rsm.request(maximum=size, before=before)
        answer = await answers.ask(session, jid, node, asked, None)
        page = answer.page
        if page is None:
            raise answers.unpaged(jid)
        if not answer.items and page.count != 0 and size < Part.page_size:
            size = Part.page_size  # as above
            continue
        guard.check(page, by=str(jid))
        answers.note(session, page, len(answer.items))
        found = answer.items + found
        if page.first is None or page.index == 0 or not answer.items or len(found) >= number:
            return found[-number:]
        before = page.first
        size = min(wanted.page_size, number - len(found))


async def count(session: Session, jid: Jid | str, node: str | None) -> int:
    """How many items the entity has (XEP-0059 §2.7); counted one by one where it does not tell."""
    answer = await answers.ask(session, jid, node, rsm.request(maximum=0), None)
    if answer.page is None:
        return len(answer.items)
    if answer.page.count is not None:
        return answer.page.count
    return len([item async for item in items(session, jid, node)])


# --- down the tree


async def walk(
    session: Session,
    jid: Jid | str,
    node: str | None = None,
    *,
    depth: int,
    timeout: float,
    limit: int | None = None,
) -> AsyncGenerator[DiscoEntry, None]:
    """The entity, its items, their items, down to ``depth``; each asked what it is.

    Breadth first, every level's questions side by side: a component that does not answer costs
    its own timeout and becomes an entry with an error. Items are told apart by JID and node
    together (a server may list itself under several nodes). Raises PartialError where there are
    more than ``limit`` entities, when so many were given.
    """
    seen: set[tuple[str, str | None]] = {(str(jid), node)}
    level = [DiscoItem(str(jid), node)]
    gate = asyncio.Semaphore(_PARALLEL)
    given = 0
    for number in range(depth + 1):
        deeper = number < depth

        async def visit(
            item: DiscoItem, number: int = number, deeper: bool = deeper
        ) -> tuple[DiscoEntry, list[DiscoItem]]:
            async with gate:
                return await _visit(session, item, number, deeper, timeout)

        following: list[DiscoItem] = []
        here = level if limit is None else level[: limit - given]
        tasks = [asyncio.ensure_future(visit(item)) for item in here]
        try:
            for task in tasks:
                entry, below = await task
                yield entry
                given += 1
                for item in below:
                    key = (item.jid, item.node)
                    if key not in seen:
                        seen.add(key)
                        following.append(item)
        finally:
            for task in tasks:
                task.cancel()
        if len(here) < len(level):
            raise PartialError(
                f"there are more than {limit} entities below {jid}; the rest was not asked",
                step="disco#info",
                hint="--limit asks more of them",
            )
        level = following


async def _visit(
    session: Session, item: DiscoItem, depth: int, deeper: bool, timeout: float
) -> tuple[DiscoEntry, list[DiscoItem]]:
    below: list[DiscoItem] = []
    error: ErrorInfo | None = None
    found = DiscoInfo(item.jid, item.node)

    try:
        parse(item.jid)
    except ValueError as odd:  # not to be sent: a server may end the stream for it
        failure = RefusedError(
            f"{item.jid!r} is in the list and is no JID: {odd}",
            step="disco#info",
            condition="jid-malformed",
        )
        return DiscoEntry(item.jid, item.node, item.name, depth, error=failure.info()), []

    async def ask_items() -> None:
        try:
            async for child in items(session, item.jid, item.node, timeout=timeout):
                below.append(child)
        except RefusedError as error:
            # who knows nothing of items has none; whether it is alive, disco#info tells
            if error.condition not in UNSUPPORTED:
                raise

    told: list[Any] = await asyncio.gather(
        info(session, item.jid, item.node, timeout=timeout),
        *([ask_items()] if deeper else []),
        return_exceptions=True,
    )
    for answer in told:
        if isinstance(answer, DiscoInfo):
            found = answer
        elif isinstance(answer, XmppctlError) and not isinstance(answer, ConnectError):
            error = error or answer.info()
        elif isinstance(answer, BaseException):
            raise answer
    entry = DiscoEntry(
        item.jid, item.node, item.name, depth, found.identities, found.features, error
    )
    return entry, below


def matcher(
    features: tuple[str, ...], category: str | None, type_: str | None
) -> Callable[[DiscoEntry], bool]:
    """Whether an entry has all these features and an identity of that category and type."""

    def matches(entry: DiscoEntry) -> bool:
        if not set(features) <= set(entry.features):
            return False
        if category is None and type_ is None:
            return True
        return any(
            category in (None, identity.category) and type_ in (None, identity.type)
            for identity in entry.identities
        )

    return matches
