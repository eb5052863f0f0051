"""A run that begins as one before it did connects before Click is imported."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_start import PROFILED, loaded_in_order
from tests.peers.process import Result, Xmppctl
from tests.servers.base import Account, Server
from tests.servers.faults import FaultProxy

pytestmark = [pytest.mark.own_connection, pytest.mark.servers("prosody")]

PING = ("ping", "--json")

Run = Callable[..., Result]


@pytest.fixture
def proxy(server: Server) -> Iterator[FaultProxy]:
    with FaultProxy(server.direct_tls) as proxy:
        yield proxy


@pytest.fixture
def run(xmppctl: Xmppctl, alice: Account, proxy: FaultProxy) -> Run:
    """``run("ping")`` as alice, by direct TLS."""

    def run(*words: str, env: dict[str, str] | None = None, account: Account = alice) -> Result:
        way = {"account": account, "connect": proxy.address}
        return xmppctl("--tls", "direct", *words, env={**PROFILED, **(env or {})}, **way)

    return run


def ahead(done: Result) -> bool:
    """Whether TLS was there before Click."""
    order = loaded_in_order(done.err)
    return order.index("ssl") < order.index("click")


def told(done: Result) -> list[str]:
    """What it said on standard error, without the imports."""
    return [line for line in done.err.splitlines() if not line.startswith("import time:")]


def test_the_same_words_again(run: Run, proxy: FaultProxy) -> None:
    assert not ahead(run(*PING).expect())
    for count in (2, 3):
        assert ahead(run(*PING).expect())
        assert len(proxy.connections) == count, "it is the one that is used"


def test_other_words_behind_the_verb(run: Run, server: Server, bob: Account) -> None:
    run("send", bob.jid, "one").expect()
    assert ahead(run("send", bob.jid, "another").expect())
    run("roster", "list").expect()
    assert ahead(run("roster", "list").expect())
    assert not ahead(run("roster", "export").expect())


def test_starttls(xmppctl: Xmppctl, alice: Account, server: Server) -> None:
    """It goes as far as TCP."""
    with FaultProxy(server.starttls) as proxy:
        for count in (1, 2):
            done = xmppctl(*PING, account=alice, connect=proxy.address, env=PROFILED).expect()
            order = loaded_in_order(done.err)
            early = "xmppctl.session.early"
            assert (order.index(early) < order.index("click")) is (count == 2)
            assert len(proxy.connections) == count


@pytest.mark.parametrize(
    "words",
    [
        ("ping", "--help"),
        ("ping", "-h"),
        ("--version",),
        ("config", "show"),
        ("send", "--no-such-option", "bob@x.test", "text"),
        ("no-such-command",),
        (),
    ],
)
def test_no_connection(run: Run, proxy: FaultProxy, bob: Account, words: tuple[str, ...]) -> None:
    run(*PING).expect()
    run("ping").expect()
    run("send", bob.jid, "text").expect()
    before = len(proxy.connections)
    done = run(*words)
    assert len(proxy.connections) == before
    assert "ssl" not in loaded_in_order(done.err)


@pytest.mark.parametrize("words", [("send",), ("send", "--dry-run", "bob@x.test", "text")])
def test_none_ahead_where_no_run_of_the_kind_connected(
    run: Run, bob: Account, words: tuple[str, ...]
) -> None:
    run("send", bob.jid, "text").expect()
    for _ in range(2):
        assert not ahead(run(*words))


def test_no_connection_for_completion(run: Run, proxy: FaultProxy) -> None:
    run(*PING).expect()
    words = {"COMP_WORDS": "xmppctl ping x", "COMP_CWORD": "2"}
    run(*PING, env={"_XMPPCTL_COMPLETE": "bash_complete", **words}).expect()
    assert len(proxy.connections) == 1


def test_a_usage_error_is_told_as_ever(
    run: Run, xmppctl: Xmppctl, proxy: FaultProxy, tmp_path: Path
) -> None:
    """Where only a value is wrong, a connection may have begun; nothing of XMPP is said on it."""
    asked = tmp_path / "asked"
    command = ("--password-command", f"echo >> '{asked}'; printenv XMPPCTL_PASSWORD")
    wrong = (*command, *PING, "@@")
    before = run(*wrong).expect(2)
    run(*command, *PING, "localhost")
    run(*command, *PING).expect()
    asked.unlink()
    for words in (wrong, (*command, "ping", "-o", "no-such-format")):
        count = len(proxy.connections)
        done = run(*words).expect(2)
        if words is wrong:
            assert told(done) == told(before)
        for connection in proxy.connections[count:]:
            # handshake messages alone: the first record of data would come behind them
            assert bytes(connection.up[:1]) in (b"", b"\x16")
    assert not asked.exists(), "nobody was asked for the password"


def test_another_account_by_variable(run: Run, xmppctl: Xmppctl, bob: Account) -> None:
    run(*PING).expect()
    assert ahead(run(*PING).expect())
    assert not ahead(run(*PING, account=bob).expect())
    assert not ahead(run(*PING, env={"XMPPCTL_RESOURCE": "other"}).expect())


def test_a_configuration_that_changed(
    xmppctl: Xmppctl, alice: Account, bob: Account, proxy: FaultProxy
) -> None:
    config = xmppctl.home / "config" / "config.toml"
    config.parent.mkdir(mode=0o700)

    def log_in_as(account: Account) -> tuple[bool, str]:
        host, port = proxy.address
        config.write_text(
            f'[accounts.x]\njid = "{account.jid}"\npassword = "{account.password}"\n'
            f'connect = "{host}:{port}"\ntls = "direct"\nca_file = "{account.server.ca_file}"\n'
        )
        config.chmod(0o600)
        runs = [xmppctl("account", "test", "--json", env=PROFILED).expect() for _ in range(2)]
        assert ahead(runs[1])
        return ahead(runs[0]), runs[0].json()["jid"].partition("/")[0]

    assert log_in_as(alice) == (False, alice.jid)
    assert log_in_as(bob) == (False, bob.jid)


def test_an_account_named_behind_the_verb(
    xmppctl: Xmppctl, alice: Account, bob: Account, proxy: FaultProxy
) -> None:
    config = xmppctl.home / "config" / "config.toml"
    config.parent.mkdir(mode=0o700)
    host, port = proxy.address
    config.write_text(
        "".join(
            f'[accounts.{name}]\njid = "{who.jid}"\npassword = "{who.password}"\n'
            f'connect = "{host}:{port}"\ntls = "direct"\nca_file = "{who.server.ca_file}"\n'
            for name, who in {"a": alice, "b": bob}.items()
        )
    )
    config.chmod(0o600)
    for name, who in {"a": alice, "b": bob}.items():
        for _ in range(2):
            count = len(proxy.connections)
            done = xmppctl("account", "test", "--json", name, env=PROFILED).expect()
            assert done.json()["jid"].startswith(f"{who.jid}/")
            assert not ahead(done)
            assert len(proxy.connections) == count + 1


PARTS = ["format", "digest", "verb", "config", "stamp", "host", "address", "port", "direct_tls"]
PARTS += ["domain", "ca_file", "until"]


def doctored(xmppctl: Xmppctl, **more: str) -> None:
    """Make the one guess a wrong one."""
    file = xmppctl.home / "cache" / "starts"
    parts = dict(zip(PARTS, file.read_text().split("\0"), strict=True))
    file.write_text("\0".join({**parts, **more}.values()))


def test_a_wrong_guess_is_not_used(run: Run, xmppctl: Xmppctl, proxy: FaultProxy) -> None:
    run(*PING).expect()
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        doctored(xmppctl, port=str(elsewhere.getsockname()[1]))
        done = run(*PING).expect()
        with elsewhere.accept()[0] as there:
            said = there.recv(65536)
            assert said[:1] == b"\x16"
            assert there.recv(65536) == b""
    assert ahead(done)
    assert len(proxy.connections) == 2
    # what was found to be wrong is put right
    assert ahead(run(*PING).expect())
    assert len(proxy.connections) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"domain": "other.test"},
        {"ca_file": ""},
        {"ca_file": "/no/such/file"},
        {"port": "1"},
        {"port": "99999"},
        {"address": "x"},
        {"direct_tls": "0"},
        {"until": "1.0"},
        {"config": "/", "stamp": ""},
    ],
)
def test_whatever_was_guessed(run: Run, xmppctl: Xmppctl, wrong: dict[str, str]) -> None:
    run(*PING).expect()
    doctored(xmppctl, **wrong)
    run(*PING).expect()


def test_the_server_has_gone(
    xmppctl: Xmppctl, alice: Account, server: Server, authority: Any
) -> None:
    """The failure is the one of a run that guesses nothing."""

    def failure() -> dict[str, Any]:
        words = ("--tls", "direct", *PING)
        return xmppctl(*words, account=alice, connect=proxy.address).expect(3).error()

    with FaultProxy(server.direct_tls) as proxy:
        xmppctl("--tls", "direct", *PING, account=alice, connect=proxy.address).expect()
    with_guess = failure()
    (xmppctl.home / "cache" / "starts").unlink()
    assert failure() == with_guess
