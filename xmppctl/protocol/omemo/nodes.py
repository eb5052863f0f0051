"""XEP-0384 §4.3: lists of devices and bundles of keys in the nodes of accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import ConnectError, RefusedError, XmppctlError
from xmppctl.protocol.omemo import STEP, VERSIONS
from xmppctl.protocol.omemo.wire import (
    DEVICE_NODES,
    Devices,
    MalformedError,
    bundle_place,
    devices_element,
    read_bundle,
    read_devices,
    version,
)
from xmppctl.protocol.pubsub import NS, NS_OWNER, OWNER, PUBSUB, Item
from xmppctl.session.conditions import stanza_error
from xmppctl.session.stream import Pending, Session

if TYPE_CHECKING:
    from omemo.bundle import Bundle

_ITEM = f"{{{NS}}}items/{{{NS}}}item"
_CURRENT = "current"

_NOT_THERE = frozenset(
    {
        *("item-not-found", "forbidden", "not-authorized", "service-unavailable"),
        *("feature-not-implemented", "subscription-required"),
    }
)
"""Conditions of who has no list of devices, or shows it to contacts alone."""

_OPEN: Mapping[str, str] = {"persist_items": "1", "access_model": "open"}
_MANY: Mapping[str, str] = {**_OPEN, "max_items": "max"}

Key = tuple[str, str, int]
"""Version, bare JID and id of a device."""


class Lists:
    """The devices that accounts announce, by version and bare JID.

    ``errors``: why there are none, where the answer was an error: an account without any, or one
    that shows them to its contacts alone.
    """

    def __init__(self) -> None:
        self.devices: dict[tuple[str, str], Devices] = {}
        self.errors: dict[tuple[str, str], XmppctlError] = {}


async def fetch_lists(session: Session, jids: Iterable[str]) -> Lists:
    """The lists of accounts, all asked for at once.

    Those that could not be asked have an error and no list. Raises ConnectError.
    """
    places = [(ns, jid) for jid in dict.fromkeys(jids) for ns in VERSIONS.values()]
    found = Lists()
    answers = await _flight(
        session, [(jid, DEVICE_NODES[ns], None, f"the devices of {jid}") for ns, jid in places]
    )
    for place, answer in zip(places, answers, strict=True):
        ns, jid = place
        if isinstance(answer, XmppctlError):
            found.errors[place] = answer
            if answer.condition in _NOT_THERE:
                found.devices[place] = {}
            continue
        try:
            found.devices[place] = {} if answer is None else read_devices(ns, answer)
        except MalformedError as error:
            session.trace.note(f"the list of devices of {jid}: {error}")
            found.devices[place] = {}
    return found


async def fetch_bundles(session: Session, wanted: Collection[Key]) -> dict[Key, Bundle | str]:
    """The bundles of devices, all asked for at once; in words why one cannot be had."""
    keys = sorted(wanted)
    places = [bundle_place(ns, device) for ns, _, device in keys]
    answers = await _flight(
        session,
        [
            # in the node of a device of version 0.3 is nothing else, whatever its id
            (jid, node, item if item != _CURRENT else None, f"the keys of the device {device}")
            for (_, jid, device), (node, item) in zip(keys, places, strict=True)
        ],
    )
    found: dict[Key, Bundle | str] = {}
    for key, answer in zip(keys, answers, strict=True):
        ns, jid, device = key
        if isinstance(answer, XmppctlError):
            found[key] = answer.text
        elif answer is None:
            found[key] = "it has published no keys"
        else:
            try:
                found[key] = read_bundle(ns, answer, jid, device)
            except MalformedError as error:
                found[key] = f"its keys cannot be read: {error}"
    return found


async def _flight(
    session: Session, wanted: Iterable[tuple[str, str, str | None, str]]
) -> list[Element | XmppctlError | None]:
    """The payloads of items, or why there is none, asked for together."""
    asked = []
    for jid, node, item, what in wanted:
        query = Element(PUBSUB)
        inner = SubElement(query, f"{{{NS}}}items", {"node": node})
        if item is None:
            inner.set("max_items", "1")
        else:
            SubElement(inner, f"{{{NS}}}item", {"id": item})
        to = None if jid == session.bare else jid
        asked.append((jid, what, session.ask(query, to=to)))
    if asked:
        session.send(*(pending.element for _, _, pending in asked))

    async def one(jid: str, what: str, pending: Pending) -> Element | XmppctlError | None:
        try:
            answer = await session.answer(pending, step=STEP)
        except ConnectError:
            raise
        except XmppctlError as error:
            return error
        if answer.get("type") == "error":
            refusal = stanza_error(answer, what)
            refusal.step, refusal.by = STEP, refusal.by or jid
            return refusal
        items = answer.findall(f"{PUBSUB}/{_ITEM}")
        return items[-1][0] if items and len(items[-1]) else None

    return list(await asyncio.gather(*(one(*each) for each in asked)))


class Publisher:
    """Publishes to the nodes of the own account; what the server offers is asked once.

    ``nodes``: to which it has.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._features: frozenset[str] | None = None
        self.nodes: set[str] = set()

    async def devices(self, ns: str, devices: Devices) -> None:
        """Publish the list of the account's devices; everybody may read it (§4.3)."""
        item = Item(_CURRENT, devices_element(ns, devices))
        await self._publish(DEVICE_NODES[ns], item, _OPEN)

    async def bundle(self, bundle: Bundle) -> None:
        """Publish the keys of a device; everybody may read them (§4.3)."""
        ns = bundle.namespace
        node, identifier = bundle_place(ns, bundle.device_id)
        item = Item(identifier, version(ns).bundle_element(bundle))
        await self._publish(node, item, _OPEN if identifier == _CURRENT else _MANY)

    async def remove_bundle(self, ns: str, device: int) -> None:
        """Delete the keys of a device, if they are there."""
        node, identifier = bundle_place(ns, device)
        if identifier == _CURRENT:
            query = Element(OWNER)
            SubElement(query, f"{{{NS_OWNER}}}delete", {"node": node})
        else:
            query = Element(PUBSUB)
            inner = SubElement(query, f"{{{NS}}}retract", {"node": node})
            SubElement(inner, f"{{{NS}}}item", {"id": identifier})
        try:
            await self._session.request(
                query, type="set", step=STEP, what=f"removing the keys of the device {device}"
            )
        except RefusedError as error:
            if error.condition != "item-not-found":
                raise

    async def _publish(self, node: str, item: Item, want: Mapping[str, str]) -> None:
        # its start costs time that who publishes nothing need not take
        from xmppctl.protocol import pep

        if self._features is None:
            self._features = await pep.offered(self._session, None)
        self.nodes.add(node)
        await pep.publish(
            self._session, node, [item], want, features=self._features, reconfigure=True
        )
