"""What the administration of a service tells and does (XEP-0133)."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass

UserState = Literal["registered", "online", "active", "idle", "disabled"]
UserAction = Literal["add", "delete", "disable", "enable", "password"]
Audience = Literal["online", "all"]
MotdAction = Literal["show", "set", "edit", "delete"]


@dataclass(frozen=True)
class AdminUser:
    """A user of a service."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "bare JID of the user"]
    state: Annotated[UserState, "which list it stands in"]


@dataclass(frozen=True)
class AdminSession:
    """A session of a user with a service."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "full JID of the session"]
    show: Annotated[str | None, "how available; unavailable: no presence; null: not told"] = None
    priority: Annotated[int | None, "priority, where it is told"] = None
    ip: Annotated[str | None, "address of the client as the service tells it, or null"] = None


@dataclass(frozen=True)
class UserChange:
    """What was done to an account."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "bare JID of the account"]
    action: Annotated[UserAction, "what was done"]
    ok: Annotated[bool, "the service said that it is done"] = True
    notes: Annotated[list[str], "what else it said"] = field(default_factory=list)
    error: Annotated[ErrorInfo | None, "why it was not done"] = None


@dataclass(frozen=True)
class Kick:
    """Sessions of a user that were ended."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "JID whose sessions were to be ended"]
    sessions: Annotated[list[str], "full JIDs of those that there were, where that is told"] = (
        field(default_factory=list)
    )
    ok: Annotated[bool, "the service said that it is done"] = True
    notes: Annotated[list[str], "what else it said"] = field(default_factory=list)
    error: Annotated[ErrorInfo | None, "why it was not done"] = None


@dataclass(frozen=True)
class UserStats:
    """What a service knows about a user's use of it."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "bare JID of the user"]
    roster_size: Annotated[int | None, "contacts"] = None
    online_resources: Annotated[list[str], "resources of the sessions"] = field(
        default_factory=list
    )
    ip_addresses: Annotated[list[str], "addresses of the clients, as the service tells them"] = (
        field(default_factory=list)
    )
    stanzas_per_second: Annotated[float | None, "stanzas a second"] = None
    logins_per_minute: Annotated[float | None, "logins a minute"] = None
    last_login: Annotated[str | None, "last login as the service tells it"] = None


@dataclass(frozen=True)
class ServiceStats:
    """How many users a service has; null where it does not tell."""

    PLAIN: ClassVar[str] = "service"

    service: Annotated[str, "JID of the service"]
    registered: Annotated[int | None, "registered users"] = None
    disabled: Annotated[int | None, "disabled users"] = None
    online: Annotated[int | None, "users online"] = None
    active: Annotated[int | None, "users online that do something"] = None
    idle: Annotated[int | None, "users online that do nothing"] = None


@dataclass(frozen=True)
class Announcement:
    """A message to the users of a service."""

    PLAIN: ClassVar[str] = "service"

    service: Annotated[str, "JID of the service"]
    audience: Annotated[Audience, "who gets it: the users online, or all"]
    subject: Annotated[str | None, "subject"]
    text: Annotated[str, "the message"]
    ok: Annotated[bool, "the service said that it is done"] = True
    notes: Annotated[list[str], "what else it said"] = field(default_factory=list)


@dataclass(frozen=True)
class Motd:
    """The message of the day of a service."""

    PLAIN: ClassVar[str] = "service"

    service: Annotated[str, "JID of the service"]
    action: Annotated[MotdAction, "what was done"]
    subject: Annotated[str | None, "subject"] = None
    text: Annotated[str | None, "the message; null where there is none or it is not told"] = None
    ok: Annotated[bool, "the service said that it is done"] = True
    notes: Annotated[list[str], "what else it said"] = field(default_factory=list)


@dataclass(frozen=True)
class Shutdown:
    """The end of a service."""

    PLAIN: ClassVar[str] = "service"

    service: Annotated[str, "JID of the service"]
    node: Annotated[str, "the command that was run"]
    delay_seconds: Annotated[int | None, "seconds until it ends; null: not told"]
    announcement: Annotated[str | None, "what its users are told"]
    ok: Annotated[bool, "the service said that it will be done"] = True
    notes: Annotated[list[str], "what else it said"] = field(default_factory=list)
