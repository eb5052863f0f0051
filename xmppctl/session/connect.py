"""The way to a session: discovery, connection, TLS, login; each step bounded (contract §5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from xmppctl.errors import (
    ConnectError,
    DeadlineError,
)
from xmppctl.model.account import Account
from xmppctl.model.jid import Jid
from xmppctl.session.entry import Entry, Want
from xmppctl.session.reach import reach
from xmppctl.session.secret import Secret, has_token
from xmppctl.session.stream import Session
from xmppctl.session.trace import Trace

if TYPE_CHECKING:
    from xmppctl.session.early import Early

_RETRY_PAUSE = 1.0


_GRACE = 0.1
"""Seconds beyond ``connect_timeout`` that a step has to tell its own story."""


@asynccontextmanager
async def open_session(
    account: Account,
    *,
    trace: Trace | None = None,
    wants: Collection[Want] = (),
    invalidate: bool = False,
    early: Early | None = None,
) -> AsyncIterator[Session]:
    """A session from login to the closed stream.

    ``wants``: what is to be on from the start where the server does that with the login (XEP-0386);
    where not, whoever needs it turns it on. ``invalidate``: the token of this login ends with it
    (XEP-0484 §3.6). ``early``: a connection for this account that is on its way already.
    Raises ConnectError, TlsError, AuthError, DeadlineError, UsageError (no password to be had).
    Where the body fails or is cancelled the stream is closed without waiting.
    """
    trace = trace or Trace()
    secret = Secret(account)
    if account.cert is None and not account.anonymous and not has_token(account):
        # asked for before the clock runs: a person or a password manager may need longer
        secret.get()
    entry = Entry(account, trace, secret, wants, invalidate, early)
    session = await _retrying(account, trace, entry.session)
    try:
        yield session
    except BaseException:
        await session.abandon()
        raise
    await session.close()


@asynccontextmanager
async def open_stream(account: Account, *, trace: Trace | None = None) -> AsyncIterator[Session]:
    """A stream under TLS before the login, for registration (XEP-0077) and for checks.

    It is a session of nobody: ``jid`` is the domain, ``features`` are those before SASL, and only
    the server itself can be asked. Raises as ``open_session``, without AuthError.
    """
    trace = trace or Trace()
    session = await _retrying(account, trace, lambda clock: _before_login(account, trace, clock))
    try:
        yield session
    except BaseException:
        await session.abandon()
        raise
    await session.close()


class Clock:
    """What is left of the time for the way to a session."""

    def __init__(self, seconds: float) -> None:
        self.deadline = asyncio.get_running_loop().time() + seconds
        self.timeout: asyncio.Timeout | None = None

    def left(self, parts: int = 1) -> float:
        """Seconds for the next of ``parts`` attempts, in tenths: they stand in messages."""
        seconds = (self.deadline - asyncio.get_running_loop().time()) / parts
        return round(seconds, 1) if seconds >= 0.2 else max(round(seconds, 3), 0.001)

    def extend(self, seconds: float) -> None:
        """That long something else than the server was waited for."""
        self.deadline += seconds
        if self.timeout is not None:
            self.timeout.reschedule(self.deadline + _GRACE)


async def _retrying(
    account: Account, trace: Trace, attempt: Callable[[Clock], Awaitable[Session]]
) -> Session:
    """``--retry N``: connecting cannot have taken effect yet, so it may be tried again."""
    for number in range(account.retry + 1):
        try:
            async with bounded(account, trace) as clock:
                return await attempt(clock)
        except (ConnectError, DeadlineError) as error:
            if number == account.retry:
                raise
            trace.note(f"{error.text}; trying again")
            await asyncio.sleep(_RETRY_PAUSE)
    raise AssertionError("unreachable")


@asynccontextmanager
async def bounded(account: Account, trace: Trace) -> AsyncIterator[Clock]:
    """Bound the way to a session by ``--connect-timeout``. Raises DeadlineError."""
    clock = Clock(account.connect_timeout)
    try:
        async with asyncio.timeout_at(clock.deadline + _GRACE) as clock.timeout:
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


async def _before_login(account: Account, trace: Trace, clock: Clock) -> Session:
    wire = await reach(account, trace, clock, lambda wire: wire.open(account.domain))
    try:
        features = await wire.features(min(clock.left(), account.timeout), "stream")
    except BaseException:
        await wire.close(None)
        raise
    trace.note(f"at {wire.peer} over {trace.facts.get('tls')}, not logged in")
    trace.enter("session")
    return Session(wire, account, Jid(None, account.jid.domain, None), features, trace)
