"""The message archive: what it holds, how much, and what it is to keep."""

from __future__ import annotations

from dataclasses import field
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

from xmppctl.model.message import Message
from xmppctl.model.occupant import Invited, Moderated
from xmppctl.model.stanza import Address, Marker, Receipt
from xmppctl.records import dataclass

Default = Literal["always", "never", "roster"]


@dataclass(frozen=True)
class PubsubItem:
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
    item: Annotated[PubsubItem | None, "the item, in the archive of a pubsub node"] = None
    receipt: Annotated[Receipt | None, "delivery receipt"] = None
    marker: Annotated[Marker | None, "displayed marker"] = None
    chat_state: Annotated[str | None, "active, composing, paused, inactive or gone"] = None
    attention: Annotated[bool | None, "true: the sender asks for attention (XEP-0224)"] = None
    addresses: Annotated[list[Address], "addresses of a message to many"] = field(
        default_factory=list
    )
    invite: Annotated[Invited | None, "invitation to a room, or the answer to one"] = None
    moderated: Annotated[Moderated | None, "a moderator took a message back (XEP-0425)"] = None


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
