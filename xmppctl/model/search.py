"""What a search finds: people (XEP-0055) and rooms (XEP-0433)."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar

from xmppctl.records import dataclass


@dataclass(frozen=True)
class Found:
    """An entry of a directory (XEP-0055)."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "first", "last", "nick", "email", "fields")

    jid: Annotated[str | None, "JID of the entry"]
    first: Annotated[str | None, "given name"] = None
    last: Annotated[str | None, "family name"] = None
    nick: Annotated[str | None, "nickname"] = None
    email: Annotated[str | None, "e-mail address"] = None
    fields: Annotated[dict[str, str], "further fields that have a value, by name"] = field(
        default_factory=dict
    )


@dataclass(frozen=True)
class FoundRoom:
    """A room or channel that a search service knows (XEP-0433)."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "name", "users", "language", "open", "description")

    jid: Annotated[str, "JID of the room or channel"]
    name: Annotated[str | None, "name for people"] = None
    description: Annotated[str | None, "what it is about"] = None
    language: Annotated[str | None, "language that is spoken"] = None
    users: Annotated[int | None, "how many are in it, perhaps some time ago"] = None
    service_type: Annotated[str | None, "kind of its service, such as xep-0045"] = None
    open: Annotated[bool | None, "anybody can enter"] = None
    anonymity: Annotated[str | None, "whether others see JIDs, as the service says it"] = None


@dataclass(frozen=True)
class FoundCount:
    """How many a search finds."""

    PLAIN: ClassVar[str] = "count"

    service: Annotated[str, "JID of the service"]
    count: Annotated[int, "number of results; some services tell an estimate"]
