"""Pings and their answers (XEP-0199)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass


@dataclass(frozen=True)
class Pong:
    """One ping and what came of it."""

    PLAIN: ClassVar[str] = "to"
    TABLE: ClassVar[tuple[str, ...]] = ("to", "seq", "ok", "rtt_ms", "answered_by", "error")

    to: Annotated[str, "JID that was pinged"]
    seq: Annotated[int, "number of the ping, from 1"]
    ok: Annotated[bool, "the entity is alive"]
    rtt_ms: Annotated[float | None, "round-trip time in milliseconds, null without an answer"]
    answered_by: Annotated[
        Literal["server", "client", "occupant"] | None,
        "who answered: a server (for its domain or for an account), the client behind a full JID, "
        "or the client of a room occupant through the room (XEP-0410)",
    ] = None
    error: Annotated[ErrorInfo | None, "why there is no answer that shows life"] = None
