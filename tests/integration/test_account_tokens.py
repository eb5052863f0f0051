"""`account tokens`, and what `account remove` takes along, as processes; no server takes part."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from xmppctl.config import logins
from xmppctl.config.memory import FileMemory
from xmppctl.model.memory import Known, Token
from xmppctl.model.roster import Contact, Roster

XMPPCTL = Path(sys.executable).with_name("xmppctl")
ALICE, BOB, EVE = "alice@example.org", "bob@example.net", "eve@example.com"
CONFIG = """\
default_account = "work"
[accounts.work]
jid = "alice@example.org"
password_command = "false"
[accounts.home]
jid = "bob@example.net/phone"
"""


@pytest.fixture
def env(tmp_path):
    found = {f"XMPPCTL_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "STATE", "CACHE")}
    (tmp_path / "CONFIG").mkdir(mode=0o700)
    (tmp_path / "CONFIG" / "config.toml").write_text(CONFIG)
    return found


@pytest.fixture
def run(env, tmp_path):
    def run(*args, **more):
        around = {key: value for key, value in os.environ.items() if "XMPPCTL" not in key}
        return subprocess.run(
            [XMPPCTL, *args],
            env={**around, **env, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
        )

    return run


@pytest.fixture
def ok(run):
    """Run, expect success, give the JSON."""

    def ok(*args, **more):
        done = run(*args, "--json", **more)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert "s3cret" not in done.stdout
        return json.loads(done.stdout)

    return ok


@pytest.fixture
def keep(env):
    """Keep a token of a JID; the record that shows it."""

    def keep(jid, account, text="s3cret", expiry="2100-01-01T00:00:00Z", expired=False):
        memory = FileMemory(jid, ("w",), env, state=True)
        device = memory.device()
        memory.authenticated("SCRAM-SHA-256", ("SCRAM-SHA-256",))
        issued = "2026-01-02T03:04:05Z"
        assert memory.keep_token(Token("HT-SHA-256-NONE", text, expiry, device, issued))
        return {
            "account": account,
            "jid": jid,
            "device": device,
            "mechanism": "HT-SHA-256-NONE",
            "issued": issued,
            "expiry": expiry,
            "expired": expired,
        }

    return keep


def refused(done, code, *words):
    error = json.loads(done.stderr.splitlines()[-1])["error"]
    assert (done.returncode, error["code"]) == (code, code), done
    for word in words:
        assert word in f"{error['text']} {error['hint']}"
    return error


def test_tokens_are_listed_without_the_token(ok, run, keep):
    assert ok("account", "tokens", "list") == []
    assert run("account", "tokens", "list", "--fail-empty").returncode == 10
    alice = keep(ALICE, "work")
    bob = keep(BOB, "home", expiry="2020-01-01T00:00:00Z", expired=True)
    eve = keep(EVE, None, expiry=None)
    assert ok("account", "tokens", "list") == [alice, bob, eve]
    assert ok("account", "tokens", "list", "home") == [bob]
    assert ok("-a", "work", "account", "tokens", "list") == [alice]
    assert ok("-j", EVE, "account", "tokens", "list") == [eve]
    assert ok("-j", "nobody@example.org", "account", "tokens", "list") == []
    for format in ("table", "csv", "tsv", "plain", "jsonl"):
        done = run("account", "tokens", "list", "-o", format, "-v")
        assert ALICE in done.stdout
        assert "s3cret" not in done.stdout + done.stderr


def gone(*entries):
    """What ``forget --local`` tells."""
    return [{**entry, "invalidated": False, "error": None} for entry in entries]


def test_the_tokens_of_the_account_in_use_are_forgotten(ok, keep, env):
    first = keep(ALICE, "work", text="s3cret1", expiry="2100-01-01T00:00:00Z")
    second = keep(ALICE, "work", text="s3cret2", expiry="2100-01-02T00:00:00Z")
    bob = keep(BOB, "home")
    assert ok("account", "tokens", "forget", "--local") == gone(second, first)
    assert ok("account", "tokens", "list") == [bob]
    left = logins.read(ALICE, env)
    # the protection against weaker mechanisms stays, and so does the device
    assert [each.id for each in left.devices] == [first["device"]]
    assert left.strongest == "SCRAM-SHA-256"
    assert "s3cret" not in logins.file(ALICE, env).read_text()


def test_the_tokens_of_all_devices_are_listed_and_forgotten(ok, keep, env):
    busy = FileMemory(ALICE, ("w",), env, state=True)
    device = busy.device()
    second = keep(ALICE, "work", text="s3cret2")
    issued = second["issued"]
    assert busy.keep_token(Token("HT-SHA-256-NONE", "s3cret1", None, device, issued))
    first = {**second, "device": device, "expiry": None}
    assert second["device"] != device
    assert ok("account", "tokens", "list") == [first, second]
    # a run that is still at it is no hindrance
    assert ok("account", "tokens", "forget", "--local") == gone(first, second)
    assert ok("account", "tokens", "list") == []
    assert [each.id for each in logins.read(ALICE, env).devices] == [device, second["device"]]


def test_tokens_are_forgotten_by_account_jid_or_all(ok, keep):
    alice, bob, eve = keep(ALICE, "work"), keep(BOB, "home"), keep(EVE, None)
    assert ok("account", "tokens", "forget", "home", "--local") == gone(bob)
    assert ok("-j", EVE, "account", "tokens", "forget", "--local") == gone(eve)
    assert ok("account", "tokens", "list") == [alice]
    bob = keep(BOB, "home")
    assert ok("account", "tokens", "forget", "--all", "--local") == gone(alice, bob)
    assert ok("account", "tokens", "list") == []


def test_an_expired_token_is_forgotten_without_asking_a_server(ok, keep):
    bob = keep(BOB, "home", expiry="2020-01-01T00:00:00Z", expired=True)
    assert ok("account", "tokens", "forget", "home") == gone(bob)
    assert ok("account", "tokens", "list") == []


def test_a_server_that_is_not_reached_leaves_the_token_and_tells_the_way_out(ok, run, keep):
    alice, eve = keep(ALICE, "work"), keep(EVE, None)
    closed = ("--connect", "127.0.0.1:1")
    done = run(*closed, "account", "tokens", "forget", "work", "--json")
    error = refused(done, 3, "--local")
    [record] = json.loads(done.stdout)
    assert record == {**alice, "invalidated": False, "error": error}
    done = run(*closed, "account", "tokens", "forget", "--all", "--json")
    refused(done, 3)
    assert [each["jid"] for each in json.loads(done.stdout)] == [ALICE, EVE]
    assert ok("account", "tokens", "list") == [alice, eve]


def test_forgetting_what_is_not_there(ok, run, keep, tmp_path):
    keep(BOB, "home")
    for words in ((), ("work",)):
        done = run("account", "tokens", "forget", *words, "--json")
        error = refused(done, 6, ALICE)
        assert error["condition"] == "item-not-found"
    assert ok("account", "tokens", "forget", "--if-exists") == []
    assert ok("account", "tokens", "list")
    ok("account", "tokens", "forget", "--all", "--local")
    refused(run("account", "tokens", "forget", "--all", "--json"), 6, "no token is kept")
    assert ok("account", "tokens", "forget", "--all", "--if-exists") == []
    # what was only asked about leaves no file behind
    names = [path.name for path in (tmp_path / "STATE" / "logins").iterdir()]
    assert not [name for name in names if name.startswith("alice")]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("account", "tokens", "list", "nobody"), "accounts: work, home"),
        (("account", "tokens", "forget", "nobody"), "accounts: work, home"),
        (("account", "tokens", "forget", "work", "--all"), "exclude each other"),
        (("-a", "home", "account", "tokens", "forget", "work"), "contradict"),
    ],
)
def test_usage_errors_forget_nothing(ok, run, keep, args, words):
    alice = keep(ALICE, "work")
    refused(run(*args, "--json"), 2, words)
    assert ok("account", "tokens", "list") == [alice]


@pytest.mark.parametrize("verb", [("list",), ("list", "work"), ("forget",), ("forget", "--all")])
def test_tokens_that_others_can_read_are_an_error(run, keep, env, verb):
    keep(ALICE, "work")
    path = logins.file(ALICE, env)
    path.chmod(0o644)
    refused(run("account", "tokens", *verb, "--json"), 11, f"chmod 600 {path}")
    assert "s3cret" in path.read_text()


def test_a_damaged_file_is_an_error_that_says_what_to_do(run, keep, env):
    keep(ALICE, "work")
    path = logins.file(ALICE, env)
    path.write_text("{")
    refused(run("account", "tokens", "list", "--json"), 11, "damaged", f"rm {path}")


# --- account remove -----------------------------------------------------------------------------


@pytest.fixture
def leave(env, keep):
    """Leave behind all that can be left of a JID."""

    def leave(jid):
        from xmppctl.config import rostercache

        keep(jid, None)
        FileMemory(jid, ("w",), env, state=True).learn(Known(features="f"))
        rostercache.store(jid, Roster("v", [Contact(EVE, None, "both", None, False, [], "v")]), env)

    return leave


def left_of(jid, tmp_path):
    """What a file still says of a JID."""
    files = [
        path
        for place in ("STATE", "CACHE")
        for path in (tmp_path / place).rglob("*")
        if path.is_file() and jid in path.read_text()
    ]
    return sorted(path.parent.name for path in files)


def test_removing_an_account_takes_along_what_was_kept_of_it(ok, leave, tmp_path):
    leave(ALICE), leave(BOB)
    everything = ["logins", "roster", "servers"]
    assert left_of(ALICE, tmp_path) == left_of(BOB, tmp_path) == everything
    assert ok("account", "remove", "home", "--yes")["name"] == "home"
    assert left_of(BOB, tmp_path) == []
    assert left_of(ALICE, tmp_path) == everything
    assert [each["name"] for each in ok("account", "list")] == ["work"]


def test_what_another_account_of_the_jid_uses_stays(ok, leave, tmp_path):
    leave(BOB)
    ok("account", "add", "again", BOB)
    ok("account", "remove", "home", "--yes")
    assert left_of(BOB, tmp_path) != []
    ok("account", "remove", "again", "--yes")
    assert left_of(BOB, tmp_path) == []


def test_an_account_that_is_not_removed_keeps_its_tokens(run, leave, tmp_path):
    leave(ALICE)
    refused(run("account", "remove", "work", "--json"), 2, "--yes")
    assert left_of(ALICE, tmp_path) == ["logins", "roster", "servers"]
