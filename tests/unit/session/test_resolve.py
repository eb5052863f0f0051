"""Discovery against a DNS server in the test's own process."""

from __future__ import annotations

import asyncio
import collections
import random
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from xmppctl.errors import ConnectError, DeadlineError, UsageError
from xmppctl.model.account import Account
from xmppctl.model.jid import parse
from xmppctl.session import dnsclient, resolve
from xmppctl.session.resolve import Target

T = TypeVar("T")
V4, V6 = int(socket.AF_INET), int(socket.AF_INET6)
SERVFAIL, REFUSED = dns.rcode.SERVFAIL, dns.rcode.REFUSED
SILENT = "silent"
XMPPS, XMPP = "_xmpps-client._tcp.example.org", "_xmpp-client._tcp.example.org"

Zone = dict[tuple[str, str], Any]
"""(name, type) -> records as text, an rcode, SILENT, or bytes to send as they are. A name that has
no entry at all does not exist."""


class NameServer(asyncio.DatagramProtocol):
    """Answers from ``zone``; what it was asked stands in ``asked``."""

    def __init__(self, zone: Zone, *, truncate: bool = False) -> None:
        self.zone = zone
        self.truncate = truncate
        self.asked: list[str] = []
        self.by_tcp = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        for reply in self.replies(data):
            if self.truncate:
                reply = dns.message.make_response(dns.message.from_wire(data)).to_wire()
                reply = reply[:2] + bytes((reply[2] | 2,)) + reply[3:]
            self.transport.sendto(reply, addr)

    async def tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        self.by_tcp += 1
        for reply in self.replies(await reader.readexactly(length)):
            writer.write(struct.pack("!H", len(reply)) + reply)
        writer.close()

    def replies(self, data: bytes) -> list[bytes]:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{name} {kind}")
        entry = self.zone.get((name, kind), [])
        if entry == SILENT:
            return []
        if isinstance(entry, bytes):
            return [entry]
        reply = dns.message.make_response(query)
        if isinstance(entry, dns.rcode.Rcode):
            reply.set_rcode(entry)
        elif entry and isinstance(entry[0], tuple):
            for owner, rtype, text in entry:
                reply.answer.append(dns.rrset.from_text(f"{owner}.", 60, "IN", rtype, text))
        elif entry:
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *entry))
        elif not any(known == name for known, _ in self.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        wire = reply.to_wire()
        if self.truncate:
            return [wire]
        # before the answer comes what must not count: a refusal with another id, and garbage
        forged = bytes((wire[0] ^ 1,)) + wire[1:3] + bytes((REFUSED,)) + wire[4:]
        return [forged, b"garbage", wire]


@asynccontextmanager
async def nameserver(zone: Zone, **more: Any) -> AsyncIterator[tuple[NameServer, tuple[str, int]]]:
    server = NameServer(zone, **more)
    loop = asyncio.get_running_loop()
    async with await asyncio.start_server(server.tcp, "127.0.0.1", 0) as listener:
        address = listener.sockets[0].getsockname()
        transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=address)
        try:
            yield server, address
        finally:
            transport.close()


def account(domain: str = "example.org", **more: Any) -> Account:
    return Account(jid=parse(f"user@{domain}"), **more)


def with_dns(
    zone: Zone, call: Callable[[Account], Coroutine[Any, Any, T]], who: Account | None = None
) -> T:
    async def run() -> T:
        async with nameserver(zone) as (_, address):
            return await call(replace(who or account(), nameserver=address))

    return asyncio.run(run())


def targets(zone: Zone, *, timeout: float = 5, **more: Any) -> list[str]:
    found = with_dns(zone, lambda who: resolve.targets(who, timeout=timeout), account(**more))
    return [f"{each} {'direct' if each.direct_tls else 'starttls'} {each.source}" for each in found]


def test_both_sets_are_merged_by_priority() -> None:
    zone = {
        (XMPPS, "SRV"): ["20 0 5223 late.example.org.", "5 0 443 first.example.org."],
        (XMPP, "SRV"): ["10 0 5222 middle.example.org."],
    }
    assert targets(zone) == [
        "first.example.org:443 direct srv",
        "middle.example.org:5222 starttls srv",
        "late.example.org:5223 direct srv",
    ]
    assert targets(zone, tls="starttls") == ["middle.example.org:5222 starttls srv"]
    assert targets(zone, tls="direct")[0] == "first.example.org:443 direct srv"


@pytest.mark.parametrize("seed", range(8))
def test_equal_records_of_one_host_prefer_direct_tls(seed: int) -> None:
    records = [Target("h", 5222, False, "srv", 5, 10), Target("h", 5223, True, "srv", 5, 10)]
    ordered = resolve.order(records, random.Random(seed))
    assert [each.port for each in ordered] == [5223, 5222]


def test_weights() -> None:
    rng = random.Random(1)
    records = [
        Target("heavy", 1, True, "srv", 1, 75),
        Target("light", 1, False, "srv", 1, 25),
        Target("never first", 1, True, "srv", 1, 0),
        Target("spare", 1, True, "srv", 2, 65535),
    ]
    orders = [[each.host for each in resolve.order(records, rng)] for _ in range(2000)]
    first = collections.Counter(each[0] for each in orders)
    assert 1400 < first["heavy"] < 1600
    assert 400 < first["light"] < 600
    assert first["never first"] < 60
    assert all(each[3] == "spare" and len(each) == 4 for each in orders)


def test_no_records_means_the_domain_itself() -> None:
    zone: Zone = {("example.org", "A"): ["192.0.2.1"]}
    both = ["example.org:5222 starttls fallback", "example.org:5223 direct fallback"]
    assert targets(zone) == both
    assert targets(zone, tls="starttls") == both[:1]
    assert targets(zone, tls="direct") == both[1:]


@pytest.mark.parametrize(
    ("xmpps", "xmpp", "tls"),
    [
        (["0 0 0 ."], ["0 0 0 ."], "auto"),
        ([], ["0 0 0 ."], "auto"),
        (["0 0 0 ."], [], "auto"),
        (["0 0 0 ."], ["0 0 5222 a.example.org."], "direct"),
        (["0 0 5223 a.example.org."], ["0 0 0 ."], "starttls"),
    ],
)
def test_service_not_offered(xmpps: list[str], xmpp: list[str], tls: str) -> None:
    with pytest.raises(ConnectError) as caught:
        targets({(XMPPS, "SRV"): xmpps, (XMPP, "SRV"): xmpp}, tls=tls)
    assert (caught.value.step, caught.value.condition) == ("dns", "service-not-offered")


def test_one_kind_not_offered() -> None:
    zone = {(XMPPS, "SRV"): ["0 0 0 ."], (XMPP, "SRV"): ["0 0 5222 a.example.org."]}
    assert targets(zone) == ["a.example.org:5222 starttls srv"]
    del zone[XMPP, "SRV"]  # XEP-0368 §5: no fallback to the domain's own addresses
    with pytest.raises(ConnectError, match="offers no XMPP service"):
        targets(zone)


def test_names_that_are_no_host_names_are_dropped() -> None:
    zone = {(XMPP, "SRV"): ["0 0 5222 a\\010b.example.org.", "1 0 5222 good.example.org."]}
    assert targets(zone) == ["good.example.org:5222 starttls srv"]


def test_a_zone_without_end_is_cut() -> None:
    zone = {(XMPP, "SRV"): [f"0 0 {port} h.example.org." for port in range(1, 200)]}

    async def ask(who: Account) -> list[Target]:
        return await resolve.targets(who, timeout=5)

    assert len(with_dns(zone, ask)) == 16


def test_thousands_of_records_cost_no_time() -> None:
    many = [Target(f"h{n}", n, False, "srv", 9 - n % 10, n % 100) for n in range(1, 5001)]
    ordered = resolve.order(many, random.Random(1))
    assert len(ordered) == 64
    assert {each.priority for each in ordered} == {0}


def test_aliases_are_told() -> None:
    chain = [
        ("a.example.org", "CNAME", "b.example.org."),
        ("b.example.org", "CNAME", "c.example.org."),
        ("c.example.org", "A", "192.0.2.1"),
    ]
    asked = ask_for({("a.example.org", "A"): chain})
    assert ([each.address for each in asked.records], asked.alias) == (
        ["192.0.2.1"],
        "c.example.org",
    )
    assert ask_for({("a.example.org", "A"): ["192.0.2.1"]}).alias is None
    loop = [(f"{one}.example.org", "CNAME", f"{two}.example.org.") for one, two in ("ab", "ba")]
    with pytest.raises(ConnectError) as caught:
        ask_for({("a.example.org", "A"): loop})
    assert caught.value.condition == "servfail"


def test_a_name_that_is_too_long_for_the_dns_has_nothing() -> None:
    label = "x" * 63
    asked = ask_for({}, ".".join([label, label, label, label[:60], "org"]))
    assert (asked.exists, asked.records) == (False, ())


def ask_for(zone: Zone, name: str = "a.example.org") -> dnsclient.Answer:
    async def run(who: Account) -> dnsclient.Answer:
        assert who.nameserver is not None
        return await dnsclient.ask(name, dnsclient.A, [who.nameserver], timeout=5)

    return with_dns(zone, run)


def test_servfail() -> None:
    for failure in (SERVFAIL, REFUSED):
        with pytest.raises(ConnectError) as caught:
            targets({(XMPPS, "SRV"): failure, (XMPP, "SRV"): failure})
        assert (caught.value.step, caught.value.condition) == ("dns", "servfail")
        assert dns.rcode.to_text(failure) in caught.value.text
        assert "127.0.0.1 port" in caught.value.text


def test_one_set_that_fails_does_not_spoil_the_other() -> None:
    zone = {(XMPPS, "SRV"): SERVFAIL, (XMPP, "SRV"): ["0 0 5222 a.example.org."]}
    assert targets(zone) == ["a.example.org:5222 starttls srv"]


def test_one_set_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "_SRV_GRACE", 0.02)
    zone = {(XMPPS, "SRV"): SILENT, (XMPP, "SRV"): ["0 0 5222 a.example.org."]}
    assert targets(zone, timeout=60) == ["a.example.org:5222 starttls srv"]


def test_silence_names_the_server() -> None:
    with pytest.raises(DeadlineError) as caught:
        targets({(XMPPS, "SRV"): SILENT, (XMPP, "SRV"): SILENT}, timeout=0.05)
    assert (caught.value.step, caught.value.condition) == ("dns", "timeout")
    assert "127.0.0.1 port" in caught.value.text


def test_next_server_is_asked_when_one_is_dead_or_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> list[dnsclient.Answer]:
        zone: Zone = {("a.example.org", "A"): ["192.0.2.7"]}
        silent: Zone = {("a.example.org", "A"): SILENT}
        async with nameserver(zone) as (_, good), nameserver(silent) as (_, mute):
            with socket.socket(type=socket.SOCK_DGRAM) as closed:
                closed.bind(("127.0.0.1", 0))
                dead = closed.getsockname()
            monkeypatch.setattr(dnsclient, "_STAGGER", 60.0)
            answers = [await dnsclient.ask("a.example.org", dnsclient.A, [dead, good], timeout=5)]
            monkeypatch.setattr(dnsclient, "_STAGGER", 0.01)
            return [
                *answers,
                await dnsclient.ask("a.example.org", dnsclient.A, [mute, good], timeout=5),
            ]

    for answer in asyncio.run(run()):
        assert [record.address for record in answer.records] == ["192.0.2.7"]


def test_truncated_answers_come_by_tcp() -> None:
    async def run() -> tuple[dnsclient.Answer, int]:
        zone: Zone = {("a.example.org", "A"): [f"192.0.2.{last}" for last in range(1, 100)]}
        async with nameserver(zone, truncate=True) as (server, address):
            answer = await dnsclient.ask("a.example.org", dnsclient.A, [address], timeout=5)
            return answer, server.by_tcp

    answer, by_tcp = asyncio.run(run())
    assert len(answer.records) == 99
    assert by_tcp == 1


def test_aliases_are_followed() -> None:
    zone: Zone = {
        ("www.example.org", "A"): [
            ("www.example.org", "CNAME", "b.example.org."),
            ("b.example.org", "A", "192.0.2.9"),
        ],
        ("loop.example.org", "A"): [
            ("loop.example.org", "CNAME", "loop.example.org."),
        ],
    }

    def lookup(name: str) -> list[tuple[int, str]]:
        return with_dns(zone, lambda who: resolve.addresses(name, account=who, timeout=5))

    assert lookup("www.example.org") == [(V4, "192.0.2.9")]
    with pytest.raises(ConnectError) as caught:
        lookup("loop.example.org")
    assert caught.value.condition == "servfail"


def test_addresses_of_both_families() -> None:
    zone: Zone = {("h.example.org", "A"): ["192.0.2.1"], ("h.example.org", "AAAA"): ["2001:db8::1"]}
    found = with_dns(zone, lambda who: resolve.addresses("h.example.org", account=who, timeout=5))
    assert found == [(V6, "2001:db8::1"), (V4, "192.0.2.1")]


def test_one_family_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "_ADDRESS_GRACE", 0.02)
    others: list[Any] = [SERVFAIL, SILENT, []]
    for other in others:
        zone: Zone = {("h.example.org", "A"): ["192.0.2.1"], ("h.example.org", "AAAA"): other}
        found = with_dns(
            zone, lambda who: resolve.addresses("h.example.org", account=who, timeout=60)
        )
        assert found == [(V4, "192.0.2.1")]


@pytest.mark.parametrize(
    ("zone", "condition"),
    [
        ({}, "nxdomain"),
        ({("example.org", "TXT"): ["x"]}, "no-address"),
        ({("example.org", "A"): SERVFAIL, ("example.org", "AAAA"): SERVFAIL}, "servfail"),
    ],
)
def test_no_address(zone: Zone, condition: str) -> None:
    async def run(who: Account) -> list[resolve.Candidate]:
        found = await resolve.targets(who, timeout=5)
        return await resolve.flatten(found, who, timeout=5)

    with pytest.raises(ConnectError) as caught:
        with_dns(zone, run)
    assert (caught.value.step, caught.value.condition) == ("dns", condition)
    assert "--connect" in (caught.value.hint or "")


def test_flatten_keeps_the_order_and_leaves_out_the_lost() -> None:
    zone: Zone = {
        ("a.example.org", "A"): ["192.0.2.1", "192.0.2.2"],
        ("b.example.org", "AAAA"): ["2001:db8::1"],
    }
    hosts = ("b.example.org", "nowhere.example.org", "a.example.org", "b.example.org")
    given = [Target(host, 5000 + number, False, "srv") for number, host in enumerate(hosts)]
    found = with_dns(zone, lambda who: resolve.flatten(given, who, timeout=5))
    assert sorted({ip for _, _, ip in found[1:3]}) == ["192.0.2.1", "192.0.2.2"]
    assert [(target.port, family) for target, family, _ in found] == [
        (5000, V6),
        (5002, V4),
        (5002, V4),
        (5003, V6),
    ]


def test_special_names_are_not_asked_for() -> None:
    async def run(domain: str) -> tuple[list[Target], list[str]]:
        async with nameserver({}) as (server, address):
            found = await resolve.targets(account(domain, nameserver=address), timeout=5)
            return found, server.asked

    for domain, host in (("127.0.0.1", "127.0.0.1"), ("[::1]", "::1"), ("localhost", "localhost")):
        found, asked = asyncio.run(run(domain))
        assert [each.host for each in found] == [host, host]
        assert asked == []
    with pytest.raises(ConnectError) as caught:
        asyncio.run(run("no.such.host.invalid"))
    assert caught.value.condition == "nxdomain"
    with pytest.raises(ConnectError):
        asyncio.run(resolve.addresses("x.invalid", account=account(), timeout=5))


@pytest.mark.parametrize(
    ("port", "tls", "kinds"),
    [
        (5222, "auto", [False, True]),
        (5223, "auto", [True, False]),
        (443, "auto", [True, False]),
        (5223, "starttls", [False]),
        (5222, "direct", [True]),
    ],
)
def test_connect_is_taken_as_it_is(port: int, tls: str, kinds: list[bool]) -> None:
    who = account(connect=("xmpp.example.net", port), tls=tls, nameserver=("192.0.2.1", 53))
    found = asyncio.run(resolve.targets(who, timeout=5))
    assert found == [Target("xmpp.example.net", port, direct, "connect") for direct in kinds]


def test_connect_hosts() -> None:
    def host(name: str) -> str:
        return asyncio.run(resolve.targets(account(connect=(name, 5222)), timeout=5))[0].host

    assert host("[2001:db8::1]") == "2001:db8::1"
    assert host("b\u00fccher.example") == "xn--bcher-kva.example"
    for bad in ("", "a b", "a\n", "x" * 70, "\u2603" * 64):
        with pytest.raises(UsageError):
            host(bad)


def test_addresses_as_text_need_no_resolver() -> None:
    for ip, family in (("192.0.2.1", V4), ("2001:db8::1", V6)):
        found = asyncio.run(resolve.addresses(ip, account=account(), timeout=5))
        assert found == [(family, ip)]


def system(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Any]) -> None:
    """Let the system's resolver give ``answer``; numeric addresses go on as they are."""
    real = socket.getaddrinfo

    def getaddrinfo(*args: Any, **named: Any) -> Any:
        numeric = named.get("flags", 0) & socket.AI_NUMERICHOST
        return real(*args, **named) if numeric else answer()

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def by_system(host: str = "h.example.org", timeout: float = 5) -> list[tuple[int, str]]:
    return asyncio.run(resolve.addresses(host, account=account(), timeout=timeout))


def test_system_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        (socket.AF_INET6, 1, 6, "", ("fe80::1", 0, 0, 2)),
        (socket.AF_INET, 1, 6, "", ("192.0.2.1", 0)),
        (socket.AF_INET, 1, 6, "", ("192.0.2.1", 0)),
    ]
    system(monkeypatch, lambda: entries)
    assert by_system() == [(V6, "fe80::1%2"), (V4, "192.0.2.1")]


@pytest.mark.parametrize(
    ("number", "condition"), [("EAI_NONAME", "nxdomain"), ("EAI_NODATA", "no-address")]
)
def test_system_resolver_says_no(
    monkeypatch: pytest.MonkeyPatch, number: str, condition: str
) -> None:
    def fail() -> None:
        raise socket.gaierror(getattr(socket, number), "no")

    system(monkeypatch, fail)
    with pytest.raises(ConnectError) as caught:
        by_system()
    assert caught.value.condition == condition


@pytest.mark.parametrize(
    ("entry", "condition"), [(SERVFAIL, "servfail"), (SILENT, "timeout"), (["192.0.2.4"], None)]
)
def test_temporary_failure_is_looked_into(
    monkeypatch: pytest.MonkeyPatch, entry: Any, condition: str | None
) -> None:
    def fail() -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "temporary failure")

    system(monkeypatch, fail)

    async def run() -> list[tuple[int, str]]:
        zone = {("h.example.org", "A"): entry, ("h.example.org", "AAAA"): entry}
        if condition is None:
            zone["h.example.org", "AAAA"] = []
        async with nameserver(zone) as (_, address):
            monkeypatch.setattr(dnsclient, "servers", lambda: [address])
            return await resolve.addresses("h.example.org", account=account(), timeout=0.3)

    if condition is None:
        assert asyncio.run(run()) == [(V4, "192.0.2.4")]
    else:
        with pytest.raises((ConnectError, DeadlineError)) as caught:
            asyncio.run(run())
        assert caught.value.condition == condition


def test_system_resolver_that_hangs_is_a_timeout_and_holds_nobody_back() -> None:
    code = """
import asyncio, socket, threading
from xmppctl.errors import DeadlineError
from xmppctl.model.account import Account
from xmppctl.model.jid import parse
from xmppctl.session import resolve
socket.getaddrinfo = lambda *args, **named: threading.Event().wait()
account = Account(jid=parse("a@b"))
try:
    asyncio.run(resolve.addresses("h.example.org", account=account, timeout=0.05))
except DeadlineError as error:
    print(error.step)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "dns\n"


def test_name_servers_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text(
        "# nameserver 192.0.2.9\nsearch example.org\nnameserver 192.0.2.1\n"
        "nameserver\t2001:db8::53  # comment\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n"
    )
    monkeypatch.setattr(dnsclient, "RESOLV_CONF", path)
    assert dnsclient.servers() == [("192.0.2.1", 53), ("2001:db8::53", 53), ("192.0.2.3", 53)]
    path.unlink()
    assert dnsclient.servers() == [("127.0.0.1", 53)]


def test_importing_loads_no_dnspython() -> None:
    code = "import sys; from xmppctl.session import resolve, dial; sys.exit('dns' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
