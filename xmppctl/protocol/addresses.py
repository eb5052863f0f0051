"""XEP-0033: Extended Stanza Addressing: the ``<addresses/>`` of a message."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.stanza import Address

NS = "http://jabber.org/protocol/address"
ADDRESSES = f"{{{NS}}}addresses"

_ATTRIBUTES = ("type", "jid", "uri", "node", "desc")


def read(stanza: Element) -> list[Address]:
    """The addresses of a message; those without a type are none (§4)."""
    found = stanza.find(ADDRESSES)
    if found is None:
        return []
    return [
        Address(
            type=element.get("type", ""),
            jid=element.get("jid"),
            uri=element.get("uri"),
            node=element.get("node"),
            desc=element.get("desc"),
            delivered=True if element.get("delivered") in ("true", "1") else None,
        )
        for element in found.findall(f"{{{NS}}}address")
        if element.get("type")
    ]


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
