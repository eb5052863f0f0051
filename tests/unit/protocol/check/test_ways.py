"""A way in with one defect: the check that names it, and no other."""

from __future__ import annotations

import asyncio
import socket
import ssl
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.peers.stream import TLS
from tests.servers.ca import Authority, Certificate
from tests.servers.fake import FakeConnection, FakeServer
from tests.unit.protocol.check.looking import (
    ADVERTISED,
    DOMAIN,
    LOGIN,
    Script,
    account,
    blamed,
    context,
    mechanisms,
    serving,
)
from xmppctl.errors import ConnectError
from xmppctl.model.check import Finding
from xmppctl.model.dns import Way
from xmppctl.model.jid import parse as jid
from xmppctl.protocol.check import dns
from xmppctl.protocol.check.context import Limits
from xmppctl.protocol.check.register import Registration
from xmppctl.protocol.check.waychecks import CHECKS, applicable
from xmppctl.protocol.check.ways import Door
from xmppctl.session import probe
from xmppctl.session.probe import Slots
from xmppctl.session.trace import Trace

# a socket that the fake server leaves to the collector tells nothing of the probe
pytestmark = pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """What was handed on to the check of TLSA records: target, certificates sent and verified."""
    calls: list[tuple[str, int, int]] = []

    def certificate(
        context: object, way: Way, target: str, sent: Sequence[bytes], verified: Sequence[bytes]
    ) -> None:
        calls.append((target, len(sent), len(verified)))

    monkeypatch.setattr(dns, "certificate", certificate)
    return calls


@pytest.fixture(autouse=True)
def ports(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool | None, bool]]:
    """What was handed on to the check of ports: target, foreign, opened."""
    calls: list[tuple[str, bool | None, bool]] = []

    def port(context: object, way: Way, target: str, foreign: Any, *, opened: bool = True) -> None:
        calls.append((target, foreign, opened))

    monkeypatch.setattr(dns, "port", port)
    return calls


def looked(
    authority: Authority,
    address: tuple[str, int],
    service: str = "xmpp-client",
    *wanted: str,
    guess: bool = False,
    limits: Limits | None = None,
    source: str = "connect",
    **more: Any,
) -> list[Finding]:
    """What is found at an address."""
    host, port = address
    way = Way(service, host, port, service.startswith("xmpps"), (host,), source)

    async def look() -> list[Finding]:
        made, found = context(
            account(**{"ca_file": authority.ca_file, **more}), *wanted, limits=limits
        )
        registration = Registration(made)
        await Door(made, way, host, Slots(), registration, Trace(), guess=guess).look()
        registration.over()
        return found

    return asyncio.run(look())


def of(
    authority: Authority,
    script: Script,
    certificate: Certificate | None = None,
    service: str = "xmpp-client",
    *wanted: str,
    **more: Any,
) -> list[Finding]:
    """What is found at a server that does what ``script`` says."""
    certificate = certificate or authority.issue(DOMAIN)
    tls = "direct" if service.startswith("xmpps") else "starttls"
    with FakeServer(DOMAIN, certificate, script, tls=tls) as server:  # type: ignore[arg-type]
        return looked(authority, server.address, service, *wanted, **more)


@pytest.mark.parametrize("service", ["xmpp-client", "xmpps-client", "xmpp-server", "xmpps-server"])
def test_a_server_that_is_well(
    authority: Authority, shown: list[tuple[str, int, int]], service: str
) -> None:
    client = service.endswith("client")
    found = of(authority, serving(server=not client), service=service)
    assert blamed(found) == ({} if client else {"register.open": "unknown"})
    told = [each.check for each in found if each.check != "register.open"]
    way = Way(service, "h", 1, service.startswith("xmpps"), (), "srv")
    assert sorted(told) == sorted(applicable(way))
    by_check = {each.check: each for each in found}
    assert by_check["tls.versions"].value == "1.2 1.3"
    assert by_check["tls.ciphers"].value == "TLS_AES_256_GCM_SHA384"
    assert by_check["tcp.connect"].unit == by_check["stream.features"].unit == "ms"
    assert by_check["tls.days"].target.startswith(f"{service} 127.0.0.1:")
    if client:
        assert by_check["sasl.mechanisms"].value == "SCRAM-SHA-256 PLAIN"
        assert (by_check["register.open"].target, by_check["register.open"].value) == (
            DOMAIN,
            "closed",
        )
    assert shown == [(by_check["tls.days"].target, 2, 2)]


def test_applicable() -> None:
    assert set(CHECKS) - set(applicable(Way("xmpps-client", "h", 1, True, (), "srv"))) == {
        "tls.starttls",
        "sasl.cleartext",
    }
    left = set(CHECKS) - set(applicable(Way("xmpp-server", "h", 1, False, (), "srv")))
    assert left == {"sasl.cleartext", "sasl.mechanisms", "sasl.binding", "sasl.sasl2"}


@pytest.mark.parametrize("service", ["xmpp-client", "xmpps-client"])
@pytest.mark.parametrize(
    ("make", "check", "verified"),
    [
        (Authority.expired, "tls.days", 2),
        (Authority.wrong_name, "tls.name", 2),
        (Authority.self_signed, "tls.chain", 0),
        (Authority.untrusted, "tls.chain", 0),
    ],
)
def test_a_bad_certificate(
    authority: Authority,
    shown: list[tuple[str, int, int]],
    make: Any,
    check: str,
    verified: int,
    service: str,
) -> None:
    found = of(authority, serving(), make(authority, DOMAIN), service)
    assert blamed(found) == {check: "fail"}
    assert shown[0][2] == verified
    days = next(each.value for each in found if each.check == "tls.days")
    assert isinstance(days, float)
    assert (days < 0) == (check == "tls.days")


def test_pins(authority: Authority) -> None:
    bad = authority.self_signed(DOMAIN)
    pin = bytes.fromhex(bad.pin)
    assert blamed(of(authority, serving(), bad, pins=(pin,), ca_file=None)) == {}
    found = of(authority, serving(), bad, pins=(bytes(32),), ca_file=None)
    assert blamed(found) == {"tls.chain": "fail"}
    found = of(authority, serving(), pins=(bytes(32),))
    assert blamed(found) == {"tls.chain": "fail"}


class OldTls(Certificate):
    def server_context(self) -> ssl.SSLContext:
        made = super().server_context()
        made.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            made.minimum_version = ssl.TLSVersion.TLSv1
            made.maximum_version = ssl.TLSVersion.TLSv1_1
        return made


@pytest.mark.parametrize("service", ["xmpp-client", "xmpps-server"])
def test_old_tls_alone(authority: Authority, service: str) -> None:
    good = authority.issue(DOMAIN)
    found = of(authority, serving(), OldTls(good.chain, good.key, good.bundle), service)
    told = blamed(found)
    assert told.pop("tls.versions") == "fail"
    assert set(told.values()) == {"unknown"}
    by_check = {each.check: each for each in found}
    assert by_check["tls.versions"].value == "1.0 1.1"
    assert by_check["tls.handshake"].detail == "not tested: tls.versions failed"
    assert by_check["tls.chain"].detail == "not tested: tls.versions failed"


class OddTls(Certificate):
    def server_context(self) -> ssl.SSLContext:
        made = super().server_context()
        made.maximum_version = ssl.TLSVersion.TLSv1_2
        made.set_ciphers("ADH:AECDH:@SECLEVEL=0")
        return made


def test_no_cipher_suite_in_common(authority: Authority) -> None:
    good = authority.issue(DOMAIN)
    found = of(authority, serving(), OddTls(good.chain, good.key, good.bundle))
    told = blamed(found)
    assert told["tls.handshake"] == told["tls.ciphers"] == "fail"
    assert set(told.values()) == {"fail", "unknown"}
    by_check = {each.check: each for each in found}
    assert "anonymous" in by_check["tls.ciphers"].detail
    assert by_check["tls.versions"].detail == "no version of TLS could be agreed on"


# --- before TLS


async def without_starttls(conn: FakeConnection) -> None:
    await conn.stream_features("")
    await conn.until_closed()


async def clear_login(conn: FakeConnection) -> None:
    await conn.stream_features(f"<starttls xmlns='{TLS}'/>{mechanisms('PLAIN')}")
    await conn.expect(f"{{{TLS}}}starttls")
    conn.send(f"<proceed xmlns='{TLS}'/>")
    await conn.handshake()
    await conn.stream_features(LOGIN)
    conn.error(await conn.recv(), "service-unavailable")
    await conn.until_closed()


async def refuses_starttls(conn: FakeConnection) -> None:
    await conn.starttls(proceed=False)


async def silent(conn: FakeConnection) -> None:
    await conn._reader.read()  # whatever it is, until the end


async def elsewhere(conn: FakeConnection) -> None:
    await conn.header()
    conn.send_header()
    conn.stream_error("host-unknown")


async def for_servers(conn: FakeConnection) -> None:
    await conn.header()
    conn.send_header()
    conn.stream_error("invalid-namespace")


async def no_xml(conn: FakeConnection) -> None:
    conn.send("SSH-2.0-OpenSSH_9.2\r\n")
    await asyncio.sleep(0.2)


async def bomb(conn: FakeConnection) -> None:
    await conn.header()
    conn.send("<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><stream:stream>")
    await conn.until_closed()


async def injected(conn: FakeConnection) -> None:
    await conn.stream_features(f"<starttls xmlns='{TLS}'><required/></starttls>")
    await conn.expect(f"{{{TLS}}}starttls")
    conn.send(f"<proceed xmlns='{TLS}'/><message/>")
    await conn.until_closed()


@pytest.mark.parametrize(
    ("script", "check", "words"),
    [
        (without_starttls, "tls.starttls", "STARTTLS is not offered"),
        (refuses_starttls, "tls.starttls", "refused to begin TLS"),
        (elsewhere, "stream.features", "does not serve this domain"),
        (for_servers, "stream.features", "the port is for servers, and not for clients"),
        (no_xml, "stream.features", "does not speak XMPP as it should"),
        (bomb, "stream.features", "does not speak XMPP as it should"),
        (injected, "tls.handshake", "sent data in clear where TLS has to begin"),
    ],
)
def test_the_step_that_fails(authority: Authority, script: Script, check: str, words: str) -> None:
    found = of(authority, script)
    told = blamed(found)
    assert told.pop(check) == "fail"
    assert set(told.values()) == {"unknown"}
    by_check = {each.check: each for each in found}
    assert words in by_check[check].detail
    assert by_check["tls.chain"].detail == f"not tested: {check} failed"


def test_a_login_before_tls(authority: Authority) -> None:
    assert blamed(of(authority, clear_login)) == {
        "sasl.cleartext": "fail",
        "tls.starttls": "warn",
    }


@pytest.mark.parametrize(
    ("service", "check"), [("xmpp-client", "stream.features"), ("xmpps-client", "tls.handshake")]
)
def test_silence_is_waited_for_once(authority: Authority, service: str, check: str) -> None:
    with FakeServer(DOMAIN, authority.issue(DOMAIN), silent, tls="none") as server:
        found = looked(authority, server.address, service, connect_timeout=0.4)
        assert server.connections == 1
    told = blamed(found)
    assert told.pop(check) == "fail"
    assert set(told.values()) == {"unknown"}


def test_nobody_listens(authority: Authority) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        found = looked(authority, sock.getsockname())
    told = blamed(found)
    assert told.pop("tcp.connect") == "fail"
    assert set(told.values()) == {"unknown"}
    assert len(told) == len(CHECKS)  # the rest of them, and register.open


def test_no_way_from_here_is_no_failure(
    authority: Authority, monkeypatch: Any, shown: list[tuple[str, int, int]]
) -> None:
    async def connect(*_: object, **__: object) -> None:
        raise ConnectError("no connection", step="tcp", condition="unreachable")

    monkeypatch.setattr(probe, "connect", connect)
    monkeypatch.setattr(probe, "has_route", lambda address: False)
    found = looked(authority, ("2001:db8::1", 5222), "xmpp-client", *CHECKS)
    assert blamed(found) == {"tcp.connect": "unknown"}
    assert shown == []
    assert not found[0].detail.startswith("not tested")
    assert found[0].target == "xmpp-client [2001:db8::1]:5222"


def test_the_reason_is_told_where_nobody_hears_of_it_otherwise(authority: Authority) -> None:
    for wanted, more in ((("tls.key",), " (STARTTLS is not offered)"), (("tls",), "")):
        every = [each for each in CHECKS if each.startswith(wanted)]
        found = of(authority, without_starttls, None, "xmpp-client", *every)
        details = {each.check: each.detail for each in found}
        assert details["tls.key"] == f"not tested: tls.starttls failed{more}"


# --- inside TLS


@pytest.mark.parametrize(
    ("features", "told"),
    [
        (mechanisms("PLAIN"), {"sasl.mechanisms": "warn"}),
        ("", {"sasl.mechanisms": "fail"}),
        (LOGIN + ADVERTISED, {"register.open": "fail"}),
    ],
)
def test_what_is_offered(authority: Authority, features: str, told: dict[str, str]) -> None:
    assert blamed(of(authority, serving(features))) == told


def test_a_stream_that_ends_inside_tls(
    authority: Authority, shown: list[tuple[str, int, int]]
) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.starttls()
        await conn.header()
        conn.send_header()
        conn.stream_error("host-unknown")

    found = of(authority, script)
    told = blamed(found)
    assert told.pop("stream.features") == "fail"
    assert shown[0][1:] == (2, 2)
    assert set(told) == {"sasl.mechanisms", "sasl.binding", "sasl.sasl2", "register.open"}
    assert set(told.values()) == {"unknown"}


def test_limits_of_time(authority: Authority) -> None:
    slow = Limits(warn_time=0.0, crit_time=60.0)
    told = blamed(of(authority, serving(), limits=slow))
    assert told == dict.fromkeys(("tcp.connect", "tls.handshake", "stream.features"), "warn")


def test_who_it_is_is_told_under_tls_alone(authority: Authority) -> None:
    headers: list[dict[str, str]] = []

    async def script(conn: FakeConnection) -> None:
        ns = f"<starttls xmlns='{TLS}'/>"
        headers.append(await conn.stream_features(ns))
        await conn.expect(f"{{{TLS}}}starttls")
        conn.send(f"<proceed xmlns='{TLS}'/>")
        await conn.handshake()
        headers.append(await conn.stream_features(LOGIN))
        await conn.until_closed()

    with FakeServer(DOMAIN, authority.issue(DOMAIN), script) as server:
        who = replace(account(authority.ca_file), jid=jid(f"alice@{DOMAIN}/r"))
        host, port = server.address
        way = Way("xmpp-client", host, port, False, (host,), "connect")

        async def look() -> None:
            made, _ = context(who, "sasl.sasl2")
            await Door(made, way, host, Slots(), Registration(made), Trace()).look()

        asyncio.run(look())
    assert [each.get("from") for each in headers] == [None, f"alice@{DOMAIN}"]


@pytest.mark.parametrize(
    ("wanted", "connections"),
    [(("tls.days", "tls.key"), 1), (("tcp.connect",), 1), (("tls.ciphers",), 2)],
)
def test_what_nobody_asked_for_is_neither_told_nor_looked_at(
    authority: Authority, wanted: tuple[str, ...], connections: int
) -> None:
    with FakeServer(DOMAIN, authority.issue(DOMAIN), serving(), tls="direct") as server:
        found = looked(authority, server.address, "xmpps-client", *wanted)
        assert server.connections <= connections
    assert sorted(each.check for each in found) == sorted(wanted)


# --- a port of which nobody knows what it speaks


async def says_it_is_for_servers(conn: FakeConnection) -> None:
    await conn.header()
    conn.send("<stream:stream xmlns:stream='http://etherx.jabber.org/streams' ")
    conn.send("xmlns='jabber:server' version='1.0'><stream:features/>")
    await conn.until_closed()


@pytest.mark.parametrize("script", [for_servers, says_it_is_for_servers])
@pytest.mark.parametrize("service", ["xmpp-client", "xmpps-client"])
def test_a_port_for_servers(
    authority: Authority,
    ports: list[tuple[str, bool | None, bool]],
    script: Script,
    service: str,
) -> None:
    found = of(authority, script, None, service, source="srv")
    # the check of ports tells of it, and nobody else
    assert set(blamed(found).values()) == {"unknown"}
    assert [call[1:] for call in ports] == [(True, True)]
    detail = {each.check: each.detail for each in found}["stream.features"]
    assert detail == "not tested: dns.port failed"


def test_ports_that_are_for_whom_they_should_be(
    authority: Authority, ports: list[tuple[str, bool | None, bool]]
) -> None:
    of(authority, serving(), source="srv")
    of(authority, silent, source="srv", connect_timeout=0.2)
    of(authority, serving())  # which no record names
    assert [call[1:] for call in ports] == [(False, True), (None, True)]


@pytest.mark.parametrize("service", ["xmpp-client", "xmpps-client", "xmpp-server", "xmpps-server"])
def test_a_record_for_the_other_kind_of_tls(
    authority: Authority, ports: list[tuple[str, bool | str | None, bool]], service: str
) -> None:
    script = serving(server=service.endswith("server"))
    own, other = "STARTTLS", "direct TLS"
    if service.startswith("xmpps"):
        own, other = other, own
    tls: Any = "direct" if other == "direct TLS" else "starttls"
    with FakeServer(DOMAIN, authority.issue(DOMAIN), script, tls=tls) as server:
        found = looked(authority, server.address, service, source="srv")
    assert set(blamed(found).values()) == {"unknown"}
    assert [call[1:] for call in ports] == [
        (f"the record is for {own}, and the port speaks {other}", True)
    ]
    detail = {each.check: each.detail for each in found}["tls.days"]
    assert detail == "not tested: dns.port failed"


@pytest.mark.parametrize("service", ["xmpp-client", "xmpps-client"])
def test_what_speaks_nothing_is_of_no_other_kind(authority: Authority, service: str) -> None:
    with FakeServer(DOMAIN, authority.issue(DOMAIN), no_xml, tls="none") as server:
        found = looked(authority, server.address, service, source="srv")
    failed = "stream.features" if service == "xmpp-client" else "tls.handshake"
    assert [each.check for each in found if each.status == "fail"] == [failed]


def test_tls_that_holds_no_stream_is_no_other_kind(authority: Authority) -> None:
    with FakeServer(DOMAIN, authority.issue(DOMAIN), no_xml, tls="direct") as server:
        found = looked(authority, server.address, source="srv")
    assert [each.check for each in found if each.status == "fail"] == ["stream.features"]


@pytest.mark.parametrize("service", ["xmpp-client", "xmpp-server"])
@pytest.mark.parametrize("tls", ["starttls", "direct"])
def test_a_guess(authority: Authority, service: str, tls: Any) -> None:
    script = serving(server=service == "xmpp-server")
    with FakeServer(DOMAIN, authority.issue(DOMAIN), script, tls=tls) as server:
        found = looked(authority, server.address, service, *CHECKS, guess=True)
    kind = service if tls == "starttls" else service.replace("xmpp-", "xmpps-")
    assert {each.target.partition(" ")[0] for each in found} == {kind}
    assert blamed(found) == {}


@pytest.mark.parametrize("script", [no_xml, silent])
def test_a_guess_where_nothing_of_the_kind_is_spoken(authority: Authority, script: Script) -> None:
    with FakeServer(DOMAIN, authority.issue(DOMAIN), script, tls="none") as server:
        found = looked(authority, server.address, guess=True, connect_timeout=0.4)
        assert server.connections == (1 if script is silent else 2)
    told = blamed(found)
    assert told.pop("stream.features") == "fail"
    assert set(told.values()) == {"unknown"}


def test_few_connections_at_once(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    open_now, most = 0, 0
    connect, close = probe.connect, probe.ProbeWire.close

    async def connecting(*given: Any, **more: Any) -> probe.ProbeWire:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        return await connect(*given, **more)

    async def closing(wire: probe.ProbeWire, timeout: float | None) -> None:
        nonlocal open_now
        await close(wire, timeout)
        open_now -= 1

    monkeypatch.setattr(probe, "connect", connecting)
    monkeypatch.setattr(probe.ProbeWire, "close", closing)
    with FakeServer(DOMAIN, authority.issue(DOMAIN), serving()) as server:
        host, port = server.address
        way = Way("xmpp-client", host, port, False, (host,), "srv")

        async def look() -> None:
            made, _ = context(account(authority.ca_file))
            slots, registration = Slots(), Registration(made)
            doors = [
                Door(made, replace(way, host=f"h{n}"), host, slots, registration, Trace())
                for n in range(6)
            ]
            await asyncio.gather(*(door.look() for door in doors))

        asyncio.run(look())
    assert (open_now, most) == (0, 4)
