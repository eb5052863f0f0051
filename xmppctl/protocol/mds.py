"""XEP-0490: Message Displayed Synchronization: up to where each conversation was displayed.

Server assist is not used: none of the servers here announces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.jid import Jid, lenient, parse
from xmppctl.model.unread import Displayed
from xmppctl.protocol import Xep, pep
from xmppctl.protocol.pubsub import Item
from xmppctl.session.stream import Session

XEPS = (Xep("0490", "1.0.1", "partial", "without server assist"),)

NODE = "urn:xmpp:mds:displayed:0"
_DISPLAYED = f"{{{NODE}}}displayed"
_STANZA_ID = "{urn:xmpp:sid:0}stanza-id"


async def fetch(session: Session) -> dict[Jid, Displayed]:
    """All markers of the own account, by the JID of the conversation.

    Left out, with a note, is what is no marker, and an id by an entity that gives none in that
    conversation (§3.2). Raises RefusedError, UnsupportedError, DeadlineError.
    """
    found: dict[Jid, Displayed] = {}
    for item in await pep.read(session, NODE):
        try:
            jid = parse(item.id or "")
        except ValueError:
            session.trace.note(f"ignored a displayed marker about {item.id!r}: it is no JID")
            continue
        marker = read(item.payload, session.bare)
        if marker is None or marker.by not in (session.bare, str(jid.bare)):
            session.trace.note(f"ignored a displayed marker about {jid}: no id by its archive")
        else:
            found[jid] = marker
    return found


def read(payload: Element, own: str) -> Displayed | None:
    """What a ``<displayed/>`` says; None where it has not exactly one stanza id (§3.1).

    Where the id does not tell who gave it, as with one library (slixmpp), the ``own`` account did:
    the archive will know.
    """
    ids = payload.findall(_STANZA_ID)
    if payload.tag != _DISPLAYED or len(ids) != 1:
        return None
    id, by = ids[0].get("id"), ids[0].get("by") or own
    return Displayed(id=id, by=str(lenient(by))) if id else None


def element(marker: Displayed) -> Element:
    """The ``<displayed/>`` of a marker."""
    made = Element(_DISPLAYED)
    SubElement(made, _STANZA_ID, {"by": marker.by or "", "id": marker.id or ""})
    return made


async def publish(
    session: Session, markers: Mapping[Jid, Displayed], *, reconfigure: bool = False
) -> None:
    """Set the markers of these conversations. Raises as ``pep.publish``."""
    items = [Item(str(jid), element(marker)) for jid, marker in markers.items()]
    await pep.publish(session, NODE, items, pep.PRIVATE, reconfigure=reconfigure)
