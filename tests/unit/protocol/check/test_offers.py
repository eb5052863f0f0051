"""What stream features are worth, by the examples of the specifications and by hostile ones."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from xmppctl.protocol.check import offers
from xmppctl.session.xml import parse

SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>{}</starttls>"
# XEP-0388, XEP-0386 and XEP-0484, as one
SASL2 = (
    "<authentication xmlns='urn:xmpp:sasl:2'><mechanism>SCRAM-SHA-1</mechanism><inline>"
    "<bind xmlns='urn:xmpp:bind:0'><inline><feature var='urn:xmpp:carbons:2'/></inline></bind>"
    "<fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-UNIQ</mechanism></fast></inline>"
    "</authentication>"
)


def mechanisms(*names: str) -> str:
    inside = "".join(f"<mechanism>{name}</mechanism>" for name in names)
    return f"<mechanisms xmlns='{SASL}'>{inside}</mechanisms>"


def bindings(*types: str) -> str:
    inside = "".join(f"<channel-binding type='{each}'/>" for each in types)
    return f"<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>{inside}</sasl-channel-binding>"


def features(*inside: str) -> Element:
    ns = "http://etherx.jabber.org/streams"
    return parse(f"<stream:features xmlns:stream='{ns}'>{''.join(inside)}</stream:features>")


@pytest.mark.parametrize(
    ("inside", "shown"),
    [
        (mechanisms("PLAIN"), "PLAIN"),
        (mechanisms("SCRAM-SHA-1", "PLAIN"), "SCRAM-SHA-1 PLAIN"),
        (SASL2, "SCRAM-SHA-1"),
        ("<auth xmlns='http://jabber.org/features/iq-auth'/>", "iq-auth"),
    ],
)
def test_a_login_before_tls(inside: str, shown: str) -> None:
    verdict = offers.cleartext(features(STARTTLS.format(""), inside))
    assert (verdict.status, verdict.value) == ("fail", shown)
    assert verdict.advice


def test_no_login_before_tls() -> None:
    assert offers.cleartext(features(STARTTLS.format("<required/>"))).status == "ok"
    assert offers.cleartext(features(mechanisms())).status == "ok"


def test_starttls_is_required_of_clients() -> None:
    required, optional = (features(STARTTLS.format(each)) for each in ("<required/>", ""))
    assert offers.starttls(required, server=False)[:3:2] == ("ok", "required")
    assert offers.starttls(optional, server=False)[:3:2] == ("warn", "optional")
    assert offers.starttls(required, server=True)[:3:2] == ("ok", "required")
    assert offers.starttls(optional, server=True)[:3:2] == ("ok", "optional")


def test_from_whom_the_stream_is() -> None:
    found = features(mechanisms("PLAIN"), "<register xmlns='x'/>")
    told = offers.features(found, {"from": "Fake.test"}, "fake.test")
    assert told[:2] == ("ok", "2 features: mechanisms register")
    assert offers.features(found, {}, "fake.test").status == "ok"
    told = offers.features(features(), {"from": "other.test"}, "fake.test")
    assert told[:2] == ("warn", "the stream says that it is from other.test; no features at all")


def test_limits() -> None:
    # XEP-0478 §2
    limits = "<limits xmlns='urn:xmpp:stream-limits:0'>{}</limits>"
    told = "<max-bytes>10000</max-bytes><idle-seconds> 30 </idle-seconds>"
    verdict = offers.features(features(limits.format(told)), {}, "fake.test")
    assert verdict.detail == "1 feature: limits; at most 10000 bytes in a stanza; 30 s of silence"
    for odd in (
        "",
        "<max-bytes/>",
        "<max-bytes>many</max-bytes>",
        f"<max-bytes>{'9' * 99}</max-bytes>",
    ):
        verdict = offers.features(features(limits.format(odd)), {}, "fake.test")
        assert verdict.detail == "1 feature: limits"


@pytest.mark.parametrize(
    ("names", "status"),
    [
        (("SCRAM-SHA-1", "PLAIN"), "ok"),
        (("PLAIN", "EXTERNAL"), "ok"),
        (("ANONYMOUS",), "ok"),
        (("PLAIN",), "warn"),
        (("PLAIN", "DIGEST-MD5"), "warn"),
        (("DIGEST-MD5",), "warn"),
        (("X-ODD",), "fail"),
        ((), "fail"),
    ],
)
def test_mechanisms(names: tuple[str, ...], status: str) -> None:
    verdict = offers.mechanisms(features(mechanisms(*names)))
    assert (verdict.status, verdict.value) == (status, " ".join(names) or None)
    assert verdict.detail
    assert status == "ok" or verdict.advice


def test_mechanisms_of_sasl2_alone() -> None:
    assert offers.mechanisms(features(SASL2)).value == "SCRAM-SHA-1"


@pytest.mark.parametrize(
    ("inside", "version", "status", "value"),
    [
        (mechanisms("SCRAM-SHA-1"), "TLSv1.3", "ok", "none"),
        (mechanisms("SCRAM-SHA-1") + bindings("tls-exporter"), "TLSv1.3", "ok", "none"),
        (mechanisms("SCRAM-SHA-1-PLUS"), "TLSv1.3", "ok", "untold"),
        (mechanisms("SCRAM-SHA-1-PLUS") + bindings("tls-exporter", "tls-server-end-point"),
         "TLSv1.3", "ok", "tls-exporter tls-server-end-point"),
        (mechanisms("SCRAM-SHA-1-PLUS") + bindings("tls-unique"), "TLSv1.3", "warn", "tls-unique"),
        (mechanisms("SCRAM-SHA-1-PLUS") + bindings("tls-unique"), "TLSv1.2", "ok", "tls-unique"),
        (mechanisms("SCRAM-SHA-1-PLUS") + bindings("tls-unique"), None, "ok", "tls-unique"),
    ],
)  # fmt: skip
def test_channel_binding(inside: str, version: str | None, status: str, value: str) -> None:
    verdict = offers.binding(features(inside), version)
    assert (verdict.status, verdict.value) == (status, value)


def test_sasl2() -> None:
    assert offers.sasl2(features(SASL2)).value == "SASL2 Bind2 FAST"
    assert offers.sasl2(features(mechanisms("PLAIN"))).value == "none"


def test_a_flood_of_names_is_cut() -> None:
    verdict = offers.mechanisms(features(mechanisms(*(f"SCRAM-{n}" for n in range(1000)))))
    assert str(verdict.value).endswith("and 976 more")
    assert len(str(verdict.value)) < 400
