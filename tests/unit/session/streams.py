"""A Wire without a network: what goes out is kept, what comes in is given by the test."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

from xmppctl.errors import XmppctlError
from xmppctl.model.account import Account
from xmppctl.model.jid import parse as jid
from xmppctl.model.memory import Known, Token
from xmppctl.session.stream import Session
from xmppctl.session.tcp import TcpWire
from xmppctl.session.trace import Trace
from xmppctl.session.xml import NS_CLIENT, NS_STREAM, parse

HEADER = f"<stream:stream xmlns='{NS_CLIENT}' xmlns:stream='{NS_STREAM}' version='1.0'>"


class Transport(asyncio.Transport):
    """Keeps what is written; ``full`` bytes seem to wait for the network."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False
        self.aborted = False
        self.full = 0

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        return self.full

    @property
    def text(self) -> str:
        """What was written since the last look."""
        text, self.written = self.written.decode(), b""
        return text


class FakeWire(TcpWire):
    """A wire that may pretend to have a TLS layer."""

    tls: Any = None

    @property
    def ssl_object(self) -> Any:
        """The pretended TLS layer."""
        return self.tls


def make_wire(trace: Trace | None = None, *, opened: bool = True) -> tuple[FakeWire, Transport]:
    """A wire to the peer ``host:1``, with a stream that is open in both directions."""
    wire, transport = FakeWire(trace or Trace(), "host:1"), Transport()
    wire.link.connection_made(transport)
    if opened:
        wire.open("fake.test")
        wire.link.data_received(HEADER.encode())
        transport.text  # noqa: B018 - the header is not looked at
    return wire, transport


def account(**more: Any) -> Account:
    """alice@fake.test, with short timeouts."""
    return Account(jid("alice@fake.test"), **{"timeout": 0.2, "connect_timeout": 0.2, **more})


def make_session(features: str = "<f/>") -> tuple[Session, FakeWire, Transport]:
    """A session of alice@fake.test/r on such a wire."""
    wire, transport = make_wire()
    full = jid("alice@fake.test/r")
    return Session(wire, account(), full, parse(features), wire.trace), wire, transport


def come(wire: TcpWire, *stanzas: str) -> None:
    """Stanzas of the stream's namespace come in, in one piece."""
    wire.link.data_received("".join(stanzas).encode())


def client(name: str, **attributes: str) -> Element:
    """An element of the stream's namespace."""
    return Element(f"{{{NS_CLIENT}}}{name}", attributes)


def error_of(wire: TcpWire) -> XmppctlError:
    """What ended the stream."""
    assert wire.error is not None
    return wire.error


class FakeMemory:
    """What runs leave for later ones, as long as the test runs."""

    def __init__(self, known: Known | None = None, *tokens: Token, keeps: bool = True) -> None:
        self.guess = known
        self.tokens = list(tokens)
        self.best: str | None = None
        self.keeps = keeps
        self.forgotten = 0

    def known(self) -> Known | None:
        return self.guess

    def learn(self, known: Known) -> None:
        self.guess = known

    def forget(self) -> None:
        self.guess = None
        self.forgotten += 1

    def strongest(self) -> str | None:
        return self.best

    def authenticated(
        self, mechanism: str, order: Sequence[str], *, accepted: bool = False
    ) -> None:
        self.best = mechanism

    def device(self) -> str | None:
        return "the-device" if self.keeps else None

    def keeps_tokens(self) -> bool:
        return self.keeps

    def token(self) -> Token | None:
        return self.tokens[0] if self.tokens else None

    def keep_token(self, token: Token) -> bool:
        self.tokens.insert(0, token)
        return True

    def drop_token(self, token: Token) -> None:
        self.tokens.remove(token)

    def drop_tokens(self) -> None:
        self.tokens.clear()


class FakeTls:
    """As much of a TLS layer as a login asks for."""

    def version(self) -> str:
        return "TLSv1.3"
