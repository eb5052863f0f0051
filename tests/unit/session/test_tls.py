"""Trust, pins and the words for failed handshakes, over real TLS on loopback sockets."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from tests.servers.ca import Authority, Certificate
from xmppctl.errors import ConnectError, DeadlineError, LocalError, TlsError, UsageError
from xmppctl.model.account import Account
from xmppctl.model.jid import parse
from xmppctl.session import certificate, tls

DOMAIN = "example.org"
HOST = "xmpp.example.org:5223"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def good(authority: Authority) -> Certificate:
    return authority.issue(DOMAIN)


def account(domain: str = DOMAIN, **more: Any) -> Account:
    return Account(jid=parse(f"user@{domain}"), **more)


def der(certificate: Certificate) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.chain.read_text().partition("-----END")[0] + _END)


_END = "-----END CERTIFICATE-----\n"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _wait_for_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.read()
    except (OSError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


async def _handshake(
    client: ssl.SSLContext,
    server: ssl.SSLContext | None,
    handler: Handler = _wait_for_end,
    timeout: float = 10,
) -> ssl.SSLObject:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)  # the server's side of a refused handshake
    async with await asyncio.start_server(handler, "127.0.0.1", 0, ssl=server) as listener:
        transport, _ = await loop.create_connection(
            asyncio.Protocol,
            *listener.sockets[0].getsockname()[:2],
            ssl=client,
            server_hostname=DOMAIN,
            ssl_handshake_timeout=timeout,
        )
        found = transport.get_extra_info("ssl_object")
        transport.abort()
    assert isinstance(found, ssl.SSLObject)
    return found


def connect(who: Account, server: Certificate | ssl.SSLContext, **more: Any) -> ssl.SSLObject:
    """One handshake; a failure comes out as the caller of ``tls_error`` would raise it."""
    context = server.server_context() if isinstance(server, Certificate) else server
    try:
        return asyncio.run(_handshake(tls.client_context(who, **more), context))
    except OSError as error:
        raise tls.tls_error(error, HOST, DOMAIN) from error


def test_ca_file_is_trusted(authority: Authority, good: Certificate) -> None:
    server = good.server_context()
    server.set_alpn_protocols(["xmpp-client"])
    channel = tls.describe(connect(account(ca_file=authority.ca_file), server, alpn=tls.ALPN))
    assert channel.version == "TLSv1.3"
    assert channel.cipher
    assert channel.alpn == "xmpp-client"
    assert channel.certificate.subject == f"CN={DOMAIN}"
    assert channel.certificate.issuer == "CN=xmppctl test CA"
    assert channel.certificate.names[0] == DOMAIN
    assert "127.0.0.1" in channel.certificate.names
    assert channel.certificate.spki_sha256 == good.pin
    assert channel.certificate.not_after is not None


def test_verification_and_version_are_never_off(authority: Authority) -> None:
    for who in (account(), account(ca_file=authority.ca_file)):
        context = tls.client_context(who)
        assert context.check_hostname
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    pinned = account(ca_file=authority.ca_file, pins=(b"x" * 32,))
    assert tls.client_context(pinned).check_hostname
    assert tls.client_context(pinned).verify_mode == ssl.CERT_REQUIRED


def test_without_the_ca_file_nothing_is_trusted(good: Certificate) -> None:
    with pytest.raises(TlsError) as caught:
        connect(account(), good)
    error = caught.value
    assert (error.step, error.condition, error.by) == ("tls", "certificate-not-trusted", HOST)
    assert DOMAIN in error.text
    assert "CN=xmppctl test CA" in error.text
    assert "--ca-file" in (error.hint or "")
    assert f"--pin sha256:{good.pin}" in (error.hint or "")


@pytest.mark.parametrize(
    ("kind", "condition", "words"),
    [
        ("expired", "certificate-expired", "has expired"),
        ("wrong_name", "wrong-host-name", "elsewhere.invalid"),
        ("self_signed", "self-signed", "self-signed"),
        ("untrusted", "certificate-not-trusted", "another test CA"),
    ],
)
def test_bad_certificates(authority: Authority, kind: str, condition: str, words: str) -> None:
    bad = getattr(authority, kind)(DOMAIN)
    with pytest.raises(TlsError) as caught:
        connect(account(ca_file=authority.ca_file), bad)
    assert caught.value.condition == condition
    assert words in caught.value.text
    assert DOMAIN in caught.value.text
    assert caught.value.hint


def test_server_certificate_itself_as_ca_file(authority: Authority, tmp_path: Path) -> None:
    leaf = tmp_path / "leaf.pem"
    shown = authority.issue(DOMAIN)
    leaf.write_bytes(ssl.DER_cert_to_PEM_cert(der(shown)).encode())
    connect(account(ca_file=leaf), shown)
    binary = tmp_path / "leaf.der"
    binary.write_bytes(der(shown))
    connect(account(ca_file=binary), shown)


def test_matching_pin_stands_for_chain_and_name(authority: Authority) -> None:
    shown = authority.self_signed("elsewhere.example")
    who = account(pins=(b"\0" * 32, bytes.fromhex(shown.pin)))
    seen = connect(who, shown).getpeercert(True)
    tls.check_pins(seen, who)


def test_pin_mismatch_tells_what_was_seen(good: Certificate) -> None:
    who = account(pins=(b"\0" * 32,))
    for shown, words in ((connect(who, good).getpeercert(True), good.pin), (None, "no readable")):
        with pytest.raises(TlsError) as caught:
            tls.check_pins(shown, who)
        assert caught.value.condition == "pin-mismatch"
        assert words in caught.value.text


def test_pin_does_not_excuse_where_a_ca_file_is_given(authority: Authority) -> None:
    shown = authority.self_signed(DOMAIN)
    who = account(pins=(bytes.fromhex(shown.pin),), ca_file=authority.ca_file)
    with pytest.raises(TlsError) as caught:
        connect(who, shown)
    assert caught.value.condition == "self-signed"


def test_no_pins_nothing_to_compare() -> None:
    tls.check_pins(None, account())


def test_spki_is_what_cryptography_says(authority: Authority) -> None:
    for made in (authority.issue("a.example"), authority.self_signed("b.example")):
        digest = tls.spki_sha256(der(made))
        assert digest is not None
        assert digest.hex() == made.pin


@pytest.mark.parametrize("data", [b"", b"0", b"0\x03abc", b"0\x84\xff\xff\xff\xff", b"\xff" * 40])
def test_garbage_has_no_key(data: bytes) -> None:
    assert tls.spki_sha256(data) is None


def test_bindings(authority: Authority, good: Certificate) -> None:
    who = account(ca_file=authority.ca_file)
    modern = tls.channel_bindings(connect(who, good))
    assert list(modern) == ["tls-exporter", "tls-server-end-point"]
    assert modern["tls-server-end-point"]() == hashlib.sha256(der(good)).digest()
    old = good.server_context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    bindings = tls.channel_bindings(connect(who, old))
    assert list(bindings) == ["tls-unique", "tls-server-end-point"]
    assert len(bindings["tls-unique"]()) == 12


async def _close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"<?xml version='1.0'?><stream:stream>")
    await _wait_for_end(reader, writer)


@pytest.mark.parametrize(
    ("handler", "kind", "condition"),
    [
        (_close, ConnectError, "connection-closed"),
        (_plain, TlsError, "not-tls"),
        (_wait_for_end, DeadlineError, "timeout"),
    ],
)
def test_peers_that_speak_no_tls(handler: Handler, kind: type, condition: str) -> None:
    timeout = 0.05 if kind is DeadlineError else 10
    with pytest.raises(OSError) as caught:
        asyncio.run(_handshake(tls.client_context(account()), None, handler, timeout))
    error = tls.tls_error(caught.value, HOST, DOMAIN)
    assert type(error) is kind
    assert (error.step, error.condition) == ("tls", condition)
    assert "--tls" in (error.hint or "")


def in_memory(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    """A handshake without a network: asyncio's server drops the alert that the client is to see."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(down, up, server_hostname=DOMAIN),
        server.wrap_bio(up, down, server_side=True),
    ]
    for turn in range(8):
        try:
            ends[turn % 2].do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError:
            if turn % 2 == 0:
                raise


def test_handshake_failures(authority: Authority, good: Certificate) -> None:
    wants_client, only_rsa, old = (good.server_context() for _ in range(3))
    wants_client.verify_mode = ssl.CERT_REQUIRED
    wants_client.maximum_version = ssl.TLSVersion.TLSv1_2  # 1.3 tells only after the handshake
    only_rsa.maximum_version = ssl.TLSVersion.TLSv1_2
    only_rsa.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    client = tls.client_context(account(ca_file=authority.ca_file))
    for server, condition in (
        (wants_client, "handshake-failure"),
        (only_rsa, "handshake-failure"),
        (old, "tls-version"),
    ):
        with pytest.raises(ssl.SSLError) as caught:
            in_memory(client, server)
        error = tls.tls_error(caught.value, HOST, DOMAIN)
        assert isinstance(error, TlsError)
        assert error.condition == condition


def test_certificate_with_a_forbidden_serial_number(good: Certificate) -> None:
    data = bytearray(der(good))
    serial = (
        data.index(b"\x02\x14") + 2 if b"\x02\x14" in data[:24] else data.index(b"\x02\x13") + 2
    )
    data[serial] |= 0x80  # negative: cryptography warns, which must not reach anybody's stderr
    assert certificate.read(bytes(data)).names[0] == DOMAIN


def test_facts_of_garbage() -> None:
    assert certificate.read(b"garbage") == certificate.Certificate()


@pytest.mark.parametrize(
    ("reason", "condition"),
    [
        ("TLSV1_ALERT_PROTOCOL_VERSION", "tls-version"),
        ("UNSUPPORTED_PROTOCOL", "tls-version"),
        ("WRONG_VERSION_NUMBER", "not-tls"),
        ("DH_KEY_TOO_SMALL", "weak-key"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "client-certificate-refused"),
        ("TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "no-application-protocol"),
        ("SOMETHING_NEW", "handshake-failure"),
    ],
)
def test_reasons_of_openssl(reason: str, condition: str) -> None:
    failure = ssl.SSLError(1, f"[SSL: {reason}] told by OpenSSL")
    failure.reason = reason
    error = tls.tls_error(failure, HOST, DOMAIN)
    assert isinstance(error, TlsError)
    assert error.condition == condition
    assert DOMAIN in error.text


def test_lost_connections_and_errors_of_ours() -> None:
    for lost in (ConnectionResetError(104, "reset"), ssl.SSLEOFError(8, "EOF"), EOFError()):
        error = tls.tls_error(lost, HOST, DOMAIN)
        assert isinstance(error, ConnectError)
        assert error.condition == "connection-closed"
    assert isinstance(tls.tls_error(TimeoutError(), HOST, DOMAIN), DeadlineError)
    assert tls.tls_error(error, HOST, DOMAIN) is error


def test_ca_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(LocalError) as caught:
        tls.client_context(account(ca_file=tmp_path / "missing.pem"))
    assert caught.value.condition == "not-found"
    with pytest.raises(LocalError):
        tls.client_context(account(ca_file=tmp_path))
    for content in (b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nxx\n" + _END.encode()):
        path = tmp_path / "bad.pem"
        path.write_bytes(content)
        with pytest.raises(UsageError) as usage:
            tls.client_context(account(ca_file=path))
        assert str(path) in usage.value.text


def test_client_certificate(authority: Authority, good: Certificate) -> None:
    mine = authority.issue("user.example")
    server = good.server_context()
    server.verify_mode = ssl.CERT_REQUIRED
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    server.load_verify_locations(authority.ca_file)
    connect(account(ca_file=authority.ca_file, cert=mine.chain, key=mine.key), server)
    connect(account(ca_file=authority.ca_file, cert=mine.bundle), server)


def test_client_certificate_that_is_none(
    authority: Authority, good: Certificate, tmp_path: Path
) -> None:
    other = authority.issue("other.example")
    private = serialization.load_pem_private_key(good.key.read_bytes(), None)
    encrypted = tmp_path / "encrypted.key"
    encrypted.touch(mode=0o600)
    encrypted.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"passphrase"),
        )
    )
    for cert, key, words in (
        (good.chain, other.key, "does not belong"),
        (good.key, good.key, "not a certificate"),
        (good.chain, encrypted, "is encrypted"),
    ):
        with pytest.raises(UsageError) as usage:
            tls.client_context(account(cert=cert, key=key))
        assert words in usage.value.text
    with pytest.raises(LocalError):
        tls.client_context(account(cert=good.chain, key=tmp_path / "missing"))
    with pytest.raises(LocalError):
        tls.client_context(account(cert=tmp_path / "missing", key=good.key))


def test_key_that_others_can_read(authority: Authority) -> None:
    mine = authority.issue("open.example")
    mine.key.chmod(0o640)
    with pytest.raises(LocalError) as caught:
        tls.client_context(account(cert=mine.chain, key=mine.key))
    assert caught.value.condition == "not-private"
    assert "chmod 600" in (caught.value.hint or "")


@pytest.fixture
def hashed(authority: Authority, tmp_path: Path) -> Path:
    """A system store of hashed links, with the test's authority in it."""
    name = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", authority.ca_file],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (tmp_path / f"{name}.0").symlink_to(authority.ca_file)
    return tmp_path


def test_system_store_of_the_environment(
    authority: Authority, good: Certificate, hashed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    connect(account(), good)
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(TlsError):
        connect(account(), good)
    monkeypatch.setenv("SSL_CERT_DIR", str(hashed))
    connect(account(), good)  # few entries: read with the defaults of OpenSSL


def test_hashed_system_store_is_searched_only_when_needed(
    good: Certificate, hashed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(hashed / "no such file"))
    monkeypatch.setenv("SSL_CERT_DIR", str(hashed))
    for number in range(60):
        (hashed / f"{number:08x}.0").touch()

    def load_default_certs(*_: object) -> None:
        raise AssertionError("the whole store was read")

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", load_default_certs)
    connect(account(), good)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each time that the whole store is read."""
    read: list[str] = []
    original = ssl.SSLContext.load_default_certs

    def load_default_certs(self: ssl.SSLContext) -> None:
        read.append("all")
        original(self)

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", load_default_certs)
    return read


def test_a_bundle_of_what_the_directory_holds_is_not_read(
    authority: Authority,
    good: Certificate,
    hashed: Path,
    reads: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(60):
        (hashed / f"{number:08x}.0").touch()
    bundle = hashed / "ca-certificates.crt"
    bundle.write_bytes(b"# all of them\n" + authority.ca_file.read_bytes() + b"\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("SSL_CERT_DIR", str(hashed))
    connect(account(), good)
    assert reads == []


@pytest.mark.parametrize("kind", ["CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CRL"])
def test_a_bundle_that_holds_more_is_read(
    authority: Authority,
    good: Certificate,
    hashed: Path,
    reads: list[str],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    for number in range(60):
        (hashed / f"{number:08x}.0").touch()
    bundle = hashed / "ca-certificates.crt"
    more = f"-----BEGIN {kind}-----\nTWFueQ==\n-----END {kind}-----\n"
    for text in (authority.ca_file.read_text() + more, more + authority.ca_file.read_text()):
        bundle.write_text(text)
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        monkeypatch.setenv("SSL_CERT_DIR", str(hashed))
        with contextlib.suppress(TlsError):
            connect(account(), good)
    assert reads == ["all", "all"]


def test_a_certificate_of_the_bundle_alone_is_trusted(
    authority: Authority, good: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        (tmp_path / f"{number:08x}.0").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    connect(account(), good)


def test_client_context_imports_no_cryptography() -> None:
    code = (
        "import sys; from xmppctl.session import tls; tls.verifying_context(None);"
        "sys.exit(any(name.split('.')[0] in ('cryptography', 'aioxmpp') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=False).returncode == 0
