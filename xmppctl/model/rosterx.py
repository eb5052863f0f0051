"""Suggestions to change a contact list (XEP-0144)."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass

Action = Literal["add", "delete", "modify"]
Outcome = Literal["added", "changed", "removed", "unchanged", "ignored", "declined"]


@dataclass(frozen=True)
class Suggested:
    """A contact that is suggested."""

    PLAIN: ClassVar[str] = "jid"

    action: Annotated[Action, "what to do with it"]
    jid: Annotated[str, "JID of the contact"]
    name: Annotated[str | None, "name that it may have"] = None
    groups: Annotated[list[str], "groups that it may be in, sorted"] = field(default_factory=list)

    def __str__(self) -> str:
        """For a table."""
        more = [*([self.name] if self.name else []), *self.groups]
        return f"{self.action} {self.jid}" + (f" ({', '.join(more)})" if more else "")


@dataclass(frozen=True)
class Suggestion:
    """Suggestions that were sent in one stanza, and what became of it."""

    PLAIN: ClassVar[str] = "id"
    TABLE: ClassVar[tuple[str, ...]] = ("to", "kind", "items", "acked", "confirmed", "error")

    to: Annotated[str, "JID that it was sent to"]
    kind: Annotated[
        Literal["iq", "message"], "iq: the client announces that it knows them, and took them"
    ]
    id: Annotated[str, "id of the stanza"]
    items: Annotated[list[Suggested], "the contacts; all with the same action"]
    acked: Annotated[bool, "the own server has taken it over"] = False
    confirmed: Annotated[bool, "iq: the client has it; message: it has arrived there"] = False
    error: Annotated[ErrorInfo | None, "why it failed"] = None


@dataclass(frozen=True)
class Applied:
    """One suggested contact, and what was done about it."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = (
        "from_",
        "action",
        "jid",
        "name",
        "groups",
        "outcome",
        "reason",
        "error",
    )

    from_: Annotated[str, "who suggests it"]
    action: Annotated[Action | None, "what was suggested; null: it cannot be understood"]
    jid: Annotated[str, "JID of the contact"]
    name: Annotated[str | None, "name that was suggested"] = None
    groups: Annotated[list[str], "groups that were suggested"] = field(default_factory=list)
    outcome: Annotated[
        Outcome | None,
        "what was done; unchanged: it was so already; ignored: see reason; declined: by the user",
    ] = None
    reason: Annotated[str | None, "why it was ignored"] = None
    asked: Annotated[bool | None, "whether the presence of an added contact is asked for"] = None
    error: Annotated[ErrorInfo | None, "why it failed"] = None
