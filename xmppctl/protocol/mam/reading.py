"""XEP-0313 §5: what an archive holds, as records; events of rooms and of nodes unwrapped.

Who may be believed depends on the archive: the speaker's real JID comes from the room alone
(XEP-0313 §7.4), and an event of a room (a pubsub notification that holds a groupchat message, as
one server's room subscriptions send them) counts only where the room itself sent it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

from xmppctl.errors import UnsupportedError
from xmppctl.model.jid import lenient
from xmppctl.model.mam import ArchivedMessage, PubsubItem
from xmppctl.model.message import Occupant
from xmppctl.protocol import payloads
from xmppctl.protocol.message import NS_DELAY, facts, parse_stamp
from xmppctl.session.xml import NS_CLIENT, serialise

_MESSAGE = f"{{{NS_CLIENT}}}message"
_DELAY = f"{{{NS_DELAY}}}delay"
_EVENT = "http://jabber.org/protocol/pubsub#event"
_ITEMS_EVENT = f"{{{_EVENT}}}event"
_ITEMS = f"{_ITEMS_EVENT}/{{{_EVENT}}}items"
_ROOM_NODES = "urn:xmpp:mucsub:nodes:"
_ROOM_PAYLOADS = ("}x", "}retract", "}apply-to")


def stamp(forwarded: Element) -> datetime | None:
    """When the archive says that the message was sent or received."""
    delay = forwarded.find(_DELAY)
    return parse_stamp(delay.get("stamp")) if delay is not None else None


class Reader:
    """Reads what one archive gives.

    ``own``: the own bare JID; ``room``: the room that keeps the archive, None for any other;
    ``node``: the node that was asked for; ``by``: the archive's name, for errors.
    """

    def __init__(self, *, own: str, room: str | None, node: str | None, by: str, raw: bool) -> None:
        self._own = own
        self._room = room
        self._node = node
        self._by = by
        self._raw = raw
        self._trusted = frozenset({by} if room is None else {by, room})

    def read(self, forwarded: Element, identifier: str | None) -> ArchivedMessage | None:
        """The record of a ``<forwarded/>``, None where it holds no message.

        Raises UnsupportedError where a node was asked for, and this is no item of it.
        """
        stanza = forwarded.find(_MESSAGE)
        if stanza is None:
            return None
        room, item = self._room, None
        if self._node is not None:
            item = self._item(stanza)
        elif room is None and (event := _spoken(stanza)) is not None:
            stanza, room = event, str(lenient(event.get("from", "")).bare)
        known = facts(
            stanza,
            own=self._own,
            archive_id=identifier,
            delay=forwarded.find(_DELAY),
            trusted=self._trusted if room == self._room else self._trusted | {room or ""},
            raw=self._raw,
        )
        if known["muc"] is not None:
            _weigh(known, known["muc"], self._own, vouched=room is not None)
        told = _of_rooms(stanza)
        if known["extensions"]:
            understood = payloads.READ if item is None else payloads.READ | {_ITEMS_EVENT}
            for _, tags in told.values():
                understood |= tags
            known["extensions"] = [tag for tag in known["extensions"] if tag not in understood]
        known.update(payloads.read(stanza))
        known["room"], known["item"] = room, item
        known["subject_only"] = _subject_only(stanza) or None if room is not None else None
        known["invite"] = known["moderated"] = None
        for name, (value, _) in told.items():
            known[name] = value
        return _record(known)

    def _item(self, stanza: Element) -> PubsubItem:
        for items in stanza.findall(_ITEMS):
            if items.get("node") != self._node:
                continue
            for item in items:
                payload = next(iter(item), None)
                return PubsubItem(
                    node=self._node or "",
                    id=item.get("id"),
                    publisher=item.get("publisher"),
                    retracted=True if item.tag == f"{{{_EVENT}}}retract" else None,
                    payload=serialise(payload, "") if payload is not None else None,
                )
        # an account that knows no archives of nodes may answer with its own messages
        raise UnsupportedError(
            f"{self._by} does not keep an archive of the node {self._node}",
            step="mam",
            condition="feature-not-implemented",
            by=self._by,
        )


def _record(known: dict[str, Any]) -> ArchivedMessage:
    """``ArchivedMessage(**known)``, where all fields are known; an archive is made of many."""
    record = ArchivedMessage.__new__(ArchivedMessage)
    vars(record).update(known)
    return record


def _of_rooms(stanza: Element) -> dict[str, tuple[Any, frozenset[str]]]:
    """What a message tells of rooms: by field the record, and the tags that it was read from.

    The rules of a live message hold: only a room speaks in its own name.
    """
    if not any(child.tag.endswith(_ROOM_PAYLOADS) for child in stanza):
        return {}  # most messages: what they do not need is not imported
    from xmppctl.protocol import invitation, moderation

    found: dict[str, tuple[Any, frozenset[str]]] = {}
    if (invite := invitation.read(stanza)) is not None:
        found["invite"] = invite, invitation.READ
    if (moderated := moderation.read(stanza)) is not None:
        found["moderated"] = moderated, moderation.READ
    return found


def _spoken(stanza: Element) -> Element | None:
    """The groupchat message inside an event that its room sent."""
    if stanza.find(_ITEMS_EVENT) is None:
        return None
    for items in stanza.findall(_ITEMS):
        if not items.get("node", "").startswith(_ROOM_NODES):
            continue
        room = lenient(stanza.get("from", ""))
        for inner in items.iter(_MESSAGE):
            sender = lenient(inner.get("from", ""))
            if inner.get("type") == "groupchat" and sender.bare == room.bare:
                return inner
    return None


def _weigh(known: dict[str, Any], speaker: Occupant, own: str, *, vouched: bool) -> None:
    """Of the speaker of a groupchat message only the nickname is known, unless a room vouches."""
    if not vouched:
        known["muc"] = Occupant(nick=speaker.nick)
    elif speaker.real_jid is not None and str(lenient(speaker.real_jid).bare) == own:
        known["direction"] = "out"


def _subject_only(stanza: Element) -> bool:
    """A change of the room's subject: a subject and no body (XEP-0045 §8.1)."""
    return (
        stanza.find(f"{{{NS_CLIENT}}}subject") is not None
        and stanza.find(f"{{{NS_CLIENT}}}body") is None
    )
