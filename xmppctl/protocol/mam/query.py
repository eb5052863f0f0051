"""XEP-0313 §4: one archive and one question to it; pages, as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

import aioxmpp.forms.xso as forms_xso
import aioxmpp.rsm.xso as rsm_xso
import aioxmpp.xso as xso

from xmppctl.errors import XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.mam import ArchivedMessage
from xmppctl.protocol import occupants, rsm
from xmppctl.protocol.dates import format_datetime
from xmppctl.protocol.mam.reading import Reader, stamp
from xmppctl.records import dataclass
from xmppctl.session.stream import MESSAGE, Session

if TYPE_CHECKING:
    from xmppctl.protocol.opening import Opener

NS = "urn:xmpp:mam:2"
STEP = "mam"
FEATURE = "an archive (XEP-0313)"
_RESULT = f"{{{NS}}}result"
_FORWARDED = "{urn:xmpp:forward:0}forwarded"


class Query(xso.XSO):  # type: ignore[misc]
    """``<query/>`` (§4); ``node`` is that of a pubsub archive (XEP-0442)."""

    TAG = (NS, "query")
    queryid = xso.Attr("queryid", default=None)
    node = xso.Attr("node", default=None)
    form = xso.Child([forms_xso.Data])
    page = xso.Child([rsm_xso.ResultSetMetadata])


class Fin(xso.XSO):  # type: ignore[misc]
    """``<fin/>``, the end of a page (§4.4)."""

    TAG = (NS, "fin")
    # as text: one server leaves complete out, another writes 'false'
    complete = xso.Attr("complete", default=None)
    stable = xso.Attr("stable", default=None)
    page = xso.Child([rsm_xso.ResultSetMetadata])


@dataclass(frozen=True)
class Filter:
    """Which messages are wanted (§4.1); what is None or empty does not restrict.

    ``after_id`` and ``before_id`` are the ids of messages that need not match the rest.
    """

    with_: Jid | None = None
    start: datetime | None = None
    end: datetime | None = None
    after_id: str | None = None
    before_id: str | None = None
    text: str | None = None
    groupchat: bool | None = None


@dataclass(frozen=True)
class Result:
    """One result of a page; ``message`` is None where the archive holds no message any more.

    ``element``: the ``<result/>`` itself, where the archive opens nothing.
    """

    id: str | None
    stamp: datetime | None
    message: ArchivedMessage | None
    element: Element | None = None


class Page:
    """What one question brought; ``number`` of results, which are read when they are asked for."""

    def __init__(
        self,
        stanzas: list[Element],
        read: Callable[[Element], Result],
        bounds: rsm.Page,
        complete: bool,
    ) -> None:
        self.bounds = bounds
        self.complete = complete
        self.number = len(stanzas)
        self._stanzas = stanzas
        self._read = read

    @cached_property
    def results(self) -> list[Result]:
        """The results. Raises UnsupportedError where they are of another archive."""
        return [self._read(stanza) for stanza in self._stanzas]

    @property
    def is_end(self) -> bool:
        """Whether nothing follows: the archive says so, or the page is empty (XEP-0059 §2.2)."""
        return self.complete or not self.number


class Archive:
    """An archive: the own one, that of a room, or that of a pubsub node (XEP-0442).

    ``jid``: who keeps it, None for the own account. ``dropped`` counts results that came from
    somebody else or belong to no question; ``unstable``: the archive said that what it gave may
    still change (§4.3.2). ``reader`` reads what it gives; what the room
    announces it knows when the first page came. ``opener`` opens what is encrypted.
    """

    def __init__(
        self,
        session: Session,
        jid: Jid | None = None,
        *,
        node: str | None = None,
        raw: bool = False,
        opener: Opener | None = None,
    ) -> None:
        own = jid is None or str(jid) == session.bare
        self.session = session
        self.to = None if own else jid
        self.node = node
        self.is_room = not own and node is None
        self.name = session.bare if own else str(jid)
        self.dropped = 0
        self.unstable = False
        self._opener = opener
        self._open: list[str] = []  # the ids of the questions that are under way
        self._announced: asyncio.Task[frozenset[str]] | None = None
        self.reader = Reader(
            own=session.bare, room=self.name if self.is_room else None, node=node, by=self.name,
            raw=raw, note=session.trace.note,
        )  # fmt: skip

    def is_answer(self, stanza: Element) -> bool:
        """Whether it is a result by who keeps this archive, to whatever question."""
        if stanza.tag != MESSAGE or stanza.find(_RESULT) is None:
            return False
        sender = stanza.get("from")
        if sender is None:
            return self.to is None
        return str(lenient(sender)) == (self.session.bare if self.to is None else str(self.to))

    async def page(self, fields: dict[str, list[str]], result_set: Any) -> Page:
        """Ask for one page. ``fields``: the values of the form, empty for no form.

        Raises RefusedError, UnsupportedError, DeadlineError.
        """
        session = self.session
        query = Query()
        query.queryid = session.new_id()
        query.node = self.node
        query.form = _form(fields)
        query.page = result_set
        dropped = self.dropped
        self._open.append(query.queryid)
        if self.is_room and self._announced is None:
            # beside the first page, in no round trip of its own
            self._announced = asyncio.ensure_future(self._announcement())
        try:
            with session.inbox(self._belongs(query.queryid)) as inbox:
                fin = await session.request(
                    query,
                    to=self.to,
                    type="set",
                    expect=Fin,
                    step=STEP,
                    what=f"the archive of {self.name}",
                    feature=FEATURE,
                    progress=inbox,
                )
                stanzas = list(inbox.drain())
            if self._announced is not None:
                self.reader.features = await self._announced
        finally:
            self._open.remove(query.queryid)
        bounds = rsm.read(fin.page) or rsm.Page(None, None, None, None)
        complete = fin.complete in ("true", "1")
        stable = fin.stable not in ("false", "0")
        self.unstable = self.unstable or not stable
        session.trace.note(
            f"archive page: {len(stanzas)} messages, complete={complete}, stable={stable}, "
            f"count={bounds.count}, first={bounds.first}, last={bounds.last}"
        )
        if self.dropped > dropped:
            session.trace.note(f"dropped {self.dropped} forged archive results so far")
        if self._opener is not None:
            for stanza in stanzas:
                await self._open_one(self._opener, stanza)
        return Page(stanzas, self._result, bounds, complete)

    async def _open_one(self, opener: Opener, stanza: Element) -> None:
        """Put the message of a result in clear into the place of the encrypted one."""
        forwarded = stanza.find(f"{_RESULT}/{_FORWARDED}")
        message = forwarded.find(MESSAGE) if forwarded is not None else None
        if forwarded is not None and message is not None:
            clear = await opener.open(message, stamp(forwarded))
            if clear is not message:
                forwarded[list(forwarded).index(message)] = clear

    async def _announcement(self) -> frozenset[str]:
        """What the room announces: it says whose ids of occupants count (XEP-0421 §3)."""
        assert self.to is not None
        try:
            return await occupants.features(self.session, self.to)
        except XmppctlError:  # the archive itself tells more of what went wrong
            return frozenset()

    def _belongs(self, queryid: str) -> Callable[[Element], bool]:
        """Only who was asked answers, and only with the query's id (§7).

        One server leaves out the sender of the own account's results; anybody else has one.
        """
        own = {None, self.session.bare} if self.to is None else {str(self.to)}

        def matches(stanza: Element) -> bool:
            if stanza.tag != MESSAGE:
                return False
            result = stanza.find(_RESULT)
            if result is None:
                return False
            sender = found = stanza.get("from")
            if sender is not None and sender not in own:
                found = str(lenient(sender))
            answered = result.get("queryid")
            if found in own and answered in self._open:
                return answered == queryid  # else another question's inbox takes it
            if queryid == self._open[0]:
                self.dropped += 1
                self.session.trace.note(f"dropped a forged archive result: it came from {sender}")
            return False

        return matches

    def _result(self, stanza: Element) -> Result:
        result = stanza.find(_RESULT)
        forwarded = result.find(_FORWARDED) if result is not None else None
        identifier = result.get("id") if result is not None else None
        if forwarded is None:
            return Result(identifier, None, None, result)
        message = self.reader.read(forwarded, identifier)
        return Result(identifier, stamp(forwarded), message, result)


def fields(wanted: Filter) -> dict[str, list[str]]:
    """The values of the form that every archive knows (§4.1.1, §4.1.2)."""
    found: dict[str, list[str]] = {}
    if wanted.with_ is not None:
        found["with"] = [str(wanted.with_)]
    if wanted.start is not None:
        found["start"] = [format_datetime(wanted.start)]
    if wanted.end is not None:
        found["end"] = [format_datetime(wanted.end)]
    return found


def _form(values: dict[str, list[str]]) -> Any:
    if not values:
        return None
    form = forms_xso.Data(type_=forms_xso.DataType.SUBMIT)
    form.fields.append(
        forms_xso.Field(type_=forms_xso.FieldType.HIDDEN, var="FORM_TYPE", values=[NS])
    )
    for name, given in values.items():
        form.fields.append(forms_xso.Field(type_=None, var=name, values=given))
    return form
