"""XEP-0045 §7.10, §7.12: a nickname that the room, or its service, keeps for the account.

Where one server registers with each room (and makes a member of who registers), another registers
with the service, for all its rooms.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import aioxmpp.disco.xso as disco_xso

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.form import Form, FormField
from xmppctl.model.jid import Jid
from xmppctl.model.muc import NickRegistration
from xmppctl.protocol import disco, forms
from xmppctl.protocol.muc import rooms
from xmppctl.protocol.room import NS, own_nick
from xmppctl.records import dataclass
from xmppctl.session.conditions import UNSUPPORTED
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

_NS = "jabber:iq:register"
_QUERY = f"{{{_NS}}}query"
_NICK = "muc#register_roomnick"
# who is registered already gets no form again from one server
_USUAL = Form(f"{NS}#register", fields=[FormField(_NICK, "text-single", required=True)])
_RESERVED = "x-roomuser-item"


@dataclass(frozen=True)
class _State:
    registered: bool
    nick: str | None
    form: Form | None


async def _opened(session: Session, where: Jid) -> _State:
    """The state of the registration. Raises UnsupportedError where there is none at all."""
    offered, state = await asyncio.gather(
        _features(session, where), _state(session, where), return_exceptions=True
    )
    if isinstance(offered, BaseException):
        raise offered
    if _NS not in offered:
        raise UnsupportedError(
            f"{where} does not register nicknames ({_NS})",
            step="registration",
            condition="feature-not-implemented",
            by=str(where),
            hint=f"{where.domain if where.local else 'a room of the service'} may register them",
        )
    if isinstance(state, BaseException):
        raise state
    return state


async def _features(session: Session, where: Jid) -> Sequence[str]:
    if where.local is not None:
        return (await rooms.facts(session, where)).features
    return (await disco.info(session, where)).features


async def _state(session: Session, where: Jid) -> _State:
    try:
        query = await session.request(
            Element(_QUERY), to=where, step="registration", what=f"the registration with {where}"
        )
    except RefusedError as error:
        if error.condition == "registration-required":
            error.hint = "this room registers nicknames of members only: ask for membership"
        raise
    if query is None or query.tag != _QUERY:
        raise malformed("no registration", str(where))
    registered = query.find(f"{{{_NS}}}registered") is not None
    # §7.10 has <username/> for the nickname, one server has <nick/>
    nick = query.findtext(f"{{{_NS}}}username") or query.findtext(f"{{{_NS}}}nick") or None
    found = forms.find(query)
    form = forms.read(found) if found is not None else None
    return _State(registered, nick if registered else None, form)


async def show(session: Session, where: Jid) -> NickRegistration:
    """The state and the form of the registration."""
    state = await _opened(session, where)
    return NickRegistration(str(where), state.registered, state.nick, state.form)


async def register(
    session: Session, where: Jid, nick: str | None, answers: forms.Answers
) -> NickRegistration:
    """Register a nickname (the localpart by default), and read it back.

    Raises RefusedError (conflict: it is somebody else's), UnsupportedError, UsageError for a
    field that the form does not have.
    """
    before = await _opened(session, where)
    form = before.form or _USUAL
    given = forms.resolved(form, answers)
    if nick is not None or _NICK not in given:
        given[_NICK] = [nick or own_nick(session)]
    wanted = "".join(given[_NICK])
    if before.registered and before.nick == wanted:
        return NickRegistration(str(where), True, wanted)
    query = Element(_QUERY)
    query.append(forms.fill(form, given))
    what = f"registering {wanted} with {where}"
    await session.request(query, to=where, type="set", step="registration", what=what)
    after = await _state(session, where)
    if not after.registered:
        raise RefusedError(
            f"{where} took the registration of {wanted}, but has not registered it",
            step="registration",
            condition="not-applied",
            by=str(where),
        )
    return NickRegistration(str(where), True, after.nick)


async def unregister(session: Session, where: Jid, *, if_exists: bool) -> NickRegistration:
    """Give the nickname up. A room may end the membership with it (never an ownership).

    Raises RefusedError (item-not-found where there is none, unless ``if_exists``).
    """
    if not await _is_registered(_opened(session, where)):
        if if_exists:
            return NickRegistration(str(where), False)
        raise RefusedError(
            f"no nickname is registered with {where}",
            step="registration",
            condition="item-not-found",
            by=str(where),
            hint="--if-exists makes this no error",
        )
    query = Element(_QUERY)
    SubElement(query, f"{{{_NS}}}remove")
    what = f"unregistering from {where}"
    await session.request(query, to=where, type="set", step="registration", what=what)
    if await _is_registered(_state(session, where)):
        raise RefusedError(
            f"{where} still keeps the nickname",
            step="registration",
            condition="not-applied",
            by=str(where),
        )
    return NickRegistration(str(where), False)


async def _is_registered(state: Coroutine[Any, Any, _State]) -> bool:
    try:
        return (await state).registered
    except RefusedError as error:
        # a room tells this to everybody who is no member
        if error.condition == "registration-required":
            return False
        raise


async def reserved(session: Session, room: Jid) -> NickRegistration:
    """The nickname that the room keeps for the account (§7.12), or else its service."""
    await rooms.facts(session, room)
    try:
        answer = await session.request(
            disco_xso.InfoQuery(node=_RESERVED),
            expect=disco_xso.InfoQuery,
            to=room,
            step="registration",
            what=f"the reserved nickname in {room}",
        )
    except (RefusedError, UnsupportedError) as error:
        if error.condition not in UNSUPPORTED | {"item-not-found", "bad-request"}:
            raise
    else:
        names = [identity.name for identity in answer.identities if identity.name]
        return NickRegistration(str(room), bool(names), names[0] if names else None)
    service = Jid(None, room.domain, None)
    if _NS not in (await disco.info(session, service)).features:
        return NickRegistration(str(room), False)
    state = await _state(session, service)
    return NickRegistration(str(service), state.registered, state.nick)
