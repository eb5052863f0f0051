"""Rooms as who is in them sees them (XEP-0045): occupants, the subject, what became of a verb."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass


@dataclass(frozen=True)
class Hat:
    """A role that a room made up for itself (XEP-0317)."""

    uri: Annotated[str, "what identifies it"]
    title: Annotated[str | None, "its name for people"] = None
    hue: Annotated[float | None, "hue of its colour, in degrees"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.title or self.uri


@dataclass(frozen=True)
class RoomOccupant:
    """Somebody who is in a room."""

    PLAIN: ClassVar[str] = "nick"
    TABLE: ClassVar[tuple[str, ...]] = ("nick", "role", "affiliation", "real_jid", "show", "status")

    nick: Annotated[str, "nickname in the room"]
    role: Annotated[str | None, "moderator, participant or visitor"] = None
    affiliation: Annotated[str | None, "owner, admin, member or none"] = None
    real_jid: Annotated[str | None, "JID behind the nickname, where the room shows it"] = None
    occupant_id: Annotated[str | None, "id that stays when the nickname changes (XEP-0421)"] = None
    hats: Annotated[list[Hat], "hats, where the room vouches for them"] = field(
        default_factory=list
    )
    show: Annotated[str | None, "away, chat, dnd or xa; null for plainly available"] = None
    status: Annotated[str | None, "status text"] = None


@dataclass(frozen=True)
class RoomSubject:
    """The subject of a room."""

    PLAIN: ClassVar[str] = "subject"

    room: Annotated[str, "JID of the room"]
    subject: Annotated[str | None, "the subject, null where there is none"]
    nick: Annotated[str | None, "who set it, where the room tells"] = None
    timestamp: Annotated[datetime | None, "when it was set, where the room tells"] = None


InvitationKind = Literal["mediated", "direct", "decline"]


@dataclass(frozen=True)
class Invitation:
    """What became of an invitation, or of declining one."""

    PLAIN: ClassVar[str] = "jid"

    room: Annotated[str, "JID of the room"]
    jid: Annotated[str, "JID of who is invited, or is told that the invitation is declined"]
    kind: Annotated[InvitationKind, "through the room, past it, or the answer to one"]
    ok: Annotated[bool, "it was taken without a bounce"] = False
    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None


@dataclass(frozen=True)
class Invited:
    """An invitation that came in, or somebody's refusal of one."""

    SPARSE: ClassVar[bool] = True

    room: Annotated[str, "JID of the room"]
    kind: Annotated[
        Literal["mediated", "direct", "declined"],
        "through the room, past it, or somebody declined an own invitation",
    ]
    inviter: Annotated[str | None, "who invites, or declines, as the room tells"] = None
    reason: Annotated[str | None, "why"] = None
    password: Annotated[str | None, "password of the room"] = None
    thread: Annotated[str | None, "thread of the chat that it continues"] = None

    def __str__(self) -> str:
        """For a table."""
        return f"{self.kind} {self.room}"


@dataclass(frozen=True)
class Moderated:
    """Word of a room that a message was taken back by a moderator (XEP-0425)."""

    SPARSE: ClassVar[bool] = True

    id: Annotated[str, "id that the room had given the message"]
    by: Annotated[str | None, "occupant JID of the moderator, where the room tells"] = None
    reason: Annotated[str | None, "why"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.id


@dataclass(frozen=True)
class Moderation:
    """A message that a moderator took back (XEP-0425)."""

    PLAIN: ClassVar[str] = "id"

    room: Annotated[str, "JID of the room"]
    id: Annotated[str, "id that the room gave the message"]
    moderated: Annotated[bool, "the room says that it is done"]


@dataclass(frozen=True)
class SelfPing:
    """Whether an occupant is in a room (XEP-0410)."""

    PLAIN: ClassVar[str] = "room"

    room: Annotated[str, "JID of the room"]
    nick: Annotated[str, "nickname of the occupant"]
    joined: Annotated[bool | None, "it is in the room; null where that is unknown"]
    rtt_ms: Annotated[
        float | None, "milliseconds until its client answered through the room, else null"
    ]
    error: Annotated[ErrorInfo | None, "why it is not in the room, or why that is unknown"] = None


@dataclass(frozen=True)
class RoomActivity:
    """A room in which something was said (XEP-0437); how much cannot be told."""

    PLAIN: ClassVar[str] = "room"

    room: Annotated[str, "JID of the room"]
    active: Annotated[bool, "always true"] = True


@dataclass(frozen=True)
class Wearer:
    """An occupant with its hats (XEP-0317)."""

    PLAIN: ClassVar[str] = "nick"
    TABLE: ClassVar[tuple[str, ...]] = ("nick", "real_jid", "hats")

    nick: Annotated[str, "nickname in the room"]
    real_jid: Annotated[str | None, "JID behind the nickname, where the room shows it"] = None
    occupant_id: Annotated[str | None, "id that stays when the nickname changes (XEP-0421)"] = None
    hats: Annotated[list[Hat], "its hats"] = field(default_factory=list)


@dataclass(frozen=True)
class RoomHat:
    """A hat that a room has."""

    PLAIN: ClassVar[str] = "uri"

    uri: Annotated[str, "what identifies it"]
    title: Annotated[str | None, "its name for people"] = None
    hue: Annotated[float | None, "hue of its colour, in degrees"] = None
    jids: Annotated[list[str], "bare JIDs of those who were given it"] = field(default_factory=list)


@dataclass(frozen=True)
class HatChange:
    """What was done to a hat."""

    PLAIN: ClassVar[str] = "uri"

    room: Annotated[str, "JID of the room"]
    uri: Annotated[str, "what identifies the hat"]
    title: Annotated[str | None, "its name for people, where one was given"] = None
    hue: Annotated[float | None, "hue of its colour, in degrees"] = None
    jid: Annotated[str | None, "bare JID of who got it, or gave it back"] = None
    ok: Annotated[bool, "the room said that it is done"] = True
