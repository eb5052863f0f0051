"""tls-exporter from OpenSSL's key log, against pyOpenSSL's own exporter on the server's side."""

from __future__ import annotations

import contextlib
import gc
import os
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from tests.servers.ca import Authority, Certificate
from xmppctl.model.account import Account
from xmppctl.model.jid import parse
from xmppctl.session import exporter, tls
from xmppctl.session.certificate import end_point

DOMAIN = "example.org"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def good(authority: Authority) -> Certificate:
    return authority.issue(DOMAIN)


def context(authority: Authority) -> ssl.SSLContext:
    return tls.client_context(Account(jid=parse(f"user@{DOMAIN}"), ca_file=authority.ca_file))


def server(certificate: Certificate, suite: str | None = None) -> SSL.Context:
    made = SSL.Context(SSL.TLS_SERVER_METHOD)
    made.use_certificate_chain_file(str(certificate.chain))
    made.use_privatekey_file(str(certificate.key))
    if suite is None:
        made.set_max_proto_version(SSL.TLS1_2_VERSION)
    else:
        made.set_tls13_ciphersuites(suite.encode())
    return made


class Pair:
    """A client and a server that hand each other what they write, step by step."""

    def __init__(self, client: ssl.SSLContext, server: SSL.Context) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(self._incoming, self._outgoing, server_hostname=DOMAIN)
        self.server = SSL.Connection(server, None)
        self.server.set_accept_state()

    def step(self) -> bool:
        """One flight in each direction; whether the client is through."""
        try:
            self.client.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            done = False
        if self._outgoing.pending:
            self.server.bio_write(self._outgoing.read())
        with contextlib.suppress(SSL.WantReadError):
            self.server.do_handshake()
        with contextlib.suppress(SSL.WantReadError):
            self._incoming.write(self.server.bio_read(65536))
        return done

    def finish(self) -> ssl.SSLObject:
        while not self.step():
            pass
        return self.client

    def expected(self) -> bytes:
        return self.server.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")


@pytest.mark.parametrize(
    "suite",
    ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"],
)
@pytest.mark.parametrize("memfd", [True, False])
def test_same_as_the_servers_library(
    monkeypatch: pytest.MonkeyPatch,
    authority: Authority,
    good: Certificate,
    suite: str,
    memfd: bool,
) -> None:
    if not memfd:  # as on systems other than Linux
        monkeypatch.delattr(os, "memfd_create")
    pair = Pair(context(authority), server(good, suite))
    bindings = tls.channel_bindings(pair.finish())
    assert pair.client.cipher()[0] == suite  # type: ignore[index]
    assert list(bindings) == ["tls-exporter", "tls-server-end-point"]
    assert bindings["tls-exporter"]() == pair.expected()
    pair.finish()  # once more, which changes nothing
    assert tls.channel_bindings(pair.client)["tls-exporter"]() == pair.expected()
    assert len(pair.expected()) == 32


def test_each_connection_of_a_context_has_its_own(authority: Authority, good: Certificate) -> None:
    shared = context(authority)
    far = server(good, "TLS_AES_128_GCM_SHA256")
    failed = Pair(shared, server(authority.wrong_name(DOMAIN), "TLS_AES_128_GCM_SHA256"))
    with pytest.raises(ssl.SSLCertVerificationError):
        failed.finish()
    pairs = [Pair(shared, far) for _ in range(3)]
    for pair in pairs:  # all at once, one flight each in turn
        pair.step()
    for pair in reversed(pairs):
        pair.finish()
    found = [tls.channel_bindings(pair.client)["tls-exporter"]() for pair in pairs]
    assert found == [pair.expected() for pair in pairs]
    assert len(set(found)) == 3


def test_threads_that_share_a_context(authority: Authority, good: Certificate) -> None:
    shared = context(authority)
    far = server(good, "TLS_AES_128_GCM_SHA256")
    wrong: list[int] = []

    def many() -> None:
        for turn in range(30):
            pair = Pair(shared, far)
            if tls.channel_bindings(pair.finish())["tls-exporter"]() != pair.expected():
                wrong.append(turn)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_nothing_of_it_under_tls_1_2(authority: Authority, good: Certificate) -> None:
    pair = Pair(context(authority), server(good))
    bindings = tls.channel_bindings(pair.finish())
    assert list(bindings) == ["tls-unique", "tls-server-end-point"]
    # RFC 5929 §3.1: the first Finished of the handshake, the client's here
    assert bindings["tls-unique"]() == pair.server.get_peer_finished()


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", None])
def test_no_secret_stays_behind(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    authority: Authority,
    good: Certificate,
    suite: str | None,
) -> None:
    users = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(users))
    memory: list[int] = []
    make = os.memfd_create
    monkeypatch.setattr(os, "memfd_create", lambda *args: memory.append(make(*args)) or memory[-1])
    mine = context(authority)
    pair = Pair(mine, server(good, suite))
    pair.step()
    assert suite is None or os.pread(memory[0], 4096, 0)
    pair.finish()
    assert os.fstat(memory[0]).st_size == 0
    assert os.fstat(memory[0]).st_nlink == 0
    assert not os.get_inheritable(memory[0])
    assert not users.exists()
    failed = Pair(mine, server(authority.wrong_name(DOMAIN), "TLS_AES_128_GCM_SHA256"))
    with pytest.raises(ssl.SSLCertVerificationError):
        failed.finish()
    assert os.fstat(memory[0]).st_size == 0
    del mine, pair, failed
    gc.collect()
    with pytest.raises(OSError):
        os.fstat(memory[0])


def test_without_memory_the_others_remain(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, good: Certificate
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "memfd_create", refuse)
    pair = Pair(context(authority), server(good, "TLS_AES_128_GCM_SHA256"))
    assert list(tls.channel_bindings(pair.finish())) == ["tls-server-end-point"]


def test_secret_of_an_unknown_hash() -> None:
    assert exporter.channel_binding(bytes(64)) is None


def _certificate(key: object, algorithm: object, scheme: object = None) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DOMAIN)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())  # type: ignore[attr-defined]
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    more = {"rsa_padding": scheme} if scheme is not None else {}
    made = builder.sign(key, algorithm, **more)  # type: ignore[arg-type]
    return made.public_bytes(serialization.Encoding.DER)


RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP384R1())


def _digest(algorithm: hashes.HashAlgorithm, data: bytes) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()


@pytest.mark.parametrize("key", [RSA, EC], ids=["rsa", "ec"])
@pytest.mark.parametrize(
    "algorithm",
    [
        hashes.SHA224(),
        hashes.SHA256(),
        hashes.SHA384(),
        hashes.SHA512(),
        hashes.SHA3_256(),
        hashes.SHA3_384(),
        hashes.SHA3_512(),
    ],
    ids=lambda each: each.name,
)
def test_end_point_takes_the_signatures_hash(key: object, algorithm: hashes.HashAlgorithm) -> None:
    der = _certificate(key, algorithm)
    assert end_point(der) == _digest(algorithm, der)


@pytest.mark.parametrize(
    "algorithm",
    [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()],
    ids=lambda each: each.name,
)
def test_end_point_of_pss(algorithm: hashes.HashAlgorithm) -> None:
    der = _certificate(RSA, algorithm, padding.PSS(padding.MGF1(algorithm), 32))
    assert end_point(der) == _digest(algorithm, der)


def test_end_point_never_by_sha1() -> None:
    """RFC 5929 §4.1: MD5 and SHA-1 are replaced by SHA-256; no library signs with them now."""
    der = _certificate(RSA, hashes.SHA256())
    rsa_sha256 = bytes.fromhex("2a864886f70d01010b")
    for weak in ("2a864886f70d010104", "2a864886f70d010105"):
        changed = der.replace(rsa_sha256, bytes.fromhex(weak))
        assert changed != der
        assert end_point(changed) == _digest(hashes.SHA256(), changed)


def test_end_point_that_is_undefined() -> None:
    edwards = _certificate(ed25519.Ed25519PrivateKey.generate(), None)
    mixed = _certificate(RSA, hashes.SHA256(), padding.PSS(padding.MGF1(hashes.SHA384()), 32))
    for der in (edwards, mixed, b"", b"0\x03abc", edwards[:50]):
        assert end_point(der) is None
