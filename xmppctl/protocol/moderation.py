"""XEP-0425: Moderated Message Retraction, in the namespace that the room announces."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.jid import Jid
from xmppctl.model.occupant import Moderation
from xmppctl.protocol import Xep, disco
from xmppctl.protocol.payload.moderation import APPLY, NS, NS_OLD, RETRACT, RETRACT_OLD
from xmppctl.session.stream import Session

XEPS = (Xep("0425", "0.3.0", "partial", "taking messages back, and being told; also version 0.2"),)


async def moderate(session: Session, room: Jid, id: str, reason: str | None) -> Moderation:
    """Take the message with the room's own id ``id`` back.

    Raises RefusedError, UnsupportedError where the room has no moderation, DeadlineError.
    """
    features = (await disco.info(session, room)).features
    version = next((ns for ns in (NS, NS_OLD) if ns in features), None)
    if version is None:
        raise UnsupportedError(
            f"{room} does not offer the moderation of messages (XEP-0425)",
            step="moderate",
            condition="feature-not-implemented",
            by=str(room),
        )
    what = f"moderating the message {id} of {room}"
    payload = request(version, id, reason)
    try:
        await session.request(payload, to=room, type="set", step="moderate", what=what)
    except RefusedError as error:
        if error.condition == "item-not-found":
            error.hint = "what counts is the id that the room gave the message, not its sender's"
        raise
    return Moderation(str(room), id, True)


def request(version: str, id: str, reason: str | None) -> Element:
    """The payload of the request; before version 0.3 it was a fastening (XEP-0422)."""
    if version == NS:
        payload = moderation = Element(f"{{{NS}}}moderate", {"id": id})
        SubElement(moderation, f"{{{RETRACT}}}retract")
    else:
        payload = Element(APPLY, {"id": id})
        moderation = SubElement(payload, f"{{{NS_OLD}}}moderate")
        SubElement(moderation, f"{{{RETRACT_OLD}}}retract")
    if reason is not None:
        SubElement(moderation, f"{{{version}}}reason").text = reason
    return payload
