"""XEP-0437: Room Activity Indicators: in which rooms of a service something was said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.jid import Jid, lenient, parse
from xmppctl.model.occupant import RoomActivity
from xmppctl.protocol import Xep, disco, presence
from xmppctl.session.conditions import UNSUPPORTED, stanza_error
from xmppctl.session.stream import MESSAGE, PRESENCE, Session

XEPS = (Xep("0437", "0.2.0", "complete"),)

NS = "urn:xmpp:rai:0"
_RAI = f"{{{NS}}}rai"


async def watch(
    session: Session,
    service: Jid,
    *,
    count: int | None,
    seconds: float | None,
    ready: Callable[[], None],
) -> AsyncGenerator[RoomActivity, None]:
    """Rooms with news, each of them once: more of its word would say no more (§4).

    ``ready`` is called when the service has processed the wish; ``seconds`` are counted from there.
    Raises UnsupportedError, RefusedError; DeadlineError where ``count`` was not reached.
    """

    def from_service(stanza: Element) -> bool:
        return stanza.tag in (MESSAGE, PRESENCE) and lenient(stanza.get("from", "")) == service

    with session.inbox(from_service) as box:
        wish = Element(PRESENCE, {"to": str(service), "id": Session.new_id()})
        SubElement(wish, _RAI)
        session.send(wish)
        shown: set[str] = set()
        try:
            await _barrier(session, service)
            arrived = list(box.drain())
            for stanza in arrived:
                _check(stanza, service)
            ready()
            session.trace.enter("listen")
            for stanza in arrived:
                for room in _rooms(stanza, shown):
                    yield RoomActivity(room)
                    if len(shown) == count:
                        return
            deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
            async for stanza in presence.arriving(session, box, deadline):
                _check(stanza, service)
                for room in _rooms(stanza, shown):
                    yield RoomActivity(room)
                    if len(shown) == count:
                        return
        finally:
            with suppress(XmppctlError):
                session.send(Element(PRESENCE, {"to": str(service), "type": "unavailable"}))
        if count is not None and seconds is not None:
            raise presence.too_few(len(shown), count, seconds)


def read(stanza: Element) -> list[str]:
    """The rooms that a message of a service names; what is no room is left out."""
    found = []
    for element in stanza.findall(f"{_RAI}/{{{NS}}}activity"):
        with suppress(ValueError):
            jid = parse((element.text or "").strip())
            if jid.local is not None:
                found.append(str(jid.bare))
    return found


def _rooms(stanza: Element, shown: set[str]) -> Iterator[str]:
    if stanza.tag != MESSAGE or stanza.get("type") == "error":
        return
    for room in read(stanza):
        if room not in shown:
            shown.add(room)
            yield room


def _check(stanza: Element, service: Jid) -> None:
    if stanza.tag != PRESENCE or stanza.get("type") != "error":
        return
    error = stanza_error(stanza, f"the activity of the rooms of {service}")
    error.step, error.by = "activity", error.by or str(service)
    # a service without this takes the presence for one to a room that is not there
    if error.condition in UNSUPPORTED | {"item-not-found", "jid-malformed"}:
        raise UnsupportedError(
            f"{service} does not tell in which rooms something is said (XEP-0437)",
            step="activity",
            condition=error.condition,
            type=error.type,
            by=error.by,
        )
    raise error


async def _barrier(session: Session, service: Jid) -> None:
    """Ask what the service is: a refusal of what was sent before comes before the answer."""
    try:
        found = await disco.info(session, service)
    except RefusedError as error:
        if error.condition in UNSUPPORTED:
            return
        raise
    if NS in found.features or any(each.category == "conference" for each in found.identities):
        return
    raise UnsupportedError(
        f"{service} is no room service",
        step="activity",
        condition="feature-not-implemented",
        by=str(service),
    )
