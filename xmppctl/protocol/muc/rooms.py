"""XEP-0045 §6: which rooms there are, and what a room is.

A request about the owner's things, or for a subscription, begins with ``facts``: one server makes
a room, owned by the sender, for whoever sends such a request to a JID that has none.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.disco import DiscoInfo, ItemCount
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.muc import Room, RoomItem
from xmppctl.model.paging import Part
from xmppctl.protocol import Xep, disco
from xmppctl.protocol.room import NS
from xmppctl.session.conditions import UNSUPPORTED
from xmppctl.session.stream import Session

XEPS = (
    Xep("0045", "1.35.5", "partial", "requests: rooms, configuration, affiliations, registration"),
    Xep("0502", "0.1.0", "complete", "shown by muc info"),
)

_ACTIVITY = "{urn:xmpp:muc-activity}message-activity"
_AVATAR_HASHES = (
    "muc#roominfo_avatarhash",
    "{http://modules.prosody.im/mod_vcard_muc}avatar#sha1",
)
_PREFIXES = ("muc#roominfo_", "muc#roomconfig_")
_ROOMINFO = f"{NS}#roominfo"


async def facts(session: Session, room: Jid) -> DiscoInfo:
    """What ``room`` is and can do; it exists then, and is a room.

    Raises RefusedError (item-not-found, or gone where it was destroyed), UnsupportedError where
    the JID is no room, DeadlineError.
    """
    try:
        found = await disco.info(session, room)
    except RefusedError as error:
        raise explained(error, room) from None
    if NS not in found.features:
        raise _no_room(room, "disco#info", "feature-not-implemented")
    return found


def explained(error: RefusedError, room: Jid) -> XmppctlError:
    """What an error means that ``room`` answered to a request that does not depend on more."""
    if error.condition == "item-not-found":
        return RefusedError(
            f"the room {room} does not exist",
            step=error.step,
            condition=error.condition,
            type=error.type,
            by=error.by,
            hint="xmppctl muc create makes rooms",
        )
    if error.condition == "gone":
        error.text = f"the room {room} was destroyed"
    # an account answers a stranger with one or the other
    if error.condition in UNSUPPORTED | {"subscription-required"}:
        return _no_room(room, error.step, error.condition)
    return error


def _no_room(room: Jid, step: str | None, condition: str | None) -> UnsupportedError:
    return UnsupportedError(
        f"{room} is no room: it does not offer {NS}",
        step=step,
        condition=condition,
        type="cancel",
        by=str(room),
    )


async def info(session: Session, room: Jid) -> Room:
    """What the room tells of itself (§6.4). Raises what ``facts`` raises."""
    return describe(await facts(session, room))


def describe(found: DiscoInfo) -> Room:
    """The record of a room, from what it answers to a question for its features."""
    form = next((form for form in found.forms if form.form_type == _ROOMINFO), None)
    fields = form.fields if form is not None else []
    values = {field.var: field.values for field in fields}
    roominfo: dict[str, str] = {}
    for field in fields:
        name = _short(field.var)
        roominfo[field.var if name in roominfo else name] = "\n".join(field.values)
    named = next((i.name for i in found.identities if i.category == "conference" and i.name), None)
    return Room(
        jid=found.jid,
        name=named or _first(values, "muc#roomconfig_roomname"),
        description=_first(values, "muc#roominfo_description"),
        occupants=_number(_first(values, "muc#roominfo_occupants")),
        features=found.features,
        roominfo=roominfo,
        message_activity=_rate(_first(values, _ACTIVITY)),
        avatar_hashes=[h.lower() for var in _AVATAR_HASHES for h in values.get(var, []) if h],
    )


def _short(var: str) -> str:
    for prefix in _PREFIXES:
        if var.startswith(prefix):
            return var.removeprefix(prefix)
    return "message_activity" if var == _ACTIVITY else var


def _first(values: dict[str, list[str]], var: str) -> str | None:
    return next(iter(values.get(var, [])), None) or None


def _number(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdecimal()) or len(text) > 9:
        return None
    return int(text)


def _rate(text: str | None) -> float | None:
    try:
        rate = float(text or "")
    except ValueError:
        return None
    return rate if 0 <= rate < float("inf") else None


async def service(session: Session) -> Jid:
    """The room service of the own server. Raises UnsupportedError where it has none."""
    matches = disco.matcher((NS,), "conference", "text")
    timeout = session.account.timeout
    async with aclosing(disco.walk(session, session.domain, depth=1, timeout=timeout)) as walk:
        async for entry in walk:
            if entry.depth and matches(entry):
                return lenient(entry.jid)
    raise UnsupportedError(
        f"{session.domain} offers no rooms ({NS})",
        step="disco#items",
        condition="feature-not-implemented",
        by=session.domain,
        hint="name a service, such as conference.example.org",
    )


async def rooms(
    session: Session, where: Jid | None, wanted: Part
) -> AsyncGenerator[RoomItem, None]:
    """The ``wanted`` public rooms of a service (§6.3); None is that of the own server.

    Raises UnsupportedError where ``where`` is no service for rooms, or does not page where a page
    is wanted; RefusedError.
    """
    where = await _service(session, where)
    seen: set[str] = set()
    async with aclosing(disco.part(session, where, None, wanted)) as listed:
        async for item in listed:
            if item.jid in seen:  # rooms come and go while the pages are asked for
                continue
            seen.add(item.jid)
            yield RoomItem(item.jid, item.name)
            if len(seen) == wanted.limit:
                return


async def count(session: Session, where: Jid | None) -> ItemCount:
    """How many public rooms a service has. Raises what ``rooms`` raises."""
    where = await _service(session, where)
    return ItemCount(str(where), None, await disco.count(session, where, None))


async def _service(session: Session, where: Jid | None) -> Jid:
    if where is None:
        return await service(session)
    await _check_service(session, where)
    return where


async def _check_service(session: Session, where: Jid) -> None:
    try:
        offered = (await disco.info(session, where)).features
    except RefusedError as error:
        if error.condition not in UNSUPPORTED:
            raise
        offered = []
    if NS not in offered:
        raise UnsupportedError(
            f"{where} does not offer rooms ({NS})",
            step="disco#info",
            condition="feature-not-implemented",
            by=str(where),
        )
