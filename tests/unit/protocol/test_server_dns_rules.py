"""What is wrong with the records of a domain, and what only looks so."""

from __future__ import annotations

import pytest

from xmppctl.model.dns import Service, ServiceRecord
from xmppctl.protocol.server import dnsrules


def record(
    service: Service = "xmpp-client",
    port: int = 5222,
    host: str = "h.test",
    addresses: tuple[str, ...] = ("192.0.2.1", "2001:db8::1"),
    cname: str | None = None,
) -> ServiceRecord:
    return ServiceRecord(service, host, port, 0, 0, 1, list(addresses), cname)


def problems(*records: ServiceRecord) -> list[set[str]]:
    return [{each.id for each in one.problems} for one in dnsrules.judge(records, records)]


def set_problems(*records: ServiceRecord, count: int | None = None) -> list[set[str]]:
    of_set = dnsrules.of_set(list(records), count or len(records))
    return [{each.id for each in one.problems} for one in of_set]


@pytest.mark.parametrize(
    ("service", "port", "problem"),
    [
        ("xmpp-client", 5222, None),
        ("xmpps-client", 5223, None),
        ("xmpps-client", 443, None),
        ("xmpp-client", 443, None),
        ("xmpp-server", 5269, None),
        ("xmpps-server", 5270, None),
        ("xmpp-client", 5269, "swapped-port"),
        ("xmpps-client", 5270, "swapped-port"),
        ("xmpps-client", 5269, "swapped-port"),
        ("xmpp-server", 5222, "swapped-port"),
        ("xmpps-server", 5223, "swapped-port"),
        ("xmpp-client", 5223, "tls-port"),
        ("xmpps-client", 5222, "tls-port"),
        ("xmpp-server", 5270, "tls-port"),
        ("xmpps-server", 5269, "tls-port"),
    ],
)
def test_ports(service: Service, port: int, problem: str | None) -> None:
    assert problems(record(service, port)) == [{problem} if problem else set()]


def test_a_port_that_is_said_to_be_for_both() -> None:
    assert problems(record("xmpp-client", 7000), record("xmpp-server", 7000, "H.test.")) == [
        {"shared-port"},
        {"shared-port"},
    ]
    other = record("xmpp-server", 7000, "else.test")
    assert problems(record("xmpp-client", 7000), other) == [set(), set()]
    # whose it is by custom is not in doubt
    assert problems(record("xmpp-client", 5222), record("xmpp-server", 5222)) == [
        set(),
        {"swapped-port"},
    ]
    # ALPN tells them apart
    assert problems(record("xmpps-client", 443), record("xmpps-server", 443)) == [set(), set()]
    assert problems(record("xmpp-client", 443), record("xmpps-server", 443)) == [
        {"shared-port"},
        {"shared-port"},
    ]


def test_the_other_role_counts_though_it_was_not_asked_for() -> None:
    client, server = record("xmpp-client", 7000), record("xmpp-server", 7000)
    (judged,) = dnsrules.judge([client], [client, server])
    assert [each.id for each in judged.problems] == ["shared-port"]


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (("192.0.2.1", "2001:db8::1"), set()),
        (("192.0.2.1",), {"no-ipv6"}),
        (("2001:db8::1",), {"no-ipv4"}),
        (("192.0.2.1", "2001:db8::1", "10.1.2.3"), {"private-address"}),
        (("192.0.2.1", "fd00::1"), {"private-address", "no-ipv6"}),
        (("127.0.0.1",), {"private-address", "no-ipv6"}),
        (("0.0.0.0", "::"), {"unusable-address"}),
        ((), set()),
    ],
)
def test_addresses(addresses: tuple[str, ...], expected: set[str]) -> None:
    assert problems(record(addresses=addresses)) == [expected]


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("198.51.100.1", "public"),
        ("8.8.8.8", "public"),
        ("2606:4700::1", "public"),
        ("64:ff9b::c000:201", "public"),
        ("10.255.0.1", "private"),
        ("172.31.0.1", "private"),
        ("172.32.0.1", "public"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("fd12::1", "private"),
        ("127.1.2.3", "loopback"),
        ("::1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("169.254.1.1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("0.0.0.0", "unusable"),
        ("224.0.0.1", "unusable"),
        ("240.0.0.1", "unusable"),
        ("ff02::1", "unusable"),
    ],
)
def test_kinds(address: str, kind: str) -> None:
    assert dnsrules.kind(address) == kind


def test_targets() -> None:
    assert problems(record(cname="other.test")) == [{"cname"}]
    assert problems(record(host="192.0.2.1")) == [{"address-target"}]
    fallback = ServiceRecord(
        "xmpp-client", "h.test", 5222, addresses=["192.0.2.1"], cname="x.test", source="fallback"
    )
    assert problems(fallback) == [{"no-ipv6"}]


def test_sets() -> None:
    assert set_problems(record(), record(host="other.test")) == [set(), set()]
    assert set_problems(record(), record(host="H.TEST")) == [set(), {"duplicate"}]
    assert set_problems(record(), record(port=443)) == [set(), {"same-host"}]
    assert set_problems(record(), count=40) == [{"too-many"}]
    assert set_problems(record(host=".", port=0)) == [set()]
    assert set_problems(record(host=".", port=0), record()) == [{"not-alone"}, set()]
