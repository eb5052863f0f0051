"""XEP-0425: Moderated Message Retraction, in the namespace that the room announces."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.occupant import Moderated, Moderation
from xmppctl.protocol import Xep, disco
from xmppctl.session.stream import Session
from xmppctl.session.xml import split

XEPS = (Xep("0425", "0.3.0", "partial", "taking messages back, and being told; also version 0.2"),)

NS = "urn:xmpp:message-moderate:1"
NS_OLD = "urn:xmpp:message-moderate:0"
_RETRACT = "urn:xmpp:message-retract:1"
_RETRACT_OLD = "urn:xmpp:message-retract:0"
_FASTEN = "urn:xmpp:fasten:0"
_APPLY = f"{{{_FASTEN}}}apply-to"
READ = frozenset({_APPLY, f"{{{_RETRACT}}}retract"})
"""The tags of that word."""


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
        SubElement(moderation, f"{{{_RETRACT}}}retract")
    else:
        payload = Element(_APPLY, {"id": id})
        moderation = SubElement(payload, f"{{{NS_OLD}}}moderate")
        SubElement(moderation, f"{{{_RETRACT_OLD}}}retract")
    if reason is not None:
        SubElement(moderation, f"{{{version}}}reason").text = reason
    return payload


def read(stanza: Element) -> Moderated | None:
    """Word that a message was taken back, in either version; only a room may say so (§6)."""
    sender = lenient(stanza.get("from", ""))
    if stanza.get("type") != "groupchat" or sender.resource is not None:
        return None
    for envelope, namespace in ((f"{{{_RETRACT}}}retract", NS), (_APPLY, NS_OLD)):
        outer = stanza.find(envelope)
        moderated = outer.find(f"{{{namespace}}}moderated") if outer is not None else None
        if outer is None or moderated is None or not outer.get("id"):
            continue
        inside = outer if namespace == NS else moderated
        reason = next((e.text for e in inside if split(e.tag)[1] == "reason" and e.text), None)
        return Moderated(outer.get("id", ""), moderated.get("by"), reason)
    return None
