"""XEP-0033: Extended Stanza Addressing: the ``<addresses/>`` of a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.payload.delivery import Address

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

NS = "http://jabber.org/protocol/address"
ADDRESSES = f"{{{NS}}}addresses"
TAGS = frozenset({ADDRESSES})

_ATTRIBUTES = ("type", "jid", "uri", "node", "desc")


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``addresses``: those of the message; without a type they are none (§4)."""
    found = [
        Address(
            type=element.get("type", ""),
            jid=element.get("jid"),
            uri=element.get("uri"),
            node=element.get("node"),
            desc=element.get("desc"),
            delivered=True if element.get("delivered") in ("true", "1") else None,
        )
        for element in children[ADDRESSES][0].findall(f"{{{NS}}}address")
        if element.get("type")
    ]
    return {"addresses": found} if found else {}


def attach(stanza: Element, addresses: Sequence[Address]) -> None:
    """Put ``<addresses/>`` into the message, in the place of those that it has."""
    for old in stanza.findall(ADDRESSES):
        stanza.remove(old)
    if not addresses:
        return
    parent = SubElement(stanza, ADDRESSES)
    for address in addresses:
        values = ((name, getattr(address, name)) for name in _ATTRIBUTES)
        element = SubElement(parent, f"{{{NS}}}address", {k: v for k, v in values if v is not None})
        if address.delivered:
            element.set("delivered", "true")
