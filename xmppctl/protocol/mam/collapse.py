"""Messages as they are now: with corrections, retractions, moderation and reactions applied.

Who may do what, and by which id, is a matter of each XEP:

* corrections (XEP-0308 §4): the sender of the first version, by the id that this message has, in
  rooms too; the latest one wins, and the message keeps its place;
* retractions (XEP-0424 §5): the sender; in a room by the id that the room gave the message;
* moderation (XEP-0425 §5): the room alone, by that id;
* reactions (XEP-0444 §4): either side of a conversation, in a room everybody there, by the same
  ids as retractions; a correction's id stands for the message that it corrects.

The sender is a bare JID, behind which a server vouches for each message. In a room it is the
occupant id (XEP-0421), or the real JID where the room shows it. Where it shows neither, corrections
and reactions go by the nickname, since the history shows what was there before; a retraction is
not believed (XEP-0424 §5: "MUST check"). Occupants who write privately are told apart by their
nicknames. What is not believed stays a message of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable
from functools import lru_cache
from typing import Any

from xmppctl.errors import XmppctlError
from xmppctl.model.jid import lenient
from xmppctl.model.mam import ArchivedMessage, CollapsedMessage, Reacted, Version
from xmppctl.model.payload.reference import Retracted
from xmppctl.protocol import Xep

XEPS = (
    Xep("0308", "1.2.1", "complete", "applied to archived messages by --collapse"),
    Xep("0424", "0.4.2", "complete", "applied to archived messages by --collapse"),
    Xep("0444", "0.2.1", "partial", "shown with the archived messages they are about"),
)

_PRIVATE = "{http://jabber.org/protocol/muc#user}x"

# what a message keeps whatever becomes of its content (XEP-0308 §4: no metadata is corrected)
_PLACE = (
    "id", "archive_id", "origin_id", "stanza_ids", "from_", "to", "type", "direction", "timestamp",
    "delay", "muc", "occupant_id", "hats", "room",
)  # fmt: skip

_SAME_ID = 32
"""Messages with one id, by senders who use it again: the last of them are known by it."""

_Key = tuple[str, str, str]
"""Kind of id, bare JID of the conversation, id."""


class _Entry:
    """A message that is shown, and what was said about it."""

    __slots__ = ("_seen", "edits", "original", "reactions", "retracted")

    def __init__(self, original: ArchivedMessage) -> None:
        self.original = original
        self.edits: list[ArchivedMessage] = []
        self.reactions: list[tuple[Hashable, ArchivedMessage]] = []
        self.retracted = original.retracted
        self._seen: set[Hashable] = set()

    def is_news(self, edit: ArchivedMessage) -> bool:
        """Whether this was not said before: a note to oneself is archived twice."""
        emojis = tuple(edit.reactions.emojis) if edit.reactions is not None else None
        copy = (edit.from_, edit.id, edit.body, emojis)
        known = edit.id is not None and copy in self._seen
        self._seen.add(copy)
        return not known


class Collapse:
    """Takes messages, oldest first, by ``add``; ``result`` gives what became of them.

    ``own``: the own bare JID. ``room``: the room whose archive it is, None for any other.
    ``note`` is told what was not believed. Memory grows with the messages: the last of them may
    be about the first.
    """

    def __init__(self, own: str, room: str | None, note: Callable[[str], None]) -> None:
        self._own = own
        self._room = room
        self._note = note
        self._entries: list[_Entry] = []
        self._known: dict[_Key, deque[_Entry]] = {}
        self._rooms: set[str] = set()

    def add(self, message: ArchivedMessage) -> None:
        """One more message."""
        if _in_room(message):
            self._rooms.add(_place(message))
        if message.type == "error":
            self._bounced(message)
        elif self._apply(message):
            return
        entry = _Entry(message)
        self._entries.append(entry)
        if message.type != "error":
            self._know(message, entry)

    def result(self) -> list[CollapsedMessage]:
        """What is left of the messages, oldest first."""
        return [_collapsed(entry, self._own) for entry in self._entries]

    # --- which message is meant

    def _know(self, message: ArchivedMessage, entry: _Entry) -> None:
        """By its ids ``message`` is ``entry`` from now on."""
        place = _place(message)
        for identifier in {message.id, message.origin_id} - {None}:
            self._put(("id", place, identifier or ""), entry)
        for identifier in self._room_ids(message):
            self._put(("stanza", place, identifier), entry)

    def _put(self, key: _Key, entry: _Entry) -> None:
        self._known.setdefault(key, deque(maxlen=_SAME_ID)).append(entry)

    def _room_ids(self, message: ArchivedMessage) -> set[str]:
        """The ids that the room gave it (XEP-0359); in the archive of the room, the id there."""
        if message.room is None:
            return set()
        found = {each.id for each in message.stanza_ids if each.by == message.room}
        if message.room == self._room and message.archive_id is not None:
            found.add(message.archive_id)
        return found

    def _meant(self, edit: ArchivedMessage, identifier: str, *, by_room: bool) -> list[_Entry]:
        kind = "stanza" if by_room and _in_room(edit) else "id"
        return list(self._known.get((kind, _place(edit), identifier), ()))

    def _believed(
        self, what: str, edit: ArchivedMessage, identifier: str, found: list[_Entry],
        may: Callable[[ArchivedMessage, ArchivedMessage], bool],
    ) -> list[_Entry]:  # fmt: skip
        """Those of ``found`` that ``edit`` may be about: one, and the copies of it.

        A note to oneself is archived twice, once sent and once received.
        """
        allowed = [each for each in found if may(each.original, edit)]
        if not allowed:
            if found:
                self._note(f"ignored a {what} of {identifier} by {edit.from_}: it is not theirs")
            return []
        last = allowed[-1]
        return [last, *(each for each in allowed[:-1] if _is_copy(each, last))]

    # --- what is said about it

    def _apply(self, edit: ArchivedMessage) -> bool:
        """Whether ``edit`` was about a message that is here, and went into it."""
        if edit.moderated is not None:
            return self._moderate(edit, edit.moderated.id)
        if edit.retract is not None:
            return self._retract(edit, edit.retract.id)
        if edit.reactions is not None:
            return self._react(edit, edit.reactions.id)
        if edit.replace_id is not None:
            return self._correct(edit, edit.replace_id)
        return False

    def _moderate(self, edit: ArchivedMessage, identifier: str) -> bool:
        told = edit.moderated
        assert told is not None

        def may(original: ArchivedMessage, edit: ArchivedMessage) -> bool:
            return edit.room is not None and _normal(edit.from_) == edit.room

        found = self._meant(edit, identifier, by_room=True)
        found = self._believed("moderation", edit, identifier, found, may)
        by = told.by or edit.room
        for entry in found:
            entry.retracted = entry.retracted or Retracted(edit.timestamp, by, told.reason, edit.id)
        return bool(found)

    def _retract(self, edit: ArchivedMessage, identifier: str) -> bool:
        found = self._meant(edit, identifier, by_room=True)
        found = self._believed("retraction", edit, identifier, found, self._is_surely_by)
        for entry in found:
            entry.retracted = entry.retracted or Retracted(edit.timestamp, id=edit.id)
        return bool(found)

    def _react(self, edit: ArchivedMessage, identifier: str) -> bool:
        found = self._meant(edit, identifier, by_room=True)
        found = self._believed("reaction", edit, identifier, found, self._is_involved)
        for entry in found:
            if entry.is_news(edit):
                entry.reactions.append((self._reactor(edit), edit))
            if edit.id is not None and not _in_room(edit):
                self._put(("reaction", _place(edit), edit.id), entry)
        return bool(found)

    def _correct(self, edit: ArchivedMessage, identifier: str) -> bool:
        found = self._meant(edit, identifier, by_room=False)
        found = self._believed("correction", edit, identifier, found, self._is_by)
        for entry in found:
            if entry.retracted is not None and not _went_with(edit, entry.original.retracted):
                self._note(f"ignored a correction of {identifier}: it was taken back before")
                return False
        for entry in found:
            if entry.is_news(edit):
                entry.edits.append(edit)
                self._know(edit, entry)
        return bool(found)

    def _bounced(self, error: ArchivedMessage) -> None:
        """XEP-0444 §3.4: reactions that the other side refuses are as they were before."""
        if error.id is None or _in_room(error):
            return
        for entry in self._known.get(("reaction", _place(error), error.id), ()):
            entry.reactions = [
                (who, each)
                for who, each in entry.reactions
                if each.id != error.id or each.direction != "out"
            ]

    # --- who said it

    def _is_by(self, original: ArchivedMessage, edit: ArchivedMessage) -> bool:
        """Whether both have the same sender."""
        if not _in_room(edit):
            return self._is_involved(original, edit) and original.direction == edit.direction
        surely = _same_occupant(original, edit)
        if surely is None:
            return _normal(original.from_) == _normal(edit.from_) is not None
        return surely

    def _is_surely_by(self, original: ArchivedMessage, edit: ArchivedMessage) -> bool:
        """Whether both have the same sender, and that is more than a nickname."""
        if not _in_room(edit):
            return self._is_by(original, edit)
        return _same_occupant(original, edit) is True

    def _is_involved(self, original: ArchivedMessage, edit: ArchivedMessage) -> bool:
        """Whether both are of one conversation; in a room, and in that of two occupants."""
        if _in_room(edit) or not (self._is_private(original) or self._is_private(edit)):
            return True  # the bare JIDs are the same, or it would not have been found
        return _normal(_peer(original)) == _normal(_peer(edit))

    def _is_private(self, message: ArchivedMessage) -> bool:
        """Whether it is between two occupants of a room (XEP-0045 §7.5)."""
        return _PRIVATE in message.extensions or _place(message) in self._rooms

    def _reactor(self, edit: ArchivedMessage) -> Hashable:
        """Whose reactions these are: a later set by the same one takes their place."""
        if not _in_room(edit):
            return edit.direction
        if edit.occupant_id is not None:
            return ("occupant", edit.occupant_id)
        real = _real(edit)
        return ("jid", real) if real is not None else ("nick", _normal(edit.from_))


async def collapsed(
    messages: AsyncIterator[ArchivedMessage], collapse: Collapse, *, newest_first: bool = False
) -> AsyncGenerator[CollapsedMessage, None]:
    """The messages as ``collapse`` has them, when all of them came, in the order they came in.

    Where something failed before the end, what came until then is given before that is raised.
    """
    collected: list[ArchivedMessage] = []
    failure: XmppctlError | None = None
    try:
        async for message in messages:
            if newest_first:
                collected.append(message)
            else:
                collapse.add(message)
    except XmppctlError as error:
        failure = error
    for message in reversed(collected):
        collapse.add(message)
    found = collapse.result()
    for each in reversed(found) if newest_first else found:
        yield each
    if failure is not None:
        raise failure


def as_it_is(message: ArchivedMessage, **more: Any) -> CollapsedMessage:
    """The same message, with nothing said about it but ``more``, fields of the record."""
    record = CollapsedMessage.__new__(CollapsedMessage)
    vars(record).update(vars(message), **{"edited": None, "history": [], "reacted": [], **more})
    return record


def _collapsed(entry: _Entry, own: str) -> CollapsedMessage:
    original = entry.original
    place = {name: getattr(original, name) for name in _PLACE}
    if entry.retracted is not None:
        # nothing of the content stays, of whatever version
        return CollapsedMessage(**place, retracted=entry.retracted)
    reacted = _reacted(entry, own) if entry.reactions else []
    if not entry.edits:
        return as_it_is(original, reacted=reacted)
    versions = [original, *entry.edits]
    return as_it_is(
        versions[-1],
        **place,
        replace_id=None,
        edited=True,
        history=[Version(v.id, v.timestamp, v.body, v.subject) for v in versions[:-1]],
        reacted=reacted,
    )


def _reacted(entry: _Entry, own: str) -> list[Reacted]:
    latest = dict(entry.reactions)  # in the order in which they first reacted
    people: dict[str, list[str]] = {}
    for _, each in entry.reactions:
        for emoji in each.reactions.emojis if each.reactions is not None else ():
            people.setdefault(emoji, [])
    for each in latest.values():
        by = own if each.direction == "out" and not _in_room(each) else each.from_ or ""
        if not _in_room(each) and _PRIVATE not in each.extensions:
            by = _bare(by)
        for emoji in dict.fromkeys(each.reactions.emojis if each.reactions is not None else ()):
            people[emoji].append(by)
    return [Reacted(emoji, by) for emoji, by in people.items() if by]


def _in_room(message: ArchivedMessage) -> bool:
    return message.room is not None or message.type == "groupchat"


def _peer(message: ArchivedMessage) -> str | None:
    return message.to if message.direction == "out" else message.from_


def _place(message: ArchivedMessage) -> str:
    """The conversation: bare JID of the room, or of the other side."""
    if message.room is not None:
        return message.room
    return _bare(_peer(message) or "")


def _same_occupant(one: ArchivedMessage, other: ArchivedMessage) -> bool | None:
    """Whether both were said by the same occupant; None where no more than nicknames is known."""
    for first, second in (
        (one.occupant_id, other.occupant_id),
        (_real(one), _real(other)),
    ):
        if first is not None and second is not None:
            return first == second
    unknown = (one.occupant_id, other.occupant_id, _real(one), _real(other))
    # what is known of one of them only is nothing to go by
    return None if unknown == (None,) * 4 else False


def _real(message: ArchivedMessage) -> str | None:
    real = message.muc.real_jid if message.muc is not None else None
    return _bare(real) if real is not None else None


@lru_cache(1024)
def _normal(jid: str | None) -> str | None:
    return str(lenient(jid)) if jid is not None else None


@lru_cache(1024)  # a conversation has few, and an archive many messages
def _bare(jid: str) -> str:
    return str(lenient(jid).bare)


def _is_copy(one: _Entry, other: _Entry) -> bool:
    first, second = one.original, other.original
    return (first.from_, first.body, first.id) == (second.from_, second.body, second.id)


def _went_with(edit: ArchivedMessage, tombstone: Retracted | None) -> bool:
    """Whether a correction is older than the retraction of which the archive has but the result."""
    if tombstone is None:  # the retraction itself came before
        return False
    if edit.timestamp is None or tombstone.stamp is None:
        return True
    return edit.timestamp <= tombstone.stamp
