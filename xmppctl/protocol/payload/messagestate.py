"""What became of a message, as its recipient tells: by the XEPs, or in the way of ngx-chat.

That client has an element of its own for what XEP-0184 and XEP-0333 tell; it is no XEP.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol.dates import parse_datetime
from xmppctl.protocol.payload import markers, receipts
from xmppctl.protocol.payload.chatstates import stand_alone

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields

NS = "ngxchat:contactmessagestates"
MESSAGE_STATE = f"{{{NS}}}message-state"
TAGS = frozenset({MESSAGE_STATE})

State = Literal["received", "seen"]

_NGX: dict[State, str] = {"received": "recipientReceived", "seen": "recipientSeen"}


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``message_state``: of a chat message, as that client has it."""
    from xmppctl.model.payload.delivery import MessageState  # not needed by who sends one

    element = children[MESSAGE_STATE][0]
    identifier, state = element.get("messageId"), element.get("state", "")
    if not identifier or state not in _NGX.values() or stanza.get("type") != "chat":
        return {}
    date: datetime | None
    try:
        date = parse_datetime(element.get("date", ""))
    except ValueError:
        date = None
    return {"message_state": MessageState(identifier, state, date)}


def attach(stanza: Element, state: State, identifier: str, *, ngx: bool = False) -> None:
    """Say of the message with this id that it was received or seen, and nothing else.

    A receipt has no child beside it (XEP-0184 §7). With ``ngx`` it is that client's own element.
    """
    stand_alone(stanza)
    if ngx:
        date = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        attributes = {"messageId": identifier, "date": date, "state": _NGX[state]}
        SubElement(stanza, MESSAGE_STATE, attributes)
    elif state == "received":
        SubElement(stanza, receipts.RECEIVED, {"id": identifier})
    else:
        markers.tell_displayed(stanza, identifier)
