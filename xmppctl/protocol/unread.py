"""Which messages are unread: the markers of XEP-0490, or of ngx-chat, and the archive (XEP-0313).

A message counts where it is of type chat or normal (in a room: groupchat), came from somebody else
and has a text, or an encrypted one. The account's own messages neither count nor mark what came
before them as displayed (XEP-0490 §5.1).

One walk through the own archive counts what is younger than a date. Only for a marker that was not
met there the archive is asked about its conversation alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.mam import ArchivedMessage
from xmppctl.model.unread import ChatState, Displayed, LastMessage, Store, Unread
from xmppctl.protocol import mam, mds, ngx
from xmppctl.records import dataclass
from xmppctl.session.stream import Session

Choice = Literal["auto", "mds", "ngx"]

_PAGE = 250
_AT_ONCE = 16
_MILLISECOND = timedelta(milliseconds=1)
_PRIVATE = "{http://jabber.org/protocol/muc#user}x"


@dataclass(frozen=True)
class Marker:
    """Up to where a conversation was displayed, and which store says so."""

    displayed: Displayed
    store: Store

    def is_of_room(self, chat: Jid, own: str) -> bool:
        """Whether its id is one of the archive of the room ``chat``."""
        return self.displayed.by == str(chat) != own


class Tally:
    """What is unread of one conversation, message by message in the order of the archive."""

    def __init__(self, chat: Jid, marker: Marker | None) -> None:
        self.chat = chat
        self.marker = marker
        self.met = False
        self.number = 0
        self.first: datetime | None = None
        self.newest: ArchivedMessage | None = None

    def see(self, message: ArchivedMessage) -> None:
        """The next message of the conversation."""
        if self.marker is not None and shows(self.marker.displayed, message):
            self.met = True
            self.number, self.first, self.newest = 0, None, None
        elif counts(message):
            self.number += 1
            self.first = self.first or message.timestamp
            self.newest = message

    @property
    def record(self) -> Unread:
        """The result."""
        newest = self.newest
        return Unread(
            jid=str(self.chat),
            unread=self.number,
            store=self.marker.store if self.marker is not None else None,
            last_displayed=self.marker.displayed if self.marker is not None else None,
            first_unread_at=self.first,
            last_message=LastMessage(newest.archive_id, newest.timestamp, _text(newest))
            if newest is not None
            else None,
        )


def _text(message: ArchivedMessage) -> str | None:
    """What it says; beside what is encrypted is only a text for clients that cannot read it."""
    return message.body if message.encryption is None else None


def counts(message: ArchivedMessage) -> bool:
    """Whether the message is one to be read."""
    if message.direction == "out" or message.type not in ("chat", "normal", "groupchat"):
        return False
    return message.body is not None or message.encryption is not None


def shows(displayed: Displayed, message: ArchivedMessage) -> bool:
    """Whether the marker says that the conversation was displayed up to this message."""
    if displayed.id is not None:
        return message.archive_id == displayed.id
    return displayed.at is not None and not is_later(message, displayed.at)


def is_later(message: ArchivedMessage, moment: datetime) -> bool:
    """Whether the message came after ``moment``, to the millisecond."""
    stamp = message.timestamp
    return stamp is not None and (stamp - moment) // _MILLISECOND > 0


def chat_of(message: ArchivedMessage, known: Mapping[Jid, object]) -> Jid | None:
    """The JID of the conversation that a message of the own archive belongs to.

    A bare JID; the full one for private messages in a room, and where a marker is about it. None
    for what is said in rooms: it has ids of their archives.
    """
    if message.type == "groupchat" or message.room is not None:
        return None
    other = message.to if message.direction == "out" else message.from_
    if not other:
        return None
    jid = lenient(other)
    if jid in known or (jid.is_full and _PRIVATE in message.extensions):
        return jid
    return jid.bare


def searchable(chat: Jid | None) -> Jid | None:
    """The JID to ask an archive for; None where all its messages have to be looked through.

    One server may have the archive of the room in mind where it is asked for a private message in
    a room (ejabberd 23.01 with ``user_mucsub_from_muc_archive``).
    """
    return None if chat is None or chat.is_full else chat


async def markers(session: Session, store: Choice) -> dict[Jid, Marker]:
    """The markers of a store; ``auto``: those of MDS, and of ngx-chat where MDS has none.

    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    found: dict[Jid, Marker] = {}
    if store == "auto":
        standard, other = await asyncio.gather(mds.fetch(session), ngx.fetch(session))
    else:
        standard = await mds.fetch(session) if store == "mds" else {}
        other = await ngx.fetch(session) if store == "ngx" else {}
    found.update((jid, Marker(displayed, "ngx")) for jid, displayed in other.items())
    found.update((jid, Marker(displayed, "mds")) for jid, displayed in standard.items())
    return found


async def tallies(
    session: Session,
    known: Mapping[Jid, Marker],
    *,
    since: datetime,
    with_: Jid | None,
    warn: Callable[[str], None],
) -> list[Tally]:
    """What is unread of each conversation, sorted by JID; only of that ``with_`` a JID.

    Conversations without a marker are counted from ``since`` on, those with one from there on,
    however old it is. ``warn`` is told which rooms could not be asked. Raises RefusedError,
    UnsupportedError, DeadlineError.
    """
    wanted = {jid: marker for jid, marker in known.items() if _is_wanted(jid, with_)}
    rooms = {jid for jid, marker in wanted.items() if marker.is_of_room(jid, session.bare)}
    archive = mam.Archive(session)
    found: dict[Jid, Tally] = {}
    asked = mam.Filter(with_=searchable(with_), start=since)
    walk = mam.forwards(archive, asked, page_size=_PAGE)
    async for message in walk:
        chat = chat_of(message, wanted)
        if chat is None or chat in rooms or not _is_wanted(chat, with_):
            continue
        if chat not in found:
            found[chat] = Tally(chat, wanted.get(chat))
        found[chat].see(message)
    unmet = [
        jid
        for jid, marker in wanted.items()
        if jid not in rooms and not _is_met(marker, found.get(jid), since)
    ]
    place = asyncio.Semaphore(_AT_ONCE)

    async def older(chat: Jid) -> None:
        async with place:
            found[chat] = await _older(archive, chat, wanted[chat], found.get(chat))

    await asyncio.gather(*map(older, unmet))
    for room in rooms:
        try:
            found[room] = await _in_room(session, room, wanted[room], since)
        except (RefusedError, UnsupportedError) as error:
            if with_ is not None:
                raise
            warn(f"left out: {error.text}")
    return [found[jid] for jid in sorted(found, key=str)]


def _is_wanted(jid: Jid, with_: Jid | None) -> bool:
    return with_ is None or with_ in (jid, jid.bare)


def _is_met(marker: Marker, tally: Tally | None, since: datetime) -> bool:
    """Whether the walk from ``since`` on tells all about a conversation."""
    if marker.displayed.at is not None:
        return marker.displayed.at >= since
    return tally is not None and tally.met


async def _older(archive: mam.Archive, chat: Jid, marker: Marker, recent: Tally | None) -> Tally:
    """The tally of a conversation whose marker was not among the ``recent`` messages."""
    displayed = marker.displayed
    if recent is None and await _is_newest(archive, chat, displayed):
        return Tally(chat, marker)
    after = mam.Filter(with_=searchable(chat), start=displayed.at)
    if displayed.id is not None:
        message = await locate(archive, displayed.id)
        if message is None or chat_of(message, {chat: None}) != chat:
            archive.session.trace.note(
                f"the archive has no message {displayed.id} of {chat}: its marker tells nothing"
            )
            return recent or Tally(chat, marker)
        after = mam.Filter(with_=searchable(chat), after_id=displayed.id)
    tally = Tally(chat, marker)
    async for message in mam.forwards(archive, after, page_size=_PAGE):
        if chat_of(message, {chat: None}) == chat:
            tally.see(message)
    return tally


async def _is_newest(archive: mam.Archive, chat: Jid, displayed: Displayed) -> bool:
    """Whether the marker stands at the end of the conversation, or there is none; one question."""
    if searchable(chat) is None:
        return False
    wanted = mam.Filter(with_=chat)
    async for message in mam.backwards(archive, wanted, page_size=1, limit=1):
        return chat_of(message, {}) == chat and shows(displayed, message)
    return True


async def _in_room(session: Session, room: Jid, marker: Marker, since: datetime) -> Tally:
    archive = mam.Archive(session, room)
    id = marker.displayed.id
    wanted = mam.Filter(after_id=id)
    if id is not None and await locate(archive, id) is None:
        session.trace.note(f"the archive of {room} has no message {id}: its marker tells nothing")
        wanted = mam.Filter(start=since)
    tally = Tally(room, marker)
    async for message in mam.forwards(archive, wanted, page_size=_PAGE):
        if message.type == "groupchat" and lenient(message.from_ or "").is_full:
            tally.see(message)
    return tally


async def locate(archive: mam.Archive, id: str) -> ArchivedMessage | None:
    """The message with this archive id; None where the archive has none.

    Raises RefusedError where the archive itself is not there or closed, UnsupportedError,
    DeadlineError.
    """
    try:
        return (await mam.locate(archive, id)).message
    except RefusedError as error:
        # with a type it is a stanza error: the room itself may be what is not found
        if error.condition != "item-not-found" or (archive.is_room and error.type is not None):
            raise
    return None


async def states(session: Session, jid: Jid | None) -> list[ChatState]:
    """What the stores say of each conversation, sorted by JID; only of ``jid`` where it is given.

    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    displayed, read, known = await asyncio.gather(
        mds.fetch(session), ngx.fetch(session), ngx.states(session)
    )
    told = {each.jid: each for each in known}
    names = {str(each) for each in (*displayed, *read)} | set(told)
    found = []
    for name in sorted(names):
        if jid is not None and name != str(jid):
            continue
        state, marker = told.get(name), displayed.get(lenient(name), Displayed())
        found.append(
            ChatState(
                jid=name,
                displayed_id=marker.id,
                displayed_by=marker.by,
                last_read_at=read.get(lenient(name), Displayed()).at,
                last_received_at=state.last_received_at if state is not None else None,
                last_seen_at=state.last_seen_at if state is not None else None,
                last_sent_at=state.last_sent_at if state is not None else None,
            )
        )
    return found
