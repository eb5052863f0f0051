"""Rooms (XEP-0045): what they are, who may do what in them, and what was changed."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.model.form import Form
from xmppctl.model.mucstatus import Status
from xmppctl.records import dataclass

Affiliation = Literal["owner", "admin", "member", "outcast", "none"]
Listed = Literal["owner", "admin", "member", "outcast"]
Role = Literal["moderator", "participant", "visitor", "none"]
Event = Literal[
    "messages", "affiliations", "subscribers", "config", "subject", "presence", "system"
]


@dataclass(frozen=True)
class RoomItem:
    """A room in the list of a service."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "JID of the room"]
    name: Annotated[str | None, "name for people, as the service lists it"] = None


@dataclass(frozen=True)
class Room:
    """What a room tells about itself (XEP-0045 §6.4)."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "name", "description", "occupants", "features")

    jid: Annotated[str, "JID of the room"]
    name: Annotated[str | None, "name for people"] = None
    description: Annotated[str | None, "description for people"] = None
    occupants: Annotated[int | None, "number of occupants"] = None
    features: Annotated[list[str], "features, sorted"] = field(default_factory=list)
    roominfo: Annotated[
        dict[str, str],
        "fields of the muc#roominfo form without their prefix; several values in several lines",
    ] = field(default_factory=dict)
    message_activity: Annotated[float | None, "messages per hour, about (XEP-0502)"] = None
    avatar_hashes: Annotated[list[str], "SHA-1 of the avatar (XEP-0486), in hexadecimal"] = field(
        default_factory=list
    )


@dataclass(frozen=True)
class RoomCreation(Room):
    """A room that was created, or was there already as the own one."""

    TABLE: ClassVar[tuple[str, ...]] = ("jid", "created", "affiliation", "persistent")

    ok: Annotated[bool, "the room was made, or was there already as the own one"] = True
    created: Annotated[bool, "this run made it; false: it was there, and is unchanged"] = True
    affiliation: Annotated[Affiliation, "own affiliation"] = "owner"
    persistent: Annotated[bool, "it stays when nobody is in it"] = True
    config: Annotated[
        dict[str, list[str]], "the configuration as it was read back, without passwords"
    ] = field(default_factory=dict)
    differs: Annotated[list[str], "fields asked for whose value in the old room is another"] = (
        field(default_factory=list)
    )
    status_codes: Annotated[list[int], "status codes of the own presence, sorted"] = field(
        default_factory=list
    )


@dataclass(frozen=True)
class RoomAction:
    """What was done to a room, or to somebody in it."""

    PLAIN: ClassVar[str] = "room"

    room: Annotated[str, "JID of the room"]
    ok: Annotated[bool, "the room said that it is done, or there was nothing to do"] = True
    reason: Annotated[str | None, "the reason that was given"] = None
    status_codes: Annotated[list[int], "status codes that the room sent with it, sorted"] = field(
        default_factory=list
    )
    status: Annotated[list[Status], "the same with their names"] = field(default_factory=list)


@dataclass(frozen=True)
class Destruction(RoomAction):
    """A room that was destroyed."""

    alternate: Annotated[str | None, "room to go to instead"] = None


@dataclass(frozen=True)
class UserAction(RoomAction):
    """What was done to a user, whether in the room or not."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "bare JID of the user, or a domain"] = ""
    affiliation: Annotated[
        Affiliation | None, "affiliation afterwards; null where nothing was to be done"
    ] = None


@dataclass(frozen=True)
class OccupantAction(RoomAction):
    """What was done to an occupant."""

    PLAIN: ClassVar[str] = "nick"

    nick: Annotated[str, "nickname of the occupant"] = ""
    jid: Annotated[str | None, "bare JID of the user, where the room tells it"] = None
    role: Annotated[Role | None, "role afterwards; null where the room did not tell it"] = None


@dataclass(frozen=True)
class Affiliated:
    """Somebody with an affiliation in a room."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "bare JID, or a domain"]
    affiliation: Annotated[Affiliation, "owner, admin, member or outcast (banned)"]
    nick: Annotated[str | None, "nickname, where the room tells it"] = None
    role: Annotated[str | None, "role, where the room tells it"] = None
    reason: Annotated[str | None, "why, where the room keeps it"] = None


@dataclass(frozen=True)
class AffiliationResult:
    """What became of the change of one affiliation."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "affiliation", "ok", "error")

    room: Annotated[str, "JID of the room"]
    jid: Annotated[str, "bare JID or domain; the line of the input where that is none"]
    affiliation: Annotated[Affiliation | None, "affiliation that was asked for"] = None
    reason: Annotated[str | None, "the reason that was given"] = None
    ok: Annotated[bool, "the room said that it is done"] = False
    error: Annotated[ErrorInfo | None, "why it is not"] = None


@dataclass(frozen=True)
class NickRegistration:
    """The own nickname that a room, or its service, keeps for the account."""

    PLAIN: ClassVar[str] = "nick"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "registered", "nick", "form")

    jid: Annotated[str, "JID of the room, or of the service for all its rooms"]
    registered: Annotated[bool, "the nickname is reserved"]
    nick: Annotated[str | None, "the reserved nickname"] = None
    form: Annotated[Form | None, "the form to register with; only where it was asked for"] = None


@dataclass(frozen=True)
class Subscription:
    """A subscription to the events of a room, without being in it."""

    PLAIN: ClassVar[str] = "room"

    room: Annotated[str, "JID of the room"]
    jid: Annotated[str, "bare JID of the subscriber"]
    nick: Annotated[str | None, "nickname of the subscriber"] = None
    events: Annotated[list[str], "messages, subject, config, ..., sorted"] = field(
        default_factory=list
    )


@dataclass(frozen=True)
class Subscriber(Subscription):
    """A subscriber of a room."""

    PLAIN: ClassVar[str] = "jid"


@dataclass(frozen=True)
class RoomAvatar:
    """The picture of a room (XEP-0486)."""

    PLAIN: ClassVar[str] = "sha1"

    room: Annotated[str, "JID of the room"]
    present: Annotated[bool, "it has a picture"]
    type: Annotated[str | None, "media type, such as image/png"] = None
    size: Annotated[int | None, "bytes"] = None
    sha1: Annotated[str | None, "SHA-1 of the bytes, in hexadecimal"] = None
    advertised: Annotated[bool | None, "the room tells this hash; null where it tells none"] = None
    path: Annotated[str | None, "file that it was written to"] = None
