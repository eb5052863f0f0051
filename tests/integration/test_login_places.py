"""Where the last login went, and where else to go when that is of no use any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.failing import failure
from tests.integration.test_connection import closed_port, srv
from tests.peers.process import Result, Xmppctl
from tests.servers.base import Account, Server
from tests.servers.dns import NameServer
from tests.servers.faults import FaultProxy
from xmppctl.errors import Exit

pytestmark = pytest.mark.servers("prosody")

Run = Callable[..., Result]


@pytest.fixture
def names(server: Server) -> Iterator[NameServer]:
    with NameServer({}) as names:
        yield names


@pytest.fixture
def run(xmppctl: Xmppctl, alice: Account, names: NameServer) -> Run:
    """``run("direct:0:0:5223")``: account test, where the DNS has these SRV records."""

    def run(*records: str) -> Result:
        names.zone = srv(alice.server, *records)
        names.queries.clear()
        return xmppctl(
            *("-v", "--connect-timeout", "8", "account", "test", "--json"),
            jid=alice.jid,
            password=alice.password,
            ca_file=alice.server.ca_file,
            env={"XMPPCTL_NAMESERVER": names.nameserver},
        )

    return run


def port(done: Result) -> int:
    """The port of the server that took the login."""
    found: dict[str, Any] = done.expect(0).json()
    return int(found["peer"].rpartition(":")[2])


@pytest.mark.parametrize("greeting", ["refuse", "garbage", "silent"])
def test_direct_tls_is_dead_and_starttls_is_not(run: Run, server: Server, greeting: str) -> None:
    alive = server.ports.starttls
    with FaultProxy(server.direct_tls, greeting=greeting) as dead:
        for _ in range(2):
            done = run(f"direct:0:0:{dead.address[1]}", f"starttls:1:0:{alive}")
            assert port(done) == alive


def test_direct_tls_died_since_the_last_run(run: Run, server: Server) -> None:
    with FaultProxy(server.direct_tls) as proxy:
        records = (f"direct:0:0:{proxy.address[1]}", f"starttls:1:0:{server.ports.starttls}")
        assert port(run(*records)) == proxy.address[1]
    done = run(*records)
    assert port(done) == server.ports.starttls
    assert done.json()["guessed"] is True, "what the account's server offers is still known"


@pytest.mark.parametrize(
    ("kind", "greeting"),
    [
        ("direct", "refuse"),
        ("direct", "garbage"),
        ("direct", "silent"),
        ("starttls", "refuse"),
        ("starttls", "garbage"),
    ],
)
def test_the_last_place_is_no_server_any_more(
    run: Run, server: Server, kind: str, greeting: str
) -> None:
    upstream = server.direct_tls if kind == "direct" else server.starttls
    with FaultProxy(upstream) as proxy:
        assert port(run(f"{kind}:0:0:{proxy.address[1]}")) == proxy.address[1]
        proxy.greeting = greeting
        assert port(run(f"{kind}:0:0:{upstream[1]}")) == upstream[1]


def test_the_last_place_is_gone_and_so_is_the_server(run: Run, server: Server) -> None:
    with FaultProxy(server.direct_tls) as proxy:
        records = (f"direct:0:0:{proxy.address[1]}",)
        run(*records).expect(0)
    failure(run(*records), Exit.CONNECT, "tcp", "connection-refused")


def test_a_port_that_is_closed(run: Run, server: Server) -> None:
    with closed_port() as dead:
        for _ in range(2):
            done = run(f"direct:0:0:{dead}", f"starttls:1:0:{server.ports.starttls}")
            assert port(done) == server.ports.starttls
