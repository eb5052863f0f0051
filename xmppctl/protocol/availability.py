"""RFC 6121 §4.3: which contacts are online, asked without being seen.

A client leaves probes to its server as a rule, which sends them when the client becomes available
(§4.2.2). That would show the account to all contacts, for the time of one question; the probes of a
client that is not available are answered all the same, and only where there is a subscription.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from xml.etree.ElementTree import Element

from xmppctl.protocol import flights, presence, roster
from xmppctl.protocol.roster import key
from xmppctl.session.inbox import Inbox
from xmppctl.session.stream import PRESENCE, Pending, Session

_STEP = "probe"


async def online(session: Session, jids: Collection[str]) -> tuple[set[str], list[str]]:
    """Those of ``jids`` (bare) that have an available client; those whose server was silent.

    A contact that is offline answers through its server, or not at all: what counts is what came
    before that server's answer to a ping, and a moment of quiet behind it. Raises what ended the
    stream.
    """
    wanted = {key(jid): jid for jid in jids}
    found: dict[str, bool] = {}
    with session.inbox(lambda stanza: stanza.tag == PRESENCE) as box:
        barriers = await _probe(session, list(wanted.values()))
        enough = asyncio.ensure_future(_collect(box, set(wanted), found))
        try:
            answers = await flights.answers(session, barriers, step=_STEP, enough=enough)
            if not enough.done():
                await _quiet(found, enough)
        finally:
            enough.cancel()
            with suppress(asyncio.CancelledError):
                await enough
    silent = [jid for name, jid in wanted.items() if name not in found and jid not in answers]
    return {wanted[name] for name, available in found.items() if available}, sorted(silent)


async def _probe(session: Session, jids: Sequence[str]) -> dict[str, Pending]:
    barriers: dict[str, Pending] = {}
    for begin in range(0, len(jids), roster.FLIGHT):
        flight: list[Element] = []
        for jid in jids[begin : begin + roster.FLIGHT]:
            barriers[jid] = flights.barrier(session, jid)
            probe = Element(PRESENCE, {"to": jid, "type": "probe", "id": Session.new_id()})
            flight += [probe, barriers[jid].element]
        pace = flights.barrier(session)
        session.send(*flight, pace.element)
        await session.answer(pace, step=_STEP)
    return barriers


async def _collect(box: Inbox, wanted: set[str], found: dict[str, bool]) -> None:
    """Take answers until all of ``wanted`` have given one."""
    while wanted - found.keys():
        stanza = await box.get()
        bare = key(stanza.get("from", "").partition("/")[0])
        if bare in wanted:
            # one available client is enough; another one may go just now
            found[bare] = found.get(bare, False) or stanza.get("type") is None


async def _quiet(found: dict[str, bool], enough: asyncio.Future[None]) -> None:
    """Wait until no further contact answers for a moment; who answers twice prolongs nothing."""
    seen = -1
    while seen != len(found) and not enough.done():
        seen = len(found)
        await asyncio.wait({enough}, timeout=presence.QUIET)
