"""Silence at each step ends in time, with exit code 8 and the name of the step."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.failing import (
    BINDING,
    JID,
    PASSWORD,
    PLAIN,
    STARTTLS,
    Script,
    answer_ping,
    failure,
    secured,
    tag,
)
from tests.peers.process import Xmppctl
from tests.peers.stream import SASL, TLS
from tests.servers.base import Account, Server
from tests.servers.ca import Authority
from tests.servers.dns import Fault, NameServer
from tests.servers.fake import FakeConnection, FakeServer
from tests.servers.faults import SERVER_HELLO, FaultProxy, Flow
from xmppctl.errors import Exit

pytestmark = [pytest.mark.own_connection, pytest.mark.in_turn]

SCRIPTS: dict[str, tuple[str, str, Script]] = {}


def silent_at(name: str, step: str, words: str) -> Callable[[Script], Script]:
    def add(script: Script) -> Script:
        SCRIPTS[name] = (step, words, script)
        return script

    return add


@silent_at("after accept", "starttls", "the offer of STARTTLS")
async def _after_accept(conn: FakeConnection) -> None:
    await conn.until_closed()


@silent_at("after the header", "starttls", "the offer of STARTTLS")
async def _after_header(conn: FakeConnection) -> None:
    await conn.header()
    conn.send_header()
    await conn.until_closed()


@silent_at("no proceed", "starttls", "the offer of STARTTLS")
async def _no_proceed(conn: FakeConnection) -> None:
    await conn.stream_features(STARTTLS)
    await conn.expect(f"{{{TLS}}}starttls")
    await conn.until_closed()


@silent_at("no TLS", "tls", "the TLS handshake")
async def _no_tls(conn: FakeConnection) -> None:
    await conn.stream_features(STARTTLS)
    await conn.expect(f"{{{TLS}}}starttls")
    conn.send(f"<proceed xmlns='{TLS}'/>")
    while await conn._reader.read(65536):
        pass


@silent_at("no features", "stream", "the stream features")
async def _no_features(conn: FakeConnection) -> None:
    await secured(conn)
    await conn.header()
    conn.send_header()
    await conn.until_closed()


@silent_at("no SASL answer", "auth", "the answer to the login")
async def _no_sasl_answer(conn: FakeConnection) -> None:
    await secured(conn)
    await conn.stream_features(PLAIN)
    await conn.expect(f"{{{SASL}}}auth")
    await conn.until_closed()


@silent_at("no features after login", "bind", "the resource")
async def _no_second_features(conn: FakeConnection) -> None:
    await secured(conn)
    await conn.authenticate()
    await conn.until_closed()


@silent_at("no bind answer", "bind", "the resource")
async def _no_bind(conn: FakeConnection) -> None:
    await secured(conn)
    await conn.authenticate()
    await conn.stream_features(BINDING)
    await conn.expect(tag("iq"))
    await conn.until_closed()


@pytest.mark.parametrize("name", SCRIPTS)
def test_silence_on_the_way_to_a_session(xmppctl: Xmppctl, authority: Authority, name: str) -> None:
    step, words, script = SCRIPTS[name]
    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = xmppctl(
            *("--tls", "starttls", "--connect-timeout", "0.7", "ping", "--json"),
            jid=JID,
            password=PASSWORD,
            connect=fake.address,
            ca_file=authority.ca_file,
        )
    error = failure(run, Exit.TIMEOUT, step, "timeout")
    assert words in error["text"]
    assert error["by"] == f"127.0.0.1:{fake.address[1]}"
    assert "--connect-timeout" in error["hint"]
    assert run.seconds < 2.5


def test_silence_whatever_kind_of_tls_is_tried(xmppctl: Xmppctl, authority: Authority) -> None:
    """With ``--tls auto`` the other kind is only a guess: it takes no time from the first."""
    with FaultProxy(("127.0.0.1", 9), greeting="silent") as silent:
        run = xmppctl(
            *("--connect-timeout", "1", "ping", "--json"),
            jid=JID,
            password=PASSWORD,
            connect=silent.address,
            ca_file=authority.ca_file,
        )
    error = failure(run, Exit.TIMEOUT, "starttls", "timeout")
    assert "within 1 s" in error["text"]
    assert run.seconds < 2.5


@pytest.mark.parametrize(
    ("down", "step"),
    [
        (Flow(mute_after=0), "starttls"),
        (Flow(mute_at=b"<stream:features"), "starttls"),
        (Flow(mute_at=SERVER_HELLO), "tls"),
    ],
    ids=["at once", "after the header", "in the handshake"],
)
def test_silence_of_a_real_server(
    xmppctl: Xmppctl, server: Server, alice: Account, down: Flow, step: str
) -> None:
    with FaultProxy(server.starttls, down=down) as proxy:
        run = xmppctl(
            *("--tls", "starttls", "--connect-timeout", "700ms", "ping", "--json"),
            account=alice,
            connect=proxy.address,
        )
    failure(run, Exit.TIMEOUT, step, "timeout")
    assert run.seconds < 2.5


@pytest.mark.parametrize(
    ("pattern", "step"), [(b"<success", "auth"), (b"</jid>", "bind")], ids=["login", "bind"]
)
def test_silence_of_a_real_server_inside_tls(
    xmppctl: Xmppctl, server: Server, alice: Account, pattern: bytes, step: str
) -> None:
    with FaultProxy.intercept(server, down=Flow(mute_at=pattern)) as proxy:
        run = xmppctl(
            *("--tls", "direct", "--connect-timeout", "1", "ping", "--json"),
            account=alice,
            connect=proxy.address,
        )
    failure(run, Exit.TIMEOUT, step, "timeout")
    assert run.seconds < 3


async def _no_answer(conn: FakeConnection) -> None:
    await conn.login()
    await conn.until_closed()


def test_silence_instead_of_the_answer(xmppctl: Xmppctl, authority: Authority) -> None:
    with FakeServer("fake.test", authority.issue("fake.test"), _no_answer) as fake:
        run = xmppctl(
            *("disco", "info", "--timeout", "500ms", "--json"),
            jid=JID,
            password=PASSWORD,
            connect=fake.address,
            ca_file=authority.ca_file,
        )
    error = failure(run, Exit.TIMEOUT, "disco#info", "timeout")
    assert error["by"] == "fake.test"
    assert "--timeout" in error["hint"]
    assert run.seconds < 2.5


async def _no_close(conn: FakeConnection) -> None:
    """The barrier of the message is never answered, nor is the footer."""
    await conn.login()
    while await conn._reader.read(65536):
        pass


def test_silence_at_the_close(xmppctl: Xmppctl, authority: Authority) -> None:
    """The message's own fate is in its record; the close is waited for no longer than allowed."""
    with FakeServer("fake.test", authority.issue("fake.test"), _no_close) as fake:
        run = xmppctl(
            *("send", "bob@fake.test", "hello", "--timeout", "500ms", "--json"),
            jid=JID,
            password=PASSWORD,
            connect=fake.address,
            ca_file=authority.ca_file,
        )
    failure(run, Exit.TIMEOUT, condition="timeout")
    assert run.json()[0]["confirmed"] is False
    assert run.seconds < 3


def test_a_dead_name_server(xmppctl: Xmppctl) -> None:
    names = ("_xmpp-client._tcp.a.test", "_xmpps-client._tcp.a.test")
    zone = dict.fromkeys(names, Fault.SILENCE)
    with NameServer(zone) as server:
        run = xmppctl(
            *("--connect-timeout", "600ms", "ping", "--json"),
            jid="alice@a.test",
            password=PASSWORD,
            env={"XMPPCTL_NAMESERVER": server.nameserver},
        )
    error = failure(run, Exit.TIMEOUT, "dns", "timeout")
    assert server.nameserver.partition(":")[0] in error["text"]
    assert run.seconds < 2.5


def test_the_deadline_of_the_run(xmppctl: Xmppctl, authority: Authority) -> None:
    with FakeServer("fake.test", authority.issue("fake.test"), _no_answer) as fake:
        run = xmppctl(
            *("ping", "--deadline", "1s", "--json"),
            jid=JID,
            password=PASSWORD,
            connect=fake.address,
            ca_file=authority.ca_file,
        )
    error = failure(run, Exit.TIMEOUT, "ping")
    assert "--deadline" in error["text"]
    assert run.seconds < 3


def test_nothing_of_this_is_slow(xmppctl: Xmppctl, authority: Authority) -> None:
    """The same server without its silence answers at once: it is the silence that takes time."""
    with FakeServer("fake.test", authority.issue("fake.test"), answer_ping) as fake:
        run = xmppctl(
            *("ping", "--json"),
            jid=JID,
            password=PASSWORD,
            connect=fake.address,
            ca_file=authority.ca_file,
        )
    assert run.expect(0).json()[0]["ok"]
