"""``xmppctl server dns``: what a zone says, by another resolver too, and by where a login goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import dns.resolver
import pytest

from tests.integration.failing import failure
from tests.peers.process import Result, Xmppctl
from tests.servers.base import Account, Server
from tests.servers.ca import Authority
from tests.servers.dns import Fault, NameServer
from tests.servers.proxies import ProxyServer
from tests.servers.web import WebConnection, WebServer
from xmppctl.errors import Exit
from xmppctl.model.account import Account as AccountModel
from xmppctl.model.check import Finding
from xmppctl.model.jid import parse
from xmppctl.protocol.check.context import Context, Limits
from xmppctl.protocol.check.hostmeta import hostmeta

SETS = ("_xmpp-client", "_xmpps-client", "_xmpp-server", "_xmpps-server")
NOT_OFFERED = {"SRV": ["0 0 0 ."]}
WS = "wss://good.test:5443/ws"


def all_sets(domain: str, what: Any) -> dict[str, Any]:
    return {f"{each}._tcp.{domain}": what for each in SETS}


ZONE: dict[str, Any] = {
    "one.good.test": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]},
    "two.good.test": {"A": ["192.0.2.2", "10.0.0.2"]},
    "www.good.test": {"CNAME": ["one.good.test."]},
    "_xmpp-client._tcp.good.test": {
        "SRV": ["10 5 5222 one.good.test.", "20 0 5222 two.good.test."]
    },
    "_xmpps-client._tcp.good.test": {"SRV": ["5 1 443 one.good.test."]},
    "_xmpp-server._tcp.good.test": {"SRV": ["0 0 5222 www.good.test."]},
    "_5222._tcp.one.good.test": {"TLSA": ["3 1 1 " + "ab" * 32]},
    "plain.test": {"A": ["192.0.2.9"]},
    "_xmpp-client._tcp.nowhere.test": {
        "SRV": ["0 0 5222 one.good.test.", "1 0 5222 gone.nowhere.test."]
    },
    "nowhere.test": {"A": ["192.0.2.9"]},
    "_xmpp-client._tcp.half.test": {"SRV": ["0 0 5222 one.good.test."]},
    "_xmpps-client._tcp.half.test": Fault.SERVFAIL,
    "half.test": {"A": ["192.0.2.9"]},
    **all_sets("ill.test", Fault.SERVFAIL),
    **all_sets("mute.test", Fault.SILENCE),
    **all_sets("closed.test", NOT_OFFERED),
    "_xmpp-client._tcp.evil.test": {
        "SRV": [
            "0 0 5222 \\027[2J\\010x.evil.test.",
            *(f"{n} 0 {n} one.good.test." for n in range(1, 400)),
        ]
    },
    "_xmpps-client._tcp.evil.test": {"SRV": ["1 0 5223 round.evil.test."]},
    "round.evil.test": {"CNAME": ["about.evil.test."]},
    "about.evil.test": {"CNAME": ["round.evil.test."]},
}


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    signed = frozenset({"good.test"})
    with NameServer(
        ZONE, signed=signed, large=frozenset({"_xmpp-client._tcp.evil.test"})
    ) as server:
        yield server


def run(xmppctl: Xmppctl, names: NameServer, *words: str, **more: Any) -> Result:
    env = {"XMPPCTL_NAMESERVER": names.nameserver, **more.pop("env", {})}
    return xmppctl("--json", "server", "dns", *words, env=env, **more)


def lines(records: list[dict[str, Any]]) -> list[str]:
    return [f"{each['order']} {each['service']} {each['host']}:{each['port']}" for each in records]


def test_every_record_with_what_is_behind_it(xmppctl: Xmppctl, names: NameServer) -> None:
    found = run(xmppctl, names, "good.test").expect().json()
    assert lines(found) == [
        "1 xmpps-client one.good.test:443",
        "2 xmpp-client one.good.test:5222",
        "3 xmpp-client two.good.test:5222",
        "1 xmpp-server www.good.test:5222",
    ]
    ids = [[problem["id"] for problem in each["problems"]] for each in found]
    assert ids == [[], [], ["private-address", "no-ipv6"], ["swapped-port", "cname"]]
    assert [each["tlsa"] for each in found] == [[], ["3 1 1 " + "ab" * 32], [], []]
    assert [each["secure"] for each in found] == [True] * 4
    assert found[3]["cname"] == "one.good.test"
    # another resolver sees the same
    other = dns.resolver.Resolver(configure=False)
    host, _, port = names.nameserver.rpartition(":")
    other.nameservers, other.port = [host], int(port)
    for each in found:
        answers = other.resolve(f"_{each['service']}._tcp.good.test", "SRV")
        rank = (each["prio"], each["weight"], each["port"], f"{each['host']}.")
        assert rank in [(a.priority, a.weight, a.port, str(a.target)) for a in answers]
        addresses = [a.address for a in other.resolve(each["host"], "A")]
        assert {a for a in each["addresses"] if ":" not in a} == set(addresses)


def test_what_is_asked_for_alone(xmppctl: Xmppctl, names: NameServer) -> None:
    assert lines(run(xmppctl, names, "good.test", "--s2s").expect().json()) == [
        "1 xmpp-server www.good.test:5222"
    ]
    chosen = ("--service", "xmpp-client", "--service", "xmpps-server")
    assert lines(run(xmppctl, names, "good.test", *chosen).expect().json()) == [
        "2 xmpp-client one.good.test:5222",
        "3 xmpp-client two.good.test:5222",
    ]
    nothing = run(xmppctl, names, "plain.test", "--service", "xmpps-client", "--fail-empty")
    assert nothing.expect(10).json() == []


def test_the_domain_of_the_account(xmppctl: Xmppctl, names: NameServer) -> None:
    """No password is needed, and --connect plays no part."""
    found = run(xmppctl, names, jid="alice@plain.test", connect="127.0.0.1:1").expect().json()
    assert [(each["host"], each["port"], each["source"]) for each in found] == [
        ("plain.test", 5222, "fallback"),
        ("plain.test", 5269, "fallback"),
    ]


@pytest.mark.parametrize(
    ("domain", "code", "condition", "errors"),
    [
        ("gone.test", Exit.CONNECT, "nxdomain", ["nxdomain"] * 2),
        ("ill.test", Exit.CONNECT, "servfail", ["servfail"] * 4),
        ("mute.test", Exit.TIMEOUT, "timeout", ["timeout"] * 4),
        ("closed.test", Exit.CONNECT, "service-not-offered", [None] * 4),
        ("nowhere.test", Exit.PARTIAL, "nxdomain", [None, "nxdomain", None]),
        ("half.test", Exit.PARTIAL, "servfail", [None, "servfail", None]),
    ],
)
def test_what_fails_is_never_a_success(
    xmppctl: Xmppctl,
    names: NameServer,
    domain: str,
    code: Exit,
    condition: str,
    errors: list[str | None],
) -> None:
    """With all that is known on standard output."""
    done = run(xmppctl, names, domain, "--timeout", "1s")
    assert failure(done, code, "dns", condition)
    found = done.json()
    assert [each["error"] and each["error"]["condition"] for each in found] == errors
    assert done.seconds < 6


def test_a_hostile_zone(xmppctl: Xmppctl, names: NameServer) -> None:
    env = {"XMPPCTL_NAMESERVER": names.nameserver}
    done = xmppctl("-v", "server", "dns", "evil.test", "--c2s", env=env).expect(9)
    assert "\x1b" not in done.out + done.err
    assert "bad-host" in done.out
    assert "servfail" in done.out
    assert len(done.out.splitlines()) == 1 + 16 + 1
    assert done.seconds < 5


def test_bad_input_asks_nobody(xmppctl: Xmppctl) -> None:
    with NameServer({}) as fresh:
        for words in (["alice@good.test"], ["a..b"], ["good.test", "--service", "xmpp"], []):
            run(xmppctl, fresh, *words).expect(2)
        assert fresh.queries == []


def test_endpoints_on_the_web(xmppctl: Xmppctl, names: NameServer, authority: Authority) -> None:
    bodies = {"json": json.dumps({"links": [
        {"rel": "urn:xmpp:alt-connections:websocket", "href": WS}]}).encode()}  # fmt: skip

    def script(conn: WebConnection) -> None:
        is_json = conn.request().target.endswith(".json")
        conn.respond(200 if is_json else 404, bodies["json"] if is_json else b"")

    with (
        WebServer(script, authority.issue("good.test")) as web,
        ProxyServer("http", places={("good.test", 443): ("127.0.0.1", web.port)}) as proxy,
    ):
        over = {"env": {"https_proxy": proxy.url()}, "ca_file": authority.ca_file}
        found = run(xmppctl, names, "good.test", "--c2s", **over).expect().json()
        assert lines(found[-1:]) == ["None websocket good.test:5443"]
        assert (found[-1]["url"], found[-1]["source"]) == (WS, "hostmeta")
        only = run(xmppctl, names, "good.test", "--service", "bosh", **over).expect()
        assert only.json() == []
        bodies["json"] = b"{"
        done = run(xmppctl, names, "good.test", "--c2s", **over).expect()
        assert "warning: host-meta of good.test" in done.err
        assert len(done.json()) == 3
        failure(run(xmppctl, names, "good.test", "--service", "websocket", **over), Exit.REFUSED)


@pytest.mark.in_turn
def test_a_login_goes_where_the_first_record_says(
    xmppctl: Xmppctl, server: Server, alice: Account
) -> None:
    zone: dict[str, Any] = {
        "here.test": {"A": ["127.0.0.1"]},
        f"_xmpp-client._tcp.{server.domain}": {"SRV": [f"9 0 {server.ports.starttls} here.test."]},
        f"_xmpps-client._tcp.{server.domain}": {
            "SRV": [f"5 0 {server.ports.direct_tls} here.test."]
        },
    }
    with NameServer(zone) as names:
        found = run(xmppctl, names, server.domain, "--c2s").expect().json()
        env = {"XMPPCTL_NAMESERVER": names.nameserver}
        login = xmppctl(
            *("-v", "ping"), jid=alice.jid, password=alice.password, ca_file=server.ca_file, env=env
        ).expect()
    assert [each["order"] for each in found] == [1, 2]
    assert f"logged in as {alice.jid}" in login.err
    assert f"at {found[0]['addresses'][0]}:{found[0]['port']} " in login.err or (
        f"at {found[0]['host']}:{found[0]['port']} " in login.err
    )


@pytest.mark.servers("ejabberd")
def test_host_meta_of_a_real_server_is_well(
    monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    place = ("127.0.0.1", server.ports.https)
    found: list[Finding] = []
    with ProxyServer("http", places={(server.domain, 443): place}) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url())
        who = AccountModel(parse(server.domain), ca_file=server.ca_file)
        context = Context(server.domain, who, Limits(), {"web.hostmeta"}, found.append)
        ways, _ = asyncio.run(hostmeta(context))
    (finding,) = found
    assert (finding.status, finding.value) == ("ok", 2), finding
    assert [each.service for each in ways] == ["websocket", "bosh"]
