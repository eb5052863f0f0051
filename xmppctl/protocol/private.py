"""XEP-0045: Multi-User Chat. Here: messages from one occupant to another (§7.5)."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol.room import NS_USER


def mark(stanza: Element) -> None:
    """Say that the message is a private one: a carbon copy cannot be told apart otherwise."""
    SubElement(stanza, f"{{{NS_USER}}}x")
