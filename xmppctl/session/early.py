"""A connection that begins before the rest of the program is imported.

It goes to the place of the last login, or to ``--connect``, and as far as TLS, without a word of
XMPP. Nothing waits for it: ``pump`` goes on where the network has gone on, between the imports, and
the event loop takes over whatever state it is in. It is a guess like the others: what goes wrong
here says nothing, and the way is looked for as ever. No event loop here: that is the import it
runs beside; and no thread, which would fight with the imports for the interpreter.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from typing import TYPE_CHECKING, NamedTuple

from xmppctl.model.account import Account

if TYPE_CHECKING:
    from xmppctl.session.tlschannel import TlsChannel

_FRESH_SECONDS = 10.0
"""A server gives up on a connection that says nothing."""

_PLACE_SECONDS = 3600.0
"""So long the place of the last login stands for what the name service would say."""

_DIRECT_PORT = 5223
_PIECE = 65536


class Place(NamedTuple):
    """Where to go: the host as it is named, its IP address, the port, direct TLS."""

    host: str
    address: str
    port: int
    direct_tls: bool

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Early:
    """One such connection; ``account`` is the one it is for, ``place`` where it goes.

    ``connected`` once TCP stands. ``channel`` is the TLS connection, perhaps still in its
    handshake; None before it, and for STARTTLS. ``failed``: nothing came of it; ``error`` is why
    TLS failed.
    """

    def __init__(self, account: Account, place: Place) -> None:
        self.account = account
        self.place = place
        self.connected = False
        self.channel: TlsChannel | None = None
        self.failed = False
        self.error: Exception | None = None
        self._since = time.monotonic()
        family = socket.AF_INET6 if ":" in place.address else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            self.sock.setblocking(False)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            code = self.sock.connect_ex((place.address, place.port))
        except OSError:
            self.abandon()
            return
        if code not in (0, errno.EINPROGRESS):
            self.abandon()

    def pump(self) -> None:
        """Go as far as the network allows without waiting."""
        if self.failed:
            return
        try:
            if not self.connected:
                self._connect()
            if self.connected and self.place.direct_tls:
                self._shake()
        except Exception as error:  # whatever it was: it is met again where it can be told
            self.error = error if self.channel is not None else None
            self.abandon()

    def usable(self) -> bool:
        """Whether there is a connection that the server still waits for."""
        return not self.failed and time.monotonic() - self._since < _FRESH_SECONDS

    def abandon(self) -> None:
        """Nobody wants it any more."""
        self.failed = True
        self.sock.close()

    def _connect(self) -> None:
        if not select.select([], [self.sock], [], 0)[1]:
            return
        code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        self.connected = True

    def _shake(self) -> None:
        if self.channel is None:
            from xmppctl.session import tls
            from xmppctl.session.tlschannel import TlsChannel

            context = tls.client_context(self.account, alpn=tls.ALPN)
            self.channel = TlsChannel(context, self.account.domain)
            self.channel.handshake()
        while not self.channel.established:
            if pending := self.channel.pending():
                self.sock.sendall(pending)
            try:
                data = self.sock.recv(_PIECE)
            except BlockingIOError:
                return
            if not data:
                raise ConnectionAbortedError
            self.channel.handshake(data)


def start(account: Account) -> Early | None:
    """Begin to connect for ``account`` where the way is known; None where it is not."""
    if account.transport not in ("auto", "tcp") or account.endpoint is not None:
        return None
    if account.prompts:  # nobody knows how long that takes, and whether there is an answer
        return None
    if any(name.lower() == "all_proxy" and value for name, value in os.environ.items()):
        return None
    place = _place(account)
    return Early(account, place) if place is not None else None


def _place(account: Account) -> Place | None:
    known = account.memory.known() if account.memory is not None else None
    last = Place(*known.place) if known is not None and known.place is not None else None
    if account.connect is None:
        recent = known is not None and 0 <= time.time() - known.seen < _PLACE_SECONDS
        return last if recent else None
    host, port = account.connect
    host = host.strip("[]")
    if last is not None and (last.host, last.port) == (host, port):
        return last
    if ":" not in host and host.strip("0123456789."):
        return None  # a name: to look it up may take long
    direct = account.tls == "direct" or (account.tls == "auto" and port == _DIRECT_PORT)
    return Place(host, host, port, direct)
