"""Presence: who is there, in which mood, with which client (RFC 6121 §4)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass

Show = Literal["available", "chat", "away", "xa", "dnd"]
PresenceType = Literal[
    "available",
    "unavailable",
    "subscribe",
    "subscribed",
    "unsubscribe",
    "unsubscribed",
    "probe",
    "error",
]


@dataclass(frozen=True)
class Caps:
    """What a client says about its software and features (XEP-0115)."""

    node: Annotated[str, "URI of the software"]
    ver: Annotated[str, "hash over its features, or the version in the form before 2007"]
    hash: Annotated[str | None, "name of the hash function; null in the form before 2007"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.node


@dataclass(frozen=True)
class Presence:
    """The presence of one client, or of an account of which no client is online."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("timestamp", "jid", "type", "show", "status", "idle_since")

    jid: Annotated[str, "JID whose presence it is, with the resource where one is told"]
    type: Annotated[PresenceType, "kind of presence: available, unavailable, subscribe, ..."]
    show: Annotated[Show | None, "how available; null where it is not"] = None
    status: Annotated[str | None, "text that goes with it"] = None
    priority: Annotated[int | None, "priority of the client, -128 to 127"] = None
    idle_since: Annotated[datetime | None, "last use of the client (XEP-0319)"] = None
    caps: Annotated[Caps | None, "software of the client, as it says"] = None
    nick: Annotated[str | None, "nickname that the contact claims (XEP-0172)"] = None
    timestamp: Annotated[datetime | None, "when it was sent, or came"] = None
    # not named "error": that presence of a contact cannot be had does not fail the watch
    error_: Annotated[ErrorInfo | None, "why there is none, for the type error"] = None
    raw_xml: Annotated[str | None, "the stanza itself, with --raw-xml"] = None
