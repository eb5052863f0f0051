"""XEP-0045 §8: kick, roles and voice.

A role is changed by somebody who is in the room: without, both servers refuse even an owner, or
change only some roles. So this joins first, by a nickname that is free.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import cast, get_args
from xml.etree.ElementTree import Element

from xmppctl.errors import DeadlineError, RefusedError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.muc import OccupantAction, Role
from xmppctl.protocol import disco, forms
from xmppctl.protocol.muc import status
from xmppctl.protocol.muc.admin import item
from xmppctl.protocol.room import NS, NS_USER, Joined, joined, own_nick
from xmppctl.session.conditions import stanza_error
from xmppctl.session.inbox import Inbox
from xmppctl.session.stream import MESSAGE, PRESENCE, Session

_ITEM = f"{{{NS_USER}}}x/{{{NS_USER}}}item"
_REQUEST = f"{NS}#request"
_VOICE = ("participant", "moderator")


@dataclass(frozen=True)
class Entry:
    """How to be in the room: ``nick`` None takes the account's localpart, or one that is free."""

    nick: str | None = None
    password: str | None = None


@dataclass
class _Inside:
    here: Joined
    inbox: Inbox
    presence: dict[str, Element]

    def see(self) -> None:
        """Take in what the room has sent by now."""
        while not self.inbox.queue.empty():
            stanza = self.inbox.queue.get_nowait()
            if isinstance(stanza, Element):
                self.take(stanza)

    def take(self, stanza: Element) -> None:
        """The last presence of each nickname."""
        nick = lenient(stanza.get("from", "")).resource
        if nick is not None and stanza.get("type") in (None, "unavailable"):
            self.presence[nick] = stanza

    def is_in(self, nick: str) -> bool:
        """Whether the occupant is in the room, as far as is known."""
        stanza = self.presence.get(nick)
        return stanza is not None and stanza.get("type") is None

    def role(self, nick: str) -> Role | None:
        """The role in the last presence of ``nick``."""
        stanza = self.presence.get(nick)
        child = stanza.find(_ITEM) if stanza is not None else None
        role = child.get("role") if child is not None else None
        return cast(Role, role) if role in get_args(Role) else None


@asynccontextmanager
async def _inside(
    session: Session, room: Jid, entry: Entry, avoid: str | None = None
) -> AsyncIterator[_Inside]:
    """Be in the room and know who else is: their presence comes before the own one (§7.2.2)."""
    nick = entry.nick or own_nick(session)
    if entry.nick is None and nick == avoid:
        nick = _other(nick)

    def matches(stanza: Element) -> bool:
        return stanza.tag == PRESENCE and str(lenient(stanza.get("from", "")).bare) == str(room)

    async with AsyncExitStack() as stack:
        inbox = stack.enter_context(session.inbox(matches))

        async def enter(nick: str) -> Joined:
            return await stack.enter_async_context(
                joined(session, room, nick, password=entry.password)
            )

        try:
            here = await enter(nick)
        except RefusedError as error:
            if error.condition != "conflict" or entry.nick is not None:
                raise
            here = await enter(_other(nick))
        inside = _Inside(here, inbox, {})
        inside.see()
        yield inside


def _other(nick: str) -> str:
    return f"{nick}-{secrets.token_hex(3)}"


async def set_role(
    session: Session, room: Jid, nick: str, role: Role, *, reason: str | None, entry: Entry
) -> OccupantAction:
    """Give an occupant a role (§8.2-§9.7); "none" is a kick.

    Raises RefusedError: item-not-found where nobody has this nickname, what the room refuses.
    """
    async with _inside(session, room, entry, avoid=nick) as inside:
        if not inside.is_in(nick):
            raise RefusedError(
                f"nobody in {room} has the nickname {nick}",
                step="role",
                condition="item-not-found",
                by=str(room),
            )
        await session.request(
            item(reason, nick=nick, role=role),
            to=room,
            type="set",
            step="role",
            what=f"kicking {nick} from {room}" if role == "none" else f"making {nick} a {role}",
        )
        # the room tells its occupants before it answers (both servers, always)
        inside.see()
        stanza = inside.presence[nick]
        shown = status.read(stanza)
        child = stanza.find(_ITEM)
        real = child.get("jid") if child is not None else None
    return OccupantAction(
        room=str(room),
        nick=nick,
        jid=str(lenient(real).bare) if real else None,
        role=role,
        reason=reason,
        status_codes=status.codes(shown),
        status=shown,
    )


async def request_voice(
    session: Session, room: Jid, *, wait: float | None, entry: Entry
) -> OccupantAction:
    """Ask the moderators of a moderated room for voice (§7.13).

    Done when the room took the request without an error; with ``wait``, when a moderator granted
    it within so many seconds. Who has voice already asks nobody. Raises RefusedError,
    DeadlineError.
    """
    async with _inside(session, room, entry) as inside:
        nick = inside.here.me.resource or ""
        role = inside.role(nick)
        if role not in _VOICE:
            await _ask(session, room)
            if wait is not None:
                role = await _granted(inside, room, nick, wait)
    return OccupantAction(room=str(room), nick=nick, jid=session.bare, role=role)


async def _ask(session: Session, room: Jid) -> None:
    message = Element(MESSAGE, {"to": str(room), "id": session.new_id()})
    message.append(forms.submit(_REQUEST, {"muc#role": ["participant"]}))

    def refusal(stanza: Element) -> bool:
        return (
            stanza.tag == MESSAGE
            and stanza.get("type") == "error"
            and stanza.get("id") == message.get("id")
            and str(lenient(stanza.get("from", "")).bare) == str(room)
        )

    with session.inbox(refusal) as inbox:
        session.send(message)
        # stanzas to the room are processed in order: a refusal comes before this answer
        await disco.info(session, room)
        if not inbox.queue.empty():
            error = stanza_error(await inbox.get(), f"the request for voice in {room}")
            error.step, error.by = "voice", error.by or str(room)
            raise error


async def _granted(inside: _Inside, room: Jid, nick: str, wait: float) -> Role | None:
    try:
        async with asyncio.timeout(wait):
            while inside.role(nick) not in _VOICE:
                inside.take(await inside.inbox.get())
                if not inside.is_in(nick):
                    raise RefusedError(
                        f"{room} sent {nick} out instead of granting voice",
                        step="voice",
                        condition="forbidden",
                        by=str(room),
                    )
    except TimeoutError:
        raise DeadlineError(
            f"nobody granted voice in {room} within {wait:g} s",
            step="voice",
            condition="timeout",
            by=str(room),
        ) from None
    return inside.role(nick)
