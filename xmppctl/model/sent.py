"""What became of a message that was sent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass


@dataclass(frozen=True)
class SendResult:
    """What became of one message to one recipient."""

    PLAIN: ClassVar[str] = "id"
    TABLE: ClassVar[tuple[str, ...]] = ("to", "id", "acked", "confirmed", "error")

    to: Annotated[str, "JID of the recipient"]
    id: Annotated[str, "id of the message, to refer to it later"]
    origin_id: Annotated[str | None, "origin id (XEP-0359); null where a given stanza has none"]
    stanza_id: Annotated[str | None, "id that the room gave the message (XEP-0359)"] = None
    acked: Annotated[bool, "the own server has taken the message over"] = False
    confirmed: Annotated[
        bool, "the recipient's server (or the room) has processed it without a bounce"
    ] = False
    received_at: Annotated[datetime | None, "when a delivery receipt came (XEP-0184)"] = None
    displayed_at: Annotated[datetime | None, "when a displayed marker came (XEP-0333)"] = None
    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None
