"""XEP-0353: messages that go before a session, to clients whose full JIDs are not known."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.jid import Jid
from xmppctl.protocol import Xep
from xmppctl.protocol.jingle import NS_FILES
from xmppctl.protocol.jingle.elements import Reason, write_reason
from xmppctl.session.stream import MESSAGE, Session
from xmppctl.session.xml import split

XEPS = (Xep("0353", "0.8.0", "partial", "files are proposed and taken; proposed calls are shown"),)

NS = "urn:xmpp:jingle-message:0"
ACTIONS = ("propose", "ringing", "retract", "proceed", "reject", "finish")
TAGS = frozenset(f"{{{NS}}}{name}" for name in ACTIONS)

_STORE = "{urn:xmpp:hints}store"
_LONGEST = 300


def compose(action: str, to: Jid, id: str, reason: Reason | None = None) -> Element:
    """The message; a proposal is of a file."""
    message = Element(MESSAGE, {"to": str(to), "type": "chat", "id": Session.new_id()})
    element = SubElement(message, f"{{{NS}}}{action}", {"id": id})
    if action == "propose":
        SubElement(element, f"{{{NS_FILES}}}description")
    if reason is not None:
        element.append(write_reason(reason))
    SubElement(message, _STORE)
    return message


def read(message: Element) -> tuple[str, str, Element] | None:
    """Action, id and element of such a message; None where it is none."""
    if message.tag != MESSAGE or message.get("type") == "error":
        return None
    for child in message:
        namespace, name = split(child.tag)
        id = child.get("id", "")
        if namespace == NS and name in ACTIONS and 0 < len(id) <= _LONGEST:
            return name, id, child
    return None


def is_of_file(element: Element) -> bool:
    """Whether it proposes a file."""
    return element.find(f"{{{NS_FILES}}}description") is not None
