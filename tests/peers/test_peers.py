"""The independent clients and the runner of xmppctl, tried out on each other."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.peers import gosendxmpp, process
from tests.peers.process import Xmppctl
from tests.peers.rawxml import RawClient
from tests.peers.slix import SlixClient
from tests.peers.stream import CLIENT
from tests.servers.base import Account, Server

# --- peers --------------------------------------------------------------------------------------


def test_slixmpp_plays_the_other_side(server: Server, alice: Account, bob: Account) -> None:
    room = f"{alice.local}@{server.conference}"
    with SlixClient(alice) as one, SlixClient(bob) as two:
        one.send_presence()
        two.send_presence()
        ident = one.send_message(two.jid, "hello")
        assert two.wait_message()["id"] == ident
        one.add_contact(bob.jid, "Bob")
        assert one.get_roster()[bob.jid]["name"] == "Bob"
        one.create_muc(room, "al", roomname="A room")
        two.join_muc(room, "bo")
        one.send_message(room, "to all", type="groupchat")
        two.wait_message(lambda m: m["type"] == "groupchat" and m["body"] == "to all")
        with pytest.raises(TimeoutError, match="hello"):
            two.wait_message(lambda m: m["body"] == "never sent", timeout=0.1)


def test_slixmpp_with_a_wrong_password_fails(server: Server, alice: Account) -> None:
    with pytest.raises(ConnectionError):
        SlixClient(Account(alice.jid, "wrong", server))


def test_go_sendxmpp_plays_the_other_side(alice: Account, bob: Account) -> None:
    with RawClient.login_as(bob) as peer:
        peer.send("<presence/>")
        gosendxmpp.send(alice, bob.jid, "from Go")
        assert peer.wait_message().findtext(f"{{{CLIENT}}}body") == "from Go"


# --- runner -------------------------------------------------------------------------------------


@pytest.fixture
def python(tmp_path: Path) -> Xmppctl:
    return Xmppctl(tmp_path, Path(sys.executable))


def test_the_runner_gives_code_and_streams(python: Xmppctl) -> None:
    code = "import sys; print(sys.stdin.read()); print('é', file=sys.stderr); sys.exit(7)"
    result = python("-c", code, input='{"a": 1}')
    assert result.expect(7).json() == {"a": 1}
    assert result.err == "é\n"
    with pytest.raises(AssertionError, match="exit 7 instead of 0"):
        result.expect(0)


def test_the_runner_is_isolated(python: Xmppctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XMPPCTL_JID", "leak@example.org")
    monkeypatch.setenv("NO_COLOR", "1")
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    seen = python("-c", code, env={"EXTRA": "1"}).json()
    assert {"XMPPCTL_JID", "NO_COLOR"}.isdisjoint(seen)
    assert seen["EXTRA"] == "1"
    assert seen["XMPPCTL_STATE_DIR"].startswith(str(python.home))


def test_the_runner_puts_the_connection_before_the_command(
    tmp_path: Path, server: Server, alice: Account
) -> None:
    path = tmp_path / "echo"
    path.write_text('#!/bin/sh\nprintf "%s\\n" "$@" "$XMPPCTL_PASSWORD"\n')
    path.chmod(0o755)
    result = Xmppctl(tmp_path, path)("ping", account=alice)
    host, port = server.starttls
    connect = ["--connect", f"{host}:{port}", "--ca-file", str(server.ca_file)]
    assert result.out.splitlines() == ["-j", alice.jid, *connect, "ping", alice.password]


@pytest.fixture
def echo(tmp_path: Path) -> Xmppctl:
    """Prints its arguments."""
    path = tmp_path / "echo"
    path.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    path.chmod(0o755)
    return Xmppctl(tmp_path, path)


def test_the_runner_knows_every_way_to_a_server(echo: Xmppctl, server: Server) -> None:
    host, port = server.direct_tls
    ways = {
        "direct": ["--connect", f"{host}:{port}", "--tls", "direct"],
        "websocket": ["--transport", "websocket", "--endpoint", server.websocket_url],
        "bosh": ["--transport", "bosh", "--endpoint", server.bosh_url],
    }
    for transport, expected in ways.items():
        result = echo("ping", server=server, transport=transport)
        assert result.out.splitlines() == [*expected, "--ca-file", str(server.ca_file), "ping"]


def test_who_says_how_to_connect_is_left_out_over_another_transport(
    echo: Xmppctl, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "ANOTHER_TRANSPORT", True)
    monkeypatch.setattr(process, "TRANSPORT", "bosh")
    assert server.bosh_url in echo("ping", server=server).out
    for more in ({"connect": server.starttls}, {"transport": "direct", "server": server}):
        with pytest.raises(pytest.skip.Exception, match="says itself how to connect"):
            echo("ping", **more)


def test_the_runner_waits_for_lines_and_signals(python: Xmppctl) -> None:
    code = "import time; print('listening as me', flush=True); time.sleep(60)"
    run = python.start("-c", code)
    assert run.wait_line(r"listening as (\w+)")[1] == "me"
    run.signal(signal.SIGTERM)
    assert python.finish(run).code == -signal.SIGTERM


def test_the_runner_bounds_every_wait(python: Xmppctl) -> None:
    run = python.start("-c", "import time; time.sleep(60)")
    with pytest.raises(AssertionError, match="no line"):
        run.wait_line("never", timeout=0.1)
    with pytest.raises(AssertionError, match="still running"):
        run.wait(0.1)
    assert run.process.returncode == -signal.SIGKILL
