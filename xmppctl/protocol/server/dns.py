"""Where the DNS says that a domain's servers are (RFC 6120 §3.2, RFC 2782, XEP-0368).

All sets of SRV records, with what stands behind each: addresses, aliases, TLSA records (RFC 7673),
and whether DNSSEC vouches for that. Unlike a login, which stops at the first way that opens, this
looks at all of them; what cannot be found out is told in the record that it is about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from xmppctl.errors import ConnectError, DeadlineError, ErrorInfo, XmppctlError
from xmppctl.model.account import Account
from xmppctl.model.dns import Problem, ServiceRecord, SrvService
from xmppctl.protocol import Xep
from xmppctl.protocol.server import dnsrules
from xmppctl.records import dataclass
from xmppctl.session import dnsclient, resolve

if TYPE_CHECKING:
    import random

XEPS = (Xep("0368", "1.1.0", "complete"),)

T = TypeVar("T")

CLIENT: tuple[SrvService, ...] = ("xmpp-client", "xmpps-client")
SERVER: tuple[SrvService, ...] = ("xmpp-server", "xmpps-server")
SRV_SERVICES: tuple[SrvService, ...] = get_args(SrvService)
_FALLBACK = {"xmpp-client": resolve.STARTTLS_PORT, "xmpp-server": 5269}

MOST = 16
"""Records of a set that are looked at, and targets that are tried; a zone could have thousands."""

_GRACE = 0.5
"""Seconds that records are waited for which are only to be compared with."""

_PATIENCE = 3.0
"""Seconds that the rest about a host is waited for when an address is known: some networks drop
questions of a type that they do not know."""

_MOST_ADDRESSES = 32
_AT_ONCE = 100
"""Questions that are on their way at the same time."""


@dataclass(frozen=True)
class Host:
    """What the DNS says of a host; ``error``: why it has no addresses.

    ``alias`` and ``secure`` as in a ServiceRecord; ``problems``: of the look-up itself.
    """

    addresses: tuple[str, ...] = ()
    alias: str | None = None
    secure: bool | None = None
    problems: tuple[Problem, ...] = ()
    error: XmppctlError | None = None


class Lookups:
    """Questions about one domain: each is asked once, and bounded by itself.

    ``account``: timeouts and DNS server. To be made inside a running loop.
    """

    def __init__(self, account: Account) -> None:
        own = account.nameserver
        self._account = account
        self._at = dnsclient.servers() if own is None else [own]
        self._timeout = min(account.timeout, account.connect_timeout)
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._hosts: dict[str, asyncio.Task[Host]] = {}
        self.trusted = dnsclient.trusted(self._at)

    async def ask(self, name: str, kind: int) -> dnsclient.Answer:
        """As ``dnsclient.ask``."""
        async with self._gate:
            return await dnsclient.ask(name, kind, self._at, timeout=self._timeout)

    async def host(self, name: str) -> Host:
        """What is known of a host; it never fails."""
        task = self._hosts.get(name)
        if task is None:
            task = self._hosts[name] = asyncio.create_task(self._host(name))
        return await asyncio.shield(task)

    async def tlsa(self, host: str, port: int) -> tuple[list[str] | None, bool | None]:
        """TLSA records as in a zone file, and whether DNSSEC vouches for them.

        None where there can be none. Raises as ``ask``.
        """
        if not resolve.has_records(host):
            return None, None
        answer = await self.ask(f"_{port}._tcp.{host}", dnsclient.TLSA)
        found = [
            f"{each.usage} {each.selector} {each.mtype} {each.cert.hex()}"
            for each in answer.records[:MOST]
        ]
        return found, self.word(answer)

    def word(self, *answers: dnsclient.Answer) -> bool | None:
        """Whether DNSSEC vouches for all of these; None where nobody could be believed."""
        return all(each.secure for each in answers) if self.trusted and answers else None

    async def _host(self, name: str) -> Host:
        if not resolve.has_records(name):
            return await self._by_system(name)
        asked = await self._families(name)
        answers = [each for each in asked if isinstance(each, dnsclient.Answer)]
        failed = [each for each in asked if isinstance(each, XmppctlError)]
        found = [record.address for each in answers for record in each.records]
        alias = next((each.alias for each in answers if each.alias), None)
        told = Host(tuple(found[:_MOST_ADDRESSES]), alias, self.word(*answers))
        if found:
            return replace(told, problems=dnsrules.of_lookup(len(found), _MOST_ADDRESSES, failed))
        if failed:
            return replace(told, error=failed[0])
        error = _nowhere(name, alias, exists=all(each.exists for each in answers))
        if self._account.nameserver is None:
            # a hosts file, or names of this network: clients here would find it
            known = await self._by_system(name)
            if known.addresses:
                return replace(known, problems=(dnsrules.HOSTS_FILE,))
        return replace(told, error=error)

    async def _families(self, name: str) -> list[dnsclient.Answer | XmppctlError]:
        """What is answered about IPv6 and about IPv4; errors as values."""
        tasks = [
            asyncio.create_task(_told(self.ask(name, kind)))
            for kind in (dnsclient.AAAA, dnsclient.A)
        ]
        done, late = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        first = [each.result() for each in done]
        found = any(isinstance(each, dnsclient.Answer) and each.records for each in first)
        if late:
            await asyncio.wait(late, timeout=_PATIENCE if found else None)
        return [each.result() if each.done() else _late(name, each) for each in tasks]

    async def _by_system(self, name: str) -> Host:
        try:
            found = await resolve.addresses(name, account=self._account, timeout=self._timeout)
        except XmppctlError as error:
            return Host(error=error)
        return Host(tuple(address for _, address in found[:_MOST_ADDRESSES]))


async def survey(
    domain: str,
    lookups: Lookups,
    services: Collection[str] = SRV_SERVICES,
    *,
    rng: random.Random | None = None,
) -> list[ServiceRecord]:
    """The records of ``domain`` (ASCII) for ``services``: clients', then servers', each in order.

    Never empty unless sets without records alone were asked for. Nothing is raised for what the
    DNS does not tell: that is the ``error`` of a record, whose host is None where a whole set could
    not be read. ``rng`` draws the weights (RFC 2782).
    """
    if rng is None:
        from random import SystemRandom

        rng = SystemRandom()
    wanted = [role for role in (CLIENT, SERVER) if set(role) & set(services)]
    if not wanted:
        return []
    # which ports are whose can only be seen beside those of the others
    others = [role for role in (CLIENT, SERVER) if role not in wanted]
    beside = [asyncio.create_task(_role(domain, role, lookups, rng)) for role in others]
    found = await asyncio.gather(*(_role(domain, role, lookups, rng) for role in wanted))
    chosen = [each for role in found for each in role if each.service in services]
    filled = await asyncio.gather(*(_filled(each, lookups) for each in chosen))
    known = list(found)
    if beside:
        done, late = await asyncio.wait(beside, timeout=_GRACE)
        known += [each.result() for each in done]
        for each in late:
            each.cancel()
    return dnsrules.judge(filled, [each for role in known for each in role])


async def _role(
    domain: str, role: tuple[SrvService, ...], lookups: Lookups, rng: random.Random
) -> list[ServiceRecord]:
    """The records of clients, or of servers, without what is behind their hosts."""
    fallback = ServiceRecord(role[0], domain, _FALLBACK[role[0]], source="fallback", order=1)
    if not resolve.has_records(domain):
        return [fallback]
    sets = await asyncio.gather(*(_set(domain, service, lookups) for service in role))
    records = [each for one in sets for each in one]
    offered = [each for each in records if each.host != "." and each.error is None]
    rest = [each for each in records if each not in offered]
    if not records:
        return [fallback]
    if offered and not sets[0]:
        # who knows nothing of XEP-0368 does not see those records
        rest.append(replace(fallback, order=None))
    return _in_order(offered, rng) + rest


async def _set(domain: str, service: SrvService, lookups: Lookups) -> list[ServiceRecord]:
    try:
        answer = await lookups.ask(f"_{service}._tcp.{domain}", dnsclient.SRV)
    except XmppctlError as error:
        return [ServiceRecord(service, None, None, error=error.info())]
    found = []
    nearest = sorted(answer.records, key=lambda each: (each.priority, -each.weight))
    for record in nearest[:MOST]:
        host = record.target.to_text(omit_final_dot=True)
        host = "." if host in (".", "@") else host
        each = ServiceRecord(
            service, host, record.port, record.priority, record.weight, secure=lookups.word(answer)
        )
        if host != "." and not resolve.is_host_name(host):
            each = replace(each, error=_unusable(each, f"{host!r} is no name of a host"))
        elif host != "." and not record.port:
            each = replace(each, error=_unusable(each, "0 is no port"))
        found.append(each)
    return dnsrules.of_set(found, len(answer.records))


def _in_order(records: Sequence[ServiceRecord], rng: random.Random) -> list[ServiceRecord]:
    by_target: dict[resolve.Target, list[ServiceRecord]] = {}
    targets = []
    for each in records:
        direct = each.service.startswith("xmpps")
        rank = (each.prio or 0, each.weight or 0)
        target = resolve.Target(each.host or "", each.port or 0, direct, "srv", *rank)
        targets.append(target)
        by_target.setdefault(target, []).append(each)
    ordered = [by_target[target].pop() for target in resolve.order(targets, rng)]
    return [
        replace(each, order=number if number <= MOST else None)
        for number, each in enumerate(ordered, 1)
    ]


async def _filled(record: ServiceRecord, lookups: Lookups) -> ServiceRecord:
    """The record with what the DNS says of its host."""
    if record.error is not None or record.host in (None, ".") or record.port is None:
        return record
    assert record.host is not None
    question = asyncio.create_task(_told(lookups.tlsa(record.host, record.port)))
    host = await lookups.host(record.host)
    await asyncio.wait([question], timeout=_PATIENCE)
    tlsa = question.result() if question.done() else _late(record.host, question)
    problems = [*record.problems, *host.problems]
    records, signed = (None, None) if isinstance(tlsa, XmppctlError) else tlsa
    if isinstance(tlsa, XmppctlError):
        problems.append(dnsrules.no_tlsa(tlsa))
    elif records and False in (record.secure, signed):
        problems.append(dnsrules.UNSIGNED_TLSA)
    # to the domain itself come only those who see no records: without an address it fails nobody
    optional = record.source == "fallback" and record.order is None
    if host.error is not None and optional:
        problems.append(dnsrules.nowhere(host.error))
    return replace(
        record,
        addresses=list(host.addresses),
        cname=host.alias,
        secure=_both(record, host),
        tlsa=records,
        problems=problems,
        error=None if host.error is None or optional else host.error.info(),
    )


def _both(record: ServiceRecord, host: Host) -> bool | None:
    """Whether record and addresses are vouched for; that of a fallback has no record."""
    if record.source == "fallback":
        return host.secure
    if record.secure is None or host.secure is None:
        return record.secure
    return record.secure and host.secure


async def _told(question: Awaitable[T]) -> T | XmppctlError:
    """Its answer, or its error as a value."""
    try:
        return await question
    except XmppctlError as error:
        return error


def _late(name: str, question: asyncio.Task[Any]) -> DeadlineError:
    """The error of a question that is given up."""
    question.cancel()
    return DeadlineError(
        f"no answer about {name} for {_PATIENCE:g} s, while others came",
        step="dns",
        condition="timeout",
        by=name,
    )


def _unusable(record: ServiceRecord, why: str) -> ErrorInfo:
    return ConnectError(
        f"the {record.service} record cannot be used: {why}",
        step="dns",
        condition="bad-host",
        hint="the record has to be corrected",
    ).info()


def _nowhere(name: str, alias: str | None, *, exists: bool) -> ConnectError:
    what = f"{name}, an alias of {alias}," if alias is not None else name
    there = f"there is no host {name} in the DNS"
    if alias is not None:
        there = f"{name} is an alias of {alias}, which does not exist"
    return ConnectError(
        f"{what} has no address in the DNS" if exists else there,
        step="dns",
        condition="no-address" if exists else "nxdomain",
        by=name,
    )
