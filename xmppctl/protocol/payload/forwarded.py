"""XEP-0297: Stanza Forwarding. Here: messages that somebody passes on to somebody else.

What is inside carbons and archive results belongs to those and is not read here.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep
from xmppctl.protocol.payload import Context
from xmppctl.records import dataclass
from xmppctl.session.stream import MESSAGE
from xmppctl.session.xml import NS_CLIENT, split

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Fields

XEPS = (
    Xep("0297", "1.0", "partial", "whether the recipient knows forwarded messages is not asked"),
)

NS = "urn:xmpp:forward:0"
FORWARDED = f"{{{NS}}}forwarded"
TAGS = frozenset({FORWARDED})

DEEPEST = 3
"""A forwarded message may forward another one: down to this level."""

WIDEST = 16
"""More of them in one message are not read."""

_DELAY = "{urn:xmpp:delay}delay"
_BODY = f"{{{NS_CLIENT}}}body"

_NOBODY = "\0"
"""A JID that nothing from the network can be equal to: XML does not have this character."""

# What only the word of a room, of the own server or of the real sender makes true, or what asks
# for an answer: a forwarded stanza must not be treated like one that came in (§6.1).
_BELIEVED = frozenset(
    {
        "http://jabber.org/protocol/muc#user",
        "http://jabber.org/protocol/pubsub#event",
        "urn:xmpp:chat-markers:0",
        "urn:xmpp:fasten:0",
        "urn:xmpp:hats:0",
        "urn:xmpp:message-moderate:0",
        "urn:xmpp:message-moderate:1",
        "urn:xmpp:message-retract:0",
        "urn:xmpp:message-retract:1",
        "urn:xmpp:occupant-id:0",
        "urn:xmpp:receipts",
        "xmpp:prosody.im/protocol/hats:1",
    }
)

# What the archive or the room added, and the receiver of a copy has no use for; the room's element
# may hold a JID that it shows to few.
_ADDED = frozenset(
    {
        "{http://jabber.org/protocol/muc#user}x",
        "{urn:xmpp:mam:tmp}archived",
        "{urn:xmpp:sid:0}stanza-id",
    }
)


@dataclass(frozen=True)
class Claimed(Context):
    """Nobody is to be believed. ``depth``: in how many forwarded messages this one is."""

    depth: int = 1


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``forwarded``: the messages with all that they say, which is as true as the sender is."""
    depth = context.depth + 1 if isinstance(context, Claimed) else 1
    if depth > DEEPEST:
        return {}
    inside = Claimed(_NOBODY, depth=depth)
    found = []
    for element in children[FORWARDED][:WIDEST]:
        message = element.find(MESSAGE)  # anything else is to be ignored (§6.1)
        if message is not None:
            found.append(_read(element, message, inside))
    if len(children[FORWARDED]) > WIDEST:
        context.note(f"ignored forwarded messages: more than {WIDEST} in one message")
    return {"forwarded": found} if found else {}


def _read(element: Element, message: Element, inside: Claimed) -> object:
    from xmppctl.model.message import Delay, Forwarded, Message
    from xmppctl.protocol.message import facts, parse_stamp

    claims = Element(message.tag, message.attrib)
    claims.extend(child for child in message if split(child.tag)[0] not in _BELIEVED)
    known = facts(claims, inside)
    known["extensions"] += dict.fromkeys(
        child.tag for child in message if split(child.tag)[0] in _BELIEVED
    )
    note = element.find(_DELAY)
    stamp = parse_stamp(note.get("stamp")) if note is not None else None
    delay = None
    if note is not None and stamp is not None:
        delay = Delay(stamp, note.get("from"), (note.text or "").strip() or None)
    return Forwarded(Message(**known), delay)


def attach(stanza: Element, message: Element, received: datetime | None) -> None:
    """Put ``message``, which came in at the time ``received``, into the one that goes out.

    That has a body then, even if it is an empty one (§3.2).
    """
    from xmppctl.protocol.dates import format_datetime

    copy = deepcopy(message)
    for child in list(copy):
        if child.tag in _ADDED:
            copy.remove(child)
    if stanza.find(_BODY) is None:
        stanza.insert(0, Element(_BODY))
    element = SubElement(stanza, FORWARDED)
    if received is not None:
        SubElement(element, _DELAY, {"stamp": format_datetime(received)})
    element.append(copy)
