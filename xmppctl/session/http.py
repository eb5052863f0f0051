"""HTTP/1.1 over verified TLS for files: PUT and GET, streamed, in a thread beside the event loop.

Silence is bounded by the account's timeout at every step.
"""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urljoin

from xmppctl.errors import ConnectError, RefusedError, TlsError, XmppctlError
from xmppctl.session.ear import Ear
from xmppctl.session.web import Web, connect, shut, silence, take_leave
from xmppctl.session.weburl import Url, parse_url

BLOCK = 64 * 1024
"""Bytes read and written at once."""

REDIRECTS = 5
"""How often a GET is sent elsewhere before it is given up."""

_MOVED = (301, 302, 303, 307, 308)
_CONDITIONS = {
    401: "not-authorized",
    403: "forbidden",
    404: "item-not-found",
    410: "gone",
    413: "file-too-large",
    429: "resource-constraint",
    503: "service-unavailable",
    507: "resource-constraint",
}

T = TypeVar("T")
Write = Callable[[bytes], None]


@dataclass(frozen=True)
class Answer:
    """Status and headers of a response; ``url`` is where it came from in the end."""

    status: int
    reason: str
    headers: http.client.HTTPMessage
    url: Url


async def options(web: Web, url: Url, headers: Iterable[tuple[str, str]]) -> Answer:
    """Ask what may be done with a URL (RFC 9110 §9.3.7); the answer, whatever its status.

    Raises ConnectError, TlsError, DeadlineError.
    """
    connection = await connect(web, url)

    def exchange() -> Answer:
        asked = {"User-Agent": "xmppctl", **dict(headers)}
        connection.request("OPTIONS", url.target, headers=asked)
        with connection.getresponse() as response:
            return _answer(response, url)

    return await _run(web, connection, connection.sock, url, "options", exchange)


async def put(
    web: Web,
    url: Url,
    headers: Iterable[tuple[str, str]],
    size: int,
    blocks: Iterable[bytes],
) -> Answer:
    """PUT ``blocks``, ``size`` bytes in all; the answer, whatever its status.

    An answer that comes before all is sent ends the sending. ``blocks`` runs in another thread;
    what it raises is raised here. Raises ConnectError, TlsError, DeadlineError.
    """
    connection = await connect(web, url)
    sock = connection.sock
    ear = Ear(sock, web.timeout)
    connection.sock = ear

    def exchange() -> Answer:
        connection.putrequest("PUT", url.target)
        connection.putheader("User-Agent", "xmppctl")
        connection.putheader("Content-Length", str(size))
        for name, value in headers:
            connection.putheader(name, value.encode())
        broken: OSError | None = None
        sent = 0
        try:
            connection.endheaders()
            for block in blocks:
                if ear.answered():
                    break
                connection.send(block)
                sent += len(block)
        except OSError as error:  # the reason may have come before the connection broke
            broken = error
        try:
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise broken or error from None
        if sent < size and 200 <= response.status < 300:
            raise http.client.IncompleteRead(b"", size - sent)
        return _answer(response, url)

    return await _run(web, connection, sock, url, "put", exchange)


async def get(
    web: Web,
    url: Url,
    receive: Callable[[Answer], Write],
    headers: Iterable[tuple[str, str]] = (),
) -> Answer:
    """GET a file; ``receive`` takes the answer and gives the function that takes the bytes.

    Both run in another thread, and may raise. Redirects are followed, but not from https to http.
    Raises RefusedError for any status but 200, ConnectError, TlsError, DeadlineError.
    """
    for _ in range(REDIRECTS + 1):
        web.check(url, "get")
        answer = await _get(web, url, receive, headers)
        if answer.status not in _MOVED:
            return answer
        url = _redirected(answer)
        web.trace.note(f"sent on to {url.peer}")
    raise RefusedError(
        f"more than {REDIRECTS} redirects", step="get", condition="redirect", by=url.peer
    )


async def _get(
    web: Web, url: Url, receive: Callable[[Answer], Write], headers: Iterable[tuple[str, str]]
) -> Answer:
    connection = await connect(web, url)

    def exchange() -> Answer:
        asked = {"User-Agent": "xmppctl", "Accept": "*/*", **dict(headers)}
        connection.request("GET", url.target, headers=asked)
        with connection.getresponse() as response:
            answer = _answer(response, url)
            if answer.status in _MOVED:
                return answer
            if answer.status != http.client.OK:
                raise refused(answer, f"getting the file from {url.peer}", "get")
            expected = response.length
            if expected is None and not response.chunked and response.headers.defects:
                raise http.client.IncompleteRead(b"")  # the head was cut, and so its length is lost
            write = receive(answer)
            got = 0
            while block := response.read1(BLOCK):
                got += len(block)
                write(block)
            if expected is not None and got < expected:
                raise http.client.IncompleteRead(b"", expected - got)
            return answer

    return await _run(web, connection, connection.sock, url, "get", exchange)


def refused(answer: Answer, what: str, step: str) -> RefusedError:
    """A status that is no success, as an error."""
    return RefusedError(
        f"{what}: HTTP status {answer.status} {answer.reason[:100]}".rstrip(),
        step=step,
        condition=_CONDITIONS.get(answer.status, "http-error"),
        by=answer.url.peer,
    )


def _redirected(answer: Answer) -> Url:
    try:
        url = parse_url(urljoin(answer.url.text, answer.headers.get("Location", "")))
    except ValueError as error:
        raise RefusedError(
            f"the server sends the request on to a URL that cannot be followed: {error}",
            step="get",
            condition="redirect",
            by=answer.url.peer,
        ) from None
    if answer.url.secure and not url.secure:
        raise TlsError(
            "the server sends the request on from https to http",
            step="get",
            condition="insecure-redirect",
            by=answer.url.peer,
        )
    return url


def _answer(response: http.client.HTTPResponse, url: Url) -> Answer:
    return Answer(response.status, response.reason, response.headers, url)


async def _run(
    web: Web,
    connection: http.client.HTTPConnection,
    sock: socket.socket,
    url: Url,
    step: str,
    exchange: Callable[[], T],
) -> T:
    web.trace.enter(step)

    def work() -> T:
        result = exchange()
        take_leave(sock)
        return result

    try:
        return await asyncio.get_running_loop().run_in_executor(None, work)
    except XmppctlError:
        raise
    except TimeoutError:
        raise silence(url, web.timeout, step) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ConnectError(
            f"the connection with {url.peer} broke ({_words(error)})",
            step=step,
            condition="connection-closed",
            by=url.peer,
        ) from None
    finally:
        shut(sock)
        connection.close()


def _words(error: Exception) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return f"{error.expected} bytes are missing" if error.expected else "it was cut off"
    if isinstance(error, http.client.RemoteDisconnected):
        return "it was closed without an answer"
    if isinstance(error, ssl.SSLEOFError):
        return "it was cut off"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "the answer is no HTTP" if isinstance(error, http.client.HTTPException) else "closed"
