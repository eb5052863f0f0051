"""XEP-0172: User Nickname, as an account tells it itself."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from xmppctl.model.pep import Nick
from xmppctl.protocol import Xep
from xmppctl.protocol.pepvalues import Value

XEPS = (Xep("0172", "1.1", "partial", "published and read (§4.3)"),)

NODE = "http://jabber.org/protocol/nick"
TAG = f"{{{NODE}}}nick"


def build(nick: str | None) -> Element:
    """``<nick/>`` (§3); the empty one says that none is told any more."""
    element = Element(TAG)
    element.text = nick
    return element


def read(jid: str, value: Value) -> Nick:
    """The nickname; it proves nothing (§7)."""
    return Nick(jid, (value.payload.text or "").strip() or None, value.at)
