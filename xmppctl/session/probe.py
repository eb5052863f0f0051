"""Connections that look at a server and never log in: what checks are made with.

The certificate of such a connection may be one that no client would trust: it is to be judged, so
that one defect does not hide the others. Nothing that is secret is ever sent over it: no more than
the opening of a stream, and a question that anybody may ask.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from xml.etree.ElementTree import Element

from xmppctl.errors import ConnectError, TlsError
from xmppctl.session import dial
from xmppctl.session.negotiate import NS_TLS
from xmppctl.session.resolve import Candidate
from xmppctl.session.tcp import TcpWire
from xmppctl.session.tls import verifying_context
from xmppctl.session.tlschannel import TlsChannel
from xmppctl.session.trace import Trace
from xmppctl.session.xml import NS_CLIENT

NS_SERVER = "jabber:server"
STARTTLS = f"{{{NS_TLS}}}starttls"

ANY_TIME, ANY_STRENGTH, ANY_ISSUER = "time", "strength", "issuer"
"""What of a certificate is not to be verified, because it is judged elsewhere."""

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which ``ssl`` has no name for."""

_AT_ONCE = 4
"""Connections with one address at the same time: servers limit them, and some take more for an
attack."""

_AT_ONCE_IN_ALL = 32
"""More than any service has addresses; a hostile zone could name hundreds."""

_LONGEST_HEAD = 2048
_NAMESPACE = re.compile(rb"""\sxmlns\s*=\s*["'](jabber:(?:client|server))["']""")

_LARGEST_FLIGHT = 64 * 1024
"""Bytes of a server's first TLS flight that are kept."""


class Slots:
    """How many connections may be open at a time: in all, and with one address."""

    def __init__(self) -> None:
        self._in_all = asyncio.Semaphore(_AT_ONCE_IN_ALL)
        self._by_address: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def taken(self, address: str) -> AsyncIterator[None]:
        """Room for a connection with an address, as soon as there is some."""
        own = self._by_address.setdefault(address, asyncio.Semaphore(_AT_ONCE))
        async with own, self._in_all:
            yield


class ProbeWire(TcpWire):
    """A stream as a client opens it or, with ``server``, as another server does (RFC 6120 §4.8.2).

    ``milliseconds``: how long the TCP connection took. ``namespace``: what the peer's header says
    that stanzas on this stream are in, None while it says nothing.
    """

    def __init__(self, trace: Trace, peer: str, *, server: bool = False) -> None:
        super().__init__(trace, peer)
        self.milliseconds = 0.0
        self._server = server
        self._head = b""
        self._raw: bytearray | None = None
        self._news = asyncio.Event()

    @property
    def namespace(self) -> str | None:
        """The namespace of the peer's stanzas."""
        found = _NAMESPACE.search(self._head)
        return found[1].decode() if found is not None else None

    @property
    def is_foreign(self) -> bool | None:
        """Whether the peer takes its stream for one of the other kind; None: it does not say."""
        if self.error is not None and self.error.condition == "invalid-namespace":
            return True
        own = NS_SERVER if self._server else NS_CLIENT
        return None if self.namespace is None else self.namespace != own

    def _opening(self, to: str, sender: str | None) -> str:
        self._head = b""
        opening = super()._opening(to, sender)
        return opening.replace(NS_CLIENT, NS_SERVER, 1) if self._server else opening

    @property
    def opened(self) -> bool:
        """Whether the stream has been opened from here."""
        return self._open

    async def exchange(self, message: bytes, enough: Callable[[bytes], bool]) -> bytes:
        """Send bytes that are no XML; what comes, until it is ``enough`` or the end."""
        self._raw = bytearray()
        self.link.write(message)
        while not enough(bytes(self._raw)) and self.error is None:
            self._news.clear()
            await self._news.wait()
        return bytes(self._raw)

    def _data_came(self, data: bytes) -> None:
        if self._raw is None:
            self._head += data[: _LONGEST_HEAD - len(self._head)]
            super()._data_came(data)
            return
        self._raw += data[: _LARGEST_FLIGHT - len(self._raw)]
        if len(self._raw) >= _LARGEST_FLIGHT:
            self.abort()
        self._news.set()

    def _link_ended(self, exc: Exception | None) -> None:
        super()._link_ended(exc)
        self._news.set()


async def connect(
    candidate: Candidate, trace: Trace, limit: float, *, server: bool = False
) -> ProbeWire:
    """A connection with one address of a target. Raises what ``dial`` raises."""
    loop = asyncio.get_running_loop()
    trace.enter("tcp")
    begin = loop.time()
    dialled = await dial.dial([candidate], timeout=limit)
    wire = ProbeWire(trace, str(candidate[0]), server=server)
    wire.milliseconds = (loop.time() - begin) * 1000
    try:
        await wire.connect(dialled.sock)
    except OSError as error:  # it was there for a moment
        raise ConnectError(
            f"no connection with {wire.peer}: {error.strerror or error}",
            step="tcp",
            condition="connection-failed",
            by=wire.peer,
        ) from None
    return wire


async def request_tls(wire: ProbeWire, limit: float) -> None:
    """Ask for TLS on a stream whose features offer it (RFC 6120 §5.4.2).

    Raises TlsError where that is refused, and what ends the stream.
    """
    wire.send(f"<starttls xmlns='{NS_TLS}'/>")
    answer = await wire.receive(limit, "starttls")
    if answer.tag != f"{{{NS_TLS}}}proceed":
        raise TlsError(
            f"{wire.peer} refused to begin TLS",
            step="starttls",
            condition="starttls-failure",
            by=wire.peer,
        )


def channel(
    ca_file: Path | None, name: str, alpn: str | None, passed_over: Collection[str] = ()
) -> TlsChannel:
    """The client's side of TLS, verified as ever but for the name and what is ``passed_over``.

    The name of the certificate is compared by whoever judges it. Raises as ``verifying_context``.
    """
    context = verifying_context(ca_file)
    context.check_hostname = False
    if ANY_TIME in passed_over:
        context.verify_flags = ssl.VerifyFlags(context.verify_flags | _NO_CHECK_TIME)
    if ANY_STRENGTH in passed_over or ANY_ISSUER in passed_over:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if ANY_ISSUER in passed_over:
        context.verify_mode = ssl.CERT_NONE
    if alpn is not None:
        context.set_alpn_protocols([alpn])
    return TlsChannel(context, name)


def offers_tls(features: Element) -> bool:
    """Whether stream features have STARTTLS."""
    return features.find(STARTTLS) is not None


def requires_tls(features: Element) -> bool:
    """Whether they say that nothing goes on without it (RFC 6120 §5.4.1)."""
    return features.find(f"{STARTTLS}/{{{NS_TLS}}}required") is not None


def has_route(address: str) -> bool:
    """Whether this machine has a route to an address; nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((address, 9))
        except OSError:
            return False
    return True
