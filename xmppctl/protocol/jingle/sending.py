"""Offer a file to a client, and send it (XEP-0234 §6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import replace

from xmppctl.errors import DeadlineError, RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.jingle import StreamHost, Transfer
from xmppctl.protocol import caps_own
from xmppctl.protocol.jingle import FEATURES, NS_IBB, NS_S5B, elements, files, messages, proxies
from xmppctl.protocol.jingle.actions import Accepted, Action, Ended, Told, tie_break
from xmppctl.protocol.jingle.bytestream import Connection, Ways, Writer, block_size, offer, prepare
from xmppctl.protocol.jingle.elements import Content, Jingle, Reason
from xmppctl.protocol.jingle.files import File, Range
from xmppctl.protocol.jingle.find import Peer, find
from xmppctl.protocol.jingle.link import Link, Switchboard
from xmppctl.protocol.jingle.machine import Machine
from xmppctl.protocol.jingle.transports import Choice, Ibb
from xmppctl.records import dataclass
from xmppctl.session.responder import RefusalError
from xmppctl.session.stream import Session

_NAME = "file"
_ENOUGH = 5.0
"""Seconds for the word of a receiver that has acknowledged every block."""

_PATIENCE = 10
"""How often a peer that has everything, or will have, may be silent for the account's timeout."""
_GRACE = 1.0
"""Seconds between the word that a file was received and that the session is over."""


@dataclass(frozen=True)
class Outgoing:
    """A file that is to be sent: ``blocks`` gives its bytes from an offset on, of that length."""

    file: File
    size: int
    path: str
    blocks: Callable[[int, int], Iterator[bytes]]


@dataclass(frozen=True)
class Options:
    """How to send. ``direct``: own addresses may be told: None to contacts alone.

    ``wait``: seconds in which the peer has to agree. ``part``: what of the file is offered.
    """

    transport: Choice = "auto"
    block_size: int = 16384
    direct: bool | None = None
    wait: float = 30.0
    part: Range | None = None
    progress: bool = False


async def send(
    session: Session,
    to: Jid,
    outgoing: Outgoing,
    options: Options,
    moved: Callable[[int], None],
) -> AsyncGenerator[Transfer, None]:
    """Send the file to a client, or to one of an account that takes it.

    The last record is how it ended; with ``progress`` others come before it. ``moved`` gets the
    number of bytes that went over. What fails is in the record; the end of the stream is raised.
    """
    sender = _Sender(session, to, outgoing, options, moved)
    async for record in sender.run():
        yield record


class _Sender:
    def __init__(
        self,
        session: Session,
        to: Jid,
        outgoing: Outgoing,
        options: Options,
        moved: Callable[[int], None],
    ) -> None:
        self._session = session
        self._to = to
        self._outgoing = outgoing
        self._options = options
        self._moved = moved
        self._sid = Session.new_id()
        self._me = str(lenient(str(session.jid)))
        self._received = False
        file = outgoing.file
        self._record = Transfer(
            state="offered",
            from_=str(session.jid),
            to=str(to),
            sid=self._sid,
            name=file.name,
            size=outgoing.size,
            media_type=file.media_type,
            date=file.date,
            desc=file.desc,
            hashes=dict(file.hashes),
            path=outgoing.path,
        )

    async def run(self) -> AsyncGenerator[Transfer, None]:
        """The records."""
        steps: asyncio.Queue[Transfer | None] = asyncio.Queue()

        def told(record: Transfer) -> None:
            self._record = record
            if self._options.progress:
                steps.put_nowait(record)

        task = asyncio.ensure_future(self._send(told))
        task.add_done_callback(lambda _: steps.put_nowait(None))
        try:
            while (record := await steps.get()) is not None:
                yield record
            try:
                await task
            except XmppctlError as error:
                yield replace(self._record, state="failed", error=error.info())
            else:
                yield replace(self._record, state="done", verified=self._received or None)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _send(self, told: Callable[[Transfer], None]) -> None:
        board = Switchboard(self._session, self._offered)
        trusted = str(self._to.bare)
        caps_own.answer_questions(
            self._session, caps_own.FEATURES | FEATURES, lambda bare: bare == trusted
        )
        # both in one flight
        listed = asyncio.ensure_future(self._proxies())
        found = Ways()
        try:
            peer = await find(self._session, self._to, self._sid, self._options.wait)
            self._record = replace(self._record, to=str(peer.jid))
            direct = peer.known if self._options.direct is None else self._options.direct
            if self._options.transport != "ibb" and NS_S5B in peer.features:
                found = await prepare(self._session, listed, direct=direct)
            await self._hold(board.open(self._machine(peer, found)), found, told)
        finally:
            listed.cancel()
            await asyncio.gather(listed, return_exceptions=True)
            await found.close()
        if peer.proposed:
            self._session.send(messages.compose("finish", peer.jid, self._sid, Reason("success")))

    async def _proxies(self) -> list[StreamHost]:
        return [] if self._options.transport == "ibb" else await proxies.usable(self._session)

    async def _hold(self, link: Link, found: Ways, told: Callable[[Transfer], None]) -> None:
        try:
            await self._transfer(link, found, told)
        except XmppctlError as error:
            await link.end(Reason(_REASONS.get(error.condition or "", "cancel")))
            raise
        except asyncio.CancelledError:
            await link.end(Reason("cancel"), wait=False)
            raise
        finally:
            link.close()

    def _machine(self, peer: Peer, found: Ways) -> Machine:
        chosen, features = self._options.transport, peer.features
        in_band = Ibb(Session.new_id(), block_size(self._session, self._options.block_size))
        them = str(lenient(str(peer.jid)))
        beside = offer(found, Session.new_id(), self._me, them)
        for namespace, name in ((NS_IBB, "ibb"), (NS_S5B, "s5b")):
            if chosen == name and namespace not in features:
                raise _lacks(peer.jid, f"the transport {name}")
        if chosen == "s5b" and not beside.candidates and not found.direct:
            raise UnsupportedError(
                f"{self._session.domain} offers no proxy (XEP-0065), and the own address is not "
                f"told to {peer.jid.bare}",
                step="s5b",
                condition="feature-not-implemented",
                by=self._session.domain,
                hint="--direct tells it; --transport ibb needs neither",
            )
        # without a proxy, and addresses being told, there is nothing to be tried beside the stream
        possible = NS_S5B in features and bool(beside.candidates or found.direct)
        use_beside = chosen == "s5b" or (chosen == "auto" and possible)
        if not use_beside and NS_IBB not in features:
            raise _lacks(peer.jid, "a transport that is possible")
        fallback = in_band if chosen == "auto" and NS_IBB in features else None
        file = replace(
            self._outgoing.file, range=self._outgoing.file.range or self._options.part or Range()
        )
        content = Content("initiator", _NAME, "initiator", description=files.write(file))
        transport = beside if use_beside else in_band
        return Machine(
            "initiator", self._me, them, self._sid, content, transport, fallback=fallback
        )

    def _offered(self, sender: str, jingle: Jingle) -> None:
        """While a file is sent none is taken; both at once is decided by the ids (§7.2.16)."""
        if lenient(sender).bare == self._to.bare and jingle.sid > self._sid:
            raise tie_break()
        raise RefusalError("service-unavailable")

    async def _transfer(self, link: Link, found: Ways, told: Callable[[Transfer], None]) -> None:
        machine = link.machine
        connection = Connection(link, found, self._hear)
        try:
            connection.expect()
            link.perform(machine.initiate())
            told(self._record)
            accepted = await self._accepted(link)
            offset, length = self._wanted(accepted.file)
            self._record = replace(self._record, offset=offset, total=length)
            told(replace(self._record, state="accepted"))
            begin, stream = await connection.begin()
            told(replace(self._record, state="transferring", transport=begin.transport.kind))
            writer = Writer(link, begin, stream)
            try:
                await self._write(link, writer, offset, length, told)
                acknowledged = begin.transport.kind == "ibb"
                await self._confirmed(link, acknowledged=acknowledged)
            finally:
                writer.abort()
        finally:
            await connection.close()

    async def _write(
        self,
        link: Link,
        writer: Writer,
        offset: int,
        length: int,
        told: Callable[[Transfer], None],
    ) -> None:
        done = 0

        async def all_of_it() -> None:
            nonlocal done
            await writer.open()
            loop = asyncio.get_running_loop()
            last = loop.time()
            for block in self._outgoing.blocks(offset, length):
                await writer.write(block)
                done += len(block)
                self._moved(done)
                if self._options.progress and loop.time() - last >= 1.0:
                    last = loop.time()
                    told(replace(self._record, bytes=done))
            await writer.close()

        try:
            await link.while_alive(all_of_it())
        except XmppctlError:
            # the receiver may say that it has all before it acknowledges the end of the bytes
            if not (done == length and self._is_success(link)):
                raise
        finally:
            self._record = replace(self._record, bytes=done)

    async def _accepted(self, link: Link) -> Accepted:
        peer = link.machine.peer
        self._session.trace.enter("offer")
        deadline = asyncio.get_running_loop().time() + self._options.wait
        while True:
            try:
                left = max(0.0, deadline - asyncio.get_running_loop().time())
                action = await link.next(left, "no answer to the offer")
            except DeadlineError:
                raise DeadlineError(
                    f"{peer} neither took nor declined the file within {self._options.wait:g} s",
                    step="offer",
                    condition="timeout",
                    by=peer,
                    hint="--wait-timeout gives it longer",
                ) from None
            if isinstance(action, Accepted):
                return action
            if isinstance(action, Ended):
                raise link.failure()
            self._hear(action)

    def _wanted(self, answer: File | None) -> tuple[int, int]:
        """Which part the receiver wants (§6.4), else that which was offered."""
        size = self._outgoing.size
        part = self._options.part or Range()
        asked = answer.range if answer is not None else None
        if asked is not None and (asked.offset or asked.length is not None):
            part = asked
        length = size - part.offset if part.length is None else part.length
        if part.offset > size or length > size - part.offset:
            raise RefusedError(
                f"the receiver wants bytes from {part.offset} on, of {size}",
                step="negotiate",
                condition="bad-range",
            )
        return part.offset, length

    def _hear(self, action: Action) -> None:
        if isinstance(action, Told) and action.file is None:
            self._received = True

    async def _confirmed(self, link: Link, *, acknowledged: bool) -> None:
        """Wait until the receiver says that it has all.

        ``acknowledged``: it has said so of every block; then it may leave the end to this side.
        """
        seconds = self._session.account.timeout
        if acknowledged:
            seconds = min(seconds, _ENOUGH)
        self._session.trace.enter("confirm")
        patience = _PATIENCE
        while True:
            try:
                action = await link.next(_GRACE if self._received else seconds, "no confirmation")
            except DeadlineError as silence:
                if self._received or acknowledged:
                    await link.end(Reason("success"))
                    return
                patience -= 1
                if not patience:
                    silence.step = "confirm"
                    silence.hint = "all was sent; whether it arrived is not known"
                    raise
                await self._ask_for_life(link)
                continue
            if isinstance(action, Ended):
                if not self._is_success(link):
                    raise link.failure()
                self._received = True
                return
            self._hear(action)

    async def _ask_for_life(self, link: Link) -> None:
        """Bytes may still be on their way beside the stream: is the peer there? (§6.8)"""
        machine = link.machine
        try:
            await self._session.request(
                elements.write(Jingle("session-info", machine.sid)),
                to=machine.peer,
                type="set",
                step="confirm",
                what=f"whether {machine.peer} is still there",
            )
        except XmppctlError:
            if link.ended is None:  # its word and the question may have met
                raise

    def _is_success(self, link: Link) -> bool:
        if link.ended is None or not link.ended.by_peer:
            return False
        # who has said that it has all may give any reason for the end
        return link.ended.reason.condition == "success" or self._received


_REASONS: Mapping[str, str] = {
    "timeout": "timeout",
    "connection-closed": "failed-transport",
    "file-changed": "media-error",
    "bad-range": "failed-application",
}
"""Of the end of a session, by conditions of errors."""


def _lacks(jid: Jid, what: str) -> UnsupportedError:
    return UnsupportedError(
        f"{jid} does not offer {what} for files (Jingle, XEP-0234)",
        step="disco#info",
        condition="feature-not-implemented",
        by=str(jid),
    )
