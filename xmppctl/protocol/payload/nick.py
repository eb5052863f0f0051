"""XEP-0172: User Nickname. Here: in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0172", "1.1", "partial", "in messages"),)

NS = "http://jabber.org/protocol/nick"
NICK = f"{{{NS}}}nick"
TAGS = frozenset({NICK})

_LONGEST = 1023
"""No part of a JID is longer (RFC 7622 §3.1): a nickname that is has another purpose."""


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``nick``: what the sender wants to be called; it proves nothing (§7)."""
    nick = (children[NICK][0].text or "").strip()
    if len(nick) > _LONGEST:
        context.note(f"ignored a nickname of {len(nick)} characters")
        return {}
    return {"nick": nick} if nick else {}


def attach(stanza: Element, nick: str) -> None:
    """Put the nickname into the message (§4.2)."""
    SubElement(stanza, NICK).text = nick
