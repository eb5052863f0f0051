"""The checks of the DNS: each defect by the check that is for it, and no other."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.servers.ca import Authority, Certificate
from tests.servers.dns import Fault, NameServer
from xmppctl.model.account import Account
from xmppctl.model.check import CHECKS, Finding
from xmppctl.model.dns import Way
from xmppctl.model.jid import parse
from xmppctl.protocol.check import dns
from xmppctl.protocol.check.context import Context, Limits

DOMAIN = "a.test"
DIGEST = "ab" * 32
PUBLIC = {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]}
CLIENT, CLIENTS = "_xmpp-client._tcp.a.test", "_xmpps-client._tcp.a.test"
SERVER, SERVERS = "_xmpp-server._tcp.a.test", "_xmpps-server._tcp.a.test"
GOOD: dict[str, Any] = {
    "one.a.test": PUBLIC,
    CLIENT: {"SRV": ["0 0 5222 one.a.test."]},
    CLIENTS: {"SRV": ["0 0 5223 one.a.test."]},
    SERVER: {"SRV": ["0 0 5269 one.a.test."]},
}


def context(found: list[Finding], wanted: set[str] | None = None, **account: Any) -> Context:
    who = Account(parse(DOMAIN), **account)
    return Context(DOMAIN, who, Limits(), set(CHECKS) if wanted is None else wanted, found.append)


def probe(
    zone: dict[str, Any],
    *,
    s2s: bool = False,
    signed: bool = False,
    wanted: set[str] | None = None,
    **account: Any,
) -> tuple[list[Way], list[Finding]]:
    found: list[Finding] = []
    with NameServer(zone, signed=frozenset({DOMAIN}) if signed else frozenset()) as server:
        own = {"nameserver": ("127.0.0.1", server.port), "timeout": 1.0, **account}
        ways = asyncio.run(dns.probe(context(found, wanted, **own), s2s=s2s))
    # monitoring relies on one finding for each of them
    assert len({(each.check, each.target) for each in found}) == len(found)
    assert all(each.detail for each in found)
    return ways, found


def bad(found: list[Finding]) -> dict[tuple[str, str], str]:
    return {
        (each.check, each.target): each.status for each in found if each.status in ("warn", "fail")
    }


def only(found: list[Finding], check: str) -> Finding:
    (finding,) = [each for each in found if each.check == check]
    return finding


def test_a_good_domain() -> None:
    ways, found = probe(GOOD, s2s=True)
    assert bad(found) == {}
    assert {str(each) for each in ways} == {
        "xmpp-client one.a.test:5222",
        "xmpps-client one.a.test:5223",
        "xmpp-server one.a.test:5269",
    }
    first = next(each for each in ways if each.service == "xmpps-client")
    assert first == Way(
        "xmpps-client", "one.a.test", 5223, True, ("2001:db8::1", "192.0.2.1"), "srv", (), False
    )
    told = {(each.check, each.target): each.value for each in found}
    assert told["dns.srv", CLIENT] == 1
    assert told["dns.srv", SERVERS] == 0
    assert told["dns.target", "xmpp-client one.a.test:5222"] == 2
    assert told["dns.port", "xmpp-server one.a.test:5269"] == 5269
    assert told["dns.ipv6", DOMAIN] is True
    assert told["dns.dnssec", DOMAIN] is False
    assert probe(GOOD)[1] == [each for each in found if "-server" not in each.target]


def test_a_test_bench_is_good_as_well() -> None:
    bench = GOOD | {"one.a.test": {"A": ["127.0.0.1"]}}
    _, found = probe(bench, s2s=True)
    assert bad(found) == {}
    assert only(found, "dns.ipv6").status == "ok"
    ways, found = probe({DOMAIN: {"A": ["127.0.0.1"]}}, s2s=True)
    assert bad(found) == {}
    assert [str(each) for each in ways] == ["xmpp-client a.test:5222", "xmpp-server a.test:5269"]
    assert [each.source for each in ways] == ["fallback"] * 2


def test_only_what_is_wanted_is_told() -> None:
    _, found = probe(GOOD, wanted={"dns.ipv6"})
    assert [each.check for each in found] == ["dns.ipv6"]


TARGET = "xmpp-client one.a.test:5222"
DEFECTS: list[tuple[dict[str, Any], dict[tuple[str, str], str]]] = [
    # swapped ports
    (
        {CLIENT: {"SRV": ["0 0 5269 one.a.test."]}, SERVER: {"SRV": ["0 0 5222 one.a.test."]}},
        {
            ("dns.port", "xmpp-client one.a.test:5269"): "fail",
            ("dns.port", "xmpp-server one.a.test:5222"): "fail",
        },
    ),
    (
        {CLIENT: {"SRV": ["0 0 7000 one.a.test."]}, SERVER: {"SRV": ["0 0 7000 one.a.test."]}},
        {
            ("dns.port", "xmpp-client one.a.test:7000"): "warn",
            ("dns.port", "xmpp-server one.a.test:7000"): "warn",
        },
    ),
    # to nowhere
    (
        {CLIENT: {"SRV": ["0 0 5222 none.a.test.", "1 0 5222 one.a.test."]}},
        {("dns.target", "xmpp-client none.a.test:5222"): "fail"},
    ),
    (
        {CLIENT: {"SRV": ["0 0 5222 ill.a.test."]}, "ill.a.test": Fault.SERVFAIL},
        {("dns.target", "xmpp-client ill.a.test:5222"): "fail"},
    ),
    (
        {CLIENT: {"SRV": ["0 0 5222 mute.a.test."]}, "mute.a.test": Fault.SILENCE},
        {("dns.target", "xmpp-client mute.a.test:5222"): "fail"},
    ),
    (
        {CLIENT: {"SRV": ["0 0 5222 zero.a.test."]}, "zero.a.test": {"A": ["0.0.0.0"]}},
        {("dns.target", "xmpp-client zero.a.test:5222"): "fail"},
    ),
    # sets that cannot be read
    ({CLIENT: Fault.SERVFAIL}, {("dns.srv", CLIENT): "fail"}),
    ({CLIENTS: Fault.SILENCE}, {("dns.srv", CLIENTS): "fail"}),
    # no service
    (
        {CLIENT: {"SRV": ["0 0 0 ."]}, CLIENTS: {"SRV": ["0 0 0 ."]}},
        {("dns.srv", CLIENT): "fail", ("dns.srv", CLIENTS): "fail"},
    ),
    ({CLIENTS: {"SRV": ["0 0 0 ."]}}, {}),
    (
        {CLIENT: {"SRV": ["0 0 0 .", "0 0 5222 one.a.test."]}},
        {("dns.srv", CLIENT): "warn"},
    ),
    # odd targets
    (
        {CLIENT: {"SRV": ["0 0 5222 www.a.test."]}, "www.a.test": {"CNAME": ["one.a.test."]}},
        {("dns.target", "xmpp-client www.a.test:5222"): "warn"},
    ),
    (
        {CLIENT: {"SRV": ["0 0 5222 192.0.2.7."]}},
        {("dns.target", "xmpp-client 192.0.2.7:5222"): "warn"},
    ),
    (
        {CLIENT: {"SRV": ["0 0 5222 one.a.test.", "0 5 5222 one.a.test."]}},
        {("dns.srv", CLIENT): "warn"},
    ),
    # addresses
    (
        {"one.a.test": {"A": ["192.0.2.1", "10.0.0.1"], "AAAA": ["2001:db8::1"]}},
        {
            ("dns.target", TARGET): "warn",
            ("dns.target", "xmpps-client one.a.test:5223"): "warn",
            ("dns.target", "xmpp-server one.a.test:5269"): "warn",
        },
    ),
    (
        {CLIENT: {"SRV": ["0 0 5222 in.a.test."]}, "in.a.test": {"A": ["127.0.0.1"]}},
        {("dns.target", "xmpp-client in.a.test:5222"): "warn"},
    ),
    ({"one.a.test": {"A": ["192.0.2.1"]}}, {("dns.ipv6", DOMAIN): "warn"}),
    (
        {
            CLIENT: {"SRV": ["0 0 5222 half.a.test."]},
            "half.a.test": {"A": ["192.0.2.1"], "AAAA": Fault.SERVFAIL},
            CLIENTS: {},
        },
        {("dns.target", "xmpp-client half.a.test:5222"): "warn"},
    ),
    # only direct TLS
    ({CLIENT: {}}, {("dns.srv", CLIENT): "warn"}),
    ({CLIENT: {}, DOMAIN: PUBLIC}, {}),
    # TLSA without DNSSEC
    (
        {"_5222._tcp.one.a.test": {"TLSA": [f"3 1 1 {DIGEST}"]}},
        {("dns.dnssec", TARGET): "warn"},
    ),
]


@pytest.mark.parametrize(("changes", "expected"), DEFECTS)
def test_defects(changes: dict[str, Any], expected: dict[tuple[str, str], str]) -> None:
    _, found = probe(GOOD | changes, s2s=True)
    assert bad(found) == expected
    assert all(each.advice for each in found if each.status in ("warn", "fail"))


def test_a_domain_that_does_not_exist() -> None:
    ways, found = probe({}, s2s=True)
    assert ways == []
    assert bad(found) == {("dns.srv", CLIENT): "fail", ("dns.srv", SERVER): "fail"}
    assert only(found, "dns.ipv6").status == "unknown"


def test_a_name_service_that_is_dead() -> None:
    names = (CLIENT, CLIENTS, SERVER, SERVERS, DOMAIN)
    for fault in (Fault.SERVFAIL, Fault.SILENCE):
        ways, found = probe(dict.fromkeys(names, fault), s2s=True)
        assert ways == []
        assert {check for check, _ in bad(found)} == {"dns.srv"}
        assert len(bad(found)) == 4
        assert only(found, "dns.dnssec").status == "unknown"


def test_a_choice_of_tls_leaves_the_other_kind_out() -> None:
    ways, found = probe(GOOD, s2s=True, tls="direct")
    assert [each.service for each in ways] == ["xmpps-client", "xmpp-server"]
    assert not [each for each in found if "xmpp-client" in each.target]
    ways, _ = probe(GOOD, tls="starttls")
    assert [each.service for each in ways] == ["xmpp-client"]
    _, found = probe({k: v for k, v in GOOD.items() if k != CLIENTS}, tls="direct")
    assert bad(found) == {("dns.srv", CLIENTS): "fail"}


def test_signed_answers() -> None:
    ways, found = probe(GOOD, signed=True)
    assert only(found, "dns.dnssec").value is True
    assert {each.secure for each in ways} == {True}
    kept_back = GOOD | {"_5222._tcp.one.a.test": Fault.SERVFAIL}
    assert bad(probe(kept_back, signed=True)[1]) == {("dns.dnssec", TARGET): "fail"}
    # where nothing is signed, nobody goes by such records
    assert bad(probe(kept_back)[1]) == {}


# --- what only those can tell who open a way


def test_ports_of_ways_that_are_opened() -> None:
    found: list[Finding] = []
    swapped = GOOD | {
        CLIENT: {"SRV": ["0 0 5269 one.a.test."]},
        CLIENTS: {"SRV": ["0 0 5223 none.a.test."]},
    }
    with NameServer(swapped) as server:
        over = context(found, nameserver=("127.0.0.1", server.port))
        (way,) = asyncio.run(dns.probe(over, s2s=False, opened=True))
    # there is nobody to open the other one
    assert [each.target for each in found if each.check == "dns.port"] == [
        "xmpps-client none.a.test:5223"
    ]
    found.clear()
    target = f"{way} [192.0.2.1]"
    for foreign in (True, False, None):
        dns.port(over, way, target, foreign)
    assert [each.status for each in found] == ["fail", "ok", "fail"]
    assert {(each.check, each.target) for each in found} == {("dns.port", target)}
    found.clear()
    usual = Way("xmpp-server", "one.a.test", 5269, False, ("192.0.2.1",), "srv")
    for foreign in (True, False, None):
        dns.port(over, usual, target, foreign)
    assert [each.status for each in found] == ["fail", "ok", "unknown"]
    assert "for servers, and the port is for clients" in found[0].detail
    found.clear()
    dns.port(over, usual, target, "it is for STARTTLS")
    assert [(each.status, each.detail) for each in found] == [("fail", "it is for STARTTLS")]


# --- TLSA records and the certificate


def der(certificate: Certificate) -> list[bytes]:
    chain = x509.load_pem_x509_certificates(certificate.chain.read_bytes())
    return [each.public_bytes(Encoding.DER) for each in chain]


def tell(records: tuple[str, ...], sent: list[bytes], verified: list[bytes], secure: bool | None):
    found: list[Finding] = []
    way = Way("xmpp-client", "one.a.test", 5222, False, ("192.0.2.1",), "srv", records, secure)
    target = f"{way} [192.0.2.1]"
    dns.certificate(context(found), way, target, sent, verified)
    assert {each.target for each in found} <= {target}
    assert {each.check for each in found} <= {"dns.dnssec"}
    return [(each.status, each.value) for each in found]


def test_the_certificate_of_a_way(authority: Authority) -> None:
    chain = der(authority.issue(DOMAIN))
    digests = [hashlib.sha256(each).hexdigest() for each in chain]
    end, issuer, other = f"3 0 1 {digests[0]}", f"2 0 1 {digests[1]}", f"3 1 1 {DIGEST}"
    assert tell((end,), chain, [], True) == [("ok", True)]
    assert tell((issuer,), chain, [], True) == [("ok", True)]
    assert tell((other, end), chain, [], None) == [("ok", True)]
    assert tell((other,), chain, chain, True) == [("fail", False)]
    assert tell((other,), chain, chain, None) == [("fail", False)]
    # what the probe of the DNS has told, or nothing to tell
    assert tell((other,), chain, chain, False) == []
    assert tell((), chain, chain, True) == []
    # without TLS, and records that want authorities as well
    assert tell((end,), [], [], True) == [("unknown", None)]
    pkix = f"1 0 1 {digests[0]}"
    assert tell((pkix,), chain, [], True) == [("unknown", None)]
    assert tell((pkix,), chain, chain, True) == [("ok", True)]
    assert tell(("9 9 9 00",), chain, chain, True) == [("warn", False)]
