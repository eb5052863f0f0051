"""What a TLS connection and its certificate say about themselves.

RFC 5280, RFC 6120 §13.7.1.4 (xmppAddr), RFC 4985 (SRVName). ``describe`` and ``read`` load
``cryptography`` (30 ms): only for ``-v`` and for errors. A pin is found without it.
"""

from __future__ import annotations

import hashlib
import ssl
import warnings
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

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
    try:
        return hashlib.sha256(_spki(memoryview(der))).digest()
    except (IndexError, ValueError):
        return None


def load(der: bytes) -> x509.Certificate:
    """The certificate as ``cryptography`` has it. Raises ValueError.

    Its warnings about breaches of RFC 5280 are of no use to the user of a command.
    """
    from cryptography import x509

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return x509.load_der_x509_certificate(der)


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
