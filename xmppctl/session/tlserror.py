"""What a failed TLS handshake means: one exception in, one of ours out."""

from __future__ import annotations

import ssl

from xmppctl.errors import ConnectError, DeadlineError, TlsError, XmppctlError
from xmppctl.session.certificate import Certificate, read

# X509_V_ERR_* of OpenSSL's x509_vfy.h
_VERIFY = {
    9: "certificate-not-yet-valid",
    10: "certificate-expired",
    18: "self-signed",
    23: "certificate-revoked",
    26: "wrong-purpose",
    62: "wrong-host-name",
    64: "wrong-host-name",
    66: "weak-key",
    67: "weak-key",
    68: "weak-key",
} | dict.fromkeys((2, 19, 20, 21, 24, 27, 28), "certificate-not-trusted")

# "reason" of ssl.SSLError: OpenSSL's name of the alert or of the local failure
_REASONS = (
    (
        "not-tls",
        "the server does not answer with TLS",
        "WRONG_VERSION_NUMBER HTTP_REQUEST HTTPS_PROXY_REQUEST UNKNOWN_PROTOCOL"
        " RECORD_LAYER_FAILURE PACKET_LENGTH_TOO_LONG BAD_PACKET_LENGTH INVALID_RECORD"
        " UNEXPECTED_MESSAGE",
    ),
    (
        "tls-version",
        "the server knows no TLS version from 1.2 on",
        "UNSUPPORTED_PROTOCOL TLSV1_ALERT_PROTOCOL_VERSION NO_PROTOCOLS_AVAILABLE"
        " VERSION_TOO_LOW WRONG_SSL_VERSION",
    ),
    (
        "weak-key",
        "the keys of the server are too weak",
        "DH_KEY_TOO_SMALL EE_KEY_TOO_SMALL CA_KEY_TOO_SMALL CA_MD_TOO_WEAK BAD_ECPOINT",
    ),
    (
        "client-certificate-refused",
        "the server wants a client certificate, or refuses this one",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED SSLV3_ALERT_BAD_CERTIFICATE TLSV1_ALERT_UNKNOWN_CA"
        " SSLV3_ALERT_UNSUPPORTED_CERTIFICATE SSLV3_ALERT_CERTIFICATE_EXPIRED"
        " SSLV3_ALERT_CERTIFICATE_REVOKED SSLV3_ALERT_CERTIFICATE_UNKNOWN"
        " TLSV1_ALERT_ACCESS_DENIED",
    ),
    (
        "unknown-domain",
        "the server does not serve this domain",
        "TLSV1_UNRECOGNIZED_NAME SSLV3_ALERT_UNRECOGNIZED_NAME TLSV1_ALERT_UNRECOGNIZED_NAME",
    ),
    (
        "no-application-protocol",
        "the server offers no XMPP on this port (ALPN)",
        "TLSV1_ALERT_NO_APPLICATION_PROTOCOL NO_APPLICATION_PROTOCOL",
    ),
)
_HINTS = {
    "not-tls": "try --tls starttls, or name another port with --connect HOST:PORT",
    "client-certificate-refused": "give --cert and --key",
}


def tls_error(exc: BaseException, host: str, domain: str) -> XmppctlError:
    """The error to raise for ``exc``, met in a handshake with ``host`` (``HOST:PORT``).

    ``domain`` is the name that the certificate was checked against. An XmppctlError comes back
    as it is.
    """
    if isinstance(exc, XmppctlError):
        return exc
    if isinstance(exc, ssl.SSLCertVerificationError):
        return _untrusted(exc, host, domain)
    # asyncio tells its handshake timeout by ConnectionAbortedError, and by its text alone
    aborted = isinstance(exc, ConnectionAbortedError) and "taking longer" in str(exc)
    if isinstance(exc, TimeoutError) or aborted:
        return DeadlineError(
            f"{host} is silent in the TLS handshake",
            step="tls",
            condition="timeout",
            by=host,
            hint="perhaps the port wants STARTTLS or no TLS: try --tls starttls or --tls direct",
        )
    closed = (ssl.SSLEOFError, ssl.SSLZeroReturnError, EOFError)
    if isinstance(exc, closed) or not isinstance(exc, ssl.SSLError):
        return ConnectError(
            f"{host} closed the connection in the TLS handshake",
            step="tls",
            condition="connection-closed",
            by=host,
            hint="perhaps the port wants the other kind of TLS: try --tls starttls or --tls direct",
        )
    return _no_tls(exc, host, domain)


def broken_tls(exc: ssl.SSLError, host: str, domain: str, step: str) -> XmppctlError:
    """The error to raise for ``exc``, met after the handshake.

    Under TLS 1.3 the server's word about the client's certificate comes that late; anything else
    is a connection that broke.
    """
    error = _no_tls(exc, host, domain)
    if error.condition == "client-certificate-refused":
        return error
    return ConnectError(
        f"the TLS connection with {host} broke ({_words(exc)})",
        step=step,
        condition="connection-closed",
        by=host,
    )


def _words(exc: ssl.SSLError) -> str:
    return (exc.reason or "").lower().replace("_", " ") or "unknown reason"


def _no_tls(exc: ssl.SSLError, host: str, domain: str) -> TlsError:
    reason = exc.reason or ""
    for condition, text, names in _REASONS:
        if reason in names.split():
            return TlsError(
                f"no TLS with {host} for {domain}: {text}",
                step="tls",
                condition=condition,
                by=host,
                hint=_HINTS.get(condition),
            )
    return TlsError(
        f"no TLS with {host} for {domain}: {_words(exc)}",
        step="tls",
        condition="handshake-failure",
        by=host,
    )


def _untrusted(exc: ssl.SSLCertVerificationError, host: str, domain: str) -> TlsError:
    der = getattr(exc, "peer_certificate", None)
    certificate = read(der) if der else Certificate()
    condition = _VERIFY.get(exc.verify_code, "certificate-invalid")
    return TlsError(
        f"the certificate of {host} for {domain} {_sentence(condition, exc, certificate)}",
        step="tls",
        condition=condition,
        by=host,
        hint=_hint(condition, certificate),
    )


def _sentence(condition: str, exc: ssl.SSLCertVerificationError, certificate: Certificate) -> str:
    if condition == "wrong-host-name":
        names = ", ".join(certificate.names[:5]) or "none that can be read"
        more = f" and {len(certificate.names) - 5} more" if len(certificate.names) > 5 else ""
        return f"is for other names: {names}{more}"
    # OpenSSL does not say whether the end certificate or one above it is out of date
    if condition == "certificate-expired":
        return f"has expired{_date(certificate.not_after, 'ended on')}"
    if condition == "certificate-not-yet-valid":
        return f"is not valid yet{_date(certificate.not_before, 'begins on')}"
    if condition == "self-signed":
        return "is self-signed, and not trusted here"
    issuer = f"; issuer: {certificate.issuer}" if certificate.issuer else ""
    return f"is not trusted ({exc.verify_message}{issuer})"


def _date(when: object, verb: str) -> str:
    return f" (its own validity {verb} {when:%Y-%m-%d})" if when else ""


def _hint(condition: str, certificate: Certificate) -> str:
    pin = certificate.spki_sha256
    if condition in ("certificate-expired", "certificate-not-yet-valid"):
        return "check the clock of this machine; otherwise the server's admin must renew it"
    by_pin = f"--pin sha256:{pin} once you have verified that key" if pin else "--pin sha256:HEX"
    if condition == "wrong-host-name":
        return f"check the domain of the JID; or trust this key alone with {by_pin}"
    return f"name its CA with --ca-file FILE, or trust this key alone with {by_pin}"
