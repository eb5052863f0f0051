"""What of a question the archive answers, and what is left to do here.

Archives differ in what they know. An unknown field is refused by one server and passed over in
silence by another, so it is only sent where the archive's form has it. Ids of messages
(``before-id``, ``after-id``, ``<after/>``) are looked for among the messages that match the other
fields by one server, and not at all by another: they are therefore turned into times, which every
archive knows, and the messages of that very second are told apart by their place in the archive.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.form import Form
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.mam import ArchivedMessage
from xmppctl.protocol import forms, rsm
from xmppctl.protocol.mam.query import (
    FEATURE,
    STEP,
    Archive,
    Filter,
    Query,
    Result,
    fields,
)
from xmppctl.records import dataclass
from xmppctl.session.payload import malformed

_TEXT_FIELDS = ("{urn:xmpp:fulltext:0}fulltext", "withtext")
_SECOND = timedelta(seconds=1)
_WINDOW_PAGE = 100


@dataclass(frozen=True)
class Selection:
    """``fields`` for the archive; ``skip`` and ``with_`` for what it cannot sort out itself."""

    fields: dict[str, list[str]]
    archive: Archive
    skip: frozenset[str] = frozenset()
    with_: Jid | None = None

    @property
    def is_local(self) -> bool:
        """Whether something is sorted out here, so that a page may hold less than was asked."""
        return bool(self.skip) or self.with_ is not None

    def accepts(self, message: ArchivedMessage) -> bool:
        """Whether the message is wanted.

        Raises UnsupportedError where the room does not show whose message it is.
        """
        if message.archive_id in self.skip:
            return False
        if self.with_ is None:
            return True
        if not self.archive.is_room:
            return str(self.with_) in (_normal(message.from_), _normal(message.to))
        if str(self.with_.bare) == self.archive.name:
            return _normal(message.from_) == str(self.with_)
        return self._speaks(message, self.with_)

    def _speaks(self, message: ArchivedMessage, who: Jid) -> bool:
        real = message.muc.real_jid if message.muc is not None else None
        if real is not None:
            found = lenient(real)
            return str(found if who.is_full else found.bare) == str(who)
        if message.from_ is None or not lenient(message.from_).is_full:
            return False  # the room itself
        raise UnsupportedError(
            f"the archive of {self.archive.name} does not show the JIDs behind the nicknames",
            step=STEP,
            condition="feature-not-implemented",
            by=self.archive.name,
            hint=f"name the speaker as {self.archive.name}/NICK",
        )


async def select(archive: Archive, wanted: Filter) -> Selection:
    """Make the question ready: look for its ids, and for the fields that not every archive has.

    Raises RefusedError (an id that is not there), UnsupportedError (a field that is not there).
    """
    local: Jid | None = None
    if wanted.with_ is not None and (archive.is_room or wanted.with_.is_full):
        # one server compares bare JIDs alone, and nothing in the archive of a room
        local = wanted.with_
    extended = await _extended(archive, wanted)
    skip: frozenset[str] = frozenset()
    if wanted.after_id is not None:
        wanted, found = await _behind(archive, wanted, wanted.after_id)
        skip |= found
    if wanted.before_id is not None:
        wanted, found = await _before(archive, wanted, wanted.before_id)
        skip |= found
    asked = replace(wanted, with_=None) if archive.is_room else wanted
    return Selection({**fields(asked), **extended}, archive, skip, local)


async def form(archive: Archive) -> Form:
    """The form of the archive's questions (§4.1.5). Raises RefusedError, UnsupportedError."""
    query = Query()
    query.node = archive.node
    what = f"the form of the archive of {archive.name}"
    answer = await archive.session.request(
        query, to=archive.to, step=STEP, what=what, feature=FEATURE
    )
    found = forms.find(answer) if answer is not None else None
    if found is None:
        error = malformed("the archive gives no form", archive.name)
        error.step = STEP
        raise error
    return forms.read(found)


async def locate(archive: Archive, uid: str) -> Result:
    """The message with this archive id.

    The message before it is asked for, and the one after that: an id that the archive does not
    know is refused by one server, and means the beginning of the archive to another.
    Raises RefusedError (item-not-found) where it is not there.
    """
    # where somebody writes at this moment, one server's page may be empty by mistake
    for _ in range(2):
        try:
            previous = await archive.page({}, rsm.request(maximum=1, before=uid))
        except RefusedError as error:
            if error.condition != "item-not-found" or error.type != "modify":
                raise
            raise unknown(archive, uid) from None
        after = previous.bounds.last if previous.results else None
        page = await archive.page({}, rsm.request(maximum=1, after=after))
        for result in page.results:
            if result.id == uid:
                return result
    raise unknown(archive, uid)


def unknown(archive: Archive, uid: str) -> RefusedError:
    """The error for an id that the archive does not have."""
    return RefusedError(
        f"the archive of {archive.name} has no message with the id {uid}",
        step=STEP,
        condition="item-not-found",
        by=archive.name,
        hint="archive ids are those of this archive: the archive_id of mam query",
    )


async def _extended(archive: Archive, wanted: Filter) -> dict[str, list[str]]:
    if wanted.text is None and wanted.groupchat is None:
        return {}
    offered = [field.var for field in (await form(archive)).fields]
    found: dict[str, list[str]] = {}
    if wanted.text is not None:
        name = next((var for var in _TEXT_FIELDS if var in offered), None)
        if name is None:
            raise _lacks(archive, "a search for text (XEP-0431)")
        found[name] = [wanted.text]
    if wanted.groupchat is not None:
        if "include-groupchat" not in offered:
            raise _lacks(archive, "a choice about groupchat messages (include-groupchat)")
        found["include-groupchat"] = ["true" if wanted.groupchat else "false"]
    return found


def _lacks(archive: Archive, what: str) -> UnsupportedError:
    return UnsupportedError(
        f"the archive of {archive.name} does not offer {what}",
        step=STEP,
        condition="feature-not-implemented",
        by=archive.name,
        hint="xmppctl mam form shows what it offers",
    )


async def _behind(archive: Archive, wanted: Filter, uid: str) -> tuple[Filter, frozenset[str]]:
    """The same question from the second of that message on, and what of it is not wanted."""
    begin, ids = await _second_of(archive, uid)
    start = begin if wanted.start is None else max(begin, wanted.start)
    return replace(wanted, start=start), frozenset(ids[: ids.index(uid) + 1])


async def _before(archive: Archive, wanted: Filter, uid: str) -> tuple[Filter, frozenset[str]]:
    """The same question up to the second of that message, and what of it is not wanted."""
    begin, ids = await _second_of(archive, uid)
    end = begin + _SECOND if wanted.end is None else min(begin + _SECOND, wanted.end)
    return replace(wanted, end=end), frozenset(ids[ids.index(uid) :])


async def _second_of(archive: Archive, uid: str) -> tuple[datetime, list[str]]:
    """The second in which the message stands, and the ids of all messages in it, in order.

    The second after it belongs to it: where an archive keeps fractions that it does not tell.
    """
    result = await locate(archive, uid)
    if result.stamp is None:
        raise _odd(archive, f"the message {uid} has no time")
    begin = result.stamp.replace(microsecond=0)
    asked = fields(Filter(start=begin, end=begin + _SECOND))
    guard = rsm.Guard()
    ids: list[str] = []
    after: str | None = None
    while True:
        page = await archive.page(asked, rsm.request(maximum=_WINDOW_PAGE, after=after))
        guard.check(page.bounds, by=archive.name)
        ids += [found.id for found in page.results if found.id is not None]
        after = page.bounds.last
        if page.is_end or after is None:
            break
    if uid not in ids:
        raise _odd(archive, f"the message {uid} is not where its time says")
    return begin, ids


def _odd(archive: Archive, text: str) -> RefusedError:
    error = malformed(text, archive.name)
    error.step = STEP
    return error


def _normal(jid: str | None) -> str | None:
    return str(lenient(jid)) if jid is not None else None
