"""XEP-0317: the hats of who speaks in a room."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.protocol import occupants

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

TAGS = occupants.HAT_LISTS


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``hats``: where the room announces them, so that none are forged."""
    if context.room is None:
        return {}
    found = occupants.hats(stanza, context.features)
    if found:
        return {"hats": found}
    context.note(f"ignored hats: {context.room} does not vouch for them")
    return {}
