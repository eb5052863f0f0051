"""Which transport carries the stream: TCP, WebSocket (RFC 7395) or BOSH (XEP-0206).

XEP-0156 tells the URLs of the last two. Nothing but TCP is tried behind a TLS or login failure:
those are answers, and another way would only hide them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from xmppctl.errors import ConnectError, DeadlineError, TlsError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.session import weblink
from xmppctl.session.conditions import SeeOtherHostError
from xmppctl.session.trace import Trace
from xmppctl.session.wire import Wire

Left = Callable[[], float]
"""Seconds that are left of the time for the whole way."""

Greeting = Callable[[Wire], None]
"""Opens the stream on a wire that is under TLS."""

Gate = Callable[[Trace], Awaitable[Trace]]
"""Waits until a wire may be greeted, and exchanges its trace for the one to go on with.

Raises _LostError where the wire over TCP was greeted meanwhile.
"""

_MOST_MOVES = 3
_MOST_ENDPOINTS = 4
"""More than any service has; a hostile host-meta could name thousands."""

_PATIENCE = 2.5
"""Seconds of silence by TCP after which host-meta is asked as well; a lost SYN costs one."""

_UNREACHABLE = ("dns", "tcp", "proxy")
"""Steps whose failure says that TCP does not lead to the server."""


class _LostError(Exception):
    """TCP was faster after all."""


async def reach(
    account: Account,
    trace: Trace,
    left: Left,
    by_tcp: Callable[[], Coroutine[Any, Any, Wire]],
    greet: Greeting,
) -> Wire:
    """A wire to the account's server by the transport that it asks for, greeted and answered.

    ``by_tcp`` makes one over TCP, which it greets itself. With "auto" another transport is tried
    where TCP cannot be reached, and TCP's failure told where that fails too. Raises what the
    transports raise, and ConnectError where host-meta names no endpoint of the transport asked for.
    """
    if account.transport == "tcp" or (account.transport == "auto" and account.connect is not None):
        return await by_tcp()
    if account.endpoint is not None:
        return await _by_urls([account.endpoint], account, trace, left, greet)
    if account.transport == "auto":
        return await _by_tcp_or_else(account, trace, left, by_tcp, greet)
    urls, why = await _endpoints(account, left(), trace)
    if not urls:
        raise _not_named(account, why)
    return await _by_urls(urls, account, trace, left, greet)


async def _by_tcp_or_else(
    account: Account,
    trace: Trace,
    left: Left,
    by_tcp: Callable[[], Coroutine[Any, Any, Wire]],
    greet: Greeting,
) -> Wire:
    """TCP; where it is unreachable or silent for long, the endpoints of host-meta as well.

    At no time two wires are greeted: what is sent then may take effect.
    """
    tcp = asyncio.ensure_future(by_tcp())
    other: asyncio.Future[Wire] | None = None
    tried: list[XmppctlError] = []

    async def gate(side: Trace) -> Trace:
        if not tcp.done():
            if trace.step in _UNREACHABLE:
                tcp.cancel()
            await asyncio.wait([tcp])
        if not tcp.cancelled() and not _is_unreachable(tcp):
            raise _LostError
        if side is not trace:
            trace.facts.update(side.facts)
            trace.round_trips += side.round_trips
        return trace

    try:
        await asyncio.wait([tcp], timeout=min(_PATIENCE, left() / 4))
        # while it is being talked to there is nothing else to do
        if _is_unreachable(tcp) or (not tcp.done() and trace.step in _UNREACHABLE):
            # one of its own: that of TCP tells how far TCP has come
            side = trace if tcp.done() else Trace(note=trace.note)
            other = asyncio.ensure_future(_elsewhere(account, side, left, greet, gate, tried))
            await asyncio.wait([tcp, other], return_when=asyncio.FIRST_COMPLETED)
            if tcp.cancelled() or _is_unreachable(tcp):
                await asyncio.wait([other])
            if other.done() and not isinstance(other.exception(), XmppctlError | _LostError):
                return other.result()
            if tcp.cancelled():
                raise tried[0]
        return await tcp
    except (ConnectError, DeadlineError) as error:
        if tried and error is not tried[0]:
            error.hint = f"nor is there another way: {tried[0].text}"
        raise
    finally:
        for task in (tcp, other):
            if task is not None and not task.done():
                await _drop(task)


async def _elsewhere(
    account: Account,
    trace: Trace,
    left: Left,
    greet: Greeting,
    gate: Gate,
    tried: list[XmppctlError],
) -> Wire:
    """By the endpoints of host-meta; their failure goes to ``tried`` as well."""
    urls, why = await _endpoints(account, left() * 0.6, trace)
    if not urls:
        raise _not_named(account, why)
    trace.note(f"no connection by TCP; {account.domain} names other ways in its host-meta")
    try:
        return await _by_urls(urls, account, trace, left, greet, gate)
    except XmppctlError as error:
        tried.append(error)
        raise


async def _endpoints(
    account: Account, timeout: float, trace: Trace
) -> tuple[list[str], XmppctlError | None]:
    """URLs of the transports that may be used, WebSocket first; why there may be others."""
    from xmppctl.session.hostmeta import discover

    found = await discover(account, min(timeout, account.timeout), trace)
    urls = [*found.websocket] if account.transport in ("auto", "websocket") else []
    urls += [*found.bosh] if account.transport in ("auto", "bosh") else []
    return urls[:_MOST_ENDPOINTS], found.error


def _not_named(account: Account, why: XmppctlError | None) -> XmppctlError:
    """No endpoint is known: because of ``why``, or because there is none."""
    name = {"websocket": "WebSocket ", "bosh": "BOSH "}.get(account.transport, "")
    hint = "name one with --endpoint URL"
    if isinstance(why, (ConnectError, DeadlineError, TlsError)):
        why.hint = why.hint or hint
        return why
    if why is not None:
        text = f"the {name}endpoint of {account.domain} is not to be found: {why.text}"
        return ConnectError(text, step="host-meta", condition=why.condition, by=why.by, hint=hint)
    return ConnectError(
        f"{account.domain} names no {name}endpoint in its host-meta",
        step="host-meta",
        condition="service-not-offered",
        by=account.domain,
        hint=hint,
    )


async def _by_urls(
    urls: Sequence[str],
    account: Account,
    trace: Trace,
    left: Left,
    greet: Greeting,
    gate: Gate | None = None,
) -> Wire:
    """The first endpoint that answers as it should; the most telling failure otherwise."""
    failures: list[XmppctlError] = []
    for number, url in enumerate(urls):
        share = left() / (len(urls) - number)
        try:
            limit = min(share, account.timeout)
            return await _by_url(url, account, trace, limit, greet, gate)
        except (ConnectError, DeadlineError, TlsError) as error:
            trace.note(f"{error.by or url}: {error.text}")
            failures.append(error)
    raise min(failures, key=_rank)


async def _by_url(
    url: str, account: Account, trace: Trace, limit: float, greet: Greeting, gate: Gate | None
) -> Wire:
    """The stream at one endpoint, or where that sends to (RFC 7395 §3.6.1)."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit

    def left() -> float:
        return max(round(deadline - loop.time(), 1), 0.1)

    for _ in range(_MOST_MOVES + 1):
        wire = await _carrier(url)(account, url, trace, left())
        try:
            if gate is not None:
                wire.trace = trace = await gate(trace)
            trace.enter("stream")
            greet(wire)
            await wire.ready(left(), "stream")
            return wire
        except weblink.SeeOtherUriError as elsewhere:
            await wire.close(None)
            url = _moved(elsewhere)
            trace.note(elsewhere.text)
        except SeeOtherHostError as elsewhere:
            await wire.close(None)
            raise ConnectError(
                f"{wire.peer} says to connect to {elsewhere.host}:{elsewhere.port} by TCP",
                step=elsewhere.step,
                condition="see-other-host",
                by=wire.peer,
                hint=f"--connect {elsewhere.host}:{elsewhere.port} does so",
            ) from None
        except BaseException:
            await wire.close(None)
            raise
    raise ConnectError(
        f"{wire.peer} sends from one endpoint to the next",
        step=trace.step,
        condition="see-other-uri",
        by=wire.peer,
    )


def _carrier(url: str) -> Callable[[Account, str, Trace, float], Awaitable[Wire]]:
    """What connects to a URL; imported where it is needed, for the libraries behind it."""
    if url.lower().startswith("wss:"):
        from xmppctl.session import websocket

        return websocket.connect
    from xmppctl.session import bosh

    return bosh.connect


def _moved(elsewhere: weblink.SeeOtherUriError) -> str:
    """Where it goes on. Raises ConnectError for anything without TLS, or that is no URL."""
    try:
        weblink.endpoint(elsewhere.uri)
    except ValueError as error:
        raise ConnectError(
            f"{elsewhere.by} sends to an endpoint that cannot be used: {error}",
            step=elsewhere.step,
            condition="see-other-uri",
            by=elsewhere.by,
        ) from None
    return elsewhere.uri


def _is_unreachable(tcp: asyncio.Future[Wire]) -> bool:
    error = tcp.exception() if tcp.done() and not tcp.cancelled() else None
    return isinstance(error, (ConnectError, DeadlineError)) and error.step in _UNREACHABLE


def _rank(failure: XmppctlError) -> int:
    """A TLS failure says most, then a definite no."""
    return 0 if isinstance(failure, TlsError) else 1 if isinstance(failure, ConnectError) else 2


async def _drop(task: asyncio.Future[Wire]) -> None:
    """Cancel what lost the race, and close what came too late."""
    task.cancel()
    with suppress(asyncio.CancelledError, XmppctlError):
        wire = await task
        await wire.close(None)
