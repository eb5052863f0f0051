"""XEP-0425: Moderated Message Retraction: word of it, also in version 0.2."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.model.jid import lenient
from xmppctl.model.occupant import Moderated
from xmppctl.session.xml import split

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

NS = "urn:xmpp:message-moderate:1"
NS_OLD = "urn:xmpp:message-moderate:0"
RETRACT = "urn:xmpp:message-retract:1"
RETRACT_OLD = "urn:xmpp:message-retract:0"
APPLY = "{urn:xmpp:fasten:0}apply-to"
MODERATED = frozenset(f"{{{namespace}}}moderated" for namespace in (NS, NS_OLD))
"""What says, inside of a retraction, that it is the doing of a moderator."""
TAGS = frozenset({APPLY, f"{{{RETRACT}}}retract"})


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``moderated``: word that a message was taken back; only a room may say so (§6)."""
    for envelope, namespace in ((f"{{{RETRACT}}}retract", NS), (APPLY, NS_OLD)):
        for outer in children.get(envelope, ()):
            moderated = outer.find(f"{{{namespace}}}moderated")
            if moderated is None or not outer.get("id"):
                continue
            if not _is_of_room(stanza, context):
                context.note(f"ignored word of a moderator: {stanza.get('from')} is not the room")
                return {}
            inside = outer if namespace == NS else moderated
            reason = next((e.text for e in inside if split(e.tag)[1] == "reason" and e.text), None)
            return {"moderated": Moderated(outer.get("id", ""), moderated.get("by"), reason)}
    return {}


def _is_of_room(stanza: Element, context: Context) -> bool:
    return (
        context.room is not None
        and stanza.get("type") == "groupchat"
        and str(lenient(stanza.get("from", ""))) == context.room
    )
