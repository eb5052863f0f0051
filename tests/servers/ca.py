"""A certificate authority made for one test run, good certificates of it, and bad ones.

Verification stays on in every test: clients trust this authority by ``--ca-file`` and nothing else.
"""

from __future__ import annotations

import hashlib
import ipaddress
import itertools
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)
_XMPP_ADDR = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5")


@dataclass(frozen=True)
class Certificate:
    """The files of one certificate: ``chain`` (with its issuer), ``key``, ``bundle`` (both)."""

    chain: Path
    key: Path
    bundle: Path

    def server_context(self) -> ssl.SSLContext:
        """A context that presents this certificate as a server, TLS 1.2 or later."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.chain, self.key)
        return context

    @property
    def pin(self) -> str:
        """SHA-256 of the end certificate's public key (SPKI), in hexadecimal."""
        certificate = x509.load_pem_x509_certificate(self.chain.read_bytes())
        spki = certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return hashlib.sha256(spki).hexdigest()


class Authority:
    """One CA in ``directory``; ``ca_file`` is what clients trust."""

    def __init__(self, directory: Path, name: str = "xmppctl test CA") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.ca_file = directory / "ca.pem"
        self._serial = itertools.count(1)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._intermediate = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = (
            _builder(self._name, self._name, self._key, _now() - _DAY, _now() + 30 * _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
        )
        self._certificate = builder.sign(self._key, hashes.SHA256())
        self.ca_file.write_bytes(_pem(self._certificate))

    def issue(self, domain: str) -> Certificate:
        """A good certificate of ``domain``, its subdomains and the loopback addresses."""
        return self._leaf(domain, domain)

    def expired(self, domain: str) -> Certificate:
        """One that was good until yesterday."""
        return self._leaf(f"expired.{domain}", domain, end=_now() - _DAY)

    def ending(self, domain: str, days: float) -> Certificate:
        """One that is good for so many days more."""
        return self._leaf(f"ending.{domain}", domain, end=_now() + days * _DAY)

    def not_yet_valid(self, domain: str) -> Certificate:
        """One that will be good from tomorrow on."""
        return self._leaf(f"early.{domain}", domain, start=_now() + _DAY)

    def wrong_name(self, domain: str, *, ended: bool = False) -> Certificate:
        """One of this authority, but for another domain; loopback addresses do not count."""
        end = _now() - _DAY if ended else None
        return self._leaf(f"wrong.{domain}", "elsewhere.invalid", loopback=False, end=end)

    def self_signed(self, domain: str) -> Certificate:
        """One that nobody vouches for but itself."""
        return self._leaf(f"self-signed.{domain}", domain, self_signed=True)

    def untrusted(self, domain: str) -> Certificate:
        """One of another authority with another name, which no client of the tests trusts."""
        other = Authority(self.directory / "other", "another test CA")
        return other.issue(domain)

    def without_intermediate(self, domain: str) -> Certificate:
        """One that an intermediate authority vouches for, which the server does not send."""
        return self._leaf(f"incomplete.{domain}", domain, intermediate=True)

    def client(self, *jids: str) -> Certificate:
        """A client's certificate with an xmppAddr (RFC 6120 §13.7.1.4) for each of ``jids``."""
        names: list[x509.GeneralName] = [x509.OtherName(_XMPP_ADDR, _utf8(jid)) for jid in jids]
        return self._leaf("client", "client", names=names)

    def _leaf(
        self,
        stem: str,
        domain: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        loopback: bool = True,
        self_signed: bool = False,
        intermediate: bool = False,
        names: list[x509.GeneralName] | None = None,
    ) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        if names is None:
            names = [x509.DNSName(domain), x509.DNSName(f"*.{domain}")]
            if loopback:
                names.append(x509.DNSName("localhost"))
                names += [x509.IPAddress(ipaddress.ip_address(ip)) for ip in ("127.0.0.1", "::1")]
        issuer = _name(domain) if self_signed else self._name
        signer = key if self_signed else self._key
        if intermediate:
            issuer, signer = _name("xmppctl test intermediate CA"), self._intermediate
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            _builder(
                _name(domain),
                issuer,
                key,
                start or _now() - 20 * _DAY,
                end or _now() + 20 * _DAY,
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
            .sign(signer, hashes.SHA256())
        )
        alone = self_signed or intermediate
        chain = _pem(certificate) + (b"" if alone else _pem(self._certificate))
        return self._write(f"{stem}-{next(self._serial)}", chain, key)

    def _write(self, stem: str, chain: bytes, key: ec.EllipticCurvePrivateKey) -> Certificate:
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        files = Certificate(*(self.directory / f"{stem}.{end}" for end in ("crt", "key", "pem")))
        files.chain.write_bytes(chain)
        for path, content in ((files.key, private), (files.bundle, chain + private)):
            path.touch(mode=0o600)
            path.write_bytes(content)
        return files


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _utf8(text: str) -> bytes:
    """A short UTF8String in DER."""
    data = text.encode()
    assert len(data) < 128
    return bytes((0x0C, len(data))) + data


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _now() -> datetime:
    return datetime.now(UTC)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
