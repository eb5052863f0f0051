"""BOSH on the real servers: login, requests, messages both ways, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.failing import failure
from tests.peers.process import Result, Xmppctl
from tests.servers.base import Account, Server
from tests.servers.ca import Authority
from tests.servers.proxies import ProxyServer
from xmppctl.errors import Exit

pytestmark = pytest.mark.in_turn

Bosh = Callable[..., Result]


def endpoint(server: Server) -> str:
    path = {"prosody": "/http-bind", "ejabberd": "/bosh"}[server.name]
    return f"https://127.0.0.1:{server.ports.https}{path}"


def options(account: Account, url: str | None = None, **more: Any) -> dict[str, Any]:
    """Who logs in, and over BOSH alone."""
    server = account.server
    env = {"XMPPCTL_ENDPOINT": url or endpoint(server), **more.pop("env", {})}
    defaults = {"jid": account.jid, "password": account.password, "ca_file": server.ca_file}
    return {**defaults, "env": env, **more}


@pytest.fixture
def bosh(xmppctl: Xmppctl, alice: Account) -> Bosh:
    """Runs xmppctl as alice over BOSH."""
    return lambda *args, **more: xmppctl(*args, **options(alice, **more))


def test_ping(bosh: Bosh) -> None:
    run = bosh("-v", "ping", "--json")
    assert run.expect().json()[0]["ok"]


def test_messages_both_ways(
    bosh: Bosh, xmppctl: Xmppctl, slix: Callable[..., Any], alice: Account, bob: Account
) -> None:  # fmt: skip
    peer = slix(bob)
    peer.send_presence()
    sent = bosh("send", "--json", bob.jid, "-", input="x" * 20_000).expect().json()
    assert sent[0]["confirmed"]
    message = peer.wait_message(lambda message: len(message["body"]) == 20_000)
    assert message["from"].bare == alice.jid
    listening = xmppctl.start("listen", "--count", "3", "--json", **options(alice))
    jid = listening.wait_line("listening as (.*)", "err")[1]
    for number in range(3):
        peer.send_message(jid, f"news {number}")
    bodies = [each["body"] for each in xmppctl.finish(listening).expect().json()]
    assert bodies == ["news 0", "news 1", "news 2"]


def test_many_messages_in_order(bosh: Bosh, slix: Callable[..., Any], bob: Account) -> None:
    peer = slix(bob)
    peer.send_presence()
    lines = "".join(f"line {number}\n" for number in range(200))
    bosh("send", "--stdin-lines", bob.jid, input=lines).expect()
    peer.wait_message(lambda message: message["body"] == "line 199")
    bodies = [str(each["body"]) for each in peer.stanzas if each.name == "message"]
    assert [each for each in bodies if each] == lines.splitlines()


def test_archive_and_roster(bosh: Bosh, bob: Account) -> None:
    bosh("roster", "add", bob.jid, "--name", "Bob").expect()
    assert [each["jid"] for each in bosh("roster", "list", "--json").expect().json()] == [bob.jid]
    for number in range(3):
        bosh("send", bob.jid, f"message {number}").expect()
    found = bosh("mam", "query", "--json").expect().json()
    assert [each["body"] for each in found] == [f"message {number}" for number in range(3)]


def test_a_wrong_password(bosh: Bosh, alice: Account) -> None:
    failure(bosh("--sasl", "sasl1", "ping", "--json", password="wrong"), Exit.AUTH, "auth")


def test_a_domain_that_is_not_there(bosh: Bosh) -> None:
    failure(bosh("ping", "--json", jid="alice@elsewhere.test"), Exit.CONNECT)


def test_a_path_that_is_none(bosh: Bosh, server: Server) -> None:
    url = f"https://127.0.0.1:{server.ports.https}/no-such-path"
    error = failure(bosh("ping", "--json", url=url), Exit.CONNECT)
    assert "404" in error["text"]


def test_whom_to_trust(bosh: Bosh, server: Server, authority: Authority, alice: Account) -> None:
    other = Authority(authority.directory / f"stranger-{alice.local}", "a stranger")
    failure(
        bosh("ping", "--json", ca_file=other.ca_file), Exit.TLS, "tls", "certificate-not-trusted"
    )
    pin = ("--pin", f"sha256:{server.certificate.pin}")
    bosh(*pin, "ping", ca_file=None).expect()
    wrong = ("--pin", f"sha256:{authority.issue('x.test').pin}")
    run = bosh(*wrong, "--json", "ping", ca_file=None)
    failure(run, Exit.TLS, "tls", "pin-mismatch")


def test_by_host_meta_and_through_a_proxy(
    xmppctl: Xmppctl, ejabberd: Server, authority: Authority
) -> None:
    """All that leads there is HTTPS: the file, its URL, and the requests."""
    account = ejabberd.account("alice")
    https = ("127.0.0.1", ejabberd.ports.https)
    places = {(ejabberd.domain, port): https for port in (443, ejabberd.ports.https)}
    places[ejabberd.domain, 5443] = https
    with ProxyServer("http", places=places, user="me", password="geheim") as proxy:
        run = xmppctl(
            *("--transport", "bosh", "-j", account.jid, "--ca-file", str(ejabberd.ca_file)),
            *("ping", "--json"),
            env={"https_proxy": proxy.url(), "XMPPCTL_PASSWORD": account.password},
        )
    assert run.expect().json()[0]["ok"]
    assert proxy.asked[0] == (ejabberd.domain, 443)
