"""Invitations to rooms: XEP-0045 §7.8 (through the room) and XEP-0249 (past it)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import ErrorInfo
from xmppctl.model.jid import Jid
from xmppctl.model.occupant import Invitation, InvitationKind
from xmppctl.protocol import Xep
from xmppctl.protocol.muc import admin, rooms
from xmppctl.protocol.payload.invitation import NS_DIRECT
from xmppctl.protocol.room import JOIN_ERRORS, NS_USER, joined, own_nick
from xmppctl.protocol.send import Outgoing, send
from xmppctl.records import dataclass
from xmppctl.session.stream import MESSAGE, Session

XEPS = (Xep("0249", "1.2", "complete"),)


@dataclass(frozen=True)
class Words:
    """What an invitation says beside the room: ``password`` goes into direct ones alone."""

    reason: str | None = None
    password: str | None = None
    continues: bool = False
    thread: str | None = None


async def mediated(
    session: Session,
    room: Jid,
    jids: Sequence[Jid],
    words: Words,
    *,
    nick: str | None = None,
    password: str | None = None,
) -> AsyncIterator[Invitation]:
    """Invite through the room, from inside it; what fails for one is in its record."""
    async with AsyncExitStack() as stack:
        inside = joined(session, room, nick or own_nick(session), password=password)
        try:
            await stack.enter_async_context(inside)
        except JOIN_ERRORS as error:
            for jid in jids:
                yield Invitation(str(room), str(jid), "mediated", False, error.info())
            return
        for jid in jids:
            stanza = through_room(room, "invite", jid, words)
            yield await _deliver(session, room, room, jid, "mediated", stanza)


async def direct(
    session: Session, room: Jid, jids: Sequence[Jid], words: Words
) -> AsyncIterator[Invitation]:
    """Invite without the room's help; what fails for one is in its record.

    Who could not come into a room for members only is made a member first (XEP-0249 §3).
    Raises RefusedError, UnsupportedError where it is no room.
    """
    members: frozenset[str] | None = None
    closed: ErrorInfo | None = None
    if "muc_membersonly" in (await rooms.facts(session, room)).features:
        try:
            listed = await admin.affiliations(session, room, ("owner", "admin", "member"))
            members = frozenset(entry.jid for entry in listed)
        except JOIN_ERRORS as error:
            error.hint = "its admins alone make members: invite through the room, if it allows that"
            closed = error.info()
    for jid in jids:
        failure = closed
        if members is not None and str(jid.bare) not in members:
            failure = await _make_member(session, room, jid.bare, words.reason)
        if failure is not None:
            yield Invitation(str(room), str(jid), "direct", False, failure)
        else:
            yield await _deliver(session, room, jid, jid, "direct", past_room(room, jid, words))


async def _make_member(
    session: Session, room: Jid, jid: Jid, reason: str | None
) -> ErrorInfo | None:
    try:
        await session.request(
            admin.item(reason, jid=str(jid), affiliation="member"),
            to=room,
            type="set",
            step="invite",
            what=f"making {jid} a member of {room}",
        )
    except JOIN_ERRORS as error:
        return error.info()
    return None


async def decline(session: Session, room: Jid, inviter: Jid, reason: str | None) -> Invitation:
    """Tell the inviter through the room that its invitation is declined (§7.8.2)."""
    stanza = through_room(room, "decline", inviter, Words(reason))
    return await _deliver(session, room, room, inviter, "decline", stanza)


def through_room(room: Jid, name: str, jid: Jid, words: Words) -> Element:
    """The message to the room that it makes an invitation, or a refusal of one, of."""
    stanza = Element(MESSAGE, {"to": str(room), "id": Session.new_id()})
    extension = SubElement(stanza, f"{{{NS_USER}}}x")
    inner = SubElement(extension, f"{{{NS_USER}}}{name}", {"to": str(jid)})
    if words.reason is not None:
        SubElement(inner, f"{{{NS_USER}}}reason").text = words.reason
    if words.continues:
        thread = {"thread": words.thread} if words.thread is not None else {}
        SubElement(inner, f"{{{NS_USER}}}continue", thread)
    return stanza


def past_room(room: Jid, jid: Jid, words: Words) -> Element:
    """The message to the contact itself (XEP-0249 §2)."""
    stanza = Element(MESSAGE, {"to": str(jid), "id": Session.new_id()})
    invitation = SubElement(stanza, f"{{{NS_DIRECT}}}x", {"jid": str(room)})
    for name in ("reason", "password", "thread"):
        value = getattr(words, name)
        if value is not None:
            invitation.set(name, value)
    if words.continues:
        invitation.set("continue", "true")
    return stanza


async def _deliver(
    session: Session, room: Jid, to: Jid, jid: Jid, kind: InvitationKind, stanza: Element
) -> Invitation:
    async def one() -> AsyncIterator[Outgoing]:
        yield Outgoing(to, stanza)

    results = [result async for result in send(session, one())]
    error = results[0].error
    return Invitation(str(room), str(jid), kind, error is None, error)
