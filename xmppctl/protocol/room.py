"""XEP-0045: Multi-User Chat. Here: being in a room for the time of a run, and speaking there."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import DeadlineError, RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.sent import SendResult
from xmppctl.protocol import Xep, caps_own, challenge
from xmppctl.protocol.challenge import Solve
from xmppctl.protocol.dates import format_datetime
from xmppctl.protocol.handover import dispatch
from xmppctl.protocol.send import NS_STANZA_ID, Outgoing
from xmppctl.session.conditions import stanza_error
from xmppctl.session.inbox import Inbox
from xmppctl.session.stream import MESSAGE, PRESENCE, Session

XEPS = (Xep("0045", "1.35.5", "partial", "being in a room, and speaking there"),)

NS = "http://jabber.org/protocol/muc"
NS_USER = f"{NS}#user"
NS_OWNER = f"{NS}#owner"

_HINTS = {
    "conflict": "the nickname is taken: choose another with --nick",
    "not-authorized": "the room has a password: --room-password-file",
    "registration-required": "the room is for members only: ask for membership",
    "forbidden": "you are banned from this room",
    "service-unavailable": "the room is full",
    "jid-malformed": "the room does not like this nickname: choose another with --nick",
}
_SPEAKING_HINTS = {
    "forbidden": "the room is moderated: xmppctl muc voice asks for voice",
    "not-acceptable": "the room does not have the client in it any more",
}

_LAST_WORD = 0.4
"""Seconds that a room has to confirm that somebody left whose run is being ended early."""

JOIN_ERRORS = (RefusedError, UnsupportedError, DeadlineError)
"""What keeps one room closed, while others may be open."""


@dataclass
class Joined:
    """A room that the session is in: ``me`` is the own occupant JID.

    ``silent``: it let a message go without an answer, so that nobody waits for it any more.
    ``removed``: it has put the occupant out, so that there is nothing to leave.
    ``own``: the own presence, as the room sent it; ``others``: the presence of those who were
    there already, in the room's order (§7.2.2). ``met``: challenges that were answered.
    """

    room: Jid
    me: Jid
    codes: frozenset[int]
    silent: bool = False
    removed: bool = False
    own: Element | None = None
    others: list[Element] = field(default_factory=list)
    met: list[Element] = field(default_factory=list)


@asynccontextmanager
async def joined(
    session: Session,
    room: Jid,
    nick: str,
    *,
    password: str | None = None,
    create: bool = False,
    history: int | None = 0,
    since: datetime | None = None,
    features: Collection[str] | None = None,
    solve: Solve | None = None,
) -> AsyncIterator[Joined]:
    """Be in the room; at the end leave it and wait until the room says so, if all went well.

    Joined is who has seen the own presence with status 110 (§7.2.2). A room that this very join
    created is destroyed again and refused as item-not-found, unless ``create``. The room is asked
    for ``history`` old messages (None: as many as it likes), none older than ``since`` (§7.2.13).
    ``features``: what the client tells occupants that ask (XEP-0115); None: it does not answer,
    as who comes for a moment only. ``solve`` answers a challenge (XEP-0158); None: it is an error
    that comes. Raises RefusedError, DeadlineError.
    """
    me = room._replace(resource=nick)
    inside: list[Joined] = []
    with session.inbox(_from_room(room, inside)) as inbox:
        join = _presence(me)
        extension = SubElement(join, f"{{{NS}}}x")
        wanted = {} if history is None else {"maxstanzas": str(history)}
        if since is not None:
            wanted["since"] = format_datetime(since.replace(microsecond=0))
        if wanted:
            SubElement(extension, f"{{{NS}}}history", wanted)
        if password is not None:
            SubElement(extension, f"{{{NS}}}password").text = password
        if features is None:
            caps_own.leave_avatar(join)
        else:
            caps_own.decorate(join, features)
        session.trace.enter("join")
        session.send(join)
        membership = await _own_presence(session, inbox, join, solve)
        if 201 in membership.codes and not create:
            await _unmake(session, room)
            raise RefusedError(
                f"the room {room} does not exist",
                step="join",
                condition="item-not-found",
                by=str(room),
                hint="xmppctl muc create makes rooms",
            )
        inside.append(membership)
        try:
            yield membership
        except BaseException:
            # somebody is waiting for the end of the run: a slow room is not waited for
            with suppress(XmppctlError):
                await _leave(session, inbox, membership, timeout=_LAST_WORD)
            raise
        session.trace.enter("leave")
        await _leave(session, inbox, membership)


def own_nick(session: Session) -> str:
    """The nickname of who gave none."""
    return session.jid.local or "xmppctl"


def visitor_nick(session: Session) -> str:
    """A nickname for somebody who comes for a look, different from all that are in the room.

    Another client of the account may be in the room by the account's name: a second one of that
    name would share its place, and neither see it nor be told of it (§7.2.9).
    """
    return f"{own_nick(session)}-{secrets.token_hex(3)}"


async def speak(
    session: Session, here: Joined, message: Outgoing, *, timeout: float | None = None
) -> SendResult:
    """Send a message to the room; it is done when the room reflected it (§7.4).

    What fails is in the record.
    """
    result = message.result
    with session.inbox(_echo_or_error(here, message)) as inbox:
        session.trace.enter("send")
        taken = False
        try:
            with dispatch(session, message.stanza) as sent:
                try:
                    stanza = await _next(session, inbox, here.room, "send", timeout)
                finally:
                    taken = sent.taken
            if stanza.get("type") == "error":
                taken = True
                refusal = stanza_error(stanza, f"the message to {here.room}")
                refusal.hint = _SPEAKING_HINTS.get(refusal.condition or "", refusal.hint)
                raise refusal
        except XmppctlError as error:
            here.silent = isinstance(error, DeadlineError)
            error.step, error.by = "send", error.by or str(here.room)
            return replace(result, acked=taken, error=error.info())
    return replace(result, stanza_id=_room_id(stanza, here.room), acked=True, confirmed=True)


def _room_id(stanza: Element, room: Jid) -> str | None:
    """The id that the room itself gave the message (XEP-0359 §6: only ``by`` the room counts)."""
    for element in stanza.findall(f"{{{NS_STANZA_ID}}}stanza-id"):
        if str(lenient(element.get("by", ""))) == str(room):
            return element.get("id")
    return None


def _presence(to: Jid, kind: str | None = None) -> Element:
    presence = Element(PRESENCE, {"to": str(to), "id": Session.new_id()})
    if kind is not None:
        presence.set("type", kind)
    return presence


def _from_room(room: Jid, inside: list[Joined]) -> Callable[[Element], bool]:
    """Presence of the room, or its challenge, for who wants to come in; who is inside waits for
    the word about the own occupant alone."""

    def matches(stanza: Element) -> bool:
        sender = lenient(stanza.get("from", ""))
        if str(sender.bare) != str(room):
            return False
        if stanza.tag == MESSAGE and not inside and sender.resource is None:
            return stanza.find(challenge.CAPTCHA) is not None
        if stanza.tag != PRESENCE:
            return False
        return not inside or stanza.get("type") == "error" or sender == inside[0].me

    return matches


def _echo_or_error(here: Joined, message: Outgoing) -> Callable[[Element], bool]:
    origin = message.stanza.find(f"{{{NS_STANZA_ID}}}origin-id")

    def matches(stanza: Element) -> bool:
        if stanza.tag != MESSAGE:
            return False
        sender = lenient(stanza.get("from", ""))
        if str(sender.bare) != str(here.room):
            return False
        if stanza.get("type") == "error":
            return stanza.get("id") == message.id
        if stanza.get("type") != "groupchat" or sender.resource != here.me.resource:
            return False
        # a room may give its own ids to stanzas, but leaves the payload alone
        found = stanza.find(f"{{{NS_STANZA_ID}}}origin-id")
        return stanza.get("id") == message.id or (
            origin is not None and found is not None and found.get("id") == origin.get("id")
        )

    return matches


async def _leave(
    session: Session, inbox: Inbox, here: Joined, *, timeout: float | None = None
) -> None:
    if here.removed:
        return
    session.send(_presence(here.me, "unavailable"))
    if not here.silent:
        await _gone(session, inbox, here.me, timeout)


async def _own_presence(
    session: Session, inbox: Inbox, join: Element, solve: Solve | None
) -> Joined:
    me = lenient(join.get("to", ""))
    room = me.bare
    others: list[Element] = []
    met: list[Element] = []
    while True:
        stanza = await _next(session, inbox, room, "join", None)
        if stanza.tag == MESSAGE:
            if await _met(session, stanza, join, solve):
                met.append(stanza)
            continue
        if stanza.get("type") == "error":
            error = stanza_error(stanza, f"joining {room} as {me.resource}")
            error.step, error.by = "join", error.by or str(room)
            error.hint = _HINTS.get(error.condition or "", error.hint)
            raise error
        codes = status_codes(stanza)
        sender = lenient(stanza.get("from", ""))
        if 110 in codes and stanza.get("type") is None:
            # the room may have changed the nickname (210)
            return Joined(room, sender, frozenset(codes), own=stanza, others=others, met=met)
        # a room has a presence of its own too, for its picture
        if sender.resource is not None:
            others.append(stanza)


async def _met(session: Session, stanza: Element, join: Element, solve: Solve | None) -> bool:
    """Answer a challenge that stands before the entrance; False where it is for something else."""
    posed = challenge.read(stanza)
    to = lenient(join.get("to", ""))
    if posed is None or not challenge.about(posed, to, join.get("id", "")):
        session.trace.note(f"ignored a challenge by {stanza.get('from')}")
        return False
    try:
        await challenge.meet(session, posed, solve)
    except RefusedError as error:
        error.step, error.by = "join", error.by or posed.by
        raise
    session.trace.enter("join")
    return True


async def _gone(session: Session, inbox: Inbox, me: Jid, timeout: float | None) -> None:
    """The room's word that the own occupant is gone; it proves that all before was processed."""
    while True:
        stanza = await _next(session, inbox, me.bare, "leave", timeout)
        if stanza.get("type") == "unavailable" and lenient(stanza.get("from", "")) == me:
            session.settle()
            return
        if stanza.get("type") == "error":
            return


async def _next(
    session: Session, inbox: Inbox, room: Jid, step: str, timeout: float | None
) -> Element:
    limit = session.account.timeout if timeout is None else timeout
    try:
        async with asyncio.timeout(limit):
            return await inbox.get()
    except TimeoutError:
        raise DeadlineError(
            f"no answer from {room} within {limit:g} s",
            step=step,
            condition="timeout",
            by=str(room),
        ) from None


def status_codes(presence: Element) -> set[int]:
    """The status codes of a stanza of the room (§15.6)."""
    statuses = presence.findall(f"{{{NS_USER}}}x/{{{NS_USER}}}status")
    return {int(s.get("code", "")) for s in statuses if s.get("code", "").isdecimal()}


async def _unmake(session: Session, room: Jid) -> None:
    """Destroy a room that came into being by mistake (§10.9)."""
    query = Element(f"{{{NS_OWNER}}}query")
    SubElement(query, f"{{{NS_OWNER}}}destroy")
    await session.request(query, to=room, type="set", step="join", what=f"removing {room}")
