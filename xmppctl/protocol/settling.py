"""Bounces that come a moment behind the barrier.

A server may hand a message to the process of the recipient's client, which bounces it (it blocks
the sender), and answer the ping for the account itself: the answer comes first. A pause and one
more round trip to the own server let such a bounce arrive.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import aioxmpp.ping.xso as ping_xso

from xmppctl.errors import XmppctlError
from xmppctl.session.stream import Session

PAUSE = 0.05
"""Seconds. Seen on loopback: 13 ms, where the client's process had to be woken up."""

_LIMIT = 1.0
"""Seconds for the round trip, whose answer itself says nothing."""


class Settling:
    """The wait for late bounces; the round trips of many messages are shared."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._next: asyncio.Task[None] | None = None
        self._busy = asyncio.Lock()

    async def wait(self) -> None:
        """Return when what the servers have to say about messages sent before is here."""
        await asyncio.sleep(PAUSE)
        if self._next is None:  # the one under way began too early
            self._next = asyncio.ensure_future(self._round_trip())
        await asyncio.shield(self._next)

    async def _round_trip(self) -> None:
        async with self._busy:
            self._next = None
            ping, domain = ping_xso.Ping(), self._session.domain
            with suppress(XmppctlError):
                await self._session.request(ping, to=domain, step="send", timeout=_LIMIT)
