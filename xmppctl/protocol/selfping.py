"""XEP-0410: MUC Self-Ping (Schrödinger's Chat).

A room relays pings between its occupants alone. So who listens pings itself after a long silence;
whether another client is in a room is asked from inside, by a visitor.
"""

from __future__ import annotations

import time
from xml.etree.ElementTree import Element

from xmppctl.errors import DeadlineError, EmptyError, ErrorInfo
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.occupant import SelfPing
from xmppctl.protocol import Xep
from xmppctl.protocol.room import Joined, joined, visitor_nick
from xmppctl.session.conditions import stanza_error
from xmppctl.session.responder import PING
from xmppctl.session.stream import Session

XEPS = (
    Xep("0410", "1.1.0", "complete", "listeners ping themselves; occupants are pinged on demand"),
)

_ALIVE = frozenset({"service-unavailable", "feature-not-implemented"})
"""The client itself says that it cannot answer pings, which shows that it is there."""

_UNKNOWN = frozenset({"remote-server-not-found", "remote-server-timeout"})
"""Somebody on the way says that the other side cannot be reached: nothing follows from that."""


def still_joined(answer: Element) -> bool | None:
    """What the answer to a ping to the own occupant JID means (§3.2); None: nothing.

    The nickname that is not found was changed a moment ago: who asked is in the room.
    """
    if answer.get("type") == "result":
        return True
    condition = stanza_error(answer, "").condition
    if condition in _UNKNOWN:
        return None
    return condition in _ALIVE or condition == "item-not-found"


async def is_inside(session: Session, here: Joined) -> bool | None:
    """Whether the room still has the session in it; None where nothing can be told."""
    pending = session.ask(Element(PING), to=here.me)
    session.send(pending.element)
    try:
        return still_joined(await session.answer(pending, step="self-ping"))
    except DeadlineError:
        return None


async def ping(
    session: Session,
    room: Jid,
    nick: str,
    *,
    visitor: str | None = None,
    password: str | None = None,
) -> SelfPing:
    """Whether the occupant ``nick`` is in the room, asked from inside by the nick ``visitor``.

    Everything that is said of the occupant is in the record. Raises RefusedError, DeadlineError
    where the room cannot be entered.
    """
    occupant = room._replace(resource=nick)
    name = visitor or visitor_nick(session)
    async with joined(session, room, name, password=password) as here:
        if not any(lenient(each.get("from", "")) == occupant for each in here.others):
            return SelfPing(str(room), nick, False, None, _absent(room, nick))
        pending = session.ask(Element(PING), to=occupant)
        begin = time.perf_counter()
        session.send(pending.element)
        try:
            answer = await session.answer(pending, step="ping")
        except DeadlineError as silence:
            return SelfPing(str(room), nick, None, None, silence.info())
        rtt = round((time.perf_counter() - begin) * 1000, 3)
    error = (
        stanza_error(answer, f"the ping to {occupant}") if answer.get("type") != "result" else None
    )
    if error is None or error.condition in _ALIVE:
        return SelfPing(str(room), nick, True, rtt)
    if error.condition == "item-not-found":  # it left in this very moment
        return SelfPing(str(room), nick, False, rtt, _absent(room, nick))
    # also a room that relays no questions: the answer is not the occupant's
    error.step, error.by = "ping", error.by or str(room)
    return SelfPing(str(room), nick, None, None, error.info())


def _absent(room: Jid, nick: str) -> ErrorInfo:
    return EmptyError(
        f"nobody in {room} has the nickname {nick}",
        step="ping",
        condition="item-not-found",
        by=str(room),
    ).info()
