"""TLS of one connection without its socket: bytes in, bytes out (RFC 8446, RFC 5246).

The same handshake serves a socket of the event loop and one of a thread, and may begin in the one
and go on in the other.
"""

from __future__ import annotations

import ssl
from contextlib import suppress

_PIECE = 256 * 1024


class TlsChannel:
    """The client's side of a TLS connection to the server called ``name``.

    ``established``: the handshake is over. ``ended``: the peer closed its side. ``flights``: how
    often the handshake waited for the peer.
    """

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.object = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_hostname=name.encode("ascii"),  # text would load the codec of IDNA
        )
        self.name = name
        self.established = False
        self.ended = False
        self.flights = 0
        self._spoke = False
        self._waiting: list[bytes] = []

    def handshake(self, data: bytes = b"") -> bool:
        """Go on with the handshake, with ``data`` of the peer; True when it is over.

        ``pending`` is to be sent in every case, behind an error too: it holds the alert.
        Raises ssl.SSLError.
        """
        if data:
            self._incoming.write(data)
            self.flights += self._spoke
            self._spoke = False
        try:
            self.object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self._spoke = self._spoke or self._outgoing.pending > 0
        self.established = True
        return True

    def receive(self, data: bytes = b"") -> bytes:
        """What the peer said, in clear; ``ended`` is set when it closed its side.

        Raises ssl.SSLError.
        """
        if data:
            self._incoming.write(data)
        pieces = []
        try:
            while piece := self.object.read(_PIECE):
                pieces.append(piece)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self.ended = True
        if self._waiting:
            self.send(b"")
        return b"".join(pieces)

    def send(self, data: bytes) -> None:
        """Encrypt ``data`` into ``pending``. Raises ssl.SSLError."""
        if data:
            self._waiting.append(data)
        while self._waiting:
            try:
                self.object.write(self._waiting[0])
            except ssl.SSLWantReadError:  # renegotiation, TLS 1.2: goes on with the peer's answer
                return
            del self._waiting[0]

    def close(self) -> None:
        """Put the closing alert into ``pending``."""
        with suppress(ssl.SSLError):  # the peer's own alert is not waited for
            self.object.unwrap()

    def pending(self) -> bytes:
        """What is to be sent now."""
        return self._outgoing.read()
