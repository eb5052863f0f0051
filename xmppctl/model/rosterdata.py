"""What is kept beside the contact list, in the account's private storage."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Annotated, ClassVar

from xmppctl.records import dataclass


@dataclass(frozen=True)
class Note:
    """A note about a contact (XEP-0145)."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "JID that the note is about"]
    note: Annotated[str | None, "its text; null: there is no note any more"] = None
    created: Annotated[datetime | None, "when it was made, where the client has told"] = None
    modified: Annotated[datetime | None, "when it was last changed, where the client has told"] = (
        None
    )


@dataclass(frozen=True)
class Member:
    """One contact of a metacontact (XEP-0209)."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "bare JID of the contact"]
    order: Annotated[int | None, "the higher, the more it is preferred; null: the least"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.jid if self.order is None else f"{self.jid} ({self.order})"


@dataclass(frozen=True)
class Metacontact:
    """Several contacts that are one person (XEP-0209)."""

    PLAIN: ClassVar[str] = "tag"

    tag: Annotated[str, "identifies the metacontact, in all accounts of the user"]
    members: Annotated[list[Member], "its contacts in this account, the preferred one first"] = (
        field(default_factory=list)
    )


@dataclass(frozen=True)
class MetaRemoved:
    """A contact that belongs to no metacontact any more."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "bare JID of the contact"]
    tag: Annotated[str | None, "metacontact that it was in; null: it was in none"] = None


@dataclass(frozen=True)
class Delimiter:
    """What separates the levels in the names of roster groups (XEP-0083)."""

    PLAIN: ClassVar[str] = "delimiter"

    delimiter: Annotated[str | None, "text between the levels; null: groups are not nested"] = None
