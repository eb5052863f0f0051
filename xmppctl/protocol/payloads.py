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


def read(stanza: Element) -> dict[str, Any]:
    """The fields of a record that tell of these payloads, by name."""
    return {
        "receipt": receipts.read(stanza),
        "marker": markers.read(stanza),
        "chat_state": next(
            (name for name in _STATES if stanza.find(f"{{{_NS_STATES}}}{name}") is not None), None
        ),
        "attention": True if stanza.find(_ATTENTION) is not None else None,
        "addresses": addresses.read(stanza),
    }
