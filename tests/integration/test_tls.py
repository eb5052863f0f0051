"""Whom xmppctl trusts, and whom it does not: certificates, pins, STARTTLS under attack."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.integration.failing import (
    JID,
    PASSWORD,
    STARTTLS,
    answer_ping,
    failure,
)
from tests.peers.process import Result, Xmppctl
from tests.peers.stream import TLS
from tests.servers.base import Account, Server
from tests.servers.ca import Authority, Certificate
from tests.servers.fake import FakeConnection, FakeServer
from tests.servers.faults import FaultProxy, strip_starttls
from xmppctl.errors import Exit

pytestmark = [pytest.mark.own_connection, pytest.mark.in_turn]

KINDS = ("starttls", "direct")


def not_yet_valid(authority: Authority, domain: str) -> Certificate:
    """A certificate of the authority that begins tomorrow."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(authority._name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .sign(authority._key, hashes.SHA256())
    )
    chain = certificate.public_bytes(serialization.Encoding.PEM) + authority.ca_file.read_bytes()
    return authority._write("not-yet-valid", chain, key)


CERTIFICATES: dict[str, Callable[[Authority, str], Certificate]] = {
    "certificate-expired": Authority.expired,
    "certificate-not-yet-valid": not_yet_valid,
    "wrong-host-name": Authority.wrong_name,
    "self-signed": Authority.self_signed,
    "certificate-not-trusted": Authority.untrusted,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("condition", CERTIFICATES)
def test_bad_certificates(
    xmppctl: Xmppctl, authority: Authority, condition: str, kind: str
) -> None:
    certificate = CERTIFICATES[condition](authority, "fake.test")
    with FakeServer("fake.test", certificate, answer_ping, tls=kind) as fake:  # type: ignore[arg-type]
        run = xmppctl(
            "ping",
            "--json",
            jid=JID,
            password=PASSWORD,
            connect=fake.address,
            ca_file=authority.ca_file,
        )
        assert not [each for each in fake.received if "auth" in each.tag]
    error = failure(run, Exit.TLS, "tls", condition)
    assert "fake.test" in error["text"]
    assert error["hint"]


def connect(server: Server, kind: str) -> tuple[str, int]:
    return server.starttls if kind == "starttls" else server.direct_tls


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_authority(xmppctl: Xmppctl, server: Server, alice: Account, kind: str) -> None:
    run = xmppctl("ping", "--json", jid=alice.jid, password="x", connect=connect(server, kind))
    error = failure(run, Exit.TLS, "tls", "certificate-not-trusted")
    assert "--ca-file" in error["hint"]
    assert server.certificate.pin in error["hint"]


def test_wrong_host_name_of_a_real_server(xmppctl: Xmppctl, server: Server) -> None:
    run = xmppctl(
        *("--tls", "direct", "ping", "--json"),
        jid="alice@elsewhere.example",
        password=PASSWORD,
        connect=server.direct_tls,
        ca_file=server.ca_file,
    )
    assert run.error()["step"] == "tls"
    failure(run, Exit.TLS, "tls")


# --- pins ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_pins_on_real_servers(
    xmppctl: Xmppctl, server: Server, alice: Account, authority: Authority, kind: str
) -> None:
    right, wrong = f"sha256:{server.certificate.pin}", "sha256:" + "0" * 64
    other = Authority(authority.directory / f"pins-{server.name}-{kind}", "a third CA").ca_file

    def run(pin: str, ca_file: Path | None) -> Result:
        return xmppctl(
            *("--pin", pin, "ping", "--json", "-v"),
            jid=alice.jid,
            password=alice.password,
            connect=connect(server, kind),
            ca_file=ca_file,
        )

    pinned = run(right, None).expect(0)
    assert "matches --pin" in pinned.err
    run(right, server.ca_file).expect(0)
    error = failure(run(wrong, None), Exit.TLS, "tls", "pin-mismatch")
    assert server.certificate.pin in error["text"]
    failure(run(wrong, server.ca_file), Exit.TLS, "tls", "pin-mismatch")
    failure(run(right, other), Exit.TLS, "tls", "certificate-not-trusted")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_sent_to_a_key_that_is_not_pinned(
    xmppctl: Xmppctl, authority: Authority, kind: str
) -> None:
    seen: list[bytes] = []

    async def script(conn: FakeConnection) -> None:
        if kind == "starttls":
            await conn.starttls()
        while data := await conn._reader.read(65536):
            seen.append(data)

    with FakeServer("fake.test", authority.issue("fake.test"), script, tls=kind) as fake:  # type: ignore[arg-type]
        run = xmppctl(
            *("--tls", kind, "--pin", "sha256:" + "1" * 64, "ping", "--json"),
            jid=JID,
            password=PASSWORD,
            connect=fake.address,
        )
    failure(run, Exit.TLS, "tls", "pin-mismatch")
    assert seen == []


# --- STARTTLS under attack ----------------------------------------------------------------------


def test_a_stripped_offer_is_refused(xmppctl: Xmppctl, server: Server) -> None:
    """Also where the server would take the password in clear."""
    account = server.account("alice", server.hosts["optional_tls"])
    with FaultProxy(server.optional_tls, down=strip_starttls()) as proxy:
        run = xmppctl("ping", "--json", account=account, connect=proxy.address)
        sent = b"".join(bytes(each.up) for each in proxy.connections)
    failure(run, Exit.TLS, "starttls", "starttls-not-offered")
    assert b"<auth" not in sent
    assert b"<auth" not in sent and b"mechanism" not in sent
    assert b"<?xml" in sent


@pytest.mark.parametrize("injected", ["<iq type='set' id='x'/>", "<message><body>partial"])
def test_data_behind_proceed(xmppctl: Xmppctl, authority: Authority, injected: str) -> None:
    """What was put behind <proceed/> in clear never becomes a part of the protected stream."""

    async def script(conn: FakeConnection) -> None:
        await conn.stream_features(STARTTLS)
        await conn.expect(f"{{{TLS}}}starttls")
        conn.send(f"<proceed xmlns='{TLS}'/>{injected}")
        await conn.handshake()
        await conn.authenticate()
        await conn.bind()
        conn.result(await conn.request("{urn:xmpp:ping}ping"))
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = xmppctl(
            *("ping", "--json", "--debug-xml"),
            jid=JID,
            password=PASSWORD,
            connect=fake.address,
            ca_file=authority.ca_file,
        )
    if injected.endswith("/>"):
        failure(run, Exit.TLS, "tls", "unexpected-data")
    else:  # no element came to its end: it is forgotten with the clear stream
        run.expect(0)
        assert "partial" not in run.err


def test_data_in_clear_instead_of_a_handshake(xmppctl: Xmppctl, authority: Authority) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.stream_features(STARTTLS)
        await conn.expect(f"{{{TLS}}}starttls")
        conn.send(f"<proceed xmlns='{TLS}'/>")
        await conn._reader.read(1)  # the client's hello
        conn.send("<stream:features/>")
        await conn._reader.read()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = xmppctl(
            *("ping", "--json"),
            jid=JID,
            password=PASSWORD,
            connect=fake.address,
            ca_file=authority.ca_file,
        )
    failure(run, Exit.TLS, "tls", "not-tls")


def test_starttls_refused(xmppctl: Xmppctl, authority: Authority) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.starttls(proceed=False)
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = xmppctl(
            *("ping", "--json"),
            jid=JID,
            password=PASSWORD,
            connect=fake.address,
            ca_file=authority.ca_file,
        )
    failure(run, Exit.TLS, "starttls", "starttls-failure")


@contextmanager
def wants_client_certificates(
    certificate: Certificate, version: ssl.TLSVersion
) -> Iterator[tuple[str, int]]:
    """A direct TLS port that refuses clients without a certificate, alert and all.

    Blocking sockets: asyncio drops the connection without the alert.
    """
    context = certificate.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate.chain)
    context.maximum_version = version

    def serve() -> None:
        connection, _ = listener.accept()
        tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with tls:
            tls.settimeout(5)
            with suppress(OSError):
                tls.do_handshake()
            with suppress(OSError):
                tls.shutdown(socket.SHUT_WR)
            with suppress(OSError):
                while tls.recv(4096):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()
        thread.join(10)


@pytest.mark.parametrize(
    ("version", "condition"),
    [
        (ssl.TLSVersion.TLSv1_3, "client-certificate-refused"),
        (ssl.TLSVersion.TLSv1_2, "handshake-failure"),  # its alert does not say more
    ],
)
def test_a_client_certificate_is_missing(
    xmppctl: Xmppctl, authority: Authority, version: ssl.TLSVersion, condition: str
) -> None:
    """Under TLS 1.3 the refusal comes when the client thinks that the handshake is over."""
    with wants_client_certificates(authority.issue("fake.test"), version) as address:
        run = xmppctl(
            *("--tls", "direct", "ping", "--json"),
            jid=JID,
            password=PASSWORD,
            connect=address,
            ca_file=authority.ca_file,
        )
    error = failure(run, Exit.TLS, "tls", condition)
    if condition == "client-certificate-refused":
        assert "--cert" in error["hint"]


# --- kinds of TLS -------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", ["auto", "direct", "starttls"])
@pytest.mark.parametrize("port", KINDS)
def test_kinds_of_tls_on_one_port(
    xmppctl: Xmppctl, server: Server, alice: Account, tls: str, port: str
) -> None:
    run = xmppctl(
        *("--tls", tls, "--connect-timeout", "5", "ping", "--json"),
        account=alice,
        connect=connect(server, port),
    )
    if tls in ("auto", port):
        assert run.expect(0).json()[0]["ok"]
        return
    code = Exit.CONNECT if run.code == Exit.CONNECT else Exit.TLS
    error = failure(run, code)
    assert port in f"{error['hint']} {error['text']}" or tls == "starttls"
    assert run.seconds < 4


def test_both_kinds_give_the_same_output(xmppctl: Xmppctl, server: Server, alice: Account) -> None:
    outputs = [
        xmppctl("disco", "info", "--json", account=alice, connect=connect(server, kind))
        .expect(0)
        .json()
        for kind in KINDS
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0]["identities"]
