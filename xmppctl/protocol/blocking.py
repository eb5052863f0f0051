"""XEP-0191: Blocking Command, with the reports of XEP-0377.

A change is done when the list, read again, shows it: neither the result nor a push tells that (one
server sends no push to a resource that never asked for the list).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import ErrorInfo, RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.blocking import BlockChange, Blocked
from xmppctl.model.jid import Jid, parse
from xmppctl.protocol import Xep, disco
from xmppctl.records import dataclass
from xmppctl.session.conditions import stanza_error
from xmppctl.session.stream import Pending, Session

XEPS = (
    Xep("0191", "1.3", "complete"),
    Xep("0377", "0.4.1", "complete"),
)

NS = "urn:xmpp:blocking"
REPORTING = "urn:xmpp:reporting:1"
_SID = "urn:xmpp:sid:0"
_LIST = f"{{{NS}}}blocklist"
_ITEM = f"{{{NS}}}item"
_STEP = "block"
_FEATURE = "a block list (XEP-0191)"

_REQUEST_BYTES = 8000
"""Every server takes stanzas of 10,000 bytes (RFC 6120 §13.12); more items go into the next."""

_FLIGHT = 8
"""Requests under way at once."""

Verb = Literal["block", "unblock"]


@dataclass(frozen=True)
class Report:
    """A report to go with a block (XEP-0377 §4-§6).

    ``stanza_ids`` are ids of the own archive, which is therefore who gave them.
    """

    reason: Literal["spam", "abuse"]
    text: str | None = None
    stanza_ids: Sequence[str] = ()
    third_party: bool = False
    report_origin: bool = False


async def fetch(session: Session) -> list[Blocked]:
    """The block list, sorted. Raises RefusedError, UnsupportedError, DeadlineError."""
    _listen(session)
    answer = await session.request(
        Element(_LIST), step=_STEP, what="the block list", feature=_FEATURE
    )
    return _read(answer)


async def add(
    session: Session, jids: Sequence[Jid], report: Report | None = None
) -> list[BlockChange]:
    """Block ``jids``; one record for each, in their order.

    The list is read first, which shows that the server has one before anything is changed.
    Raises as ``fetch``; what befalls a single JID stands in its record.
    """
    await fetch(session)
    reported = None if report is None else await _takes_reports(session)
    errors, listed = await _change(session, "block", jids, report)
    return [_outcome(jid, _key(jid) in listed, True, errors.get(jid), reported) for jid in jids]


async def remove(
    session: Session, jids: Sequence[Jid], *, if_exists: bool = False
) -> list[BlockChange]:
    """Unblock ``jids``; one record for each, in their order.

    One that is not blocked is item-not-found on every server, unless ``if_exists``. Raises as
    ``fetch``.
    """
    before = {_key(entry.jid) for entry in await fetch(session)}
    present = [jid for jid in jids if _key(jid) in before]
    errors: dict[Jid, ErrorInfo] = {}
    listed: set[object] = before
    if present:  # an empty request would unblock all (§3.5)
        errors, listed = await _change(session, "unblock", present)
    for jid in jids:
        if _key(jid) not in before and not if_exists:
            errors[jid] = RefusedError(
                f"{jid} is not blocked",
                step=_STEP,
                condition="item-not-found",
                by=session.bare,
                hint="--if-exists takes that for success",
            ).info()
    return [_outcome(jid, _key(jid) in listed, False, errors.get(jid)) for jid in jids]


async def clear(session: Session) -> tuple[int, list[Blocked]]:
    """Unblock all (§3.5): how many there were, and the list read again, which is empty.

    Raises as ``fetch``, and RefusedError where something is blocked afterwards.
    """
    before = await fetch(session)
    if not before:
        return 0, before
    await session.request(
        Element(f"{{{NS}}}unblock"),
        type="set",
        step=_STEP,
        what="to unblock all",
        feature=_FEATURE,
    )
    after = await fetch(session)
    if after:
        raise RefusedError(
            f"{len(after)} JIDs are still blocked",
            step=_STEP,
            condition="not-confirmed",
            by=session.domain,
        )
    return len(before), after


async def _takes_reports(session: Session) -> bool:
    return REPORTING in (await disco.info(session, session.domain)).features


async def _change(
    session: Session, verb: Verb, jids: Sequence[Jid], report: Report | None = None
) -> tuple[dict[Jid, ErrorInfo], set[object]]:
    """Errors by JID, and the keys of the list behind it all."""
    errors: dict[Jid, ErrorInfo] = {}
    batches = list(_batches(jids, 0 if report is None else _size(_report(session, report))))
    listed: set[object] = set()
    for begin in range(0, len(batches), _FLIGHT):
        flight = batches[begin : begin + _FLIGHT]
        asked = [session.ask(_request(session, verb, b, report), type="set") for b in flight]
        # read again in the same flight: stanzas are handled in order (RFC 6120 §10.1)
        reading = session.ask(Element(_LIST)) if begin + _FLIGHT >= len(batches) else None
        session.send(*(each.element for each in (*asked, reading) if each is not None))
        failed = False
        for batch, pending in zip(flight, asked, strict=True):
            error = await _error(session, pending, verb)
            if error is not None:
                failed = True
                errors |= await _one_by_one(session, verb, batch, report, error)
        if reading is not None:
            answer = await session.answer(reading, step=_STEP)
            if failed or answer.get("type") == "error":
                listed = {_key(entry.jid) for entry in await fetch(session)}
            else:
                listed = {_key(entry.jid) for entry in _read(next(iter(answer), None))}
    return errors, listed


async def _one_by_one(
    session: Session, verb: Verb, batch: Sequence[Jid], report: Report | None, error: XmppctlError
) -> dict[Jid, ErrorInfo]:
    """A request is refused as a whole for one bad item: find that one by halves."""
    if len(batch) == 1:
        return {batch[0]: error.info()}
    errors: dict[Jid, ErrorInfo] = {}
    middle = len(batch) // 2
    for half in (batch[:middle], batch[middle:]):
        pending = session.ask(_request(session, verb, half, report), type="set")
        session.send(pending.element)
        refused = await _error(session, pending, verb)
        if refused is not None:
            errors |= await _one_by_one(session, verb, half, report, refused)
    return errors


async def _error(session: Session, pending: Pending, verb: Verb) -> XmppctlError | None:
    answer = await session.answer(pending, step=_STEP)
    if answer.get("type") != "error":
        return None
    error = stanza_error(answer, f"to {verb}", feature=_FEATURE)
    error.step, error.by = _STEP, error.by or session.domain
    if isinstance(error, UnsupportedError):
        raise error
    return error


def _outcome(
    jid: Jid,
    listed: bool,
    wanted: bool,
    error: ErrorInfo | None,
    reported: bool | None = None,
) -> BlockChange:
    if error is None and listed is not wanted:
        error = RefusedError(
            f"the server said yes, but {jid} is {'still' if listed else 'not'} blocked",
            step=_STEP,
            condition="not-confirmed",
        ).info()
    return BlockChange(str(jid), listed, reported if error is None else None, error)


def _batches(jids: Sequence[Jid], extra: int) -> Iterator[list[Jid]]:
    batch: list[Jid] = []
    size = 0
    for jid in jids:
        cost = len(str(jid).encode()) + 20 + extra
        if batch and size + cost > _REQUEST_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(jid)
        size += cost
    if batch:
        yield batch


def _request(session: Session, verb: Verb, jids: Sequence[Jid], report: Report | None) -> Element:
    element = Element(f"{{{NS}}}{verb}")
    for jid in jids:
        item = SubElement(element, _ITEM, {"jid": str(jid)})
        if report is not None:
            item.append(_report(session, report))
    return element


def _report(session: Session, report: Report) -> Element:
    element = Element(f"{{{REPORTING}}}report", {"reason": f"urn:xmpp:reporting:{report.reason}"})
    for identifier in report.stanza_ids:
        SubElement(element, f"{{{_SID}}}stanza-id", {"by": session.bare, "id": identifier})
    if report.text is not None:
        SubElement(element, f"{{{REPORTING}}}text").text = report.text
    for name, wanted in (
        ("report-origin", report.report_origin),
        ("third-party", report.third_party),
    ):
        if wanted:
            SubElement(element, f"{{{REPORTING}}}{name}")
    return element


def _size(element: Element) -> int:
    from xmppctl.session.xml import serialise

    return len(serialise(element).encode())


def _read(answer: Element | None) -> list[Blocked]:
    if answer is None or answer.tag != _LIST:
        raise RefusedError(
            "the answer holds no block list", step=_STEP, condition="malformed-answer"
        )
    jids = {item.get("jid", "") for item in answer.findall(_ITEM)} - {""}
    return [Blocked(jid) for jid in sorted(jids)]


def _key(jid: Jid | str) -> object:
    """What is equal for two spellings of one JID."""
    try:
        parsed = parse(str(jid))
        return parsed._replace(domain=parsed.idna)
    except ValueError:
        return str(jid)


def _listen(session: Session) -> None:
    """Who asked for the list gets pushes of every change, and has to answer them (§3.3)."""
    own = {None, session.bare, session.domain, str(session.jid)}

    def acknowledge(push: Element) -> None:
        if push.get("from") not in own:
            raise RefusedError("", condition="service-unavailable")

    for name in ("block", "unblock"):
        session.handle_iq(f"{{{NS}}}{name}", acknowledge)
