"""The way to a session: discovery, connection, TLS, login; each step bounded (contract §5)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

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
from xmppctl.model.jid import Jid
from xmppctl.session import dial, negotiate, resolve, tls
from xmppctl.session.conditions import SeeOtherHostError
from xmppctl.session.stream import Session
from xmppctl.session.trace import Trace
from xmppctl.session.wire import Wire

_MAX_REDIRECTS = 3
_RETRY_PAUSE = 1.0
_FINAL = (AuthError, UsageError, LocalError, SeeOtherHostError)
"""What no other address of the same server would answer differently."""

_GRACE = 0.1
"""Seconds beyond ``connect_timeout`` that a step has to tell its own story."""


@asynccontextmanager
async def open_session(account: Account, *, trace: Trace | None = None) -> AsyncIterator[Session]:
    """A session from login to the closed stream.

    Raises ConnectError, TlsError, AuthError, DeadlineError, UsageError (no password to be had).
    Where the body fails or is cancelled the stream is closed without waiting.
    """
    trace = trace or Trace()
    # asked for before the clock runs: a person or a password manager may need longer than a server
    secret = None
    if account.password is not None and not account.anonymous and account.cert is None:
        secret = account.password()
    wire, session = await _retrying(account, secret, trace)
    try:
        yield session
    except BaseException:
        await wire.close(None)
        raise
    await session.close()


@asynccontextmanager
async def open_stream(account: Account, *, trace: Trace | None = None) -> AsyncIterator[Session]:
    """A stream under TLS before the login, for registration (XEP-0077) and for checks.

    It is a session of nobody: ``jid`` is the domain, ``features`` are those before SASL, and only
    the server itself can be asked. Raises as ``open_session``, without AuthError.
    """
    trace = trace or Trace()
    wire, session = await _retrying(account, None, trace, login=False)
    try:
        yield session
    except BaseException:
        await wire.close(None)
        raise
    await session.close()


class _Clock:
    """What is left of the time for the way to a session."""

    def __init__(self, seconds: float) -> None:
        self.deadline = asyncio.get_running_loop().time() + seconds

    def left(self, parts: int = 1) -> float:
        """Seconds for the next of ``parts`` attempts, in tenths: they stand in messages."""
        seconds = (self.deadline - asyncio.get_running_loop().time()) / parts
        return round(seconds, 1) if seconds >= 0.2 else max(round(seconds, 3), 0.001)


async def _retrying(
    account: Account, secret: str | None, trace: Trace, *, login: bool = True
) -> tuple[Wire, Session]:
    """``--retry N``: connecting cannot have taken effect yet, so it may be tried again."""
    for attempt in range(account.retry + 1):
        try:
            async with _bounded(account, trace) as clock:
                if login:
                    return await _login(account, secret, trace, clock)
                return await _before_login(account, trace, clock)
        except (ConnectError, DeadlineError) as error:
            if attempt == account.retry:
                raise
            trace.note(f"{error.text}; trying again")
            await asyncio.sleep(_RETRY_PAUSE)
    raise AssertionError("unreachable")


@asynccontextmanager
async def _bounded(account: Account, trace: Trace) -> AsyncIterator[_Clock]:
    clock = _Clock(account.connect_timeout)
    try:
        async with asyncio.timeout_at(clock.deadline + _GRACE):
            yield clock
    except TimeoutError:
        peer = trace.facts.get("peer", account.domain)
        raise DeadlineError(
            f"no session with {peer} within {account.connect_timeout:g} s"
            f" (it was the turn of: {trace.step})",
            step=trace.step,
            condition="timeout",
            by=peer,
            hint="--connect-timeout gives it longer",
        ) from None


async def _login(
    account: Account, secret: str | None, trace: Trace, clock: _Clock
) -> tuple[Wire, Session]:
    wire = await _reach(account, trace, clock)

    def limit() -> float:
        return min(clock.left(), account.timeout)

    try:
        features = await wire.features(limit(), "stream")
        await negotiate.authenticate(wire, account, features, limit(), secret)
        wire.open(account.domain)
        features = await wire.features(limit(), "bind")
        jid = await negotiate.bind(wire, account, features, limit())
    except BaseException:
        await wire.close(None)
        raise
    trace.note(
        f"logged in as {jid} at {wire.peer} with {trace.facts.get('mechanism')}"
        f" over {trace.facts.get('tls')}"
    )
    trace.enter("session")
    return wire, Session(wire, account, jid, features, trace)


async def _before_login(account: Account, trace: Trace, clock: _Clock) -> tuple[Wire, Session]:
    wire = await _reach(account, trace, clock)
    try:
        features = await wire.features(min(clock.left(), account.timeout), "stream")
    except BaseException:
        await wire.close(None)
        raise
    trace.note(f"at {wire.peer} over {trace.facts.get('tls')}, not logged in")
    trace.enter("session")
    return wire, Session(wire, account, Jid(None, account.jid.domain, None), features, trace)


async def _reach(account: Account, trace: Trace, clock: _Clock) -> Wire:
    """A stream under TLS with its features; follows see-other-host (RFC 6120 §4.9.3.19)."""
    place: tuple[str, int] | None = None
    for _ in range(_MAX_REDIRECTS + 1):
        try:
            return await _first_that_answers(account, trace, clock)
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


async def _first_that_answers(account: Account, trace: Trace, clock: _Clock) -> Wire:
    trace.enter("dns")
    context = tls.client_context(account, alpn=tls.ALPN)
    found = await resolve.targets(account, timeout=clock.left())
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
        trace.fact("peer", str(target))
        trace.fact("address", address)
        wire = Wire(trace, str(target))
        place = (address, target.port)
        elsewhere = [each for each in remaining if _place(each) != place]
        try:
            # a place that is silent must leave time for the others
            share = clock.left(1 + len({_place(each) for each in elsewhere}))
            await _secure(wire, sock, target.direct_tls, account, context, share)
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


def _place(candidate: resolve.Candidate) -> tuple[str, int]:
    target, _, address = candidate
    return address, target.port


async def _secure(
    wire: Wire,
    sock: socket.socket,
    direct: bool,
    account: Account,
    context: ssl.SSLContext,
    limit: float,
) -> None:
    limit = min(limit, account.timeout)
    try:
        await asyncio.get_running_loop().create_connection(lambda: wire, sock=sock)
    except BaseException:
        sock.close()
        raise
    try:
        async with asyncio.timeout(limit):
            if direct:
                await negotiate.handshake(wire, account, context, limit)
            else:
                await negotiate.starttls(wire, account, context, limit)
            negotiate.check_certificate(wire, account)
            wire.trace.enter("stream")
            wire.open(account.domain)
            await wire.ready(limit, "stream")
    except TimeoutError:
        raise wire.silence(limit, wire.trace.step) from None


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
