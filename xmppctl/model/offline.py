"""Messages that the server keeps until a client of the account comes online."""

from __future__ import annotations

from typing import Annotated, ClassVar

from xmppctl.errors import ErrorInfo
from xmppctl.model.message import Message
from xmppctl.records import dataclass


@dataclass(frozen=True)
class OfflineCount:
    """How many messages wait."""

    PLAIN: ClassVar[str] = "count"

    count: Annotated[int, "number of messages"]


@dataclass(frozen=True)
class OfflineHeader:
    """One message that waits."""

    PLAIN: ClassVar[str] = "node"

    node: Annotated[str, "what the server calls the message"]
    from_: Annotated[str | None, "JID of the sender"] = None
    jid: Annotated[str | None, "JID that keeps it: the own account"] = None


@dataclass(frozen=True)
class OfflineRemoval:
    """A message that was to be removed."""

    PLAIN: ClassVar[str] = "node"

    node: Annotated[str, "what the server called the message"]
    from_: Annotated[str | None, "JID of the sender"] = None
    removed: Annotated[bool, "true: it is gone"] = False
    error: Annotated[ErrorInfo | None, "why it is not, null where it is"] = None


@dataclass(frozen=True)
class OfflineMessage(Message):
    """One message that waits; payloads that it does not have are left out."""

    PLAIN: ClassVar[str] = "node"
    TABLE: ClassVar[tuple[str, ...]] = ("timestamp", "node", "from_", "body")

    node: Annotated[str | None, "what the server calls the message"] = None
