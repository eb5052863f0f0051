"""What an account has, as the pieces of an XEP-0227 file; what could not be read is told.

Everything but the archive is asked for in one flight. The archive comes last, page by page.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import (
    ErrorInfo,
    InternalError,
    RefusedError,
    UnsupportedError,
    XmppctlError,
    summarise,
)
from xmppctl.model.portable import Exported, Part, Wanted
from xmppctl.protocol import blocking, disco, mam, offline, roster
from xmppctl.protocol.portable import (
    CONFIGURATIONS,
    NODES,
    NS_PRIVACY,
    OFFLINE,
    PRIVACY,
    PRIVATE,
    VCARD,
    nodes,
    writing,
)
from xmppctl.session.conditions import stanza_error
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session
from xmppctl.session.xml import NS_CLIENT, XmlError, parse, split

STEP = "export"

KNOWN = (
    "{storage:bookmarks}storage",
    "{roster:delimiter}roster",
    "{storage:rosternotes}storage",
    "{storage:metacontacts}storage",
    "{exodus:prefs}exodus",
    "{gajim:prefs}gajim",
)
"""What clients keep in the private storage, which cannot be listed."""

Told = Callable[[int], object]


class Export:
    """One run: ``pieces`` are the text, ``outcomes`` what became of each part, behind them.

    ``also``: tags of further elements of the private storage.
    """

    def __init__(
        self,
        session: Session,
        wanted: Wanted,
        *,
        also: Sequence[str] = (),
        page_size: int = 100,
        archive: mam.Filter | None = None,
        told: Told = lambda _: None,
    ) -> None:
        self.outcomes: list[Exported] = []
        self.archive = mam.Archive(session)
        self._session = session
        self._wanted = wanted
        self._also = also
        self._page_size = page_size
        self._filter = archive or mam.Filter()
        self._told = told

    async def pieces(self) -> AsyncGenerator[str, None]:
        """The text of the file. Raises ConnectError, DeadlineError: then there is no file.

        Also raises what befell, where nothing at all could be read; nothing was given then.
        """
        parts: dict[Part, Callable[[], Awaitable[tuple[str, int, list[ErrorInfo]]]]] = {
            "offline": self._offline,
            "roster": self._roster,
            "vcard": self._vcard,
            "private": self._private,
            "blocking": self._blocking,
            "pep": self._pep,
        }
        chosen = {name: read for name, read in parts.items() if self._wanted.has(name)}
        found = await asyncio.gather(
            *(self._outcome(name, read) for name, read in chosen.items()), return_exceptions=True
        )
        texts: list[str] = []
        for each in found:
            if isinstance(each, BaseException):
                raise each
            texts.append(each)
        async with aclosing(self._archive()) as archive:
            first = await anext(archive, None) if self._wanted.has("mam") else None
            if first is None and (failure := self.failure) is not None and not any(texts):
                raise failure
            yield writing.begin(self._session.bare)
            for text in texts:
                if text:
                    yield text
            if first is not None:
                yield first
                async for piece in archive:
                    yield piece
        yield writing.END

    @property
    def failure(self) -> XmppctlError | None:
        """What all parts failed with, None where one of them did not."""
        from xmppctl.errors import from_info

        errors = [each.errors[0] if each.errors else None for each in self.outcomes]
        if not errors or None in errors:
            return None
        summary = summarise(errors)
        if summary is None:
            raise InternalError("errors that are none")
        return from_info(summary)

    async def _outcome(
        self, part: Part, read: Callable[[], Awaitable[tuple[str, int, list[ErrorInfo]]]]
    ) -> str:
        try:
            text, number, errors = await read()
        except (RefusedError, UnsupportedError) as error:
            error.step = error.step or STEP
            absent = isinstance(error, UnsupportedError)
            self.outcomes.append(Exported(part, absent=absent, errors=(error.info(),)))
            return ""
        self.outcomes.append(Exported(part, number, errors=tuple(errors)))
        return text

    async def _roster(self) -> tuple[str, int, list[ErrorInfo]]:
        session = self._session
        pending = roster.asking(session)
        session.send(pending.element)
        answer = await session.answer(pending, step=STEP)
        number = len(roster.read(answer))
        query = answer[0]
        query.attrib.pop("ver", None)
        return writing.container(query.tag, query), number, []

    async def _vcard(self) -> tuple[str, int, list[ErrorInfo]]:
        card = await read_vcard(self._session, step=STEP)
        return ("", 0, []) if card is None else (writing.element(card), 1, [])

    async def _private(self) -> tuple[str, int, list[ErrorInfo]]:
        tags = [tag for tag in KNOWN if self._wanted.private(split(tag)[0])]
        tags = list(dict.fromkeys((*tags, *self._also)))
        from xmppctl.protocol import privatexml

        session = self._session
        asked = [(tag, privatexml.reading(session, tag)) for tag in tags]
        session.send(*(pending.element for _, pending in asked))
        stored: list[Element] = []
        errors: list[ErrorInfo] = []
        for tag, pending in asked:
            try:
                found = await privatexml.read(session, pending, tag, step=STEP)
            except RefusedError as error:
                errors.append(error.info())
                continue
            if len(found) or (found.text or "").strip() or found.attrib:
                stored.append(found)
        text = writing.container(PRIVATE, stored) if stored else ""
        return text, len(stored), errors

    async def _blocking(self) -> tuple[str, int, list[ErrorInfo]]:
        """The privacy lists where there are some: the block list is one of them then."""
        session = self._session
        features = (await disco.info(session, session.domain)).features
        if NS_PRIVACY in features:
            lists = await _privacy(session)
            number = sum(len(each) for each in lists.findall(f"{{{NS_PRIVACY}}}list"))
            return (writing.element(lists) if len(lists) else ""), number, []
        blocked = await blocking.fetch(session)
        if not blocked:
            return "", 0, []
        query = Element(PRIVACY)
        SubElement(query, f"{{{NS_PRIVACY}}}default", {"name": "blocked"})
        inner = SubElement(query, f"{{{NS_PRIVACY}}}list", {"name": "blocked"})
        for order, each in enumerate(blocked, 1):
            attributes = {"type": "jid", "value": each.jid, "action": "deny", "order": str(order)}
            SubElement(inner, f"{{{NS_PRIVACY}}}item", attributes)
        return writing.element(query), len(blocked), []

    async def _pep(self) -> tuple[str, int, list[ErrorInfo]]:
        names = [each for each in await nodes.names(self._session) if self._wanted.node(each)]
        found, errors = await nodes.read_all(self._session, names)
        text = ""
        if found:
            owner = [part for node in found for part in node.owner_elements()]
            text = writing.container(CONFIGURATIONS, owner)
            text += writing.container(NODES, [node.items_element() for node in found])
        return text, len(found), errors

    async def _offline(self) -> tuple[str, int, list[ErrorInfo]]:
        session = self._session
        headers = await offline.headers(session)
        stored: list[Element] = []
        async for record in offline.view(session, headers, raw=True):
            if record.raw_xml is None:
                continue  # it went to another client meanwhile
            try:
                (message,) = parse(f"<w xmlns='{NS_CLIENT}'>{record.raw_xml}</w>", whole=False)
            except XmlError as error:  # pragma: no cover - it was parsed before
                raise malformed(str(error), session.bare) from None
            for child in message.findall(f"{{{offline.NS}}}offline"):
                message.remove(child)
            stored.append(message)
        return (writing.container(OFFLINE, stored) if stored else ""), len(stored), []

    async def _archive(self) -> AsyncGenerator[str, None]:
        """The archive; nothing where it cannot be read at all, else what of it can."""
        number, errors = 0, list[ErrorInfo]()
        absent = False
        walk = mam.results(self.archive, self._filter, page_size=self._page_size)
        try:
            async with aclosing(walk):
                async for each in walk:
                    if each.element is None:
                        continue
                    if not number:
                        yield writing.BEGIN_ARCHIVE
                    yield writing.result(each.element)
                    number += 1
                    self._told(number)
        except (RefusedError, UnsupportedError) as error:
            absent = isinstance(error, UnsupportedError)
            errors.append(error.info())
        self.outcomes.append(Exported("mam", number, absent=absent, errors=tuple(errors)))
        if number:
            yield writing.END_ARCHIVE


async def read_vcard(session: Session, *, step: str) -> Element | None:
    """The own vCard (XEP-0054 §3.1); None where there is none, or an empty one.

    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    pending = session.ask(Element(VCARD))
    session.send(pending.element)
    answer = await session.answer(pending, step=step)
    if answer.get("type") == "error":
        error = stanza_error(answer, "the vCard", feature="vCards (XEP-0054)")
        if error.condition == "item-not-found":
            return None
        error.step, error.by = step, error.by or session.bare
        raise error
    card = answer.find(VCARD)
    return card if card is not None and len(card) else None


async def _privacy(session: Session) -> Element:
    """All privacy lists and which is the default (XEP-0016 §2)."""
    what = "the privacy lists"
    names = await session.request(Element(PRIVACY), step=STEP, what=what)
    query = Element(PRIVACY)
    if names is None or names.tag != PRIVACY:
        error = malformed("it holds no privacy lists", session.bare)
        error.step = STEP
        raise error
    default = names.find(f"{{{NS_PRIVACY}}}default")
    if default is not None and default.get("name"):
        SubElement(query, default.tag, {"name": default.get("name", "")})
    for each in names.findall(f"{{{NS_PRIVACY}}}list"):
        question = Element(PRIVACY)
        SubElement(question, each.tag, {"name": each.get("name", "")})
        answer = await session.request(question, step=STEP, what=what)
        query.extend([] if answer is None else answer.findall(each.tag))
    return query
