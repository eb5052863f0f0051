"""TCP to the first address that answers: RFC 8305 over all candidates of an account.

A target with a proxy is reached through it, at its address or, where the proxy looks up names, at
its name.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import itertools
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from xmppctl.errors import ConnectError, DeadlineError, XmppctlError
from xmppctl.model.xep import Xep
from xmppctl.session.race import AllFailedError, race
from xmppctl.session.resolve import Candidate, Target

XEPS = (
    Xep("0495", "0.1.0", "partial", "the next priority is tried before the last one is exhausted"),
)

ATTEMPT_DELAY = 0.25
"""Seconds between the starts of two attempts (RFC 8305 §5)."""

_MOST_REASONS = 3

_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)

# The first that holds for any attempt names the failure of all: a refusal says more about the
# server than an address family that this machine does not have.
_CONDITIONS = (
    ("connection-refused", (errno.ECONNREFUSED, errno.ECONNRESET)),
    ("timeout", (errno.ETIMEDOUT,)),
    ("not-permitted", (errno.EPERM, errno.EACCES)),
    ("unreachable", _UNREACHABLE),
)
_HINTS = {
    "connection-refused": "check host and port, or name another with --connect HOST:PORT",
    "timeout": "check host, port and firewalls, or name another with --connect HOST:PORT",
    "not-permitted": "a firewall of this machine forbids the connection",
    "unreachable": "check the network of this machine",
}


class Dialled(NamedTuple):
    """An open connection, and the candidates that are still untried or unanswered."""

    sock: socket.socket
    target: Target
    ip: str
    remaining: list[Candidate]


async def dial(candidates: Sequence[Candidate], *, timeout: float) -> Dialled:
    """Connect to the first candidate that answers; the caller owns the socket.

    The next attempt starts 250 ms after the last, or at once when one failed. An address and port
    that occurs twice (STARTTLS and direct TLS on one port) is tried once, for the first of them;
    the other remains. The socket is non-blocking with TCP_NODELAY.
    Raises ConnectError or, after ``timeout`` seconds of silence, DeadlineError, step "tcp" or
    "proxy"; TlsError for the certificate of a proxy, UsageError and LocalError for its CA file.
    """
    ordered = interleave(candidates)
    places: dict[tuple[str, int], Candidate] = {}
    for candidate in ordered:
        places.setdefault((candidate[2], candidate[0].port), candidate)
    failures: dict[Candidate, OSError | XmppctlError] = {}
    started: list[Candidate] = []

    async def attempt(candidate: Candidate) -> tuple[socket.socket, Candidate]:
        started.append(candidate)
        try:
            return await _connect(candidate), candidate
        except (OSError, XmppctlError) as error:
            failures[candidate] = error
            raise

    attempts: list[Callable[[], Awaitable[tuple[socket.socket, Candidate]]]] = [
        functools.partial(attempt, candidate) for candidate in places.values()
    ]
    try:
        async with asyncio.timeout(timeout):
            sock, chosen = await race(attempts, delay=ATTEMPT_DELAY, discard=_close)
    except TimeoutError:
        raise _silence(started or ordered, failures, timeout) from None
    except AllFailedError:
        raise _failed(failures) from None
    dead = {(ip, target.port) for target, _, ip in failures}
    remaining = [
        each for each in ordered if each is not chosen and (each[2], each[0].port) not in dead
    ]
    return Dialled(sock, chosen[0], chosen[2], remaining)


def interleave(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The same with the address families of each target in turns, its first one first."""
    result: list[Candidate] = []
    for _, group in itertools.groupby(candidates, key=lambda candidate: candidate[0]):
        families: dict[int, list[Candidate]] = {}
        for candidate in group:
            families.setdefault(candidate[1], []).append(candidate)
        for row in itertools.zip_longest(*families.values()):
            result.extend(candidate for candidate in row if candidate is not None)
    return result


async def _connect(candidate: Candidate) -> socket.socket:
    target, family, ip = candidate
    if target.proxy is not None:
        from xmppctl.session.tunnel import through  # which few need

        return await through(target.proxy, ip, target.port)
    # numeric: never blocks, and understands the scope of a link-local address
    address = socket.getaddrinfo(
        ip, target.port, family, socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )[0][4]
    return await open_socket(family, address)


async def open_socket(family: int, address: Any) -> socket.socket:
    """A non-blocking TCP connection with a socket address. Raises OSError."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def _close(result: tuple[socket.socket, Candidate]) -> None:
    result[0].close()


def _place(candidate: Candidate) -> str:
    target, _, ip = candidate
    address = f"[{ip}]:{target.port}" if ":" in ip else f"{ip}:{target.port}"
    return address if ip == target.host else f"{target.host} ({address})"


def _listed(words: Sequence[str]) -> str:
    more = len(words) - _MOST_REASONS
    return "; ".join(words[:_MOST_REASONS]) + (f"; and {more} more" if more > 0 else "")


def _reason(error: OSError | XmppctlError) -> str:
    if isinstance(error, XmppctlError):
        return error.text
    # asyncio puts its own sentence with the address into strerror
    return os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error)


def _failed(failures: dict[Candidate, OSError | XmppctlError]) -> XmppctlError:
    told = [error for error in failures.values() if isinstance(error, XmppctlError)]
    if told:  # by a proxy, which is the same for all of them, or for all but a few
        return next((each for each in told if not isinstance(each, ConnectError)), told[0])
    codes = {error.errno for error in failures.values() if isinstance(error, OSError)}
    condition = next(
        (name for name, numbers in _CONDITIONS if codes.intersection(numbers)), "connection-failed"
    )
    words = [f"{_place(each)}: {_reason(error)}" for each, error in failures.items()]
    kind = DeadlineError if condition == "timeout" else ConnectError
    return kind(
        f"no connection: {_listed(words)}",
        step="tcp",
        condition=condition,
        by=str(next(iter(failures))[0]),
        hint=_HINTS.get(condition),
    )


def _silence(
    tried: Sequence[Candidate], failures: dict[Candidate, OSError | XmppctlError], timeout: float
) -> DeadlineError:
    silent = [each for each in tried if each not in failures]
    proxied = next((each[0] for each in silent if each[0].proxy is not None), None)
    if proxied is not None and proxied.proxy is not None:
        from xmppctl.session.tunnel import silence

        return silence(proxied.proxy, f"connection with {proxied}", timeout)
    words = [f"{_place(each)}: silent" for each in silent]
    words += [f"{_place(each)}: {_reason(error)}" for each, error in failures.items()]
    return DeadlineError(
        f"no connection within {timeout:g} s: {_listed(words)}",
        step="tcp",
        condition="timeout",
        by=str((silent or list(tried))[0][0]),
        hint=_HINTS["timeout"],
    )
