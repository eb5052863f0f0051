"""What rides on a message besides its texts, the same for one that comes in and an archived one."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from xmppctl.protocol import Xep, addresses, markers, receipts

XEPS = (
    Xep("0085", "2.1", "partial", "shown"),
    Xep("0224", "1.0", "partial", "shown; listeners can ring the bell"),
)

_NS_STATES = "http://jabber.org/protocol/chatstates"
_ATTENTION = "{urn:xmpp:attention:0}attention"
_STATES = ("active", "composing", "paused", "inactive", "gone")

READ = frozenset(
    {receipts.REQUEST, receipts.RECEIVED, addresses.ADDRESSES, _ATTENTION}
    | {f"{{{_NS_STATES}}}{name}" for name in _STATES}
    | {f"{{{markers.NS}}}{name}" for name in ("markable", "displayed", "received", "acknowledged")}
)
"""The tags that ``read`` understands, so that they are no unknown extensions."""

_RECEIPTS = frozenset({receipts.REQUEST, receipts.RECEIVED})
_CHAT_STATES = {f"{{{_NS_STATES}}}{name}": name for name in _STATES}


def read(stanza: Element) -> dict[str, Any]:
    """The fields of a record that tell of these payloads, by name."""
    found: dict[str, Any] = {
        "receipt": None,
        "marker": None,
        "chat_state": None,
        "attention": None,
        "addresses": [],
    }
    # most messages have none of them, or one
    tags = READ.intersection([child.tag for child in stanza])
    if not tags:
        return found
    if not tags.isdisjoint(_RECEIPTS):
        found["receipt"] = receipts.read(stanza)
    states = [name for tag, name in _CHAT_STATES.items() if tag in tags]
    if states:
        found["chat_state"] = states[0]
    if _ATTENTION in tags:
        found["attention"] = True
    if addresses.ADDRESSES in tags:
        found["addresses"] = addresses.read(stanza)
    found["marker"] = markers.read(stanza)
    return found
