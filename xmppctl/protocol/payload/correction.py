"""XEP-0308: Last Message Correction: a message in the place of an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0308", "1.2.1", "complete"),)

NS = "urn:xmpp:message-correct:0"
REPLACE = f"{{{NS}}}replace"
TAGS = frozenset({REPLACE})


def attach(stanza: Element, identifier: str) -> None:
    """Say that this message stands for the own one with this id, the first of several (§4)."""
    SubElement(stanza, REPLACE, {"id": identifier})


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``replace_id``: as the sender says; whether it is theirs to correct is not known here."""
    found = next((id for e in children[REPLACE] if (id := e.get("id"))), None)
    return {"replace_id": found} if found else {}
