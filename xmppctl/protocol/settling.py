"""Bounces that come a moment behind the barrier.

A server may hand a message to the process of the recipient's client, which bounces it (it blocks
the sender), and answer the ping for the account itself: the answer comes first. A pause and one
more round trip to the own server let such a bounce arrive. It costs nothing where the server is
known to do one after the other.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from xml.etree.ElementTree import Element

from xmppctl.errors import XmppctlError
from xmppctl.model.jid import Jid
from xmppctl.session.responder import PING
from xmppctl.session.stream import Session

PAUSE = 0.05
"""Seconds. Seen on loopback: 13 ms, where the client's process had to be woken up."""

_IN_ORDER = frozenset({"http://prosody.im"})
"""Servers that handle all of a message before the next stanza, by what their stream features name
them (XEP-0115 §6.3): one process has all sessions, and bounces before it goes on."""

_CAPS = "{http://jabber.org/protocol/caps}c"

_LIMIT = 1.0
"""Seconds for the round trip, whose answer itself says nothing."""


class Settling:
    """The wait for late bounces; the round trips of many messages are shared."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._next: asyncio.Task[None] | None = None
        self._busy = asyncio.Lock()

    def begin(self, to: Jid) -> asyncio.Task[None] | None:
        """A message to ``to`` went out: what ``wait`` is to be given for it.

        Where its fate is decided by the own server the pause runs from now on, and the round trip
        waits for no other answer: the server sees the two as far apart.
        """
        if to.domain != self._session.domain or self._is_in_order():
            return None
        return asyncio.ensure_future(self._settle())

    async def wait(self, to: Jid | None = None, begun: asyncio.Task[None] | None = None) -> None:
        """Return when what the servers have to say about messages sent before is here.

        ``to``: the recipient, where it is one. ``begun``: what ``begin`` gave.
        """
        if to is not None and to.domain == self._session.domain and self._is_in_order():
            return
        await (begun or self._settle())

    async def _settle(self) -> None:
        await asyncio.sleep(PAUSE)
        if self._next is None:  # the one under way began too early
            self._next = asyncio.ensure_future(self._round_trip())
        await asyncio.shield(self._next)

    def _is_in_order(self) -> bool:
        caps = self._session.features.find(_CAPS)
        return caps is not None and caps.get("node") in _IN_ORDER

    async def _round_trip(self) -> None:
        async with self._busy:
            self._next = None
            ping, domain = Element(PING), self._session.domain
            with suppress(XmppctlError):
                await self._session.request(ping, to=domain, step="send", timeout=_LIMIT)
