"""A certificate with one defect is blamed by one check."""

from __future__ import annotations

import random
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from xmppctl.protocol.check.certificates import Shown, Verdict, judge
from xmppctl.protocol.check.context import Limits
from xmppctl.session import certificate as reading
from xmppctl.session.certificate import spki_sha256

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SRV_NAME, XMPP_ADDR = "1.3.6.1.5.5.7.8.7", "1.3.6.1.5.5.7.8.5"
CHECKS = ("tls.chain", "tls.name", "tls.days", "tls.key")


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def other(oid: str, text: str) -> x509.OtherName:
    data = text.encode()
    return x509.OtherName(x509.ObjectIdentifier(oid), bytes((0x0C, len(data))) + data)


EC = ec.generate_private_key(ec.SECP256R1())


def made(
    subject: str = "fake.test",
    issuer: str = "some CA",
    *,
    begin: datetime = NOW - 10 * DAY,
    end: datetime = NOW + 90 * DAY,
    names: list[x509.GeneralName] | None = None,
    key: Any = EC,
) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    if names is None:
        names = [x509.DNSName("fake.test")]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(EC, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


CA = made("some CA", names=[])


def refused(code: int, message: str = "no") -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, message
    return error


def blamed(shown: Shown, **more: Any) -> dict[str, Verdict]:
    """The verdicts that are not ok."""
    more = {"service": "xmpp-client", "now": NOW, **more}
    verdicts = judge(shown, more.pop("domain", "fake.test"), more.pop("limits", Limits()), **more)
    assert tuple(verdicts) == CHECKS
    assert all(verdict.detail for verdict in verdicts.values())
    assert all(v.advice for v in verdicts.values() if v.status in ("warn", "fail"))
    return {check: verdict for check, verdict in verdicts.items() if verdict.status != "ok"}


def trusted(leaf: bytes, *above: bytes) -> Shown:
    chain = (leaf, *(above or (CA,)))
    return Shown(chain[:-1], chain)


def test_a_good_one() -> None:
    assert blamed(trusted(made())) == {}
    verdicts = judge(trusted(made()), "fake.test", Limits(), service="xmpp-client", now=NOW)
    assert verdicts["tls.chain"].value == "CN=some CA"
    assert verdicts["tls.days"][1:4] == (
        "the certificate ends on 2026-05-30T00:00:00Z, in 90 days",
        90,
        "days",
    )
    assert verdicts["tls.key"].value == "EC secp256r1"


@pytest.mark.parametrize(
    ("end", "status"), [(14.1, None), (13.9, "warn"), (7.1, "warn"), (6.9, "fail"), (-1, "fail")]
)
def test_days(end: float, status: str | None) -> None:
    found = blamed(trusted(made(end=NOW + end * DAY)))
    assert [(check, verdict.status) for check, verdict in found.items()] == (
        [] if status is None else [("tls.days", status)]
    )
    if found:
        assert found["tls.days"].value == end


def test_limits_of_days() -> None:
    shown = trusted(made(end=NOW + 20 * DAY))
    assert blamed(shown, limits=Limits(30, 10))["tls.days"].status == "warn"
    assert blamed(shown, limits=Limits(30, 21))["tls.days"].status == "fail"


def test_an_issuer_that_ends_sooner() -> None:
    found = blamed(trusted(made(), made("sub CA", end=NOW - DAY, names=[]), CA))
    assert list(found) == ["tls.days"]
    assert (
        "its issuer CN=sub CA ended on 2026-02-28T00:00:00Z, 1 day ago" in found["tls.days"].detail
    )


def test_not_yet_valid() -> None:
    found = blamed(trusted(made(begin=NOW + DAY)))
    assert list(found) == ["tls.chain"]
    assert found["tls.chain"].value == "not-yet-valid"
    assert "the certificate is not valid before 2026-03-02T00:00:00Z" in found["tls.chain"].detail


@pytest.mark.parametrize(
    ("sent", "code", "value", "words"),
    [
        ([made(issuer="fake.test")], 18, "self-signed", "is self-signed"),
        ([made()], 20, "missing-issuer", "of the issuer CN=some CA is missing"),
        ([made()], 21, "missing-issuer", "of the issuer CN=some CA is missing"),
        ([made(issuer="sub"), made("sub", "root")], 20, "missing-issuer", "issuer CN=root"),
        ([made(), CA], 19, "unknown-authority", "the authority CN=some CA is not trusted"),
        ([made(), CA], 20, "unknown-authority", "the authority CN=some CA is not trusted"),
        ([made()], 23, "revoked", "revoked"),
        ([made()], 7, "not-trusted", "signature failure"),
    ],
)
def test_what_is_not_trusted(sent: list[bytes], code: int, value: str, words: str) -> None:
    if sent[-1] is CA or value == "unknown-authority":
        sent = [sent[0], made("some CA", "some CA", names=[])]
    found = blamed(Shown(sent, (), refused(code, "certificate signature failure")))
    assert list(found) == ["tls.chain"]
    assert found["tls.chain"].value == value
    assert words in found["tls.chain"].detail


def test_two_defects_are_told_by_two() -> None:
    sent = [made(issuer="fake.test", end=NOW - DAY, names=[x509.DNSName("elsewhere.test")])]
    assert list(blamed(Shown(sent, (), refused(18)))) == ["tls.chain", "tls.name", "tls.days"]


@pytest.mark.parametrize(
    ("names", "domain", "status"),
    [
        ([x509.DNSName("FAKE.test")], "fake.test", None),
        ([x509.DNSName("*.test.example")], "chat.test.example", None),
        ([x509.DNSName("*.test.example")], "test.example", "fail"),
        ([x509.DNSName("*.test.example")], "a.b.test.example", "fail"),
        ([x509.DNSName("*.example")], "test.example", "fail"),
        ([x509.DNSName("c*t.test.example")], "chat.test.example", "fail"),
        ([other(SRV_NAME, "_xmpp-client.fake.test")], "fake.test", "warn"),
        ([other(SRV_NAME, "_xmpp-server.fake.test")], "fake.test", "fail"),
        ([other(XMPP_ADDR, "fake.test")], "fake.test", "warn"),
        ([other(XMPP_ADDR, "alice@fake.test")], "fake.test", "fail"),
        ([x509.DNSName("xmpp.host.example")], "fake.test", "fail"),
        ([], "fake.test", "fail"),
    ],
)
def test_names(names: list[x509.GeneralName], domain: str, status: str | None) -> None:
    found = blamed(trusted(made(names=names)), domain=domain)
    assert {check: verdict.status for check, verdict in found.items()} == (
        {} if status is None else {"tls.name": status}
    )


def test_the_subject_is_no_name() -> None:
    found = blamed(trusted(made("fake.test", names=[])))
    assert "but for: none at all" in found["tls.name"].detail


def test_a_flood_of_names() -> None:
    names: list[x509.GeneralName] = [x509.DNSName(f"n{number}.test") for number in range(1000)]
    assert "and 995 more" in blamed(trusted(made(names=names)))["tls.name"].detail


@pytest.mark.parametrize(
    ("key", "status", "value"),
    [
        (rsa.generate_private_key(65537, 2048), None, "RSA 2048"),
        (rsa.generate_private_key(65537, 1024), "fail", "RSA 1024"),
        (ec.generate_private_key(ec.SECP384R1()), None, "EC secp384r1"),
        (ec.generate_private_key(ec.SECP192R1()), "fail", "EC secp192r1"),
        (ed25519.Ed25519PrivateKey.generate(), None, "Ed25519"),
        (dsa.generate_private_key(1024), "fail", "DSA 1024"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_keys(key: Any, status: str | None, value: str) -> None:
    shown = trusted(made(key=key))
    verdicts = judge(shown, "fake.test", Limits(), service="xmpp-client", now=NOW)
    assert verdicts["tls.key"].value == value
    assert {c: v.status for c, v in blamed(shown).items()} == (
        {} if status is None else {"tls.key": status}
    )


def test_pins() -> None:
    sent = [made(issuer="fake.test")]
    pin = spki_sha256(sent[0]) or b""
    assert blamed(Shown(sent, ()), pins=[pin]) == {}
    found = blamed(Shown(sent, ()), pins=[bytes(32)])
    assert found["tls.chain"].value == "pin-mismatch"
    # with a CA file both have to hold
    assert blamed(trusted(made()), pins=[pin], both=True) == {}
    found = blamed(Shown(sent, (), refused(18)), pins=[pin], both=True)
    assert found["tls.chain"].value == "self-signed"
    found = blamed(trusted(made()), pins=[bytes(32)], both=True)
    assert found["tls.chain"].value == "pin-mismatch"


@pytest.mark.parametrize("sent", [(), (b"",), (b"rubbish",), (made()[:-40],)])
def test_what_cannot_be_read(sent: tuple[bytes, ...]) -> None:
    found = blamed(Shown(sent, ()))
    assert {check: verdict.status for check, verdict in found.items()} == {
        "tls.chain": "fail",
        "tls.name": "unknown",
        "tls.days": "unknown",
        "tls.key": "unknown",
    }


def test_rubbish_behind_a_good_one() -> None:
    assert blamed(Shown([made(), b"rubbish"], (), refused(20))).keys() == {"tls.chain"}


def test_no_certificate_is_too_much() -> None:
    good, dice = made(), random.Random(1)
    for number in range(3000):
        bad = bytearray(good)
        for _ in range(dice.randint(1, 3)):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        chain = (bytes(bad),)
        reading.read(chain[0])
        trusted = number % 2
        judge(
            Shown(chain, chain if trusted else (), None if trusted else refused(20)),
            "fake.test",
            Limits(),
            service="xmpp-client",
            now=NOW,
        )
