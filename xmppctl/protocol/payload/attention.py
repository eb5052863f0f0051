"""XEP-0224: Attention."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (
    Xep(
        "0224",
        "1.0",
        "partial",
        "shown, listeners can ring the bell; sent, without asking whether it is supported",
    ),
)

NS = "urn:xmpp:attention:0"
ATTENTION = f"{{{NS}}}attention"
TAGS = frozenset({ATTENTION})


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``attention``: the sender asks for it; not in bounces, where it was the own wish."""
    return {} if stanza.get("type") == "error" else {"attention": True}


def attach(stanza: Element) -> None:
    """Ask for attention, once."""
    if stanza.find(ATTENTION) is None:
        SubElement(stanza, ATTENTION)
