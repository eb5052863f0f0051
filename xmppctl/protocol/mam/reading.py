"""XEP-0313 §5: what an archive holds, as records; events of rooms and of nodes unwrapped.

Who may be believed depends on the archive: the speaker's real JID comes from the room alone
(XEP-0313 §7.4), and an event of a room (a pubsub notification that holds a groupchat message, as
one server's room subscriptions send them) counts only where the room itself sent it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

from xmppctl.errors import UnsupportedError
from xmppctl.model.jid import lenient
from xmppctl.model.mam import ArchivedItem, ArchivedMessage
from xmppctl.protocol.message import NS_DELAY, facts, parse_stamp
from xmppctl.protocol.payload import Context
from xmppctl.session.xml import NS_CLIENT, serialise

_MESSAGE = f"{{{NS_CLIENT}}}message"
_DELAY = f"{{{NS_DELAY}}}delay"
_EVENT = "http://jabber.org/protocol/pubsub#event"
_ITEMS_EVENT = f"{{{_EVENT}}}event"
_ITEMS = f"{_ITEMS_EVENT}/{{{_EVENT}}}items"


def stamp(forwarded: Element) -> datetime | None:
    """When the archive says that the message was sent or received."""
    delay = forwarded.find(_DELAY)
    return parse_stamp(delay.get("stamp")) if delay is not None else None


class Reader:
    """Reads what one archive gives.

    ``own``: the own bare JID; ``room``: the room that keeps the archive, None for any other;
    ``node``: the node that was asked for; ``by``: the archive's name, for errors; ``features``:
    what the room announces; ``note`` is told what was not believed.
    """

    def __init__(
        self,
        *,
        own: str,
        room: str | None,
        node: str | None,
        by: str,
        raw: bool,
        features: frozenset[str] = frozenset(),
        note: Callable[[str], None],
    ) -> None:
        self._own = own
        self._room = room
        self._node = node
        self._by = by
        self._raw = raw
        self._trusted = frozenset({by})
        self.features = features
        self._note = note

    def read(self, forwarded: Element, identifier: str | None) -> ArchivedMessage | None:
        """The record of a ``<forwarded/>``, None where it holds no message.

        Raises UnsupportedError where a node was asked for, and this is no item of it.
        """
        stanza = forwarded.find(_MESSAGE)
        if stanza is None:
            return None
        return self.message(stanza, identifier, forwarded.find(_DELAY))

    def message(
        self, stanza: Element, identifier: str | None, delay: Element | None = None
    ) -> ArchivedMessage:
        """The record of a message, also of one that comes in and will be in the archive.

        ``delay`` is the archive's. Raises as ``read``.
        """
        room, item = self._room, None
        if self._node is not None:
            item = self._item(stanza)
        elif room is None and (said := _spoken(stanza)) is not None:
            stanza, room = said, str(lenient(said.get("from", "")).bare)
        known = facts(
            stanza,
            Context(self._own, room, self.features, self._trusted, self._note),
            archive_id=identifier,
            delay=delay,
            raw=self._raw,
        )
        if item is not None:
            known["pubsub"] = None  # the same
            known["extensions"] = [tag for tag in known["extensions"] if tag != _ITEMS_EVENT]
        known["room"], known["item"] = room, item
        known["subject_only"] = _subject_only(stanza) or None if room is not None else None
        return _record(known)

    def _item(self, stanza: Element) -> ArchivedItem:
        for items in stanza.findall(_ITEMS):
            if items.get("node") != self._node:
                continue
            for item in items:
                payload = next(iter(item), None)
                return ArchivedItem(
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


def _spoken(stanza: Element) -> Element | None:
    """The groupchat message inside an event that its room sent."""
    event = stanza.find(_ITEMS_EVENT)
    if event is None:
        return None
    from xmppctl.protocol.payload import pubsub

    return pubsub.spoken(stanza, event)


def _subject_only(stanza: Element) -> bool:
    """A change of the room's subject: a subject and no body (XEP-0045 §8.1)."""
    return (
        stanza.find(f"{{{NS_CLIENT}}}subject") is not None
        and stanza.find(f"{{{NS_CLIENT}}}body") is None
    )
