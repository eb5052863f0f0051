"""XEP-0421: the id of who speaks in a room."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.protocol import occupants

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

TAGS = occupants.IDS


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``occupant_id``: where the room announces such ids, so that none is forged."""
    if context.room is None:
        return {}
    found = occupants.occupant_id(stanza, context.features)
    if found:
        return {"occupant_id": found}
    context.note(f"ignored occupant id: {context.room} does not vouch for it")
    return {}
