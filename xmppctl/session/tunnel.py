"""A TCP connection through a proxy: HTTP CONNECT (RFC 9110 §9.3.6) and SOCKS5 (RFC 1928, 1929).

The two protocols are generators without any input or output: they yield what is to be sent and how
many bytes may be read then, get what was read (nothing at the end of the connection), and return
when the tunnel is there. Nothing is read beyond the proxy's answer; XMPP and HTTP speak first.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import ipaddress
import os
import re
import socket
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from typing import Any

from xmppctl.errors import ConnectError, DeadlineError
from xmppctl.session.dial import ATTEMPT_DELAY, open_socket
from xmppctl.session.proxy import Proxy
from xmppctl.session.race import AllFailedError, race

Steps = Generator[tuple[bytes, int], bytes, None]
"""What a protocol does: yields (bytes to send, most bytes to read), gets the bytes that came."""

_BLOCK = 64 * 1024
_LONGEST_HEAD = 64 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: ([^\r\n]*))?\r?\n")

_NO_METHOD = 0xFF
_ANONYMOUS, _BY_PASSWORD = 0, 2
_SOCKS_REPLIES = {
    1: ("proxy-failed", "it failed"),
    2: ("forbidden", "its rules forbid the connection"),
    3: ("unreachable", "network unreachable"),
    4: ("unreachable", "host unreachable, or not found"),
    5: ("connection-refused", "connection refused"),
    6: ("unreachable", "the time to live ran out"),
    7: ("forbidden", "it makes no connections"),
    8: ("forbidden", "it does not know this kind of address"),
}

_relays: set[asyncio.Task[None]] = set()


async def through(proxy: Proxy, host: str, port: int) -> socket.socket:
    """A non-blocking socket whose other end is ``host`` and ``port``, behind the proxy.

    ``host``: a name or an IP address. The caller bounds the time. Raises ConnectError (step
    "proxy") that names the proxy; of an https proxy TlsError for its certificate, and LocalError
    and UsageError for the CA file.
    """
    protocol = connect if proxy.scheme in ("http", "https") else socks5
    return await _opened(proxy, protocol(proxy, host, port))


async def reach(proxy: Proxy) -> socket.socket:
    """A non-blocking socket whose other end is the proxy itself. Raises as ``through``."""
    return await _opened(proxy, None)


async def _opened(proxy: Proxy, steps: Steps | None) -> socket.socket:
    sock = await _dial(proxy)
    try:
        if proxy.scheme == "https":
            return await _relayed(proxy, sock, steps)
        loop = asyncio.get_running_loop()

        async def exchange(out: bytes, most: int) -> bytes:
            await loop.sock_sendall(sock, out)
            return await loop.sock_recv(sock, most)

        await _run(steps, exchange)
    except OSError as error:
        sock.close()
        raise _broken(proxy, error) from None
    except BaseException:
        sock.close()
        raise
    return sock


async def _run(
    steps: Steps | None, exchange: Callable[[bytes, int], Coroutine[Any, Any, bytes]]
) -> None:
    if steps is None:
        return
    asked = next(steps)
    with suppress(StopIteration):
        while True:
            asked = steps.send(await exchange(*asked))


async def _dial(proxy: Proxy) -> socket.socket:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(proxy.host, proxy.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise _failed(proxy, "host-not-found", f"{proxy.host} is not to be found") from None
    try:
        return await race(
            [functools.partial(open_socket, family, address) for family, _, _, _, address in found],
            delay=ATTEMPT_DELAY,
            discard=socket.socket.close,
        )
    except AllFailedError as failed:
        raise _broken(proxy, failed.errors[0]) from None


# --- the protocols


def connect(proxy: Proxy, host: str, port: int) -> Steps:
    """HTTP CONNECT, with Basic authentication (RFC 7617) where the proxy has a user."""
    place = _place(host, port)
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", "User-Agent: xmppctl"]
    if proxy.user is not None:
        lines.append(f"Proxy-Authorization: {basic(proxy)}")
    answer = yield "".join(f"{line}\r\n" for line in [*lines, ""]).encode("ascii"), _BLOCK
    if not answer:
        raise _closed(proxy)
    while b"\n\r\n" not in answer and b"\n\n" not in answer:
        if not b"HTTP/".startswith(answer[:5]) or len(answer) > _LONGEST_HEAD:
            break
        more = yield b"", _BLOCK
        if not more:
            break
        answer += more
    match = _STATUS.match(answer)
    if match is None:
        raise _failed(proxy, "malformed-answer", "it does not answer as an HTTP proxy")
    status, reason = int(match[1]), (match[2] or b"").decode("latin-1")[:100]
    if status in (407, 401):  # tinyproxy answers a wrong password with 401
        raise unauthorised(proxy)
    if not 200 <= status < 300:
        raise _failed(
            proxy,
            "forbidden" if status in (403, 405) else "proxy-failed",
            f"it makes no connection with {place}: HTTP status {status} {reason}".rstrip(),
            hint="it may allow no port but 443; one of the server's can be named with --connect"
            if status in (403, 405) and port != 443
            else None,
        )
    if not answer.endswith((b"\n\r\n", b"\n\n")):
        raise _failed(proxy, "malformed-answer", "it sends more than its answer, or less")


def socks5(proxy: Proxy, host: str, port: int) -> Steps:
    """SOCKS5 CONNECT, by the proxy's user and password where it has some and wants them."""
    methods = [_ANONYMOUS] if proxy.user is None else [_ANONYMOUS, _BY_PASSWORD]
    version, method = yield from _exactly(proxy, bytes([5, len(methods), *methods]), 2)
    if version != 5 or method not in (*methods, _NO_METHOD):
        raise _failed(proxy, "malformed-answer", "it does not answer as a SOCKS5 proxy")
    if method == _NO_METHOD:
        raise unauthorised(proxy)
    if method == _BY_PASSWORD:
        words = [each.encode() for each in (proxy.user or "", proxy.password)]
        request = b"\x01" + b"".join(bytes([len(each)]) + each for each in words)
        _, status = yield from _exactly(proxy, request, 2)
        if status != 0:
            raise unauthorised(proxy)
    request = b"\x05\x01\x00" + _socks_address(proxy, host) + port.to_bytes(2, "big")
    version, reply, _, kind = yield from _exactly(proxy, request, 4)
    if version != 5:
        raise _failed(proxy, "malformed-answer", "it does not answer as a SOCKS5 proxy")
    if reply != 0:
        condition, said = _SOCKS_REPLIES.get(reply, ("proxy-failed", f"error {reply}"))
        raise _failed(proxy, condition, f"it makes no connection with {_place(host, port)}: {said}")
    if kind == 3:
        (length,) = yield from _exactly(proxy, b"", 1)
    else:
        length = {1: 4, 4: 16}.get(kind, 0)
    yield from _exactly(proxy, b"", length + 2)


def _socks_address(proxy: Proxy, host: str) -> bytes:
    try:
        packed = ipaddress.ip_address(host.partition("%")[0]).packed
    except ValueError:
        name = host.encode("ascii")
        if len(name) > 255:
            raise _failed(proxy, "host-not-found", "the name of the host is too long") from None
        return bytes([3, len(name)]) + name
    return bytes([1 if len(packed) == 4 else 4]) + packed


def _exactly(proxy: Proxy, out: bytes, size: int) -> Generator[tuple[bytes, int], bytes, bytes]:
    data = yield out, size
    while data and len(data) < size:
        more = yield b"", size - len(data)
        if not more:
            break
        data += more
    if len(data) < size:
        raise _closed(proxy)
    return data


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def basic(proxy: Proxy) -> str:
    """The value of Proxy-Authorization."""
    return "Basic " + base64.b64encode(f"{proxy.user}:{proxy.password}".encode()).decode("ascii")


# --- a proxy that is reached by TLS


async def _relayed(proxy: Proxy, sock: socket.socket, steps: Steps | None) -> socket.socket:
    """The tunnel inside TLS with the proxy, as the near end of a pair of sockets.

    What goes through the tunnel is TLS again, and neither asyncio nor ssl puts one socket's TLS
    into another's without holding both; a pair of sockets has no such limits.
    """
    from xmppctl.session.tls import verifying_context
    from xmppctl.session.tlserror import tls_error

    context = verifying_context(proxy.ca_file)
    try:
        reader, writer = await asyncio.open_connection(
            sock=sock, ssl=context, server_hostname=proxy.host
        )
    except OSError as error:
        told = tls_error(error, f"the proxy {proxy}", proxy.host)
        told.step, told.hint = "proxy", None
        raise told from None
    try:

        async def exchange(out: bytes, most: int) -> bytes:
            writer.write(out)
            return await reader.read(most)

        await _run(steps, exchange)
        near, far = socket.socketpair()
    except BaseException:
        writer.transport.abort()
        raise
    for end in (near, far):
        end.setblocking(False)
    task = asyncio.create_task(_relay(far, reader, writer))
    _relays.add(task)  # the loop itself holds tasks weakly
    task.add_done_callback(_relays.discard)
    return near


async def _relay(
    sock: socket.socket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Carry bytes both ways until one side ends."""
    loop = asyncio.get_running_loop()

    async def there() -> None:
        while data := await loop.sock_recv(sock, _BLOCK):
            writer.write(data)
            await writer.drain()

    async def back() -> None:
        while data := await reader.read(_BLOCK):
            await loop.sock_sendall(sock, data)

    ways = [asyncio.ensure_future(there()), asyncio.ensure_future(back())]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        # the run may end right behind its last words
        with suppress(OSError):
            while data := sock.recv(_BLOCK):
                writer.write(data)
        sock.close()
        writer.close()


# --- failures


def silence(proxy: Proxy, what: str, seconds: float) -> DeadlineError:
    """The proxy did not bring ``what`` about in so many seconds."""
    return DeadlineError(
        f"the proxy {proxy} gave no {what} within {seconds:g} s",
        step="proxy",
        condition="timeout",
        by=proxy.peer,
        hint=_hint(proxy),
    )


def unauthorised(proxy: Proxy) -> ConnectError:
    """The proxy wants other credentials, or any."""
    said = (
        "it refuses the user name or the password"
        if proxy.user is not None
        else "it wants a user name and a password"
    )
    return _failed(
        proxy,
        "proxy-authentication-required",
        said,
        hint=f"{proxy.variable}={proxy.scheme}://USER:PASSWORD@{proxy.peer}, percent-encoded",
    )


def _closed(proxy: Proxy) -> ConnectError:
    return _failed(proxy, "connection-closed", "it closed the connection")


def _broken(proxy: Proxy, error: Exception) -> ConnectError:
    if isinstance(error, ConnectionRefusedError):
        condition = "connection-refused"
    elif isinstance(error, (ConnectionResetError, BrokenPipeError)):
        condition = "connection-closed"
    else:
        condition = "unreachable"
    code = error.errno if isinstance(error, OSError) else None
    return _failed(proxy, condition, os.strerror(code).lower() if code else "it cannot be reached")


def _failed(proxy: Proxy, condition: str, text: str, hint: str | None = None) -> ConnectError:
    return ConnectError(
        f"the proxy {proxy}: {text}",
        step="proxy",
        condition=condition,
        by=proxy.peer,
        hint=hint or _hint(proxy),
    )


def _hint(proxy: Proxy) -> str:
    return f"the variable {proxy.variable} names the proxy; no_proxy exempts hosts from it"
