"""XEP-0313 §4.3: through an archive page by page, forwards or backwards, once each and to the end.

Memory holds one page, and the next one where all are wanted. A page that repeats is an error,
messages that come twice are given once. An archive that ends before the number that it told itself
is asked once more: one server gives an empty last page when somebody writes into the archive at
that moment (ejabberd 23.01 with its own database).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.mam import ArchivedMessage
from xmppctl.protocol import rsm
from xmppctl.protocol.mam.query import STEP, Archive, Filter, Page, Result
from xmppctl.protocol.mam.selection import Selection, select
from xmppctl.session.stream import Session


async def forwards(
    archive: Archive,
    wanted: Filter,
    *,
    page_size: int,
    limit: int | None = None,
    after: str | None = None,
) -> AsyncGenerator[ArchivedMessage, None]:
    """All matching messages, oldest first, the first ``limit`` of them where that is given.

    ``after``: the id of a message that matches and is known to be there; what follows it is given.
    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    selection = await select(archive, wanted)
    async for result in _walk(archive, selection, page_size, limit, after, backwards=False):
        assert result.message is not None
        yield result.message


async def results(
    archive: Archive, wanted: Filter, *, page_size: int
) -> AsyncGenerator[Result, None]:
    """As ``forwards``, with the ``<result/>`` elements that the messages are in."""
    selection = await select(archive, wanted)
    async for result in _walk(archive, selection, page_size, None, None, backwards=False):
        yield result


async def backwards(
    archive: Archive, wanted: Filter, *, page_size: int, limit: int | None = None
) -> AsyncGenerator[ArchivedMessage, None]:
    """As ``forwards``, newest first. No ``<flip-page/>`` is asked for: not every archive can."""
    selection = await select(archive, wanted)
    async for result in _walk(archive, selection, page_size, limit, "", backwards=True):
        assert result.message is not None
        yield result.message


async def latest(
    archive: Archive, wanted: Filter, number: int, *, page_size: int
) -> AsyncGenerator[ArchivedMessage, None]:
    """The last ``number`` matching messages, oldest first; pages are asked for backwards.

    They are given when all of them came, or when something failed, before that is raised.
    """
    collected: deque[ArchivedMessage] = deque()
    failure: XmppctlError | None = None
    try:
        async for message in backwards(archive, wanted, page_size=page_size, limit=number):
            collected.appendleft(message)
    except XmppctlError as error:
        failure = error
    while collected:
        yield collected.popleft()
    if failure is not None:
        raise failure


async def at_index(
    archive: Archive, wanted: Filter, index: int, *, maximum: int
) -> AsyncGenerator[ArchivedMessage, None]:
    """The page that begins with the message number ``index``, from 0 (XEP-0059 §2.4).

    Raises UnsupportedError where the archive gives another page than that.
    """
    selection = await select(archive, wanted)
    no_index = UnsupportedError(
        f"the archive of {archive.name} cannot be asked for pages by --index",
        step=STEP,
        condition="feature-not-implemented",
        by=archive.name,
        hint="use --after with the archive id of a message",
    )
    try:
        page = await archive.page(selection.fields, rsm.request(maximum=maximum, index=index))
    except UnsupportedError as error:
        # what XEP-0059 §2.4 has for it; an archive that is not there has another condition
        if error.condition != "feature-not-implemented":
            raise
        raise no_index from None
    if page.results and page.bounds.index != index:
        raise no_index
    for result in page.results:
        if result.message is not None and selection.accepts(result.message):
            yield result.message


async def _walk(
    archive: Archive,
    selection: Selection,
    page_size: int,
    limit: int | None,
    edge: str | None,
    *,
    backwards: bool,
) -> AsyncGenerator[Result, None]:
    guard = rsm.Guard()
    doubt = _Doubt(archive.session)
    given = 0
    before: set[str | None] = set()

    def ask(edge: str | None, size: int) -> Coroutine[Any, Any, Page]:
        preceding, following = (edge, None) if backwards else (None, edge)
        question = rsm.request(maximum=size, before=preceding, after=following)
        return archive.page(selection.fields, question)

    ahead: asyncio.Task[Page] | None = None
    try:
        while limit is None or given < limit:
            size = page_size
            if limit is not None and not selection.is_local:
                size = min(size, limit - given)
            page = await (ask(edge, size) if ahead is None else ahead)
            ahead = None
            guard.check(page.bounds, by=archive.name)
            doubt.see(page)
            further = page.bounds.first if backwards else page.bounds.last
            if limit is None and further is not None and not page.is_end:
                # where all are wanted the archive looks for the next page while this one is read
                ahead = asyncio.ensure_future(ask(further, size))
                await asyncio.sleep(0)
            now: set[str | None] = set()
            for result in reversed(page.results) if backwards else page.results:
                fresh = result.id is None or (result.id not in before and result.id not in now)
                now.add(result.id)
                if fresh and result.message is not None and selection.accepts(result.message):
                    yield result
                    given += 1
                    if given == limit:
                        return
            if page.is_end and not doubt.is_justified():
                return
            if page.number:
                edge = _further(further, archive)
                before = now
    finally:
        if ahead is not None:
            ahead.cancel()


class _Doubt:
    """Whether an archive that says it is at its end should be asked once more."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._told = 0
        self._received = 0
        self._doubted: int | None = None

    def see(self, page: Page) -> None:
        """A page came; the number of all messages may be told with any of them."""
        self._received += page.number
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


def _further(uid: str | None, archive: Archive) -> str:
    if uid is not None:
        return uid
    raise RefusedError(
        f"the archive of {archive.name} has more, but does not say after what to ask for it",
        step=STEP,
        condition="malformed-answer",
        by=archive.name,
    )
