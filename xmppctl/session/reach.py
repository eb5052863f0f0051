"""From an account to a stream under TLS: early connection, candidates in turn, redirects."""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from xmppctl.errors import (
    AuthError,
    ConnectError,
    DeadlineError,
    LocalError,
    TlsError,
    UsageError,
    XmppctlError,
)
from xmppctl.model.account import Account
from xmppctl.session import negotiate, tls
from xmppctl.session.conditions import SeeOtherHostError
from xmppctl.session.tcp import TcpWire
from xmppctl.session.tlschannel import TlsChannel
from xmppctl.session.trace import Trace
from xmppctl.session.wire import Wire

if TYPE_CHECKING:
    from xmppctl.model.aim import Place
    from xmppctl.session import dane, resolve
    from xmppctl.session.early import Early

_MAX_REDIRECTS = 3

_FINAL = (AuthError, UsageError, LocalError, SeeOtherHostError)
"""What no other address of the same server would answer differently."""

_EARLY_SECONDS = 2.0
"""The longest wait for a connection that was begun early."""


class Clock(Protocol):
    """What is left of the time for the way to a session."""

    def left(self, parts: int = 1) -> float:
        """Seconds for the next of ``parts`` attempts."""


Greeting = Callable[[Wire], None]
"""Opens the stream on a wire that is under TLS."""


async def reach(
    account: Account, trace: Trace, clock: Clock, greet: Greeting, early: Early | None = None
) -> Wire:
    """A stream under TLS with its features; follows see-other-host (RFC 6120 §4.9.3.19)."""
    place: tuple[str, int] | None = None
    for _ in range(_MAX_REDIRECTS + 1):
        try:
            if early is not None:
                wire = await _taken_over(early, account, trace, clock, greet)
                early = None
                if wire is not None:
                    return wire
            # what looks for a way is not needed where one is there already
            from xmppctl.session import ways

            by_tcp = functools.partial(_first_that_answers, account, trace, clock, greet)
            return await ways.reach(account, trace, clock.left, by_tcp, greet)
        except SeeOtherHostError as elsewhere:
            trace.note(elsewhere.text)
            place = (elsewhere.host, elsewhere.port)
            account = replace(account, connect=place)
        except UsageError as error:
            if place is None or error.condition != "bad-host":
                raise
            raise ConnectError(
                f"{account.domain} sends to {place[0]}, which is not a host name",
                step=trace.step,
                condition="see-other-host",
                by=account.domain,
            ) from None
    raise ConnectError(
        f"{account.domain} sends from one host to the next",
        step=trace.step,
        condition="see-other-host",
        by=account.domain,
    )


async def _first_that_answers(
    account: Account, trace: Trace, clock: Clock, greet: Greeting
) -> Wire:
    from xmppctl.session import resolve

    trace.enter("dns")
    found = await resolve.targets(account, timeout=clock.left())
    vouched = None
    if any(target.secure for target in found) and _trusts_dns(account):
        from xmppctl.session import dane

        # beside the addresses and the connection, not behind them
        vouched = dane.Lookups(found, account, timeout=clock.left())
    try:
        return await _in_turn(found, vouched, account, trace, clock, greet)
    finally:
        if vouched is not None:
            vouched.close()


async def _in_turn(
    found: Sequence[resolve.Target],
    vouched: dane.Lookups | None,
    account: Account,
    trace: Trace,
    clock: Clock,
    greet: Greeting,
) -> Wire:
    from xmppctl.session import dial, resolve

    remaining: Sequence[resolve.Candidate] = await resolve.flatten(
        found, account, timeout=clock.left()
    )
    failures: dict[tuple[str, int], XmppctlError] = {}
    while remaining:
        trace.enter("tcp")
        try:
            sock, target, address, remaining = await dial.dial(remaining, timeout=clock.left())
        except (ConnectError, DeadlineError) as error:
            failures["", 0] = error
            break
        if target.proxy is not None:
            trace.note(f"through the proxy {target.proxy}")
        wire = _new_wire(trace, target, address)
        place = (address, target.port)
        elsewhere = [each for each in remaining if _place(each) != place]
        try:
            # a place that is silent must leave time for the others
            share = clock.left(1 + len({_place(each) for each in elsewhere}))
            await _secure(wire, sock, target, account, share, greet, vouched=vouched)
        except BaseException as error:
            await wire.close(None)
            if not isinstance(error, XmppctlError) or isinstance(error, _FINAL):
                raise
            trace.note(f"{target}: {error.text}")
            # the other kind of TLS at one place is a guess: only if it holds, its failure counts
            if _is_of_this_kind(wire, error):
                failures[place], remaining = error, elsewhere
            else:
                failures.setdefault(place, error)
            continue
        return wire
    raise _most_telling(list(failures.values()))


async def _taken_over(
    early: Early, account: Account, trace: Trace, clock: Clock, greet: Greeting
) -> Wire | None:
    """The stream on a connection that was begun early; None where the usual way is to decide.

    Raises what no other way would answer differently, SeeOtherHostError and, with ``--connect``,
    DeadlineError: there is no other place.
    """
    trace.enter("tcp")
    only = account.connect is not None
    limit = clock.left(1 if only else 2)
    early.pump()
    if not early.connected and not early.failed:
        await _writable(early.sock, min(_EARLY_SECONDS, limit))
        early.pump()
    if early.error is not None and only and account.tls == "direct":
        trace.enter("tls")
        peer = str(early.place)
        trace.fact("peer", peer)
        raise tls.tls_error(early.error, peer, account.domain)
    if not early.connected or not early.usable():
        early.abandon()
        return None
    target = early.place
    wire = _new_wire(trace, target, target.address)
    try:
        limit = clock.left(1 if only else 2)
        await _secure(wire, early.sock, target, account, limit, greet, channel=early.channel)
    except BaseException as error:
        await wire.close(None)
        if not isinstance(error, XmppctlError) or isinstance(error, _FINAL):
            raise
        # with --connect and one kind of TLS there is nothing else to try
        if only and (isinstance(error, DeadlineError) or account.tls != "auto"):
            raise
        trace.note(f"{target}: {error.text}")
        return None
    return wire


async def _writable(sock: socket.socket, timeout: float) -> None:
    """Wait until a connection that is being made stands or fails, or that long."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(sock, ready.set)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await ready.wait()
    finally:
        loop.remove_writer(sock)


def _new_wire(trace: Trace, target: resolve.Target | Place, address: str) -> TcpWire:
    trace.fact("peer", str(target))
    trace.fact("address", address)
    wire = TcpWire(trace, str(target))
    wire.place = (target.host, address, target.port, target.direct_tls)
    return wire


def _place(candidate: resolve.Candidate) -> tuple[str, int]:
    target, _, address = candidate
    return address, target.port


async def _secure(
    wire: TcpWire,
    sock: socket.socket,
    target: resolve.Target | Place,
    account: Account,
    limit: float,
    greet: Greeting,
    *,
    channel: TlsChannel | None = None,
    vouched: dane.Lookups | None = None,
) -> None:
    """TLS on a connection, checked by whoever is to vouch for it, and the stream opened in it.

    ``vouched``: what the DNS says of the targets that it named, which an early place is none of.
    """
    named = None if isinstance(target, tuple) else target
    limit = min(limit, account.timeout)
    await wire.connect(sock)
    records: Sequence[dane.Record] = ()
    by_dane = False
    try:
        async with asyncio.timeout(limit):
            if vouched is not None and named and (records := await vouched.of(named)):
                from xmppctl.session import dane

                wire.place = None  # the next login asks the name service again
                by_dane = dane.replaces_authorities(records)
            channel = channel or TlsChannel(
                tls.client_context(account, alpn=tls.ALPN, by_dane=by_dane), account.domain
            )
            if target.direct_tls:
                await negotiate.handshake(wire, channel, limit)
            else:
                await negotiate.starttls(wire, account, channel, limit)
            negotiate.check_certificate(wire, account)
            if records and named:
                assert wire.ssl_object is not None
                chain = tls.peer_chain(wire.ssl_object, verified=not by_dane)
                fits = dane.check(records, chain, named, account)
                wire.trace.note(f"the certificate fits the TLSA record {fits}")
            if wire.link.tls is not None:
                wire.trace.round_trips += wire.link.tls.flights
            wire.trace.enter("stream")
            greet(wire)
            await wire.ready(limit, "stream")
    except TimeoutError:
        raise wire.silence(limit, wire.trace.step) from None


def _trusts_dns(account: Account) -> bool:
    """Whether the resolver's word about DNSSEC is trusted; a pin stands above it."""
    if account.pins:
        return False
    from xmppctl.session import dnsclient

    at = [account.nameserver] if account.nameserver is not None else dnsclient.servers()
    return dnsclient.trusted(at)


def _is_of_this_kind(wire: Wire, error: XmppctlError) -> bool:
    """Whether the port spoke the kind of TLS that was tried, so that the other is no use there."""
    if wire.header or wire.ssl_object is not None:
        return True
    return isinstance(error, TlsError) and error.condition != "not-tls"


def _most_telling(failures: list[XmppctlError]) -> XmppctlError:
    """Of the failures at several places: a TLS failure says most, then a definite no.

    That a port which speaks no XMPP speaks no TLS either comes behind these.
    """

    def rank(failure: XmppctlError) -> int:
        if isinstance(failure, TlsError):
            return 2 if failure.condition == "not-tls" else 0
        return 1 if isinstance(failure, ConnectError) else 3

    return min(failures, key=rank)
