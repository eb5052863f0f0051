"""XEP-0060 §7.1.2, §12: notifications as records, and which of them tell what was there before.

A notification counts only where it comes from the service or account that has the node, in its own
name: a client of an account can send the same, but from its full JID.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from typing import Any, cast, get_args
from xml.etree.ElementTree import Element

from xmppctl.model.jid import Jid, lenient
from xmppctl.model.pubsub import PubsubItem
from xmppctl.model.pubsubsub import Kind, NodeEvent, State
from xmppctl.protocol import Xep, forms
from xmppctl.protocol.message import parse_stamp
from xmppctl.protocol.payload import Context, headers
from xmppctl.protocol.payload.pubsub import EVENT
from xmppctl.protocol.payload.pubsub import NS as NS_EVENT
from xmppctl.protocol.pubsub import NS
from xmppctl.protocol.pubsub.reading import record
from xmppctl.session.stream import MESSAGE, Session
from xmppctl.session.xml import serialise

XEPS = (
    Xep("0060", "1.30.0", "partial", "notifications are watched"),
    Xep("0316", "0.1", "partial", "nodes of rooms are watched where a room has some"),
)

_DELAY = "{urn:xmpp:delay}delay"
_COLLECTION = "Collection"
_KINDS = {f"{{{NS_EVENT}}}{name}": name for name in get_args(Kind)}


def sender(stanza: Element, own: str) -> Jid:
    """Who a notification is from; without the attribute it is the own account."""
    return lenient(stanza.get("from", own))


def may_tell(
    session: Session, believes: Callable[[Jid], bool], nodes: Collection[str]
) -> Callable[[Element], bool]:
    """Whether a stanza is a notification about one of ``nodes`` by somebody who is believed."""

    def matches(stanza: Element) -> bool:
        if stanza.tag != MESSAGE or stanza.get("type") == "error":
            return False
        if stanza.find(EVENT) is None or not believes(sender(stanza, session.bare)):
            return False
        return any(True for _ in read(stanza, session.bare, nodes))

    return matches


def read(
    stanza: Element, own: str, nodes: Collection[str], *, raw: bool = False
) -> Iterator[NodeEvent]:
    """What a notification says about ``nodes``, or nodes in those that are collections (XEP-0248).

    What cannot be understood is left out.
    """
    event = stanza.find(EVENT)
    if event is None:
        return
    context = Context(own)
    parents = [each for each in stanza if each.tag == headers.HEADERS]
    found = headers.read(stanza, {headers.HEADERS: parents}, context) if parents else {}
    shim: dict[str, str] = dict(found.get("headers", {}))
    collections = set(shim.get(_COLLECTION, "").split("\n"))
    stamp = _delay(stanza, own)
    for element in event:
        kind, node = _KINDS.get(element.tag), element.get("node")
        if kind is None or not node or not (node in nodes or collections & set(nodes)):
            continue
        yield NodeEvent(
            service=str(sender(stanza, own)),
            node=node,
            type=cast(Kind, kind),
            **_details(element, kind),
            shim=shim,
            timestamp=stamp or datetime.now(UTC),
            delayed=stamp is not None,
            raw_xml=serialise(stanza, "") if raw else None,
        )


def _delay(stanza: Element, own: str) -> datetime | None:
    """When the service or the own server says that it was sent (XEP-0203 §5)."""
    by, me = sender(stanza, own), lenient(own)
    believed = {None, str(by), by.domain, str(me), me.domain}
    for element in stanza.findall(_DELAY):
        if element.get("from") in believed and (stamp := parse_stamp(element.get("stamp"))):
            return stamp
    return None


def _details(element: Element, kind: str) -> dict[str, Any]:
    if kind == "items":
        retracted = [each.get("id") for each in element.iterfind(f"{{{NS_EVENT}}}retract")]
        return {
            "items": [record(each) for each in element.iterfind(f"{{{NS_EVENT}}}item")],
            "retracted": [each for each in retracted if each],
        }
    if kind == "delete":
        redirect = element.find(f"{{{NS_EVENT}}}redirect")
        return {"redirect": None if redirect is None else redirect.get("uri") or None}
    if kind == "configuration":
        form = forms.find(element)
        return {"form": None if form is None else forms.read(form)}
    if kind == "subscription":
        state = element.get("subscription")
        return {
            "jid": element.get("jid") or None,
            "state": cast(State, state) if state in get_args(State) else None,
            "subid": element.get("subid") or None,
        }
    return {}


class Past:
    """What was there before the watch: what services send to who subscribes or appears.

    ``lasting``: that may also come later than the answers to what was sent.
    """

    def __init__(self, *, lasting: bool) -> None:
        self._lasting = lasting
        self._known: dict[tuple[str, str], set[tuple[str | None, str | None]]] = {}
        self._told: set[tuple[str, str]] = set()
        self._early = True

    def knows(self, service: str, node: str, answer: Element) -> None:
        """The newest items of a node as they were when the watch began; an error tells none."""
        if answer.get("type") == "error":
            return
        items = answer.iterfind(f"{{{NS}}}pubsub/{{{NS}}}items/{{{NS}}}item")
        self._known[service, node] = {_identity(record(each)) for each in items}

    def ends(self) -> None:
        """From now on the watch is in effect."""
        self._early = False
        for place in [*self._known]:
            # a last item comes once: the same once more is published anew
            if not self._lasting or place in self._told:
                del self._known[place]

    def has(self, event: NodeEvent) -> bool:
        """Whether an event tells what was there; asked once for each, in order."""
        if event.delayed:
            return True
        place = (event.service, event.node)
        known = self._known.get(place)
        if known is None:
            return self._early and event.type == "items"
        if not event.items or not {_identity(each) for each in event.items} <= known:
            return False
        self._told.add(place)
        if not self._early:
            del self._known[place]
        return True


def _identity(item: PubsubItem) -> tuple[str | None, str | None]:
    return item.id, item.xml
