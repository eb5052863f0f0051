"""`xmppctl server check`: servers that are well are well; what they offer is told as it is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.peers.rawxml import RawClient
from tests.servers.dns import NameServer
from tests.servers.fake import FakeConnection, FakeServer
from tests.servers.quirks import Quirk

pytestmark = pytest.mark.own_connection

SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
OF_TLS = ("tls.handshake", "tls.versions", "tls.ciphers", "tls.chain", "tls.name", "tls.days")


@pytest.fixture
def check(xmppctl, server):
    """``check("--s2s", connect=..., domain=..., code=6)``: the findings of server check."""

    def run(*words, connect=None, domain=None, code=0, options=(), env=None):
        way = () if connect is None else ("--connect", f"{connect[0]}:{connect[1]}")
        result = xmppctl(
            *("--ca-file", str(server.ca_file), *way, *options),
            *("--json", "server", "check", domain or server.domain, *words),
            env=env,
        )
        result.expect(code)
        findings = result.json()
        pairs = [(each["check"], each["target"]) for each in findings]
        assert len(set(pairs)) == len(pairs)
        if code:
            assert result.error()["condition"].startswith("checks-")
        return findings

    return run


def only(findings: list[dict[str, Any]], check: str) -> dict[str, Any]:
    (found,) = (each for each in findings if each["check"] == check)
    return found


def blamed(findings: list[dict[str, Any]]) -> dict[str, str]:
    return {each["check"]: each["status"] for each in findings if each["status"] != "ok"}


def test_a_server_that_is_well(check, server):
    """STARTTLS for clients and for servers."""
    at = f"{server.host}:{server.ports.s2s}"
    findings = check("--strict", "--s2s-connect", at, connect=server.starttls)
    assert blamed(findings) == {}
    by_side = {
        side: {each["check"]: each for each in findings if each["target"].startswith(side)}
        for side in ("xmpp-client", "xmpp-server")
    }
    for side, port in (("xmpp-client", server.starttls[1]), ("xmpp-server", server.ports.s2s)):
        found = by_side[side]
        assert {*OF_TLS, "tcp.connect", "tls.starttls", "stream.features"} <= set(found)
        assert found["tls.versions"]["value"] == "1.2 1.3"
        assert found["tls.days"]["target"] == f"{side} {server.host}:{port}"
        assert 19 < found["tls.days"]["value"] <= 20
        assert found["tls.key"]["value"] == "EC secp256r1"
        assert found["tls.chain"]["value"] == "CN=xmppctl test CA"
    client = by_side["xmpp-client"]
    assert client["tls.starttls"]["value"] == "required"
    # as another client sees it
    with RawClient(server.domain, server.starttls, server.ca_file) as raw:
        features = raw.open()
    seen = [each.text for each in features.iter(f"{{{SASL}}}mechanism")]
    assert client["sasl.mechanisms"]["value"].split() == seen
    plus = any(each.endswith("-PLUS") for each in seen)
    assert (client["sasl.binding"]["value"] != "none") == plus
    assert only(findings, "register.open")["value"] == "open"


@pytest.mark.in_turn
def test_by_the_dns(check, server, xmppctl):
    """SRV records of both kinds; nobody says which port is which."""
    host = f"xmpp.{server.domain}"
    zone = {
        f"_xmpp-client._tcp.{server.domain}": {"SRV": [f"5 0 {server.starttls[1]} {host}."]},
        f"_xmpps-client._tcp.{server.domain}": {"SRV": [f"5 0 {server.direct_tls[1]} {host}."]},
        host: {"A": ["127.0.0.1"]},
    }
    with NameServer(zone) as dns:
        env = {"XMPPCTL_NAMESERVER": dns.nameserver}
        findings = check("--skip", "web", env=env)
        swapped = {
            **zone,
            f"_xmpp-client._tcp.{server.domain}": {"SRV": [f"5 0 {server.ports.s2s} {host}."]},
        }
        dns.zone = swapped
        wrong = check("--skip", "web", env=env, code=6)
    assert blamed(findings) == {}
    names = {
        f"xmpp-client {host}:{server.starttls[1]} [127.0.0.1]",
        f"xmpps-client {host}:{server.direct_tls[1]} [127.0.0.1]",
    }
    assert {each["target"] for each in findings if each["check"] == "tls.days"} == names
    told = blamed(wrong)
    assert told.pop("dns.port") == "fail"
    assert set(told.values()) == {"unknown"}


@pytest.mark.in_turn
def test_direct_tls_is_found_out(check, server):
    findings = check(connect=server.direct_tls)
    assert blamed(findings) == {}
    kinds = {each["target"].partition(" ")[0] for each in findings}
    assert kinds == {"xmpps-client", server.domain}
    assert not {"tls.starttls", "sasl.cleartext"} & {each["check"] for each in findings}


@pytest.mark.parametrize("kind", ["websocket", "bosh"])
@pytest.mark.in_turn
def test_endpoints_are_opened(check, server, kind):
    url = server.websocket_url if kind == "websocket" else server.bosh_url
    findings = check(options=("--endpoint", url))
    assert blamed(findings) == {}
    assert only(findings, f"web.{kind}")["target"] == url
    assert 19 < only(findings, "tls.days")["value"] <= 20
    wrong = check("--only", "web", options=("--endpoint", f"{url}-elsewhere"), code=6)
    assert blamed(wrong) == {f"web.{kind}": "fail"}


def test_a_server_that_lets_clients_log_in_without_tls(check, server):
    found = check(connect=server.optional_tls, domain=server.hosts["optional_tls"], code=6)
    assert blamed(found) == {"sasl.cleartext": "fail", "tls.starttls": "warn"}


def test_nothing_better_than_plain(check, server):
    words = ("--only", "sasl")
    domain = server.hosts["plain"]
    assert blamed(check(*words, connect=server.starttls, domain=domain)) == {
        "sasl.mechanisms": "warn"
    }
    check(*words, "--strict", connect=server.starttls, domain=domain, code=6)


def test_registration(check, server):
    # REGISTER_CLOSED_LOOKS_OPEN: the form is given, and whatever is filled in is refused
    looks_open = Quirk.REGISTER_CLOSED_LOOKS_OPEN in server.quirks
    closed = ("closed", "warn" if looks_open else "ok")
    told = {
        "closed": closed,
        "captcha": ("captcha", "ok"),
        "invite": ("invitation", "ok"),
        "form": ("open", "ok"),
    }
    for host in told.keys() & server.hosts.keys():
        found = check("--only", "register", connect=server.starttls, domain=server.hosts[host])
        assert (found[0]["value"], found[0]["status"]) == told[host]


@pytest.mark.servers("prosody")
def test_sasl2(check, server):
    domain = server.hosts["sasl2"]
    for who, value in ((), "SASL2 Bind2"), (("-j", f"alice@{domain}"), "SASL2 Bind2 FAST"):
        # Prosody offers FAST to those alone who say who they are
        found = check("--only", "sasl", connect=server.direct_tls, domain=domain, options=who)
        assert only(found, "sasl.sasl2")["value"] == value


def test_with_an_account(xmppctl, alice):
    run = xmppctl(
        *("--json", "server", "check", "--only", "login", "--only", "server.ping"), account=alice
    ).expect()
    assert {each["check"] for each in run.json()} == {"login.time", "server.ping"}
    assert blamed(run.json()) == {}


@pytest.mark.in_turn
def test_a_wrong_password_is_a_finding(xmppctl, alice):
    words = ("--json", "server", "check", "--skip", "tls", "--skip", "component")
    run = xmppctl(*words, account=alice, password="wrong").expect(6)
    told = blamed(run.json())
    assert told.pop("login.time") == "fail"
    assert set(told.values()) == {"unknown"}
    assert any(each["check"] == "stream.features" for each in run.json())


# --- what no real server does


@pytest.fixture
def against(authority, xmppctl):
    """Checks fake.test at a server that does what a script says."""

    def run(script, *words, **more):
        with FakeServer("fake.test", authority.issue("fake.test"), script, **more) as server:
            connect = f"{server.address[0]}:{server.address[1]}"
            options = ("--ca-file", str(authority.ca_file), "--connect", connect)
            return xmppctl(*options, "--timeout", "2s", "server", "check", "fake.test", *words)

    return run


def test_text_of_a_hostile_server_drives_no_terminal(against):
    async def script(conn: FakeConnection) -> None:
        await conn.header()
        conn.send_header()
        conn.stream_error("undefined-condition", "\u009b2J\u202eevil")

    run = against(script, "-v").expect(6)
    assert "evil" in run.out
    assert not set("\x9b\u202e\x1b") & set(run.out + run.err)


def test_the_error_names_what_failed(against):
    async def script(conn: FakeConnection) -> None:
        await conn.stream_features("")
        await conn.until_closed()

    run = against(script).expect(6)
    assert "checks failed: tls.starttls at xmpp-client 127.0.0.1:" in run.err
    assert "Traceback" not in run.err
    # what hides what was asked for is not well either
    run = against(script, "--only", "tls.days").expect(6)
    assert "1 of 1 checks could not be made" in run.err


def test_no_such_check(xmppctl):
    run = xmppctl("server", "check", "fake.test", "--only", "tls.day").expect(2)
    assert "tls.days" in run.err
