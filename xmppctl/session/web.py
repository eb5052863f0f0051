"""Connections for HTTP: the host of a URL, looked up, dialled, and verified.

Certificates are checked against the host of the URL (RFC 9110 §4.3.4), by the same store as those
of the XMPP connection; hosts are looked up by the system unless a name server is given, addresses
raced (RFC 8305). Where the environment names a proxy (``proxy``), https goes through a tunnel, and
so does http by SOCKS; an HTTP proxy is asked for http URLs itself (RFC 9112 §3.2.2).
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xmppctl.errors import ConnectError, DeadlineError, TlsError, XmppctlError
from xmppctl.session.dial import dial
from xmppctl.session.ear import Response
from xmppctl.session.proxy import Proxy, for_url
from xmppctl.session.resolve import Candidate, Target, by_dns, has_records
from xmppctl.session.tls import spki_sha256, verifying_context
from xmppctl.session.tlserror import tls_error
from xmppctl.session.trace import Trace
from xmppctl.session.weburl import Url


@dataclass(frozen=True)
class Web:
    """How to connect: an additional CA file, timeouts in seconds, and who is told about it.

    ``insecure``: whether URLs may be http. ``pins``: SHA-256 of keys (SPKI) that are trusted even
    where the certificate is not; without CA file only. ``nameserver``: the one that looks up hosts.
    """

    ca_file: Path | None
    connect_timeout: float
    timeout: float
    trace: Trace
    insecure: bool = False
    pins: tuple[bytes, ...] = ()
    nameserver: tuple[str, int] | None = None

    def check(self, url: Url, step: str) -> None:
        """Raise TlsError where the URL is http and that is not wanted."""
        if not url.secure and not self.insecure:
            raise TlsError(
                f"{url.peer} is to be reached by http, without TLS",
                step=step,
                condition="insecure-url",
                by=url.peer,
                hint="--insecure-http takes the risk",
            )


class _Witness(ssl.SSLSocket):
    """Leaves the peer's certificate behind when it does not verify, for the error's text."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except ssl.SSLCertVerificationError as error:
            # diagnostics only: whatever goes wrong here must not hide the error itself
            with contextlib.suppress(Exception):
                chain = self._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
                error.peer_certificate = ssl.PEM_cert_to_DER_cert(  # type: ignore[attr-defined]
                    chain[0].public_bytes()
                )
            raise


async def connect(web: Web, url: Url) -> http.client.HTTPConnection:
    """A connection with the host of ``url``, verified where it is https; for use in a thread.

    Raises ConnectError, TlsError, DeadlineError after the connect timeout, and LocalError for a
    CA file that cannot be used.
    """
    deadline = asyncio.get_running_loop().time() + web.connect_timeout
    context = verifying_context(web.ca_file) if url.secure else None
    proxy = for_url(url.scheme, url.host, url.port, web.ca_file)
    sock = await _dial(web, url, deadline)
    try:
        sock.settimeout(web.connect_timeout)
        if context is not None:
            sock = await _secure(web, url, context, sock, deadline)
        sock.settimeout(web.timeout)
    except BaseException:
        shut(sock)
        raise
    if proxy is not None and _fetches(proxy, url):
        connection: http.client.HTTPConnection = _ByProxy(url, proxy)
    else:
        connection = http.client.HTTPConnection(url.host, url.port)
    connection.response_class = Response
    if url.secure:
        connection.default_port = 443  # the Host header leaves out
    connection.sock = sock
    return connection


def _fetches(proxy: Proxy, url: Url) -> bool:
    """Whether the proxy is asked for the URL itself, and makes no tunnel to its host."""
    return not url.secure and proxy.scheme in ("http", "https")


class _ByProxy(http.client.HTTPConnection):
    """A connection with an HTTP proxy, which fetches ``url``, or takes what is PUT there."""

    def __init__(self, url: Url, proxy: Proxy) -> None:
        super().__init__(url.host, url.port)
        self._origin = f"{url.scheme}://{url.peer}"
        self._proxy = proxy

    def putrequest(self, method: str, url: str, *args: Any, **more: Any) -> None:
        """Ask for the whole URL, with the user's name and password for the proxy."""
        from xmppctl.session.tunnel import basic

        super().putrequest(method, self._origin + url, *args, **more)
        if self._proxy.user is not None:
            self.putheader("Proxy-Authorization", basic(self._proxy))

    def getresponse(self) -> http.client.HTTPResponse:
        """The answer; raises ConnectError where the proxy wants other credentials."""
        from xmppctl.session.tunnel import unauthorised

        response = super().getresponse()
        if response.status == http.client.PROXY_AUTHENTICATION_REQUIRED:
            raise unauthorised(self._proxy)
        return response


async def _dial(web: Web, url: Url, deadline: float) -> socket.socket:
    """TCP with the host of ``url``, or with the HTTP proxy that is asked for an http URL.

    ``deadline`` is of the loop's clock. The socket is non-blocking.
    Raises ConnectError, DeadlineError, and of a proxy TlsError, UsageError, LocalError.
    """
    proxy = for_url(url.scheme, url.host, url.port, web.ca_file)
    if proxy is not None:
        web.trace.note(f"{url.peer} through the proxy {proxy}")
    if proxy is not None and _fetches(proxy, url):
        return await _reach(web, proxy, deadline)
    target = Target(url.host, url.port, url.secure, "connect", proxy=proxy)
    candidates: list[Candidate] = [(target, 0, url.host)]
    if proxy is None or not proxy.resolves:
        candidates = await _look_up(web, url, deadline, target)
    web.trace.enter("tcp")
    left = max(deadline - asyncio.get_running_loop().time(), 0.001)
    try:
        dialled = await dial(candidates, timeout=round(left, 1) or left)
    except XmppctlError as error:
        if error.step != "proxy":
            error.hint = None  # which is about the XMPP connection
        raise
    return dialled.sock


async def _reach(web: Web, proxy: Proxy, deadline: float) -> socket.socket:
    from xmppctl.session import tunnel

    web.trace.enter("proxy")
    try:
        async with asyncio.timeout_at(deadline):
            return await tunnel.reach(proxy)
    except TimeoutError:
        raise tunnel.silence(proxy, "connection", web.connect_timeout) from None


async def _look_up(web: Web, url: Url, deadline: float, target: Target) -> list[Candidate]:
    web.trace.enter("dns")
    if web.nameserver is not None and has_records(url.host):
        left = max(deadline - asyncio.get_running_loop().time(), 0.001)
        try:
            asked = await by_dns(url.host, [web.nameserver], left)
        except XmppctlError as error:
            error.hint = None  # which is about the XMPP connection
            raise
        return [(target, family, address) for family, address in asked]
    try:
        async with asyncio.timeout_at(deadline):
            found = await asyncio.get_running_loop().getaddrinfo(
                url.host, url.port, type=socket.SOCK_STREAM
            )
    except TimeoutError:
        raise silence(url, web.connect_timeout, "dns") from None
    except (socket.gaierror, UnicodeError) as error:
        again = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
        raise ConnectError(
            f"the host {url.host} cannot be looked up now"
            if again
            else f"the host {url.host} does not exist",
            step="dns",
            condition="temporary-failure" if again else "host-not-found",
            by=url.peer,
        ) from None
    return [(target, int(family), str(address[0])) for family, _, _, _, address in found]


async def _secure(
    web: Web,
    url: Url,
    context: ssl.SSLContext,
    sock: socket.socket,
    deadline: float,
) -> ssl.SSLSocket:
    try:
        secure = await _handshake(web, url, context, sock, deadline)
    except (OSError, TimeoutError) as error:
        # a pinned key stands in the place of chain and name, wherever it is met
        if not _pinned(web, getattr(error, "peer_certificate", None)):
            raise _untrusted(error, web, url) from None
        return await _by_pin(web, url, deadline)
    web.trace.note(f"{url.peer} by {secure.version()}, certificate verified for {url.host}")
    return secure


async def _by_pin(web: Web, url: Url, deadline: float) -> ssl.SSLSocket:
    """Another connection, whose key is compared before anything is sent."""
    context = verifying_context(None)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    sock = await _dial(web, url, deadline)
    sock.settimeout(web.connect_timeout)
    try:
        secure = await _handshake(web, url, context, sock, deadline)
    except (OSError, TimeoutError) as error:
        raise _untrusted(error, web, url) from None
    if not _pinned(web, secure.getpeercert(True)):
        shut(secure)
        raise TlsError(
            f"{url.peer} shows another key than a moment ago",
            step="tls",
            condition="pin-mismatch",
            by=url.peer,
        )
    web.trace.note(f"{url.peer} by {secure.version()}, trusted by its pinned key")
    return secure


def _pinned(web: Web, certificate: bytes | None) -> bool:
    """With a CA file both have to hold, so that the pin alone is not enough."""
    if certificate is None or web.ca_file is not None:
        return False
    return spki_sha256(certificate) in web.pins


async def _handshake(
    web: Web, url: Url, context: ssl.SSLContext, sock: socket.socket, deadline: float
) -> ssl.SSLSocket:
    web.trace.enter("tls")
    context.sslsocket_class = _Witness
    context.set_alpn_protocols(["http/1.1"])
    # a connection that ends without TLS's own word may have been cut (RFC 8446 §6.1)
    secure = context.wrap_socket(
        sock,
        server_hostname=url.host,
        do_handshake_on_connect=False,
        suppress_ragged_eofs=False,
    )
    try:
        async with asyncio.timeout_at(deadline):
            await asyncio.get_running_loop().run_in_executor(None, secure.do_handshake)
    except BaseException:
        shut(secure)
        raise
    return secure


def _untrusted(error: OSError, web: Web, url: Url) -> XmppctlError:
    """The handshake's failure; hints of the XMPP connection do not fit."""
    if isinstance(error, TimeoutError):
        return silence(url, web.connect_timeout, "tls")
    told = tls_error(error, url.peer, url.host)
    told.hint = None
    if told.condition == "no-application-protocol":
        told.text = f"{url.peer} does not speak HTTP/1.1"
    if isinstance(error, ssl.SSLCertVerificationError) and told.condition not in (
        "certificate-expired",
        "certificate-not-yet-valid",
        "wrong-host-name",
    ):
        told.hint = "name its CA with --ca-file FILE"
    return told


def take_leave(sock: socket.socket) -> None:
    """Tell the other side that nothing more comes (RFC 8446 §6.1), without waiting for anything."""
    if isinstance(sock, ssl.SSLSocket):
        with contextlib.suppress(OSError, ValueError):  # it may be closed already
            sock.settimeout(0)
            sock.unwrap()


def shut(sock: socket.socket) -> None:
    """Close it; a thread that waits for it wakes up."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    sock.close()


def silence(url: Url, seconds: float, step: str) -> DeadlineError:
    """The error for a host that does not go on for so long."""
    return DeadlineError(
        f"{url.peer} is silent for {seconds:g} s",
        step=step,
        condition="timeout",
        by=url.peer,
        hint="--timeout gives it longer" if step in ("put", "get") else None,
    )
