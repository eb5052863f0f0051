"""Contacts in files: what a file says, and what an import makes of the contact list."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass

RosterAction = Literal["added", "changed", "unchanged", "removed"]
DiffKind = Literal["add", "change", "remove"]


@dataclass(frozen=True)
class Entry:
    """A contact as a file has it; ``name`` and ``groups`` are None where it does not say.

    An empty name means that there is to be none. ``subscription``, ``ask``: what was so when the
    file was written. ``action``: what is suggested (XEP-0144), in files of suggestions.
    """

    jid: str
    name: str | None = None
    groups: tuple[str, ...] | None = None
    subscription: str | None = None
    ask: str | None = None
    action: str | None = None


@dataclass(frozen=True)
class BadEntry:
    """A line or record that is no contact; ``text`` shows it."""

    text: str
    error: ErrorInfo


@dataclass(frozen=True)
class RosterChange:
    """What an import did about one contact."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "bare JID of the contact; the text itself where it is none"]
    action: Annotated[RosterAction | None, "what was done; null: nothing, see error"] = None
    asked: Annotated[bool | None, "with --subscribe: whether its presence is asked for now"] = None
    error: Annotated[ErrorInfo | None, "why it failed"] = None


@dataclass(frozen=True)
class RosterDiff:
    """A difference between a file and the contact list."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("change", "jid", "name", "groups", "old_name", "old_groups")

    jid: Annotated[str, "bare JID of the contact; the text itself where it is none"]
    change: Annotated[
        DiffKind | None,
        "what import would do; remove: only with --prune; null: nothing, see error",
    ] = None
    name: Annotated[str | None, "name that it would have"] = None
    old_name: Annotated[str | None, "name that it has"] = None
    groups: Annotated[list[str], "groups that it would be in"] = field(default_factory=list)
    old_groups: Annotated[list[str], "groups that it is in"] = field(default_factory=list)
    error: Annotated[ErrorInfo | None, "why the line cannot be read"] = None
