"""All checks of a server, side by side: who is asked, and what they find as it comes.

What one probe needs of another is handed over here: the DNS names the ways in, each of which is
looked at by itself. Where something upstream failed, what stands behind it is ``unknown``.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, Awaitable, Collection, Iterable
from contextlib import suppress
from dataclasses import replace

from xmppctl.errors import (
    ConnectError,
    DeadlineError,
    LocalError,
    TlsError,
    UsageError,
    XmppctlError,
)
from xmppctl.model.account import Account
from xmppctl.model.check import CHECKS, NEED_ACCOUNT, Finding
from xmppctl.model.dns import Way
from xmppctl.protocol.check import web
from xmppctl.protocol.check.context import Context, Limits
from xmppctl.protocol.check.register import Registration
from xmppctl.protocol.check.waychecks import CHECKS as OF_A_WAY
from xmppctl.protocol.check.waychecks import applicable
from xmppctl.protocol.check.ways import Door
from xmppctl.records import dataclass
from xmppctl.session.probe import Slots
from xmppctl.session.trace import Trace

FROM_ELSEWHERE = frozenset(
    {
        "s2s.ping", "server.version", "server.uptime", "server.clock", "server.contacts",
        "component.disco",
    }
)  # fmt: skip
"""What an account of another server is good for: whatever the domain tells to strangers."""


_NAMES_WAYS = ("dns.srv", "dns.target")
"""What finds the ways in by TCP."""

_WAYS_IN = (*_NAMES_WAYS, "dns.port", *OF_A_WAY)

_OF_ACCOUNT = frozenset(
    {
        "login.time", "roster.get", "mam.archive", "carbons.enable", "blocking.list",
        "push.offered", "pep.publish",
    }
)  # fmt: skip
"""The checks whose target is the account."""

_OURS = (UsageError, LocalError)
"""What is wrong here, not there."""

_NO_WAY = (ConnectError, DeadlineError, TlsError)


@dataclass(frozen=True)
class Plan:
    """What is to be checked.

    ``account``: how to reach ``domain``. ``login``: who logs in, None where nobody does; ``own``:
    whether that is at ``domain``. ``server_at``: where the port for servers is, None where the DNS
    says so. ``peers``: domains to be reached from the account's server.
    """

    domain: str
    account: Account
    limits: Limits
    wanted: frozenset[str]
    login: Account | None = None
    own: bool = True
    s2s: bool = False
    server_at: tuple[str, int] | None = None
    peers: tuple[str, ...] = ()


async def run(plan: Plan, trace: Trace) -> AsyncGenerator[Finding, None]:
    """The findings as they come.

    Raises UsageError and LocalError for files and variables of this machine that cannot be used,
    when all others have told theirs.
    """
    queue: asyncio.Queue[Finding | None] = asyncio.Queue()
    told: list[Finding] = []

    def put(finding: Finding) -> None:
        told.append(finding)
        queue.put_nowait(finding)

    trace.enter("check")
    _import(plan)
    context = Context(plan.domain, plan.account, plan.limits, set(plan.wanted), put)
    work = asyncio.ensure_future(_all(plan, context, told, trace))
    work.add_done_callback(lambda _: queue.put_nowait(None))
    try:
        while (finding := await queue.get()) is not None:
            yield finding
        await work
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await work


def _import(plan: Plan) -> None:
    """Import what the probes are going to, before any of them measures how long it waits."""
    names = {"cryptography.x509"} if plan.wanted & set(OF_A_WAY) else set()
    if "register.open" in plan.wanted:
        names.add("xmppctl.protocol.registration")
    if plan.account.connect is None and plan.account.endpoint is None:
        names |= {f"{__package__}.dns", f"{__package__}.hostmeta"}
    if plan.login is not None:
        names |= {f"{__package__}.account", "xmppctl.session.connect"}
    for name in sorted(names):
        importlib.import_module(name)


async def _all(plan: Plan, context: Context, told: list[Finding], trace: Trace) -> None:
    registration = Registration(context)
    by_tcp = asyncio.ensure_future(_by_tcp(plan, context, told, registration, trace))
    parts: list[Awaitable[None]] = [by_tcp, _by_web(plan, context, registration, trace)]
    if plan.login is not None:
        parts.append(_with_account(plan, plan.login, context, told, by_tcp, trace))
    await _together(parts)
    registration.over()


async def _together(parts: Iterable[Awaitable[None]]) -> None:
    """Run all of them to their end, then raise the first failure: none hides the others."""
    for outcome in await asyncio.gather(*parts, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def _by_tcp(
    plan: Plan,
    context: Context,
    told: list[Finding],
    registration: Registration,
    trace: Trace,
) -> None:
    looks = context.wants(*OF_A_WAY, "register.open")
    if not looks and not context.wants("dns"):
        return
    ways: list[Way] = []
    lost = None
    by_name = plan.account.connect is None and plan.account.endpoint is None
    if by_name:
        found, lost = await _by_name(plan, context, opened=looks)
        ways += found
    elif plan.account.connect is not None and looks:
        ways.append(await _named(plan, plan.account.connect, "client"))
    if plan.server_at is not None and looks:
        ways.append(await _named(plan, plan.server_at, "server"))
    if not looks:  # records that speak of certificates are of no use without them
        ways = [way for way in ways if way.tlsa and context.wants("dns.dnssec")]
    doors: dict[str, Door] = {}
    slots = Slots()
    for way in ways:
        guess = way.source == "connect" and plan.account.tls == "auto"
        for address in way.addresses:
            door = Door(context, way, address, slots, registration, trace, guess=guess)
            doors.setdefault(door.name, door)
        if not way.addresses:
            detail, advice = f"{way.host} has no address", "check the name, or give an IP address"
            context.tell("tcp.connect", str(way), "fail", detail, advice=advice)
            _not_tested(context, way, "tcp.connect")
    if by_name and looks and not ways:
        for check in OF_A_WAY:
            context.tell(check, plan.domain, "unknown", f"not tested: no way in ({lost or 'DNS'})")
    await _together(door.look() for door in doors.values())


async def _by_name(plan: Plan, context: Context, *, opened: bool) -> tuple[list[Way], str | None]:
    """The ways that the DNS names, and what hides others: the check, or where nobody hears of it
    the reason.
    """
    from xmppctl.protocol.check import dns

    lost: list[str] = []

    def put(finding: Finding) -> None:
        if finding.status == "fail" and finding.check in _NAMES_WAYS:
            heard = finding.check in plan.wanted
            lost.append(finding.check if heard else f"{finding.check}: {finding.detail}")
        context.tell(
            finding.check,
            finding.target,
            finding.status,
            finding.detail,
            value=finding.value,
            unit=finding.unit,
            advice=finding.advice,
        )

    wanted = {*plan.wanted, *_NAMES_WAYS}
    all_told = Context(plan.domain, plan.account, plan.limits, wanted, put)
    s2s = plan.s2s and plan.server_at is None
    return await dns.probe(all_told, s2s=s2s, opened=opened), next(iter(lost), None)


def _has_failed(told: list[Finding], checks: Collection[str]) -> bool:
    return any(each.status == "fail" and each.check in checks for each in told)


def _not_tested(context: Context, way: Way, why: str) -> None:
    for check in applicable(way):
        if check != why:
            context.tell(check, str(way), "unknown", f"not tested: {why} failed")


async def _by_web(plan: Plan, context: Context, registration: Registration, trace: Trace) -> None:
    if plan.account.endpoint is not None:
        await web.probe(context, web.named(plan.account.endpoint), trace, registration)
    elif plan.account.connect is None and context.wants("web"):
        from xmppctl.protocol.check.hostmeta import hostmeta

        endpoints, why = await hostmeta(context)
        for kind in web.KINDS:
            if any(each.service == kind for each in endpoints):
                continue
            if why is not None:
                detail = f"cannot be told: host-meta cannot be read ({why})"
                context.tell(f"web.{kind}", plan.domain, "unknown", detail)
            else:
                context.tell(f"web.{kind}", plan.domain, "ok", "no address is named", value=False)
        await _together(web.probe(context, way, trace) for way in endpoints)


async def _named(plan: Plan, place: tuple[str, int], side: str) -> Way:
    """The way to a host and port that the user named, its addresses looked up."""
    from xmppctl.session import resolve

    account = replace(plan.account, connect=place)
    limit = account.connect_timeout
    target = (await resolve.targets(account, timeout=limit))[0]
    direct = account.tls == "direct"
    service = f"{'xmpps' if direct else 'xmpp'}-{side}"
    try:
        found = await resolve.addresses(target.host, account=account, timeout=limit)
    except (ConnectError, DeadlineError):
        found = []
    addresses = tuple(address for _, address in found)
    return Way(service, target.host, target.port, direct, addresses, "connect")


async def _with_account(
    plan: Plan,
    login: Account,
    context: Context,
    told: list[Finding],
    by_tcp: asyncio.Future[None],
    trace: Trace,
) -> None:
    """What is checked inside a session; a login that fails is a finding, not the end.

    Raises UsageError and LocalError for what is wrong here, such as a password that is not there.
    """
    from xmppctl.protocol.check import account
    from xmppctl.session import open_session

    checks = NEED_ACCOUNT if plan.own else FROM_ELSEWHERE
    peers = plan.peers if plan.own else (plan.domain, *plan.peers)
    if not context.wants(*checks):
        return
    whose = str(login.jid.bare)
    inside = False
    try:
        # a trace of its own: its steps are the phases of login.time
        async with open_session(login, trace=trace.beside()) as session:
            inside = True
            await account.probe(context, session, peers=peers)
        return
    except XmppctlError as error:
        why = error
    if not inside and plan.own:
        await asyncio.wait([by_tcp])
        # no way in is no defect of the login, where it has been told; nor is a fault on this side
        behind = isinstance(why, _NO_WAY) and _has_failed(told, _WAYS_IN)
        if behind or isinstance(why, _OURS):
            context.tell("login.time", whose, "unknown", f"not tested: {why.text}")
        else:
            advice = why.hint or "xmppctl account test tells more"
            context.tell("login.time", whose, "fail", why.text, advice=advice)
    left = checks - {each.check for each in told}
    for check in (each for each in CHECKS if each in left):
        for target in _targets(check, plan, whose, peers):
            context.tell(check, target, "unknown", f"not tested: {why.text}")
    if isinstance(why, _OURS):
        raise why


def _targets(check: str, plan: Plan, whose: str, peers: Collection[str]) -> Collection[str]:
    """The targets that a check has where nothing but the plan is known."""
    if check == "s2s.ping":
        return dict.fromkeys(peers)
    return (whose,) if check in _OF_ACCOUNT else (plan.domain,)
