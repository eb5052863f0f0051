"""XEP-0045: Multi-User Chat. Here: who is in a room, from the presence that it sends.

Anybody can put elements into the own presence. The ids of occupants (XEP-0421 §3) and hats
(XEP-0317) count only where the room announces them, so that it takes forged ones out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from math import isfinite
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.occupant import Hat, RoomOccupant
from xmppctl.protocol import Xep, disco
from xmppctl.protocol.room import NS_USER, joined, visitor_nick
from xmppctl.session.stream import Session
from xmppctl.session.xml import NS_CLIENT

XEPS = (Xep("0421", "1.0.1", "complete", "counts where the room announces it"),)

_NS_OCCUPANT = "urn:xmpp:occupant-id:0"
_OCCUPANT_ID = f"{{{_NS_OCCUPANT}}}occupant-id"
# the second is the name that servers used before; it is believed on the same terms
HATS = ("urn:xmpp:hats:0", "xmpp:prosody.im/protocol/hats:1")
NS_COMMANDS = "http://jabber.org/protocol/commands"
OLD_HAT_COMMANDS = "http://prosody.im/protocol/hats#"
IDS = frozenset({_OCCUPANT_ID})
"""The elements with the id of an occupant, believed or not."""

HAT_LISTS = frozenset(f"{{{namespace}}}hats" for namespace in HATS)
"""The elements with hats, believed or not."""

_SHOWS = frozenset({"away", "chat", "dnd", "xa"})


async def features(session: Session, room: Jid) -> frozenset[str]:
    """What the room announces; nothing where it does not tell. Raises DeadlineError.

    One server announces hats by nothing but the commands to give them, which it shows to owners.
    """
    found, nodes = await asyncio.gather(_features(session, room), commands(session, room))
    managed = any(node.startswith(OLD_HAT_COMMANDS) for node in nodes)
    return found | ({HATS[1]} if managed else frozenset())


async def _features(session: Session, room: Jid) -> frozenset[str]:
    try:
        return frozenset((await disco.info(session, room)).features)
    except (RefusedError, UnsupportedError):
        return frozenset()


async def commands(session: Session, room: Jid) -> list[str]:
    """The nodes of the commands (XEP-0050 §2.2) that the room offers to the account."""
    try:
        return [item.node or "" async for item in disco.items(session, room, NS_COMMANDS)]
    except (RefusedError, UnsupportedError):
        return []


async def fetch(
    session: Session, room: Jid, nick: str | None = None, *, password: str | None = None
) -> list[RoomOccupant]:
    """Who is in the room, without the occupant that asked. Raises RefusedError, DeadlineError."""
    async with joined(session, room, nick or visitor_nick(session), password=password) as here:
        announced = await features(session, room)
    return [read(presence, announced) for presence in here.others if not presence.get("type")]


def read(presence: Element, announced: Collection[str]) -> RoomOccupant:
    """The record of one occupant's presence; ``announced``: the features of the room."""
    item = presence.find(f"{{{NS_USER}}}x/{{{NS_USER}}}item")
    show = presence.findtext(f"{{{NS_CLIENT}}}show")
    return RoomOccupant(
        nick=lenient(presence.get("from", "")).resource or "",
        role=item.get("role") if item is not None else None,
        affiliation=item.get("affiliation") if item is not None else None,
        real_jid=item.get("jid") if item is not None else None,
        occupant_id=occupant_id(presence, announced),
        hats=hats(presence, announced),
        show=show if show in _SHOWS else None,
        status=presence.findtext(f"{{{NS_CLIENT}}}status") or None,
    )


def occupant_id(stanza: Element, announced: Collection[str]) -> str | None:
    """The id of the occupant (XEP-0421 §3), where the room vouches for it."""
    found = stanza.find(_OCCUPANT_ID)
    if found is None or _NS_OCCUPANT not in announced:
        return None
    return found.get("id") or None


def hats(stanza: Element, announced: Collection[str]) -> list[Hat]:
    """The hats of the occupant (XEP-0317 §3.1), where the room vouches for them."""
    found: dict[str, Hat] = {}
    for namespace in HATS:
        if namespace not in announced:
            continue
        for element in stanza.findall(f"{{{namespace}}}hats/{{{namespace}}}hat"):
            uri = element.get("uri")
            if uri:
                found.setdefault(uri, Hat(uri, element.get("title"), hue(element.get("hue"))))
    return list(found.values())


def hue(text: str | None) -> float | None:
    """An angle as a number, None where it is none."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if isfinite(value) else None
