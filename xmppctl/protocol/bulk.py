"""RFC 6121 §5: many messages over one stream, as few round trips and writes as their proof needs.

What is ready goes out in one write. Behind the last message to somebody in it stand ``<r/>`` and
the barrier: stanzas between two entities are processed in order (RFC 6120 §10.1), so that its
answer comes behind the bounces of all messages before it. How many messages may be on their way at
once grows while the answers come quickly, and with it what one barrier is for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal
from xml.etree.ElementTree import Element

from xmppctl.errors import DeadlineError, UsageError, XmppctlError
from xmppctl.model.jid import Jid
from xmppctl.model.sent import SendResult
from xmppctl.protocol import flights
from xmppctl.protocol.delivery import (
    Attempt,
    blamed,
    deliver,
    is_dropped,
    judge,
    may_be_dropped,
    may_bounce,
)
from xmppctl.protocol.handover import Handover
from xmppctl.protocol.outgoing import Outgoing
from xmppctl.protocol.settling import Settling
from xmppctl.session import acks
from xmppctl.session.conditions import stanza_error
from xmppctl.session.stream import MESSAGE, Inbox, Pending, Session

Wait = Literal["confirmed", "acked"]

WINDOW = 32
"""Messages on their way at once, to begin with."""

WIDEST = 1024
"""The most that may become of it."""

BACKLOG = 4 * WIDEST
"""Results kept back behind one that is not known yet: they are given in order."""

_QUICK, _SLOW = 0.25, 1.0
"""Seconds until the proof below which more messages may be on their way, and above which less."""


@dataclass(eq=False)
class _Entry:
    """One message, and its result once that is known."""

    message: Outgoing | SendResult
    result: SendResult | None = None
    number: int = 0  # its count (XEP-0198)
    bounce: Element | None = None


@dataclass(eq=False)
class _Group:
    """The messages of one write to one recipient; ``barrier`` and ``own`` prove them together."""

    to: Jid
    entries: list[_Entry] = field(default_factory=list)
    barrier: Pending | None = None
    own: Pending | None = None
    settled: asyncio.Task[None] | None = None
    since: float = 0.0


async def deliver_all(
    session: Session,
    messages: AsyncIterable[Outgoing | SendResult],
    *,
    wait: Wait,
    timeout: float | None,
) -> AsyncGenerator[SendResult]:
    """As ``send.send``, which see, where nobody waits for the recipient's own word."""
    bulk = _Bulk(session, wait, timeout)
    with session.inbox(bulk.is_bounce) as bulk.bounces:
        tasks = [asyncio.ensure_future(bulk.read(messages)), asyncio.ensure_future(bulk.write())]
        bulk.tasks.update(tasks)
        try:
            while True:
                while bulk.order and (result := bulk.order[0].result) is not None:
                    bulk.order.popleft()
                    yield result
                bulk.told.clear()
                bulk.room.set()
                if bulk.at_end and not bulk.order:
                    break
                await bulk.told.wait()
            if bulk.failure is not None:
                raise bulk.failure
        finally:
            for task in list(bulk.tasks):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await tasks[0]  # whatever it reads from is closed then


class _Bulk:
    """The state of one run; ``order`` are the messages without a result that was given."""

    bounces: Inbox

    def __init__(self, session: Session, wait: Wait, timeout: float | None) -> None:
        self.order: deque[_Entry] = deque()
        self.tasks: set[asyncio.Task[None]] = set()
        self.failure: Exception | None = None
        self.at_end = False
        self.told, self.room = asyncio.Event(), asyncio.Event()
        self._session = session
        self._wait = wait
        self._timeout = timeout
        self._clock = asyncio.get_running_loop().time
        self._settling = Settling(session)
        self._window = WINDOW
        self._under_way = 0
        self._ready: deque[_Entry] = deque()
        self._work = asyncio.Event()
        self._waiting: dict[str, list[_Entry]] = {}
        self._enabling: tuple[str, ...] = ()

    # --- in

    async def read(self, messages: AsyncIterable[Outgoing | SendResult]) -> None:
        """Take messages as long as there is room for them."""
        try:
            async for message in messages:
                entry = _Entry(message)
                self.order.append(entry)
                if isinstance(message, SendResult):
                    entry.result = message
                    self.told.set()
                else:
                    self._ready.append(entry)
                    self._work.set()
                while len(self._ready) >= self._window or len(self.order) >= BACKLOG:
                    self.room.clear()
                    await self.room.wait()
        except Exception as error:
            self.failure = error
        self.at_end = True
        self.told.set()

    # --- out

    async def write(self) -> None:
        """Send what is ready, as much at once as may be on its way."""
        while True:
            places = self._window - self._under_way
            if not self._ready or places <= 0:
                self._work.clear()
                await self._work.wait()
                continue
            # several writes on their way: the next one is made while the server has work
            number = min(places, len(self._ready), max(WINDOW, self._window // 4))
            self._send([self._ready.popleft() for _ in range(number)])
            self.room.set()
            await asyncio.sleep(0)

    def _send(self, batch: list[_Entry]) -> None:
        session = self._session
        self._enabling += session.enabling()
        last = {entry.message.to: entry for entry in batch if isinstance(entry.message, Outgoing)}
        groups: dict[Jid, _Group] = {}
        items: list[Element | str] = list(self._enabling)
        number = session.outbound.sent if session.outbound is not None else 0
        for entry in batch:
            message = entry.message
            assert isinstance(message, Outgoing)
            group = groups.get(message.to)
            if group is None:
                group = groups[message.to] = _Group(message.to)
            group.entries.append(entry)
            items.append(message.stanza)
            number += 1
            entry.number = number
            if last[message.to] is entry:
                questions = self._questions(group)
                items += questions
                number += sum(not isinstance(each, str) for each in questions)
        try:
            session.send(*items)
        except XmppctlError as error:
            for group in groups.values():
                self._forget(group)
            if isinstance(error, UsageError) and len(batch) > 1:
                for entry in batch:  # it is the fault of one of them
                    self._send([entry])
                return
            for group in groups.values():
                self._fail(group, error)
            return
        self._enabling = ()
        for group in groups.values():
            self._under_way += len(group.entries)
            group.since = self._clock()
            if group.barrier is not None:
                group.settled = self._settling.begin(group.to)
            for entry in group.entries:
                self._waiting.setdefault(entry.message.id, []).append(entry)
            task = asyncio.ensure_future(self._follow(group))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def _questions(self, group: _Group) -> list[Element | str]:
        """What goes out behind the group's messages."""
        session = self._session
        questions: list[Element | str] = []
        if session.outbound is not None:
            questions.append(acks.REQUEST)
        else:
            group.own = flights.barrier(session)
            questions.append(group.own.element)
        if self._wait == "confirmed":
            # whoever decides about the messages' fate answers for the bare JID
            group.barrier = flights.barrier(session, group.to.bare)
            questions.append(group.barrier.element)
        return questions

    def _forget(self, group: _Group) -> None:
        for pending in (group.own, group.barrier):
            if pending is not None:
                self._session.forget(pending)
        if group.settled is not None:
            group.settled.cancel()

    # --- what becomes of them

    def _taken(self, group: _Group, entry: _Entry) -> Handover:
        return Handover(self._session, entry.number, group.own)

    async def _follow(self, group: _Group) -> None:
        """Wait for what proves the group, and for what may come a moment behind that."""
        refused: dict[_Entry, XmppctlError] = {}
        failure: XmppctlError | None = None
        try:
            refused = await self._prove(group)
        except XmppctlError as error:
            failure = error
        self._left(group, failure is None)
        if failure is not None:
            self._fail(group, failure)
        else:
            if self._wait == "confirmed" and len(refused) < len(group.entries):
                await self._settling.wait(group.to, group.settled)
            self._collect()
            for entry in group.entries:
                self._finish(entry, refused.get(entry))
        self._forget(group)

    async def _prove(self, group: _Group) -> dict[_Entry, XmppctlError]:
        """The messages that certainly did not arrive; raises where nothing is proven."""
        session, entries = self._session, group.entries
        if group.barrier is None:
            await self._taken(group, entries[-1]).wait(self._timeout)
            return {}
        answer = await session.answer(group.barrier, step="send", timeout=self._timeout)
        if answer.get("type") != "error":
            return {}
        said = stanza_error(answer, f"the message to {group.to}")
        if said.condition in flights.UNREACHABLE:
            return dict.fromkeys(entries, said)
        refused: dict[_Entry, XmppctlError] = {}
        for entry in entries:  # an answer to one holds for all: only the kind of message matters
            assert isinstance(entry.message, Outgoing)
            if not may_be_dropped(entry.message, said):
                continue
            if not refused and not await is_dropped(session, entry.message, said):
                break
            refused[entry] = said
        return refused

    def _left(self, group: _Group, proven: bool) -> None:
        """The group is on its way no more; how long it was decides how many may be."""
        number, spent = len(group.entries), self._clock() - group.since
        self._under_way -= number
        if proven and spent < _QUICK:
            self._window = min(self._window + number, WIDEST)
        elif spent > _SLOW:
            self._window = max(self._window - number, WINDOW)
        self._work.set()

    def _fail(self, group: _Group, error: XmppctlError) -> None:
        self._collect()
        hint = error.hint
        for entry in group.entries:
            taken = self._taken(group, entry).taken
            error.hint = hint
            if isinstance(error, DeadlineError) and taken and self._wait == "confirmed":
                error.hint = "the own server has the message; whether it arrived cannot be told"
            late = not (taken and self._wait == "acked")
            self._finish(entry, error if late else None, acked=taken)

    def _finish(self, entry: _Entry, error: XmppctlError | None, *, acked: bool = True) -> None:
        """The message's fate is known, but for another try."""
        message, bounce = entry.message, entry.bounce
        assert isinstance(message, Outgoing)
        waiting = self._waiting.get(message.id, [])
        if entry in waiting:
            waiting.remove(entry)
        if not waiting:
            self._waiting.pop(message.id, None)
        if bounce is not None:
            attempt = judge(message, bounce)
            if attempt.again and self._session.account.retry:
                task = asyncio.ensure_future(self._again(entry, message, attempt))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
                return
            entry.result = attempt.result
        else:
            entry.result = message.outcome(
                acked=acked,
                confirmed=error is None and self._wait == "confirmed",
                error=None if error is None else blamed(error, message.to),
            )
        self.told.set()

    async def _again(self, entry: _Entry, message: Outgoing, first: Attempt) -> None:
        entry.result = await deliver(
            self._session, message, self._settling, lambda: None,
            wait=self._wait, timeout=self._timeout, wait_timeout=0.0, first=first,
        )  # fmt: skip
        self.told.set()

    # --- bounces

    def is_bounce(self, stanza: Element) -> bool:
        """Whether it is one of a message that is on its way."""
        return stanza.tag == MESSAGE and stanza.get("type") == "error" and bool(self._whose(stanza))

    def _whose(self, stanza: Element) -> list[_Entry]:
        return [
            entry
            for entry in self._waiting.get(stanza.get("id", ""), ())
            if isinstance(entry.message, Outgoing)
            and may_bounce(self._session, entry.message, stanza)
        ]

    def _collect(self) -> None:
        with suppress(XmppctlError):  # the stream ended, as whoever waited for an answer knows
            for stanza in self.bounces.drain():
                for entry in self._whose(stanza):
                    entry.bounce = entry.bounce if entry.bounce is not None else stanza
