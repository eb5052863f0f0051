"""XEP-0433: Extended Channel Search: rooms and channels that a service knows."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple
from xml.etree.ElementTree import Element

from xmppctl.model.form import Form
from xmppctl.model.jid import Jid
from xmppctl.model.paging import Part
from xmppctl.model.search import FoundRoom
from xmppctl.protocol import Xep, forms, searchpages
from xmppctl.protocol.search import offer
from xmppctl.protocol.searchpages import Batch
from xmppctl.protocol.server.asking import misread, number
from xmppctl.session.stream import Session

XEPS = (Xep("0433", "0.1.0", "complete"),)

NS = "urn:xmpp:channel-search:0:search"
NAMED = "a search for rooms (XEP-0433)"

_SEARCH, _RESULT, _ITEM = f"{{{NS}}}search", f"{{{NS}}}result", f"{{{NS}}}item"
_BY_ADDRESS = "{urn:xmpp:channel-search:0:order}address"
_STEP = "search"


class Service(NamedTuple):
    """A search service and its form."""

    jid: Jid
    form: Form


async def service(session: Session, jid: Jid | None) -> Service:
    """The service and what it asks for (§4.2.1), that of the own server where ``jid`` is None.

    Raises UnsupportedError, RefusedError, DeadlineError.
    """
    jid, search, _ = await offer(session, jid, Element(_SEARCH), NS, NAMED)
    element = forms.find(search)
    if element is None:
        raise misread("no form", jid, _STEP)
    return Service(jid, forms.read(element))


async def rooms(
    session: Session, where: Service, text: str | None, answers: forms.Answers, wanted: Part
) -> AsyncGenerator[FoundRoom, None]:
    """Those that fit ``text``, all without; ``answers`` are further fields of the form.

    Raises UsageError, RefusedError, UnsupportedError, DeadlineError.
    """
    whole = wanted.number is None and wanted.limit is None
    ask = _asker(session, where, _filled(where.form, text, answers, stable=whole))
    found = searchpages.walk(session, ask, wanted, str(where.jid), pages=True)
    async with aclosing(found) as results:
        async for result in results:
            yield result


async def count(session: Session, where: Service, text: str | None, answers: forms.Answers) -> int:
    """How many fit. Raises as ``rooms``."""
    return await searchpages.count(
        _asker(session, where, _filled(where.form, text, answers, stable=True))
    )


def _filled(form: Form, text: str | None, answers: forms.Answers, *, stable: bool) -> forms.Answers:
    """The values to submit; only the order by address gives each room once (§6.1)."""
    values = forms.resolved(form, answers)
    fields = {field.var: field for field in form.fields}
    if text is not None:
        values["q"] = [text]
    elif "q" not in values and "all" in fields:
        values.setdefault("all", ["1"])
    key = fields.get("key")
    if stable and key is not None and _BY_ADDRESS in [option.value for option in key.options]:
        values.setdefault("key", [_BY_ADDRESS])
    return values


def _asker(session: Session, where: Service, answers: forms.Answers) -> searchpages.Ask[FoundRoom]:
    form = forms.fill(where.form, answers)

    async def ask(result_set: Element | None) -> Batch[FoundRoom]:
        search = Element(_SEARCH)
        if result_set is not None:
            search.append(result_set)
        search.append(form)
        answer = await session.request(
            search, to=where.jid, step=_STEP, what="the search", feature=None
        )
        if answer is None or answer.tag != _RESULT:
            raise misread("no results", where.jid, _STEP)
        return Batch(read(answer), searchpages.read(answer, str(where.jid)))

    return ask


def read(result: Element) -> list[FoundRoom]:
    """The rooms in a ``<result/>`` (§6.2); one without an address is none."""
    return [
        FoundRoom(
            jid=item.get("address", ""),
            name=_text(item, "name"),
            description=_text(item, "description"),
            language=_text(item, "language"),
            users=number(_text(item, "nusers")),
            service_type=_text(item, "service-type"),
            open=_boolean(item, "is-open"),
            anonymity=_text(item, "anonymity-mode"),
        )
        for item in result.findall(_ITEM)
        if item.get("address")
    ]


def _text(item: Element, name: str) -> str | None:
    return (item.findtext(f"{{{NS}}}{name}") or "").strip() or None


def _boolean(item: Element, name: str) -> bool | None:
    element = item.find(f"{{{NS}}}{name}")
    if element is None:
        return None
    # the XEP's example has an empty one, which says yes
    return (element.text or "").strip() not in ("0", "false")
