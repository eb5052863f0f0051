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
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from re import Pattern
from typing import Any
from xml.etree.ElementTree import Element

import aioxmpp.ping.xso as ping_xso

from xmppctl.errors import RefusedError, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.message import Message
from xmppctl.model.stanza import Stanza
from xmppctl.protocol import (
    Xep,
    addresses,
    caps_own,
    carbons,
    csi,
    markers,
    message,
    presence,
    receipts,
    room,
)
from xmppctl.session.inbox import Inbox
from xmppctl.session.stream import MESSAGE, PRESENCE, Session

XEPS = (
    Xep("0085", "2.1", "partial", "shown by listeners"),
    Xep("0224", "1.0", "partial", "shown by listeners, which can ring the bell"),
)

MESSAGE_TYPES = frozenset({"chat", "normal", "headline", "groupchat", "error"})

_NS_STATES = "http://jabber.org/protocol/chatstates"
_ATTENTION = "{urn:xmpp:attention:0}attention"
_STATES = ("active", "composing", "paused", "inactive", "gone")
_READ = frozenset(
    {receipts.REQUEST, receipts.RECEIVED, addresses.ADDRESSES, _ATTENTION}
    | {f"{{{_NS_STATES}}}{name}" for name in _STATES}
    | {f"{{{markers.NS}}}{name}" for name in ("markable", "displayed", "received", "acknowledged")}
)


@dataclass(frozen=True)
class Filter:
    """What is wanted. Empty ``senders``: everybody; ``matching`` is searched for in the text."""

    types: frozenset[str] = MESSAGE_TYPES
    senders: tuple[Jid, ...] = ()
    matching: Pattern[str] | None = None
    delayed: bool = True

    def accepts(self, record: Stanza) -> bool:
        """Whether this one is wanted."""
        if record.type not in self.types or (record.delay is not None and not self.delayed):
            return False
        sender = record.from_ or ""
        if self.senders and not any(presence.covers(jid, sender) for jid in self.senders):
            return False
        if self.matching is None:
            return True
        texts = (record.body, *record.bodies.values(), record.subject, record.status)
        return any(text and self.matching.search(text) for text in texts)


@dataclass(frozen=True)
class Options:
    """How to listen. ``settle``: seconds from a record being handed on until it is flushed."""

    rooms: tuple[Jid, ...] = ()
    nick: str | None = None
    room_password: str | None = None
    carbons: bool = False
    receipts: bool = False
    inactive: bool = False
    bell: bool = False
    count: int | None = None
    seconds: float | None = None
    settle: float = 0.0
    raw: bool = False


def read(
    stanza: Element, *, own: str, rooms: frozenset[str] = frozenset(), raw: bool = False
) -> Stanza | None:
    """The record of a message or presence; None for a forged carbon.

    ``own`` is the own bare JID; ``rooms`` are those whose word on delays and ids counts.
    """
    if stanza.tag == PRESENCE:
        return _presence(stanza, own, raw)
    copy: carbons.Direction | None = None
    inner = stanza
    if carbons.is_carbon(stanza):
        unwrapped = carbons.unwrap(stanza, own)
        if unwrapped is None:
            return None
        copy, inner = unwrapped
    found = message.read(inner, own=own, trusted=rooms, raw=raw)
    known: dict[str, Any] = {each.name: getattr(found, each.name) for each in fields(Message)}
    known |= {
        "timestamp": found.timestamp or datetime.now(UTC),
        "extensions": [tag for tag in found.extensions if tag not in _READ],
        "carbon": copy,
        "receipt": receipts.read(inner),
        "marker": markers.read(inner),
        "chat_state": next(
            (name for name in _STATES if inner.find(f"{{{_NS_STATES}}}{name}") is not None), None
        ),
        "attention": True if inner.find(_ATTENTION) is not None else None,
        "addresses": addresses.read(inner),
    }
    return Stanza(**known)


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
        csi.require(session)
    features = set(caps_own.FEATURES)
    features |= {receipts.NS} if options.receipts else set()
    features |= {"urn:xmpp:attention:0"} if options.bell else set()
    async with AsyncExitStack() as stack:
        box = stack.enter_context(session.inbox(lambda stanza: True, keep=False))
        first = None if options.rooms else presence.compose(priority=0, features=features)
        await presence.appear(
            session, first, features=features, copies=options.carbons, rooms=options.rooms
        )
        rooms = _Rooms()
        for each in options.rooms:
            join = room.joined(
                session,
                each.bare,
                options.nick or session.jid.local or "xmppctl",
                password=options.room_password,
            )
            rooms.enter(await stack.enter_async_context(join))
        if options.inactive:
            session.send(csi.INACTIVE)
        ready()
        session.trace.enter("listen")
        shown = 0
        own, me = session.bare, lenient(str(session.jid))
        with _Acknowledging(session, box, options.settle) as taken:
            async for stanza in _incoming(session, box, options):
                rooms.check(stanza)
                record = read(stanza, own=own, rooms=rooms.names, raw=options.raw)
                if stanza.tag == PRESENCE and lenient(stanza.get("from", "")) == me:
                    continue  # the own one, which the server sends back
                if record is None or not rooms.accept(record) or not wanted.accepts(record):
                    if record is None or not _is_kept_for_later(record):
                        taken.over(stanza)
                    continue
                yield record
                taken.over(stanza)
                if options.receipts and record.carbon is None:
                    _give_receipt(session, stanza)
                shown += 1
                if shown == options.count:
                    break
            await taken.settled()
        if options.count is not None and options.seconds is not None and shown < options.count:
            raise presence.too_few(shown, options.count, options.seconds)


async def _incoming(session: Session, box: Inbox, options: Options) -> AsyncIterator[Element]:
    seconds = options.seconds
    deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
    async for stanza in presence.arriving(session, box, deadline):
        yield stanza
    if options.inactive:
        # what the server held back comes before the answer (XEP-0352 §5)
        barrier = session.ask(ping_xso.Ping(), to=session.domain)
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
        and record.body is not None
    )


def _give_receipt(session: Session, stanza: Element) -> None:
    receipt = receipts.answer(stanza, session.bare) if stanza.tag == MESSAGE else None
    if receipt is not None:
        session.send(receipt)


class _Rooms:
    """The rooms that are listened to; none: everything is."""

    def __init__(self) -> None:
        self._joined: dict[str, room.Joined] = {}
        self._subjects: set[str] = set()

    def enter(self, joined: room.Joined) -> None:
        """One more room."""
        self._joined[str(joined.room)] = joined

    @property
    def names(self) -> frozenset[str]:
        """Their JIDs."""
        return frozenset(self._joined)

    def accept(self, record: Stanza) -> bool:
        """Whether it comes from one of the rooms, and is more than the subject upon joining.

        That one comes to everybody who joins, as the last thing of the past (XEP-0045 §7.2.15).
        """
        if not self._joined:
            return True
        place = str(lenient(record.from_ or "").bare)
        if place not in self._joined:
            return False
        if record.type != "groupchat":
            return True
        first = place not in self._subjects
        self._subjects.add(place)
        return not (first and record.subject is not None and record.body is None)

    def check(self, stanza: Element) -> None:
        """Raise RefusedError where the stanza says that a room has put the client out."""
        if stanza.tag != PRESENCE or stanza.get("type") not in ("unavailable", "error"):
            return
        sender = lenient(stanza.get("from", ""))
        joined = self._joined.get(str(sender.bare))
        if joined is None or sender != joined.me:
            return
        codes = {
            status.get("code", "")
            for status in stanza.iterfind(f"{{{room.NS_USER}}}x/{{{room.NS_USER}}}status")
        }
        if "303" in codes:  # a new nickname, given by the room
            return
        joined.silent = True
        destroyed = stanza.find(f"{{{room.NS_USER}}}x/{{{room.NS_USER}}}destroy") is not None
        why = (
            "it was destroyed" if destroyed else _REASONS.get(min(codes & _REASONS.keys() or {""}))
        )
        raise RefusedError(
            f"{sender.bare} has put the client out: {why or 'it does not say why'}",
            step="listen",
            condition="gone" if destroyed else "forbidden",
            by=str(sender.bare),
        )


_REASONS = {
    "301": "banned",
    "307": "kicked",
    "321": "no longer a member",
    "322": "the room is now for members only",
    "332": "the service shuts down",
    "333": "a technical problem",
}


class _Acknowledging:
    """Takes stanzas over for good, ``delay`` seconds after their records were handed on."""

    def __init__(self, session: Session, box: Inbox, delay: float) -> None:
        self._session = session
        self._box = box
        self._delay = delay
        self._waiting: deque[tuple[float, Element]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> _Acknowledging:
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
        if self._session.inbound is not None:
            with suppress(XmppctlError):
                self._session.send(self._session.inbound.answer())
