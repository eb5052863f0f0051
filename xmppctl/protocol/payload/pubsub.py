"""XEP-0060: Publish-Subscribe. Here: notifications, also of rooms and occupants (XEP-0316).

What a room with subscriptions (MUC/Sub) wraps into a notification is read as what was said there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from xmppctl.model.jid import lenient
from xmppctl.model.payload.content import EventItem, PubsubEvent
from xmppctl.protocol import Xep
from xmppctl.protocol.payload import Context
from xmppctl.session.stream import MESSAGE
from xmppctl.session.xml import serialise

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Fields

XEPS = (
    Xep("0060", "1.30.0", "partial", "notifications in messages are shown"),
    Xep("0316", "0.1", "partial", "notifications of rooms and occupants are shown"),
)

NS = "http://jabber.org/protocol/pubsub#event"
EVENT = f"{{{NS}}}event"
TAGS = frozenset({EVENT})

_KINDS = {
    f"{{{NS}}}{name}": name
    for name in ("items", "purge", "delete", "configuration", "subscription")
}
_ROOM_NODES = "urn:xmpp:mucsub:nodes:"


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``pubsub``: the first thing that happened; or all fields of what was said in a room."""
    if stanza.get("type") == "error":
        return {}
    event = children[EVENT][0]
    said = spoken(stanza, event)
    if said is not None:
        return _of_room(said, context)
    for element in event:
        kind, node = _KINDS.get(element.tag), element.get("node")
        if kind is not None and node:
            return {"pubsub": _event(element, kind, node, stanza.get("from", context.own))}
    return {}


def spoken(stanza: Element, event: Element) -> Element | None:
    """The groupchat message in a notification that its room sent.

    An occupant of the room can send the same, but not in the room's own name.
    """
    room = lenient(stanza.get("from", ""))
    if room.resource is not None:
        return None
    for items in event.iterfind(f"{{{NS}}}items"):
        if not items.get("node", "").startswith(_ROOM_NODES):
            continue
        for inner in items.iterfind(f"{{{NS}}}item/{MESSAGE}"):
            sender = lenient(inner.get("from", ""))
            if inner.get("type") == "groupchat" and sender.bare == room:
                return inner
    return None


def _of_room(said: Element, context: Context) -> Fields:
    from xmppctl.protocol.message import facts

    room = str(lenient(said.get("from", "")).bare)
    features = context.features if room == context.room else frozenset[str]()
    known = facts(said, Context(context.own, room, features, context.trusted, context.note))
    for name in ("archive_id", "raw_xml"):
        del known[name]
    for name in ("stanza_ids", "delay", "timestamp"):
        if not known[name]:  # what holds for the notification counts
            del known[name]
    return known


def _event(element: Element, kind: str, node: str, service: str) -> PubsubEvent:
    more: dict[str, Any] = {}
    if kind == "items":
        retracted = [each.get("id", "") for each in element.iterfind(f"{{{NS}}}retract")]
        more["items"] = [_item(each) for each in element.iterfind(f"{{{NS}}}item")]
        more["retracted"] = [each for each in retracted if each]
    elif kind == "delete":
        redirect = element.find(f"{{{NS}}}redirect")
        more["redirect"] = redirect.get("uri") or None if redirect is not None else None
    elif kind == "configuration":
        from xmppctl.protocol import forms

        form = forms.find(element)
        more["form"] = forms.read(form) if form is not None else None
    elif kind == "subscription":
        for name in ("subscription", "jid", "subid"):
            more[name] = element.get(name) or None
    return PubsubEvent(node=node, service=service, type=kind, **more)


def _item(element: Element) -> EventItem:
    return EventItem(
        id=element.get("id") or None,
        publisher=element.get("publisher") or None,
        payload=next((serialise(payload, "") for payload in element), None),
    )
