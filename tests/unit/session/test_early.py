"""The connection that begins before the imports: where it goes, how far, and when it is none."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.ca import Authority, Certificate
from tests.unit.session.streams import FakeMemory
from xmppctl.model.account import Account
from xmppctl.model.aim import Aim, Place
from xmppctl.model.jid import parse as jid
from xmppctl.model.memory import Known
from xmppctl.session import early
from xmppctl.session.early import Early

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


def begun(who: Account) -> Early:
    """The early connection of an account, which has one."""
    aim = early.aim(who)
    assert aim is not None
    return Early(aim)


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
    aim = early.aim(who)
    assert (aim and aim.place) == place


def test_what_it_needs_of_the_account() -> None:
    seen = time.time() - 60
    trust = {"ca_file": Path("/ca.pem"), "pins": (b"p",), "cert": Path("/c"), "key": Path("/k")}
    who = account(memory=known(seen=seen), **trust)
    text = {"ca_file": "/ca.pem", "cert": "/c", "key": "/k"}
    assert early.aim(who) == Aim(Place(*LAST), NAME, pins=(b"p",), **text, until=seen + 3600)
    # a place that is named has no end
    again = account(memory=known(seen=seen), connect=("host.test", 5223))
    assert early.aim(again) == Aim(Place(*LAST), NAME)


@pytest.mark.parametrize(
    "more",
    [
        {"prompts": True},
        {"transport": "websocket"},
        {"endpoint": "wss://host.test/ws", "transport": "websocket"},
    ],
)
def test_no_connection_where_another_way_or_a_person_decides(more: dict[str, Any]) -> None:
    assert early.aim(account(connect=("127.0.0.1", 9), **more)) is None


def test_no_connection_past_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1")
    assert early.aim(account(connect=("127.0.0.1", 9))) is None


def test_as_far_as_tcp(listener: socket.socket) -> None:
    connection = begun(account(connect=listener.getsockname(), tls="starttls"))
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
    connection = begun(who)
    pumped(connection, "connected")
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
    connection = begun(who)
    pumped(connection, "connected")
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
    connection = begun(account(connect=address, tls="direct"))
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
    connection = begun(account(connect=listener.getsockname(), tls="starttls"))
    assert connection.usable()
    later = time.monotonic() + 11
    monkeypatch.setattr(early.time, "monotonic", lambda: later)
    assert not connection.usable()
    connection.abandon()
