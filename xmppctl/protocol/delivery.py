"""RFC 6121 §5: one message, and proof of what became of it.

Stanzas between two entities are processed in order (RFC 6120 §10.1). So behind each message goes
a *barrier*, a ping to the recipient's bare JID: a bounce of the message arrives before the
barrier's answer, whatever that answer is. In the same flight XEP-0198's ``<r/>`` tells whether the
own server took the message over; where the server does not offer that, a ping to the server itself.
Receipts (XEP-0184) and displayed markers (XEP-0333) are waited for behind that, on demand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal
from xml.etree.ElementTree import Element

from xmppctl.errors import DeadlineError, ErrorInfo, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.sent import SendResult
from xmppctl.protocol import flights
from xmppctl.protocol.handover import dispatch
from xmppctl.protocol.outgoing import Outgoing
from xmppctl.protocol.payload import markers, receipts
from xmppctl.protocol.settling import Settling
from xmppctl.records import dataclass
from xmppctl.session.conditions import stanza_error
from xmppctl.session.inbox import Inbox
from xmppctl.session.stream import MESSAGE, Session

Wait = Literal["confirmed", "acked", "received", "displayed"]

RETRY_PAUSE = 1.0
"""Seconds before a message that bounced for the time being is sent again; then twice as long."""

_LONGEST_PAUSE = 60.0

_CLIENT_LIMIT = 5.0
"""Seconds for a client to answer; one that keeps silent has been reached all the same."""

_PRIVATE = "{http://jabber.org/protocol/muc#user}x"


@dataclass(frozen=True)
class Attempt:
    """What became of a message; ``again``: certainly nobody has got it, it may be sent again."""

    result: SendResult
    again: bool = False


async def retrying(
    session: Session,
    attempt: Callable[[], Awaitable[Attempt]],
    first: Attempt | None = None,
) -> SendResult:
    """Try as often as the account's ``retry`` allows, with growing pauses.

    ``first`` is what became of an attempt that was made before.
    """
    pause = RETRY_PAUSE
    for _ in range(session.account.retry):
        made, first = first or await attempt(), None
        if not made.again or made.result.error is None:
            return made.result
        session.trace.note(f"{made.result.error.text}; trying again in {pause:g} s")
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return (first or await attempt()).result


async def deliver(
    session: Session,
    message: Outgoing,
    settling: Settling,
    decided: Callable[[], None],
    *,
    wait: Wait,
    timeout: float | None,
    wait_timeout: float,
    first: Attempt | None = None,
    challenged: Callable[[SendResult], Awaitable[SendResult]] | None = None,
) -> SendResult:
    """Send one message; what fails is in its record.

    ``decided`` is called when it is with the recipient's server and does not keep others from
    being sent any more. ``first``: an attempt that was made before. ``challenged`` meets a
    challenge, before anybody waits for the recipient's own word.
    """

    async def attempt() -> Attempt:
        with (
            session.inbox(_bounces(session, message)) as bounces,
            session.inbox(_words(session, message)) as words,
        ):
            try:
                result = await _prove(session, message, wait, timeout)
                if challenged is not None and result.error is None:
                    await settling.wait(message.to)
                    result = await challenged(result)
                if result.error is None:
                    decided()
                    if wait == "confirmed":
                        await settling.wait(message.to)
                    elif wait != "acked":
                        result = await _recipients_word(words, message, result, wait, wait_timeout)
            except XmppctlError as error:
                result = replace(message.result, error=blamed(error, message.to))
            bounce = _first(bounces)
        if bounce is None or result.received_at is not None:
            return Attempt(result)
        return judge(message, bounce)

    return await retrying(session, attempt, first)


def judge(message: Outgoing, bounce: Element) -> Attempt:
    """What became of a message that came back."""
    refusal = stanza_error(bounce, f"the message to {message.to}")
    if refusal.condition == "not-acceptable":
        refusal.hint = _hint(message) or refusal.hint
    result = replace(message.result, acked=True, error=blamed(refusal, message.to))
    return Attempt(result, _delivered_to_nobody(bounce, refusal))


def _hint(message: Outgoing) -> str | None:
    """What "not-acceptable" means where the address may be one of a room."""
    if message.stanza.get("type") == "groupchat":
        return "--muc enters the room first"
    if message.to.is_full:
        return "one of you may have blocked the other; in a room, muc pm enters it first"
    return None


def _delivered_to_nobody(bounce: Element, error: XmppctlError) -> bool:
    """Whether a bounce proves that, and is worth another try.

    A client that bounces has seen the message, and others of the account may have it.
    """
    return error.type == "wait" and lenient(bounce.get("from", "")).resource is None


async def _prove(
    session: Session, message: Outgoing, wait: Wait, timeout: float | None
) -> SendResult:
    """Send it and wait for what proves that it was taken over or, by the barrier, processed."""
    result, to = message.result, message.to
    # whoever decides about the message's fate answers for the bare JID
    barrier = flights.barrier(session, to.bare) if wait != "acked" else None
    with dispatch(session, message.stanza, *([barrier.element] if barrier else [])) as sent:
        try:
            if barrier is None:
                await sent.wait(timeout)
                return replace(result, acked=True)
            answer = await session.answer(barrier, step="send", timeout=timeout)
        except XmppctlError as silence:
            if isinstance(silence, DeadlineError) and sent.taken:
                silence.hint = "the own server has the message; whether it arrived cannot be told"
            return replace(result, acked=sent.taken, error=blamed(silence, to))
    if answer.get("type") == "error":  # which is an answer, unless it says that nothing can arrive
        said = stanza_error(answer, f"the message to {to}")
        if said.condition in flights.UNREACHABLE or (
            may_be_dropped(message, said) and await is_dropped(session, message, said)
        ):
            return replace(result, acked=True, error=blamed(said, to))
    return replace(result, acked=True, confirmed=True)


def may_be_dropped(message: Outgoing, said: XmppctlError) -> bool:
    """Whether nobody answers for the account (``said``), and the message is for a client of it.

    An occupant of a room is no such client.
    """
    return (
        said.condition == "service-unavailable"
        and message.to.is_full
        and message.stanza.find(_PRIVATE) is None
    )


async def is_dropped(session: Session, message: Outgoing, said: XmppctlError) -> bool:
    """Where nobody answers for the account: whether the addressed client does not answer either.

    A server may drop without a bounce what somebody who is blocked sends to a client, and then
    has no answer to pings.
    """
    pending = flights.barrier(session, message.to)
    session.send(pending.element)
    try:
        limit = min(session.account.timeout, _CLIENT_LIMIT)
        answer = await session.answer(pending, step="send", timeout=limit)
    except DeadlineError:
        return False  # it has the ping, and so the message
    if answer.get("type") != "error":
        return False
    said.hint = "neither the account nor the client is there for you: you may be blocked"
    return stanza_error(answer, "").condition == "service-unavailable"


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
                    return replace(result, confirmed=False, error=blamed(late, message.to))
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
        return replace(result, error=blamed(silence, message.to))
    except XmppctlError as error:  # the stream ended
        return replace(result, error=blamed(error, message.to))
    return result


def _words(session: Session, message: Outgoing) -> Callable[[Element], bool]:
    """What the recipient says of the message: only who was addressed may say it (XEP-0184 §5)."""
    addressed = lenient(str(message.to.bare))

    def matches(stanza: Element) -> bool:
        if stanza.tag != MESSAGE or stanza.get("type") == "groupchat":
            return False
        if stanza.get("type") == "error":
            about = stanza.get("id") == message.id
        else:
            about = receipts.confirms(stanza, message.id) or markers.confirms(stanza, message.id)
        sender = stanza.get("from", "")
        if about and lenient(sender).bare != addressed:
            session.trace.note(f"ignored word of the message {message.id} by {sender}")
            return False
        return about

    return matches


def _first(bounces: Inbox) -> Element | None:
    try:
        return next(bounces.drain(), None)
    except XmppctlError:  # the stream ended, which whoever waited for an answer knows already
        return None


def _bounces(session: Session, message: Outgoing) -> Callable[[Element], bool]:
    def matches(stanza: Element) -> bool:
        return (
            stanza.tag == MESSAGE
            and stanza.get("type") == "error"
            and stanza.get("id") == message.id
            and may_bounce(session, message, stanza)
        )

    return matches


def may_bounce(session: Session, message: Outgoing, bounce: Element) -> bool:
    """Whether that comes from the recipient or, in its name or its own, from the own server."""
    senders = {str(lenient(str(message.to.bare))), session.bare, session.domain}
    return str(lenient(bounce.get("from", session.bare)).bare) in senders


def blamed(error: XmppctlError, to: Jid) -> ErrorInfo:
    """What stands in the result of a message; ``to`` is who said so where the error names none."""
    error.step = error.step or "send"
    error.by = error.by or str(to)
    return error.info()
