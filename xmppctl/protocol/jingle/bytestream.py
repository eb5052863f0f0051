"""From what two clients have agreed upon to a way for the bytes."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from xml.etree.ElementTree import Element

from xmppctl.errors import DeadlineError, RefusedError, XmppctlError
from xmppctl.model.jingle import StreamHost
from xmppctl.protocol.jingle import ibb, proxies, transports
from xmppctl.protocol.jingle.actions import Action, Activate, Begin, Dial, Ended
from xmppctl.protocol.jingle.link import Link, Switchboard
from xmppctl.protocol.jingle.transports import Candidate, Ibb, S5b
from xmppctl.records import dataclass
from xmppctl.session.proxy import for_stream
from xmppctl.session.race import AllFailedError, race
from xmppctl.session.socks5 import Host, Stream, dial, reachable
from xmppctl.session.stream import Session

_LIMIT = "{urn:xmpp:stream-limits:0}limits/{urn:xmpp:stream-limits:0}max-bytes"
_AROUND = 1000
"""Bytes of a stanza around a block."""

_STAGGER = 0.2
_ALONE = 15.0
"""Seconds in which a candidate has to be connected."""


@dataclass(frozen=True)
class Ways:
    """How bytes may go. ``direct``: own addresses may be told and those of the peer be called.

    ``proxies``: those of the own server. ``host``: takes connections, where addresses are told.
    """

    proxies: tuple[StreamHost, ...] = ()
    direct: bool = False
    host: Host | None = None
    addresses: tuple[str, ...] = ()

    async def close(self) -> None:
        """Take no more connections."""
        if self.host is not None:
            await self.host.stop()

    def may_dial(self, candidate: Candidate) -> bool:
        """Without ``direct`` nobody gets to know the own address but the own server's proxies."""
        known = {(each.host, each.port) for each in self.proxies}
        return self.direct or (candidate.host, candidate.port) in known


async def prepare(session: Session, found: Awaitable[list[StreamHost]], *, direct: bool) -> Ways:
    """What this client has to offer beside the stream; ``found`` are its server's proxies."""
    host = None
    if direct and for_stream("peer.invalid", 1) is None:
        host = Host()
        try:
            await host.start()
        except OSError as error:
            session.trace.note(f"no connections are taken: {error.strerror}")
            host = None
    server = str(session.trace.facts.get("address") or "")
    return Ways(
        tuple(await found), direct, host, tuple(reachable(server)) if host is not None else ()
    )


def block_size(session: Session, wanted: int) -> int:
    """The same, or what fits into the largest stanza that the server takes (XEP-0478)."""
    told = (session.features.findtext(_LIMIT) or "").strip()
    if not told.isascii() or not told.isdigit() or len(told) > 12:
        return wanted
    return max(1, min(wanted, (int(told) - _AROUND) * 3 // 4))


def offer(ways: Ways, sid: str, me: str, peer: str, taken: tuple[Candidate, ...] = ()) -> S5b:
    """A transport with the own candidates, but for places that are ``taken`` by the peer's."""
    places = {(each.host, each.port) for each in taken}
    found: list[Candidate] = []
    if ways.host is not None:
        for number, address in enumerate(ways.addresses):
            priority = transports.priority("direct", 65535 - number)
            cid = Session.new_id()[:12]
            found.append(Candidate(cid, address, ways.host.port, me, priority, "direct"))
    for number, each in enumerate(ways.proxies):
        if each.host is not None and each.port is not None:
            priority = transports.priority("proxy", 65535 - number)
            cid = Session.new_id()[:12]
            found.append(Candidate(cid, each.host, each.port, each.jid, priority, "proxy"))
    kept = tuple(each for each in found if (each.host, each.port) not in places)
    relayed = any(each.is_proxy for each in kept)
    return S5b(sid, kept, transports.address(sid, me, peer) if relayed else None)


class Connection:
    """The transport of one session on its way; ``stash`` gets what is told meanwhile."""

    def __init__(self, link: Link, ways: Ways, stash: Callable[[Action], None]) -> None:
        self._link = link
        self._ways = ways
        self._stash = stash
        self._tasks: set[asyncio.Task[None]] = set()
        self._dialled: dict[str, Stream] = {}
        self._relayed: Stream | None = None
        self._met: asyncio.Queue[Stream] = asyncio.Queue()
        self._expected: list[str] = []

    def expect(self) -> None:
        """Be ready for connections to the own candidates."""
        machine, host = self._link.machine, self._ways.host
        if host is None or not isinstance(machine.transport, S5b):
            return
        sid = machine.transport.sid
        # clients do not agree whose JID comes first
        for pair in ((machine.me, machine.peer), (machine.peer, machine.me)):
            address = transports.address(sid, *pair)
            self._expected.append(address)
            host.expect(address, self._met.put_nowait)

    async def begin(self) -> tuple[Begin, Stream | None]:
        """Connect; of SOCKS5 with the connection. Raises DeadlineError, the session's failure."""
        trace = self._link.session.trace
        trace.enter("negotiate")
        limit = max(self._link.session.account.timeout, _ALONE)
        while True:
            action = await self._link.next(limit, "no agreement on a transport")
            if isinstance(action, Dial):
                self._spawn(self._dial(action.transport))
            elif isinstance(action, Activate):
                self._spawn(self._activate(action.candidate))
            elif isinstance(action, Begin):
                stream = await self._chosen(action)
                trace.note(_told(action))
                trace.enter("transfer")
                return action, stream
            elif isinstance(action, Ended):
                raise self._link.failure()
            else:
                self._stash(action)

    async def close(self) -> None:
        """Give up what is under way, and every connection but the one that was given away.

        Called when the bytes are over: a peer that has two connections and has not yet heard which
        of them counts may take the end of the other one for that of the file (Gajim does).
        """
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for address in self._expected:
            if self._ways.host is not None:
                self._ways.host.forget(address)
        left = [*self._dialled.values(), *([self._relayed] if self._relayed else [])]
        while not self._met.empty():
            left.append(self._met.get_nowait())
        for stream in left:
            stream.abort()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _chosen(self, begin: Begin) -> Stream | None:
        candidate = begin.candidate
        if candidate is None:
            return None
        if not begin.mine:
            return self._dialled.pop(candidate.cid)
        if candidate.is_proxy:
            assert self._relayed is not None
            stream, self._relayed = self._relayed, None
            return stream
        # the peer has said that it is connected, and what it said came by another way
        try:
            async with asyncio.timeout(_ALONE):
                return await self._met.get()
        except TimeoutError:
            peer = self._link.machine.peer
            raise DeadlineError(
                f"{peer} did not connect", step="s5b", condition="timeout", by=peer
            ) from None

    async def _dial(self, transport: S5b) -> None:
        machine = self._link.machine
        wanted = [each for each in transport.candidates if self._ways.may_dial(each)]
        address = transport.dstaddr or transports.address(transport.sid, machine.peer, machine.me)

        async def attempt(candidate: Candidate) -> tuple[Candidate, Stream]:
            return candidate, await dial(candidate.host, candidate.port, address)

        chosen = None
        try:
            async with asyncio.timeout(_ALONE):
                attempts = [functools.partial(attempt, each) for each in wanted]
                chosen, stream = await race(attempts, delay=_STAGGER, discard=_discard)
                self._dialled[chosen.cid] = stream
        except AllFailedError as failed:
            for error in failed.errors:
                self._link.session.trace.note(f"a candidate failed: {error}")
        except TimeoutError:
            self._link.session.trace.note("no candidate answers")
        self._link.perform(machine.dialled(chosen))

    async def _activate(self, candidate: Candidate) -> None:
        machine, session = self._link.machine, self._link.session
        sid = machine.transport.sid
        ok = True
        try:
            address = transports.address(sid, machine.me, machine.peer)
            async with asyncio.timeout(_ALONE):
                self._relayed = await dial(candidate.host, candidate.port, address)
                await proxies.activate(session, candidate.jid, sid, machine.peer)
        except (XmppctlError, TimeoutError) as error:
            session.trace.note(f"the proxy {candidate.jid} cannot be used: {error}")
            ok = False
        self._link.perform(machine.activated(candidate, ok=ok))


def _told(begin: Begin) -> str:
    if isinstance(begin.transport, Ibb):
        return f"the bytes go inside the stream, {begin.transport.block_size} in a block"
    candidate = begin.candidate
    assert candidate is not None
    way = f"through the proxy {candidate.jid}" if candidate.is_proxy else "directly"
    return f"the bytes go beside the stream, {way} ({candidate.host}:{candidate.port})"


def _discard(result: tuple[Candidate, Stream]) -> None:
    result[1].abort()


# --- bytes, whichever way


class Writer:
    """Sends the bytes of the file."""

    def __init__(self, link: Link, begin: Begin, stream: Stream | None) -> None:
        self._link = link
        self._stream = stream
        self._limit = link.session.account.timeout
        self._sid = begin.transport.sid
        self._out = None
        self._closed = asyncio.Event()
        if isinstance(begin.transport, Ibb):
            self._out = ibb.Outgoing(begin.transport, self._ask)
            link.write(self._sid, self._closed.set)

    async def _ask(self, element: Element) -> None:
        """Until it is answered; a receiver that closes the bytestream may leave it so."""
        peer = self._link.machine.peer
        if self._closed.is_set() and element.tag == ibb.CLOSE:
            return
        asked = asyncio.ensure_future(
            self._link.session.request(
                element, to=peer, type="set", step="transfer", what=f"the transfer to {peer}"
            )
        )
        closed = asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait({asked, closed}, return_when=asyncio.FIRST_COMPLETED)
            if asked.done() and not self._closed.is_set():
                await asked
            elif element.tag != ibb.CLOSE and not (asked.done() and asked.exception() is None):
                raise RefusedError(
                    f"{peer} closed the bytestream before it had everything",
                    step="transfer",
                    condition="connection-closed",
                    by=peer,
                )
        finally:
            for each in (asked, closed):
                each.cancel()
            await asyncio.gather(asked, closed, return_exceptions=True)

    async def open(self) -> None:
        """Open what has to be opened."""
        if self._out is not None:
            await self._out.open()

    async def write(self, block: bytes) -> None:
        """Send; returns when it was taken. Raises RefusedError, DeadlineError."""
        if self._out is not None:
            await self._out.write(block)
        elif self._stream is not None:
            with _failures(self._link):
                async with asyncio.timeout(self._limit):
                    await self._stream.write(block)

    async def close(self) -> None:
        """There is no more.

        A proxy of Prosody 0.12 keeps up to 4 KB back until something happens to the connection.
        """
        if self._out is not None:
            await self._out.close()
        elif self._stream is not None:
            with _failures(self._link):
                self._stream.finish()

    def abort(self) -> None:
        """End the connection."""
        self._link.write(self._sid, None)
        if self._stream is not None:
            self._stream.close()


class Reader:
    """Gets the bytes of the file."""

    def __init__(self, link: Link, board: Switchboard, begin: Begin, stream: Stream | None) -> None:
        self._link = link
        self._board = board
        self._stream = stream
        self._limit = link.session.account.timeout
        self._sid = begin.transport.sid
        self._in: ibb.Incoming | None = None
        if isinstance(begin.transport, Ibb):
            self._in = ibb.Incoming(begin.transport)
            board.expect(link.machine.peer, self._sid, self._in)

    async def read(self, most: int) -> bytes:
        """The next bytes, none at the end. Raises RefusedError, DeadlineError."""
        with _failures(self._link):
            async with asyncio.timeout(self._limit):
                if self._in is not None:
                    return await self._in.read()
                assert self._stream is not None
                return await self._stream.read(max(1, min(most, 262144)))

    async def finish(self) -> None:
        """All came: let the peer close its bytestream, for a moment."""
        if self._in is not None and not self._in.closed:
            with suppress(TimeoutError, XmppctlError):
                async with asyncio.timeout(2.0):
                    while await self._in.read():
                        pass

    def abort(self) -> None:
        """End the connection."""
        self._board.unexpect(self._link.machine.peer, self._sid)
        if self._stream is not None:
            self._stream.close()


@contextmanager
def _failures(link: Link) -> Iterator[None]:
    """What a connection does as errors of xmppctl."""
    peer, limit = link.machine.peer, link.session.account.timeout
    try:
        yield
    except TimeoutError:
        raise DeadlineError(
            f"no bytes went on with {peer} for {limit:g} s",
            step="transfer",
            condition="timeout",
            by=peer,
            hint="--timeout gives it longer",
        ) from None
    except OSError as error:
        raise RefusedError(
            f"the connection with {peer} broke ({(error.strerror or 'closed').lower()})",
            step="transfer",
            condition="connection-closed",
            by=peer,
        ) from None
