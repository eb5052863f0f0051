"""A server's certificate, judged: chain, name, days and key, each defect by one check alone.

- What has ended is ``tls.days`` alone, whichever certificate of the chain it is.
- What is not valid yet is ``tls.chain``, and so is all else that keeps a client from trusting it:
  self-signed, an issuer that is missing or unknown, revoked, a signature that is too weak.
- The name (RFC 6125, RFC 6120 §13.7.1.2, RFC 7590) is ``tls.name``: that of the domain, never of
  the host that SRV points to.
- A key that is too small is ``tls.key``.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from xmppctl.model.check import Status
from xmppctl.protocol.check.context import Limits
from xmppctl.session import certificate as reading
from xmppctl.session.probe import ANY_STRENGTH, ANY_TIME

if TYPE_CHECKING:
    from cryptography import x509

NOT_YET, ENDED, SELF_SIGNED, SELF_SIGNED_ABOVE, WEAK_KEY = 9, 10, 18, 19, 66
"""X509_V_ERR_* of OpenSSL."""
_NO_ISSUER = (2, 20, 21, 27)
_REVOKED = 23

JUDGED_ELSEWHERE = {NOT_YET: ANY_TIME, ENDED: ANY_TIME, WEAK_KEY: ANY_STRENGTH}
"""What the handshake is tried again without, to see what else there is."""

_SMALLEST_RSA, _SMALLEST_CURVE = 2048, 224
_NAMES_SHOWN = 5


class Verdict(NamedTuple):
    """What one check makes of it."""

    status: Status
    detail: str
    value: str | float | None = None
    unit: str | None = None
    advice: str | None = None


class Shown(NamedTuple):
    """What a server showed in the handshake, in DER form, the end certificate first.

    ``verified``: the chain up to its anchor, empty where it could not be verified; ``error`` is
    why then.
    """

    sent: Sequence[bytes]
    verified: Sequence[bytes]
    error: ssl.SSLCertVerificationError | None = None


def judge(
    shown: Shown,
    domain: str,
    limits: Limits,
    *,
    service: str,
    pins: Sequence[bytes] = (),
    both: bool = False,
    now: datetime | None = None,
) -> dict[str, Verdict]:
    """The verdicts of the checks tls.chain, tls.name, tls.days and tls.key.

    ``service``: of which an SRVName may be, such as ``xmpp-client``. ``pins``: keys that are
    trusted in the place of the chain or, with ``both``, have to fit as well.
    """
    now = now or datetime.now(UTC)
    end = _load(shown.sent[0]) if shown.sent else None
    if end is None:
        why = "the certificate cannot be read" if shown.sent else "no certificate was shown"
        unread = Verdict("unknown", f"not tested: {why}")
        return {
            "tls.chain": Verdict("fail", why, advice="look at the certificate's file"),
            "tls.name": unread,
            "tls.days": unread,
            "tls.key": unread,
        }
    chain = [each for each in map(_load, shown.verified or shown.sent[:1]) if each is not None]
    trust = _pinned(shown.sent[0], pins) if pins else None
    if trust is None or (both and trust.status == "ok"):
        trust = _chain(shown, chain, now)
    return {
        "tls.chain": trust,
        "tls.name": _name(shown.sent[0], domain, service),
        "tls.days": _days(chain, limits, now),
        "tls.key": _key(end),
    }


def _load(der: bytes) -> x509.Certificate | None:
    """The certificate, if all that is asked of it here can be read."""
    try:
        found = reading.load(der)
        _ = found.not_valid_before_utc, found.not_valid_after_utc
    except ValueError:
        return None
    return found


def _pinned(der: bytes, pins: Sequence[bytes]) -> Verdict:
    pin = reading.spki_sha256(der)
    shown = f"sha256:{pin.hex()}" if pin else "unreadable"
    if pin in pins:
        return Verdict("ok", f"its key is a pinned one ({shown})", "pinned")
    return Verdict("fail", f"its key is none of the pinned ones: it is {shown}", "pin-mismatch",
                   advice="find out why the key changed before you trust it")  # fmt: skip


def _chain(shown: Shown, chain: Sequence[x509.Certificate], now: datetime) -> Verdict:
    if shown.error is not None:
        return _untrusted(shown, shown.error)
    early = next((each for each in chain if each.not_valid_before_utc > now), None)
    if early is not None:
        return Verdict(
            "fail",
            f"{_whose(early, chain)} is not valid before {_moment(early.not_valid_before_utc)}",
            "not-yet-valid",
            advice="check the clocks, and when the certificate was made",
        )
    anchor = _subject(chain[-1])
    return Verdict("ok", f"{len(chain)} certificates, trusted by {anchor}", anchor)


def _untrusted(shown: Shown, error: ssl.SSLCertVerificationError) -> Verdict:
    sent = [each for each in map(_load, shown.sent) if each is not None]
    code, last = error.verify_code, sent[-1]
    if code == SELF_SIGNED:
        return Verdict(
            "fail",
            "the certificate is self-signed, and not trusted here",
            "self-signed",
            advice="get one of an authority that clients trust; or give --ca-file",
        )
    if code == SELF_SIGNED_ABOVE or (code in _NO_ISSUER and last.subject == last.issuer):
        return Verdict(
            "fail",
            f"the authority {_subject(last)} is not trusted here",
            "unknown-authority",
            advice="get a certificate of an authority that clients trust; or give --ca-file",
        )
    if code in _NO_ISSUER:
        issuer = last.issuer.rfc4514_string() or "an issuer without a name"
        return Verdict(
            "fail",
            f"the certificate of the issuer {issuer} is missing: the server does not send it, and "
            "it is not known here",
            "missing-issuer",
            advice="let the server send the certificates of the intermediate authorities too",
        )
    if code == _REVOKED:
        return Verdict("fail", "the certificate has been revoked", "revoked", advice="get another")
    return Verdict("fail", f"not trusted: {error.verify_message}", "not-trusted",
                   advice="get a certificate that clients trust")  # fmt: skip


def _name(der: bytes, domain: str, service: str) -> Verdict:
    names = reading.read(der).names
    if any(_matches(name, domain) for name in names):
        return Verdict("ok", f"it is for {domain}", domain)
    own = {f"srvname:_{service}.{domain}".lower(), f"xmppaddr:{domain}".lower()}
    for name in names:
        if name.lower() in own:
            return Verdict(
                "warn",
                f"it is for {domain} by {name} alone",
                domain,
                advice="add the domain as a DNS name: many clients know no other",
            )
    told = ", ".join(names[:_NAMES_SHOWN]) or "none at all"
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return Verdict(
        "fail",
        f"it is not for {domain}, but for: {told}{more}",
        ", ".join(names[:_NAMES_SHOWN]) or None,
        advice=f"it has to name the domain {domain}, whatever host SRV records point to",
    )


def _matches(name: str, domain: str) -> bool:
    """Whether a DNS name or an IP address of a certificate is that of the domain (RFC 6125 §6.4).

    A wildcard stands for one whole label, the leftmost.
    """
    name, domain = name.lower().rstrip("."), domain.lower().rstrip(".")
    if name == domain:
        return True
    first, dot, rest = domain.partition(".")
    return bool(first and dot and "." in rest) and name == f"*.{rest}"


def _days(chain: Sequence[x509.Certificate], limits: Limits, now: datetime) -> Verdict:
    soonest = min(chain, key=lambda each: each.not_valid_after_utc)
    days = (soonest.not_valid_after_utc - now).total_seconds() / 86400
    return days_left(_whose(soonest, chain), soonest.not_valid_after_utc, days, limits)


def days_left(whose: str, end: datetime, days: float, limits: Limits) -> Verdict:
    """tls.days of a certificate of which so many are left."""
    value, moment = round(days, 1), _moment(end)
    if days < 0:
        return Verdict("fail", f"{whose} ended on {moment}, {_many(-days)} ago", value, "days",
                       "renew it, and let the server load the new one")  # fmt: skip
    status = limits.of_days(days)
    return Verdict(status, f"{whose} ends on {moment}, in {_many(days)}", value, "days",
                   None if status == "ok" else "renew it")  # fmt: skip


def _many(days: float) -> str:
    return "1 day" if round(days) == 1 else f"{days:.0f} days"


def _key(certificate: x509.Certificate) -> Verdict:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return Verdict("unknown", "the key is of a kind that is not known here")
    if isinstance(key, rsa.RSAPublicKey):
        shown, small = f"RSA {key.key_size}", key.key_size < _SMALLEST_RSA
    elif isinstance(key, ec.EllipticCurvePublicKey):
        shown, small = f"EC {key.curve.name}", key.key_size < _SMALLEST_CURVE
    elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        shown, small = type(key).__name__.removesuffix("PublicKey"), False
    elif isinstance(key, dsa.DSAPublicKey):
        return Verdict("fail", "a DSA key, which no client of today takes", f"DSA {key.key_size}",
                       advice="make a certificate with an RSA or an EC key")  # fmt: skip
    else:
        return Verdict("unknown", "the key is of a kind that is not known here")
    if small:
        return Verdict("fail", f"the key, {shown}, is too small", shown,
                       advice="make a certificate with RSA 2048, or P-256, or more")  # fmt: skip
    return Verdict("ok", f"the key is {shown}", shown)


def _whose(certificate: x509.Certificate, chain: Sequence[x509.Certificate]) -> str:
    if certificate == chain[0]:
        return "the certificate"
    return f"the certificate of its issuer {_subject(certificate)}"


def _subject(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "an authority without a name"


def _moment(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"
