"""The stream over TCP and TLS (RFC 6120 §4, §5; XEP-0368)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence

from xmppctl.errors import ConnectError, TlsError
from xmppctl.session.link import Link
from xmppctl.session.tlschannel import TlsChannel
from xmppctl.session.tlserror import broken_tls
from xmppctl.session.trace import Trace
from xmppctl.session.wire import Wire
from xmppctl.session.xml import FOOTER, StreamParser, XmlError, header


class TcpWire(Wire):
    """A stream whose elements are one XML document for each direction."""

    transport = "tcp"

    def __init__(self, trace: Trace, peer: str) -> None:
        super().__init__(trace, peer)
        self.link = Link(self._data_came, self._link_ended)
        self._parser: StreamParser | None = None
        self._name = ""

    @property
    def ssl_object(self) -> ssl.SSLObject | None:
        """The TLS layer, None before there is one."""
        return self.link.ssl_object

    async def connect(self, sock: socket.socket) -> None:
        """Take over a connected socket. Raises OSError."""
        await self.link.connect(sock)

    async def start_tls(self, channel: TlsChannel) -> None:
        """Go on inside TLS; the stream has to be opened anew afterwards.

        Raises ssl.SSLError, OSError, and TlsError for data behind <proceed/>.
        """
        self._parser, self._open, self._name = None, False, channel.name
        if self.error is not None:
            raise self.error
        if self._queue:
            raise self._injected()
        await self.link.start_tls(channel)
        if self.error is not None:
            raise self.error

    def _opening(self, to: str, sender: str | None) -> str:
        self._parser = StreamParser(self._header_came, self._element_came, self._footer_came)
        return header(to, sender)

    def _put(self, parts: Sequence[str]) -> None:
        self.link.write("".join(parts).encode())

    def _footer(self) -> str:
        return FOOTER

    async def _hang_up(self) -> None:
        await self.link.hang_up()

    def abort(self) -> None:
        """Drop the connection."""
        self.link.abort()

    def _data_came(self, data: bytes) -> None:
        if self.error is not None:
            return
        try:
            if self._parser is None:
                raise XmlError("it speaks before it is spoken to")
            self._parser.feed(data)
        except XmlError as error:
            self._end(
                ConnectError(
                    f"{self.peer} does not speak XMPP as it should ({error})",
                    step=self.trace.step,
                    condition="not-well-formed",
                    by=self.peer,
                )
            )

    def _link_ended(self, exc: Exception | None) -> None:
        # under TLS 1.3 a server refuses a client certificate after the client's last message
        if isinstance(exc, ssl.SSLError):
            self._end(broken_tls(exc, self.peer, self._name, self.trace.step))
        self._end(self._closed(exc))

    def _injected(self) -> TlsError:
        """Data in clear behind <proceed/> would be taken for a part of the protected stream."""
        return TlsError(
            f"{self.peer} sent data in clear where TLS has to begin",
            step="tls",
            condition="unexpected-data",
            by=self.peer,
            hint="somebody on the way may have put it there; try --tls direct",
        )
