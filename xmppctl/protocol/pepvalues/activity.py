"""XEP-0108: User Activity."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.pep import Activity
from xmppctl.protocol import Xep
from xmppctl.protocol.pepvalues import Value, text
from xmppctl.session.xml import split

XEPS = (Xep("0108", "1.3", "complete"),)

NODE = "http://jabber.org/protocol/activity"
TAG = f"{{{NODE}}}activity"
_TEXT = f"{{{NODE}}}text"


def build(general: str | None, specific: str | None, description: str | None) -> Element:
    """``<activity/>`` (§2.1); the empty one, without ``general``: none is told any more."""
    element = Element(TAG)
    if general is not None:
        kind = SubElement(element, f"{{{NODE}}}{general}")
        if specific is not None:
            SubElement(kind, f"{{{NODE}}}{specific}")
    if description is not None:
        SubElement(element, _TEXT).text = description
    return element


def read(jid: str, value: Value) -> Activity:
    """The activity; what is of a foreign namespace is left out (§2.1)."""
    kind = _own(value.payload)
    specific = None if kind is None else _own(kind)
    return Activity(
        jid, _name(kind), _name(specific), text(value.payload, _TEXT), value.at
    )  # fmt: skip


def _own(element: Element) -> Element | None:
    for child in element:
        ns, name = split(child.tag)
        if ns == NODE and name != "text":
            return child
    return None


def _name(element: Element | None) -> str | None:
    return None if element is None else split(element.tag)[1]
