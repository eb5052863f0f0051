"""RFC 6121 §5: sending messages, with proof of what became of them.

Stanzas between two entities are processed in order (RFC 6120 §10.1). So behind each message goes
a *barrier*, a ping to the recipient's bare JID: a bounce of the message arrives before the
barrier's answer, whatever that answer is. In the same flight XEP-0198's ``<r/>`` tells whether the
own server took the message over; where the server does not offer that, a ping to the server itself.
Receipts (XEP-0184) and displayed markers (XEP-0333) are waited for behind that, on demand.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar
from xml.etree.ElementTree import Element, SubElement

import aioxmpp.ping.xso as ping_xso

from xmppctl.errors import DeadlineError, ErrorInfo, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.message import SendResult
from xmppctl.protocol import markers, receipts
from xmppctl.protocol.handover import Handover, dispatch
from xmppctl.session import acks
from xmppctl.session.conditions import stanza_error
from xmppctl.session.inbox import Inbox
from xmppctl.session.stream import MESSAGE, Session
from xmppctl.session.xml import LANG, NS_CLIENT

NS_STANZA_ID = "urn:xmpp:sid:0"

WINDOW = 32
"""Messages on their way at once when many are sent over one connection."""

Wait = Literal["confirmed", "acked", "received", "displayed"]

RETRY_PAUSE = 1.0
"""Seconds before a message that bounced for the time being is sent again; then twice as long."""

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
    receipt: bool = False,
    markable: bool = False,
    displayed: str | None = None,
) -> Outgoing:
    """A message stanza with an origin id equal to its id (XEP-0359 §3.2).

    ``receipt`` asks for a delivery receipt, ``markable`` for a displayed marker; ``displayed`` is
    the id of a message that this one says to be displayed (XEP-0333 §5.2).
    """
    stanza = Element(MESSAGE, {"to": str(to), "id": id, "type": type})
    if lang is not None:
        stanza.set(LANG, lang)
    for name, text in (("subject", subject), ("body", body), ("thread", thread)):
        if text is not None:
            SubElement(stanza, f"{{{NS_CLIENT}}}{name}").text = text
    SubElement(stanza, f"{{{NS_STANZA_ID}}}origin-id", {"id": id})
    ask_for(stanza, receipt=receipt, markable=markable)
    if displayed is not None:
        SubElement(stanza, markers.DISPLAYED, {"id": displayed})
    return Outgoing(to, stanza)


def ask_for(stanza: Element, *, receipt: bool, markable: bool) -> None:
    """Ask for a receipt, for a displayed marker."""
    if receipt:
        receipts.request(stanza)
    if markable:
        markers.request(stanza)


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
    wait_timeout: float | None = None,
) -> AsyncIterator[SendResult]:
    """Send messages over one stream; a result for each, in their order.

    ``wait`` "received" or "displayed" waits for the recipient's own word, ``wait_timeout`` seconds
    (default: the account's timeout) behind the proof of delivery to the server. A bounce that is
    temporary is tried again, with the same id, as often as the account's ``retry`` says.

    What fails for one recipient is in its record, also where the stream ended: a message whose
    fate is unknown is never sent again. Where ``messages`` gives a result instead of a message
    (one that was refused before it was sent) it comes out in its place. What ``messages`` raises
    is raised when the results of all messages before it are out.
    """
    if not session.offers(acks.FEATURE):
        session.trace.note("no acknowledgements (XEP-0198): the own server is asked by pings")
    limit = session.account.timeout if wait_timeout is None else wait_timeout

    async def deliver(message: Outgoing | SendResult) -> SendResult:
        if isinstance(message, SendResult):
            return message
        return await _retrying(session, message, wait, timeout, limit)

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
                window.append(asyncio.ensure_future(deliver(message)))
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


async def _retrying(
    session: Session, message: Outgoing, wait: Wait, timeout: float | None, limit: float
) -> SendResult:
    """A bounce of type "wait" proves that nothing was delivered, and may be tried again."""
    pause = RETRY_PAUSE
    for _ in range(session.account.retry):
        result, bounced = await _one(session, message, wait, timeout, limit)
        if not bounced or result.error is None or result.error.type != "wait":
            return result
        session.trace.note(f"{result.error.text}; trying again in {pause:g} s")
        await asyncio.sleep(pause)
        pause *= 2
    result, _ = await _one(session, message, wait, timeout, limit)
    return result


async def _one(
    session: Session, message: Outgoing, wait: Wait, timeout: float | None, limit: float
) -> tuple[SendResult, bool]:
    """The result, and whether it is that of a bounce."""
    result = message.result
    with (
        session.inbox(_bounces(session, message)) as bounces,
        session.inbox(_words(message)) as words,
    ):
        try:
            # whoever decides about the message's fate answers for the bare JID
            barrier = session.ask(ping_xso.Ping(), to=message.to.bare) if _proves(wait) else None
            with dispatch(session, message.stanza, *([barrier.element] if barrier else [])) as sent:
                if barrier is None:
                    failure = await _failure(sent.wait(timeout))
                else:
                    answer = session.answer(barrier, step="send", timeout=timeout)
                    failure = await _failure(answer, f"the message to {message.to}")
                bounce = _first(bounces)
                result = _fate(result, message.to, bounce, failure, sent, wait)
            if result.error is None and wait in ("received", "displayed"):
                result = await _recipients_word(words, message, result, wait, limit)
            return result, bounce is not None
        except XmppctlError as error:
            return replace(result, error=_at(error, message.to)), False


async def _recipients_word(
    words: Inbox, message: Outgoing, result: SendResult, wait: Wait, limit: float
) -> SendResult:
    """The result with ``received_at`` and ``displayed_at``, when the awaited one has come."""
    try:
        async with asyncio.timeout(limit):
            while (result.received_at if wait == "received" else result.displayed_at) is None:
                stanza = await words.get()
                now = datetime.now(UTC)
                if stanza.get("type") == "error":
                    late = stanza_error(stanza, f"the message to {message.to}")
                    return replace(result, confirmed=False, error=_at(late, message.to))
                if receipts.confirms(stanza, message.id) and result.received_at is None:
                    result = replace(result, received_at=now)
                if markers.confirms(stanza, message.id):
                    result = replace(result, displayed_at=now)
    except TimeoutError:
        what = "receipt" if wait == "received" else "displayed marker"
        silence = DeadlineError(
            f"no {what} from {message.to.bare} within {limit:g} s",
            step=wait,
            condition="timeout",
            hint="the server has the message; the recipient may be offline or tell nobody",
        )
        return replace(result, error=_at(silence, message.to))
    except XmppctlError as error:  # the stream ended
        return replace(result, error=_at(error, message.to))
    return result


def _words(message: Outgoing) -> Callable[[Element], bool]:
    """What the recipient says of the message: only who was addressed may say it (XEP-0184 §5)."""

    def matches(stanza: Element) -> bool:
        if stanza.tag != MESSAGE or stanza.get("type") == "groupchat":
            return False
        if lenient(stanza.get("from", "")).bare != lenient(str(message.to.bare)):
            return False
        if stanza.get("type") == "error":
            return stanza.get("id") == message.id
        return receipts.confirms(stanza, message.id) or markers.confirms(stanza, message.id)

    return matches


def _proves(wait: Wait) -> bool:
    return wait != "acked"


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
    bounce: Element | None,
    failure: XmppctlError | None,
    sent: Handover,
    wait: Wait,
) -> SendResult:
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
