"""Certificates that the DNS vouches for: by TLSA records behind DNSSEC, or so it seems."""

from __future__ import annotations

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.integration.failing import failure
from tests.peers.process import Result, Xmppctl
from tests.servers.base import Account, Server
from tests.servers.ca import Authority, Certificate
from tests.servers.dns import NameServer, Records
from xmppctl.errors import Exit

pytestmark = pytest.mark.in_turn

HOST = "xmpp.hosting.test"


def tlsa(kind: str, certificate: Certificate, index: int = 0) -> str:
    """A record of usage, selector (0) and matching (1) about a certificate of a chain."""
    der = x509.load_pem_x509_certificates(certificate.chain.read_bytes())[index]
    return f"{kind} {hashlib.sha256(der.public_bytes(Encoding.DER)).hexdigest()}"


def zone_of(server: Server, *records: str) -> dict[str, Records]:
    """Where ``server`` is, and ``records`` of its certificate."""
    zone: dict[str, Records] = {HOST: {"A": ["127.0.0.1"]}}
    for service, port in (
        ("_xmpps-client", server.ports.direct_tls),
        ("_xmpp-client", server.ports.starttls),
    ):
        zone[f"{service}._tcp.{server.domain}"] = {"SRV": [f"0 0 {port} {HOST}."]}
        zone[f"_{port}._tcp.{HOST}"] = {"TLSA": list(records)} if records else {}
    return zone


def name_server(server: Server, *records: str, signed: bool = True) -> NameServer:
    """One that tells ``zone_of`` the server, as if by DNSSEC."""
    names = frozenset({server.domain, "hosting.test"}) if signed else frozenset[str]()
    return NameServer(zone_of(server, *records), signed=names)


def login(
    xmppctl: Xmppctl, dns: NameServer, who: Account, *more: str, trusting: bool = False
) -> Result:
    return xmppctl(
        *(*more, "-v", "account", "test", "--json"),
        jid=who.jid,
        password=who.password,
        ca_file=who.server.ca_file if trusting else None,
        env={"XMPPCTL_NAMESERVER": dns.nameserver},
    )


@pytest.mark.parametrize("kind", ["direct", "starttls"])
def test_nobody_else_has_to_be_trusted(
    xmppctl: Xmppctl, server: Server, alice: Account, kind: str
) -> None:
    good = server.certificate
    for record in (tlsa("3 0 1", good), tlsa("2 0 1", good, 1)):
        with name_server(server, record) as dns:
            run = login(xmppctl, dns, alice, "--tls", kind).expect(0)
        assert f"TLSA record DANE-{'EE 3' if record.startswith('3') else 'TA 2'} 0 1" in run.err


def test_the_dns_is_asked_each_time(
    xmppctl: Xmppctl, authority: Authority, server: Server, alice: Account
) -> None:
    """A connection that is begun before the DNS is asked would take any trusted certificate."""
    with name_server(server, tlsa("3 0 1", server.certificate)) as dns:
        login(xmppctl, dns, alice, trusting=True).expect(0)
        dns.zone = zone_of(server, tlsa("3 0 1", authority.issue("x.test")))
        failure(login(xmppctl, dns, alice, trusting=True), Exit.TLS, "tls", "dane-mismatch")


def test_a_certificate_that_the_dns_does_not_know(
    xmppctl: Xmppctl, authority: Authority, server: Server, alice: Account
) -> None:
    other = authority.issue(server.domain)
    for record in (tlsa("3 0 1", other), tlsa("1 0 1", other)):
        with name_server(server, record) as dns:
            run = login(xmppctl, dns, alice, trusting=True)
        error = failure(run, Exit.TLS, "tls", "dane-mismatch")
        assert HOST in error["text"]


def test_usual_authorities_and_the_dns(xmppctl: Xmppctl, server: Server, alice: Account) -> None:
    with name_server(server, tlsa("1 0 1", server.certificate)) as dns:
        assert "PKIX-EE" in login(xmppctl, dns, alice, trusting=True).expect(0).err
        failure(login(xmppctl, dns, alice), Exit.TLS, "tls", "certificate-not-trusted")


def test_without_dnssec_records_prove_nothing(
    xmppctl: Xmppctl, authority: Authority, server: Server, alice: Account
) -> None:
    with name_server(server, tlsa("3 0 1", server.certificate), signed=False) as dns:
        failure(login(xmppctl, dns, alice), Exit.TLS, "tls", "certificate-not-trusted")
    with name_server(server, tlsa("3 0 1", authority.issue("x.test")), signed=False) as dns:
        login(xmppctl, dns, alice, trusting=True).expect(0)


def test_a_pin_stands_above_the_dns(
    xmppctl: Xmppctl, authority: Authority, server: Server, alice: Account
) -> None:
    with name_server(server, tlsa("3 0 1", authority.issue("x.test"))) as dns:
        login(xmppctl, dns, alice, "--pin", f"sha256:{server.certificate.pin}").expect(0)
        assert not any(kind == "TLSA" for _, kind, _ in dns.queries)


def test_a_server_without_records_is_gone_to_at_once_the_next_time(
    xmppctl: Xmppctl, server: Server, alice: Account
) -> None:
    """A resolver that is trusted is common; what it costs is one question in an hour."""
    with name_server(server) as dns:
        login(xmppctl, dns, alice, trusting=True).expect(0)
        assert any(kind == "TLSA" for _, kind, _ in dns.queries)
        dns.queries.clear()
        login(xmppctl, dns, alice, trusting=True).expect(0)
        assert dns.queries == []
