"""The contact list (RFC 6121 §2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal


@dataclass(frozen=True)
class Contact:
    """One entry of the roster."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "name", "subscription", "ask", "groups")

    jid: Annotated[str, "bare JID of the contact"]
    name: Annotated[str | None, "name that the user gave the contact"] = None
    subscription: Annotated[
        Literal["none", "to", "from", "both"],
        "to: the user sees the contact's presence; from: the contact sees the user's",
    ] = "none"
    ask: Annotated[Literal["subscribe"] | None, "a subscription request is on its way"] = None
    approved: Annotated[bool, "a request by the contact is approved in advance"] = False
    groups: Annotated[list[str], "groups of the contact, sorted"] = field(default_factory=list)
    ver: Annotated[str | None, "version of the whole roster, where the server keeps one"] = None
