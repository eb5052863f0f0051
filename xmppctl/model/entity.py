"""Facts about an entity: its clock, its software, its last activity."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.model.disco import Identity, InfoForm
from xmppctl.records import dataclass


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
class AnnouncedHash:
    """A hash over everything that an entity says about itself (XEP-0390)."""

    algo: Annotated[str, "hash function, such as sha-256"]
    value: Annotated[str, "the hash that is announced, base64"]
    computed: Annotated[str | None, "the hash of what the entity says, base64"] = None
    match: Annotated[bool | None, "they are the same; null where that is not known"] = None
    problem: Annotated[str | None, "why there is nothing to compare"] = None

    def __str__(self) -> str:
        """For a table."""
        verdict = {True: "matches", False: "does not match", None: "not checked"}[self.match]
        return f"{self.algo} {self.value} ({verdict})"


@dataclass(frozen=True)
class Capabilities:
    """What an entity announces about its features, and whether it is true (XEP-0115)."""

    PLAIN: ClassVar[str] = "ver"
    TABLE: ClassVar[tuple[str, ...]] = (
        "jid", "hash", "node", "ver", "match", "hashes", "identities", "features", "forms",
    )  # fmt: skip

    jid: Annotated[str, "JID of the entity"]
    hash: Annotated[str | None, "hash function of ver; null in the form before 2007, or without"]
    node: Annotated[str | None, "URI of its software; null where only hashes are announced"]
    ver: Annotated[str | None, "hash that is announced; a version in the form before 2007"]
    computed: Annotated[str | None, "hash of what the entity says; null where it has none"]
    match: Annotated[
        bool | None,
        "all hashes that could be checked are right; false also where the answer says a thing "
        "twice; null where none could be checked, so that nothing is to be believed",
    ]
    problem: Annotated[str | None, "why a hash could not be computed"] = None
    hashes: Annotated[list[AnnouncedHash], "hashes of the newer kind (XEP-0390)"] = field(
        default_factory=list
    )
    identities: Annotated[list[Identity], "identities"] = field(default_factory=list)
    features: Annotated[list[str], "features, sorted"] = field(default_factory=list)
    forms: Annotated[list[InfoForm], "extended information"] = field(default_factory=list)
    error: Annotated[ErrorInfo | None, "with --verify: why they are not to be trusted"] = None


@dataclass(frozen=True)
class Color:
    """The colour of a text (XEP-0392)."""

    PLAIN: ClassVar[str] = "rgb"

    text: Annotated[str, "the text, as it was hashed"]
    hue: Annotated[float, "hue in degrees, from 0 to below 360"]
    rgb: Annotated[str, "colour as #rrggbb"]
