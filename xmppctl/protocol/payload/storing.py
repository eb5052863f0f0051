"""XEP-0334: Message Processing Hints. Here: that a message without a text be kept."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

NS = "urn:xmpp:hints"
_OTHERS = ("store", "no-store", "no-permanent-store")


def keep(stanza: Element) -> None:
    """Ask servers to store the message, unless it says already whether they should."""
    if all(stanza.find(f"{{{NS}}}{name}") is None for name in _OTHERS):
        SubElement(stanza, f"{{{NS}}}store")
