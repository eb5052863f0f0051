"""Incoming stanzas as records: messages with what rides on them, carbons, presence.

A message is acknowledged (XEP-0198) only when its record has been handed on: what nobody has seen
stays with the server. Acknowledgements say "everything up to here", so a message that was
filtered out and would be kept for later holds back those behind it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from re import Pattern
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.errors import XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.stanza import Stanza
from xmppctl.protocol import (
    caps_own,
    carbons,
    csi,
    flights,
    message,
    occupants,
    presence,
    room,
)
from xmppctl.protocol.attendance import SILENCE, Attendance
from xmppctl.protocol.challenge import Solve
from xmppctl.protocol.payload import Context, attention, oob, receipts
from xmppctl.records import dataclass
from xmppctl.session.inbox import Inbox
from xmppctl.session.stream import IQ, MESSAGE, PRESENCE, Session

if TYPE_CHECKING:
    from xmppctl.protocol.ooboffer import Fetch
    from xmppctl.protocol.opening import Opener

MESSAGE_TYPES = frozenset({"chat", "normal", "headline", "groupchat", "error"})


@dataclass(frozen=True)
class Filter:
    """What is wanted. Empty ``senders``: everybody; ``matching`` is searched for in the text.

    In the text of a message that was rejected nothing is found: somebody forged it.
    ``fits`` has the last word.
    """

    types: frozenset[str] = MESSAGE_TYPES
    senders: tuple[Jid, ...] = ()
    matching: Pattern[str] | None = None
    delayed: bool = True
    fits: Callable[[Stanza], bool] = lambda record: True

    def may_take(self, stanza: Element) -> bool:
        """Whether this one may be wanted, as far as its sender tells.

        What is encrypted is opened for that, and keys are asked for, of nobody else.
        """
        sender = stanza.get("from", "")
        return (
            not self.senders
            or carbons.is_carbon(stanza)
            or any(presence.covers(jid, sender) for jid in self.senders)
        )

    def accepts(self, record: Stanza) -> bool:
        """Whether this one is wanted; ``types`` say nothing about offers of files."""
        if record.stanza != "iq" and record.type not in self.types:
            return False
        if record.delay is not None and not self.delayed:
            return False
        sender = record.from_ or ""
        if self.senders and not any(presence.covers(jid, sender) for jid in self.senders):
            return False
        if self.matching is not None:
            if record.encryption is not None and record.encryption.state == "rejected":
                return False
            texts = [record.body, *record.bodies.values(), record.subject, record.status]
            if record.stanza == "iq":
                texts += [text for each in record.oob for text in (each.url, each.desc)]
            if not any(text and self.matching.search(text) for text in texts):
                return False
        return self.fits(record)


@dataclass(frozen=True)
class Options:
    """How to listen. ``settle``: seconds from a record being handed on until it is flushed.

    ``takes``: the stanzas that are for the listener; others are for somebody else.
    ``history`` and ``since`` are as ``room.joined`` has them. With ``everything`` presence and
    subject of the rooms are shown too, ``entered`` is told of each room; ``counted`` are the types
    that ``count`` counts (None: all). With ``fetch`` files that are offered by request (XEP-0066)
    are taken from those who are wanted; their records come when they are there, or refused.
    With ``offers`` calls and files that are offered by Jingle (XEP-0166) are told, and declined.
    ``solve`` is as ``room.joined`` has it. ``opener`` opens what is encrypted.
    """

    rooms: tuple[Jid, ...] = ()
    nick: str | None = None
    room_password: str | None = None
    history: int | None = 0
    since: datetime | None = None
    everything: bool = False
    entered: Callable[[room.Joined], None] = lambda here: None
    counted: frozenset[str] | None = None
    carbons: bool = False
    receipts: bool = False
    inactive: bool = False
    bell: bool = False
    count: int | None = None
    seconds: float | None = None
    settle: float = 0.0
    raw: bool = False
    fetch: Fetch | None = None
    offers: bool = False
    takes: Callable[[Element], bool] = lambda stanza: True
    solve: Solve | None = None
    opener: Opener | None = None


def read(stanza: Element, context: Context, *, raw: bool = False) -> Stanza | None:
    """The record of a message or presence; None for a forged carbon.

    ``context`` says who may be believed.
    """
    if stanza.tag == PRESENCE:
        return _presence(stanza, context.own, raw)
    copy: carbons.Direction | None = None
    inner = stanza
    if carbons.is_carbon(stanza):
        unwrapped = carbons.unwrap(stanza, context.own)
        if unwrapped is None:
            context.note(f"dropped a forged carbon: it came from {stanza.get('from')}")
            return None
        copy, inner = unwrapped
    known = message.facts(inner, context, raw=raw)
    known["timestamp"] = known["timestamp"] or datetime.now(UTC)
    return Stanza(**known, carbon=copy)


def _presence(stanza: Element, own: str, raw: bool) -> Stanza:
    found = presence.read(stanza, own=own, raw=raw)
    return Stanza(
        stanza="presence",
        id=stanza.get("id"),
        from_=found.jid,
        to=stanza.get("to"),
        type=found.type,
        timestamp=found.timestamp,
        show=found.show,
        status=found.status,
        priority=found.priority,
        idle_since=found.idle_since,
        caps=found.caps,
        error_=found.error_,
        raw_xml=found.raw_xml,
    )


async def listen(
    session: Session, wanted: Filter, options: Options, ready: Callable[[], None]
) -> AsyncGenerator[Stanza, None]:
    """What comes in and is ``wanted``, until ``count`` of them or ``seconds`` after ``ready``.

    ``ready`` is called when presence and carbons are in effect. With rooms, these are joined and
    nothing else is shown; the client is then seen in them alone. Raises DeadlineError where
    ``count`` was not reached, UnsupportedError, RefusedError (also who is thrown out of a room),
    and what ended the stream.
    """
    if options.inactive:
        await csi.require(session)
    features = set(caps_own.FEATURES) | {oob.NS}
    features |= {receipts.NS} if options.receipts else set()
    features |= {attention.NS} if options.bell else set()
    features |= options.opener.features() if options.opener is not None else set()
    async with AsyncExitStack() as stack:
        box = stack.enter_context(session.inbox(options.takes, keep=False))

        def may_offer(record: Stanza) -> bool:
            if _may_offer(record, options) and wanted.accepts(record):
                return True
            session.trace.note(f"refused what {record.from_} offers")
            return False

        taker = decliner = None
        if options.offers:
            from xmppctl.protocol.jingle import declining

            decliner = declining.Decliner(session, may_offer, box.queue.put_nowait, raw=options.raw)
            for tag in declining.TAGS:
                session.handle_iq(tag, decliner)
        if options.fetch is not None:
            from xmppctl.protocol import ooboffer

            taker = ooboffer.Taker(
                may_offer,
                options.fetch,
                box.queue.put_nowait,
                raw=options.raw,
            )
            features |= {ooboffer.NS}
            session.handle_iq(ooboffer.TAG, taker)
        first = None if options.rooms else presence.compose(priority=0, features=features)
        await presence.appear(
            session, first, features=features, copies=options.carbons, rooms=options.rooms
        )
        rooms = Attendance(everything=options.everything)
        for each in options.rooms:
            join = room.joined(
                session,
                each.bare,
                options.nick or room.own_nick(session),
                password=options.room_password,
                history=options.history,
                since=options.since,
                features=features,
                solve=options.solve,
            )
            here = await stack.enter_async_context(join)
            rooms.enter(here, await occupants.features(session, here.room))
            options.entered(here)
        if options.inactive and not session.inactive:
            session.send(csi.INACTIVE)
        ready()
        session.trace.enter("listen")
        shown = 0
        own, me = session.bare, lenient(str(session.jid))
        with Acknowledging(session, box, options.settle) as taken:
            async for stanza in _incoming(session, box, options, rooms):
                if stanza.tag == IQ:
                    for source in (decliner, taker):
                        offered = source.record(stanza) if source is not None else None
                        if offered is not None:
                            yield offered
                    shown += 1
                    if shown == options.count:
                        break
                    continue
                removed = rooms.removal(stanza)
                if options.opener is not None and options.opener.hides(stanza):
                    taken.over(stanza)
                    continue
                clear = stanza
                if options.opener is not None and wanted.may_take(stanza):
                    clear = await options.opener.open(stanza)
                    if options.opener.silent:
                        options.opener.handed_on(stanza, wanted=True)
                        taken.over(stanza)
                        continue
                record = read(
                    clear, rooms.context(stanza, own, session.trace.note), raw=options.raw
                )
                if stanza.tag == PRESENCE and lenient(stanza.get("from", "")) == me:
                    continue  # the own one, which the server sends back
                look = rooms.look(record, stanza) if record is not None else "nothing"
                if record is not None and look != "nothing" and wanted.accepts(record):
                    record = rooms.complete(record, stanza)
                    yield record
                    _take_over(record, stanza, taken, options)
                    if options.receipts and record.carbon is None:
                        _give_receipt(session, stanza)
                    shown += look == "news" and _counts(record, options)
                elif record is None or not _is_kept_for_later(record):
                    _take_over(record, stanza, taken, options)
                elif record.encryption is not None and options.opener is not None:
                    options.opener.handed_on(stanza, wanted=False)
                if removed is not None:
                    raise removed
                if shown == options.count:
                    break
            if taker is not None:
                taker.close()
                await session.give_up()
            await taken.settled()
        if options.count is not None and options.seconds is not None and shown < options.count:
            raise presence.too_few(shown, options.count, options.seconds)


def _take_over(
    record: Stanza | None, stanza: Element, taken: Acknowledging, options: Options
) -> None:
    """Nobody needs the stanza any more; what it was opened to is told to who opened it."""
    taken.over(stanza)
    if record is not None and record.encryption is not None and options.opener is not None:
        options.opener.handed_on(stanza, wanted=True)


def _may_offer(record: Stanza, options: Options) -> bool:
    """Who is seen in rooms alone takes files from there alone."""
    sender = record.from_ or ""
    return not options.rooms or any(presence.covers(room, sender) for room in options.rooms)


def _counts(record: Stanza, options: Options) -> bool:
    return options.counted is None or record.type in options.counted


async def _incoming(
    session: Session, box: Inbox, options: Options, rooms: Attendance
) -> AsyncIterator[Element]:
    loop = asyncio.get_running_loop()
    deadline = None if options.seconds is None else loop.time() + options.seconds
    while True:
        until = deadline
        if rooms:
            check = loop.time() + SILENCE
            until = check if deadline is None else min(deadline, check)
        async for stanza in presence.arriving(session, box, until):
            yield stanza
        if until == deadline:
            break
        await rooms.check(session)
    if options.inactive:
        # what the server held back comes before the answer (XEP-0352 §5)
        barrier = flights.barrier(session)
        session.send(csi.ACTIVE, barrier.element)
        await session.answer(barrier, step="listen")
        for stanza in box.drain():
            yield stanza


def _is_kept_for_later(record: Stanza) -> bool:
    """Whether the server would keep it for a client that comes later (RFC 6121 §8.5.2.2)."""
    return (
        record.stanza == "message"
        and record.type in ("chat", "normal")
        and record.carbon is None
        # what is encrypted may have its text inside alone
        and (record.body is not None or record.encryption is not None)
    )


def _give_receipt(session: Session, stanza: Element) -> None:
    receipt = receipts.answer(stanza, session.bare) if stanza.tag == MESSAGE else None
    if receipt is not None:
        session.send(receipt)


class Acknowledging:
    """Takes stanzas over for good, ``delay`` seconds after their records were handed on."""

    def __init__(self, session: Session, box: Inbox, delay: float) -> None:
        self._session = session
        self._box = box
        self._delay = delay
        self._waiting: deque[tuple[float, Element]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Acknowledging:
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._tell()

    def over(self, stanza: Element) -> None:
        """The record of this stanza was handed on, or it has none."""
        loop = asyncio.get_running_loop()
        self._waiting.append((loop.time() + self._delay, stanza))
        if not self._delay:
            self._settle()
        elif self._timer is None:
            self._timer = loop.call_later(self._delay, self._settle)

    async def settled(self) -> None:
        """Wait until all that was handed on counts as taken over."""
        loop = asyncio.get_running_loop()
        if self._waiting:
            await asyncio.sleep(self._waiting[-1][0] - loop.time())
        self._settle(everything=True)

    def _settle(self, *, everything: bool = False) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting and (everything or self._waiting[0][0] <= loop.time()):
            self._session.handled(self._waiting.popleft()[1])
        self._timer = None
        if self._waiting:
            self._timer = loop.call_at(self._waiting[0][0], self._settle)
        if not len(self._box):
            self._tell()

    def _tell(self) -> None:
        """Without being asked, so that as little as possible comes a second time."""
        with suppress(XmppctlError):
            self._session.acknowledge()
