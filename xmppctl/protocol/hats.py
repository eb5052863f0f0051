"""XEP-0317: Hats: roles that a room makes up; who wears which, giving them, making them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from xmppctl.errors import UnsupportedError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.occupant import HatChange, RoomHat, Wearer
from xmppctl.protocol import Xep, occupants
from xmppctl.protocol.hatcommands import OLD_LIST, Action, Desk, not_found, short
from xmppctl.protocol.occupants import HATS, hue
from xmppctl.protocol.room import joined, visitor_nick
from xmppctl.session.stream import Session

XEPS = (
    Xep(
        "0317", "0.3.1", "complete", "also by the commands of a forerunner, where a room has those"
    ),
)

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.")


def is_uri(text: str) -> bool:
    """Whether the text begins as a URI does."""
    return _URI.match(text) is not None


async def fetch(
    session: Session, room: Jid, nick: str | None, *, password: str | None = None
) -> list[Wearer]:
    """The occupants that wear hats. Raises UnsupportedError where the room vouches for none."""
    async with joined(session, room, nick or visitor_nick(session), password=password) as here:
        announced = await occupants.features(session, room)
    if announced.isdisjoint(HATS):
        raise UnsupportedError(
            f"{room} does not vouch for the hats of its occupants (XEP-0317)",
            step="hats",
            condition="feature-not-implemented",
            by=str(room),
        )
    found = [occupants.read(each, announced) for each in here.others if not each.get("type")]
    return [Wearer(o.nick, o.real_jid, o.occupant_id, o.hats) for o in found if o.hats]


async def listed(session: Session, room: Jid) -> list[RoomHat]:
    """The hats of the room, with those who were given them as far as the room tells.

    Raises UnsupportedError where the room has no such command for the account.
    """
    desk = await Desk.of(session, room)
    if not desk.offers("list") and not desk.offers("list-assigned"):
        raise desk.lacks("list")
    return list((await _hats(desk)).values())


async def assign(session: Session, room: Jid, jid: Jid, uri: str, title: str | None) -> HatChange:
    """Give somebody a hat. A title is for rooms that make hats by giving them.

    Raises RefusedError, UnsupportedError.
    """
    desk = await Desk.of(session, room)
    desk.require("assign")
    if title is None:
        known = (await _hats(desk)).get(uri)
        title = known.title if known is not None else None
    optional = {} if title is None else {"title": title}
    await desk.run("assign", {"jid": str(jid), "uri": uri}, optional)
    return HatChange(str(room), uri, title, jid=str(jid))


async def unassign(
    session: Session, room: Jid, jid: Jid, uri: str, *, if_exists: bool
) -> HatChange:
    """Take a hat from somebody. Raises RefusedError (item-not-found) where it was not given,
    unless ``if_exists``; UnsupportedError."""
    desk = await Desk.of(session, room)
    desk.require("unassign")
    title = None
    if desk.offers("list-assigned"):
        hat = (await _hats(desk)).get(uri)
        title = hat.title if hat is not None else None
        if hat is None or str(jid) not in hat.jids:
            if if_exists:
                return HatChange(str(room), uri, title, jid=str(jid))
            raise not_found(room, f"{jid} does not have the hat {uri} in {room}")
    await desk.run("unassign", {"jid": str(jid), "uri": uri})
    return HatChange(str(room), uri, title, jid=str(jid))


async def create(
    session: Session, room: Jid, uri: str, title: str, colour: float | None
) -> HatChange:
    """Make a hat, or change one. Raises RefusedError, UnsupportedError."""
    desk = await Desk.of(session, room)
    optional = {} if colour is None else {"hue": f"{colour:g}"}
    await desk.run("create", {"uri": uri, "title": title}, optional)
    return HatChange(str(room), uri, title, colour)


async def destroy(session: Session, room: Jid, uri: str, *, if_exists: bool) -> HatChange:
    """Remove a hat, from everybody too. Raises RefusedError (item-not-found) where there is none,
    unless ``if_exists``; UnsupportedError."""
    desk = await Desk.of(session, room)
    desk.require("destroy")
    title = None
    if desk.offers("list"):
        hat = (await _hats(desk)).get(uri)
        title = hat.title if hat is not None else None
        if hat is None:
            if if_exists:
                return HatChange(str(room), uri)
            raise not_found(room, f"{room} has no hat {uri}")
    await desk.run("destroy", {"uri": uri})
    return HatChange(str(room), uri, title)


async def _hats(desk: Desk) -> dict[str, RoomHat]:
    """The hats by URI, of the lists that the room has for the account."""
    found: dict[str, RoomHat] = {}
    lists: tuple[Action, ...] = ("list", "list-assigned")
    for action in lists:
        if not desk.offers(action):
            continue
        form = await desk.run(action)
        old = desk.nodes[action] == OLD_LIST
        for item in form.items if form is not None else []:
            hat = _read_item(item, old=old)
            if hat is None:
                continue
            known = found.get(hat.uri, hat)
            jids = dict.fromkeys([*known.jids, *hat.jids])
            found[hat.uri] = replace(
                known,
                title=known.title or hat.title,
                hue=hat.hue if known.hue is None else known.hue,
                jids=list(jids),
            )
    return found


def _read_item(item: Mapping[str, list[str]], *, old: bool) -> RoomHat | None:
    values = {short(var): each[0] for var, each in item.items() if each}
    uri, title = values.get("uri", ""), values.get("title", "")
    # the server that has the old list fills these two in the wrong way round
    if old and (is_uri(title) or not is_uri(uri)):
        uri, title = title, uri
    if not uri:
        return None
    jid = values.get("jid")
    wearers = [str(lenient(jid).bare)] if jid else []
    return RoomHat(uri, title or None, hue(values.get("hue")), wearers)
