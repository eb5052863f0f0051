"""Facts about an entity: its clock, its software, its last activity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal


@dataclass(frozen=True)
class EntityTime:
    """The clock of an entity (XEP-0202)."""

    PLAIN: ClassVar[str] = "utc"

    jid: Annotated[str, "JID of the entity"]
    utc: Annotated[datetime, "its time"]
    tzo: Annotated[str, "its offset from UTC as +hh:mm"]
    local: Annotated[str, "its local time, RFC 3339 with that offset"]
    offset_ms: Annotated[
        float,
        "its clock minus the own in milliseconds, half the round trip allowed for; as exact as "
        "the time that it told, which often has whole seconds",
    ]
    rtt_ms: Annotated[float, "round-trip time of the question in milliseconds"]


@dataclass(frozen=True)
class SoftwareVersion:
    """The software of an entity (XEP-0092)."""

    PLAIN: ClassVar[str] = "version"

    jid: Annotated[str, "JID of the entity"]
    name: Annotated[str, "name of the software"]
    version: Annotated[str, "its version"]
    os: Annotated[str | None, "operating system, where it is told"] = None


@dataclass(frozen=True)
class LastActivity:
    """How long ago an entity was active (XEP-0012)."""

    PLAIN: ClassVar[str] = "seconds"

    jid: Annotated[str, "JID of the entity"]
    kind: Annotated[
        Literal["uptime", "last_seen", "idle"],
        "uptime: a server has run so long; last_seen: an account was online so long ago; "
        "idle: a client has been without its user so long",
    ]
    seconds: Annotated[int, "the duration in seconds"]
    since: Annotated[datetime, "the time that many seconds ago"]
    status: Annotated[str | None, "the status text of the account when it went offline"] = None


@dataclass(frozen=True)
class Color:
    """The colour of a text (XEP-0392)."""

    PLAIN: ClassVar[str] = "rgb"

    text: Annotated[str, "the text, as it was hashed"]
    hue: Annotated[float, "hue in degrees, from 0 to below 360"]
    rgb: Annotated[str, "colour as #rrggbb"]
