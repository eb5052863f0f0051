"""A connection under TLS with the host of a URL, on the event loop: for WebSocket and BOSH.

The certificate is that of the URL's host (RFC 6455 §4.1, RFC 9110 §4.3.4), by the same store, CA
file and pins as that of the XMPP connection.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from xmppctl.errors import ConnectError, DeadlineError, TlsError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.session import dial, resolve, tls
from xmppctl.session.link import Link
from xmppctl.session.proxy import for_url
from xmppctl.session.tlschannel import TlsChannel
from xmppctl.session.trace import Trace
from xmppctl.session.weburl import Url, parse_url

ALPN = ("http/1.1",)

_FITTING = ("certificate-not-trusted", "self-signed", "client-certificate-refused")
"""Whose hints for a server's certificate fit that of a URL's host too."""


class SeeOtherUriError(ConnectError):
    """The server sends the client to another endpoint (RFC 7395 §3.6.1, XEP-0124 §17.2)."""

    def __init__(self, uri: str, *, step: str, by: str) -> None:
        super().__init__(
            f"{by} says to connect to another endpoint", step=step, condition="see-other-uri", by=by
        )
        self.uri = uri


def endpoint(text: str) -> Url:
    """A wss or https URL; that of a WebSocket comes back as https. Raises ValueError."""
    scheme, _, rest = text.strip(" ").partition(":")
    if scheme.lower() not in ("wss", "https"):
        raise ValueError("it is no wss or https URL")
    return parse_url(f"https:{rest}")


async def connect(
    account: Account,
    url: Url,
    trace: Trace,
    limit: float,
    on_data: Callable[[bytes], None],
    on_end: Callable[[Exception | None], None],
) -> Link:
    """A link with the host of ``url``, its certificate or its pin checked, within ``limit`` s.

    The way leads through the proxy for https URLs, if there is one.
    Raises ConnectError, TlsError, DeadlineError with the steps dns, tcp, proxy and tls; UsageError
    and LocalError for files and a proxy's variable that cannot be used.
    """
    context = tls.client_context(account, alpn=ALPN)
    deadline = asyncio.get_running_loop().time() + limit

    def left() -> float:
        return max(round(deadline - asyncio.get_running_loop().time(), 3), 0.001)

    trace.enter("dns")
    proxy = for_url("https", url.host, url.port, account.ca_file)
    if proxy is not None:
        trace.note(f"{url.peer} through the proxy {proxy}")
    target = resolve.Target(url.host, url.port, True, "url", proxy=proxy)
    try:
        candidates = await resolve.flatten([target], account, timeout=left())
        trace.enter("tcp")
        sock, _, address, _ = await dial.dial(candidates, timeout=left())
    except XmppctlError as error:
        if error.step in ("dns", "tcp"):
            error.hint = "check the URL of the endpoint" if error.step == "dns" else None
        raise
    trace.enter("tls")
    link = Link(on_data, on_end)
    try:
        await link.connect(sock)
        async with asyncio.timeout(left()):
            await link.start_tls(TlsChannel(context, url.host))
        _check(link, account, url, trace)
    except TimeoutError:
        link.abort()
        raise DeadlineError(
            f"{url.peer} is silent in the TLS handshake",
            step="tls",
            condition="timeout",
            by=url.peer,
            hint="--connect-timeout and --timeout give it longer",
        ) from None
    except OSError as error:
        link.abort()
        raise _failure(error, url) from None
    except BaseException:
        link.abort()
        raise
    trace.fact("peer", url.peer)
    trace.fact("address", address)
    return link


def _check(link: Link, account: Account, url: Url, trace: Trace) -> None:
    """After the handshake and before anything is sent: the pins; and facts for ``-v``."""
    layer = link.ssl_object
    assert layer is not None and link.tls is not None
    trace.round_trips += link.tls.flights
    if account.pins:
        try:
            tls.check_pins(layer.getpeercert(binary_form=True), account)
        except TlsError as error:
            error.text = error.text.replace(f"for {account.domain}", f"of {url.peer}")
            error.by = url.peer
            raise
        trace.note("the certificate's public key matches --pin")
    cipher = layer.cipher()
    trace.fact("tls", layer.version() or "")
    trace.fact("cipher", cipher[0] if cipher else "")


def _failure(error: OSError, url: Url) -> XmppctlError:
    """The handshake's failure; hints about ports of XMPP and the domain of the JID do not fit."""
    told = tls.tls_error(error, url.peer, url.host)
    if told.condition not in _FITTING:
        told.hint = None
    if told.condition == "no-application-protocol":
        told.text = f"{url.peer} does not speak HTTP/1.1"
    elif isinstance(error, ssl.SSLCertVerificationError) and told.condition == "wrong-host-name":
        told.hint = "check the host of the URL"
    return told
