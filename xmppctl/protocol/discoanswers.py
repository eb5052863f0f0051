"""XEP-0030: Service Discovery. Here: one question for items, and what is answered (XEP-0059)."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

import aioxmpp.rsm.xso as rsm_xso

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.disco import DiscoItem
from xmppctl.model.jid import Jid, lenient
from xmppctl.protocol import rsm
from xmppctl.records import dataclass
from xmppctl.session.payload import from_element, malformed, to_element
from xmppctl.session.stream import Session

_ITEMS = "{http://jabber.org/protocol/disco#items}"
_SET = "{http://jabber.org/protocol/rsm}set"


def checked(answer: Element | None, tag: str, by: str, step: str) -> Element:
    """The ``<query/>`` of an answer. Raises RefusedError (malformed-answer)."""
    if answer is not None and answer.tag == tag:
        return answer
    error = malformed(f"no <query/> of {step}", by)
    error.step = step
    raise error


@dataclass(frozen=True)
class Answer:
    """What was said to a question for items."""

    items: list[DiscoItem]
    page: rsm.Page | None  # None: the entity does not page


async def ask(
    session: Session, jid: Jid | str, node: str | None, result_set: Any, timeout: float | None
) -> Answer:
    """The answer to a question for a page; asked without where the entity refuses pages.

    One server lists all its rooms only to who asks for pages, hence the attempt.
    """
    try:
        return await _once(session, jid, node, result_set, timeout)
    except RefusedError as error:
        if error.condition not in ("bad-request", "feature-not-implemented"):
            raise
    return await _once(session, jid, node, None, timeout)


async def _once(
    session: Session, jid: Jid | str, node: str | None, result_set: Any, timeout: float | None
) -> Answer:
    query = Element(f"{_ITEMS}query", {} if node is None else {"node": node})
    if result_set is not None:
        query.append(to_element(result_set))
    answer = await session.request(
        query,
        to=jid,
        step="disco#items",
        what=f"disco items of {jid}" + (f" node {node}" if node else ""),
        timeout=timeout,
    )
    found = checked(answer, f"{_ITEMS}query", str(jid), "disco#items")
    listed = [
        DiscoItem(str(lenient(item.get("jid", ""))), item.get("node"), item.get("name") or None)
        for item in found.findall(f"{_ITEMS}item")
        if item.get("jid")
    ]
    told = found.find(_SET)
    if told is None or result_set is None:
        return Answer(listed, None)
    return Answer(listed, rsm.read(from_element(told, rsm_xso.ResultSetMetadata, by=str(jid))))


def note(session: Session, page: rsm.Page, number: int) -> None:
    """Tell who wants to know what a page was."""
    session.trace.note(
        f"page: {number} items, count={page.count}, index={page.index}, first={page.first}, "
        f"last={page.last}"
    )


def unpaged(jid: Jid | str, how: str = "") -> UnsupportedError:
    """What to raise where an entity does not page, or not ``how``."""
    return UnsupportedError(
        f"{jid} does not give its items in pages{how} (XEP-0059)",
        step="disco#items",
        condition="feature-not-implemented",
        by=str(jid),
    )
