"""RFC 6120 §8: a stanza that somebody wrote, sent as it is, and its answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, cast
from xml.etree.ElementTree import Element

from xmppctl.errors import from_info
from xmppctl.model.jid import parse
from xmppctl.model.raw import RawAnswer
from xmppctl.protocol import send
from xmppctl.protocol.handover import dispatch
from xmppctl.protocol.outgoing import Outgoing, adopt
from xmppctl.session.conditions import stanza_error
from xmppctl.session.stream import IQ, MESSAGE, Session
from xmppctl.session.xml import serialise, split

_STEP = "raw"


async def exchange(session: Session, stanza: Element) -> RawAnswer:
    """Send ``stanza``; the answer to an iq, and for a message or presence that it was taken.

    A message is proven as ``send`` proves one: it did not bounce. Raises RefusedError,
    UnsupportedError, DeadlineError, ConnectError.
    """
    stanza.attrib.pop("from", None)
    if stanza.tag == IQ:
        return await _ask(session, stanza)
    if stanza.tag == MESSAGE:
        to = parse(stanza.get("to", session.bare))
        return await _deliver(session, adopt(stanza, to, id=Session.new_id()))
    stanza.set("id", stanza.get("id") or Session.new_id())
    session.trace.enter(_STEP)
    with dispatch(session, stanza) as sent:
        await sent.wait()
    return _record(stanza)


async def _ask(session: Session, stanza: Element) -> RawAnswer:
    pending = session.ask(stanza[0], to=stanza.get("to"), type=stanza.get("type", "get"))
    for name, value in stanza.items():
        if name not in ("id", "to", "type"):
            pending.element.set(name, value)
    session.send(pending.element)
    answer = await session.answer(pending, step=_STEP)
    if answer.get("type") == "error":
        error = stanza_error(answer, f"the request to {pending.to or session.bare}")
        error.step, error.by = _STEP, error.by or pending.to or session.domain
        raise error
    return _record(pending.element, answer)


async def _deliver(session: Session, message: Outgoing) -> RawAnswer:
    async def one() -> AsyncIterator[Outgoing]:
        yield message

    async for result in send.send(session, one()):
        if result.error is not None:
            raise from_info(result.error)
    return _record(message.stanza)


def _record(stanza: Element, answer: Element | None = None) -> RawAnswer:
    return RawAnswer(
        kind=cast(Literal["message", "presence", "iq"], split(stanza.tag)[1]),
        id=stanza.get("id", ""),
        to=stanza.get("to"),
        acked=True,
        from_=None if answer is None else answer.get("from"),
        xml=None if answer is None else serialise(answer, ""),
    )


def check(stanza: Element) -> None:
    """Raise ValueError for a stanza that a client may not send (RFC 6120 §8.1-§8.2)."""
    to = stanza.get("to")
    if to is not None:
        try:
            parse(to)
        except ValueError as error:
            raise ValueError(f"its 'to' {to!r} is not a JID: {error}") from None
    if stanza.tag == IQ:
        if stanza.get("type") not in ("get", "set"):
            raise ValueError("the type of an iq is get or set: nobody asks a run that begins")
        if len(stanza) != 1:
            raise ValueError(f"an iq has one child element, not {len(stanza)}")
