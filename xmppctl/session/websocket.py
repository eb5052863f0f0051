"""RFC 7395: the stream over a WebSocket, one element in each message.

The WebSocket itself (RFC 6455) is the work of the library ``websockets``, its part without I/O.
No extension is offered; redirects of the request are not followed.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from xmppctl.errors import ConnectError, DeadlineError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.session import weblink
from xmppctl.session.link import Link
from xmppctl.session.tlserror import broken_tls
from xmppctl.session.trace import Trace
from xmppctl.session.weburl import Url
from xmppctl.session.wire import STREAM_ERROR, Wire
from xmppctl.session.xml import (
    MAX_ELEMENT_BYTES,
    NS_CLIENT,
    XmlError,
    parse,
    serialise,
    split,
)

NS_FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"

_STEP = "websocket"
_OPEN = f"{{{NS_FRAMING}}}open"
_CLOSE = f"{{{NS_FRAMING}}}close"
_FOOTER = serialise(Element(_CLOSE))
_XMPP = Subprotocol("xmpp")

_OWN_NAMESPACE = re.compile(
    r"""<[^\s/>]+(?:\s+(?!xmlns\s*=)[^\s=]+\s*=\s*(?:'[^']*'|"[^"]*"))*\s+xmlns\s*="""
)
_NAME = re.compile(r"<[^\s/>]+")

_STATUS = {401: "not-authorized", 403: "forbidden", 404: "item-not-found", 410: "gone"}
_HINTS = {404: "check the path of the URL", 410: "check the path of the URL"}

_CLOSED_WITH = {
    1001: ("connection-closed", "it goes away"),
    1002: ("connection-closed", "a protocol error of ours, it says"),
    1003: ("connection-closed", "data that it cannot take, it says"),
    1007: ("connection-closed", "text that it cannot take, it says"),
    1008: ("policy-violation", "its policy forbids something"),
    1009: ("policy-violation", "a message too big for it"),
    1011: ("internal-server-error", "an error of its own"),
    1012: ("connection-closed", "it restarts"),
    1013: ("resource-constraint", "it is overloaded"),
}
"""RFC 6455 §7.4.1 and the registry of close codes: condition, and what it means in words."""

# what is wrong with a peer is told by our own errors; the library logs it to stderr otherwise
_SILENT = logging.Logger("xmppctl.websocket", logging.CRITICAL + 1)


async def connect(account: Account, url: str, trace: Trace, limit: float) -> WebSocketWire:
    """A wire over the WebSocket at ``url`` (wss), ready for ``open``; takes ``limit`` s at most.

    The host's certificate or pin is checked, and XMPP agreed on, before it returns. Raises
    ConnectError, TlsError and DeadlineError (steps dns, tcp, tls, websocket), and what
    ``weblink.connect`` raises.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit
    try:
        place = weblink.endpoint(url)
    except ValueError as error:
        raise ConnectError(
            f"the URL of the WebSocket cannot be used: {error}", step=_STEP, condition="bad-url"
        ) from None
    wire = WebSocketWire(trace, place)
    try:
        wire.link = await weblink.connect(
            account, place, trace, limit, wire._data_came, wire._link_ended
        )
        trace.enter(_STEP)
        async with asyncio.timeout_at(deadline):
            await wire.upgrade()
        trace.round_trips += 1
    except TimeoutError:
        wire.abort()
        raise DeadlineError(
            f"no answer from {wire.peer} to the request for a WebSocket within {limit:g} s",
            step=_STEP,
            condition="timeout",
            by=wire.peer,
            hint="--connect-timeout and --timeout give it longer",
        ) from None
    except BaseException:
        wire.abort()
        raise
    return wire


class WebSocketWire(Wire):
    """A stream each of whose elements is a message of a WebSocket."""

    transport = "websocket"

    def __init__(self, trace: Trace, url: Url) -> None:
        super().__init__(trace, url.peer)
        self.link: Link | None = None
        self._name = url.host
        self._protocol = ClientProtocol(
            parse_uri(f"wss://{url.peer}{url.target}"),
            subprotocols=[_XMPP],
            max_size=MAX_ELEMENT_BYTES,
            logger=_SILENT,
        )
        self._upgrading: asyncio.Future[None] | None = None
        self._message: bytearray | None = None
        self._owed = 0
        self._answered = False

    @property
    def ssl_object(self) -> ssl.SSLObject | None:
        """The TLS layer, which ends at the host of the URL: that may be a proxy of the server."""
        return self.link.ssl_object if self.link is not None else None

    async def upgrade(self) -> None:
        """Make the connection a WebSocket that carries XMPP (RFC 6455 §4, RFC 7395 §3.1).

        Raises ConnectError, step "websocket".
        """
        assert self.link is not None
        self._upgrading = asyncio.get_running_loop().create_future()
        request = self._protocol.connect()
        request.headers["User-Agent"] = "xmppctl"
        self._protocol.send_request(request)
        self._transmit()
        try:
            await self._upgrading
        finally:
            self._upgrading = None

    def abort(self) -> None:
        """Drop the connection."""
        if self.link is not None:
            self.link.abort()

    # --- out

    def _opening(self, to: str, sender: str | None) -> str:
        self._owed += 1
        attributes = {"to": to, "version": "1.0"}
        if sender:
            attributes["from"] = sender
        return serialise(Element(_OPEN, attributes))

    def _put(self, parts: Sequence[str]) -> None:
        if self._protocol.state is not State.OPEN:
            return
        for part in parts:
            self._protocol.send_text(_of_its_own(part).encode())
        self._transmit()

    def _footer(self) -> str:
        return _FOOTER

    async def _hang_up(self) -> None:
        if self.link is None:
            return
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(1000)
            self._transmit()
        await self.link.hang_up()

    def _transmit(self) -> None:
        """Everything that the protocol wants sent, in one write."""
        assert self.link is not None
        if data := b"".join(self._protocol.data_to_send()):
            self.link.write(data)

    # --- in

    def _data_came(self, data: bytes) -> None:
        if self._protocol.state is State.CLOSED:
            return
        self._protocol.receive_data(data)
        self._advance()

    def _advance(self) -> None:
        """What the protocol made of the bytes so far: messages, then perhaps the end."""
        if self._upgrading is not None and not self._upgrading.done():
            self._check_upgrade()
        try:
            for event in self._protocol.events_received():
                if isinstance(event, Frame):
                    self._frame_came(event)
        except XmlError as error:
            self._break(1007, str(error))
        except _BinaryError:
            self._break(1003, "a message that is not text")
        self._transmit()
        if self._protocol.parser_exc is not None:
            self._end(self._violation(str(self._protocol.parser_exc)))

    def _frame_came(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self._end(self._closed_with())
        elif frame.opcode is Opcode.BINARY:
            raise _BinaryError
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            if self._message is None:
                self._message = bytearray()
            self._message += frame.data
            if frame.fin:
                message, self._message = bytes(self._message), None
                self._message_came(message)

    def _message_came(self, message: bytes) -> None:
        if self.error is not None or self._footer_seen:
            return
        # RFC 7395 §3.3.3: no white space, no XML declaration
        if message[:1] != b"<" or message[1:2] == b"?":
            raise XmlError("a message that does not begin with an element")
        element = parse(message, whole=False)
        if element.tag == _OPEN:
            self._open_came(element)
        elif element.tag == _CLOSE:
            self._close_came(element)
        elif not self._answered and element.tag != STREAM_ERROR:
            raise XmlError(f"<{split(element.tag)[1]}/> where <open/> has to come")
        else:
            self._element_came(element)

    def _open_came(self, element: Element) -> None:
        if not self._owed:
            raise XmlError("an <open/> that nobody asked for")
        self._owed -= 1
        self._answered = True
        self._header_came(dict(element.attrib))

    def _close_came(self, element: Element) -> None:
        uri = element.get("see-other-uri")
        if uri and not self.closing:
            self._end(weblink.SeeOtherUriError(uri, step=self.trace.step, by=self.peer))
        if not self.closing and self._protocol.state is State.OPEN:
            self._protocol.send_text(_FOOTER.encode())
        self._footer_came()

    def _link_ended(self, exc: Exception | None) -> None:
        # under TLS 1.3 a server refuses a client certificate after the client's last message
        if isinstance(exc, ssl.SSLError):
            error: XmppctlError = broken_tls(exc, self.peer, self._name, self.trace.step)
            if self._upgrading is not None and not self._upgrading.done():
                self._upgrading.set_exception(error)
            self._end(error)
        self._protocol.receive_eof()
        if self._upgrading is not None and not self._upgrading.done():
            self._check_upgrade()
        self._end(self._closed(exc))

    # --- what may be wrong

    def _check_upgrade(self) -> None:
        assert self._upgrading is not None
        refusal = self._protocol.handshake_exc
        if refusal is not None:
            self._upgrading.set_exception(self._not_upgraded(refusal))
        elif self._protocol.state is State.OPEN:
            if self._protocol.subprotocol == _XMPP:
                self._upgrading.set_result(None)
            else:
                self._upgrading.set_exception(
                    self._refused("it does not speak XMPP there", "no-subprotocol")
                )

    def _not_upgraded(self, refusal: Exception) -> ConnectError:
        if isinstance(refusal, InvalidStatus):
            return self._by_status(refusal)
        if isinstance(refusal, InvalidMessage):
            if isinstance(refusal.__cause__, EOFError):
                return self._refused("it closed the connection", "connection-closed")
            return self._refused("it does not answer as an HTTP server", "malformed-answer")
        return self._refused(str(refusal)[:200], "malformed-answer")

    def _by_status(self, refusal: InvalidStatus) -> ConnectError:
        response = refusal.response
        status = response.status_code
        told = f"HTTP status {status} {response.reason_phrase[:100]}".rstrip()
        if 300 <= status < 400:
            where = response.headers.get_all("Location")
            hint = f"it sends on to {where[0][:200]}, which is not followed" if where else None
            return self._refused(told, "redirect", hint)
        condition = _STATUS.get(status, "service-unavailable" if status >= 500 else "http-error")
        if 200 <= status < 300:
            told += ", which is a page and no WebSocket"
        return self._refused(told, condition, _HINTS.get(status))

    def _refused(self, why: str, condition: str, hint: str | None = None) -> ConnectError:
        return ConnectError(
            f"no WebSocket at {self.peer}: {why}",
            step=_STEP,
            condition=condition,
            by=self.peer,
            hint=hint,
        )

    def _break(self, code: int, why: str) -> None:
        """End the connection for what the peer did (RFC 6455 §7.1.7)."""
        self._protocol.fail(code)
        self._end(self._violation(why))

    def _violation(self, why: str) -> ConnectError:
        return ConnectError(
            f"{self.peer} does not speak XMPP over WebSocket as it should ({why})",
            step=self.trace.step,
            condition="not-well-formed",
            by=self.peer,
        )

    def _closed_with(self) -> ConnectError:
        close = self._protocol.close_rcvd
        code = close.code if close is not None else 1005
        condition, words = _CLOSED_WITH.get(code, ("connection-closed", ""))
        if not words and code not in (1000, 1005):
            words = f"code {code}"
        says = f": {close.reason}" if close is not None and close.reason else ""
        why = f" ({words}{says})" if words else (f" ({says[2:]})" if says else "")
        return ConnectError(
            f"{self.peer} closed the WebSocket{why}",
            step=self.trace.step,
            condition=condition,
            by=self.peer,
        )


class _BinaryError(Exception):
    """RFC 7395 §3.2: messages are text."""


def _of_its_own(text: str) -> str:
    """The element as a document: stanzas name the namespace that a stream gives them."""
    if _OWN_NAMESPACE.match(text):
        return text
    return _NAME.sub(lambda found: f"{found[0]} xmlns='{NS_CLIENT}'", text, count=1)
