"""XEP-0466: Ephemeral Messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep
from xmppctl.protocol.payload import hints
from xmppctl.session.xml import NS_CLIENT

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0466", "0.1.0", "partial", "sent and shown; nothing is deleted here"),)

NS = "urn:xmpp:ephemeral:0"
EPHEMERAL = f"{{{NS}}}ephemeral"
TAGS = frozenset({EPHEMERAL})

_BODY = f"{{{NS_CLIENT}}}body"
_NO_STORE = f"{{{hints.NS}}}no-store"
_LONGEST = (1 << 32) - 1


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``expire_in_s``: the timer, an unsignedInt of XML Schema (§3.2)."""
    text = children[EPHEMERAL][0].get("timer", "").strip()
    if re.fullmatch(r"0*[0-9]{1,10}", text, re.ASCII) is None or int(text[-10:]) > _LONGEST:
        return {}
    return {"expire_in_s": int(text[-10:])}


def attach(stanza: Element, seconds: int) -> None:
    """Say that the message should vanish so many ``seconds`` after it was read.

    Without a body that is a proposal for the messages to come, which clients that are not there
    have to see too (§3.4).
    """
    for old in stanza.findall(EPHEMERAL):
        stanza.remove(old)
    SubElement(stanza, EPHEMERAL, {"timer": str(seconds)})
    if stanza.find(_BODY) is None and stanza.find(_NO_STORE) is None:
        hints.attach(stanza, "store")
