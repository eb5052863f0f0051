"""The contact list (RFC 6121 §2) and what became of changes to it."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass

Subscription = Literal["none", "to", "from", "both"]


@dataclass(frozen=True)
class Contact:
    """One entry of the roster."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "name", "subscription", "ask", "groups")

    jid: Annotated[str, "bare JID of the contact"]
    name: Annotated[str | None, "name that the user gave the contact"] = None
    subscription: Annotated[
        Subscription,
        "to: the user sees the contact's presence; from: the contact sees the user's",
    ] = "none"
    ask: Annotated[Literal["subscribe"] | None, "a subscription request is on its way"] = None
    approved: Annotated[bool, "a request by the contact is approved in advance"] = False
    groups: Annotated[list[str], "groups of the contact, sorted"] = field(default_factory=list)
    ver: Annotated[str | None, "version of the whole roster, where the server keeps one"] = None


@dataclass(frozen=True)
class SubscriptionRequest:
    """A request by somebody to see the user's presence, as the server delivered it."""

    nick: Annotated[str | None, "nickname that the sender claims (XEP-0172)"] = None
    message: Annotated[str | None, "text that goes with it"] = None
    token: Annotated[str | None, "token of an invitation (XEP-0379)"] = None

    def __str__(self) -> str:
        """For a table."""
        nick = f" as {self.nick}" if self.nick else ""
        message = f": {self.message}" if self.message else ""
        return f"asks{nick}{message}"


@dataclass(frozen=True)
class Listed(Contact):
    """One entry of the roster, or one in each of its groups with ``--tree``."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = (*Contact.TABLE, "meta", "request")
    OPTIONAL: ClassVar[tuple[str, ...]] = ("meta", "request")
    TREE: ClassVar[str] = "path"

    request: Annotated[
        SubscriptionRequest | None, "request of the contact that waits for an answer; --pending"
    ] = None
    path: Annotated[
        list[str] | None, "the group, from the outermost to the innermost (XEP-0083); --tree"
    ] = None
    meta: Annotated[str | None, "tag of the metacontact that it belongs to (XEP-0209); --meta"] = (
        None
    )


@dataclass(frozen=True)
class ContactChange(Contact):
    """The entry of one contact behind a change of it; as if it were empty where there is none."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = (
        "jid",
        "name",
        "subscription",
        "ask",
        "approved",
        "groups",
        "error",
    )

    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None


@dataclass(frozen=True)
class Removal:
    """What became of a contact that was to be removed."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "JID that was given"]
    removed: Annotated[
        bool | None, "it was in the roster, which, read again, has it no more; null: not asked"
    ]
    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None


@dataclass(frozen=True)
class Roster:
    """A whole roster with its version (RFC 6121 §2.6), such as a cache keeps it."""

    ver: Annotated[str | None, "version, null where the server keeps none"]
    contacts: Annotated[list[Contact], "its entries, sorted by JID"]
