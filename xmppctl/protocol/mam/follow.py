"""XEP-0313: on with what comes in behind what an archive holds, without a gap or a double.

First the archive is read. Then the client is seen and gets copies (or enters the room), and while
what comes in is kept back, the archive is asked for what came meanwhile: to its end, or to what has
come in as well, so that nobody who writes fast holds it up. What comes in has the id that it has in
the archive (XEP-0359, as XEP-0313 §5.1.1 asks of servers), and is given once.

The other order, seen first, would hold back all acknowledgements (XEP-0198) for as long as the
archive is read: one server sends the archive's unacknowledged answers to the account's next client
(ejabberd 23.01). Memory holds the ids of what was given, and what came in at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element

from xmppctl.errors import XmppctlError
from xmppctl.model.jid import lenient
from xmppctl.model.mam import ArchivedMessage
from xmppctl.model.message import Message
from xmppctl.model.stanza import Stanza
from xmppctl.protocol import carbons, listen
from xmppctl.protocol.mam.query import Archive, Filter
from xmppctl.protocol.mam.walk import forwards
from xmppctl.protocol.message import NS_DELAY, NS_STANZA_ID
from xmppctl.session.stream import MESSAGE
from xmppctl.session.xml import parse

_MOMENT = 0.05
"""Seconds in which what has come in already is handed on."""

_OF_ARCHIVE = frozenset({"archive_id", "stanza_ids", "timestamp", "delay", "muc", "raw_xml"})
"""What the archive alone says of a message, or says again."""

_DELAY = f"{{{NS_DELAY}}}delay"
_STANZA_ID = f"{{{NS_STANZA_ID}}}stanza-id"

Messages = AsyncGenerator[ArchivedMessage, None]


def _as_they_are(messages: Messages) -> Messages:
    return messages


async def follow(
    archive: Archive,
    wanted: Filter,
    ask: Callable[[], Messages],
    *,
    page_size: int,
    options: listen.Options,
    ready: Callable[[], None],
    through: Callable[[Messages], Messages] = _as_they_are,
) -> Messages:
    """What ``ask`` gives, which is to reach the end of the archive, then what comes in.

    ``wanted`` is what was asked for, without an end; ``options.rooms`` has the archive's room, if
    it is that of one. ``ready`` is called when what comes in is seen; ``options.seconds`` are
    counted from there. What comes out of the archive goes ``through`` a function; what comes in
    and is in no archive has no ``archive_id``, and is given where it has a text. A message counts
    as delivered when the next one is asked for. Ends and raises as ``listen.listen``, and as
    ``ask`` does.
    """
    given = _Given(archive, wanted)
    seen = asyncio.Event()

    def is_seen() -> None:
        ready()
        seen.set()

    how = replace(options, raw=True, takes=given.takes)
    live = listen.listen(archive.session, listen.Filter(fits=given.is_asked_for), how, is_seen)
    coming = _Coming(live, given)

    async def archived() -> Messages:
        async with aclosing(_whole(ask(), given)) as first:
            async for message in first:
                yield message
        await coming.begin(seen)
        last = given.last
        rest = forwards(archive, wanted, page_size=page_size, after=last) if last else ask()
        async with aclosing(_up_to_what_came(rest, given, page_size)) as second:
            async for message in second:
                yield message
        given.is_over = True

    try:
        async with aclosing(through(archived())) as messages:
            async for message in messages:
                yield message
        while (record := await coming.next()) is not None:
            uid = given.uid(record)
            if not given.has(record, uid):
                yield _read(archive, record, uid)
            coming.go_on()
    finally:
        await coming.end()


async def _whole(messages: Messages, given: _Given) -> Messages:
    """To the end, which may move: what is younger than the question is looked for later."""
    asked = datetime.now(UTC)
    async with aclosing(messages):
        async for message in messages:
            given.add(message)
            yield message
            if message.timestamp is not None and message.timestamp > asked:
                return


async def _up_to_what_came(messages: Messages, given: _Given, page_size: int) -> Messages:
    """To a page behind the first message that came in as well.

    So far behind, since servers that handle messages side by side may archive them out of order.
    """
    async with aclosing(messages):
        async for message in messages:
            if not given.has(message, message.archive_id):
                given.add(message)
                yield message
            if given.met > page_size:
                return


class _Coming:
    """What comes in, of which the next is waited for while something else is done."""

    def __init__(self, live: AsyncGenerator[Stanza, None], given: _Given) -> None:
        self._live = live
        self._given = given
        self._next: asyncio.Future[Stanza | None] | None = None

    def go_on(self) -> None:
        """The last one was dealt with, and may be acknowledged."""
        self._next = asyncio.ensure_future(self._fetch())

    async def _fetch(self) -> Stanza | None:
        return await anext(self._live, None)

    async def begin(self, seen: asyncio.Event) -> None:
        """Returns when the client is seen. Raises what keeps it from that."""
        self.go_on()
        assert self._next is not None
        waiting = asyncio.ensure_future(seen.wait())
        either: set[asyncio.Future[Any]] = {self._next, waiting}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if not seen.is_set():
            await self._next

    async def next(self) -> Stanza | None:
        """The next one, None where it has ended. Raises what ended it."""
        assert self._next is not None
        return await self._next

    async def end(self) -> None:
        """Take over what was given as part of the archive, and listen no more."""
        with suppress(XmppctlError, asyncio.CancelledError):
            while self._next is not None:
                await asyncio.wait({self._next}, timeout=_MOMENT)
                if not self._next.done() or not self._is_given(self._next.result()):
                    self._next.cancel()
                    await self._next
                    break
                self.go_on()
        await self._live.aclose()

    def _is_given(self, record: Stanza | None) -> bool:
        return record is not None and self._given.has(record, self._given.uid(record))


@cache
def _said() -> tuple[str, ...]:
    return tuple(field.name for field in fields(Message))


def _read(archive: Archive, record: Stanza, uid: str | None) -> ArchivedMessage:
    """The record that the archive will give of the same message."""
    message = archive.reader.message(parse(record.raw_xml or ""), uid)
    if record.encryption is not None and record.encryption.state == "decrypted":
        # it may be opened once alone, and was
        hidden = {name: getattr(record, name) for name in _said() if name not in _OF_ARCHIVE}
        message = replace(message, **hidden)
    return message if message.timestamp else replace(message, timestamp=record.timestamp)


class _Given:
    """What came out of the archive, and what of that which comes in is to follow it.

    ``met`` counts what came out since the first message that came in as well; ``is_over`` is set
    when nothing more comes out.
    """

    def __init__(self, archive: Archive, wanted: Filter) -> None:
        self._archive = archive
        self._wanted = wanted
        self._uids: set[str] = set()
        self._sent: set[str] = set()
        self._came: set[str] = set()
        self.last: str | None = None
        self.met = 0
        self.is_over = False

    def takes(self, stanza: Element) -> bool:
        """Whether a stanza is no answer of the archive, but comes in."""
        if self._archive.is_answer(stanza):
            return False
        if stanza.tag == MESSAGE and not self.is_over:
            own = self._archive.session.bare
            copy = carbons.unwrap(stanza, own) if carbons.is_carbon(stanza) else None
            inner = copy[1] if copy is not None else stanza
            # what was stored for a while tells nothing of where the archive ends
            if inner.find(_DELAY) is None:
                ids = [e.get("id", "") for e in inner.findall(_STANZA_ID)
                       if e.get("by") == self._archive.name]  # fmt: skip
                self._came.update(ids)
        return True

    def add(self, message: ArchivedMessage) -> None:
        """This one was given."""
        if message.archive_id is not None:
            self._uids.add(message.archive_id)
            self.last = message.archive_id
            self.met += self.met > 0 or message.archive_id in self._came
        if message.direction == "out" and message.id is not None:
            self._sent.add(message.id)

    def has(self, record: Message, uid: str | None) -> bool:
        """Whether this one, with the archive id ``uid``, was given.

        Not every server puts the id into the copy of what another client sent.
        """
        if uid is not None:
            return uid in self._uids
        return record.direction == "out" and record.id in self._sent

    def uid(self, record: Message) -> str | None:
        """The archive id of a message that comes in; None where it is in no archive."""
        by = self._archive.name
        return next((each.id for each in record.stanza_ids if each.by == by), None)

    def is_asked_for(self, record: Stanza) -> bool:
        """Whether ``listen`` is to hand it on, and to have it acknowledged behind that.

        Also what was given already. What was stored for a while is in the archive: where it is not
        among what came from there, nobody asked for it, and it stays with the server.
        """
        if self._archive.is_room and record.type != "groupchat":
            return False
        uid = self.uid(record)
        if self.has(record, uid):
            return True
        if uid is None and record.body is None and record.subject is None:
            return False
        return (uid is None or record.delay is None) and self._fits(record)

    def _fits(self, record: Message) -> bool:
        asked = self._wanted
        if asked.groupchat is False and record.type == "groupchat":
            return False
        if asked.start and record.timestamp and record.timestamp < asked.start:
            return False
        if asked.with_ is None:
            return True
        mine = record.direction == "out" and not self._archive.is_room
        party = lenient((record.to if mine else record.from_) or "")
        whole = asked.with_.is_full or self._archive.is_room
        return str(party if whole else party.bare) == str(asked.with_)
