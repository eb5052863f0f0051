"""RFC 6121 §5: sending messages, with proof of what became of them.

Stanzas between two entities are processed in order (RFC 6120 §10.1). So behind each message goes
a *barrier*, a ping to the recipient's bare JID: a bounce of the message arrives before the
barrier's answer, whatever that answer is. XEP-0198's ``<r/>`` in the same flight tells whether the
own server took the message over.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any, Literal
from xml.etree.ElementTree import Element, SubElement

import aioxmpp.ping.xso as ping_xso

from xmppctl.errors import ErrorInfo, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.message import SendResult
from xmppctl.protocol import Xep
from xmppctl.session import acks
from xmppctl.session.conditions import stanza_error
from xmppctl.session.stream import MESSAGE, Inbox, Pending, Session
from xmppctl.session.xml import LANG, NS_CLIENT

XEPS = (Xep("0198", "1.6.3", "partial", "acknowledgements; streams are never resumed"),)

NS_STANZA_ID = "urn:xmpp:sid:0"

WINDOW = 32
"""Messages on their way at once when many are sent over one connection."""

Wait = Literal["confirmed", "acked"]


@dataclass(frozen=True)
class Outgoing:
    """A message to be sent: ``stanza`` as it goes out, with ``to`` and ``id`` filled in."""

    to: Jid
    stanza: Element

    @property
    def id(self) -> str:
        """The id of the stanza."""
        return self.stanza.get("id", "")

    @property
    def result(self) -> SendResult:
        """The result as long as nothing is known."""
        origin = self.stanza.find(f"{{{NS_STANZA_ID}}}origin-id")
        origin_id = origin.get("id", self.id) if origin is not None else self.id
        return SendResult(to=str(self.to), id=self.id, origin_id=origin_id)

    def refused(self, error: ErrorInfo) -> SendResult:
        """The result of a message that was not sent."""
        return replace(self.result, error=error)


def compose(
    to: Jid,
    *,
    id: str,
    body: str | None = None,
    type: str = "chat",
    subject: str | None = None,
    thread: str | None = None,
    lang: str | None = None,
) -> Outgoing:
    """A message stanza with an origin id equal to its id (XEP-0359 §3.2)."""
    stanza = Element(MESSAGE, {"to": str(to), "id": id, "type": type})
    if lang is not None:
        stanza.set(LANG, lang)
    for name, text in (("subject", subject), ("body", body), ("thread", thread)):
        if text is not None:
            SubElement(stanza, f"{{{NS_CLIENT}}}{name}").text = text
    SubElement(stanza, f"{{{NS_STANZA_ID}}}origin-id", {"id": id})
    return Outgoing(to, stanza)


def adopt(stanza: Element, to: Jid, *, id: str) -> Outgoing:
    """A stanza that was written elsewhere: addressed to ``to``, with ``id`` where it has none."""
    stanza.set("to", str(to))
    stanza.attrib.pop("from", None)
    if not stanza.get("id"):
        stanza.set("id", id)
    return Outgoing(to, stanza)


async def send(
    session: Session,
    messages: AsyncIterable[Outgoing | SendResult],
    *,
    wait: Wait = "confirmed",
    timeout: float | None = None,
) -> AsyncIterator[SendResult]:
    """Send messages over one stream; a result for each, in their order.

    What fails for one recipient is in its record, also where the stream ended: a message whose
    fate is unknown is never sent again. Where ``messages`` gives a result instead of a message
    (one that was refused before it was sent) it comes out in its place.
    """
    source = aiter(messages)
    following: asyncio.Future[Outgoing | SendResult] | None = None
    window: deque[asyncio.Task[SendResult]] = deque()
    try:
        while True:
            # results go out as they come, also while the next message keeps us waiting
            if following is None:
                following = asyncio.ensure_future(anext(source))
            if len(window) < WINDOW:
                awaited: list[asyncio.Future[Any]] = [following, *list(window)[:1]]
                await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.wait([window[0]])
            while window and window[0].done():
                yield window.popleft().result()
            if len(window) < WINDOW and following.done():
                try:
                    message = following.result()
                except StopAsyncIteration:
                    break
                following = None
                window.append(asyncio.ensure_future(_one(session, message, wait, timeout)))
                await asyncio.sleep(0)  # it goes out before the next one is read
        while window:
            yield await window.popleft()
    finally:
        for task in window:
            task.cancel()
        if following is not None:
            following.cancel()


async def _one(
    session: Session, message: Outgoing | SendResult, wait: Wait, timeout: float | None
) -> SendResult:
    if isinstance(message, SendResult):
        return message
    result = message.result
    with session.inbox(_bounces(message)) as bounces:
        try:
            enabling = session.enabling()
            barrier = None
            if wait == "confirmed" or session.outbound is None:
                barrier = session.ask(ping_xso.Ping(), to=_probe(session, message.to, wait))
            after: list[Element] = [barrier.element] if barrier is not None else []
            if session.outbound is not None:
                session.send(*enabling, message.stanza, acks.REQUEST, *after)
                number = session.outbound.sent - len(after)
            else:
                session.send(message.stanza, *after)
                number = 0
            return await _fate(session, result, message, bounces, barrier, number, wait, timeout)
        except XmppctlError as error:
            return replace(result, error=_at(error, message.to))


async def _fate(
    session: Session,
    result: SendResult,
    message: Outgoing,
    bounces: Inbox,
    barrier: Pending | None,
    number: int,
    wait: Wait,
    timeout: float | None,
) -> SendResult:
    if barrier is None:
        await session.acknowledged(number, step="send", timeout=timeout)
        return replace(result, acked=True)
    failure: ErrorInfo | None = None
    try:
        await session.answer(barrier, step="send", timeout=timeout)
    except XmppctlError as error:
        failure = _at(error, message.to)
    outbound = session.outbound
    acked = (outbound.acked - number) % (1 << 32) < 1 << 31 if outbound is not None else not failure
    for bounce in bounces.drain():
        refused = stanza_error(bounce, f"the message to {message.to}")
        return replace(result, acked=acked, error=_at(refused, message.to))
    confirmed = failure is None and wait == "confirmed"
    return replace(result, acked=acked or failure is None, confirmed=confirmed, error=failure)


def _probe(session: Session, to: Jid, wait: Wait) -> str:
    """Whom the barrier asks: whoever decides about the message's fate answers for the bare JID."""
    return session.domain if wait == "acked" else str(to.bare)


def _bounces(message: Outgoing) -> Callable[[Element], bool]:
    own = str(lenient(str(message.to)).bare)

    def matches(stanza: Element) -> bool:
        return (
            stanza.tag == MESSAGE
            and stanza.get("type") == "error"
            and stanza.get("id") == message.id
            and str(lenient(stanza.get("from", own)).bare) == own
        )

    return matches


def _at(error: XmppctlError, to: Jid) -> ErrorInfo:
    error.step = error.step or "send"
    error.by = error.by or str(to)
    return error.info()
