"""Status codes of rooms (XEP-0045 §15.6) with their names (XEP-0306).

Apart from the other records of rooms: a message may carry them, and completion of commands about
messages must not pay for all of those.
"""

from __future__ import annotations

from typing import Annotated

from xmppctl.records import dataclass

# code: the element of XEP-0306 (its table), and what it means; 333 is younger than that table
STATUS: dict[int, tuple[str | None, str]] = {
    100: ("realjid-public", "every occupant sees the real JIDs"),
    101: ("affiliation-changed", "the affiliation changed while not in the room"),
    102: ("unavailable-shown", "the room shows unavailable members"),
    103: ("unavailable-not-shown", "the room does not show unavailable members"),
    104: ("configuration-changed", "the configuration of the room changed"),
    110: ("self-presence", "this is about the own occupant"),
    170: ("logging-enabled", "the room is logged"),
    171: ("logging-disabled", "the room is no longer logged"),
    172: ("non-anonymous", "the room is now non-anonymous"),
    173: ("semi-anonymous", "the room is now semi-anonymous"),
    174: ("fully-anonymous", "the room is now fully anonymous"),
    201: ("room-created", "the room was created"),
    210: ("nick-assigned", "the room chose the nickname"),
    301: ("banned", "banned from the room"),
    303: ("new-nick", "the nickname changed"),
    307: ("kicked", "kicked from the room"),
    321: ("removed-affiliation", "removed because of a change of affiliation"),
    322: ("removed-membership", "removed because the room is for members only now"),
    332: ("removed-shutdown", "removed because the service shuts down"),
    333: (None, "removed because of a technical problem"),
}


@dataclass(frozen=True)
class Status:
    """A status of a room, with its name (XEP-0306)."""

    code: Annotated[int | None, "number (XEP-0045 §15.6); null for a condition without one"]
    condition: Annotated[str | None, "name of the condition (XEP-0306)"] = None
    text: Annotated[str | None, "what it means"] = None

    def __str__(self) -> str:
        """For a table."""
        return " ".join(str(part) for part in (self.code, self.condition) if part is not None)


def status(code: int) -> Status:
    """The status with this number; one that is not known has no name."""
    condition, text = STATUS.get(code, (None, None))
    return Status(code, condition, text)
