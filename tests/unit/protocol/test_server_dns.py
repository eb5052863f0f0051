"""What the DNS says of a domain's servers: all records, what stands behind them, what fails."""

from __future__ import annotations

import asyncio
import random
import socket
from typing import Any

import pytest

from tests.servers.dns import Fault, NameServer
from xmppctl.errors import ConnectError
from xmppctl.model.account import Account
from xmppctl.model.dns import ServiceRecord
from xmppctl.model.jid import parse
from xmppctl.protocol.server import dns
from xmppctl.session import resolve

DOMAIN = "a.test"
HOSTS: dict[str, Any] = {
    "one.a.test": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]},
    "two.a.test": {"A": ["192.0.2.2"]},
}


def srv(**sets: Any) -> dict[str, Any]:
    """A zone of a.test; ``client=["0 0 5222 one.a.test."]``, ``clients``: direct TLS."""
    names = {
        "client": "xmpp-client", "clients": "xmpps-client",
        "server": "xmpp-server", "servers": "xmpps-server",
    }  # fmt: skip
    zone = dict(HOSTS)
    for name, records in sets.items():
        found = records if isinstance(records, Fault) else {"SRV": records}
        zone[f"_{names[name]}._tcp.{DOMAIN}"] = found
    return zone


def survey(
    zone: dict[str, Any],
    domain: str = DOMAIN,
    services: tuple[str, ...] = dns.SRV_SERVICES,
    *,
    signed: str | None = None,
    seed: int = 1,
    **account: Any,
) -> list[ServiceRecord]:
    names = frozenset({signed}) if signed else frozenset[str]()
    with NameServer(zone, signed=names) as server:
        own = {"nameserver": ("127.0.0.1", server.port), **account}
        who = Account(parse(domain), **own)

        async def run() -> list[ServiceRecord]:
            rng = random.Random(seed)
            return await dns.survey(domain, dns.Lookups(who), services, rng=rng)

        return asyncio.run(run())


def places(records: list[ServiceRecord]) -> list[str]:
    return [
        f"{each.order or '-'} {each.service} {each.host}:{each.port} {each.source}"
        for each in records
    ]


def ids(record: ServiceRecord) -> set[str]:
    return {each.id for each in record.problems}


def conditions(records: list[ServiceRecord]) -> list[str | None]:
    return [each.error.condition if each.error else None for each in records]


def test_every_set_in_the_order_of_trying() -> None:
    zone = srv(
        client=["10 0 5222 one.a.test.", "0 7 5222 two.a.test."],
        clients=["5 0 5223 one.a.test."],
        server=["0 0 5269 two.a.test."],
        servers=["0 0 5270 one.a.test."],
    )
    records = survey(zone)
    assert places(records[:3]) == [
        "1 xmpp-client two.a.test:5222 srv",
        "2 xmpps-client one.a.test:5223 srv",
        "3 xmpp-client one.a.test:5222 srv",
    ]
    assert sorted(places(records[3:])) in (
        ["1 xmpp-server two.a.test:5269 srv", "2 xmpps-server one.a.test:5270 srv"],
        ["1 xmpps-server one.a.test:5270 srv", "2 xmpp-server two.a.test:5269 srv"],
    )
    first = records[0]
    assert (first.prio, first.weight, first.addresses) == (0, 7, ["192.0.2.2"])
    assert records[1].addresses == ["2001:db8::1", "192.0.2.1"]
    assert all(each.error is None for each in records)


def test_the_order_is_that_of_a_login() -> None:
    """Of one seed both draw the same."""
    hosts = [f"{n % 3} {n * 7 % 5} {5222 + n} one.a.test." for n in range(8)]
    zone = srv(client=hosts[:4], clients=hosts[4:])
    for seed in range(5):
        records = survey(zone, services=dns.CLIENT, seed=seed)
        with NameServer(zone) as server:
            who = Account(parse(DOMAIN), nameserver=("127.0.0.1", server.port))
            login = asyncio.run(resolve.targets(who, timeout=5, rng=random.Random(seed)))
        assert [(each.host, each.port) for each in records] == [
            (each.host, each.port) for each in login
        ]


def test_without_records_the_domain_itself() -> None:
    records = survey({DOMAIN: {"A": ["192.0.2.9"]}})
    assert places(records) == [
        "1 xmpp-client a.test:5222 fallback",
        "1 xmpp-server a.test:5269 fallback",
    ]
    assert [each.addresses for each in records] == [["192.0.2.9"]] * 2
    assert (records[0].prio, records[0].weight) == (None, None)


def test_a_fallback_that_only_others_take() -> None:
    zone = srv(clients=["0 0 443 one.a.test."])
    records = survey(zone | {DOMAIN: {"A": ["192.0.2.9"]}}, services=dns.CLIENT)
    assert places(records) == [
        "1 xmpps-client one.a.test:443 srv",
        "- xmpp-client a.test:5222 fallback",
    ]
    assert records[1].addresses == ["192.0.2.9"]
    lost = survey(zone, services=dns.CLIENT)[1]
    assert (lost.error, lost.addresses, ids(lost)) == (None, [], {"no-fallback"})


@pytest.mark.parametrize("sets", [{"client": ["0 0 0 ."]}, {"clients": ["0 0 0 ."]}])
def test_not_offered(sets: dict[str, Any]) -> None:
    """XEP-0368 §5: no fallback either, though only one set says so."""
    (record,) = survey(srv(**sets) | {DOMAIN: {"A": ["192.0.2.9"]}}, services=dns.CLIENT)
    assert (record.host, record.order, record.error, record.problems) == (".", None, None, [])


def test_not_offered_beside_what_is() -> None:
    zone = srv(client=["0 0 0 .", "0 0 5222 one.a.test."], clients=["0 0 0 ."])
    records = survey(zone, services=dns.CLIENT)
    assert sorted(places(records)) == [
        "- xmpp-client .:0 srv",
        "- xmpps-client .:0 srv",
        "1 xmpp-client one.a.test:5222 srv",
    ]
    dots = [ids(each) for each in records if each.host == "."]
    assert sorted(dots, key=len) == [set(), {"not-alone"}]


def test_targets_that_lead_nowhere() -> None:
    zone = srv(
        client=[
            "0 0 5222 none.a.test.", "1 0 5222 empty.a.test.", "2 0 5222 mute.a.test.",
            "3 0 5222 ill.a.test.", "4 0 5222 lost.a.test.",
        ]
    )  # fmt: skip
    zone |= {
        "empty.a.test": {"TXT": ['"x"']},
        "mute.a.test": Fault.SILENCE,
        "ill.a.test": Fault.SERVFAIL,
        "lost.a.test": {"CNAME": ["gone.a.test."]},
    }
    records = survey(zone, services=("xmpp-client",), timeout=0.3)
    assert conditions(records) == ["nxdomain", "no-address", "timeout", "servfail", "nxdomain"]
    assert [each.error and each.error.code for each in records] == [3, 3, 8, 3, 3]
    assert [each.order for each in records] == [1, 2, 3, 4, 5]
    assert records[4].cname == "gone.a.test"
    assert records[4].error is not None
    assert "alias of gone.a.test" in (records[4].error.text or "")
    for each in records:
        assert each.error is not None
        assert each.error.step == "dns"


def test_a_domain_that_does_not_exist() -> None:
    records = survey({})
    assert [each.source for each in records] == ["fallback"] * 2
    assert conditions(records) == ["nxdomain"] * 2


def test_sets_that_cannot_be_read() -> None:
    zone = srv(client=Fault.SERVFAIL, clients=["0 0 5223 one.a.test."], server=Fault.SILENCE)
    records = survey(zone, timeout=0.3)
    assert places(records) == [
        "1 xmpps-client one.a.test:5223 srv",
        "- xmpp-client None:None srv",
        "- xmpp-server None:None srv",
    ]
    assert conditions(records) == [None, "servfail", "timeout"]


def test_what_was_not_asked_for_is_not_told_but_counts() -> None:
    zone = srv(client=["10 0 5222 two.a.test."], clients=["0 0 5223 one.a.test."])
    records = survey(zone, services=("xmpp-client",))
    assert places(records) == ["2 xmpp-client two.a.test:5222 srv"]
    assert survey(srv(client=["0 0 5222 one.a.test."]), services=("xmpps-client",)) == []


def test_the_others_are_compared_with_but_not_waited_for() -> None:
    zone = srv(client=["0 0 7000 one.a.test."], server=["0 0 7000 one.a.test."])
    (record,) = survey(zone, services=dns.CLIENT)
    assert ids(record) == {"shared-port"}
    zone["_xmpps-server._tcp.a.test"] = zone["_xmpp-server._tcp.a.test"] = Fault.SILENCE
    (record,) = survey(zone, services=dns.CLIENT, timeout=60.0, connect_timeout=60.0)
    assert ids(record) == set()


def test_one_family_that_cannot_be_looked_up() -> None:
    zone = srv(client=["0 0 5222 half.a.test."])
    zone["half.a.test"] = {"A": ["192.0.2.1"], "AAAA": Fault.SERVFAIL}
    (record,) = survey(zone, services=("xmpp-client",))
    assert (record.error, record.addresses) == (None, ["192.0.2.1"])
    assert "lookup-failed" in ids(record)


def test_silence_about_one_thing_does_not_hold_up_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dns, "_PATIENCE", 0.2)
    zone = srv(client=["0 0 5222 half.a.test."])
    zone["half.a.test"] = {"A": ["192.0.2.1"], "AAAA": Fault.SILENCE}
    zone["_5222._tcp.half.a.test"] = Fault.SILENCE
    (record,) = survey(zone, services=("xmpp-client",), timeout=60.0, connect_timeout=60.0)
    assert (record.error, record.addresses, record.tlsa) == (None, ["192.0.2.1"], None)
    assert ids(record) == {"lookup-failed", "tlsa-failed"}


def test_aliases() -> None:
    zone = srv(client=["0 0 5222 www.a.test."]) | {"www.a.test": {"CNAME": ["one.a.test."]}}
    (record,) = survey(zone, services=("xmpp-client",))
    assert record.cname == "one.a.test"
    assert record.addresses == ["2001:db8::1", "192.0.2.1"]
    assert ids(record) == {"cname"}
    itself = survey({DOMAIN: {"CNAME": ["one.a.test."]}} | HOSTS, services=("xmpp-client",))
    assert (itself[0].cname, ids(itself[0])) == ("one.a.test", set())
    loop = srv(client=["0 0 5222 x.a.test."]) | {
        "x.a.test": {"CNAME": ["y.a.test."]},
        "y.a.test": {"CNAME": ["x.a.test."]},
    }
    assert conditions(survey(loop, services=("xmpp-client",))) == ["servfail"]


def test_names_that_are_no_hosts() -> None:
    zone = srv(
        client=["0 0 5222 a\\027[31m\\010b.a.test.", "1 0 0 one.a.test.", "2 0 5222 192.0.2.7."]
    )
    records = survey(zone, services=("xmpp-client",))
    by_error = {each.prio: each for each in records}
    assert conditions([by_error[0], by_error[1], by_error[2]]) == ["bad-host", "bad-host", None]
    assert "\x1b" not in (by_error[0].host or "")
    assert (by_error[2].addresses, ids(by_error[2])) == (
        ["192.0.2.7"],
        {"address-target", "no-ipv6"},
    )
    assert [by_error[n].order for n in range(3)] == [None, None, 1]


def test_zones_without_end() -> None:
    zone = srv(client=[f"{n} 0 {n} one.a.test." for n in range(1, 500)])
    zone["one.a.test"] = {"A": [f"192.0.{n // 250}.{n % 250}" for n in range(500)]}
    records = survey(zone, services=("xmpp-client",))
    assert [each.port for each in records] == list(range(1, 17))
    assert len(records[0].addresses) == 32
    assert "too-many" in ids(records[0])


def test_dnssec_and_tlsa() -> None:
    digest = "ab" * 32
    zone = srv(client=["0 0 5222 one.a.test."]) | {
        "_5222._tcp.one.a.test": {"TLSA": [f"3 1 1 {digest}"]}
    }
    (record,) = survey(zone, services=("xmpp-client",), signed=DOMAIN)
    assert (record.secure, record.tlsa, ids(record)) == (True, [f"3 1 1 {digest}"], set())
    (record,) = survey(zone, services=("xmpp-client",))
    assert (record.secure, ids(record)) == (False, {"tlsa-unsigned"})
    # the records are signed, the way to them is not
    (record,) = survey(zone, services=("xmpp-client",), signed="one.a.test")
    assert (record.secure, ids(record)) == (False, {"tlsa-unsigned"})
    zone["_5222._tcp.one.a.test"] = Fault.SERVFAIL
    (record,) = survey(zone, services=("xmpp-client",), signed=DOMAIN)
    assert (record.secure, record.tlsa, ids(record)) == (True, None, {"tlsa-failed"})


def test_a_name_server_that_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xmppctl.session.dnsclient.trusted", lambda at: False)
    zone = srv(client=["0 0 5222 one.a.test."]) | {
        "_5222._tcp.one.a.test": {"TLSA": ["3 1 1 " + "ab" * 32]}
    }
    (record,) = survey(zone, services=("xmpp-client",), signed=DOMAIN)
    assert (record.secure, ids(record), len(record.tlsa or [])) == (None, set(), 1)


def test_everything_is_asked_once_and_side_by_side() -> None:
    zone = srv(
        client=["0 0 5222 one.a.test."], clients=["0 0 5223 one.a.test."],
        server=["0 0 5269 one.a.test."],
    )  # fmt: skip
    with NameServer(zone, delay=0.3) as server:
        who = Account(parse(DOMAIN), nameserver=("127.0.0.1", server.port))

        async def run() -> float:
            loop = asyncio.get_running_loop()
            started = loop.time()
            await dns.survey(DOMAIN, dns.Lookups(who))
            return loop.time() - started

        assert asyncio.run(run()) < 1.5
        hosts = [kind for name, kind, _ in server.queries if name == "one.a.test"]
        assert sorted(hosts) == ["A", "AAAA"]


@pytest.mark.parametrize("domain", ["192.0.2.1", "2001:db8::1", "localhost"])
def test_what_the_dns_is_not_for(domain: str) -> None:
    with NameServer({"localhost": {"A": ["127.0.0.1"]}}) as server:
        who = Account(parse("a.test"), nameserver=("127.0.0.1", server.port))
        records = asyncio.run(_survey_of(domain, who))
        assert {kind for _, kind, _ in server.queries} <= {"A", "AAAA"}
    assert [each.source for each in records] == ["fallback"] * 2
    assert all(each.addresses and each.tlsa is None for each in records)


async def _survey_of(domain: str, who: Account) -> list[ServiceRecord]:
    return await dns.survey(domain, dns.Lookups(who))


@pytest.mark.parametrize("domain", ["nowhere.invalid", "hidden.onion"])
def test_what_no_name_server_is_asked_about(domain: str) -> None:
    with NameServer({}) as server:
        who = Account(parse("a.test"), nameserver=("127.0.0.1", server.port))
        records = asyncio.run(_survey_of(domain, who))
        assert server.queries == []
    assert conditions(records) == ["nxdomain"] * 2


def test_names_that_only_this_machine_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def system(host: str, *, account: Account, timeout: float) -> list[tuple[int, str]]:
        asked.append(host)
        if host == "two.a.test":
            raise ConnectError("no", step="dns", condition="nxdomain")
        return [(int(socket.AF_INET), "127.0.0.1")]

    monkeypatch.setattr(resolve, "addresses", system)
    zone = srv(client=["0 0 5222 bench.a.test.", "1 0 5222 two.a.test."])
    del zone["two.a.test"]
    with NameServer(zone) as server:
        monkeypatch.setattr(
            "xmppctl.session.dnsclient.servers", lambda: [("127.0.0.1", server.port)]
        )
        records = asyncio.run(_survey_of(DOMAIN, Account(parse(DOMAIN))))[:2]
    assert (records[0].addresses, records[0].error) == (["127.0.0.1"], None)
    assert "hosts-file" in ids(records[0])
    assert conditions(records) == [None, "nxdomain"]
    # with a name server of one's own it alone counts
    asked.clear()
    assert conditions(survey(zone, services=("xmpp-client",))) == ["nxdomain"] * 2
    assert asked == []
