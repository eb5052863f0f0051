"""XEP-0313: Message Archive Management. Here: queries of the own archive by page."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

import aioxmpp.forms.xso as forms_xso
import aioxmpp.rsm.xso as rsm_xso
import aioxmpp.xso as xso

from xmppctl.errors import RefusedError, XmppctlError
from xmppctl.model.jid import Jid
from xmppctl.model.message import Message
from xmppctl.protocol import Xep, rsm
from xmppctl.protocol.dates import format_datetime
from xmppctl.protocol.message import NS_DELAY, read
from xmppctl.session.stream import MESSAGE, Session
from xmppctl.session.xml import NS_CLIENT

XEPS = (Xep("0313", "1.1.3", "partial", "queries of the own archive"),)

NS = "urn:xmpp:mam:2"
_RESULT = f"{{{NS}}}result"
_FORWARDED = "{urn:xmpp:forward:0}forwarded"


class Query(xso.XSO):  # type: ignore[misc]
    """``<query/>`` (§4)."""

    TAG = (NS, "query")
    queryid = xso.Attr("queryid", default=None)
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
    """Which messages are wanted (§4.1)."""

    with_: Jid | None = None
    start: datetime | None = None
    end: datetime | None = None


async def forwards(
    session: Session,
    wanted: Filter,
    *,
    page_size: int,
    raw: bool = False,
) -> AsyncIterator[Message]:
    """All matching messages, oldest first, page by page; memory holds one page.

    A page that repeats is an error, messages that come twice are given once. An archive that ends
    before the number that it told itself is asked once more: one server gives an empty last page
    when somebody writes into the archive at that moment (ejabberd 23.01 with its own database).
    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    guard = rsm.Guard()
    doubt = _Doubt(session)
    last: str | None = None
    before: set[str | None] = set()
    while True:
        page = await _page(session, wanted, rsm.request(maximum=page_size, after=last), raw)
        guard.check(page.bounds, by=session.bare)
        doubt.see(page)
        now: set[str | None] = set()
        for message in page.messages:
            if message.archive_id is None or message.archive_id not in before | now:
                yield message
            now.add(message.archive_id)
        if page.is_end and not doubt.is_justified():
            return
        if page.results:
            last = _further(page.bounds.last, session)
            before = now


async def latest(
    session: Session, wanted: Filter, number: int, *, page_size: int, raw: bool = False
) -> AsyncIterator[Message]:
    """The last ``number`` matching messages, oldest first; pages are asked for backwards (§4.3).

    They are given when all of them came, or when something failed, before that is raised.
    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    guard = rsm.Guard()
    doubt = _Doubt(session)
    collected: deque[Message] = deque()
    seen: set[str | None] = {None}
    first = ""
    failure: XmppctlError | None = None
    try:
        while True:
            size = min(page_size, number - len(collected))
            page = await _page(session, wanted, rsm.request(maximum=size, before=first), raw)
            guard.check(page.bounds, by=session.bare)
            doubt.see(page)
            for message in reversed(page.messages):
                if message.archive_id is None or message.archive_id not in seen:
                    collected.appendleft(message)
                seen.add(message.archive_id)
            if len(collected) >= number or (page.is_end and not doubt.is_justified()):
                break
            if page.results:
                first = _further(page.bounds.first, session)
    except XmppctlError as error:
        failure = error
    while len(collected) > number:
        collected.popleft()
    while collected:
        yield collected.popleft()
    if failure is not None:
        raise failure


@dataclass(frozen=True)
class _Page:
    """What one question brought; ``results`` counts also what holds no message."""

    messages: list[Message]
    results: int
    bounds: rsm.Page
    complete: bool

    @property
    def is_end(self) -> bool:
        """Whether nothing follows: the archive says so, or the page is empty (XEP-0059 §2.2)."""
        return self.complete or not self.results


class _Doubt:
    """Whether an archive that says it is at its end should be asked once more."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._told = 0
        self._received = 0
        self._doubted: int | None = None

    def see(self, page: _Page) -> None:
        """A page came; the number of all messages may be told with any of them."""
        self._received += page.results
        self._told = max(self._told, page.bounds.count or 0)

    def is_justified(self) -> bool:
        """True once, where fewer messages came than the archive said it has.

        The number may be an estimate (XEP-0059 §2.6), so the second answer is believed.
        """
        if self._received >= self._told or self._doubted == self._received:
            return False
        self._doubted = self._received
        self._session.trace.note(
            f"{self._received} of {self._told} archived messages came: asking again"
        )
        return True


def _further(uid: str | None, session: Session) -> str:
    if uid is not None:
        return uid
    raise RefusedError(
        f"the archive of {session.bare} has more, but does not say after what to ask for it",
        step="mam",
        condition="malformed-answer",
        by=session.bare,
    )


async def _page(session: Session, wanted: Filter, result_set: Any, raw: bool) -> _Page:
    query = Query()
    query.queryid = session.new_id()
    query.form = _form(wanted)
    query.page = result_set
    with session.inbox(_belongs_to(session, query.queryid)) as inbox:
        fin = await session.request(
            query,
            type="set",
            expect=Fin,
            step="mam",
            what="the archive",
            feature="an archive (XEP-0313)",
            progress=inbox,
        )
        found = [_message(session, stanza, raw) for stanza in inbox.drain()]
    bounds = rsm.read(fin.page) or rsm.Page(None, None, None, None)
    complete = fin.complete in ("true", "1")
    session.trace.note(
        f"archive page: {len(found)} messages, complete={complete}, count={bounds.count}, "
        f"first={bounds.first}, last={bounds.last}"
    )
    return _Page([m for m in found if m is not None], len(found), bounds, complete)


def _belongs_to(session: Session, queryid: str) -> Callable[[Element], bool]:
    """Only the own account answers for the own archive, and only with the query's id (§7).

    One server leaves out the sender of its own account's results; anybody else has one.
    """

    def matches(stanza: Element) -> bool:
        if stanza.tag != MESSAGE:
            return False
        result = stanza.find(_RESULT)
        if result is None:
            return False
        if stanza.get("from") not in (None, session.bare) or result.get("queryid") != queryid:
            session.trace.note(f"dropped an archive result that came from {stanza.get('from')}")
            return False
        return True

    return matches


def _message(session: Session, stanza: Element, raw: bool) -> Message | None:
    result = stanza.find(_RESULT)
    forwarded = result.find(_FORWARDED) if result is not None else None
    inner = forwarded.find(f"{{{NS_CLIENT}}}message") if forwarded is not None else None
    if result is None or forwarded is None or inner is None:
        return None
    delay = forwarded.find(f"{{{NS_DELAY}}}delay")
    return read(inner, own=session.bare, archive_id=result.get("id"), delay=delay, raw=raw)


def _form(wanted: Filter) -> Any:
    values = {
        "with": str(wanted.with_) if wanted.with_ is not None else None,
        "start": format_datetime(wanted.start) if wanted.start is not None else None,
        "end": format_datetime(wanted.end) if wanted.end is not None else None,
    }
    if not any(values.values()):
        return None
    form = forms_xso.Data(type_=forms_xso.DataType.SUBMIT)
    form.fields.append(
        forms_xso.Field(type_=forms_xso.FieldType.HIDDEN, var="FORM_TYPE", values=[NS])
    )
    for name, value in values.items():
        if value is not None:
            form.fields.append(forms_xso.Field(type_=None, var=name, values=[value]))
    return form
