"""What a listener sees: a message with what rides on it, or the presence of somebody."""

from __future__ import annotations

from dataclasses import field, fields
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from xmppctl.model.message import Message
from xmppctl.model.occupant import Hat, Invited, Moderated
from xmppctl.model.presence import Caps, Show
from xmppctl.records import dataclass

StanzaType = Literal[
    "chat",
    "normal",
    "headline",
    "groupchat",
    "error",
    "available",
    "unavailable",
    "subscribe",
    "subscribed",
    "unsubscribe",
    "unsubscribed",
    "probe",
]


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


@dataclass(frozen=True)
class Stanza(Message):
    """One incoming stanza; what it does not have is left out."""

    PLAIN: ClassVar[str] = "body"
    TABLE: ClassVar[tuple[str, ...]] = ("timestamp", "from_", "type", "body")

    # the types of presence stand beside those of messages
    type: Annotated[StanzaType, "type of the stanza"] = "normal"  # type: ignore[assignment]
    timestamp: Annotated[
        datetime | None, "when it was sent, as a trusted entity tells; else when it came"
    ] = None
    stanza: Annotated[Literal["message", "presence"], "kind of the stanza"] = "message"
    carbon: Annotated[
        Literal["sent", "received"] | None,
        "it is the copy of what another client of the account sent or received (XEP-0280)",
    ] = None
    receipt: Annotated[Receipt | None, "delivery receipt"] = None
    marker: Annotated[Marker | None, "displayed marker"] = None
    chat_state: Annotated[str | None, "active, composing, paused, inactive or gone"] = None
    attention: Annotated[bool | None, "true: the sender asks for attention (XEP-0224)"] = None
    addresses: Annotated[list[Address], "addresses of a message to many"] = field(
        default_factory=list
    )
    invite: Annotated[Invited | None, "invitation to a room, or the answer to one"] = None
    moderated: Annotated[Moderated | None, "a moderator took a message back (XEP-0425)"] = None
    occupant_id: Annotated[
        str | None, "id of the occupant that stays when the nickname changes (XEP-0421)"
    ] = None
    hats: Annotated[list[Hat], "hats of the occupant, where the room vouches for them"] = field(
        default_factory=list
    )
    show: Annotated[Show | None, "of presence: how available"] = None
    status: Annotated[str | None, "of presence: its text"] = None
    priority: Annotated[int | None, "of presence: priority of the client"] = None
    idle_since: Annotated[datetime | None, "of presence: last use of the client"] = None
    caps: Annotated[Caps | None, "of presence: software of the client"] = None


@dataclass(frozen=True)
class RoomEvent(Stanza):
    """Something that happened in a room; what it does not have is left out."""

    TABLE: ClassVar[tuple[str, ...]] = ("timestamp", "from_", "type", "body", "subject", "muc")

    @classmethod
    def of(cls, stanza: Stanza) -> RoomEvent:
        """The same record."""
        return cls(**{each.name: getattr(stanza, each.name) for each in fields(stanza)})
