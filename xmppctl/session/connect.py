"""The way to a session: discovery, connection, TLS, login; each step bounded (contract §5)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from xmppctl.errors import (
    AuthError,
    ConnectError,
    DeadlineError,
    TlsError,
    UsageError,
    XmppctlError,
)
from xmppctl.model.account import Account
from xmppctl.session import dial, negotiate, resolve, tls
from xmppctl.session.conditions import SeeOtherHostError
from xmppctl.session.stream import Session
from xmppctl.session.tlserror import tls_error
from xmppctl.session.trace import Trace
from xmppctl.session.wire import Wire

_MAX_REDIRECTS = 3
_RETRY_PAUSE = 1.0
_FINAL = (AuthError, UsageError)
"""What no other address of the same server would answer differently."""


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
async def open_stream(account: Account, *, trace: Trace | None = None) -> AsyncIterator[Wire]:
    """A protected stream before the login, opened and waiting for its features to be read.

    For registration (XEP-0077) and for checks. Raises as ``open_session``.
    """
    trace = trace or Trace()
    async with _bounded(account, trace):
        wire = await _reach(account, trace)
    try:
        yield wire
    finally:
        await wire.close(None)


async def _retrying(account: Account, secret: str | None, trace: Trace) -> tuple[Wire, Session]:
    """``--retry N``: connecting cannot have taken effect yet, so it may be tried again."""
    for attempt in range(account.retry + 1):
        try:
            async with _bounded(account, trace):
                return await _login(account, secret, trace)
        except (ConnectError, DeadlineError) as error:
            if attempt == account.retry:
                raise
            trace.note(f"{error.text}; trying again")
            await asyncio.sleep(_RETRY_PAUSE)
    raise AssertionError("unreachable")


@asynccontextmanager
async def _bounded(account: Account, trace: Trace) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(account.connect_timeout):
            yield
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


async def _login(account: Account, secret: str | None, trace: Trace) -> tuple[Wire, Session]:
    wire = await _reach(account, trace)
    limit = account.timeout
    try:
        features = await wire.features(limit, "auth")
        await negotiate.authenticate(wire, account, features, limit, secret)
        wire.open(account.domain)
        features = await wire.features(limit, "bind")
        jid = await negotiate.bind(wire, account, features, limit)
    except BaseException:
        wire.abort()
        raise
    trace.note(
        f"logged in as {jid} at {wire.peer} with {trace.facts.get('mechanism')}"
        f" over {trace.facts.get('tls')}"
    )
    trace.enter("session")
    return wire, Session(wire, account, jid, features, trace)


async def _reach(account: Account, trace: Trace) -> Wire:
    """A stream under TLS, opened; follows see-other-host (RFC 6120 §4.9.3.19)."""
    for _ in range(_MAX_REDIRECTS):
        try:
            wire = await _first_that_answers(account, trace)
            if wire.error is not None:
                raise wire.error
        except SeeOtherHostError as elsewhere:
            trace.note(elsewhere.text)
            account = replace(account, connect=(elsewhere.host, elsewhere.port))
            continue
        return wire
    raise ConnectError(
        f"{account.domain} sends from one host to the next",
        step=trace.step,
        condition="see-other-host",
    )


async def _first_that_answers(account: Account, trace: Trace) -> Wire:
    trace.enter("dns")
    context = tls.client_context(account, alpn=("xmpp-client",))
    limit = account.connect_timeout
    found = await resolve.targets(account, timeout=limit)
    remaining = await resolve.flatten(found, account, timeout=limit)
    failures: list[XmppctlError] = []
    while remaining:
        trace.enter("tcp")
        try:
            sock, target, address, remaining = await dial.dial(remaining, timeout=limit)
        except (ConnectError, DeadlineError) as error:
            failures.append(error)
            break
        trace.fact("peer", str(target))
        trace.fact("address", address)
        wire = Wire(trace, str(target))
        try:
            # a target that is silent must leave time for the others
            share = limit / (1 + len(remaining))
            await _secure(wire, sock, target.direct_tls, account, context, share)
        except BaseException as error:
            wire.abort()
            sock.close()
            if not isinstance(error, XmppctlError) or isinstance(
                error, (*_FINAL, SeeOtherHostError)
            ):
                raise
            trace.note(f"{target}: {error.text}")
            failures.append(error)
            continue
        return wire
    raise _most_telling(failures)


async def _secure(
    wire: Wire,
    sock: socket.socket,
    direct: bool,
    account: Account,
    context: ssl.SSLContext,
    limit: float,
) -> None:
    loop = asyncio.get_running_loop()
    limit = min(limit, account.timeout)
    try:
        async with asyncio.timeout(limit):
            if direct:
                wire.trace.enter("tls")
                await loop.create_connection(
                    lambda: wire, sock=sock, ssl=context, server_hostname=account.domain
                )
            else:
                await loop.create_connection(lambda: wire, sock=sock)
                await negotiate.starttls(wire, account, context, limit)
    except (ssl.SSLError, OSError) as error:
        if isinstance(error, TimeoutError):
            raise wire.silence(limit, wire.trace.step) from None
        raise tls_error(error, wire.peer, account.domain) from None
    negotiate.check_certificate(wire, account)
    wire.trace.enter("stream")
    wire.open(account.domain)


def _most_telling(failures: list[XmppctlError]) -> XmppctlError:
    """Of the failures at several addresses: a TLS failure says most, then a definite no."""
    for kind in (TlsError, ConnectError, DeadlineError):
        for failure in failures:
            if isinstance(failure, kind):
                return failure
    return failures[0]
