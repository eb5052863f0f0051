"""XEP-0055: Jabber Search: directories of people, by their form or by the fields of old."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import (
    ConnectError,
    DeadlineError,
    RefusedError,
    UnsupportedError,
    UsageError,
    XmppctlError,
)
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.form import Form, FormField
from xmppctl.model.jid import Jid, parse
from xmppctl.model.paging import Part
from xmppctl.model.search import Found
from xmppctl.protocol import Xep, disco, forms, searchpages
from xmppctl.protocol.searchpages import Batch
from xmppctl.protocol.server.asking import misread
from xmppctl.session.conditions import stanza_error
from xmppctl.session.stream import Session
from xmppctl.session.xml import illegal_character

XEPS = (Xep("0055", "1.3", "complete"),)

NS = "jabber:iq:search"
NAMED = "a search for people (XEP-0055)"

_QUERY, _ITEM = f"{{{NS}}}query", f"{{{NS}}}item"
_FIELDS = ("first", "last", "nick", "email")
_STEP = "search"
_LIMIT = 5.0
"""Seconds for an entity that is asked whether it offers a search, among others."""
_MOST = 200
"""Entities of the server that are asked; a hostile one could name thousands."""


class Directory(NamedTuple):
    """A service and what it asks for.

    ``form`` also has the fields of old, where ``legacy`` says so. ``pages``: it says that it gives
    its results in pages.
    """

    service: Jid
    form: Form
    legacy: bool
    pages: bool


async def find(session: Session, feature: str, named: str) -> DiscoInfo:
    """The first entity of the own server that offers ``feature``, a directory before others.

    ``named``: the feature in words. Raises UnsupportedError where there is none, DeadlineError
    where the server does not answer.
    """
    session.trace.enter("disco#info")
    candidates = [Jid(None, session.domain, None)]
    async with aclosing(disco.items(session, session.domain, number=_MOST)) as items:
        async for item in items:
            with suppress(ValueError):
                candidates.append(parse(item.jid))
    limit = min(session.account.timeout, _LIMIT)

    async def ask(jid: Jid) -> DiscoInfo | None:
        try:
            return await disco.info(session, jid, timeout=limit)
        except ConnectError:
            raise
        except XmppctlError:
            return None

    told = await asyncio.gather(*(ask(each) for each in dict.fromkeys(candidates)))
    found = [info for info in told if info is not None and feature in info.features]
    if not found:
        raise UnsupportedError(
            f"{session.domain} offers no {named.partition(' ')[2]}",
            step="disco#info",
            condition="feature-not-implemented",
            by=session.domain,
            hint="name the service of another server",
        )
    directories = [
        info for info in found if any(i.category == "directory" for i in info.identities)
    ]
    chosen = (directories or found)[0]
    session.trace.note(f"searching at {chosen.jid}")
    return chosen


async def offer(
    session: Session, service: Jid | None, question: Element, feature: str, named: str
) -> tuple[Jid, Element, DiscoInfo]:
    """The service, its answer to ``question``, and what it is; None looks for a service.

    Raises UnsupportedError, RefusedError, DeadlineError.
    """
    if service is None:
        info = await find(session, feature, named)
        service = parse(info.jid)
        pending = session.ask(question, to=service)
        session.send(pending.element)
    else:
        asking, pending = (
            session.ask(disco.info_request(None), to=service),
            session.ask(question, to=service),
        )
        session.send(asking.element, pending.element)
        try:
            told = await session.answer(asking, step="disco#info")
            if told.get("type") == "error":
                raise _refused(told, f"disco info of {service}", service)
            query = disco.check_info(next(iter(told), None), str(service))
            info = disco.read_info(query, str(service), None)
            if feature not in info.features:
                raise UnsupportedError(
                    f"{service} does not offer {named}",
                    step="disco#info",
                    condition="feature-not-implemented",
                    by=str(service),
                )
        except BaseException:
            session.forget(pending)
            raise
    answer = await session.answer(pending, step=_STEP)
    if answer.get("type") == "error":
        raise _refused(answer, f"the form of {service}", service)
    found = next(iter(answer), None)
    if found is None or found.tag != question.tag:
        raise misread("no form", service, _STEP)
    return service, found, info


async def directory(session: Session, service: Jid | None) -> Directory:
    """What ``service`` asks for (§2.1), that of the own server where it is None.

    Raises UnsupportedError, RefusedError, DeadlineError.
    """
    service, query, info = await offer(session, service, Element(_QUERY), NS, NAMED)
    element = forms.find(query)
    pages = searchpages.NS in info.features
    if element is not None:
        return Directory(service, forms.read(element), False, pages)
    text = (query.findtext(f"{{{NS}}}instructions") or "").strip()
    fields = [
        FormField(name, "text-single")
        for name in _FIELDS
        if query.find(f"{{{NS}}}{name}") is not None
    ]
    form = Form(None, None, instructions=[text] if text else [], fields=fields)
    return Directory(service, form, True, pages)


def submission(where: Directory, answers: forms.Answers) -> Element:
    """What to submit: the form where there is one, else the fields.

    Raises UsageError for values that it does not take.
    """
    query = Element(_QUERY)
    if not where.legacy:
        query.append(forms.fill(where.form, answers))
        return query
    for name, values in forms.resolved(where.form, answers).items():
        if len(values) != 1 or illegal_character(values[0]) is not None:
            raise UsageError(f"field {name}: it takes one value, of one line", step="form")
        SubElement(query, f"{{{NS}}}{name}").text = values[0]
    return query


async def people(
    session: Session, where: Directory, answers: forms.Answers, wanted: Part
) -> AsyncGenerator[Found, None]:
    """Those that fit ``answers``. Raises UsageError, RefusedError, DeadlineError."""
    by = str(where.service)
    found = searchpages.walk(
        session, _asker(session, where, answers), wanted, by, pages=where.pages
    )
    async with aclosing(found) as results:
        async for result in results:
            yield result


async def count(session: Session, where: Directory, answers: forms.Answers) -> int:
    """How many fit ``answers``. Raises as ``people``."""
    return await searchpages.count(_asker(session, where, answers))


def _asker(session: Session, where: Directory, answers: forms.Answers) -> searchpages.Ask[Found]:
    given = submission(where, answers)

    async def ask(result_set: Element | None) -> Batch[Found]:
        query = Element(_QUERY)
        query.extend(list(given))
        if result_set is not None:
            query.append(result_set)
        try:
            answer = await session.request(
                query, to=where.service, type="set", step=_STEP, what="the search", feature=NAMED
            )
        except DeadlineError as error:
            if where.legacy and not any(child.tag == f"{{{NS}}}email" for child in given):
                # mod_vjud of Prosody's community modules
                error.hint = "one kind of service answers only searches with --email"
            raise
        except RefusedError as error:
            error.hint = "xmppctl search --show-form tells what it asks for"
            raise
        if answer is None:
            return Batch([], None)
        if answer.tag != _QUERY:
            raise misread("no results", where.service, _STEP)
        return Batch(read(answer), searchpages.read(answer, str(where.service)))

    return ask


def read(query: Element) -> list[Found]:
    """The results in an answer, of either kind (§2.1, §3)."""
    rows: list[tuple[str | None, dict[str, str]]] = []
    for item in query.findall(_ITEM):
        values = {child.tag.removeprefix(f"{{{NS}}}"): (child.text or "").strip() for child in item}
        rows.append((item.get("jid"), values))
    for element in query.findall(forms.FORM):
        for told in forms.read(element).items:
            values = {var: "\n".join(each).strip() for var, each in told.items()}
            rows.append((values.pop("jid", None), values))
    return [_record(jid, values) for jid, values in rows]


def _record(jid: str | None, values: dict[str, str]) -> Found:
    known = {name: values.pop(name, "") or None for name in _FIELDS}
    return Found(
        jid or None,
        known["first"],
        known["last"],
        known["nick"],
        known["email"],
        {name: value for name, value in values.items() if value},
    )


def _refused(answer: Element, what: str, service: Jid) -> XmppctlError:
    error = stanza_error(answer, what, feature=NAMED)
    error.step, error.by = _STEP, error.by or str(service)
    if isinstance(error, RefusedError) and error.condition == "remote-server-not-found":
        error.step = "disco#info"
    return error
