"""Fixtures of the tests against real servers: clients of other projects as the other side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.peers.rawxml import RawClient
from tests.peers.slix import SlixClient
from tests.servers.base import Account


@pytest.fixture
def slix() -> Iterator[Callable[..., SlixClient]]:
    """Logs a slixmpp client in: ``peer = slix(bob)``; closed at the end of the test."""
    with ExitStack() as clients:

        def login(account: Account, resource: str = "peer") -> SlixClient:
            return clients.enter_context(SlixClient(account, resource))

        yield login


@pytest.fixture
def raw() -> Iterator[Callable[..., RawClient]]:
    """Logs a raw XML client in: ``peer = raw(bob)``; closed at the end of the test."""
    with ExitStack() as clients:

        def login(account: Account, resource: str | None = None) -> RawClient:
            return clients.enter_context(RawClient.login_as(account, resource))

        yield login
