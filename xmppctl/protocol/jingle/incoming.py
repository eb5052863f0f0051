"""One file that a peer offers: whether it can be taken, and how it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from xmppctl.errors import ErrorInfo, LocalError, RefusedError, XmppctlError
from xmppctl.model.jingle import Transfer
from xmppctl.protocol.jingle import files, transports
from xmppctl.protocol.jingle.actions import Action, Ended, Told
from xmppctl.protocol.jingle.bytestream import Connection, Reader, Ways, block_size, offer
from xmppctl.protocol.jingle.elements import Content, Jingle, Reason
from xmppctl.protocol.jingle.files import Digests, File, Range
from xmppctl.protocol.jingle.link import Link, Switchboard
from xmppctl.protocol.jingle.machine import Machine
from xmppctl.protocol.jingle.transports import Choice, Ibb, S5b, Transport
from xmppctl.records import dataclass
from xmppctl.session.responder import RefusalError
from xmppctl.session.stream import Session

if TYPE_CHECKING:
    from xmppctl.protocol.jingle.receiving import Place

_PATIENCE = 5.0
"""Seconds for a checksum that was promised, behind the last byte."""

_STEP = 1.0
"""Seconds between two records of progress."""


@dataclass(frozen=True)
class Offer:
    """A file that may be taken."""

    link: Link
    jingle: Jingle
    peer: str
    file: File
    transport: Transport
    record: Transfer


@dataclass(frozen=True)
class Declined:
    """An offer that cannot be taken; ``error`` is set where the user should know."""

    link: Link
    reason: Reason
    record: Transfer
    error: ErrorInfo | None = None


def read(
    board: Switchboard, me: str, sender: str, jingle: Jingle, choice: Choice = "auto"
) -> Offer | Declined:
    """What a session-initiate offers; its session is known from now on. Raises RefusalError."""
    content = jingle.content
    if content is None or content.creator != "initiator":
        raise RefusalError("bad-request", "modify")
    if all(each.disposition != "session" for each in jingle.contents):
        raise RefusalError("bad-request", "modify")
    file = files.read(content.description)
    transport = transports.read(content.transport)
    kept = Content("initiator", content.name, content.senders, description=content.description)
    largest = block_size(board.session, transports.LARGEST_BLOCK)
    limit = None if choice == "s5b" else Ibb("any", largest)
    machine = Machine(
        "responder", me, sender, jingle.sid, kept, transport or Ibb("none", 1), fallback=limit
    )
    link = board.open(machine)
    record = Transfer(state="offered", from_=sender, to=me, sid=jingle.sid)
    if file is None:
        return Declined(link, Reason("unsupported-applications"), record)
    record = _described(record, file)
    if len(jingle.contents) > 1:
        return Declined(link, Reason("failed-application", "one file in a session"), record)
    if content.senders in ("responder", "none"):
        reason = Reason("failed-application", detail="file-not-available")
        return Declined(link, reason, record)
    if transport is None or (choice == "s5b" and transport.kind != "s5b"):
        return Declined(link, Reason("unsupported-transports"), record)
    return Offer(link, jingle, sender, file, transport, record)


def _described(record: Transfer, file: File) -> Transfer:
    return replace(
        record,
        name=file.name,
        size=file.size,
        media_type=file.media_type,
        date=file.date,
        desc=file.desc,
        hashes=dict(file.hashes),
    )


def limited(offer: Offer | Declined, max_size: int) -> Offer | Declined:
    """The same, declined where the file is larger than ``max_size``."""
    if isinstance(offer, Declined) or _length(offer.file) <= max_size:
        return offer
    error = RefusedError(
        f"{offer.peer} offers {offer.file.name or 'a file'} of {offer.file.size} bytes",
        step="offer",
        condition="file-too-large",
        by=offer.peer,
        hint="--max-size takes larger ones",
        limit=max_size,
    )
    reason = Reason("media-error", detail="file-too-large")
    return Declined(offer.link, reason, offer.record, error.info())


def _length(file: File) -> int:
    part = file.range or Range()
    whole = file.size or 0
    return whole if part.length is None else max(part.length, 0)


async def decline(offer: Declined) -> None:
    """Tell the peer, and wait until it has acknowledged that."""
    try:
        await offer.link.end(offer.reason)
    finally:
        offer.link.close()


class Reception:
    """Takes one file. ``told`` gets a record for each step, ``moved`` the bytes so far."""

    def __init__(
        self,
        session: Session,
        board: Switchboard,
        offer: Offer,
        ways: Ways,
        told: Callable[[Transfer], None],
        moved: Callable[[int], None],
    ) -> None:
        self._session = session
        self._board = board
        self._offer = offer
        self._ways = ways
        self._told = told
        self._moved = moved
        self._file = offer.file
        self._record = offer.record
        self._max_size: int | None = None

    async def run(self, place: Callable[[str, File], Place], max_size: int) -> Transfer:
        """How it ended: done, or failed with an error."""
        link = self._offer.link
        self._max_size = max_size
        target: Place | None = None
        try:
            target = place(self._offer.peer, self._file)
            await self._receive(target)
        except XmppctlError as error:
            if target is not None:
                target.discard(keep=error.condition not in ("hash-mismatch", "file-too-large"))
            await link.end(_reason(error))
            return replace(self._record, state="failed", error=error.info())
        except asyncio.CancelledError:
            if target is not None:
                target.discard(keep=True)
            await link.end(Reason("cancel"), wait=False)
            raise
        finally:
            link.close()
        return replace(self._record, state="done")

    async def _receive(self, target: Place) -> None:
        link, machine = self._offer.link, self._offer.link.machine
        part = self._part(target)
        total = self._total(part)
        self._record = replace(self._record, offset=part.offset, total=total)
        connection = Connection(link, self._ways, self._hear)
        try:
            link.perform(machine.accept(replace(self._file, range=part), self._transport()))
            self._told(replace(self._record, state="accepted"))
            connection.expect()
            begin, stream = await connection.begin()
        finally:
            await connection.close()
        self._record = replace(self._record, transport=begin.transport.kind)
        self._told(replace(self._record, state="transferring"))
        reader = Reader(link, self._board, begin, stream)
        try:
            digests = Digests(*self._file.hashes, *self._file.used)
            if target.offset:
                target.digest(digests.update)
            ranged = Digests(*(part.hashes or ()))
            await link.while_alive(
                self._bytes(reader, target, total, digests, ranged), success=True
            )
            whole = part.offset == target.offset and part.length is None
            told = self._file.hashes if whole else part.hashes
            if whole and not told and self._file.used:
                await self._checksum()
                told = self._file.hashes
            found = (digests if whole else ranged).result()
            verified = files.verdict(told, found)
            if verified is False:
                raise self._mismatch()
            self._record = replace(
                self._record,
                hashes={**self._record.hashes, **found},
                verified=verified,
            )
            path = target.commit()
            self._record = replace(self._record, path=path)
            await reader.finish()
        finally:
            reader.abort()
        link.perform(machine.received())
        await link.end(Reason("success"))

    def _mismatch(self) -> RefusedError:
        self._record = replace(self._record, verified=False)
        return RefusedError(
            f"{self._file.name or 'the file'} is not what {self._offer.peer} said it is: "
            "its hash is another",
            step="verify",
            condition="hash-mismatch",
            by=self._offer.peer,
        )

    def _part(self, target: Place) -> Range:
        """What is asked for: where bytes are there already, those behind them."""
        offered = self._file.range
        if offered is None:
            target.offset = 0
            return Range()
        if target.offset >= offered.offset and offered.length is None and target.offset:
            return Range(target.offset)
        target.offset = 0
        return offered

    def _total(self, part: Range) -> int | None:
        if part.length is not None:
            return part.length
        size = self._file.size
        return None if size is None else max(0, size - part.offset)

    def _transport(self) -> Transport:
        given, machine = self._offer.transport, self._offer.link.machine
        if isinstance(given, S5b):
            return offer(self._ways, given.sid, machine.me, machine.peer, given.candidates)
        return Ibb(given.sid, block_size(self._session, given.block_size))

    async def _bytes(
        self,
        reader: Reader,
        target: Place,
        total: int | None,
        digests: Digests,
        ranged: Digests,
    ) -> None:
        loop = asyncio.get_running_loop()
        done, last = 0, loop.time()
        limit = total if total is not None else self._max_size
        try:
            while total is None or done < total:
                block = await reader.read((limit or 0) - done if total is not None else 65536)
                if not block:
                    break
                if limit is not None and done + len(block) > limit:
                    raise self._too_much(limit)
                target.write(block)
                digests.update(block)
                ranged.update(block)
                done += len(block)
                self._moved(done)
                if loop.time() - last >= _STEP:
                    last = loop.time()
                    self._told(replace(self._record, state="transferring", bytes=done))
        finally:
            self._record = replace(self._record, bytes=done)
        if total is not None and done < total:
            raise RefusedError(
                f"{self._offer.peer} sent {done} of {total} bytes",
                step="transfer",
                condition="truncated",
                by=self._offer.peer,
            )

    def _too_much(self, limit: int) -> RefusedError:
        return RefusedError(
            f"{self._offer.peer} sends more than {limit} bytes",
            step="transfer",
            condition="file-too-large",
            by=self._offer.peer,
            limit=limit,
        )

    async def _checksum(self) -> None:
        """Wait for the hash that was promised; a peer may forget it."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while not self._file.hashes:
                    action = await self._offer.link.next(_PATIENCE, "no checksum")
                    if isinstance(action, Ended):
                        return
                    self._hear(action)
        except (TimeoutError, XmppctlError):
            return

    def _hear(self, action: Action) -> None:
        if isinstance(action, Told) and action.file is not None:
            known = {**action.file.hashes, **self._file.hashes}
            self._file = replace(self._file, hashes=known)


def _reason(error: XmppctlError) -> Reason:
    if error.condition == "file-too-large":
        return Reason("media-error", detail="file-too-large")
    if error.condition in ("hash-mismatch", "truncated", "malformed-data"):
        return Reason("media-error", error.text)
    if error.condition == "timeout":
        return Reason("timeout")
    if isinstance(error, LocalError):
        return Reason("failed-application", "the file cannot be stored")
    return Reason("failed-transport")
