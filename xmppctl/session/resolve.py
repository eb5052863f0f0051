"""Where an account's server is: SRV records, their order, and addresses.

RFC 6120 §3.2, RFC 2782, XEP-0368 (direct TLS), RFC 6761 and 7686 (special names).
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import re
import socket
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from xmppctl.errors import ConnectError, DeadlineError, UsageError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.model.xep import Xep
from xmppctl.records import dataclass
from xmppctl.session import dnsclient
from xmppctl.session.proxy import Proxy, for_stream

if TYPE_CHECKING:
    import random

XEPS = (Xep("0368", "1.1.0", "complete"),)

T = TypeVar("T")

Candidate = tuple["Target", int, str]
"""A target with one of its addresses: target, address family, IP address as text.

Where a proxy looks up the name: target, 0, the target's host.
"""

STARTTLS_PORT = 5222
DIRECT_PORT = 5223

_MOST_TARGETS = 16
"""More than any service has; a hostile zone could name thousands."""

_MOST_DRAWN = 64
"""Records whose order is drawn: for thousands that would take seconds."""

_SRV_GRACE = 2.0
"""Seconds that the second SRV set is waited for when the first one is there."""

_SRV_BESIDE_PROXY = 3.0
"""Most seconds for SRV records where a proxy looks up the names of hosts."""

_ADDRESS_GRACE = 0.25
"""Seconds that one address family is waited for when the other is there (RFC 8305 §3)."""

_HOST = r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_-]{1,63})*"


@dataclass(frozen=True)
class Target:
    """A host and port to try, and whether TLS starts at once there.

    ``source``: "srv" (a record says so), "fallback" (no record: the domain itself) or "connect"
    (the user said so, or a server that sends elsewhere). ``secure``: the host is the domain itself,
    or DNSSEC vouches for the record, so that the host's name may stand for the domain (DANE).
    ``proxy``: through which it is reached; ``flatten`` sets it.
    """

    host: str
    port: int
    direct_tls: bool
    source: str
    priority: int = 0
    weight: int = 0
    secure: bool = field(default=False, compare=False)
    proxy: Proxy | None = None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


async def targets(
    account: Account, *, timeout: float, rng: random.Random | None = None
) -> list[Target]:
    """The targets of ``account`` in the order in which they are to be tried, never empty.

    With ``account.connect`` and ``tls = auto`` that host and port comes twice, with STARTTLS and
    with direct TLS, the likelier first: the second is for a server that shows the other kind.
    ``rng`` draws the weights (RFC 2782).
    Raises ConnectError ("nxdomain", "servfail", "service-not-offered") and DeadlineError, step
    "dns", and UsageError for a host that is none.
    """
    if account.connect is not None:
        host, port = account.connect
        host = _ascii(host.strip("[]"))
        return [Target(host, port, direct, "connect") for direct in _kinds_of(port, account)]
    domain = _ascii(account.domain)
    if not has_records(domain):
        if _ends_in(domain, "invalid"):
            raise _no_address(domain, exists=False)
        return _fallback(domain, account)
    if rng is None:
        from random import SystemRandom

        rng = SystemRandom()
    return await _by_srv(domain, account, timeout, rng)


async def addresses(host: str, *, account: Account, timeout: float) -> list[tuple[int, str]]:
    """The addresses of ``host`` in the system's order of preference: (family, IP address).

    The system's resolver is asked (hosts file, mDNS, ...), or ``account.nameserver`` alone.
    Raises ConnectError ("nxdomain", "no-address", "servfail") and DeadlineError, step "dns".
    """
    if _is_address(host):
        version = 6 if ":" in host else 4
        return [(socket.AF_INET6 if version == 6 else socket.AF_INET, host)]
    _refuse_unknown(host)
    if account.nameserver is not None:
        return await by_dns(host, [account.nameserver], timeout)
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        async with asyncio.timeout(timeout):
            from xmppctl.session.thread import in_thread  # an address needs none

            infos = await in_thread(
                functools.partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
            )
    except TimeoutError:
        raise _silence(host, timeout) from None
    except socket.gaierror as error:
        if error.errno != socket.EAI_AGAIN:
            raise _no_address(host, exists=error.errno != socket.EAI_NONAME) from None
        # SERVFAIL and silence look the same here: the servers themselves tell which it was
        left = timeout - (loop.time() - started)
        if left <= 0:
            raise _silence(host, timeout) from None
        return await by_dns(host, dnsclient.servers(), left)
    return list(dict.fromkeys((int(info[0]), _text(info[4])) for info in infos))


async def flatten(found: Sequence[Target], account: Account, *, timeout: float) -> list[Candidate]:
    """Every target with every address of its host, in the order of ``found``; never empty.

    The hosts are looked up side by side; one that has no address is left out while another has
    one. Names are left to a proxy that looks them up itself.
    Raises what ``addresses`` raises, and UsageError for a proxy's variable that is malformed.
    """
    found = [_routed(target, account) for target in found]
    hosts = list(dict.fromkeys(target.host for target in found if not _is_resolved_later(target)))
    outcomes = await _settle(
        [addresses(host, account=account, timeout=timeout) for host in hosts], _SRV_GRACE
    )
    by_host = dict(zip(hosts, outcomes, strict=True))
    result = [
        (target, family, ip)
        for target in found
        for family, ip in (
            [(0, target.host)] if _is_resolved_later(target) else _known(by_host[target.host])
        )
    ]
    if not result:
        raise next(each for each in outcomes if isinstance(each, XmppctlError))
    return result


def has_records(domain: str) -> bool:
    """Whether the DNS may have records of ``domain``, which it has not of addresses.

    Nor is it for some names (RFC 6761 §6.3 and §6.4, RFC 7686 §2).
    """
    return not _is_address(domain) and not _ends_in(domain, "localhost", "invalid", "onion")


def is_host_name(text: str) -> bool:
    """Whether ``text`` (ASCII, without a final dot) can be the name of a host."""
    return re.fullmatch(_HOST, text) is not None


def order(records: Iterable[Target], rng: random.Random) -> list[Target]:
    """SRV targets in the order to try: by priority, within it drawn by weight (RFC 2782).

    Both kinds are one set (XEP-0368 §2). Where a host offers both with the same priority and
    weight its records prefer neither, and direct TLS, two round trips shorter, comes first.
    Of more than any service has, those with the lowest numbers are left.
    """
    result: list[Target] = []
    remaining = sorted(records, key=lambda each: (each.priority, each.weight, not each.direct_tls))
    del remaining[_MOST_DRAWN:]
    while remaining:
        same = [each for each in remaining if each.priority == remaining[0].priority]
        draw = rng.randint(0, sum(each.weight for each in same))
        for chosen in same:
            draw -= chosen.weight
            if draw <= 0:
                break
        result.append(chosen)
        remaining.remove(chosen)
    for index, each in enumerate(result):
        for later in range(index + 1, len(result)):
            other = result[later]
            if not each.direct_tls and other == replace(each, port=other.port, direct_tls=True):
                result[index], result[later] = other, each
                break
    return result


def _routed(target: Target, account: Account) -> Target:
    if target.source == "url":
        return target
    proxy = for_stream(target.host, target.port, account.ca_file)
    return target if proxy is None else replace(target, proxy=proxy)


def _is_resolved_later(target: Target) -> bool:
    return target.proxy is not None and target.proxy.resolves


async def _by_srv(
    domain: str, account: Account, timeout: float, rng: random.Random
) -> list[Target]:
    at = [account.nameserver] if account.nameserver is not None else dnsclient.servers()
    guess = _fallback(domain, account)
    # behind a proxy there may be no DNS that knows more than this network's own names
    elsewhere = _is_resolved_later(_routed(guess[0], account))
    if elsewhere:
        timeout = min(timeout / 3, _SRV_BESIDE_PROXY)
    kinds = {"auto": (True, False), "direct": (True,), "starttls": (False,)}[account.tls]
    outcomes = await _settle(
        [_srv(domain, direct, at, timeout) for direct in kinds],
        _SRV_GRACE,
        lambda found: any(each.host for each in found),
    )
    records = [each for outcome in outcomes for each in _known(outcome)]
    offered = [each for each in records if each.host]
    if offered:
        return order(offered, rng)[:_MOST_TARGETS]
    for outcome in outcomes:
        if isinstance(outcome, XmppctlError):
            if elsewhere:
                return guess
            raise outcome
    # "." for either kind shows that the domain speaks by records: the domain itself must not be
    # tried then (XEP-0368 §5)
    if records:
        kind = {"auto": "XMPP", "direct": "direct TLS", "starttls": "STARTTLS"}[account.tls]
        raise ConnectError(
            f"the domain {domain} offers no {kind} service (its SRV record says so)",
            step="dns",
            condition="service-not-offered",
            by=domain,
        )
    return guess


async def _srv(
    domain: str, direct: bool, at: Sequence[dnsclient.Server], timeout: float
) -> list[Target]:
    """The records of one kind; a target that is not offered has the empty host."""
    service = "_xmpps-client" if direct else "_xmpp-client"
    answer = await dnsclient.ask(f"{service}._tcp.{domain}", dnsclient.SRV, at, timeout=timeout)
    found = []
    for record in answer.records:
        host = record.target.to_text(omit_final_dot=True)
        host = "" if host in (".", "@") else host
        # a name that is no host name can only confuse what it is handed to
        if not host or is_host_name(host):
            rank = (record.priority, record.weight)
            found.append(Target(host, record.port, direct, "srv", *rank, secure=answer.secure))
    return found


def _fallback(domain: str, account: Account) -> list[Target]:
    starttls = Target(domain, STARTTLS_PORT, False, "fallback", secure=True)
    direct = Target(domain, DIRECT_PORT, True, "fallback", secure=True)
    return {"auto": [starttls, direct], "direct": [direct], "starttls": [starttls]}[account.tls]


def _kinds_of(port: int, account: Account) -> tuple[bool, ...]:
    if account.tls == "auto":
        return (True, False) if port in (DIRECT_PORT, 443) else (False, True)
    return (account.tls == "direct",)


async def by_dns(
    host: str, at: Sequence[dnsclient.Server], timeout: float
) -> list[tuple[int, str]]:
    """The addresses of ``host`` that these DNS servers know. Raises as ``addresses``."""
    kinds = ((dnsclient.AAAA, socket.AF_INET6), (dnsclient.A, socket.AF_INET))
    outcomes = await _settle(
        [dnsclient.ask(host, kind, at, timeout=timeout) for kind, _ in kinds], _ADDRESS_GRACE
    )
    found: list[tuple[int, str]] = []
    for outcome, (_, family) in zip(outcomes, kinds, strict=True):
        if isinstance(outcome, dnsclient.Answer):
            found += [(int(family), record.address) for record in outcome.records]
    if found:
        return found
    for outcome in outcomes:
        if isinstance(outcome, XmppctlError):
            raise outcome
    answers = [each for each in outcomes if isinstance(each, dnsclient.Answer)]
    raise _no_address(host, exists=all(each.exists for each in answers))


async def _settle(
    lookups: Sequence[Coroutine[Any, Any, T]],
    grace: float,
    useful: Callable[[T], bool] = bool,
) -> list[T | XmppctlError | None]:
    """The outcomes of all lookups, failures as values.

    When one has found something ``useful`` the others get ``grace`` more seconds; None marks one
    that used them up.
    """
    tasks = [asyncio.ensure_future(each) for each in lookups]
    try:
        pending = set(tasks)
        while pending:
            found = [task.result() for task in tasks if task.done() and not task.exception()]
            done, pending = await asyncio.wait(
                pending,
                timeout=grace if any(map(useful, found)) else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done:
                break
    finally:
        for task in tasks:
            task.cancel()
        settled = await asyncio.gather(*tasks, return_exceptions=True)
    outcomes: list[T | XmppctlError | None] = []
    for each in settled:
        if isinstance(each, asyncio.CancelledError):
            outcomes.append(None)
        elif isinstance(each, BaseException) and not isinstance(each, XmppctlError):
            raise each
        else:
            outcomes.append(each)
    return outcomes


def _known(outcome: list[T] | XmppctlError | None) -> list[T]:
    return outcome if isinstance(outcome, list) else []


def _text(sockaddr: tuple[Any, ...]) -> str:
    scoped = len(sockaddr) == 4 and sockaddr[3] and "%" not in sockaddr[0]
    return f"{sockaddr[0]}%{sockaddr[3]}" if scoped else str(sockaddr[0])


def _ascii(host: str) -> str:
    try:
        ascii_form = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        ascii_form = ""
    if not _is_address(ascii_form) and not re.fullmatch(_HOST, ascii_form.removesuffix(".")):
        raise UsageError(f"{host!r} is not a host name", step="dns", condition="bad-host")
    return ascii_form


def _is_address(host: str) -> bool:
    if ":" not in host and not host[-1:].isdigit():
        return False  # no address looks so, and most names do
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _ends_in(host: str, *tops: str) -> bool:
    return host.lower().rstrip(".").rpartition(".")[2] in tops


def _refuse_unknown(host: str) -> None:
    if _ends_in(host, "invalid", "onion"):  # RFC 6761 §6.4; RFC 7686 §2: no DNS server is asked
        raise _no_address(host, exists=False)


def _no_address(host: str, *, exists: bool) -> ConnectError:
    return ConnectError(
        f"{host} has no address in the DNS" if exists else f"there is no host {host} in the DNS",
        step="dns",
        condition="no-address" if exists else "nxdomain",
        by=host,
        hint="check the domain of the JID, or name the server with --connect HOST:PORT",
    )


def _silence(host: str, timeout: float) -> DeadlineError:
    asked = ", ".join(server for server, _ in dnsclient.servers())
    return DeadlineError(
        f"no address of {host} from the system's resolver within {timeout:g} s (DNS: {asked})",
        step="dns",
        condition="timeout",
        by=asked,
        hint="check the name servers of this machine, or give an IP address with --connect",
    )
