"""XEP-0280 §9: messages that are not copied to the other clients of sender and recipient."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.jid import lenient
from xmppctl.protocol.payload import hints

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

PRIVATE = "{urn:xmpp:carbons:2}private"
TAGS = frozenset({PRIVATE})


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``private``: the sender wants no copies."""
    return {"private": True}


def attach(stanza: Element, *, hint: bool = True) -> None:
    """Ask for no copies, once: by the element and, with ``hint``, by that of XEP-0334.

    The hint is for full JIDs alone (XEP-0334 §4.3), and left out where the address is none.
    """
    if stanza.find(PRIVATE) is None:
        SubElement(stanza, PRIVATE)
    if hint and lenient(stanza.get("to", "")).is_full:
        hints.attach(stanza, "no-copy")
