"""RFC 6121 §4: presence: being seen, seeing others; XEP-0319 idle times, XEP-0115 software.

Who is seen only because a command needs presence has a negative priority: the server then keeps
messages for clients that people look at (RFC 6121 §8.5.2.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import get_args
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import DeadlineError, RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.presence import Caps, Presence, PresenceType, Show
from xmppctl.protocol import Xep, caps_own, carbons, flights
from xmppctl.protocol.dates import format_datetime, parse_datetime
from xmppctl.session.conditions import stanza_error
from xmppctl.session.inbox import Inbox
from xmppctl.session.responder import PING
from xmppctl.session.stream import PRESENCE, Session
from xmppctl.session.xml import NS_CLIENT, serialise

XEPS = (Xep("0319", "1.0.2", "complete"),)

KEEPALIVE = 60.0
"""Seconds of silence after which the server is asked whether it is still there."""

QUIET = 0.3
"""Seconds without any presence after which no more is expected. A server may answer the barrier
before the clients of the contact, which answer side by side, have been asked."""

_NS_IDLE = "urn:xmpp:idle:1"
_NS_DELAY = "urn:xmpp:delay"
_NS_NICK = "http://jabber.org/protocol/nick"
_ROSTER = "{jabber:iq:roster}query"
_ITEM = "{jabber:iq:roster}item"

_SHOWS = frozenset(get_args(Show))
_TYPES = frozenset(get_args(PresenceType))


def compose(
    *,
    show: Show = "available",
    status: str | None = None,
    priority: int = -1,
    idle_since: datetime | None = None,
    features: Iterable[str] = caps_own.FEATURES,
) -> Element:
    """Available presence, with the own software (XEP-0115). ``idle_since`` is aware."""
    stanza = Element(PRESENCE, {"id": Session.new_id()})
    if show != "available":  # which is the absence of <show/> (RFC 6121 §4.7.2.1)
        SubElement(stanza, f"{{{NS_CLIENT}}}show").text = show
    if status is not None:
        SubElement(stanza, f"{{{NS_CLIENT}}}status").text = status
    if priority:
        SubElement(stanza, f"{{{NS_CLIENT}}}priority").text = str(priority)
    if idle_since is not None:
        SubElement(stanza, f"{{{_NS_IDLE}}}idle", {"since": format_datetime(idle_since)})
    caps_own.decorate(stanza, features)
    return stanza


def read(stanza: Element, *, own: str, raw: bool = False) -> Presence:
    """The record of a ``<presence/>``; what cannot be understood is left out."""
    sender = stanza.get("from", own)
    given = stanza.get("type", "available")
    kind = given if given in _TYPES else "error"
    show = (stanza.findtext(f"{{{NS_CLIENT}}}show") or "").strip() or "available"
    idle = stanza.find(f"{{{_NS_IDLE}}}idle")
    error = None
    if kind == "error":
        failure = stanza_error(stanza, f"the presence of {sender}")
        failure.by = failure.by or sender
        error = failure.info()
    return Presence(
        jid=sender,
        type=kind,  # type: ignore[arg-type]
        show=(show if show in _SHOWS else "available")  # type: ignore[arg-type]
        if kind == "available"
        else None,
        status=stanza.findtext(f"{{{NS_CLIENT}}}status") or None,
        priority=_priority(stanza) if kind == "available" else None,
        idle_since=_moment(idle.get("since")) if idle is not None else None,
        caps=_caps(stanza),
        nick=(stanza.findtext(f"{{{_NS_NICK}}}nick") or "").strip() or None,
        timestamp=_sent_at(stanza, sender, own) or datetime.now(UTC),
        error_=error,
        raw_xml=serialise(stanza, "") if raw else None,
    )


def _priority(stanza: Element) -> int:
    text = (stanza.findtext(f"{{{NS_CLIENT}}}priority") or "0").strip()
    with suppress(ValueError):
        return max(-128, min(127, int(text[:8])))
    return 0


def _caps(stanza: Element) -> Caps | None:
    element = stanza.find(f"{{{caps_own.NS}}}c")
    if element is None or not element.get("node") or not element.get("ver"):
        return None
    return Caps(element.get("node", ""), element.get("ver", ""), element.get("hash"))


def _moment(text: str | None) -> datetime | None:
    with suppress(ValueError):
        return parse_datetime(text or "")
    return None


def _sent_at(stanza: Element, sender: str, own: str) -> datetime | None:
    """When a server says that it was sent: the contact's, or the own one (XEP-0203 §5)."""
    peer, me = lenient(sender), lenient(own)
    believed = {str(peer), str(peer.bare), peer.domain, str(me), me.domain}
    for element in stanza.findall(f"{{{_NS_DELAY}}}delay"):
        by = element.get("from")
        if by is None or str(lenient(by)) in believed:
            return _moment(element.get("stamp"))
    return None


async def appear(
    session: Session,
    stanza: Element | None,
    *,
    features: Iterable[str] = caps_own.FEATURES,
    copies: bool = False,
    rooms: Iterable[Jid] = (),
    asked: Callable[[Element], None] | None = None,
) -> dict[str, str]:
    """Send the first presence, ready to answer what contacts ask; the roster's subscriptions.

    Returns when the server has processed it. ``copies`` switches carbons on. Without ``stanza``
    everything but the presence is done, for who is seen in ``rooms`` alone. ``asked`` is told of
    each disco#info that is answered.
    Raises UnsupportedError (carbons), RefusedError, DeadlineError.
    """
    contacts: dict[str, str] = {}
    seen_by = {str(room.bare) for room in rooms}

    def trusted(bare: str) -> bool:
        return bare in seen_by or contacts.get(bare) in ("from", "both")

    def pushed(iq: Element) -> None:
        # RFC 6121 §2.1.6: a push from anybody but the own account is forged
        if iq.get("type") != "set" or str(lenient(iq.get("from", session.bare))) != session.bare:
            raise RefusedError("", condition="service-unavailable")
        contacts.update(_subscriptions(iq))

    more = {} if asked is None else {"asked": asked}
    caps_own.answer_questions(session, features, trusted, **more)
    session.handle_iq(_ROSTER, pushed)
    roster = session.ask(Element(_ROSTER))
    asking = copies and not session.carbons
    copying = session.ask(Element(carbons.ENABLE), type="set") if asking else None
    flight = [roster.element, *([copying.element] if copying else [])]
    session.send(*session.enabling(), *flight)
    # an account without a roster (an anonymous one) has nobody who may see it
    contacts.update(_subscriptions(await session.answer(roster, step="roster")))
    if copying is not None:
        carbons.check(await session.answer(copying, step="carbons"), session.domain)
    if stanza is not None:
        barrier = flights.barrier(session)
        session.send(stanza, barrier.element)
        await session.answer(barrier, step="presence")
    return contacts


def _subscriptions(iq: Element) -> dict[str, str]:
    return {
        str(lenient(item.get("jid", "")).bare): item.get("subscription", "none")
        for item in iq.iterfind(f"{_ROSTER}/{_ITEM}")
    }


async def arriving(session: Session, box: Inbox, deadline: float | None) -> AsyncIterator[Element]:
    """The stanzas of ``box`` until ``deadline`` (a time of the loop; None: without end).

    In silence the server is asked now and then whether it is there. Raises what ended the
    stream, DeadlineError where the server is gone.
    """
    loop = asyncio.get_running_loop()
    while True:
        pause = loop.time() + KEEPALIVE
        until = pause if deadline is None else min(pause, deadline)
        try:
            async with asyncio.timeout_at(until):
                stanza = await box.get()
        except TimeoutError:
            if deadline is not None and loop.time() >= deadline:
                return
            with suppress(RefusedError, UnsupportedError):  # who refuses is there
                await session.request(Element(PING), to=session.domain, step="listen")
            continue
        yield stanza


def too_few(shown: int, count: int, seconds: float) -> DeadlineError:
    """What to raise where fewer came than were waited for."""
    return DeadlineError(
        f"{shown} of {count} came within {seconds:g} s",
        step="listen",
        condition="timeout",
        hint="--for gives it longer",
    )


async def watch(
    session: Session,
    wanted: tuple[Jid, ...],
    *,
    count: int | None,
    seconds: float | None,
    ready: Callable[[], None],
    raw: bool = False,
) -> AsyncGenerator[Presence, None]:
    """Presence as it comes, of ``wanted`` (all where it is empty), without the own one.

    First comes the present state of the contacts that are online. ``ready`` is called when the
    own presence is in effect; ``seconds`` are counted from there. Raises DeadlineError where
    ``count`` was not reached.
    """
    with session.inbox(lambda stanza: stanza.tag == PRESENCE) as box:
        await appear(session, compose())
        ready()
        session.trace.enter("listen")
        deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
        shown = 0
        async for stanza in arriving(session, box, deadline):
            found = read(stanza, own=session.bare, raw=raw)
            if _is_own(found, session) or not (
                not wanted or any(covers(jid, found.jid) for jid in wanted)
            ):
                continue
            yield found
            shown += 1
            if shown == count:
                return
        if count is not None and seconds is not None:
            raise too_few(shown, count, seconds)


def covers(wanted: Jid, jid: str) -> bool:
    """Whether ``jid`` is ``wanted``, one of its clients, or at its domain."""
    found = lenient(jid)
    if wanted.is_domain:
        return found.domain == wanted.domain
    return found == wanted or (not wanted.is_full and found.bare == wanted)


def _is_own(found: Presence, session: Session) -> bool:
    return lenient(found.jid) == lenient(str(session.jid))


async def probe(session: Session, jid: Jid, *, raw: bool = False) -> list[Presence]:
    """The present presence of the clients of ``jid``; one "unavailable" where none is online.

    Raises RefusedError where the roster has no subscription to it: a server tells strangers
    nothing, not even that it tells nothing.
    """
    own = str(jid.bare) == session.bare
    with session.inbox(lambda stanza: stanza.tag == PRESENCE) as box:
        contacts = await appear(session, None)
        if not own and contacts.get(str(jid.bare)) not in ("to", "both"):
            raise RefusedError(
                f"the presence of {jid.bare} is not told: there is no subscription to it",
                step="probe",
                condition="subscription-required",
                by=session.domain,
                hint=f"xmppctl roster subscribe {jid.bare}",
            )
        # the server probes all contacts upon the first presence (RFC 6121 §4.2.2)
        barrier = flights.barrier(session, jid.bare)
        session.send(compose(), barrier.element)
        answer = await session.answer(barrier, step="probe")
        found: dict[str, Presence] = {}
        async for stanza in _until_quiet(box):
            presence = read(stanza, own=session.bare, raw=raw)
            if presence.error_ is not None and covers(jid.bare, presence.jid):
                raise _refused(stanza_error(stanza, f"the presence of {jid}"), jid)
            if covers(jid, presence.jid) and not _is_own(presence, session):
                found[presence.jid] = presence
    if not found and answer.get("type") == "error":
        failure = stanza_error(answer, f"the presence of {jid}")
        if failure.condition in flights.UNREACHABLE:
            raise _refused(failure, jid)
    online = [each for each in found.values() if each.type == "available"]
    gone = [each for each in found.values() if each.type == "unavailable"]
    return online or gone[:1] or [Presence(str(jid), "unavailable")]


def _refused(error: XmppctlError, jid: Jid) -> XmppctlError:
    error.step = "probe"
    error.by = error.by or str(jid)
    return error


async def _until_quiet(box: Inbox) -> AsyncIterator[Element]:
    while True:
        try:
            async with asyncio.timeout(QUIET):
                stanza = await box.get()
        except TimeoutError:
            return
        yield stanza


async def announce(
    session: Session, stanza: Element, seconds: float | None, ready: Callable[[], None]
) -> Presence:
    """Have this presence for ``seconds``; the record of it as the server reflected it.

    ``ready`` is called when the server has sent it out (RFC 6121 §4.2.2: to the own client too).
    The farewell repeats the status, which servers keep as the last one (XEP-0012 §4).
    """

    def reflected(each: Element) -> bool:
        return each.tag == PRESENCE and lenient(each.get("from", "")) == lenient(str(session.jid))

    with session.inbox(reflected) as box:
        await appear(session, stanza)
        try:
            async with asyncio.timeout(session.account.timeout):
                found = read(await box.get(), own=session.bare)
        except TimeoutError:
            raise DeadlineError(
                f"{session.domain} has not sent the presence out",
                step="presence",
                condition="timeout",
                by=session.domain,
                hint="--timeout gives it longer",
            ) from None
        if found.error_ is not None:
            raise RefusedError(found.error_.text or "the presence was refused", step="presence")
        ready()
        session.trace.enter("hold")
        if seconds is not None:
            deadline = asyncio.get_running_loop().time() + seconds
            async for _ in arriving(session, box, deadline):
                pass  # reflections; the end of the stream is raised
        farewell = Element(PRESENCE, {"type": "unavailable"})
        if found.status is not None:
            SubElement(farewell, f"{{{NS_CLIENT}}}status").text = found.status
        session.send(farewell)
    return found
