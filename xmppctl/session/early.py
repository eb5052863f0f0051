"""A connection that begins before the rest of the program is imported.

It goes to the place of the last login, or to ``--connect``, and as far as TLS, without a word of
XMPP; ``xmppctl.headstart`` knows where to before there is an account. Nothing waits for it:
``pump`` goes on where the network has gone on, between the imports, and the event loop takes over
whatever state it is in. It is a guess like the others: what goes wrong here says nothing, and the
way is looked for as ever. No event loop here: that is the import it runs beside; and no thread,
which would fight with the imports for the interpreter.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time

from xmppctl.model.aim import Aim, Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xmppctl.model.account import Account
    from xmppctl.session.tlschannel import TlsChannel

_FRESH_SECONDS = 10.0
"""A server gives up on a connection that says nothing."""

_DIRECT_PORT = 5223
_PIECE = 65536


class Early:
    """One such connection; ``aim`` is what it is good for, ``place`` where it goes.

    ``connected`` once TCP stands. ``channel`` is the TLS connection, perhaps still in its
    handshake or before it; None for STARTTLS. ``failed``: nothing came of it; ``error`` is why
    TLS failed.
    """

    def __init__(self, aim: Aim) -> None:
        self.aim = aim
        self.place = place = aim.place
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
            if self.place.direct_tls and self.channel is None:
                self.channel = self._channel()  # takes longer than many a connection
            if not self.connected:
                self._connect()
            if self.connected and self.channel is not None:
                self._shake(self.channel)
        except Exception as error:  # whatever it was: it is met again where it can be told
            self.error = error if self.connected and self.channel is not None else None
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

    def _channel(self) -> TlsChannel:
        from xmppctl.session.tlschannel import TlsChannel
        from xmppctl.session.tlscontext import ALPN, client_context

        channel = TlsChannel(client_context(self.aim, alpn=ALPN), self.aim.domain)
        channel.handshake()
        return channel

    def _shake(self, channel: TlsChannel) -> None:
        while not channel.established:
            if pending := channel.pending():
                self.sock.sendall(pending)
            try:
                data = self.sock.recv(_PIECE)
            except BlockingIOError:
                return
            if not data:
                raise ConnectionAbortedError
            channel.handshake(data)


def aim(account: Account) -> Aim | None:
    """What an early connection for ``account`` has to be; None where the way is not known."""
    if account.transport not in ("auto", "tcp") or account.endpoint is not None:
        return None
    if account.prompts:  # nobody knows how long that takes, and whether there is an answer
        return None
    if any(name.lower() == "all_proxy" and value for name, value in os.environ.items()):
        return None
    from xmppctl.model.memory import PLACE_SECONDS

    known = account.memory.known() if account.memory is not None else None
    last = Place(*known.place) if known is not None and known.place is not None else None
    until = None
    if account.connect is not None:
        place = _named(account, account.connect, last)
    elif known is not None and 0 <= time.time() - known.seen < PLACE_SECONDS:
        place, until = last, known.seen + PLACE_SECONDS
    else:
        place = None
    if place is None:
        return None
    ca_file, cert, key = (
        None if path is None else str(path) for path in (account.ca_file, account.cert, account.key)
    )
    return Aim(place, account.domain, ca_file, account.pins, cert, key, until)


def _named(account: Account, connect: tuple[str, int], last: Place | None) -> Place | None:
    """The place that ``--connect`` names, where nobody has to be asked for its address."""
    host, port = connect
    host = host.strip("[]")
    if last is not None and (last.host, last.port) == (host, port):
        return last
    if ":" not in host and host.strip("0123456789."):
        return None  # a name: to look it up may take long
    direct = account.tls == "direct" or (account.tls == "auto" and port == _DIRECT_PORT)
    return Place(host, host, port, direct)
