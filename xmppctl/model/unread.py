"""What of the conversations is unread, and what is known of who has seen what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass

Store = Literal["mds", "ngx"]


@dataclass(frozen=True)
class Displayed:
    """Up to where a conversation was displayed, as a client of the account left it."""

    id: Annotated[str | None, "archive id of the last message that was displayed (mds)"] = None
    by: Annotated[str | None, "JID of the archive: the own account or a room (mds)"] = None
    at: Annotated[datetime | None, "time up to which all was displayed (ngx)"] = None

    def __str__(self) -> str:
        """For a table."""
        if self.id is not None or self.at is None:
            return self.id or ""
        return self.at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class LastMessage:
    """The newest message of a conversation."""

    id: Annotated[str | None, "archive id"]
    timestamp: Annotated[datetime | None, "when it was sent or received"] = None
    body: Annotated[str | None, "text; null where it is encrypted"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.body or self.id or ""


@dataclass(frozen=True)
class Unread:
    """How many messages of one conversation are unread."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "unread", "first_unread_at", "last_message")

    jid: Annotated[str, "JID of the contact or room; ROOM/NICK for private messages in a room"]
    unread: Annotated[int, "number of messages of others that were not displayed"]
    store: Annotated[Store | None, "where the marker is kept; null where there is none"] = None
    last_displayed: Annotated[Displayed | None, "the marker"] = None
    first_unread_at: Annotated[datetime | None, "time of the first unread message"] = None
    last_message: Annotated[
        LastMessage | None, "the newest message of others behind the marker, or since --since"
    ] = None


@dataclass(frozen=True)
class Marked:
    """A conversation that was marked as displayed."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "id", "at", "changed", "error")

    jid: Annotated[str, "JID of the contact or room; ROOM/NICK for private messages in a room"]
    store: Annotated[Store, "where the marker is kept"]
    id: Annotated[str | None, "archive id of the message up to which all is displayed"] = None
    by: Annotated[str | None, "JID of its archive: the own account or the room"] = None
    at: Annotated[datetime | None, "time of that message"] = None
    changed: Annotated[bool, "false: the marker stood there already"] = False
    told: Annotated[bool, "the sender was sent a displayed marker too (XEP-0333)"] = False
    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None


@dataclass(frozen=True)
class ChatState:
    """What clients of the account keep about one conversation."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = (
        "jid",
        "displayed_id",
        "last_read_at",
        "last_received_at",
        "last_seen_at",
        "last_sent_at",
    )

    jid: Annotated[str, "JID of the contact or room"]
    displayed_id: Annotated[
        str | None, "archive id of the last message that was displayed here (mds)"
    ] = None
    displayed_by: Annotated[str | None, "JID of the archive of that id (mds)"] = None
    last_read_at: Annotated[datetime | None, "time up to which all was displayed here (ngx)"] = None
    last_received_at: Annotated[
        datetime | None, "time up to which the contact has received all (ngx)"
    ] = None
    last_seen_at: Annotated[datetime | None, "time up to which the contact has seen all (ngx)"] = (
        None
    )
    last_sent_at: Annotated[datetime | None, "time of the last message that was sent (ngx)"] = None
