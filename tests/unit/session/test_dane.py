"""DANE against a name server and TLS servers on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.servers.ca import Authority, Certificate
from tests.servers.dns import Fault, NameServer, Zone
from xmppctl.errors import ConnectError, Exit, TlsError
from xmppctl.model.account import Account
from xmppctl.model.jid import parse
from xmppctl.session import dane, dnsclient, resolve, tls
from xmppctl.session.dane import Record
from xmppctl.session.resolve import Target

DOMAIN, HOST = "example.org", "xmpp.hosting.example"
SRV = "_xmpps-client._tcp.example.org"
TLSA = f"_5223._tcp.{HOST}"
KEY = "3 1 1 " + "ab" * 32
BOTH = frozenset({DOMAIN, "hosting.example"})


def zone(records: Sequence[str] | Fault = (KEY,), **more: Any) -> Zone:
    return {
        SRV: {"SRV": [f"0 0 5223 {HOST}."]},
        HOST: {"A": ["127.0.0.1"]},
        TLSA: records if isinstance(records, Fault) else {"TLSA": list(records)},
        **more,
    }


def account(server: NameServer | None = None, **more: Any) -> Account:
    nameserver = ("127.0.0.1", server.port) if server is not None else None
    return Account(parse(f"user@{DOMAIN}"), tls="direct", nameserver=nameserver, **more)


def found(server: NameServer, who: Account | None = None) -> tuple[Record, ...]:
    """The records of the first target that the discovery finds."""
    who = who or account(server)

    async def run() -> tuple[Record, ...]:
        targets = await resolve.targets(who, timeout=5)
        return await dane.lookup(targets[0], who, timeout=0.5)

    return asyncio.run(run())


def asked(server: NameServer) -> bool:
    return any(kind == "TLSA" for _, kind, _ in server.queries)


# --- whether records count ------------------------------------------------------------------------


def test_records_of_a_secure_server() -> None:
    with NameServer(zone([KEY, "2 0 2 " + "cd" * 64]), signed=BOTH) as server:
        records = found(server)
    assert set(records) == {Record(3, 1, 1, b"\xab" * 32), Record(2, 0, 2, b"\xcd" * 64)}


@pytest.mark.parametrize(
    ("signed", "expected"),
    [
        ((), False),
        (("hosting.example",), False),  # RFC 7673 §3.3: the SRV record itself may be forged
        ((DOMAIN,), True),  # asked, and not believed
    ],
)
def test_records_that_anybody_could_have_made(signed: tuple[str, ...], expected: bool) -> None:
    with NameServer(zone(), signed=frozenset(signed)) as server:
        assert found(server) == ()
        assert asked(server) is expected


def test_the_domain_itself_needs_no_secure_srv() -> None:
    records = {DOMAIN: {"A": ["127.0.0.1"]}, f"_5223._tcp.{DOMAIN}": {"TLSA": [KEY]}}
    with NameServer(records, signed=BOTH) as server:
        assert found(server) == (Record(3, 1, 1, b"\xab" * 32),)


def test_who_decides_otherwise_asks_nothing() -> None:
    with NameServer(zone(), signed=BOTH) as server:
        assert found(server, account(server, pins=(bytes(32),))) == ()
        assert found(server, account(server, connect=(HOST, 5223))) == ()
        assert found(server, account(server, connect=("127.0.0.1", 5223))) == ()
        assert not asked(server)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nameserver 127.0.0.1\n", True),
        ("nameserver ::1\nnameserver 127.0.0.53\n", True),
        ("", True),  # resolv.conf(5): the machine itself
        ("nameserver 192.0.2.1\n", False),
        ("nameserver 127.0.0.1\nnameserver 192.0.2.1\n", False),
        ("nameserver 192.0.2.1\noptions edns0 trust-ad\n", True),
        ("nameserver 192.0.2.1\n# options trust-ad\noptions edns0\n", False),
    ],
)
def test_whose_word_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, expected: bool
) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text(text)
    monkeypatch.setattr(dnsclient, "RESOLV_CONF", path)
    assert bool(dane.usable(account())) is expected
    assert not dane.usable(account(pins=(bytes(32),)))
    # a server that the user names is none of resolv.conf's
    assert not dnsclient.trusted([("192.0.2.9", 53)])
    assert dnsclient.trusted([("127.0.0.9", 5353)])
    assert not dnsclient.trusted([("ns.example", 53)])


def test_an_authentic_answer_of_a_stranger_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dnsclient, "trusted", lambda _: False)
    with NameServer(zone(), signed=BOTH) as server:
        answer = asyncio.run(
            dnsclient.ask(SRV, dnsclient.SRV, [("127.0.0.1", server.port)], timeout=5)
        )
    assert answer.records
    assert not answer.secure


@pytest.mark.parametrize("fault", [Fault.SERVFAIL, Fault.REFUSED])
def test_records_that_are_kept_back(fault: Fault) -> None:
    with NameServer(zone(fault), signed=BOTH) as server, pytest.raises(ConnectError) as caught:
        found(server)
    assert (caught.value.step, caught.value.condition) == ("dns", "servfail")
    # in a zone that is not signed there is nothing to keep back (RFC 7672 §2.2.2)
    with NameServer(zone(fault), signed=frozenset({DOMAIN})) as server:
        assert found(server) == ()


def test_no_records_at_all() -> None:
    for absent in ({TLSA: Fault.NXDOMAIN}, {TLSA: {}}):
        with NameServer(zone(**absent), signed=BOTH) as server:
            assert found(server) == ()


@pytest.mark.parametrize("record", ["4 1 1 " + "ab" * 32, "3 2 1 " + "ab" * 32, "3 1 3 ab"])
def test_records_of_unknown_kinds_do_not_count(record: str) -> None:
    with NameServer(zone([record, KEY]), signed=BOTH) as server:
        assert found(server) == (Record(3, 1, 1, b"\xab" * 32),)
    with NameServer(zone([record]), signed=BOTH) as server:
        assert found(server) == ()


class Careless(NameServer):
    """Tells a digest that is cut short, which dnspython would not write."""

    def _answer(self, data: bytes, transport: str) -> bytes | None:
        answer = super()._answer(data, transport)
        return answer and answer.replace(b"\x03\x01\x03\xab\xcd", b"\x03\x01\x01\xab\xcd")


def test_a_record_that_breaks_the_rules_does_not_spoil_the_others() -> None:
    with Careless(zone(["3 1 3 abcd", KEY]), signed=BOTH) as server:
        assert found(server) == (Record(3, 1, 1, b"\xab" * 32),)
    with Careless(zone(["3 1 3 abcd"]), signed=BOTH) as server:
        assert found(server) == ()


def test_records_that_stand_alone_come_first() -> None:
    with NameServer(zone(["1 1 1 " + "cd" * 32, KEY]), signed=BOTH) as server:
        records = found(server)
    assert records == (Record(3, 1, 1, b"\xab" * 32),)
    assert dane.replaces_authorities(records)
    assert not dane.replaces_authorities([Record(1, 1, 1, b""), Record(0, 1, 1, b"")])


def test_lookups_of_all_targets_at_once() -> None:
    other = "_5224._tcp.other.hosting.example"
    records = zone(
        **{
            SRV: {"SRV": [f"0 0 5223 {HOST}.", "1 0 5224 other.hosting.example."]},
            other: Fault.SERVFAIL,
            "other.hosting.example": {"A": ["127.0.0.1"]},
        }
    )
    with NameServer(records, signed=BOTH) as server:
        who = account(server)

        async def run() -> tuple[Record, ...]:
            first, second = await resolve.targets(who, timeout=5)
            lookups = dane.Lookups([first, second], who, timeout=5)
            found = await lookups.of(first)
            assert await lookups.of(replace(first, host="elsewhere.example")) == ()
            assert await lookups.of(replace(first, secure=False)) == ()
            with pytest.raises(ConnectError):
                await lookups.of(second)
            lookups.close()
            idle = dane.Lookups([first], account(server, pins=(bytes(32),)), timeout=5)
            assert await idle.of(first) == ()
            return found

        assert asyncio.run(run()) == (Record(3, 1, 1, b"\xab" * 32),)


# --- which certificates fit -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def ders(certificate: Certificate) -> list[bytes]:
    loaded = x509.load_pem_x509_certificates(certificate.chain.read_bytes())
    return [each.public_bytes(Encoding.DER) for each in loaded]


def record(usage: int, selector: int, matching: int, der: bytes) -> Record:
    data = der
    if selector == 1:
        key = x509.load_der_x509_certificate(der).public_key()
        data = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if matching:
        data = hashlib.new({1: "sha256", 2: "sha512"}[matching], data).digest()
    return Record(usage, selector, matching, data)


def handshake(
    certificate: Certificate, records: Sequence[Record], *trusted: Path, domain: str = DOMAIN
) -> Record:
    """A connection as the session makes one: the record that its certificate fits."""
    who = Account(parse(f"user@{domain}"), ca_file=trusted[0] if trusted else None)
    by_dane = dane.replaces_authorities(records)

    async def run() -> list[bytes]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)
        listener = await asyncio.start_server(
            lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=certificate.server_context()
        )
        async with listener:
            transport, _ = await loop.create_connection(
                asyncio.Protocol,
                *listener.sockets[0].getsockname()[:2],
                ssl=tls.client_context(who, by_dane=by_dane),
                server_hostname=domain,
            )
            chain = tls.peer_chain(transport.get_extra_info("ssl_object"), verified=not by_dane)
            transport.abort()
        return chain

    target = Target(HOST, 5223, True, "srv", secure=True)
    return dane.check(records, asyncio.run(run()), target, who)


def refused(*args: Any, **more: Any) -> TlsError:
    with pytest.raises(TlsError) as caught:
        handshake(*args, **more)
    assert (caught.value.step, caught.value.condition) == ("tls", "dane-mismatch")
    assert caught.value.exit == Exit.TLS
    assert HOST in caught.value.text
    return caught.value


KINDS = [(selector, matching) for selector in (0, 1) for matching in (0, 1, 2)]


@pytest.mark.parametrize(("selector", "matching"), KINDS)
def test_the_certificate_itself(authority: Authority, selector: int, matching: int) -> None:
    """DANE-EE: whoever signed it, whatever its name, and however old it is."""
    for made in (authority.self_signed(DOMAIN), authority.expired("elsewhere.example")):
        fitting = record(3, selector, matching, ders(made)[0])
        other = record(3, selector, matching, ders(authority.issue(DOMAIN))[0])
        assert handshake(made, [other, fitting]) == fitting
        error = refused(made, [other])
        assert f"DANE-EE 3 {selector} {matching}" in error.text


def test_a_trusted_certificate_that_the_dns_does_not_know(authority: Authority) -> None:
    good = authority.issue(DOMAIN)
    other = record(3, 1, 1, ders(authority.issue(DOMAIN))[0])
    error = refused(good, [other], authority.ca_file)
    assert "--pin" in (error.hint or "")


@pytest.mark.parametrize(("selector", "matching"), KINDS)
def test_an_authority_of_the_servers_own(
    authority: Authority, selector: int, matching: int
) -> None:
    """DANE-TA: a chain to it, for the domain or for the host, and valid today."""
    root = ders(authority.issue(DOMAIN))[1]
    anchor = record(2, selector, matching, root)
    for name in (DOMAIN, HOST):
        assert handshake(authority.issue(name), [anchor]) == anchor
    refused(authority.issue("elsewhere.example"), [anchor])
    refused(authority.expired(DOMAIN), [anchor])
    refused(authority.self_signed(DOMAIN), [anchor])
    refused(authority.untrusted(DOMAIN), [anchor])


def test_an_authority_that_did_not_sign(authority: Authority, tmp_path: Path) -> None:
    """What the server sends behind its certificate proves nothing."""
    stranger = Authority(tmp_path, "stranger").issue(DOMAIN)
    stranger.chain.write_bytes(stranger.chain.read_bytes() + authority.ca_file.read_bytes())
    root = ders(authority.issue(DOMAIN))[1]
    refused(stranger, [record(2, 0, 1, root)])
    # nor does the certificate stand for its own authority
    made = authority.self_signed(DOMAIN)
    refused(made, [record(2, 0, 1, ders(made)[0])])


def test_authority_in_the_record_alone(authority: Authority) -> None:
    good = authority.issue(DOMAIN)
    leaf, root = ders(good)
    good.chain.write_text(ssl.DER_cert_to_PEM_cert(leaf))
    assert handshake(good, [record(2, 0, 0, root)])
    refused(good, [record(2, 0, 1, root)])


def test_with_the_usual_authorities(authority: Authority) -> None:
    """PKIX-EE and PKIX-TA: the certificate is verified as ever, and fits as well."""
    good = authority.issue(DOMAIN)
    leaf, root = ders(good)
    for fitting in (record(1, 1, 1, leaf), record(0, 1, 1, root), record(0, 0, 0, root)):
        assert handshake(good, [fitting], authority.ca_file) == fitting
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(good, [fitting])
    other = ders(authority.issue(DOMAIN))[0]
    refused(good, [record(1, 1, 1, other)], authority.ca_file)
    refused(good, [record(0, 1, 1, leaf)], authority.ca_file)


def test_authority_that_was_only_sent(authority: Authority, tmp_path: Path) -> None:
    """PKIX-TA: a certificate that the server adds to its chain is none of the verified chain."""
    good = authority.issue(DOMAIN)
    stranger = Authority(tmp_path, "stranger")
    good.chain.write_bytes(good.chain.read_bytes() + stranger.ca_file.read_bytes())
    added = ders(good)[2]
    refused(good, [record(0, 0, 1, added)], authority.ca_file)


@pytest.mark.parametrize("der", [b"", b"0\x03abc", b"\xff" * 40])
def test_certificates_that_are_none(der: bytes) -> None:
    target = Target(HOST, 5223, True, "srv", secure=True)
    for usage in range(4):
        for selector in (0, 1):
            with contextlib.suppress(TlsError):
                dane.check([Record(usage, selector, 1, bytes(32))], [der, der], target, account())
                raise AssertionError
    with pytest.raises(TlsError):
        dane.check([Record(3, 1, 1, bytes(32))], [], target, account())
