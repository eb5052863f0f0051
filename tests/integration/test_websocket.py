"""The stream over WebSocket, against both servers and against one that does what none should."""

from __future__ import annotations

import base64
import re
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.failing import failure
from tests.integration.uploading import look
from tests.peers.process import Result, Running, Xmppctl
from tests.peers.rawxml import RawClient
from tests.peers.stream import SASL
from tests.servers.base import Account, Server
from tests.servers.ca import Authority, Certificate
from tests.servers.web import WebConnection, WebServer
from tests.servers.websocket import (
    BINARY,
    CLOSE,
    END,
    FRAMING,
    PING,
    FakeWebSocket,
    features,
    frame,
    masked,
)
from xmppctl.errors import Exit

pytestmark = pytest.mark.in_turn

ROSTER = "{jabber:iq:roster}"


def way(account: Account, **more: Any) -> dict[str, Any]:
    """The keyword arguments for an account whose server is not named by --connect."""
    return {
        "jid": account.jid,
        "password": account.password,
        "ca_file": account.server.ca_file,
        **more,
    }


@pytest.fixture
def ws(xmppctl: Xmppctl) -> Callable[..., Result]:
    """Runs xmppctl over the WebSocket of the account's server, and looks that it did so."""

    def run(account: Account, *args: str, code: int = 0, **more: Any) -> Result:
        url = account.server.websocket_url
        result = xmppctl("-v", "--endpoint", url, *args, **way(account), **more).expect(code)
        place = url.split("/")[2]
        assert re.search(rf"logged in as \S+ at {re.escape(place)} ", result.err), result
        return result

    return run


@pytest.fixture
def peer(raw: Callable[..., RawClient], bob: Account) -> RawClient:
    """Bob by TCP, available."""
    client = raw(bob, "phone")
    client.send("<presence/>")
    client.iq("<ping xmlns='urn:xmpp:ping'/>")
    return client


# --- real servers -------------------------------------------------------------------------------


def test_send_arrives(
    ws: Callable[..., Result], alice: Account, bob: Account, peer: RawClient
) -> None:
    text = "ä <&>' \" ]]>\t\n\U0001f600"
    (record,) = ws(alice, "--json", "send", bob.jid, "--", text).json()
    assert (record["acked"], record["confirmed"]) == (True, True)
    message = peer.wait_message()
    assert message.findtext("{jabber:client}body") == text
    assert message.get("from", "").startswith(alice.jid)


def test_a_bounce_is_told(ws: Callable[..., Result], alice: Account, server: Server) -> None:
    run = ws(alice, "--json", "send", f"nobody@{server.domain}", "x", code=6)
    assert run.json()[0]["error"]["condition"] == "service-unavailable"


def test_ping(ws: Callable[..., Result], alice: Account, server: Server) -> None:
    (record,) = ws(alice, "--json", "ping").json()
    assert (record["to"], record["ok"]) == (server.domain, True)


def test_an_archive(ws: Callable[..., Result], alice: Account, bob: Account) -> None:
    ws(alice, "send", bob.jid, "--stdin-lines", input="one\ntwo\nthree\n")
    found = ws(bob, "--json", "mam", "query").json()
    assert [record["body"] for record in found] == ["one", "two", "three"]


def test_a_contact_list(
    ws: Callable[..., Result], alice: Account, raw: Callable[..., RawClient]
) -> None:
    ws(alice, "roster", "add", "carol@elsewhere.test", "--name", "Carol", "--no-subscribe")
    answer = raw(alice).iq("<query xmlns='jabber:iq:roster'/>")
    (item,) = answer.findall(f"{ROSTER}query/{ROSTER}item")
    assert (item.get("jid"), item.get("name")) == ("carol@elsewhere.test", "Carol")


def test_a_room(
    ws: Callable[..., Result], alice: Account, server: Server, raw: Callable[..., RawClient]
) -> None:
    room = f"r{alice.local}@{server.conference}"
    ws(alice, "muc", "create", room)
    run = ws(alice, "--json", "send", "--muc", room, "hello")
    assert run.json()[0]["confirmed"] is True
    info = raw(alice).iq("<query xmlns='http://jabber.org/protocol/disco#info'/>", to=room)
    assert info.get("type") == "result"
    ws(alice, "--yes", "muc", "destroy", room)


def test_a_file(
    ws: Callable[..., Result], alice: Account, server: Server, xmppctl: Xmppctl
) -> None:
    (xmppctl.home / "f.bin").write_bytes(b"\0\1\2" * 1000)
    (record,) = ws(alice, "--json", "upload", "f.bin").json()
    assert look(record["get"], server.ca_file)[0] == b"\0\1\2" * 1000


def test_registration_comes_before_the_login(
    xmppctl: Xmppctl, server: Server, alice: Account
) -> None:
    jid = f"n{alice.local}@{server.domain}"
    url = ("--endpoint", server.websocket_url)
    run = xmppctl(*url, "register", "create", jid=jid, password="Secret-1!", ca_file=server.ca_file)
    run.expect()
    xmppctl("ping", jid=jid, password="Secret-1!", connect=server.starttls, ca_file=server.ca_file)


def test_a_large_message(
    ws: Callable[..., Result], alice: Account, bob: Account, peer: RawClient
) -> None:
    text = "0123456789abcdeé" * (200 * 1024 // 17)
    (record,) = ws(alice, "--json", "send", bob.jid, "-", input=text).json()
    assert record["confirmed"] is True
    assert peer.wait_message().findtext("{jabber:client}body") == text


def test_a_thousand_lines(
    ws: Callable[..., Result], alice: Account, bob: Account, peer: RawClient
) -> None:
    lines = [f"line {number}" for number in range(1000)]
    text = "\n".join(lines)
    run = ws(alice, "-o", "jsonl", "send", bob.jid, "--stdin-lines", input=text, timeout=60)
    assert [record["confirmed"] for record in run.jsonl()] == [True] * 1000
    bodies = [peer.wait_message().findtext("{jabber:client}body") for _ in lines]
    assert bodies == lines


def test_listening_ends_cleanly(
    xmppctl: Xmppctl, alice: Account, bob: Account, server: Server, raw: Callable[..., RawClient]
) -> None:
    url = ("--endpoint", server.websocket_url)
    run = xmppctl.start(*url, "-o", "jsonl", "--debug-xml", "listen", **way(bob))
    jid = run.wait_line(r"listening as (\S+)", "err")[1]
    client = raw(alice)
    client.send(f"<message to='{jid}' type='chat'><body>hello</body></message>")
    run.wait_line('"hello"')
    run.signal(signal.SIGINT)
    result = xmppctl.finish(run)
    result.expect(int(Exit.SIGINT))
    assert result.err.count("> <close xmlns=") == 1


def test_a_wrong_path(xmppctl: Xmppctl, alice: Account, server: Server) -> None:
    url = f"wss://{server.host}:{server.ports.https}/nothing-here"
    run = xmppctl("--endpoint", url, "--json", "ping", **way(alice))
    error = failure(run, Exit.CONNECT, "websocket", "item-not-found")
    assert "HTTP status 404" in error["text"]


def test_a_wrong_password(xmppctl: Xmppctl, alice: Account, server: Server) -> None:
    url = ("--endpoint", server.websocket_url)
    run = xmppctl(*url, "--json", "ping", **way(alice, password="wrong"))
    failure(run, Exit.AUTH, "auth", "not-authorized")


def test_an_authority_that_is_not_trusted(
    xmppctl: Xmppctl, alice: Account, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Authority(tmp_path_factory.mktemp("other"), "another CA")
    run = xmppctl(
        *("--endpoint", server.websocket_url, "--json", "ping"),
        **way(alice, ca_file=other.ca_file),
    )
    failure(run, Exit.TLS, "tls")


def test_a_pin_is_enough_and_another_is_not(
    xmppctl: Xmppctl, alice: Account, server: Server
) -> None:
    who = {"jid": alice.jid, "password": alice.password}
    url = ("--endpoint", server.websocket_url)
    good = f"sha256:{server.certificate.pin}"
    xmppctl(*url, "--pin", good, "ping", **who).expect()
    run = xmppctl(*url, "--pin", f"sha256:{'0' * 64}", "--json", "ping", **who)
    error = failure(run, Exit.TLS, "tls", "pin-mismatch")
    assert server.certificate.pin in error["text"]
    failure(xmppctl(*url, "--json", "ping", **who), Exit.TLS, "tls")


def test_sasl_plain(ws: Callable[..., Result], alice: Account) -> None:
    run = ws(alice, "--sasl-mechanism", "PLAIN", "ping")
    assert "with PLAIN over TLS" in run.err


@pytest.mark.servers("prosody")
def test_channel_binding_reaches_the_server(
    ws: Callable[..., Result], alice: Account, tmp_path: Path
) -> None:
    """Prosody ends TLS itself, and offers -PLUS as by TCP; ejabberd has none over WebSocket."""
    config = tmp_path / "openssl.cnf"
    config.write_text(
        "openssl_conf = main\n[main]\nssl_conf = modules\n[modules]\nsystem_default = defaults\n"
        "[defaults]\nMaxProtocol = TLSv1.2\n"
    )
    run = ws(alice, "ping", env={"OPENSSL_CONF": str(config)})
    assert "-PLUS (bound by tls-unique) over TLSv1.2" in run.err


# --- a server that a test writes ----------------------------------------------------------------


@pytest.fixture
def fake(xmppctl: Xmppctl, authority: Authority) -> Callable[..., Result]:
    """Runs xmppctl over the WebSocket of a script."""

    def run(
        script: Callable[[WebConnection], None],
        *args: str,
        certificate: Certificate | None = None,
        **more: Any,
    ) -> Result:
        with WebServer(script, certificate or authority.issue("web.test")) as web:
            url = web.url("/ws").replace("https", "wss")
            return xmppctl(
                *("--endpoint", url, *(args or ("--json", "ping"))),
                **{
                    "jid": "alice@fake.test",
                    "password": "x",
                    "ca_file": authority.ca_file,
                    **more,
                },
            )

    return run


def test_a_decent_script_is_enough(fake: Callable[..., Result]) -> None:
    seen: list[FakeWebSocket] = []

    def script(conn: WebConnection) -> None:
        ws = FakeWebSocket(conn)
        seen.append(ws)
        ws.login()
        conn.send(frame("are you there", PING))
        ws.result(ws.request())
        ws.until_closed()

    fake(script).expect()
    (ws,) = seen
    assert ws.texts[-1] == CLOSE
    assert ws.codes == [1000]
    assert ws.pongs == [b"are you there"]
    assert ws.texts[0].startswith(f"<open xmlns='{FRAMING}' to='fake.test' version='1.0'")


def test_a_wrong_name(fake: Callable[..., Result], authority: Authority) -> None:
    run = fake(lambda conn: None, certificate=authority.wrong_name("web.test"))
    error = failure(run, Exit.TLS, "tls", "wrong-host-name")
    assert "127.0.0.1" in error["text"]


def test_an_expired_certificate(fake: Callable[..., Result], authority: Authority) -> None:
    run = fake(lambda conn: None, certificate=authority.expired("web.test"))
    failure(run, Exit.TLS, "tls", "certificate-expired")


def test_the_domain_is_not_the_name_that_counts(
    fake: Callable[..., Result], authority: Authority
) -> None:
    """RFC 6455 §4.1: the URL's host is, which --endpoint or a verified host-meta named."""
    run = fake(lambda conn: None, certificate=authority.wrong_name("fake.test"))
    failure(run, Exit.TLS, "tls", "wrong-host-name")


def test_http_where_tls_has_to_be(xmppctl: Xmppctl, authority: Authority) -> None:
    with WebServer(lambda conn: conn.respond(200)) as web:
        url = f"wss://127.0.0.1:{web.port}/ws"
        run = xmppctl(
            *("--endpoint", url, "--json", "ping"),
            jid="alice@fake.test",
            password="x",
            ca_file=authority.ca_file,
        )
    error = failure(run, Exit.TLS, "tls")
    assert error["condition"] == "not-tls"
    assert "starttls" not in run.err


def test_refused(xmppctl: Xmppctl) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        url = f"wss://127.0.0.1:{sock.getsockname()[1]}/ws"
        run = xmppctl("--endpoint", url, "--json", "ping", jid="alice@fake.test", password="x")
    failure(run, Exit.CONNECT, "tcp", "connection-refused")


def test_no_such_host(xmppctl: Xmppctl) -> None:
    url = ("--endpoint", "wss://nothing.invalid/ws")
    run = xmppctl(*url, "--json", "ping", jid="alice@fake.test", password="x")
    error = failure(run, Exit.CONNECT, "dns", "nxdomain")
    assert "nothing.invalid" in error["text"]


def _silent_request(conn: WebConnection) -> None:
    conn.request()
    conn.wait()


def _silent_stream(conn: WebConnection) -> None:
    FakeWebSocket(conn).until_closed()


def _silent_login(conn: WebConnection) -> None:
    ws = FakeWebSocket(conn)
    ws.opened(f"<mechanisms xmlns='{SASL}'><mechanism>PLAIN</mechanism></mechanisms>")
    ws.until_closed()


def _silent_answer(conn: WebConnection) -> None:
    ws = FakeWebSocket(conn)
    ws.login()
    ws.until_closed()


@pytest.mark.parametrize(
    ("script", "step"),
    [
        (_silent_request, "websocket"),
        (_silent_stream, "stream"),
        (_silent_login, "auth"),
        (_silent_answer, "roster"),
    ],
)
def test_silence(
    fake: Callable[..., Result], script: Callable[[WebConnection], None], step: str
) -> None:
    run = fake(script, "--connect-timeout", "0.8", "--timeout", "0.8", "--json", "roster", "list")
    error = failure(run, Exit.TIMEOUT, step, "timeout")
    assert "127.0.0.1" in error["text"]
    assert run.seconds < 5


def test_silence_in_the_handshake(xmppctl: Xmppctl) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        url = f"wss://127.0.0.1:{sock.getsockname()[1]}/ws"
        run = xmppctl(
            *("--endpoint", url, "--connect-timeout", "0.5", "--json", "ping"),
            jid="alice@fake.test",
            password="x",
        )
    failure(run, Exit.TIMEOUT, "tls", "timeout")


def _status(status: int, *headers: str) -> Callable[[WebConnection], None]:
    def script(conn: WebConnection) -> None:
        conn.request()
        conn.respond(status, b"<html/>", *headers)

    return script


@pytest.mark.parametrize(
    ("status", "condition"),
    [
        (401, "not-authorized"),
        (403, "forbidden"),
        (404, "item-not-found"),
        (503, "service-unavailable"),
        (200, "http-error"),
    ],
)
def test_a_status_that_is_no_websocket(
    fake: Callable[..., Result], status: int, condition: str
) -> None:
    error = failure(fake(_status(status)), Exit.CONNECT, "websocket", condition)
    assert f"HTTP status {status}" in error["text"]


def test_a_redirect_is_told_and_not_followed(fake: Callable[..., Result]) -> None:
    run = fake(_status(307, "Location: https://elsewhere.invalid/ws"))
    error = failure(run, Exit.CONNECT, "websocket", "redirect")
    assert "https://elsewhere.invalid/ws" in error["hint"]


def test_a_websocket_without_xmpp(fake: Callable[..., Result]) -> None:
    def script(conn: WebConnection) -> None:
        FakeWebSocket(conn, Sec_WebSocket_Protocol=None).until_closed()

    failure(fake(script), Exit.CONNECT, "websocket", "no-subprotocol")


HOSTILE = {
    "masked": masked("<a xmlns='b'/>"),
    "binary": frame("<a xmlns='b'/>", BINARY),
    "invalid UTF-8": frame(b"<a xmlns='b'>\xff</a>"),
    "reserved bits": frame("<a xmlns='b'/>", bits=4),
    "control frame too long": frame("x" * 126, PING),
    "XML declaration": frame("<?xml version='1.0'?><a xmlns='b'/>"),
    "two elements": frame("<a xmlns='b'/><a xmlns='b'/>"),
    "too large": bytes([0x81, 0x7F]) + (1 << 40).to_bytes(8, "big"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("late", [False, True])
def test_hostile_frames_end_the_connection(
    fake: Callable[..., Result], name: str, late: bool
) -> None:
    def script(conn: WebConnection) -> None:
        ws = FakeWebSocket(conn)
        if late:
            ws.login()
            ws.request()
        else:
            ws.expect("open")
        conn.send(HOSTILE[name])
        ws.until_closed()

    run = fake(script)
    failure(run, Exit.CONNECT, "ping" if late else "stream", "not-well-formed")


def test_the_server_may_leave(fake: Callable[..., Result]) -> None:
    def script(conn: WebConnection) -> None:
        ws = FakeWebSocket(conn)
        ws.login()
        ws.request()
        conn.send(frame(b"\x03\xe9\x1b[31mbye", END))
        ws.until_closed()

    run = fake(script, "--json", "ping")
    error = failure(run, Exit.CONNECT, "ping", "connection-closed")
    assert "goes away" in error["text"]


def test_another_endpoint_is_followed(fake: Callable[..., Result], authority: Authority) -> None:
    def target(conn: WebConnection) -> None:
        ws = FakeWebSocket(conn)
        ws.login()
        ws.result(ws.request())
        ws.until_closed()

    with WebServer(target, authority.issue("web.test")) as other:
        where = other.url("/new").replace("https", "wss")

        def script(conn: WebConnection) -> None:
            ws = FakeWebSocket(conn)
            ws.expect("open")
            ws.send(f"<close xmlns='{FRAMING}' see-other-uri='{where}'/>")
            ws.until_closed()

        fake(script).expect()
        assert [request.target for request in other.requests] == ["/new"]


def test_not_to_an_endpoint_without_tls(fake: Callable[..., Result]) -> None:
    def script(conn: WebConnection) -> None:
        ws = FakeWebSocket(conn)
        ws.expect("open")
        ws.send(f"<close xmlns='{FRAMING}' see-other-uri='ws://127.0.0.1:1/'/>")
        ws.until_closed()

    failure(fake(script), Exit.CONNECT, "stream", "see-other-uri")


def test_a_stream_error(fake: Callable[..., Result]) -> None:
    def script(conn: WebConnection) -> None:
        ws = FakeWebSocket(conn)
        ws.expect("open")
        error = "<host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
        ws.send(features(error).replace("features", "error"))
        ws.until_closed()

    failure(fake(script), Exit.CONNECT, "stream", "host-unknown")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_stream(
    xmppctl: Xmppctl, authority: Authority, number: signal.Signals
) -> None:
    seen: list[FakeWebSocket] = []
    asked = threading.Event()

    def script(conn: WebConnection) -> None:
        ws = FakeWebSocket(conn)
        seen.append(ws)
        ws.login()
        ws.request()
        asked.set()
        ws.until_closed()

    with WebServer(script, authority.issue("web.test")) as web:
        run: Running = xmppctl.start(
            *("--endpoint", web.url("/ws").replace("https", "wss"), "--json", "ping"),
            jid="alice@fake.test",
            password="x",
            ca_file=authority.ca_file,
        )
        assert asked.wait(15)
        run.signal(number)
        result = xmppctl.finish(run)
    failure(result, Exit.SIGINT if number == signal.SIGINT else Exit.SIGTERM)
    (ws,) = seen
    assert ws.texts[-1] == CLOSE
    assert ws.codes == [1000]


def test_no_secret_in_the_trace(fake: Callable[..., Result]) -> None:
    def script(conn: WebConnection) -> None:
        ws = FakeWebSocket(conn)
        ws.login()
        ws.result(ws.request())
        ws.until_closed()

    run = fake(script, "--debug-xml", "ping", password="very-secret-word")
    run.expect()
    secret = base64.b64encode(b"\0alice\0very-secret-word").decode()
    assert "<auth" in run.err
    assert secret not in run.err
    assert "very-secret-word" not in run.err
