"""What a listener sees: a message with what rides on it, presence, the offer of a file."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.model.jingle import SiOffer
from xmppctl.model.message import Message
from xmppctl.model.presence import Caps, Show
from xmppctl.records import dataclass

if TYPE_CHECKING:
    from xmppctl.model.telling import Told

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
"""What a listener may choose from."""

AnyType = Literal[StanzaType, "set"]


@dataclass(frozen=True)
class Stanza(Message):
    """One incoming stanza; what it does not have is left out."""

    PLAIN: ClassVar[str] = "body"
    TABLE: ClassVar[tuple[str, ...]] = ("timestamp", "from_", "type", "body")

    # the types of presence stand beside those of messages; offers of files are of type set
    type: Annotated[AnyType, "type of the stanza"] = "normal"  # type: ignore[assignment]
    timestamp: Annotated[
        datetime | None, "when it was sent, as a trusted entity tells; else when it came"
    ] = None
    error_: Annotated[
        ErrorInfo | None, "the error of a bounced message, or why an offered file was not fetched"
    ] = None
    stanza: Annotated[
        Literal["message", "presence", "iq"], "kind of the stanza; iq: something is offered"
    ] = "message"
    carbon: Annotated[
        Literal["sent", "received"] | None,
        "it is the copy of what another client of the account sent or received (XEP-0280)",
    ] = None
    show: Annotated[Show | None, "of presence: how available"] = None
    status: Annotated[str | None, "of presence: its text"] = None
    priority: Annotated[int | None, "of presence: priority of the client"] = None
    idle_since: Annotated[datetime | None, "of presence: last use of the client"] = None
    caps: Annotated[Caps | None, "of presence: software of the client"] = None
    si: Annotated[SiOffer | None, "a file that is offered in the old way (XEP-0095)"] = None

    def told(self, *, spoilers: bool = False) -> Told:
        """What stands under ``body`` where people read it."""
        if self.stanza != "iq":
            return super().told(spoilers=spoilers)
        from xmppctl.model.telling import Told

        if self.jingle is not None:
            return Told(f"(declined a {self.jingle})")
        if self.si is not None:
            return Told(f"(refused a stream initiation: {self.si.profile or 'something'})")
        if self.files:
            return Told(f"(gave the file {self.files[0].path})")
        why = f": {self.error_.condition}" if self.error_ is not None else ""
        return Told(f"(offered {self.oob[0] if self.oob else 'a file'}{why})")


@dataclass(frozen=True)
class RoomEvent(Stanza):
    """Something that happened in a room; what it does not have is left out."""

    TABLE: ClassVar[tuple[str, ...]] = ("timestamp", "from_", "type", "body", "subject", "muc")

    @classmethod
    def of(cls, stanza: Stanza) -> RoomEvent:
        """The same record."""
        return cls(**{each.name: getattr(stanza, each.name) for each in fields(stanza)})
