"""XEP-0085: Chat State Notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep
from xmppctl.protocol.outgoing import NS_STANZA_ID

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (
    Xep("0085", "2.1", "partial", "shown and sent; whether the other side wants them is not asked"),
)

NS = "http://jabber.org/protocol/chatstates"
STATES = ("active", "composing", "paused", "inactive", "gone")

_NAMES = {f"{{{NS}}}{name}": name for name in STATES}
TAGS = frozenset(_NAMES)

_ORIGIN_ID = f"{{{NS_STANZA_ID}}}origin-id"


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``chat_state``: the state.

    None where there are several (§5.6), where somebody is gone from a room (§5.5), and in bounces,
    whose content is the own one.
    """
    found = [name for tag, name in _NAMES.items() for _ in children.get(tag, ())]
    kind = stanza.get("type")
    if len(found) != 1 or kind == "error" or (kind == "groupchat" and found == ["gone"]):
        return {}
    return {"chat_state": found[0]}


def attach(stanza: Element, state: str) -> None:
    """Put the state, one of ``STATES``, into the message, in the place of one that it has."""
    for old in [child for child in stanza if child.tag in TAGS]:
        stanza.remove(old)
    SubElement(stanza, f"{{{NS}}}{state}")


def stand_alone(stanza: Element) -> None:
    """Leave out the origin id: a standalone state has no child but a thread beside it (§5.6)."""
    for child in stanza.findall(_ORIGIN_ID):
        stanza.remove(child)
