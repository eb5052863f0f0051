"""What xmppctl is for, over each way to a server; by STARTTLS all other tests do it.

``make test-all`` runs every test over each of them; these few are run every time.
"""

from __future__ import annotations

import socket
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.failing import JID, PASSWORD, failure
from tests.peers.process import Result, Xmppctl
from tests.peers.rawxml import RawClient
from tests.peers.slix import SlixClient
from tests.servers.base import Account, Server
from tests.servers.ca import Authority
from tests.servers.fake import FakeConnection, FakeServer
from tests.servers.faults import FaultProxy
from tests.servers.ports import LOOPBACK
from tests.servers.prosody import Prosody
from tests.servers.web import WebConnection, WebServer
from xmppctl.errors import Exit

pytestmark = [pytest.mark.own_connection, pytest.mark.in_turn, pytest.mark.sampled]

TRANSPORTS = ("direct", "websocket", "bosh")
BODY = "{jabber:client}body"

Run = Callable[..., Result]


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def run(xmppctl: Xmppctl, alice: Account, transport: str) -> Run:
    """Runs xmppctl as alice over the transport, with JSON output."""

    def run(*args: str, **more: Any) -> Result:
        return xmppctl("--json", *args, account=alice, transport=transport, **more)

    return run


def reached(transport: str, address: tuple[str, int]) -> tuple[str, ...]:
    """The options that lead to whatever is at this address."""
    host, port = address
    return {
        "direct": ("--connect", f"{host}:{port}", "--tls", "direct"),
        "websocket": ("--transport", "websocket", "--endpoint", f"wss://{host}:{port}/ws"),
        "bosh": ("--transport", "bosh", "--endpoint", f"https://{host}:{port}/bosh"),
    }[transport]


# --- what it is for -----------------------------------------------------------------------------


def test_send_and_its_truth(run: Run, bob: Account, raw: Callable[..., RawClient]) -> None:
    peer = raw(bob)
    peer.send("<presence/>")
    (sent,) = run("send", bob.jid, "é <&> \u202e").expect().json()
    assert sent["acked"] is sent["confirmed"] is True
    assert peer.wait_message().findtext(BODY) == "é <&> \u202e"
    (bounced,) = run("send", f"nobody@{bob.domain}", "x").expect(6).json()
    assert bounced["error"]["condition"] == "service-unavailable"


def test_many_sends_at_once(run: Run, bob: Account, raw: Callable[..., RawClient]) -> None:
    peer = raw(bob)
    peer.send("<presence/>")
    lines = [f"line {number} {'x' * 200}" for number in range(40)]
    sent = run("send", "--stdin-lines", bob.jid, input="\n".join(lines)).expect().json()
    assert all(record["confirmed"] for record in sent)
    assert [peer.wait_message().findtext(BODY) for _ in lines] == lines


def test_ping(run: Run, server: Server, alice: Account) -> None:
    (own,) = run("ping").expect().json()
    assert (own["to"], own["ok"]) == (server.domain, True)
    (offline,) = run("ping", f"{alice.jid}/elsewhere").expect(10).json()
    assert offline["ok"] is False


def test_mam(run: Run, alice: Account, bob: Account, raw: Callable[..., RawClient]) -> None:
    writer = raw(alice)
    # more than a frame, a record or a body is likely to have
    long = "x" * 100_000
    for text in ("first", long):
        writer.message(bob.jid, text)
    assert writer.iq("<ping xmlns='urn:xmpp:ping'/>", to=bob.jid).get("type") == "result"
    found = run("mam", "query", "--with", bob.jid).expect().json()
    assert [record["body"] for record in found] == ["first", long]


def test_muc(run: Run, host: SlixClient, room: str) -> None:
    host.create_muc(room, "host")
    run("send", "--muc", "--nick", "cron", room, "in the room").expect()
    host.wait_message(lambda m: m["type"] == "groupchat" and m["body"] == "in the room")
    occupants = run("muc", "occupants", room).expect().json()
    assert "host" in {occupant["nick"] for occupant in occupants}


def test_roster(run: Run, alice: Account, slix: Callable[..., SlixClient]) -> None:
    contact = f"friend@{alice.domain}"
    run("roster", "add", contact, "--name", "A friend").expect()
    assert slix(alice).get_roster()[contact]["name"] == "A friend"
    assert [item["jid"] for item in run("roster", "list").expect().json()] == [contact]


def test_upload(run: Run, xmppctl: Xmppctl, server: Server) -> None:
    data = bytes(range(256)) * 100
    (xmppctl.home / "f.bin").write_bytes(data)
    (record,) = run("upload", "f.bin").expect().json()
    context = ssl.create_default_context(cafile=server.ca_file)
    with urllib.request.urlopen(record["get"], context=context, timeout=10) as response:
        assert response.read() == data


def test_listen(
    xmppctl: Xmppctl, transport: str, alice: Account, bob: Account, raw: Callable[..., RawClient]
) -> None:
    listener = xmppctl.start(
        *("-o", "jsonl", "listen", "--count", "2"), account=alice, transport=transport
    )
    listener.wait_line(r"^listening as \S+$", "err")
    peer = raw(bob)
    for text in ("one", "two"):
        peer.message(alice.jid, text)
        listener.wait_line(text)  # as it comes, not when a request ends
    records = xmppctl.finish(listener).expect().jsonl()
    assert [record["body"] for record in records] == ["one", "two"]


def test_sasl2_with_a_token(
    xmppctl: Xmppctl, transport: str, prosody: Prosody, raw: Callable[..., RawClient]
) -> None:
    fay, gus = (prosody.account(name, prosody.hosts["sasl2"]) for name in ("fay", "gus"))
    peer = raw(gus)
    peer.send("<presence/>")
    xmppctl("send", gus.jid, "by password", account=fay, transport=transport).expect()
    xmppctl(
        "send", gus.jid, "by token", account=fay, transport=transport, password="forgotten"
    ).expect()
    assert [peer.wait_message().findtext(BODY) for _ in range(2)] == ["by password", "by token"]


# --- what may go wrong --------------------------------------------------------------------------


def test_a_wrong_password(run: Run) -> None:
    error = failure(run("ping", password="wrong"), Exit.AUTH, "auth", "not-authorized")
    assert "wrong" not in error["text"]


def test_a_stranger_s_certificate(run: Run, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger", "nobody's")
    failure(run("ping", ca_file=stranger.ca_file), Exit.TLS, "tls")


def test_a_closed_port(xmppctl: Xmppctl, authority: Authority, transport: str) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        way = reached(transport, taken.getsockname())
        run = xmppctl(*way, "--json", "ping", jid=JID, password=PASSWORD, ca_file=authority.ca_file)
    failure(run, Exit.CONNECT, "tcp", "connection-refused")


def test_silence_before_tls(
    xmppctl: Xmppctl, prosody: Prosody, authority: Authority, transport: str
) -> None:
    with FaultProxy(prosody.direct_tls, greeting="silent") as proxy:
        way = (*reached(transport, proxy.address), "--connect-timeout", "1s")
        run = xmppctl(*way, "--json", "ping", jid=JID, password=PASSWORD, ca_file=authority.ca_file)
    # where the machine is busy, the time may be over before there is a TCP connection
    error = failure(run, Exit.TIMEOUT, condition="timeout")
    assert error["step"] in ("tcp", "tls")


@contextmanager
def deaf(transport: str, authority: Authority) -> Iterator[tuple[str, int]]:
    """A server that listens inside TLS, and says nothing."""
    certificate = authority.issue("fake.test")
    if transport == "direct":

        async def script(conn: FakeConnection) -> None:
            await conn.until_closed()

        with FakeServer("fake.test", certificate, script, tls="direct") as fake:
            yield fake.address
        return
    with WebServer(WebConnection.wait, certificate) as web:
        yield LOOPBACK, web.port


def test_silence_inside_tls(xmppctl: Xmppctl, authority: Authority, transport: str) -> None:
    with deaf(transport, authority) as address:
        way = (*reached(transport, address), "--connect-timeout", "1s")
        run = xmppctl(*way, "--json", "ping", jid=JID, password=PASSWORD, ca_file=authority.ca_file)
    failure(run, Exit.TIMEOUT, condition="timeout")
    assert run.seconds < 10


@pytest.mark.parametrize("transport", ["websocket", "bosh"])
def test_a_web_server_that_knows_no_xmpp(
    xmppctl: Xmppctl, authority: Authority, transport: str
) -> None:
    def script(conn: WebConnection) -> None:
        conn.request()
        conn.respond(404, b"<html>not here</html>", "Content-Type: text/html")

    with WebServer(script, authority.issue("fake.test")) as web:
        way = reached(transport, (LOOPBACK, web.port))
        run = xmppctl(*way, "--json", "ping", jid=JID, password=PASSWORD, ca_file=authority.ca_file)
    error = failure(run, Exit.CONNECT)
    assert "404" in error["text"]
