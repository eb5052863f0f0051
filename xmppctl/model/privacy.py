"""Privacy lists (XEP-0016), which block by rules."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar

from xmppctl.records import dataclass


@dataclass(frozen=True)
class PrivacyList:
    """The name of a list, and where it is used."""

    PLAIN: ClassVar[str] = "name"

    name: Annotated[str, "its name"]
    default: Annotated[bool, "whether it holds for all clients that use no other"] = False
    active: Annotated[bool, "whether it holds for this very session"] = False


@dataclass(frozen=True)
class PrivacyRule:
    """A rule of a list; the first one that fits decides."""

    PLAIN: ClassVar[str] = "value"

    order: Annotated[int, "its place: lower numbers come first"]
    action: Annotated[str, "allow or deny"]
    type: Annotated[str | None, "jid, group or subscription; null fits everybody"] = None
    value: Annotated[str | None, "JID, name of the group, or state of the subscription"] = None
    stanzas: Annotated[
        list[str], "message, iq, presence-in, presence-out; none of them: everything"
    ] = field(default_factory=list)


@dataclass(frozen=True)
class PrivacyDefault:
    """Which list holds for the account."""

    PLAIN: ClassVar[str] = "default"

    default: Annotated[str | None, "name of the default list; null: none"]
    changed: Annotated[bool, "false: it was so already"]
