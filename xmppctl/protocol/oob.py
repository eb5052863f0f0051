"""XEP-0066: Out of Band Data. Here: the URL that belongs to a message."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep

XEPS = (Xep("0066", "1.5", "partial", "the URL of a message (jabber:x:oob)"),)

NS = "jabber:x:oob"


def attach(stanza: Element, url: str) -> None:
    """Put the URL into a message (§3); clients show it in place where the body is equal to it."""
    SubElement(SubElement(stanza, f"{{{NS}}}x"), f"{{{NS}}}url").text = url
