"""What a TLS connection and its certificate say about themselves.

RFC 5280, RFC 6120 §13.7.1.4 (xmppAddr), RFC 4985 (SRVName). ``describe`` and ``read`` load
``cryptography`` (30 ms): only for ``-v`` and for errors. A pin is found without it.
"""

from __future__ import annotations

import hashlib
import ssl
import warnings
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from xmppctl.records import dataclass

if TYPE_CHECKING:
    from cryptography import x509

# AlgorithmIdentifier.algorithm, the content of its DER form: the one hash of the signature.
# RFC 3279, RFC 4055, RFC 5758, RFC 8692 and NIST's arc of signatures
_RSA, _NIST = bytes.fromhex("2a864886f70d0101"), bytes.fromhex("60864801650304")
_SIGNATURES = {
    _RSA + b"\x04": "md5",
    _RSA + b"\x05": "sha1",
    _RSA + b"\x0b": "sha256",
    _RSA + b"\x0c": "sha384",
    _RSA + b"\x0d": "sha512",
    _RSA + b"\x0e": "sha224",
    bytes.fromhex("2a8648ce3d0401"): "sha1",  # ECDSA
    bytes.fromhex("2a8648ce3d040301"): "sha224",
    bytes.fromhex("2a8648ce3d040302"): "sha256",
    bytes.fromhex("2a8648ce3d040303"): "sha384",
    bytes.fromhex("2a8648ce3d040304"): "sha512",
    _NIST + b"\x03\x02": "sha256",  # DSA
    _NIST + b"\x03\x0a": "sha3_256",  # ECDSA
    _NIST + b"\x03\x0b": "sha3_384",
    _NIST + b"\x03\x0c": "sha3_512",
    _NIST + b"\x03\x0e": "sha3_256",  # RSA
    _NIST + b"\x03\x0f": "sha3_384",
    _NIST + b"\x03\x10": "sha3_512",
}
_PSS = _RSA + b"\x0a"
_HASHES = {
    bytes.fromhex("2b0e03021a"): "sha1",
    _NIST + b"\x02\x01": "sha256",
    _NIST + b"\x02\x02": "sha384",
    _NIST + b"\x02\x03": "sha512",
    _NIST + b"\x02\x04": "sha224",
}

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n"
_XMPP_ADDR = bytes.fromhex("06082b06010505070805")
_NAMES_OF_XMPP = {"1.3.6.1.5.5.7.8.5": "xmppAddr", "1.3.6.1.5.5.7.8.7": "SRVName"}


@dataclass(frozen=True)
class Certificate:
    """An end certificate; None and empty where it does not say or cannot be parsed.

    ``names``: DNS names and IP addresses as they are, others as ``xmppAddr:example.org``.
    ``spki_sha256``: hexadecimal, as ``--pin`` takes it.
    """

    subject: str | None = None
    issuer: str | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    names: tuple[str, ...] = ()
    spki_sha256: str | None = None


@dataclass(frozen=True)
class Channel:
    """An established TLS connection: version, cipher suite, ALPN, and the peer's certificate."""

    version: str | None
    cipher: str | None
    alpn: str | None
    certificate: Certificate


def describe(ssl_object: ssl.SSLObject) -> Channel:
    """The facts of an established connection; never fails, whatever the certificate holds."""
    cipher = ssl_object.cipher()
    return Channel(
        version=ssl_object.version(),
        cipher=cipher[0] if cipher else None,
        alpn=ssl_object.selected_alpn_protocol(),
        certificate=read(ssl_object.getpeercert(True) or b""),
    )


def read(der: bytes) -> Certificate:
    """The facts of a certificate in DER form, verified or not: all of it is the peer's word."""
    from cryptography import x509

    pin = spki_sha256(der)
    shown = pin.hex() if pin else None
    try:
        certificate = load(der)
        return Certificate(
            subject=certificate.subject.rfc4514_string() or None,
            issuer=certificate.issuer.rfc4514_string() or None,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            names=_names(certificate),
            spki_sha256=shown,
        )
    except (ValueError, x509.UnsupportedGeneralNameType):
        return Certificate(spki_sha256=shown)


def spki_sha256(der: bytes) -> bytes | None:
    """SHA-256 of a certificate's SubjectPublicKeyInfo; None for one that cannot be parsed."""
    info = spki(der)
    return hashlib.sha256(info).digest() if info is not None else None


def spki(der: bytes) -> bytes | None:
    """A certificate's SubjectPublicKeyInfo in DER form; None for one that cannot be parsed."""
    try:
        return bytes(_spki(memoryview(der)))
    except (IndexError, ValueError):
        return None


def end_point(der: bytes) -> bytes | None:
    """The data of the channel binding tls-server-end-point for a certificate (RFC 5929 §4.1).

    None where it is undefined (a signature with no hash of its own, as Ed25519, or with two), and
    for a certificate that cannot be parsed.
    """
    try:
        name = _signature_hash(memoryview(der))
    except (IndexError, ValueError):
        return None
    if name is None:
        return None
    return hashlib.new("sha256" if name in ("md5", "sha1") else name, der).digest()


def addresses(path: Path) -> tuple[str, ...]:
    """The JIDs (xmppAddr, RFC 6120 §13.7.1.4) in the first certificate of a PEM file.

    Empty for a file that holds none or cannot be read.
    """
    found = []
    try:
        head, end, _ = path.read_text(encoding="utf-8", errors="replace").partition(_END)
        der = ssl.PEM_cert_to_DER_cert(_BEGIN + head.rpartition(_BEGIN)[2] + end)
        _, *names = der.split(_XMPP_ADDR)
        for name in names:
            _, text, _ = _element(_element(memoryview(name))[1])  # [0], and in it a UTF8String
            found.append(bytes(text).decode())
    except (OSError, IndexError, ValueError):
        return ()
    return tuple(found)


def load(der: bytes) -> x509.Certificate:
    """The certificate as ``cryptography`` has it. Raises ValueError.

    Its warnings about breaches of RFC 5280 are of no use to the user of a command.
    """
    from cryptography import x509

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = x509.load_der_x509_certificate(der)
            _ = found.subject, found.issuer  # which are parsed, and warned about, but now
        except (x509.InvalidVersion, TypeError) as error:
            raise ValueError(str(error)) from None
        return found


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension):
        return ()
    found = []
    for name in extension.value:
        if isinstance(name, x509.DNSName | x509.IPAddress):
            found.append(str(name.value))
        elif isinstance(name, x509.OtherName) and name.type_id.dotted_string in _NAMES_OF_XMPP:
            # the value is a short DER string: tag, one length byte, text
            text = name.value[2:].decode("utf-8", errors="replace")
            found.append(f"{_NAMES_OF_XMPP[name.type_id.dotted_string]}:{text}")
    return tuple(found)


def _spki(der: memoryview) -> memoryview:
    """The SubjectPublicKeyInfo of an X.509 certificate (RFC 5280 §4.1), with its DER header."""
    _, to_be_signed, _ = _element(der)
    _, rest, _ = _element(to_be_signed)
    if rest[0] == 0xA0:  # [0] version
        rest = _element(rest)[2]
    for _ in ("serialNumber", "signature", "issuer", "validity", "subject"):
        rest = _element(rest)[2]
    whole, _, _ = _element(rest)
    if whole[0] != 0x30:
        raise ValueError("no SubjectPublicKeyInfo")
    return whole


def _signature_hash(der: memoryview) -> str | None:
    """The hash of a certificate's signatureAlgorithm (RFC 5280 §4.1.1.2), as hashlib names it."""
    _, certificate, _ = _element(der)
    algorithm, parameters = _algorithm(_element(certificate)[2])
    if algorithm != _PSS:
        return _SIGNATURES.get(algorithm)
    # RFC 4055 §3.1: both default to SHA-1; a mask by another hash makes it two
    found = {0xA0: "sha1", 0xA1: "sha1"}
    _, rest, _ = _element(parameters)
    while rest:
        whole, content, rest = _element(rest)
        if whole[0] in found:
            inner, parameters = _algorithm(content)
            if whole[0] == 0xA1:
                inner, _ = _algorithm(parameters)
            found[whole[0]] = _HASHES.get(inner, "")
    return found[0xA0] if found[0xA0] == found[0xA1] and found[0xA0] else None


def _algorithm(der: memoryview) -> tuple[bytes, memoryview]:
    """An AlgorithmIdentifier: the content of its OID, and its parameters."""
    _, content, _ = _element(der)
    whole, algorithm, parameters = _element(content)
    if whole[0] != 0x06:
        raise ValueError("no AlgorithmIdentifier")
    return bytes(algorithm), parameters


def _element(der: memoryview) -> tuple[memoryview, memoryview, memoryview]:
    """The first DER element: the whole of it, its content, and what follows it."""
    start, length = 2, der[1]
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start])
    end = start + length
    if end > len(der):
        raise ValueError("truncated DER")
    return der[:end], der[start:end], der[end:]
