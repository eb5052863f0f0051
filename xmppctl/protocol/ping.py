"""XEP-0199: XMPP Ping, with XEP-0410 for the occupants of rooms."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import Literal
from xml.etree.ElementTree import Element

from xmppctl.errors import ConnectError, DeadlineError, EmptyError, ErrorInfo, XmppctlError
from xmppctl.model.jid import Jid
from xmppctl.model.ping import Pong
from xmppctl.protocol import Xep
from xmppctl.session.conditions import stanza_error
from xmppctl.session.responder import PING
from xmppctl.session.stream import Session

XEPS = (
    Xep("0199", "2.0.1", "complete"),
    Xep("0410", "1.1.0", "partial", "pings to room occupants are recognised as such"),
)

_UNREACHABLE = frozenset({"remote-server-not-found", "remote-server-timeout"})
_ABSENT = frozenset({"service-unavailable", "recipient-unavailable", "item-not-found", "gone"})


async def ping(
    session: Session, to: Jid, seq: int, *, in_room: Awaitable[bool] | None, timeout: float
) -> Pong:
    """One ping. What the answer means depends on whom it was for.

    ``in_room`` tells whether a full JID is a room's occupant; it is awaited where that matters.
    A stream that ends is raised; everything that the other side says is in the record.
    """
    pending = session.ask(Element(PING), to=to)
    begin = time.perf_counter()
    session.send(pending.element)
    try:
        answer = await session.answer(pending, step="ping", timeout=timeout)
    except DeadlineError as silence:
        none = EmptyError(
            silence.text, step="ping", condition="timeout", by=str(to), hint=silence.hint
        )
        return Pong(str(to), seq, ok=False, rtt_ms=None, error=none.info())
    rtt = round((time.perf_counter() - begin) * 1000, 3)
    occupant = in_room is not None and await in_room
    if answer.get("type") == "result":
        return Pong(str(to), seq, ok=True, rtt_ms=rtt, answered_by=_who(to, occupant))
    error = stanza_error(answer, f"ping {to}")
    failure = _failure(to, occupant, error)
    if failure is None:
        return Pong(str(to), seq, ok=True, rtt_ms=rtt, answered_by=_who(to, occupant))
    if failure.condition in _UNREACHABLE:  # the own server's word about somebody else
        return Pong(str(to), seq, ok=False, rtt_ms=None, error=failure)
    answered = None if failure.code == EmptyError.code else _who(to.bare, False)
    return Pong(str(to), seq, ok=False, rtt_ms=rtt, answered_by=answered, error=failure)


def _who(to: Jid, occupant: bool) -> Literal["server", "client", "occupant"]:
    if not to.is_full:
        return "server"
    return "occupant" if occupant else "client"


def _failure(to: Jid, occupant: bool, error: XmppctlError) -> ErrorInfo | None:
    """What an error answer to a ping means: None where it shows life all the same."""
    error.step, error.by = "ping", error.by or str(to)
    if error.condition in _UNREACHABLE:
        return error.info()
    if occupant and error.condition == "not-acceptable":
        error.hint = "a room relays pings between its occupants alone; muc ping joins it first"
        return error.info()
    if occupant and error.condition == "service-unavailable":
        return None  # the occupant's client, which does not know pings (XEP-0410 §3.2)
    if to.is_full and error.condition in _ABSENT:
        where = "in the room" if occupant else "online"
        return EmptyError(
            f"{to} is not {where} ({error.condition})",
            step="ping",
            condition=error.condition,
            type=error.type,
            by=error.by,
        ).info()
    if to.is_full and error.condition != "feature-not-implemented":
        return error.info()
    # a domain that says anything is alive; for an account its server has spoken
    return None


async def is_room(session: Session, jid: Jid, *, timeout: float) -> bool:
    """Whether the bare JID is a room, so that its full JIDs are occupants (XEP-0045 §6.4)."""
    if jid.local is None:
        return False
    from xmppctl.protocol import disco  # it needs forms and pages, a ping does not

    try:
        info = await disco.info(session, jid.bare, timeout=timeout)
    except ConnectError:
        raise
    except XmppctlError:
        return False
    return any(identity.category == "conference" for identity in info.identities)
