"""Where an account's server is: SRV records, their order, and addresses.

RFC 6120 §3.2, RFC 2782, XEP-0368 (direct TLS), RFC 6761 (special names).
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import random
import re
import socket
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from xmppctl.errors import ConnectError, DeadlineError, UsageError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.model.xep import Xep
from xmppctl.session import dnsclient

XEPS = (Xep("0368", "1.1.0", "complete"),)

T = TypeVar("T")

Candidate = tuple["Target", int, str]
"""A target with one of its addresses: target, address family, IP address as text."""

STARTTLS_PORT = 5222
DIRECT_PORT = 5223

_MOST_TARGETS = 16
"""More than any service has; a hostile zone could name thousands."""

_SRV_GRACE = 2.0
"""Seconds that the second SRV set is waited for when the first one is there."""

_ADDRESS_GRACE = 0.25
"""Seconds that one address family is waited for when the other is there (RFC 8305 §3)."""

_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_-]{1,63})*")


@dataclass(frozen=True)
class Target:
    """A host and port to try, and whether TLS starts at once there.

    ``source``: "srv" (a record says so), "fallback" (no record: the domain itself) or "connect"
    (the user said so).
    """

    host: str
    port: int
    direct_tls: bool
    source: str
    priority: int = 0
    weight: int = 0

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
    if _is_address(domain) or _is_local(domain):
        return _fallback(domain, account)
    _refuse_invalid(domain)
    return await _by_srv(domain, account, timeout, rng or random.SystemRandom())


async def addresses(host: str, *, account: Account, timeout: float) -> list[tuple[int, str]]:
    """The addresses of ``host`` in the system's order of preference: (family, IP address).

    The system's resolver is asked (hosts file, mDNS, ...), or ``account.nameserver`` alone.
    Raises ConnectError ("nxdomain", "no-address", "servfail") and DeadlineError, step "dns".
    """
    if _is_address(host):
        version = ipaddress.ip_address(host).version
        return [(socket.AF_INET6 if version == 6 else socket.AF_INET, host)]
    _refuse_invalid(host)
    if account.nameserver is not None:
        return await _by_dns(host, [account.nameserver], timeout)
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        async with asyncio.timeout(timeout):
            infos = await _in_thread(
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
        return await _by_dns(host, dnsclient.servers(), left)
    return list(dict.fromkeys((int(info[0]), _text(info[4])) for info in infos))


async def flatten(found: Sequence[Target], account: Account, *, timeout: float) -> list[Candidate]:
    """Every target with every address of its host, in the order of ``found``; never empty.

    The hosts are looked up side by side; one that has no address is left out while another has
    one. Raises what ``addresses`` raises.
    """
    hosts = list(dict.fromkeys(target.host for target in found))
    outcomes = await _settle(
        [addresses(host, account=account, timeout=timeout) for host in hosts], _SRV_GRACE
    )
    by_host = dict(zip(hosts, outcomes, strict=True))
    result = [
        (target, family, ip) for target in found for family, ip in _known(by_host[target.host])
    ]
    if not result:
        raise next(each for each in outcomes if isinstance(each, XmppctlError))
    return result


def order(records: Iterable[Target], rng: random.Random) -> list[Target]:
    """SRV targets in the order to try: by priority, within it drawn by weight (RFC 2782).

    Both kinds are one set (XEP-0368 §2). Where a host offers both with the same priority and
    weight its records prefer neither, and direct TLS, two round trips shorter, comes first.
    """
    result: list[Target] = []
    remaining = sorted(records, key=lambda each: (each.priority, each.weight, not each.direct_tls))
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


async def _by_srv(
    domain: str, account: Account, timeout: float, rng: random.Random
) -> list[Target]:
    at = [account.nameserver] if account.nameserver is not None else dnsclient.servers()
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
    return _fallback(domain, account)


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
        if not host or _HOST.fullmatch(host):
            found.append(Target(host, record.port, direct, "srv", record.priority, record.weight))
    return found


def _fallback(domain: str, account: Account) -> list[Target]:
    starttls = Target(domain, STARTTLS_PORT, False, "fallback")
    direct = Target(domain, DIRECT_PORT, True, "fallback")
    return {"auto": [starttls, direct], "direct": [direct], "starttls": [starttls]}[account.tls]


def _kinds_of(port: int, account: Account) -> tuple[bool, ...]:
    if account.tls == "auto":
        return (True, False) if port in (DIRECT_PORT, 443) else (False, True)
    return (account.tls == "direct",)


async def _by_dns(
    host: str, at: Sequence[dnsclient.Server], timeout: float
) -> list[tuple[int, str]]:
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


async def _in_thread(call: Callable[[], T]) -> T:
    """The result of a blocking call in a daemon thread.

    The loop's executor would be joined when the process ends: a resolver that hangs would then
    hold it back.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def deliver(result: T | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        outcome: tuple[T | None, Exception | None]
        try:
            outcome = (call(), None)
        except Exception as error:
            outcome = (None, error)
        try:
            loop.call_soon_threadsafe(deliver, *outcome)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    threading.Thread(target=run, daemon=True, name="getaddrinfo").start()
    return await future


def _text(sockaddr: tuple[Any, ...]) -> str:
    scoped = len(sockaddr) == 4 and sockaddr[3] and "%" not in sockaddr[0]
    return f"{sockaddr[0]}%{sockaddr[3]}" if scoped else str(sockaddr[0])


def _ascii(host: str) -> str:
    try:
        ascii_form = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        ascii_form = ""
    if not _is_address(ascii_form) and not _HOST.fullmatch(ascii_form.removesuffix(".")):
        raise UsageError(f"{host!r} is not a host name", step="dns", condition="bad-host")
    return ascii_form


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_local(host: str) -> bool:
    return host.lower().rstrip(".").rpartition(".")[2] == "localhost"  # RFC 6761 §6.3


def _refuse_invalid(host: str) -> None:
    if host.lower().rstrip(".").rpartition(".")[2] == "invalid":  # RFC 6761 §6.4
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
