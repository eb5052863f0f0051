"""RFC 6121 §5: sending messages, with proof of what became of them.

Stanzas between two entities are processed in order (RFC 6120 §10.1). So behind each message goes
a *barrier*, a ping to the recipient's bare JID: a bounce of the message arrives before the
barrier's answer, whatever that answer is. In the same flight XEP-0198's ``<r/>`` tells whether the
own server took the message over; where the server does not offer that, a ping to the server itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar
from xml.etree.ElementTree import Element, SubElement

import aioxmpp.ping.xso as ping_xso

from xmppctl.errors import DeadlineError, ErrorInfo, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.message import SendResult
from xmppctl.protocol.handover import Handover, dispatch
from xmppctl.session import acks
from xmppctl.session.conditions import stanza_error
from xmppctl.session.inbox import Inbox
from xmppctl.session.stream import MESSAGE, Session
from xmppctl.session.xml import LANG, NS_CLIENT

NS_STANZA_ID = "urn:xmpp:sid:0"

WINDOW = 32
"""Messages on their way at once when many are sent over one connection."""

Wait = Literal["confirmed", "acked"]

T = TypeVar("T")

_UNREACHABLE = frozenset({"remote-server-not-found", "remote-server-timeout"})
"""With these a barrier's answer says itself that nothing can have arrived."""


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
        origin_id = origin.get("id") if origin is not None else None
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


async def until_ended(session: Session, source: AsyncIterable[T]) -> AsyncIterator[T]:
    """What ``source`` gives while the stream is up.

    For a source that may keep silent for long: raises what ended the stream, instead of waiting
    for something that could not be sent any more.
    """
    iterator = aiter(source)
    with session.inbox(lambda stanza: False) as nothing:
        ended = asyncio.ensure_future(nothing.get())
        try:
            while True:
                following: asyncio.Future[T] = asyncio.ensure_future(anext(iterator))
                try:
                    either: set[asyncio.Future[Any]] = {following, ended}
                    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    following.cancel()  # does nothing to what is done
                if not following.done():
                    ended.result()
                try:
                    item = following.result()
                except StopAsyncIteration:
                    return
                yield item
        finally:
            ended.cancel()


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
    (one that was refused before it was sent) it comes out in its place. What ``messages`` raises
    is raised when the results of all messages before it are out.
    """
    if not session.offers(acks.FEATURE):
        session.trace.note("no acknowledgements (XEP-0198): the own server is asked by pings")
    source = aiter(messages)
    following: asyncio.Future[Outgoing | SendResult] | None = None
    window: deque[asyncio.Task[SendResult]] = deque()
    failure: XmppctlError | None = None
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
                except XmppctlError as error:
                    failure = error
                    break
                following = None
                window.append(asyncio.ensure_future(_one(session, message, wait, timeout)))
                await asyncio.sleep(0)  # it goes out before the next one is read
        while window:
            yield await window.popleft()
        if failure is not None:
            raise failure
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
    with session.inbox(_bounces(session, message)) as bounces:
        try:
            # whoever decides about the message's fate answers for the bare JID
            barrier = session.ask(ping_xso.Ping(), to=message.to.bare) if _proves(wait) else None
            with dispatch(session, message.stanza, *([barrier.element] if barrier else [])) as sent:
                if barrier is None:
                    failure = await _failure(sent.wait(timeout))
                else:
                    answer = session.answer(barrier, step="send", timeout=timeout)
                    failure = await _failure(answer, f"the message to {message.to}")
                return _fate(result, message.to, bounces, failure, sent, wait)
        except XmppctlError as error:
            return replace(result, error=_at(error, message.to))


def _proves(wait: Wait) -> bool:
    return wait == "confirmed"


async def _failure(answer: Awaitable[Element | None], what: str = "") -> XmppctlError | None:
    """Why there is no answer, or that the answer says that nobody could be reached."""
    try:
        iq = await answer
    except XmppctlError as error:
        return error
    if iq is None or iq.get("type") != "error":
        return None
    refusal = stanza_error(iq, what)
    return refusal if refusal.condition in _UNREACHABLE else None


def _fate(
    result: SendResult,
    to: Jid,
    bounces: Inbox,
    failure: XmppctlError | None,
    sent: Handover,
    wait: Wait,
) -> SendResult:
    bounce = _first(bounces)
    if bounce is not None:
        return replace(
            result, acked=True, error=_at(stanza_error(bounce, f"the message to {to}"), to)
        )
    if failure is None:
        return replace(result, acked=True, confirmed=_proves(wait))
    if isinstance(failure, DeadlineError) and sent.taken:
        failure.hint = "the own server has the message; whether it arrived cannot be told"
    return replace(result, acked=sent.taken, error=_at(failure, to))


def _first(bounces: Inbox) -> Element | None:
    try:
        return next(bounces.drain(), None)
    except XmppctlError:  # the stream ended, which whoever waited for an answer knows already
        return None


def _bounces(session: Session, message: Outgoing) -> Callable[[Element], bool]:
    """A bounce comes from the recipient or, in its name or its own, from the own server."""
    senders = {str(lenient(str(message.to.bare))), session.bare, session.domain}

    def matches(stanza: Element) -> bool:
        return (
            stanza.tag == MESSAGE
            and stanza.get("type") == "error"
            and stanza.get("id") == message.id
            and str(lenient(stanza.get("from", session.bare)).bare) in senders
        )

    return matches


def _at(error: XmppctlError, to: Jid) -> ErrorInfo:
    error.step = error.step or "send"
    error.by = error.by or str(to)
    return error.info()
