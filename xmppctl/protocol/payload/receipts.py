"""XEP-0184: Message Delivery Receipts: asking for them, giving them, knowing a true one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep
from xmppctl.session.stream import MESSAGE, Session

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (Xep("0184", "1.4.0", "complete"),)

NS = "urn:xmpp:receipts"
REQUEST = f"{{{NS}}}request"
RECEIVED = f"{{{NS}}}received"
TAGS = frozenset({REQUEST, RECEIVED})


def request(stanza: Element) -> None:
    """Ask for a receipt of this message, once."""
    if stanza.find(REQUEST) is None:
        SubElement(stanza, REQUEST)


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``receipt``: what the message says about receipts."""
    from xmppctl.model.payload.delivery import Receipt  # not needed by who sends one

    received = children.get(RECEIVED)
    if not received:
        return {"receipt": Receipt(requested=True)}
    identifier = received[0].get("id")  # without it nothing is confirmed (§5.4)
    return {"receipt": Receipt(received_id=identifier)} if identifier else {}


def answer(stanza: Element, own: str) -> Element | None:
    """The receipt that a message asks for; None where it must not get one.

    None for copies of what others received (carbons are not given to this function), for rooms
    (§5.3: everybody there would answer), errors, receipts themselves (§5.4) and for messages
    without id or of the own account, whose bare JID is ``own``. It has the type of the message
    (§7) and no child but one.
    """
    sender, identifier = stanza.get("from"), stanza.get("id")
    if (
        not sender
        or not identifier
        or stanza.find(REQUEST) is None
        or stanza.find(RECEIVED) is not None
        or stanza.get("type") in ("groupchat", "error")
        or sender.partition("/")[0].lower() == own
    ):
        return None
    receipt = Element(MESSAGE, {"to": sender, "id": Session.new_id()})
    kind = stanza.get("type")
    if kind in ("chat", "normal", "headline"):
        receipt.set("type", kind)
    SubElement(receipt, RECEIVED, {"id": identifier})
    return receipt


def confirms(stanza: Element, identifier: str) -> bool:
    """Whether the message is a receipt of the message with this id."""
    return any(child.get("id") == identifier for child in stanza.findall(RECEIVED))
