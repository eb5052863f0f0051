"""XEP-0363: HTTP File Upload. Services, slots, and the PUT.

A service is never asked for more than it announces: what is too large is refused before. Success
is the HTTP status with which the service says that the file is there.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from typing import get_args
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.jid import Jid
from xmppctl.model.upload import Purpose, PurposeName
from xmppctl.protocol import Xep, disco
from xmppctl.protocol.dates import format_datetime, parse_datetime
from xmppctl.records import dataclass
from xmppctl.session import http
from xmppctl.session.conditions import stanza_error
from xmppctl.session.http import Answer
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Pending, Session
from xmppctl.session.web import Web
from xmppctl.session.weburl import Url, parse_url

XEPS = (Xep("0363", "1.2.0", "complete"),)

NS = "urn:xmpp:http:upload:0"
NS_PURPOSE = "urn:xmpp:http:upload:purpose:0"
FEATURE = "file upload (XEP-0363)"

_HEADERS = {name.lower(): name for name in ("Authorization", "Cookie", "Expires")}
DONE = (200, 201, 204)
"""The HTTP statuses with which a service says that the file is there (§7)."""

_PARALLEL = 16
_GRACE = 0.5
"""Seconds for entities that come first but have not answered, when another one will do."""


@dataclass(frozen=True)
class Service:
    """An upload service; ``max_size`` in bytes, None where it announces none."""

    jid: str
    max_size: int | None
    purposes: tuple[PurposeName, ...]


@dataclass(frozen=True)
class Wanted:
    """A slot that is to be asked for; ``size`` in bytes."""

    service: Service
    name: str
    size: int
    media_type: str
    purpose: Purpose | None = None


@dataclass(frozen=True)
class Slot:
    """Where a file goes to and comes from (§4), with the headers that the PUT needs."""

    put: Url
    get: Url
    headers: tuple[tuple[str, str], ...]


def web(session: Session, *, insecure: bool) -> Web:
    """How the account of the session connects by HTTP; ``insecure`` allows http URLs."""
    account = session.account
    return Web(
        account.ca_file,
        account.connect_timeout,
        account.timeout,
        session.trace,
        insecure=insecure,
        pins=account.pins,
    )


# --- services


async def discover(
    session: Session,
    service: Jid | None = None,
    *,
    enough: Callable[[Service], bool] = lambda service: False,
) -> list[Service]:
    """The upload services of the own domain (§3) in its order, the domain itself first.

    With ``service`` only that one. The search ends early with the first that is ``enough``.
    Raises UnsupportedError where there is none, RefusedError, DeadlineError.
    """
    session.trace.enter("disco#info")
    if service is not None:
        found = service_of(await disco.info(session, service))
        if found is None:
            raise UnsupportedError(
                f"{service} offers no {FEATURE}",
                step="disco#info",
                condition="feature-not-implemented",
                by=str(service),
            )
        return [found]
    own = asyncio.ensure_future(disco.info(session, session.domain))
    tasks = [own]
    limit = asyncio.Semaphore(_PARALLEL)

    async def ask(jid: str) -> DiscoInfo:
        async with limit:
            return await disco.info(session, jid)

    try:
        jids = await _items(session)
        tasks += [asyncio.ensure_future(ask(jid)) for jid in jids if jid != session.domain]
        services = await _gather(tasks, enough)
        if not services:
            _raise_silence(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not services:
        raise UnsupportedError(
            f"{session.domain} offers no {FEATURE}",
            step="disco#info",
            condition="feature-not-implemented",
            by=session.domain,
            hint="--service JID names one that it does not list",
        )
    for each in services:
        session.trace.note(f"upload service {each.jid}, limit {each.max_size or 'unknown'}")
    return services


async def _items(session: Session) -> list[str]:
    try:
        found = [item.jid async for item in disco.items(session, session.domain) if not item.node]
    except RefusedError:  # it may offer uploads itself all the same
        return []
    return list(dict.fromkeys(found))


async def _gather(
    tasks: Sequence[asyncio.Task[DiscoInfo]], enough: Callable[[Service], bool]
) -> list[Service]:
    """The services among the answers; who refuses to answer is none."""
    pending = set(tasks)
    patience: float | None = None
    while pending:
        done, pending = await asyncio.wait(
            pending, timeout=patience, return_when=asyncio.FIRST_COMPLETED
        )
        good = [any(map(enough, _known([task]))) for task in tasks]
        if True in good:
            if not done or all(task.done() for task in tasks[: good.index(True)]):
                break
            patience = _GRACE
    return _known(tasks)


def _raise_silence(tasks: Iterable[asyncio.Task[DiscoInfo]]) -> None:
    """Nothing was found: whoever did not answer at all may have been it."""
    for task in tasks:
        error = task.exception()
        if error is not None and not isinstance(error, RefusedError):
            raise error


def _known(tasks: Iterable[asyncio.Task[DiscoInfo]]) -> list[Service]:
    answers = (t.result() for t in tasks if t.done() and not t.cancelled() and not t.exception())
    return [found for found in map(service_of, answers) if found is not None]


def service_of(info: DiscoInfo) -> Service | None:
    """The upload service that an entity says to be; None where it is none."""
    if NS not in info.features:
        return None
    sizes = [
        field.values
        for form in info.forms
        if form.form_type == NS
        for field in form.fields
        if field.var == "max-file-size"
    ]
    return Service(
        info.jid,
        _size(sizes[0][0]) if sizes and sizes[0] else None,
        tuple(name for name in get_args(PurposeName) if f"{NS_PURPOSE}#{name}" in info.features),
    )


def _size(text: str | None) -> int | None:
    found = re.fullmatch(r"\s*([0-9]{1,18})\s*", text or "")
    return None if found is None else int(found[1])


def choose(services: Sequence[Service], size: int, purpose: Purpose | None = None) -> Service:
    """The first of ``services`` (not empty) that takes a file of this size for this purpose.

    Raises UnsupportedError, and RefusedError "file-too-large" with the limit.
    """
    able = [each for each in services if purpose is None or purpose.name in each.purposes]
    if not able:
        assert purpose is not None
        raise UnsupportedError(
            f"{services[0].jid} does not offer the purpose {purpose.name}"
            f" ({NS_PURPOSE}#{purpose.name})",
            step="slot",
            condition="feature-not-implemented",
            by=services[0].jid,
        )
    for each in able:
        if each.max_size is None or size <= each.max_size:
            return each
    largest = max(able, key=lambda each: each.max_size or 0)
    raise too_large(size, largest.max_size, largest.jid)


def too_large(size: int, limit: int | None, by: str) -> RefusedError:
    """The error for a file of ``size`` bytes where ``by`` takes ``limit`` at most."""
    known = "" if limit is None else f": {limit} bytes at most"
    return RefusedError(
        f"the file of {size} bytes is larger than {by} takes{known}",
        step="slot",
        condition="file-too-large",
        type="modify",
        by=by,
        limit=limit,
    )


# --- slots


async def slots(
    session: Session, wanted: Sequence[Wanted], *, insecure: bool
) -> list[Slot | XmppctlError]:
    """A slot for each, all asked for in one flight; or why there is none."""
    session.trace.enter("slot")
    asked: list[Pending] = []
    try:
        asked = [session.ask(_request(each), to=each.service.jid) for each in wanted]
        session.send(*(pending.element for pending in asked))
    except XmppctlError as error:
        for pending in asked:
            session.forget(pending)
        return [error] * len(wanted)
    return await asyncio.gather(
        *(
            _slot(session, each, pending, insecure)
            for each, pending in zip(wanted, asked, strict=True)
        )
    )


def _request(wanted: Wanted) -> Element:
    request = Element(
        f"{{{NS}}}request",
        {
            "filename": wanted.name,
            "size": str(wanted.size),
            "content-type": wanted.media_type,
        },
    )
    if wanted.purpose is not None:
        purpose = SubElement(request, f"{{{NS_PURPOSE}}}{wanted.purpose.name}")
        if wanted.purpose.expire_before is not None:
            purpose.set("expire-before", format_datetime(wanted.purpose.expire_before))
    return request


async def _slot(
    session: Session, wanted: Wanted, pending: Pending, insecure: bool
) -> Slot | XmppctlError:
    try:
        answer = await session.answer(pending, step="slot")
        if answer.get("type") == "error":
            raise _refusal(answer, wanted)
        return _read(next(iter(answer), None), web(session, insecure=insecure))
    except XmppctlError as error:
        error.step = error.step or "slot"
        error.by = error.by or wanted.service.jid
        return error


def _refusal(answer: Element, wanted: Wanted) -> XmppctlError:
    """§6: too large, for the time being, or never."""
    by = wanted.service.jid
    large = answer.find(f".//{{{NS}}}file-too-large")
    if large is not None:
        return too_large(wanted.size, _size(large.findtext(f"{{{NS}}}max-file-size")), by)
    error = stanza_error(answer, f"a slot for {wanted.name}", feature=FEATURE)
    retry = answer.find(f".//{{{NS}}}retry")
    if retry is not None:
        try:
            when = parse_datetime(retry.get("stamp", ""))
        except ValueError:
            return error
        error.hint = f"the service says to try again at {format_datetime(when)}"
    elif error.condition == "resource-constraint":
        error.hint = "the quota of the service is used up; try again later"
    elif wanted.size == 0 and error.condition in ("bad-request", "not-acceptable"):
        error.text = f"{by} takes no empty files ({error.condition})"
    return error


def _read(element: Element | None, over: Web) -> Slot:
    if element is None or element.tag != f"{{{NS}}}slot":
        raise malformed("no slot", None)
    put, get = (_url(element, name, over) for name in ("put", "get"))
    headers = []
    for header in element.findall(f"{{{NS}}}put/{{{NS}}}header"):
        # §4: no other header, no line breaks, the order kept
        name = _HEADERS.get(_one_line(header.get("name", "")).strip().lower())
        if name is not None:
            headers.append((name, _one_line("".join(header.itertext())).strip()))
    return Slot(put, get, tuple(headers))


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", "", text)


def _url(slot: Element, name: str, over: Web) -> Url:
    found = slot.find(f"{{{NS}}}{name}")
    try:
        url = parse_url("" if found is None else found.get("url", ""))
    except ValueError as error:
        raise malformed(f"the {name} URL: {error}", None) from None
    over.check(url, "slot")
    return url


# --- the PUT


async def store(
    over: Web, slot: Slot, wanted: Wanted, blocks: Iterable[bytes], told: Callable[[int], None]
) -> None:
    """PUT the file (§7); ``told`` gets the HTTP status, whatever it is.

    Raises RefusedError for any status but success, ConnectError, TlsError, DeadlineError, and
    what ``blocks`` raises.
    """
    headers = (("Content-Type", wanted.media_type), *slot.headers)
    answer: Answer = await http.put(over, slot.put, headers, wanted.size, blocks)
    told(answer.status)
    if answer.status not in DONE:
        raise http.refused(answer, f"putting {wanted.name} to {slot.put.peer}", "put")
