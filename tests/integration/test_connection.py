"""The way to the server, what may come over the stream, and how a run ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from xml.etree.ElementTree import Element

import pytest

from tests.integration.failing import JID, PASSWORD, PING, answer_ping, failure, tag
from tests.peers.process import Result, Running, Xmppctl
from tests.peers.rawxml import RawClient
from tests.peers.stream import StreamClosed
from tests.servers.base import Account, Server
from tests.servers.ca import Authority
from tests.servers.dns import Fault, NameServer
from tests.servers.fake import FakeConnection, FakeServer
from tests.servers.faults import FaultProxy, Flow
from xmppctl.errors import Exit
from xmppctl.model import account as model
from xmppctl.model.jid import parse
from xmppctl.session import open_session
from xmppctl.session.stream import MESSAGE, PRESENCE
from xmppctl.session.tcp import TcpWire

pytestmark = [pytest.mark.own_connection, pytest.mark.in_turn]
SM = "urn:xmpp:sm:3"


def fake_run(
    xmppctl: Xmppctl, fake: FakeServer, authority: Authority, *args: str, **more: object
) -> Result:
    return xmppctl(
        *(args or ("ping", "--json")),
        jid=JID,
        password=PASSWORD,
        connect=fake.address,
        ca_file=authority.ca_file,
        **more,  # type: ignore[arg-type]
    )


@contextmanager
def closed_port() -> Iterator[int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


# --- discovery ----------------------------------------------------------------------------------


def srv(server: Server, *records: str, host: str = "host.test") -> dict[str, object]:
    """A zone for the server's domain: ``direct:PRIO:WEIGHT:PORT[:HOST]`` and so on."""
    zone: dict[str, object] = {host: {"A": ["127.0.0.1"]}}
    for record in records:
        kind, priority, weight, port, *rest = record.split(":")
        name = f"_xmpp{'s' if kind == 'direct' else ''}-client._tcp.{server.domain}"
        entry = zone.setdefault(name, {"SRV": []})
        assert isinstance(entry, dict)
        entry["SRV"].append(f"{priority} {weight} {port} {rest[0] if rest else host}.")
    return zone


def by_dns(xmppctl: Xmppctl, account: Account, zone: dict[str, object], *args: str) -> Result:
    with NameServer(zone) as names:  # type: ignore[arg-type]
        return xmppctl(
            *args,
            *("account", "test", "--json"),
            jid=account.jid,
            password=account.password,
            ca_file=account.server.ca_file,
            env={"XMPPCTL_NAMESERVER": names.nameserver},
        )


def test_srv_with_both_kinds_takes_the_first_priority(
    xmppctl: Xmppctl, server: Server, alice: Account
) -> None:
    starttls, direct = server.ports.starttls, server.ports.direct_tls
    for first, second, port in ((0, 1, direct), (1, 0, starttls)):
        zone = srv(server, f"direct:{first}:0:{direct}", f"starttls:{second}:0:{starttls}")
        run = by_dns(xmppctl, alice, zone).expect(0)
        assert run.json()["peer"] == f"host.test:{port}"


def test_a_dead_first_target(xmppctl: Xmppctl, server: Server, alice: Account) -> None:
    with closed_port() as dead:
        zone = srv(server, f"starttls:0:0:{dead}", f"starttls:9:0:{server.ports.starttls}")
        run = by_dns(xmppctl, alice, zone).expect(0)
    assert run.json()["peer"] == f"host.test:{server.ports.starttls}"


def test_a_silent_first_target_leaves_time_for_the_second(
    xmppctl: Xmppctl, server: Server, alice: Account
) -> None:
    with FaultProxy(server.starttls, greeting="silent") as silent:
        port = server.ports.direct_tls
        zone = srv(server, f"starttls:0:0:{silent.address[1]}", f"direct:9:0:{port}")
        run = by_dns(xmppctl, alice, zone, "--connect-timeout", "3", "-v").expect(0)
    assert run.json()["peer"] == f"host.test:{port}"
    assert run.seconds < 3.5
    assert "no answer from" in run.err


def test_only_targets_of_the_kind_that_was_asked_for(
    xmppctl: Xmppctl, server: Server, alice: Account
) -> None:
    starttls, direct = server.ports.starttls, server.ports.direct_tls
    zone = srv(server, f"direct:0:0:{direct}", f"starttls:1:0:{starttls}")
    run = by_dns(xmppctl, alice, zone, "--tls", "starttls").expect(0)
    assert run.json()["peer"] == f"host.test:{starttls}"


def test_ipv6(xmppctl: Xmppctl, server: Server, alice: Account) -> None:
    with relay_on_ipv6(server.starttls) as port:
        run = xmppctl(
            *("--connect", f"[::1]:{port}", "account", "test", "--json"),
            jid=alice.jid,
            password=alice.password,
            ca_file=server.ca_file,
        ).expect(0)
        assert run.json()["address"] == "::1"
        name = f"_xmpp-client._tcp.{server.domain}"
        zone: dict[str, object] = {
            name: {"SRV": [f"0 0 {port} six.test."]},
            "six.test": {"AAAA": ["::1"]},
        }
        assert by_dns(xmppctl, alice, zone).expect(0).json()["address"] == "::1"


@contextmanager
def relay_on_ipv6(upstream: tuple[str, int]) -> Iterator[int]:
    """A port on ::1 that passes on to ``upstream``, for servers that listen on IPv4 alone."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                near = listener.accept()[0]
                far = socket.create_connection(upstream)
                opened.extend((near, far))
                for ends in ((near, far), (far, near)):
                    threads.append(threading.Thread(target=pump, args=ends, daemon=True))
                    threads[-1].start()

    opened: list[socket.socket] = []
    threads: list[threading.Thread] = []
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        accepting = threading.Thread(target=serve, daemon=True)
        accepting.start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    for each in opened:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
    accepting.join(5)
    for thread in threads:
        thread.join(5)
    for each in opened:
        each.close()


SRV_A = "_xmpp-client._tcp.a.test"
SRV_AS = "_xmpps-client._tcp.a.test"
DNS_FAILURES: dict[str, tuple[dict[str, object], str]] = {
    "nxdomain": ({}, "nxdomain"),
    "servfail": ({SRV_A: Fault.SERVFAIL, SRV_AS: Fault.SERVFAIL}, "servfail"),
    "refused": ({SRV_A: Fault.REFUSED, SRV_AS: Fault.REFUSED}, "servfail"),
    "not offered": ({SRV_A: {"SRV": ["0 0 0 ."]}, SRV_AS: {"SRV": ["0 0 0 ."]}},
                    "service-not-offered"),
    "no direct TLS, and nothing else": ({SRV_AS: {"SRV": ["0 0 0 ."]},
                                         "a.test": {"A": ["127.0.0.1"]}}, "service-not-offered"),
    "no address": ({SRV_A: {"SRV": ["0 0 5222 h.test."]}, "h.test": {}}, "no-address"),
}  # fmt: skip


@pytest.mark.parametrize("name", DNS_FAILURES)
def test_failures_of_the_dns(xmppctl: Xmppctl, name: str) -> None:
    zone, condition = DNS_FAILURES[name]
    with NameServer(zone) as names:  # type: ignore[arg-type]
        run = xmppctl(
            *("ping", "--json"),
            jid="alice@a.test",
            password=PASSWORD,
            env={"XMPPCTL_NAMESERVER": names.nameserver},
        )
    error = failure(run, Exit.CONNECT, "dns", condition)
    assert "a.test" in error["text"] or "h.test" in error["text"]


def test_a_closed_port(xmppctl: Xmppctl, authority: Authority) -> None:
    with closed_port() as port:
        run = xmppctl(*("ping", "--json"), jid=JID, password=PASSWORD, connect=("127.0.0.1", port))
    error = failure(run, Exit.CONNECT, "tcp", "connection-refused")
    assert str(port) in error["text"]


@pytest.mark.parametrize("inside", [False, True], ids=["in clear", "inside TLS"])
def test_see_other_host(
    xmppctl: Xmppctl, server: Server, alice: Account, authority: Authority, inside: bool
) -> None:
    host, port = server.starttls

    async def script(conn: FakeConnection) -> None:
        if inside:
            await conn.starttls()
        await conn.header()
        conn.send_header()
        redirect(conn, f"{host}:{port}")

    with FakeServer(server.domain, authority.issue(server.domain), script) as fake:
        run = xmppctl("account", "test", "--json", account=alice, connect=fake.address).expect(0)
    assert run.json()["peer"] == f"{host}:{port}"


def redirect(conn: FakeConnection, where: str) -> None:
    ns = "urn:ietf:params:xml:ns:xmpp-streams"
    conn.send(
        f"<stream:error><see-other-host xmlns='{ns}'>{where}</see-other-host></stream:error>"
        "</stream:stream>"
    )


def test_see_other_host_in_circles(xmppctl: Xmppctl, authority: Authority) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.header()
        conn.send_header()
        redirect(conn, f"127.0.0.1:{fake.address[1]}")

    with FakeServer("fake.test", authority.issue("fake.test"), script, tls="none") as fake:
        run = fake_run(xmppctl, fake, authority)
        assert fake.connections <= 4
    failure(run, Exit.CONNECT, condition="see-other-host")


@pytest.mark.parametrize("where", ["", "host:99999", "host:²", "[::1", "a b", "-bad-.test"])
def test_see_other_host_to_nowhere(xmppctl: Xmppctl, authority: Authority, where: str) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.header()
        conn.send_header()
        redirect(conn, where)

    with FakeServer("fake.test", authority.issue("fake.test"), script, tls="none") as fake:
        run = fake_run(xmppctl, fake, authority, "--connect-timeout", "3", "ping", "--json")
    failure(run, Exit.CONNECT)


def test_retry(xmppctl: Xmppctl, authority: Authority) -> None:
    async def script(conn: FakeConnection) -> None:
        if conn.server.connections <= 1:
            conn.abort()
            return
        await answer_ping(conn)

    certificate = authority.issue("fake.test")
    args = ("--tls", "starttls", "ping", "--json")
    with FakeServer("fake.test", certificate, script) as fake:
        failure(fake_run(xmppctl, fake, authority, *args), Exit.CONNECT, "starttls")
    with FakeServer("fake.test", certificate, script) as fake:
        fake_run(xmppctl, fake, authority, "--retry", "1", *args).expect(0)
        assert fake.connections == 2


# --- what is no XMPP ----------------------------------------------------------------------------


@pytest.mark.parametrize("greeting", ["garbage", "refuse"])
@pytest.mark.parametrize("tls", ["auto", "starttls"])
def test_garbage_instead_of_xmpp(
    xmppctl: Xmppctl, server: Server, alice: Account, greeting: str, tls: str
) -> None:
    with FaultProxy(server.starttls, greeting=greeting) as proxy:  # type: ignore[arg-type]
        run = xmppctl("--tls", tls, "ping", "--json", account=alice, connect=proxy.address)
    failure(run, Exit.CONNECT, "starttls")


@pytest.mark.parametrize(
    "down", [Flow(cut_after=3000), Flow(garble_after=3000)], ids=["cut", "garbled"]
)
def test_a_connection_that_breaks(
    xmppctl: Xmppctl, server: Server, alice: Account, down: Flow
) -> None:
    with FaultProxy(server.direct_tls, down=down) as proxy:
        run = xmppctl(
            *("--tls", "direct", "ping", "-c", "0", "-i", "10ms", "--json"),
            account=alice,
            connect=proxy.address,
        )
    failure(run, Exit.CONNECT)


HOSTILE = {
    "comment": "<!-- x -->",
    "processing instruction": "<?php x?>",
    "DTD": "<!DOCTYPE x [<!ENTITY a 'b'>]>",
    "text": "text between stanzas",
    "not well-formed": "<iq></message>",
    "huge": "<message><body>" + "x" * (17 * 1024 * 1024),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_xml(xmppctl: Xmppctl, authority: Authority, name: str) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.login()
        await conn.request(PING)
        conn.send(HOSTILE[name])
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = fake_run(xmppctl, fake, authority)
    failure(run, Exit.CONNECT, "ping", "not-well-formed")


@pytest.mark.parametrize("when", ["before TLS", "before login", "after login"])
def test_stream_errors(xmppctl: Xmppctl, authority: Authority, when: str) -> None:
    async def script(conn: FakeConnection) -> None:
        if when == "before TLS":
            await conn.header()
            conn.send_header()
        elif when == "before login":
            await conn.starttls()
            await conn.header()
            conn.send_header()
        else:
            await conn.login()
            await conn.request(PING)
        conn.stream_error("system-shutdown", "bye\x7f")
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = fake_run(xmppctl, fake, authority)
    error = failure(run, Exit.CONNECT, condition="system-shutdown")
    assert "bye" in error["text"]


# --- what may come over the stream --------------------------------------------------------------


def test_requests_that_come_in_are_answered(xmppctl: Xmppctl, authority: Authority) -> None:
    answers = {}

    async def script(conn: FakeConnection) -> None:
        await conn.login()
        request = await conn.request(PING)
        conn.send("<iq type='get' id='p' from='x@y.test/z'><ping xmlns='urn:xmpp:ping'/></iq>")
        conn.send("<iq type='set' id='q' from='x@y.test/z'><query xmlns='no:such'/></iq>")
        conn.send("<iq type='get' id='r'/>")
        for _ in range(3):
            answer = await conn.expect(tag("iq"))
            answers[answer.get("id")] = (answer.get("type"), answer.get("to"), answer)
        conn.result(request)
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        fake_run(xmppctl, fake, authority).expect(0)
    assert answers["p"][:2] == ("result", "x@y.test/z")
    assert answers["q"][:2] == ("error", "x@y.test/z")
    stanzas = "{urn:ietf:params:xml:ns:xmpp-stanzas}service-unavailable"
    assert answers["q"][2].find(f".//{stanzas}") is not None
    assert answers["r"][:2] == ("error", None)


def test_answers_of_a_stranger_do_not_count(xmppctl: Xmppctl, authority: Authority) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.login()
        request = await conn.request("{http://jabber.org/protocol/disco#info}query")
        for sender in ("evil.test", "fake.test.evil.test", "fake.test/x", "bob@fake.test"):
            conn.result(request, from_=sender)
        conn.error(request, "not-allowed")
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = fake_run(xmppctl, fake, authority, "disco", "info", "--json")
    # the one from the domain itself counts; what the strangers said would have been a success
    failure(run, Exit.REFUSED, condition="not-allowed")


def test_what_is_acknowledged(xmppctl: Xmppctl, authority: Authority) -> None:
    """<r/> is answered with what was taken over: a message that nobody asked for never counts."""
    seen = []

    async def script(conn: FakeConnection) -> None:
        await conn.login(f"<sm xmlns='{SM}'/>")
        await conn.expect(f"{{{SM}}}enable")
        conn.send(f"<enabled xmlns='{SM}'/>")
        await conn.expect(tag("message"))
        await conn.expect(f"{{{SM}}}r")
        barrier = await conn.expect(tag("iq"))
        for sent in (
            "<presence from='x@y.test'/>",
            "<iq type='get' id='1' from='x@y.test'><ping xmlns='urn:xmpp:ping'/></iq>",
            "<message from='x@y.test'><body>for later</body></message>",
            "<presence from='z@y.test'/>",
        ):
            conn.send(f"{sent}<r xmlns='{SM}'/>")
            while (answer := await conn.recv()).tag != f"{{{SM}}}a":
                assert answer.get("id") == "1"
            seen.append(answer.get("h"))
        conn.send(f"<a xmlns='{SM}' h='3'/>")
        conn.result(barrier)
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = fake_run(xmppctl, fake, authority, "send", "bob@fake.test", "hi", "--json")
    assert run.expect(0).json()[0]["acked"] is True
    assert seen == ["1", "2", "2", "2"]


def test_a_message_that_nobody_took_is_delivered_again(
    server: Server, alice: Account, bob: Account, raw: Callable[..., RawClient]
) -> None:
    own = model.Account(
        parse(alice.jid),
        password=lambda: alice.password,
        connect=server.starttls,
        ca_file=server.ca_file,
    )

    async def run(take: bool) -> str | None:
        async with open_session(own) as session:
            wire = session._wire
            assert isinstance(wire, TcpWire)
            session.send(*session.enabling(), Element(PRESENCE))
            with session.inbox(lambda each: each.tag == MESSAGE, keep=take) as inbox:
                sender.message(alice.jid, "taken" if take else "left behind")
                message = await inbox.get()
                # the server's answer shows that it had our acknowledgement before the close
                session.send(f"<a xmlns='{SM}' h='{session.inbound.h if session.inbound else 0}'/>")
                await session.request(Element("{urn:xmpp:ping}ping"), to=session.domain)
        await asyncio.wait_for(wire.link.lost.wait(), 5)
        return message.findtext(tag("body"))

    sender = raw(bob)
    assert asyncio.run(run(True)) == "taken"
    assert asyncio.run(run(False)) == "left behind"
    later = raw(alice)
    later.send("<presence/>")
    assert later.wait_message().findtext(tag("body")) == "left behind"


def test_acknowledging_too_much_ends_the_stream(xmppctl: Xmppctl, authority: Authority) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.login(f"<sm xmlns='{SM}'/>")
        await conn.expect(f"{{{SM}}}enable")
        conn.send(f"<enabled xmlns='{SM}'/><a xmlns='{SM}' h='7'/>")
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = fake_run(xmppctl, fake, authority, "send", "bob@fake.test", "hi", "--json")
    failure(run, Exit.CONNECT, condition="handled-count-too-high")


# --- the end ------------------------------------------------------------------------------------


def waiting(xmppctl: Xmppctl, fake: FakeServer, authority: Authority, *args: str) -> Running:
    return xmppctl.start(
        *args, jid=JID, password=PASSWORD, connect=fake.address, ca_file=authority.ca_file
    )


@pytest.mark.parametrize("tls", ["starttls", "direct"])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, Exit.SIGINT), (signal.SIGTERM, Exit.SIGTERM)]
)
def test_a_signal_closes_the_stream(
    xmppctl: Xmppctl, authority: Authority, number: signal.Signals, code: Exit, tls: str
) -> None:
    ends: list[str] = []
    sent: list[float] = []

    async def script(conn: FakeConnection) -> None:
        await conn.login()
        await conn.request(PING)
        sent.append(time.monotonic())
        run.signal(number)
        try:
            await conn.recv()
        except StreamClosed as end:
            ends.append(str(end))

    certificate = authority.issue("fake.test")
    with FakeServer("fake.test", certificate, script, tls=tls) as fake:  # type: ignore[arg-type]
        run = waiting(xmppctl, fake, authority, "--tls", tls, "ping", "--json")
        run.process.wait(10)
        assert time.monotonic() - sent[0] < 1.2
        result = xmppctl.finish(run)
    error = failure(result, code)
    assert error["name"] == code.name
    assert ends == ["the client closed the stream"]


@pytest.mark.parametrize("step", ["header", "auth"])
def test_a_signal_on_the_way_to_a_session(
    xmppctl: Xmppctl, authority: Authority, step: str
) -> None:
    ends: list[str] = []

    async def script(conn: FakeConnection) -> None:
        await conn.starttls()
        if step == "auth":
            await conn.stream_features(
                "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
                "<mechanism>PLAIN</mechanism></mechanisms>"
            )
            await conn.recv()
        else:
            await conn.header()
        run.signal(signal.SIGTERM)
        try:
            await conn.recv()
        except StreamClosed as end:
            ends.append(str(end))

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = waiting(xmppctl, fake, authority, "ping", "--json")
        result = xmppctl.finish(run)
    failure(result, Exit.SIGTERM)
    assert ends == ["the client closed the stream"]


def test_a_signal_is_quick_where_the_server_is_stuck(
    xmppctl: Xmppctl, authority: Authority
) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.login()
        await conn.request(PING)
        conn._reader._transport.pause_reading()  # type: ignore[attr-defined]
        run.signal(signal.SIGINT)
        run.process.wait(10)

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = waiting(xmppctl, fake, authority, "ping", "--timeout", "60", "--json")
        result = xmppctl.finish(run)
    failure(result, Exit.SIGINT)
    assert result.seconds < 3


def test_the_footer_is_sent_after_success(xmppctl: Xmppctl, authority: Authority) -> None:
    """Nobody waits for the server's footer when its answer proved everything; ours goes out."""
    ends: list[str] = []

    async def script(conn: FakeConnection) -> None:
        await conn.login()
        conn.result(await conn.request(PING))
        try:
            await conn.recv()
        except StreamClosed as end:
            ends.append(str(end))

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        fake_run(xmppctl, fake, authority).expect(0)
    assert ends == ["the client closed the stream"]


def test_the_reader_of_the_output_has_gone(
    xmppctl: Xmppctl, server: Server, alice: Account
) -> None:
    command = [
        *("bash", "-c", 'set -o pipefail; "$@" | head -n 1', "run", str(xmppctl.executable)),
        *("-j", alice.jid, "--connect", f"{server.host}:{server.ports.starttls}"),
        *("--ca-file", str(server.ca_file), "-o", "jsonl", "ping", "-c", "0", "-i", "20ms"),
    ]
    environment = {**xmppctl.environment(), "XMPPCTL_PASSWORD": alice.password}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == Exit.PIPE
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
