"""How many round trips a command takes, counted by a proxy that makes each of them last.

A wait is an answer that the client was there to hear (``Connection`` in tests/servers/faults.py).
What comes while a slow process is busy, or on its way out, counts too: a run can be found to have
waited more often than it did, never less often. Of a few runs, therefore, the best one tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.peers.process import Xmppctl
from tests.peers.rawxml import RawClient
from tests.servers.base import Account, Server
from tests.servers.faults import FaultProxy, Flow
from tests.servers.prosody import Prosody
from tests.servers.quirks import Quirk

pytestmark = pytest.mark.own_connection

# each way
DELAY = Flow(delay=0.1)
# of direct TLS
HELLO = 1
RUNS = 4
# a request and its answer; not a ping, which waits for the session so as to measure itself alone
ASK = ("roster", "list")


class Runner:
    """Runs xmppctl as ``account`` through one and the same proxy."""

    def __init__(self, xmppctl: Xmppctl, proxy: FaultProxy, account: Account, tls: str) -> None:
        self._xmppctl = xmppctl
        self._proxy = proxy
        self._account = account
        self._tls = tls
        self.runs = 0

    def waits(self, *args: str, **more: Any) -> int:
        """How often a run waited, which made one connection and succeeded."""
        before = len(self._proxy.connections)
        run = ("--tls", self._tls, *args)
        self._xmppctl(*run, account=self._account, connect=self._proxy.address, **more).expect()
        assert len(self._proxy.connections) == before + 1, "more than one connection"
        self.runs += 1
        return self._proxy.waits

    def fewest(self, limit: int, *args: str, **more: Any) -> int:
        """The fewest waits of some runs, which end with one that is good enough."""
        found = self.waits(*args, **more)
        for _ in range(RUNS - 1):
            if found <= limit:
                break
            found = min(found, self.waits(*args, **more))
        return found


Through = Callable[..., Runner]


@pytest.fixture
def through(xmppctl: Xmppctl) -> Iterator[Through]:
    """``through(alice)`` runs xmppctl by way of a proxy."""
    with ExitStack() as proxies:

        def through(account: Account, tls: str = "direct") -> Runner:
            server = account.server
            address = server.direct_tls if tls == "direct" else server.starttls
            proxy = proxies.enter_context(FaultProxy(address, up=DELAY, down=DELAY))
            return Runner(xmppctl, proxy, account, tls)

        yield through


def bodies(peer: RawClient, count: int) -> list[str | None]:
    return [peer.wait_message().findtext("{jabber:client}body") for _ in range(count)]


@pytest.mark.parametrize("tls", ["direct", "starttls"])
def test_a_later_run_by_password(
    through: Through, server: Server, alice: Account, tls: str
) -> None:
    runner = through(alice, tls)
    first = runner.waits(*ASK)
    # features and <proceed/>; then challenge; success; the second header with everything else
    limit = (HELLO if tls == "direct" else HELLO + 2) + 3
    assert runner.fewest(limit, *ASK) <= limit < first


def test_a_later_send_by_password(
    through: Through, server: Server, alice: Account, bob: Account, raw: Callable[..., RawClient]
) -> None:
    peer = raw(bob)
    peer.send("<presence/>")
    runner = through(alice)
    runner.waits("send", bob.jid, "x")
    # docs/design/003: a last look for a bounce
    limit = HELLO + 3 + (Quirk.BOUNCES_LATE in server.quirks)
    assert runner.fewest(limit, "send", bob.jid, "x") <= limit
    assert bodies(peer, runner.runs) == ["x"] * runner.runs


@pytest.mark.parametrize("host", ["sasl2", "sasl2_rotating"])
def test_a_send_by_token(
    through: Through, prosody: Prosody, raw: Callable[..., RawClient], host: str
) -> None:
    gus = prosody.account("gus", prosody.hosts[host])
    peer = raw(gus)
    peer.send("<presence/>")
    runner = through(prosody.account("fay", prosody.hosts[host]))
    first = runner.waits("send", gus.jid, "x")
    # success; what goes behind it
    limit = HELLO + 2
    assert runner.fewest(limit, "send", gus.jid, "x") <= limit < first
    assert bodies(peer, runner.runs) == ["x"] * runner.runs


def test_a_token_needs_no_password(through: Through, prosody: Prosody) -> None:
    runner = through(prosody.account("fay", prosody.hosts["sasl2"]))
    runner.waits(*ASK)
    assert runner.fewest(HELLO + 2, *ASK, password="forgotten") <= HELLO + 2


def test_a_password_by_sasl2(through: Through, prosody: Prosody) -> None:
    runner = through(prosody.account("fay", prosody.hosts["sasl2"]))
    runner.waits(*ASK)
    # challenge; success with the resource; what goes behind it
    by_password = ("--sasl-mechanism", "SCRAM-SHA-256", *ASK)
    assert runner.fewest(HELLO + 3, *by_password) <= HELLO + 3
