"""XEP-0202: Entity Time; XEP-0092: Software Version; XEP-0012: Last Activity; XEP-0082 offsets."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import aioxmpp.version.xso as version_xso
import aioxmpp.xso as xso

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.entity import EntityTime, LastActivity, SoftwareVersion
from xmppctl.model.jid import Jid
from xmppctl.protocol import Xep
from xmppctl.protocol.dates import parse_datetime, parse_offset
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

XEPS = (
    Xep("0202", "2.0", "partial", "asks; answers are for listeners"),
    Xep("0092", "1.1", "partial", "asks; answers are for listeners"),
    Xep("0012", "2.0", "partial", "asks; answers are for listeners"),
)

_NS_TIME = "urn:xmpp:time"
_NS_LAST = "jabber:iq:last"


class Time(xso.XSO):  # type: ignore[misc]
    """``<time/>`` of XEP-0202; the children as text, because servers differ in their forms."""

    TAG = (_NS_TIME, "time")
    tzo = xso.ChildText((_NS_TIME, "tzo"), default=None)
    utc = xso.ChildText((_NS_TIME, "utc"), default=None)


class Last(xso.XSO):  # type: ignore[misc]
    """``<query/>`` of XEP-0012."""

    TAG = (_NS_LAST, "query")
    seconds = xso.Attr("seconds", type_=xso.Integer(), default=None)
    status = xso.Text(default=None)


async def clock(session: Session, jid: Jid) -> EntityTime:
    """The entity's clock against the own one (XEP-0202 §2).

    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    begin = datetime.now(UTC)
    counter = time.perf_counter()
    answer = await _ask(session, Time(), jid, "time", "entity time (XEP-0202)")
    rtt = time.perf_counter() - counter
    try:
        utc = parse_datetime(answer.utc or "")
        offset = parse_offset(answer.tzo or "")
    except ValueError as error:
        raise _odd(str(error), jid, "time") from None
    middle = begin + timedelta(seconds=rtt / 2)
    try:
        local = utc.astimezone(timezone(offset))
    except OverflowError:
        raise _odd(f"{answer.utc!r} has no local time", jid, "time") from None
    return EntityTime(
        jid=str(jid),
        utc=utc,
        tzo=local.isoformat()[-6:],
        local=local.isoformat(),
        offset_ms=round((utc - middle).total_seconds() * 1000, 1),
        rtt_ms=round(rtt * 1000, 3),
    )


async def version(session: Session, jid: Jid) -> SoftwareVersion:
    """The entity's software (XEP-0092 §3)."""
    answer = await _ask(session, version_xso.Query(), jid, "version", "software version (XEP-0092)")
    if answer.name is None and answer.version is None:
        raise _odd("neither name nor version", jid, "version")
    return SoftwareVersion(
        jid=str(jid), name=answer.name or "", version=answer.version or "", os=answer.os or None
    )


async def last(session: Session, jid: Jid) -> LastActivity:
    """How long the entity has been running, gone or idle (XEP-0012 §3-§5)."""
    answer = await _ask(session, Last(), jid, "last", "last activity (XEP-0012)")
    if answer.seconds is None or answer.seconds < 0:
        raise _odd("no number of seconds", jid, "last")
    try:
        since = datetime.now(UTC) - timedelta(seconds=answer.seconds)
    except OverflowError:
        raise _odd(f"{answer.seconds} seconds", jid, "last") from None
    return LastActivity(
        jid=str(jid),
        kind="uptime" if jid.is_domain else "idle" if jid.is_full else "last_seen",
        seconds=answer.seconds,
        since=since.replace(microsecond=0),
        status=(answer.status or "").strip() or None,
    )


def _odd(text: str, jid: Jid, step: str) -> RefusedError:
    error = malformed(text, str(jid))
    error.step = step
    return error


async def _ask(session: Session, payload: Any, jid: Jid, step: str, feature: str) -> Any:
    what = f"{feature} of {jid}"
    try:
        # of an account or a client, service-unavailable may say "not there" as well as "unknown"
        return await session.request(
            payload,
            to=jid,
            expect=type(payload),
            step=step,
            what=what,
            feature=feature if jid.is_domain else None,
        )
    except RefusedError as error:
        error.step = step
        if error.condition == "feature-not-implemented":
            raise UnsupportedError(
                f"{jid} does not offer {feature}",
                step=step,
                condition=error.condition,
                type=error.type,
                by=error.by,
            ) from None
        if error.condition in ("forbidden", "not-authorized", "subscription-required"):
            error.hint = "it is told to those who may see the presence (xmppctl roster)"
        elif error.condition == "service-unavailable":
            who = "a client that is not online" if jid.is_full else "an account that is not there"
            error.hint = f"{who}, or that does not tell; nothing said which"
        raise
