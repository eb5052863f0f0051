"""Each exit code of the contract, provoked at least once through the command line."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from tests.integration.failing import failure
from tests.peers.process import Result, Xmppctl
from tests.servers.base import Account
from tests.servers.faults import FaultProxy
from tests.servers.prosody import Prosody
from xmppctl.cli.main import main
from xmppctl.errors import BY_CODE, Exit, UntrustedError

Case = Callable[[Xmppctl, Account], Result]
CASES: dict[str, tuple[Exit, Case]] = {}


def case(code: Exit) -> Callable[[Case], Case]:
    def add(function: Case) -> Case:
        CASES[f"{code.name}: {function.__name__.replace('_', ' ')}"] = (code, function)
        return function

    return add


def send(xmppctl: Xmppctl, account: Account, *words: str) -> Result:
    return xmppctl("--json", "send", *words, account=account)


@case(Exit.OK)
def a_ping_is_answered(xmppctl: Xmppctl, alice: Account) -> Result:
    return xmppctl("--json", "ping", account=alice)


@case(Exit.USAGE)
def a_bad_jid(xmppctl: Xmppctl, alice: Account) -> Result:
    return xmppctl("--json", "ping", "a@b@c", account=alice)


@case(Exit.USAGE)
def an_unknown_command(xmppctl: Xmppctl, alice: Account) -> Result:
    return xmppctl("--json", "no-such-command")


@case(Exit.USAGE)
def an_empty_message(xmppctl: Xmppctl, alice: Account) -> Result:
    return send(xmppctl, alice, alice.jid, "")


@case(Exit.USAGE)
def control_characters(xmppctl: Xmppctl, alice: Account) -> Result:
    return send(xmppctl, alice, alice.jid, "bell \x07")


@case(Exit.USAGE)
def control_characters_in_an_option(xmppctl: Xmppctl, alice: Account) -> Result:
    return xmppctl("--json", "disco", "info", "--node", "bell \x07", account=alice)


@case(Exit.USAGE)
def a_malformed_configuration(xmppctl: Xmppctl, alice: Account) -> Result:
    return configured(xmppctl, "accounts = [")


@case(Exit.USAGE)
def no_account(xmppctl: Xmppctl, alice: Account) -> Result:
    return xmppctl("--json", "ping")


@case(Exit.USAGE)
def no_credentials(xmppctl: Xmppctl, alice: Account) -> Result:
    return xmppctl("--json", "-j", alice.jid, "ping")


@case(Exit.USAGE)
def a_password_command_that_fails(xmppctl: Xmppctl, alice: Account) -> Result:
    return xmppctl("--json", "-j", alice.jid, "--password-command", "exit 3", "ping")


@case(Exit.CONNECT)
def a_closed_port(xmppctl: Xmppctl, alice: Account) -> Result:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return xmppctl("--json", "ping", account=alice, connect=sock.getsockname())


@case(Exit.AUTH)
def a_wrong_password(xmppctl: Xmppctl, alice: Account) -> Result:
    return xmppctl("--json", "ping", account=alice, password="wrong")


@case(Exit.TLS)
def an_unknown_authority(xmppctl: Xmppctl, alice: Account) -> Result:
    return xmppctl(
        "--json", "ping", jid=alice.jid, password=alice.password, connect=alice.server.starttls
    )


@case(Exit.REFUSED)
def a_bounced_message(xmppctl: Xmppctl, alice: Account) -> Result:
    return send(xmppctl, alice, f"nobody-here@{alice.domain}", "hello")


@case(Exit.UNSUPPORTED)
def no_archive(xmppctl: Xmppctl, alice: Account) -> Result:
    domain = alice.server.hosts["anon"]
    return xmppctl(
        *("--anonymous", "--json", "mam", "query"),
        jid=domain,
        connect=alice.server.starttls,
        ca_file=alice.server.ca_file,
    )


@case(Exit.TIMEOUT)
def a_silent_server(xmppctl: Xmppctl, alice: Account) -> Result:
    with FaultProxy(alice.server.starttls, greeting="silent") as silent:
        return xmppctl(
            *("--connect-timeout", "500ms", "--json", "ping"),
            account=alice,
            connect=silent.address,
        )


@case(Exit.PARTIAL)
def one_of_two_recipients(xmppctl: Xmppctl, alice: Account) -> Result:
    return send(xmppctl, alice, alice.jid, f"nobody-here@{alice.domain}", "hello")


@case(Exit.EMPTY)
def a_client_that_is_not_online(xmppctl: Xmppctl, alice: Account) -> Result:
    return xmppctl("--json", "ping", f"{alice.jid}/not-online", account=alice)


@case(Exit.LOCAL)
def an_unreadable_configuration(xmppctl: Xmppctl, alice: Account) -> Result:
    (xmppctl.home / "config" / "config.toml").mkdir(parents=True)
    return xmppctl("--json", "ping", account=alice)


@case(Exit.LOCAL)
def a_secret_that_others_can_read(xmppctl: Xmppctl, alice: Account) -> Result:
    text = f'default_account = "a"\n[accounts.a]\njid = "{alice.jid}"\npassword = "secret"\n'
    result = configured(xmppctl, text, mode=0o644)
    assert "chmod" in result.err
    return result


@case(Exit.LOCAL)
def a_missing_ca_file(xmppctl: Xmppctl, alice: Account) -> Result:
    return xmppctl("--json", "ping", account=alice, ca_file=xmppctl.home / "nowhere.pem")


@case(Exit.SIGINT)
def interrupted(xmppctl: Xmppctl, alice: Account) -> Result:
    return signalled(xmppctl, alice, signal.SIGINT)


@case(Exit.SIGTERM)
def terminated(xmppctl: Xmppctl, alice: Account) -> Result:
    return signalled(xmppctl, alice, signal.SIGTERM)


def configured(xmppctl: Xmppctl, text: str, mode: int = 0o600) -> Result:
    path = xmppctl.home / "config" / "config.toml"
    path.parent.mkdir(mode=0o700)
    path.write_text(text)
    path.chmod(mode)
    return xmppctl("--json", "ping")


def signalled(xmppctl: Xmppctl, account: Account, number: signal.Signals) -> Result:
    run = xmppctl.start("ping", "-c", "0", "-i", "30s", "-o", "jsonl", account=account)
    run.wait_line('"ok":true')
    run.signal(number)
    result = xmppctl.finish(run)
    assert result.jsonl()[0]["ok"]
    return result


@pytest.mark.parametrize("name", CASES)
def test_exit_codes(xmppctl: Xmppctl, prosody: Prosody, name: str) -> None:
    code, provoke = CASES[name]
    result = provoke(xmppctl, prosody.account("alice"))
    if code is Exit.OK:
        assert result.expect(0).err == ""
        return
    error = failure(result, code)
    assert error["name"] == code.name
    if code is Exit.USAGE:
        assert result.out == ""


@contextmanager
def in_process(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> Iterator[Callable[..., int]]:
    """The command line in this process, with a session that fails by ``error``."""

    @asynccontextmanager
    async def fails(*_: object, **__: object):  # type: ignore[no-untyped-def]
        raise error
        yield

    monkeypatch.setattr("xmppctl.session.open_session", fails)
    monkeypatch.setenv("XMPPCTL_PASSWORD", "x")
    yield lambda *args: main(["-j", "alice@example.org", *args])


def test_a_bug_of_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", f"{tmp_path}/{kind}")
    with in_process(monkeypatch, ZeroDivisionError("secret words")) as run:
        assert run("roster", "list") == Exit.INTERNAL
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert "secret words" not in told
    assert f"{tmp_path}/STATE" in told


def test_no_trusted_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XMPPCTL_CONFIG_DIR", f"{tmp_path}")
    error = UntrustedError("no trusted key", step="encrypt", by="bob@example.org")
    with in_process(monkeypatch, error) as run:
        assert run("roster", "list", "--json") == Exit.UNTRUSTED
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["error"]["name"] == "UNTRUSTED"


def test_the_table_is_complete() -> None:
    """Broken pipe has a test of its own, beside the signals of a waiting run."""
    elsewhere = {Exit.INTERNAL, Exit.UNTRUSTED, Exit.PIPE}
    assert {code for code, _ in CASES.values()} | elsewhere == set(Exit)
    assert {int(code) for code in Exit if code <= 12} == {0, *BY_CODE}
