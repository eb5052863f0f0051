"""Whether the login is bound to the TLS channel, and what happens when it is not any more."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import pytest

from tests.integration.failing import failure
from tests.peers.process import Result, Xmppctl
from tests.servers.base import Account, Server
from tests.servers.faults import FaultProxy, Flow
from tests.servers.quirks import Quirk
from xmppctl.errors import Exit


@pytest.fixture
def capped(tmp_path: Path) -> dict[str, str]:
    """An environment in which OpenSSL knows TLS 1.2 at most."""
    config = tmp_path / "openssl.cnf"
    config.write_text(
        "openssl_conf = main\n[main]\nssl_conf = modules\n[modules]\nsystem_default = defaults\n"
        "[defaults]\nMaxProtocol = TLSv1.2\n"
    )
    return {"OPENSSL_CONF": str(config)}


def login(xmppctl: Xmppctl, who: Account, *more: str, env: dict[str, str] | None = None) -> Result:
    return xmppctl(
        *(*more, "-v", "--tls", "direct", "account", "test", "--json"),
        account=who,
        connect=who.server.direct_tls,
        env=env,
    )


def mechanism(run: Result) -> str:
    return str(run.expect(0).json()["mechanism"])


def test_bound_by_tls_unique(
    xmppctl: Xmppctl, server: Server, alice: Account, capped: dict[str, str]
) -> None:
    """TLS 1.2 has a binding that both servers verify; the second run knows it ahead."""
    for _ in range(2):
        run = login(xmppctl, alice, env=capped)
        assert mechanism(run).endswith("-PLUS")
        assert run.json()["tls"] == "TLSv1.2"


def test_tls_1_3(xmppctl: Xmppctl, server: Server, alice: Account) -> None:
    """Neither server binds TLS 1.3; one of them says that it does, which is found out once."""
    first, second = login(xmppctl, alice), login(xmppctl, alice)
    for run in (first, second):
        assert mechanism(run).startswith("SCRAM-")
        assert not mechanism(run).endswith("-PLUS")
        assert run.json()["tls"] == "TLSv1.3"
    told = "announces no channel bindings"
    assert (told in first.err) is (Quirk.SCRAM_PLUS_WRONG_UNDER_TLS13 in server.quirks)
    assert told not in second.err


def test_wrong_password_is_no_reason_to_fall_back(
    xmppctl: Xmppctl, server: Server, alice: Account
) -> None:
    run = xmppctl(
        *("-v", "--tls", "direct", "account", "test", "--json"),
        account=alice,
        password="not this one",
        connect=server.direct_tls,
    )
    failure(run, Exit.AUTH, "auth", "not-authorized")


def test_binding_that_is_lost(
    xmppctl: Xmppctl, server: Server, alice: Account, capped: dict[str, str]
) -> None:
    """A login that was bound before is refused without, unless the user accepts that."""
    assert mechanism(login(xmppctl, alice, env=capped)).endswith("-PLUS")
    run = login(xmppctl, alice)
    error = failure(run, Exit.TLS, "auth", "downgrade")
    assert "--allow-downgrade" in error["hint"]
    assert not mechanism(login(xmppctl, alice, "--allow-downgrade")).endswith("-PLUS")


def test_named_mechanism(xmppctl: Xmppctl, server: Server, alice: Account) -> None:
    """Who names a mechanism gets that one or nothing."""
    named = ("--sasl-mechanism", "SCRAM-SHA-1-PLUS")
    run = login(xmppctl, alice, *named).expect(int(Exit.AUTH))
    assert "Traceback" not in run.err
    assert mechanism(login(xmppctl, alice, "--sasl-mechanism", "SCRAM-SHA-1")) == "SCRAM-SHA-1"


# --- somebody in the middle, with a certificate that is trusted here ------------------------------

PLUS = re.compile(rb"<mechanism>SCRAM[^<]*-PLUS</mechanism>")


def intercept(server: Server, flow: Flow) -> FaultProxy:
    """Reads and rewrites what passes; by TLS 1.2 on both sides, which the servers can bind."""
    proxy = FaultProxy.intercept(server)
    proxy.down = flow
    assert proxy._inner is not None
    proxy._inner.maximum_version = ssl.TLSVersion.TLSv1_2
    return proxy


def between(
    xmppctl: Xmppctl, proxy: FaultProxy, who: Account, env: dict[str, str], *more: str
) -> Result:
    return xmppctl(
        *(*more, "--tls", "direct", "account", "test", "--json"),
        account=who,
        connect=proxy.address,
        env=env,
    )


def test_somebody_in_the_middle(
    xmppctl: Xmppctl, server: Server, alice: Account, capped: dict[str, str]
) -> None:
    """The certificate is the server's own, the channel is not: the server sees that."""
    with intercept(server, Flow()) as proxy:
        run = between(xmppctl, proxy, alice, capped)
        sent = b"".join(bytes(each.up) for each in proxy.connections)
    error = failure(run, Exit.AUTH, "auth")
    assert "hannel binding" in error["text"]
    assert "in between" in error["hint"]
    assert re.findall(rb"mechanism=['\"]([^'\"]*)", sent) in (
        [b"SCRAM-SHA-512-PLUS"],
        [b"SCRAM-SHA-256-PLUS"],
    )


def test_somebody_who_takes_the_binding_out_of_the_offer(
    xmppctl: Xmppctl, server: Server, alice: Account, capped: dict[str, str]
) -> None:
    assert mechanism(login(xmppctl, alice, env=capped)).endswith("-PLUS")
    with intercept(server, Flow(drop=(PLUS,))) as proxy:
        run = between(xmppctl, proxy, alice, capped)
        sent = b"".join(bytes(each.up) for each in proxy.connections)
    failure(run, Exit.TLS, "auth", "downgrade")
    assert sent
    assert b"<auth" not in sent
