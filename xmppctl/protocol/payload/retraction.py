"""XEP-0424: Message Retraction: a sender takes a message back; read in version 0.3 too.

What an archive has left of such a message is read in ``tombstones``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep
from xmppctl.protocol.payload import fallback, hints
from xmppctl.protocol.payload.moderation import APPLY, MODERATED, RETRACT, RETRACT_OLD
from xmppctl.session.xml import NS_CLIENT

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0424", "0.4.2", "complete", "also in version 0.3"),)

TAG = f"{{{RETRACT}}}retract"
TAGS = frozenset({TAG, APPLY})

_TAG_OLD = f"{{{RETRACT_OLD}}}retract"
_TEXT = "An earlier message was taken back, but your client does not know how that is done."


def attach(stanza: Element, identifier: str) -> None:
    """Make the message, which has no text, one that takes the own one with this id back (§4).

    It gets a text for clients that do not know retractions, which makes servers archive it.
    """
    SubElement(stanza, f"{{{NS_CLIENT}}}body").text = _TEXT
    SubElement(stanza, TAG, {"id": identifier})
    fallback.mark(stanza, RETRACT)
    hints.keep(stanza)


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``retract``: as the sender says; whether it is theirs to take back is not known here.

    None where it is said to be the doing of a moderator: that is for the room to say, and read in
    ``moderation``.
    """
    from xmppctl.model.payload.reference import Retract  # not needed by who sends one

    for element in children.get(TAG, ()):
        if element.get("id") and not any(tag in MODERATED for tag in _tags(element)):
            return {"retract": Retract(element.get("id", ""))}
    for element in children.get(APPLY, ()):
        if element.get("id") and _TAG_OLD in _tags(element):
            return {"retract": Retract(element.get("id", ""))}
    return {}


def _tags(element: Element) -> set[str]:
    return {child.tag for child in element}
