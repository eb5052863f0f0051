"""STUN and TURN servers that a server names (XEP-0215): do they answer, and take credentials?"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

from xmppctl.errors import DeadlineError, XmppctlError
from xmppctl.model.server import ExternalService
from xmppctl.protocol.check.facts import OPTIONAL, Facts, judge, took, untested
from xmppctl.protocol.check.services import span
from xmppctl.protocol.server import extdisco
from xmppctl.session import stun
from xmppctl.session.weburl import ascii_host

CHECKS = ("stun.binding", "turn.credentials")

_PORTS = {"stun": 3478, "turn": 3478, "stuns": 5349, "turns": 5349}
_TRANSPORTS = ("udp", "tcp")
_MOST = 32
"""Services that are asked; a hostile list could name thousands."""

_TIMED = re.compile(r"([0-9]{9,11})(:.*)?", re.DOTALL)
"""A user name of the kind that TURN servers share a secret for: it tells when it ends."""

_CAPACITY = (486, 508)
_DEAD = "start it, open its port in the firewall, or take it out of the list"


class _Credentials(NamedTuple):
    """User name, password, when they end (None: not told), and whether the name tells that."""

    username: str
    password: str
    end: datetime | None
    timed: bool


async def services(facts: Facts) -> None:
    """stun.binding and turn.credentials of each service; one finding where there is none."""
    found: list[ExternalService] = []

    async def work() -> None:
        for each in await extdisco.fetch(facts.session, facts.server):
            if each.type in _PORTS and each.action != "remove":
                found.append(each)
        if not found:
            text = f"{target} names no STUN or TURN server"
            facts.context.tell(check, target, "ok", text, value=False)

    target = facts.context.domain
    check = next(name for name in CHECKS if facts.context.wants(name))
    if not await judge(facts, check, target, work(), OPTIONAL):
        return
    places = {str(place): (place, each) for each in found for place in (_place(each),)}
    await asyncio.gather(*(_service(facts, *each) for each in list(places.values())[:_MOST]))


def _place(service: ExternalService) -> stun.Place:
    """Where a service is, in its own words."""
    transport = service.transport or ("tcp" if service.type in ("stuns", "turns") else "udp")
    port = service.port if service.port and service.port < 65536 else _PORTS[service.type]
    return stun.Place(service.type, service.host.strip("[]"), port, transport.lower())


async def _service(facts: Facts, place: stun.Place, service: ExternalService) -> None:
    if place.transport not in _TRANSPORTS or (place.secure and place.transport == "udp"):
        why = f"{place.kind} over {place.transport} is not spoken here"
        untested(facts, "stun.binding", str(place), why)
        return
    try:
        place = place._replace(host=_host(place.host))
    except ValueError as error:
        facts.context.tell("stun.binding", str(place), "fail", str(error), advice=_DEAD)
        return
    account = facts.session.account
    limit = min(account.timeout, account.connect_timeout)
    binding = facts.begin(stun.binding(account, place, limit))
    if place.kind not in ("turn", "turns"):
        await _bound(facts, place, binding, alive=False)
        return
    allocation: stun.Allocation | XmppctlError
    credentials: _Credentials | None = None
    try:
        credentials = await _credentials(facts, service)
        pair = credentials and (credentials.username, credentials.password)
        allocation = await stun.allocate(account, place, pair, limit)
    except XmppctlError as error:
        allocation = error
    alive = isinstance(allocation, stun.Allocation | stun.StunError)
    answered = await _bound(facts, place, binding, alive=alive)
    _relayed(facts, place, credentials, allocation, answered=answered)


def _host(text: str) -> str:
    """A host name in ASCII, or an address. Raises ValueError for what is neither."""
    with suppress(ValueError):
        return str(ipaddress.ip_address(text))
    host = ascii_host(text)
    if ":" in host or not 0 < len(host) < 254:
        raise ValueError(f"{text[:100]!r} is no host name")
    return host


async def _bound(
    facts: Facts, place: stun.Place, binding: asyncio.Task[stun.Binding], *, alive: bool
) -> bool:
    """Tell what became of the binding request; ``alive``: the server has answered another one."""
    tell, target = facts.context.tell, str(place)
    try:
        found = await binding
    except DeadlineError as error:
        if alive:  # as administrators have TURN servers do who want no STUN
            tell("stun.binding", target, "ok", "answers TURN alone, no binding requests")
        else:
            tell("stun.binding", target, "fail", error.text, value=False, advice=_DEAD)
        return alive
    except stun.StunError as error:
        tell("stun.binding", target, "warn", error.text, advice="let it answer STUN")
        return True
    except XmppctlError as error:
        if error.condition == stun.UNREACHABLE:
            untested(facts, "stun.binding", target, f"no network for it here: {error.text}")
        else:
            tell("stun.binding", target, "fail", error.text, value=False, advice=_DEAD)
        return False
    status = facts.context.limits.of_time(found.seconds)
    seen = "" if found.mapped is None else f", and sees {_shown(*found.mapped)}"
    text = f"answers within {took(found.seconds):.0f} ms{seen}"
    if found.mapped is None:
        status, text = "fail", "answers without an address (XOR-MAPPED-ADDRESS)"
    tell("stun.binding", target, status, text, value=took(found.seconds), unit="ms")
    return True


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _relayed(
    facts: Facts,
    place: stun.Place,
    credentials: _Credentials | None,
    allocation: stun.Allocation | XmppctlError,
    *,
    answered: bool,
) -> None:
    """Tell what became of the attempt to have a relay."""
    tell, target = facts.context.tell, str(place)
    check = "turn.credentials"
    left = None
    if credentials is not None and credentials.end is not None:
        left = round((credentials.end - datetime.now(UTC)).total_seconds())
    kind = "" if credentials is None or not credentials.timed else " (limited in time)"
    if isinstance(allocation, stun.StunError) and allocation.number in _CAPACITY:
        advice = "look at the quotas and the load of the TURN server"
        tell(check, target, "warn", allocation.text, value=left, unit=_unit(left), advice=advice)
    elif isinstance(allocation, XmppctlError):
        refused = isinstance(allocation, stun.StunError)
        elsewhere = facts.context.wants("stun.binding") or allocation.condition == stun.UNREACHABLE
        if not answered and not refused and elsewhere:
            untested(facts, check, target, "the server does not answer")
            return
        text, advice = allocation.text, None
        if refused and credentials is None:
            text, advice = f"{text}; {facts.server} gives no credentials for it", _SECRET
        elif refused:
            advice = _SECRET
        if left is not None and left <= 0:
            text = f"{text}; the credentials ended {span(-left)} ago"
            advice = "look at the clock of the server, and at the time that credentials hold"
        tell(check, target, "fail", text, value=left, unit=_unit(left), advice=advice)
    elif allocation.open:
        advice = "let the TURN server ask for credentials: strangers can hide behind it"
        tell(check, target, "fail", "gives relays without credentials", value=False, advice=advice)
    elif left is not None and left <= 0:
        text = f"accepted, although they ended {span(-left)} ago by their own word"
        tell(check, target, "warn", text, value=left, unit="s", advice="compare the clocks")
    else:
        until = "" if left is None else f", for {span(left)}"
        tell(check, target, "ok", f"accepted{kind}{until}", value=left, unit=_unit(left))


_SECRET = "compare the secret and the realm of the TURN server with those of the XMPP server"


def _unit(left: int | None) -> str | None:
    return None if left is None else "s"


async def _credentials(facts: Facts, service: ExternalService) -> _Credentials | None:
    """What the list says, or what is given when asked for; None where there are none.

    Raises DeadlineError.
    """
    found = service
    if not service.username or not service.password:
        place = extdisco.Place(service.type, service.host.lower(), service.port)
        try:
            given = await extdisco.credentials(facts.session, facts.server, place)
        except DeadlineError:
            raise
        except XmppctlError:
            return None
        same = [each for each in given if each.transport in (service.transport, None)]
        found = (same or given)[0]
    if not found.username or not found.password:
        return None
    timed = _TIMED.fullmatch(found.username)
    end = found.expires
    if timed is not None and end is None:
        end = datetime.fromtimestamp(int(timed[1]), UTC)
    return _Credentials(found.username, found.password, end, timed is not None)
