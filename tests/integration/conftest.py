"""Fixtures of the tests against real servers: clients of other projects as the other side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.peers.process import Result, Xmppctl
from tests.peers.rawxml import RawClient
from tests.peers.slix import SlixClient
from tests.servers.base import Account, Server
from tests.servers.ca import Authority, Certificate
from tests.servers.fake import FakeConnection, FakeServer


@pytest.fixture
def slix() -> Iterator[Callable[..., SlixClient]]:
    """Logs a slixmpp client in: ``peer = slix(bob)``; closed at the end of the test."""
    with ExitStack() as clients:

        def login(account: Account, resource: str = "peer") -> SlixClient:
            return clients.enter_context(SlixClient(account, resource))

        yield login


@pytest.fixture
def equipped(slix: Callable[..., SlixClient]) -> Callable[..., SlixClient]:
    """Logs a client in that corrects, retracts, reacts and replies, and is there for messages."""

    def login(account: Account, resource: str = "peer") -> SlixClient:
        client = slix(account, resource)
        for number in ("0308", "0422", "0424", "0428", "0444", "0461"):
            client.run(client.client.register_plugin, f"xep_{number}")
        client.send_presence()
        return client

    return login


@pytest.fixture
def raw() -> Iterator[Callable[..., RawClient]]:
    """Logs a raw XML client in: ``peer = raw(bob)``; closed at the end of the test."""
    with ExitStack() as clients:

        def login(account: Account, resource: str | None = None) -> RawClient:
            return clients.enter_context(RawClient.login_as(account, resource))

        yield login


@pytest.fixture
def against_fake(authority: Authority, xmppctl: Xmppctl) -> Callable[..., Result]:
    """Runs xmppctl as alice@fake.test against a server that does what ``script`` says.

    ``against_fake(script, "--json", "ping").expect(6)``
    """

    def run(script: Callable[[FakeConnection], Awaitable[None]], *args: str, **more: Any) -> Result:
        with FakeServer("fake.test", authority.issue("fake.test"), script) as server:
            return xmppctl(
                *args,
                jid="alice@fake.test",
                password="x",
                connect=server.address,
                ca_file=authority.ca_file,
                **more,
            )

    return run


@pytest.fixture
def room(bob: Account, server: Server) -> str:
    """The JID of a room that nobody made yet."""
    return f"room-{bob.local}@{server.conference}"


@pytest.fixture
def host(slix: Callable[..., SlixClient], bob: Account) -> SlixClient:
    """bob as another client has him, to be the owner of a room."""
    return slix(bob, "host")


@pytest.fixture
def https(authority: Authority) -> Certificate:
    """What a web server shows that is to be trusted."""
    return authority.issue("web.test")


@pytest.fixture
def fetch(xmppctl: Xmppctl, authority: Authority) -> Callable[..., Result]:
    """Runs fetch --json in a directory of its own, xmppctl's home."""

    def run(*args: str, **options: Any) -> Result:
        options.setdefault("ca_file", authority.ca_file)
        return xmppctl("--json", "fetch", *args, **options)

    return run
