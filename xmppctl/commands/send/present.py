"""Who is in a room, for messages that name them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xmppctl.commands.send.parts import Values
    from xmppctl.protocol.room import Joined
    from xmppctl.session import Session


async def ids(session: Session, values: Values, rooms: Iterable[Joined]) -> dict[str, str]:
    """The ids of occupants (XEP-0421) by their JIDs, where somebody is mentioned.

    Of rooms that announce them. Raises DeadlineError.
    """
    if not values["mentions"]:
        return {}
    from xmppctl.protocol import occupants

    found: dict[str, str] = {}
    for here in rooms:
        announced = await occupants.features(session, here.room)
        for presence in here.others:
            identifier = occupants.occupant_id(presence, announced)
            if identifier is not None:
                found[presence.get("from", "")] = identifier
    return found
