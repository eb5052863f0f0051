"""Marking conversations as displayed, forwards only (XEP-0490 §5.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from xmppctl.errors import ErrorInfo, RefusedError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.mam import ArchivedMessage
from xmppctl.model.unread import Displayed, Marked, Store
from xmppctl.protocol import disco, mam, mds, ngx, private
from xmppctl.protocol.outgoing import Outgoing, compose
from xmppctl.protocol.payload import markers as chat_markers
from xmppctl.protocol.send import send
from xmppctl.protocol.unread import Marker, Tally, chat_of, counts, is_later, locate, searchable
from xmppctl.records import dataclass
from xmppctl.session.stream import Session

_STEP = "unread"
_LOOK = 50
"""How many of the newest messages are looked through for one by somebody else."""

_LOOK_AMONG_ALL = 2000
"""As many where the archive cannot be asked for those of the conversation alone."""

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Point:
    """A message up to which a conversation is to be marked; ``archive`` is whose id it has."""

    chat: Jid
    archive: str
    message: ArchivedMessage

    def displayed(self, store: Store) -> Displayed:
        """The marker in the form of a store."""
        if store == "mds":
            return Displayed(id=self.message.archive_id, by=self.archive)
        return Displayed(at=self.message.timestamp)


def points(session: Session, unread: Sequence[Tally]) -> list[Point]:
    """The newest messages of conversations that have unread ones."""
    found = []
    for tally in unread:
        if tally.newest is not None:
            is_room = tally.newest.type == "groupchat"
            found.append(
                Point(tally.chat, str(tally.chat) if is_room else session.bare, tally.newest)
            )
    return found


async def find(
    session: Session, chat: Jid, id: str | None, known: Marker | None, *, force: bool
) -> tuple[Point, bool]:
    """The message ``id`` of a conversation, or its newest; and whether that moves the marker.

    The newest is that of somebody else, where there is one among the last 50. Raises RefusedError:
    item-not-found where the archive has no such message, not-newer where it stands before the one
    that is marked, unless ``force``.
    """
    archive, message = await _search(session, chat, id, known)
    point = Point(chat, archive.name, message)
    if known is None:
        return point, True
    if known.displayed.id is None:
        if known.displayed.at is None or is_later(message, known.displayed.at):
            return point, True
        is_same = _is_same(message, known.displayed)
    else:
        if known.displayed.by != archive.name:
            return point, True
        is_same = message.archive_id == known.displayed.id
        if not is_same:
            marked = await locate(archive, known.displayed.id)
            if marked is None or await _precedes(archive, marked, message):
                return point, True
    if not is_same and not force:
        raise RefusedError(
            f"the message {message.archive_id} is older than the one up to which the conversation "
            f"with {chat} is displayed",
            step=_STEP,
            condition="not-newer",
            by=session.bare,
            hint="--force moves the marker back",
        )
    return point, not is_same


def _is_same(message: ArchivedMessage, displayed: Displayed) -> bool:
    """Whether a marker that is a time stands at the very message."""
    return displayed.at is not None and is_later(message, displayed.at - timedelta(milliseconds=1))


async def publish(
    session: Session, wanted: Sequence[Point], store: Store, *, reconfigure: bool
) -> list[Marked]:
    """Set the markers of these conversations. Raises as ``pep.publish``."""
    found: Mapping[Jid, Displayed] = {point.chat: point.displayed(store) for point in wanted}
    if found:
        publishing = mds.publish if store == "mds" else ngx.publish
        await publishing(session, found, reconfigure=reconfigure)
    return [record(point, store, changed=True) for point in wanted]


def record(point: Point, store: Store, *, changed: bool) -> Marked:
    """What became of a conversation."""
    return Marked(
        jid=str(point.chat),
        store=store,
        id=point.message.archive_id,
        by=point.archive,
        at=point.message.timestamp,
        changed=changed,
    )


async def tell(
    session: Session, wanted: Sequence[Point], records: Sequence[Marked]
) -> list[Marked]:
    """Send displayed markers (XEP-0333) to the senders who asked for one; the records with that.

    Not into rooms: who marks them need not be in there.
    """
    stanzas: list[Outgoing] = []
    asked: dict[str, int] = {}
    for number, point in enumerate(wanted):
        message = point.message
        wish = message.marker is not None and message.marker.type == "markable"
        if not wish or not message.id or not counts(message) or message.type == "groupchat":
            session.trace.note(f"{point.chat} asked for no displayed marker")
            continue
        outgoing = compose(point.chat, id=session.new_id())
        chat_markers.tell_displayed(outgoing.stanza, message.id)
        if point.chat.is_full:
            private.mark(outgoing.stanza)
        asked[outgoing.id] = number
        stanzas.append(outgoing)
    told = list(records)

    async def source() -> AsyncIterator[Outgoing]:
        for stanza in stanzas:
            yield stanza

    if stanzas:
        async for result in send(session, source()):
            number = asked[result.id]
            error: ErrorInfo | None = result.error
            told[number] = replace(told[number], told=error is None, error=error)
    return told


async def _search(
    session: Session, chat: Jid, id: str | None, known: Marker | None
) -> tuple[mam.Archive, ArchivedMessage]:
    """The message and its archive: the own one, or the room's where ``chat`` is one."""
    archive = mam.Archive(session)
    is_room = known is not None and known.is_of_room(chat, session.bare)
    if not is_room:
        message = await _look(archive, chat, id)
        if message is not None:
            return archive, message
        # only now: the server of a contact may be slow to answer, or dead
        is_room = not chat.is_full and await _is_room(session, chat)
    if is_room:
        archive = mam.Archive(session, chat)
        message = await _look(archive, chat, id)
        if message is not None:
            return archive, message
    what = "no message" if id is None else f"no message with the id {id}"
    raise RefusedError(
        f"the archive of {archive.name} has {what} of the conversation with {chat}",
        step=_STEP,
        condition="item-not-found",
        by=archive.name,
        hint="archive ids are those of this archive: the archive_id of mam query",
    )


async def _look(archive: mam.Archive, chat: Jid, id: str | None) -> ArchivedMessage | None:
    if id is not None:
        message = await locate(archive, id)
        return message if message is not None and _belongs(archive, message, chat) else None
    peer = None if archive.is_room else searchable(chat)
    limit = _LOOK if peer is not None or archive.is_room else _LOOK_AMONG_ALL
    newest: ArchivedMessage | None = None
    walk = mam.backwards(archive, mam.Filter(with_=peer), page_size=_LOOK, limit=limit)
    async for message in walk:
        if _belongs(archive, message, chat):
            if counts(message):
                return message
            newest = newest or message
    return newest


def _belongs(archive: mam.Archive, message: ArchivedMessage, chat: Jid) -> bool:
    if archive.is_room:
        return message.type == "groupchat" and lenient(message.from_ or "").is_full
    # what a room itself wrote to the account, such as an invitation, is no conversation with it
    return chat_of(message, {chat: None}) == chat and message.invite is None


async def _is_room(session: Session, jid: Jid) -> bool:
    try:
        found = await disco.info(session, jid)
    except RefusedError:
        return False
    return any(identity.category == "conference" for identity in found.identities)


async def _precedes(archive: mam.Archive, one: ArchivedMessage, other: ArchivedMessage) -> bool:
    """Whether ``one`` stands before ``other``; one server tells only whole seconds."""
    if one.timestamp is None or other.timestamp is None or one.timestamp != other.timestamp:
        return one.timestamp is None or (
            other.timestamp is not None and one.timestamp < other.timestamp
        )
    begin = one.timestamp.replace(microsecond=0)
    same_second = mam.Filter(start=begin, end=begin + _SECOND)
    async for message in mam.forwards(archive, same_second, page_size=_LOOK):
        if message.archive_id == one.archive_id:
            return True
        if message.archive_id == other.archive_id:
            return False
    return False
