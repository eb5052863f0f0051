"""XEP-0333: Displayed Markers; those of its older drafts are read as well."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0333", "1.0.0", "complete"),)

NS = "urn:xmpp:chat-markers:0"
MARKABLE = f"{{{NS}}}markable"
DISPLAYED = f"{{{NS}}}displayed"

_TYPES = ("displayed", "acknowledged", "received", "markable")
TAGS = frozenset(f"{{{NS}}}{name}" for name in _TYPES)


def request(stanza: Element) -> None:
    """Say that a displayed marker for this message is welcome, once."""
    if stanza.find(MARKABLE) is None:
        SubElement(stanza, MARKABLE)


def tell_displayed(stanza: Element, identifier: str) -> None:
    """Say that the message with this id was displayed (§5.2)."""
    SubElement(stanza, DISPLAYED, {"id": identifier})


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``marker``: the marker of the message, the one that says most where there are several."""
    from xmppctl.model.payload.delivery import Marker  # not needed by who sends one

    for name in _TYPES:
        elements = children.get(f"{{{NS}}}{name}")
        if elements and name == "markable":
            return {"marker": Marker(name)}
        for element in elements or ():
            if identifier := element.get("id"):  # §5.2 requires it
                return {"marker": Marker(name, identifier)}
    return {}


def confirms(stanza: Element, identifier: str) -> bool:
    """Whether the message says that the one with this id was displayed."""
    return any(child.get("id") == identifier for child in stanza.findall(DISPLAYED))
