"""How a message is delivered, and what became of it, as clients tell each other."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from xmppctl.records import dataclass


@dataclass(frozen=True)
class Receipt:
    """A delivery receipt, or the request for one (XEP-0184)."""

    SPARSE: ClassVar[bool] = True

    requested: Annotated[bool | None, "true: the sender asks for a receipt"] = None
    received_id: Annotated[str | None, "id of the message that this one confirms"] = None

    def __str__(self) -> str:
        """For a table."""
        return f"received {self.received_id}" if self.received_id else "requested"


@dataclass(frozen=True)
class Marker:
    """A displayed marker, or the wish for one (XEP-0333)."""

    SPARSE: ClassVar[bool] = True

    type: Annotated[str, "markable or displayed; received, acknowledged of older clients"]
    id: Annotated[str | None, "id of the message that it is about"] = None

    def __str__(self) -> str:
        """For a table."""
        return f"{self.type} {self.id or ''}".strip()


@dataclass(frozen=True)
class MessageState:
    """What became of a message, in the way of one family of clients (ngxchat)."""

    id: Annotated[str, "id of the message"]
    state: Annotated[str, "recipientReceived or recipientSeen"]
    date: Annotated[datetime | None, "when, as the other client says"] = None

    def __str__(self) -> str:
        """For a table."""
        return f"{self.state} {self.id}"


@dataclass(frozen=True)
class Address:
    """One of the addresses of a message to many (XEP-0033)."""

    SPARSE: ClassVar[bool] = True

    type: Annotated[str, "to, cc, bcc, replyto, replyroom, noreply or ofrom"]
    jid: Annotated[str | None, "its JID"] = None
    uri: Annotated[str | None, "its URI, for addresses outside of XMPP"] = None
    node: Annotated[str | None, "a part of the entity"] = None
    desc: Annotated[str | None, "description for people"] = None
    delivered: Annotated[bool | None, "true: it has been delivered there"] = None

    def __str__(self) -> str:
        """For a table."""
        return f"{self.type} {self.jid or self.uri or self.desc or ''}".strip()
