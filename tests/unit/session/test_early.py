"""The connection that begins before the imports: where it goes, how far, and when it is none."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.ca import Authority, Certificate
from tests.unit.session.streams import FakeMemory
from xmppctl.model.account import Account
from xmppctl.model.jid import parse as jid
from xmppctl.model.memory import Known
from xmppctl.session import early
from xmppctl.session.early import Early, Place

NAME = "fake.test"
LAST = ("host.test", "127.0.0.1", 5223, True)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


def account(**more: Any) -> Account:
    return Account(jid(f"alice@{NAME}"), **more)


def known(**more: Any) -> FakeMemory:
    return FakeMemory(Known(place=LAST, **{"seen": time.time(), **more}))


def pumped(connection: Early, until: str) -> None:
    """Pump as the network goes on, until an attribute is set."""
    deadline = time.monotonic() + 10
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while not getattr(connection, until):
            assert time.monotonic() < deadline
            selector.select(0.1)
            connection.pump()


@pytest.mark.parametrize(
    ("who", "place"),
    [
        (account(memory=known()), Place(*LAST)),
        (account(memory=known(), connect=("host.test", 5223)), Place(*LAST)),
        (account(connect=("127.0.0.1", 5222)), Place("127.0.0.1", "127.0.0.1", 5222, False)),
        (account(connect=("127.0.0.1", 5223)), Place("127.0.0.1", "127.0.0.1", 5223, True)),
        (account(connect=("[::1]", 99), tls="direct"), Place("::1", "::1", 99, True)),
        # nothing is known, or not any more
        (account(), None),
        (account(memory=FakeMemory(Known())), None),
        (account(memory=known(seen=time.time() - 7200)), None),
        (account(memory=known(seen=time.time() + 7200)), None),
        # a name would have to be looked up
        (account(connect=("other.test", 5223), memory=known()), None),
    ],
)
def test_where_it_goes(who: Account, place: Place | None) -> None:
    assert early._place(who) == place


@pytest.mark.parametrize(
    "more",
    [
        {"prompts": True},
        {"transport": "websocket"},
        {"endpoint": "wss://host.test/ws", "transport": "websocket"},
    ],
)
def test_no_connection_where_another_way_or_a_person_decides(more: dict[str, Any]) -> None:
    assert early.start(account(connect=("127.0.0.1", 9), **more)) is None


def test_no_connection_past_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1")
    assert early.start(account(connect=("127.0.0.1", 9))) is None


def test_as_far_as_tcp(listener: socket.socket) -> None:
    connection = early.start(account(connect=listener.getsockname(), tls="starttls"))
    assert connection is not None
    pumped(connection, "connected")
    with listener.accept()[0] as there:
        there.setblocking(False)
        with pytest.raises(BlockingIOError):
            there.recv(1)  # not a word
    assert connection.usable()
    assert (connection.channel, connection.error) == (None, None)
    connection.abandon()
    assert not connection.usable()


def test_as_far_as_tls(listener: socket.socket, authority: Authority) -> None:
    certificate: Certificate = authority.issue(NAME)
    who = account(connect=listener.getsockname(), tls="direct", ca_file=authority.ca_file)
    connection = early.start(who)
    assert connection is not None
    pumped(connection, "channel")
    there, _ = listener.accept()
    there.setblocking(False)
    server = certificate.server_context().wrap_socket(
        there, server_side=True, do_handshake_on_connect=False
    )
    with server:
        while connection.channel is not None and not connection.channel.established:
            try:
                server.do_handshake()
            except OSError:
                connection.pump()
        assert connection.usable()
    connection.abandon()


def test_another_certificate(listener: socket.socket, authority: Authority) -> None:
    who = account(connect=listener.getsockname(), tls="direct", ca_file=authority.ca_file)
    connection = early.start(who)
    assert connection is not None
    pumped(connection, "channel")
    there, _ = listener.accept()
    there.setblocking(False)
    server = (
        authority.issue("other.test")
        .server_context()
        .wrap_socket(there, server_side=True, do_handshake_on_connect=False)
    )
    with server:
        while not connection.failed:
            try:
                server.do_handshake()
            except OSError:
                connection.pump()
    assert connection.error is not None
    assert not connection.usable()


def test_nobody_is_there(listener: socket.socket) -> None:
    address = listener.getsockname()
    listener.close()
    connection = early.start(account(connect=address, tls="direct"))
    assert connection is not None
    for _ in range(100):
        connection.pump()
        if connection.failed:
            break
        time.sleep(0.01)
    assert connection.failed
    assert connection.error is None
    connection.pump()  # nothing happens any more


def test_what_took_too_long_is_not_used(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = early.start(account(connect=listener.getsockname(), tls="starttls"))
    assert connection is not None
    assert connection.usable()
    later = time.monotonic() + 11
    monkeypatch.setattr(early.time, "monotonic", lambda: later)
    assert not connection.usable()
    connection.abandon()
