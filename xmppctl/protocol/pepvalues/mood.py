"""XEP-0107: User Mood."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.pep import Mood
from xmppctl.protocol import Xep
from xmppctl.protocol.pepvalues import Value, text
from xmppctl.session.xml import split

XEPS = (Xep("0107", "1.2.2", "partial", "published and read, not in messages"),)

NODE = "http://jabber.org/protocol/mood"
TAG = f"{{{NODE}}}mood"
_TEXT = f"{{{NODE}}}text"


def build(mood: str | None, description: str | None) -> Element:
    """``<mood/>`` (§2.1); the empty one, without ``mood``, says that none is told any more."""
    element = Element(TAG)
    if mood is not None:
        SubElement(element, f"{{{NODE}}}{mood}")
    if description is not None:
        SubElement(element, _TEXT).text = description
    return element


def read(jid: str, value: Value) -> Mood:
    """The mood; more specific ones, in foreign namespaces, are left out (§2.1)."""
    names = (split(child.tag) for child in value.payload)
    found = next((name for ns, name in names if ns == NODE and name != "text"), None)
    return Mood(jid, found, text(value.payload, _TEXT), value.at)
