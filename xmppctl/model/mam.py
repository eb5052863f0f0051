"""The message archive: what it holds, how much, and what it is to keep."""

from __future__ import annotations

from dataclasses import field
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

from xmppctl.model.message import Message
from xmppctl.records import dataclass

Default = Literal["always", "never", "roster"]


@dataclass(frozen=True)
class ArchivedItem:
    """An item of a pubsub node, as it was published (XEP-0442)."""

    SPARSE: ClassVar[bool] = True

    node: Annotated[str, "the node"]
    id: Annotated[str | None, "id of the item"] = None
    publisher: Annotated[str | None, "JID of who published it, where the node tells"] = None
    retracted: Annotated[bool | None, "true: the item was taken back"] = None
    payload: Annotated[str | None, "the payload as XML"] = None

    def __str__(self) -> str:
        """For a table."""
        return f"{self.node} {self.id or ''}"


@dataclass(frozen=True)
class ArchivedMessage(Message):
    """One message of an archive; payloads that it does not have are left out."""

    TABLE: ClassVar[tuple[str, ...]] = ("timestamp", "from_", "to", "subject", "body")

    room: Annotated[str | None, "JID of the room that vouches for a groupchat message"] = None
    subject_only: Annotated[bool | None, "true: the room's subject was set, nothing said"] = None
    item: Annotated[ArchivedItem | None, "the item, in the archive of a pubsub node"] = None


@dataclass(frozen=True)
class Version:
    """A message as it was before it was corrected (XEP-0308)."""

    id: Annotated[str | None, "id of the message that said so"]
    timestamp: Annotated[datetime | None, "when that was sent, as the archive tells"]
    body: Annotated[str | None, "its text"]
    subject: Annotated[str | None, "its subject"]

    def __str__(self) -> str:
        """For a table."""
        return self.body or self.subject or ""


@dataclass(frozen=True)
class Reacted:
    """A reaction, and all whose it is (XEP-0444)."""

    emoji: Annotated[str, "the reaction"]
    by: Annotated[list[str], "bare JIDs; in a room, occupant JIDs"]

    def __str__(self) -> str:
        """For a table."""
        return f"{self.emoji} {len(self.by)}"


@dataclass(frozen=True)
class CollapsedMessage(ArchivedMessage):
    """One message as it is now: with all that was later said about it applied."""

    TABLE: ClassVar[tuple[str, ...]] = (
        "timestamp",
        "from_",
        "to",
        "subject",
        "body",
        "edited",
        "retracted",
        "reacted",
    )

    edited: Annotated[bool | None, "true: what is shown is the last correction"] = None
    history: Annotated[list[Version], "what it said before that, oldest first"] = field(
        default_factory=list
    )
    reacted: Annotated[list[Reacted], "reactions to it, the first to appear first"] = field(
        default_factory=list
    )


@dataclass(frozen=True)
class ArchiveCount:
    """How many messages of an archive match."""

    PLAIN: ClassVar[str] = "count"

    archive: Annotated[str, "JID of the archive"]
    count: Annotated[int, "number of messages"]
    complete: Annotated[bool, "all of them were counted"]
    first: Annotated[str | None, "archive id of the first, null where there is none"] = None
    last: Annotated[str | None, "archive id of the last, null where there is none"] = None


@dataclass(frozen=True)
class ArchiveEnd:
    """The message at one end of an archive."""

    id: Annotated[str, "archive id"]
    timestamp: Annotated[datetime | None, "when it was sent or received"] = None

    def __str__(self) -> str:
        """For a table."""
        if self.timestamp is None:
            return self.id
        moment = self.timestamp.astimezone(UTC).isoformat().removesuffix("+00:00")
        return f"{self.id} ({moment}Z)"


@dataclass(frozen=True)
class ArchiveMetadata:
    """Where an archive begins and ends; both null where it is empty (XEP-0313 §5)."""

    PLAIN: ClassVar[str] = "archive"

    archive: Annotated[str, "JID of the archive"]
    start: Annotated[ArchiveEnd | None, "the first message"] = None
    end: Annotated[ArchiveEnd | None, "the last message"] = None


@dataclass(frozen=True)
class ArchivePrefs:
    """What the own account's archive keeps (XEP-0441)."""

    PLAIN: ClassVar[str] = "default"

    default: Annotated[Default, "always, never, or roster: only from and to contacts"]
    always: Annotated[list[str], "JIDs whose messages are always kept"] = field(
        default_factory=list
    )
    never: Annotated[list[str], "JIDs whose messages are never kept"] = field(default_factory=list)
