"""What a server tells of itself, and whether it and its services are there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from xmppctl.errors import DeadlineError, RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.check import Status
from xmppctl.model.disco import DiscoInfo, DiscoItem
from xmppctl.model.jid import parse
from xmppctl.model.ping import Pong
from xmppctl.protocol import disco, entity, ping
from xmppctl.protocol.check.facts import PRIVATE, Facts, Lacking, judge, some, took, untested
from xmppctl.protocol.flights import UNREACHABLE
from xmppctl.protocol.server import contacts
from xmppctl.session.conditions import UNSUPPORTED

_CLOCK_WARN, _CLOCK_FAIL = 60, 300  # seconds

_MOST = 200
"""Services that are asked; a hostile list could name thousands."""

_PARALLEL = 32
_LONGEST = 200  # characters of a stranger's words that are shown

_ALIVE = PRIVATE | {
    "registration-required",
    "subscription-required",
    "payment-required",
    "not-acceptable",
    "bad-request",
    "feature-not-implemented",
    "policy-violation",
}
"""Conditions with which a service shows that it is there."""

Found = Callable[[DiscoInfo], None]


async def alive(facts: Facts) -> None:
    """server.ping."""

    async def work() -> None:
        pong = await asyncio.shield(facts.pong)
        _answered(facts, "server.ping", facts.context.domain, pong)

    await judge(facts, "server.ping", facts.context.domain, work())


async def peer(facts: Facts, name: str) -> None:
    """s2s.ping: a server elsewhere, asked through the account's own."""

    async def work() -> None:
        limit = facts.session.account.timeout
        pong = await ping.ping(facts.session, parse(name), 1, in_room=None, timeout=limit)
        _answered(facts, "s2s.ping", name, pong)

    await judge(facts, "s2s.ping", name, work())


def _answered(facts: Facts, check: str, target: str, pong: Pong) -> None:
    if pong.error is not None or pong.rtt_ms is None:
        error = pong.error
        text = (error.text if error is not None else None) or "no answer"
        facts.context.tell(
            check, target, "fail", text, advice=None if error is None else _todo(error.condition)
        )
        return
    status = facts.context.limits.of_time(pong.rtt_ms / 1000)
    facts.context.tell(
        check, target, status, f"answers within {pong.rtt_ms:.0f} ms", value=pong.rtt_ms, unit="ms"
    )


def _todo(condition: str | None) -> str | None:
    return {
        "remote-server-not-found": "check its SRV records, its port for servers and its certificate"
        " (xmppctl server check DOMAIN --s2s), and the log of the own server",
        "remote-server-timeout": "check its port for servers (xmppctl server check DOMAIN --s2s)",
        "timeout": "look at the load and the log of the server",
    }.get(condition or "")


async def version(facts: Facts) -> None:
    """server.version; what a server keeps to itself is no fault."""

    async def work() -> None:
        found = await entity.version(facts.session, facts.server)
        name = f"{found.name} {found.version}".strip()[:_LONGEST]
        system = f" on {found.os[:_LONGEST]}" if found.os else ""
        facts.context.tell("server.version", target, "ok", f"{name}{system}", value=name)

    target = facts.context.domain
    await judge(facts, "server.version", target, work(), Lacking("ok", None), private=PRIVATE)


async def uptime(facts: Facts) -> None:
    """server.uptime."""

    async def work() -> None:
        found = await entity.last(facts.session, facts.server)
        facts.context.tell(
            "server.uptime",
            target,
            "ok",
            f"running since {found.since:%Y-%m-%d %H:%M:%S} UTC",
            value=found.seconds,
            unit="s",
        )

    target = facts.context.domain
    await judge(facts, "server.uptime", target, work(), Lacking("ok", None), private=PRIVATE)


async def clock(facts: Facts) -> None:
    """server.clock, against the own clock, half the round trip allowed for."""

    async def work() -> None:
        found = await entity.clock(facts.session, facts.server)
        off = found.offset_ms / 1000
        size = abs(off)
        status: Status = "ok"
        if size > _CLOCK_WARN:
            status = "fail" if size > _CLOCK_FAIL else "warn"
        # most servers tell whole seconds
        words = "right to the second" if size < 2 else f"{span(size)} {_side(off)} the clock here"
        advice = "let both machines take their time from NTP" if status != "ok" else None
        shown = round(off, 1) + 0.0  # not -0.0
        facts.context.tell(
            "server.clock", target, status, words, value=shown, unit="s", advice=advice
        )

    target = facts.context.domain
    await judge(facts, "server.clock", target, work(), Lacking("unknown", None), private=PRIVATE)


def _side(off: float) -> str:
    return "ahead of" if off > 0 else "behind"


def span(seconds: float) -> str:
    """A duration in words, by its largest unit and the next one."""
    left = round(seconds)
    parts: list[str] = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
        if parts and (len(parts) > 1 or not count):
            break
    return " ".join(parts) or "0 s"


async def contact(facts: Facts) -> None:
    """server.contacts: XEP-0157 asks every server for an address against abuse."""

    async def work() -> None:
        found = contacts.read(await facts.info(str(facts.server)))
        if found.invalid:
            facts.context.tell(
                "server.contacts",
                target,
                "warn",
                f"no URI: {', '.join(found.invalid[:3])}",
                value=next(iter(found.abuse), None),
                advice="contacts are URIs, such as mailto:abuse@example.org",
            )
        elif not found.abuse:
            facts.context.tell(
                "server.contacts", target, "warn", "no contact for abuse", advice=_CONTACT
            )
        else:
            facts.context.tell(
                "server.contacts",
                target,
                "ok",
                f"abuse: {', '.join(found.abuse[:3])}",
                value=found.abuse[0],
            )

    target = facts.context.domain
    lacking = Lacking("warn", None, _CONTACT)
    await judge(facts, "server.contacts", target, work(), lacking, private=_hidden(facts))


_CONTACT = "name an abuse address (Prosody: contact_info; ejabberd: server_info of mod_disco)"


def _hidden(facts: Facts) -> frozenset[str]:
    """The conditions with which a server may refuse to say what it is; to strangers, any."""
    return frozenset() if facts.own else PRIVATE | UNSUPPORTED


# --- what the server lists


async def components(facts: Facts, found: Found) -> bool:
    """component.disco: each service that the server lists, asked what it is.

    ``found`` gets what each answers, as it comes. False: one of them did not answer, or the list
    did not come.
    """
    target = facts.context.domain
    listed: list[DiscoItem] = []

    async def work() -> None:
        async with aclosing(disco.items(facts.session, facts.server)) as items:
            async for item in items:
                # what has a node is a part of an entity, and no service
                if item.node is None and item.jid != str(facts.server):
                    listed.append(item)
                if len(listed) > _MOST:
                    break

    if not await judge(facts, "component.disco", target, work(), private=_hidden(facts)):
        return False
    names = list(dict.fromkeys(item.jid for item in listed))
    gate = asyncio.Semaphore(_PARALLEL)

    async def ask(name: str) -> bool:
        async with gate:
            return await _component(facts, name, found)

    answered = await asyncio.gather(*(ask(name) for name in names[:_MOST]))
    more = len(names) > _MOST
    facts.context.tell(
        "component.disco",
        target,
        "unknown" if more else "ok",
        f"lists more than {_MOST} services: the others are not asked"
        if more
        else f"lists {some(len(names), 'service')}; {sum(answered)} of them answer",
        value=min(len(names), _MOST),
        unit="services",
    )
    return all(answered)


async def _component(facts: Facts, name: str, found: Found) -> bool:
    tell = facts.context.tell
    try:
        jid = parse(name)
    except ValueError as error:  # not to be sent: a server may end the stream for it
        tell("component.disco", name, "fail", f"it is in the list and is no JID: {error}")
        return True
    begin = time.perf_counter()
    try:
        info = await facts.info(name)
    except (RefusedError, UnsupportedError) as error:
        took_ms = took(time.perf_counter() - begin)
        if error.condition in _ALIVE:
            text = f"answers that it does not tell what it is ({error.condition})"
            tell("component.disco", name, "ok", text, value=took_ms, unit="ms")
            return True
        if jid.local is not None and error.condition == "service-unavailable":
            # of an account nobody is told whether it is there
            tell("component.disco", name, "unknown", error.text)
            return True
        if not facts.own and error.condition in UNREACHABLE:
            tell("component.disco", name, "warn", error.text, advice=_HIDDEN)
            return False
        tell("component.disco", name, "fail", error.text, advice=_DEAD)
        return False
    except DeadlineError as error:
        if await facts.silent():
            untested(facts, "component.disco", name, f"{facts.server} does not answer")
        else:
            tell("component.disco", name, "fail", error.text, advice=_DEAD)
        return False
    except XmppctlError as error:
        tell("component.disco", name, "fail", error.text)
        return False
    seconds = time.perf_counter() - begin
    what = ", ".join(f"{each.category}/{each.type}" for each in info.identities[:3])[:_LONGEST]
    status = facts.context.limits.of_time(seconds)
    detail = f"answers within {took(seconds):.0f} ms" + (f": {what}" if what else "")
    tell("component.disco", name, status, detail, value=took(seconds), unit="ms")
    found(info)
    return True


_HIDDEN = "if others are to reach it: give it SRV records and a certificate"
_DEAD = "start the component, or take it out of the list"

Check = Callable[[Facts], Awaitable[None]]

CHECKS: dict[str, Check] = {
    "server.ping": alive,
    "server.version": version,
    "server.uptime": uptime,
    "server.clock": clock,
    "server.contacts": contact,
}
"""What is asked of the server itself, by check."""
