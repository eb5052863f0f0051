"""XEP-0045: Multi-User Chat. Here: the subject of a room (§7.2.15, §8.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import DeadlineError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.occupant import RoomSubject
from xmppctl.protocol import flights
from xmppctl.protocol.message import read
from xmppctl.protocol.payload import Context
from xmppctl.protocol.room import Joined, joined
from xmppctl.session.conditions import stanza_error
from xmppctl.session.inbox import Inbox
from xmppctl.session.stream import MESSAGE, Session
from xmppctl.session.xml import NS_CLIENT

_SUBJECT = f"{{{NS_CLIENT}}}subject"
_BODY = f"{{{NS_CLIENT}}}body"


async def fetch(
    session: Session, room: Jid, nick: str, *, password: str | None = None
) -> RoomSubject:
    """The subject of the room. Raises RefusedError, DeadlineError."""
    with session.inbox(_subjects(room)) as inbox:
        async with joined(session, room, nick, password=password):
            return await _present(session, room, inbox)


async def change(
    session: Session, room: Jid, nick: str, text: str, *, password: str | None = None
) -> RoomSubject:
    """Set the subject of the room; "" removes it. Raises RefusedError, DeadlineError."""
    with session.inbox(_subjects(room)) as inbox:
        async with joined(session, room, nick, password=password) as here:
            now = await _present(session, room, inbox)
            # a room does not tell again what it knows already
            if text == (now.subject or ""):
                return now
            return await _change(session, here, inbox, text)


def _subjects(room: Jid) -> Callable[[Element], bool]:
    """A body makes it a message that has a subject of its own (§8.1)."""

    def matches(stanza: Element) -> bool:
        if stanza.tag != MESSAGE or str(lenient(stanza.get("from", "")).bare) != str(room):
            return False
        if stanza.get("type") == "error":
            return True
        alone = stanza.find(_SUBJECT) is not None and stanza.find(_BODY) is None
        return alone and stanza.get("type") == "groupchat"

    return matches


async def _present(session: Session, room: Jid, inbox: Inbox) -> RoomSubject:
    """What the room sent on entering; it comes before the answer to a later request."""
    pending = flights.barrier(session, room)
    session.send(pending.element)
    await session.answer(pending, step="subject")
    found = [_record(session, room, s) for s in inbox.drain() if s.get("type") == "groupchat"]
    return found[-1] if found else RoomSubject(str(room), None)


def _record(session: Session, room: Jid, stanza: Element) -> RoomSubject:
    message = read(stanza, Context(session.bare, room=str(room)))
    nick = lenient(stanza.get("from", "")).resource
    return RoomSubject(str(room), message.subject or None, nick, message.timestamp)


async def _change(session: Session, here: Joined, inbox: Inbox, text: str) -> RoomSubject:
    stanza = Element(MESSAGE, {"to": str(here.room), "type": "groupchat", "id": Session.new_id()})
    SubElement(stanza, _SUBJECT).text = text
    session.trace.enter("subject")
    session.send(stanza)
    limit = session.account.timeout
    try:
        async with asyncio.timeout(limit):
            while True:
                answer = await inbox.get()
                if answer.get("type") == "error":
                    if answer.get("id") == stanza.get("id"):
                        error = stanza_error(answer, f"the subject of {here.room}")
                        error.step, error.by = "subject", error.by or str(here.room)
                        raise error
                    continue
                # one server sends a message of its own making, so the id cannot be compared
                told = _record(session, here.room, answer)
                if told.nick == here.me.resource and (told.subject or "") == text:
                    return told
    except TimeoutError:
        here.silent = True
        raise DeadlineError(
            f"{here.room} did not confirm the subject within {limit:g} s",
            step="subject",
            condition="timeout",
            by=str(here.room),
        ) from None
