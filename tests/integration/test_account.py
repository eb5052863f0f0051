"""The commands `account` and `config` as processes; no server takes part."""

import json
import os
import pty
import select
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.in_turn

XMPPCTL = Path(sys.executable).with_name("xmppctl")


@pytest.fixture
def run(tmp_path):
    """Run xmppctl with directories of its own; ``env`` and ``input`` as they are given."""

    def run(*args, env=None, input="", **attrs):
        around = {key: value for key, value in os.environ.items() if "XMPPCTL" not in key}
        around |= {f"XMPPCTL_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "STATE")}
        around |= {"XMPPCTL_CACHE_DIR": str(tmp_path / "CACHE"), "HOME": str(tmp_path)}
        return subprocess.run(
            [XMPPCTL, *args],
            env={**around, **(env or {})},
            input=input,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            **attrs,
        )

    return run


@pytest.fixture
def ok(run):
    """Run, expect success, give the JSON."""

    def ok(*args, **attrs):
        done = run(*args, "--json", **attrs)
        assert (done.returncode, done.stderr) == (0, ""), done
        return json.loads(done.stdout)

    return ok


def refused(done, code, *words):
    error = json.loads(done.stderr.splitlines()[-1])["error"]
    assert (done.returncode, error["code"]) == (code, code), done
    told = f"{error['text']} {error['hint']}"
    for word in words:
        assert word in told
    return error


@pytest.fixture
def config(tmp_path):
    """The configuration file: its path, and what is in it."""
    path = tmp_path / "CONFIG" / "config.toml"

    class File:
        def __call__(self):
            return tomllib.loads(path.read_text())

        def write(self, text, mode=0o600):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            path.chmod(mode)

    file = File()
    file.path = path
    return file


TWO = """\
default_account = "work" # mine
[accounts.work]
jid = "alice@example.org"
password_command = "pass show work"
[accounts.home]
jid = "bob@example.net"
password = "s3cret"
"""


def test_connection_options_before_the_command_are_stored(ok, config, tmp_path):
    added = ok(
        *("--connect", "[::1]:5222", "--ca-file", "ca.pem", "--password-command", "pass show x"),
        *("account", "add", "work", "alice@example.org", "--set", "tls=direct"),
    )
    assert added == {
        "name": "work",
        "jid": "alice@example.org",
        "default": True,
        "secret": "command",
    }
    assert config() == {
        "default_account": "work",
        "accounts": {
            "work": {
                "jid": "alice@example.org",
                "connect": "[::1]:5222",
                "ca_file": str(tmp_path / "ca.pem"),
                "tls": "direct",
                "password_command": "pass show x",
            }
        },
    }
    assert stat.S_IMODE(config.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.path.parent.stat().st_mode) == 0o700


def test_the_way_to_the_server_is_stored_and_shown_with_its_origin(ok, config):
    url = "wss://x.example:5281/xmpp-websocket"
    ok(
        *("--endpoint", url, "--transport", "websocket", "--sasl", "sasl2"),
        *("account", "add", "work", "alice@example.org"),
    )
    stored = config()["accounts"]["work"]
    assert stored == {
        "jid": "alice@example.org",
        "endpoint": url,
        "transport": "websocket",
        "sasl": "sasl2",
    }
    assert ok("account", "show")["settings"] == {
        name: value for name, value in stored.items() if name != "jid"
    }

    def shown(*options, **env):
        rows = ok(*options, "config", "show", env=env)
        return {row["name"]: (row["value"], row["origin"]) for row in rows}

    account = f"account work in {config.path}"
    assert shown()["endpoint"] == (url, account)
    rows = shown("--connect", "h:1", XMPPCTL_ALLOW_DOWNGRADE="1", XMPPCTL_SASL="sasl1")
    # who names a host means that host: the URL of the account does not hold then
    assert rows["endpoint"] == (None, "built-in")
    assert rows["transport"] == ("auto", "built-in")
    assert rows["connect"] == ("h:1", "option --connect")
    assert rows["allow_downgrade"] == ("true", "environment XMPPCTL_ALLOW_DOWNGRADE")
    assert rows["sasl"] == ("sasl1", "environment XMPPCTL_SASL")
    assert shown("--allow-downgrade")["allow_downgrade"] == ("true", "option --allow-downgrade")


@pytest.mark.parametrize(
    ("args", "env", "words"),
    [
        (("--endpoint", "ws://x.example/ws"), {}, "use wss or https"),
        (("--endpoint", "http://x.example/bosh"), {}, "use wss or https"),
        ((), {"XMPPCTL_ENDPOINT": "http://x.example/bosh"}, "XMPPCTL_ENDPOINT"),
        (("--endpoint", "wss://u:s3cret@x.example/"), {}, "a secret never stands in a URL"),
        (("--endpoint", "wss://x.example/", "--transport", "tcp"), {}, "transport is tcp"),
        (("--endpoint", "wss://x.example/", "--transport", "bosh"), {}, "transport is bosh"),
        (("--endpoint", "https://x.example/", "--connect", "h:1"), {}, "exclude each other"),
        (("--transport", "bosh", "--connect", "h:1"), {}, "takes an endpoint"),
        (("--transport", "carrier-pigeon"), {}, "carrier-pigeon"),
        (("--sasl", "sasl3"), {}, "sasl3"),
        ((), {"XMPPCTL_ALLOW_DOWNGRADE": "perhaps"}, "XMPPCTL_ALLOW_DOWNGRADE"),
    ],
)
def test_ways_that_lead_nowhere_are_usage_errors(run, args, env, words):
    done = run(*args, "-j", "alice@x.example", "ping", "--json", env=env)
    refused(done, 2, words)
    assert "s3cret" not in done.stderr


def test_a_downgrade_is_not_stored(run, config):
    done = run("--allow-downgrade", "account", "add", "a", "a@x.example", "--json")
    refused(done, 2, "--allow-downgrade holds for one run")
    assert not config.path.exists()


def test_a_password_from_a_descriptor_is_stored_and_said_so(run, config):
    done = run("--password-fd", "0", "account", "add", "a", "a@x.example", input="s3cret\n")
    assert done.returncode == 0
    assert config()["accounts"]["a"]["password"] == "s3cret"
    assert f"the password now stands in {config.path}" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


def test_verb_options_name_the_password_too(ok, config, tmp_path):
    assert ok("account", "add", "a", "a@x.example", "--secret-command", "c")["secret"] == "command"
    assert ok("account", "add", "b", "b@x.example", "--secret-file", "f")["secret"] == "file"
    assert ok("account", "add", "c", "c@x.example", "--secret-keyring")["secret"] == "keyring"
    assert ok("-j", "d@x.example", "account", "add", "d", "--default")["secret"] == "prompt"
    accounts = config()["accounts"]
    assert accounts["b"]["password_file"] == str(tmp_path / "f")
    assert accounts["c"]["keyring"] is True
    assert config()["default_account"] == "d"


def test_a_terminal_is_asked_twice_for_a_password_to_store(config, tmp_path):
    ours, theirs = pty.openpty()
    env = {**os.environ, "XMPPCTL_CONFIG_DIR": str(config.path.parent)}
    process = subprocess.Popen(
        [XMPPCTL, "account", "add", "a", "a@x.example", "--secret-prompt"],
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=env,
        start_new_session=True,
    )
    os.close(theirs)
    told = b""
    for prompt in (b"Password for a@x.example: ", b"The same again: "):
        while prompt not in told:
            assert select.select([ours], [], [], 30)[0], told
            told += os.read(ours, 1024)
        os.write(ours, b"s3cret\n")
    assert process.wait(30) == 0
    os.close(ours)
    assert b"s3cret" not in told
    assert config()["accounts"]["a"]["password"] == "s3cret"


def test_without_a_terminal_nobody_is_asked(run, config):
    done = run("account", "add", "a", "a@x.example", "--secret-prompt", "--json")
    refused(done, 2, "no password for a@x.example", "--password-fd")
    assert not config.path.exists()


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (
            "username: alice\njserver: xmpp.example.net\nport: 5299\npassword: s3cret\n"
            "component: example.org\nalias: Al\n",
            {
                "jid": "alice@example.org",
                "connect": "xmpp.example.net:5299",
                "password": "s3cret",
            },
        ),
        (
            "username: alice@example.org\neval_password: pass show x\n",
            {"jid": "alice@example.org", "password_command": "pass show x"},
        ),
        (
            "alice@example.org;192.0.2.1:5222 s3cret",
            {
                "jid": "alice@example.org",
                "connect": "192.0.2.1:5222",
                "password": "s3cret",
            },
        ),
    ],
)
def test_accounts_of_sendxmpp_are_taken_over(run, config, tmp_path, text, stored):
    file = tmp_path / ".sendxmpprc"
    file.write_text(text)
    file.chmod(0o600)
    done = run("account", "add", "old", "--from-sendxmpprc", "~/.sendxmpprc")
    assert done.returncode == 0, done
    assert config()["accounts"]["old"] == stored
    assert ("the password now stands in" in done.stderr) == ("password" in stored)
    assert ("not taken over" in done.stderr) == ("alias" in text)
    assert "s3cret" not in done.stdout + done.stderr


def test_a_file_of_sendxmpp_that_is_open_to_others_is_refused(run, config, tmp_path):
    file = tmp_path / "rc"
    file.write_text("alice@example.org s3cret")
    file.chmod(0o644)
    done = run("account", "add", "old", "--from-sendxmpprc", "rc", "--json")
    refused(done, 11, f"chmod 600 {file}")
    assert not config.path.exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("account", "add", "a"), "no JID"),
        (("account", "add", "a", "x.example"), "is a domain"),
        (("account", "add", "work", "a@x.example"), "already"),
        (("account", "add", "a b", "a@x.example"), "cannot be the name"),
        (("account", "add", "a", "a@x.example", "--set", "password=s3cret"), "no setting"),
        (("-j", "b@x.example", "account", "add", "a", "a@x.example"), "option --jid says"),
        (("-a", "work", "account", "add", "a", "a@x.example"), "does not go with"),
        (("account", "add", "a", "a@x.example", "--from-sendxmpprc", "f"), "exclude each other"),
        (
            ("--password-command", "x", "account", "add", "a", "a@x.example", "--secret-file", "f"),
            "several places",
        ),
        (("account", "add", "a", "a@x.example", "--secret-file", ""), "the path is empty"),
        (("account", "show", "nobody"), "accounts: work, home"),
        (("account", "use", "nobody"), "accounts: work, home"),
        (("account", "remove", "nobody", "--yes"), "accounts: work, home"),
        (("account", "remove", "work"), "--yes"),
        (("-a", "nobody", "config", "show"), "accounts: work, home"),
    ],
)
def test_what_cannot_be_done_changes_nothing(run, config, args, words):
    config.write(TWO)
    done = run(*args, "--json")
    refused(done, 2, words)
    assert done.stdout == ""
    assert config.path.read_text() == TWO
    assert "s3cret" not in done.stderr


def test_listing_and_showing_tell_no_secret(run, ok, config):
    config.write(TWO)
    assert ok("account", "list") == [
        {"name": "work", "jid": "alice@example.org", "default": True, "secret": "command"},
        {"name": "home", "jid": "bob@example.net", "default": False, "secret": "password"},
    ]
    shown = ok("account", "show")
    assert (shown["name"], shown["settings"]) == ("work", {"password_command": "pass show work"})
    assert ok("account", "show", "home")["settings"] == {}
    assert run("account", "list", "-o", "plain").stdout == "work\nhome\n"
    for args in (
        ("account", "list"),
        ("account", "show", "home"),
        ("-a", "home", "config", "show"),
    ):
        done = run(*args)
        assert done.returncode == 0
        assert "s3cret" not in done.stdout + done.stderr


def test_there_may_be_no_account_at_all(run, ok):
    assert ok("account", "list") == []
    refused(run("account", "show", "--json"), 2, "no account is named")
    assert run("account", "list", "--fail-empty").returncode == 10


def test_use_and_remove_keep_comments(ok, config):
    config.write(TWO)
    assert ok("account", "use", "home")["default"] is True
    assert config.path.read_text() == TWO.replace('"work" #', '"home" #')
    assert ok("account", "remove", "work", "--yes")["name"] == "work"
    assert list(config()["accounts"]) == ["home"]
    assert config()["default_account"] == "home"


def test_settings_are_shown_with_their_origin(run, ok, config):
    config.write(TWO)
    env = {"XMPPCTL_TLS": "direct", "XMPPCTL_PASSWORD": "s3cret"}
    rows = {row["name"]: row for row in ok("--retry", "3", "config", "show", env=env)}
    assert rows["retry"] == {"name": "retry", "value": "3", "origin": "option --retry"}
    assert rows["tls"]["origin"] == "environment XMPPCTL_TLS"
    assert rows["jid"]["origin"] == f"account work in {config.path}"
    assert rows["timeout"] == {"name": "timeout", "value": "30", "origin": "built-in"}
    assert rows["password"]["value"] == "(hidden)"
    assert rows["output"]["origin"].startswith("option ")
    assert "built-in" not in run("config", "show").stdout
    assert "built-in" in run("config", "show", "--origin").stdout
    assert "built-in" not in run("config", "show", "--origin", "--fields", "name").stdout


def test_another_jid_takes_nothing_of_the_account(ok, config):
    config.write(TWO)
    rows = {row["name"]: row for row in ok("-j", "eve@x.example", "config", "show")}
    assert rows["jid"]["value"] == "eve@x.example"
    assert rows["account"]["value"] is None
    assert rows["password"]["origin"] == "built-in"


def test_the_paths(ok, run, tmp_path, config):
    assert ok("config", "path") == {
        "config_file": str(config.path),
        "config_dir": str(tmp_path / "CONFIG"),
        "state_dir": str(tmp_path / "STATE"),
        "cache_dir": str(tmp_path / "CACHE"),
        "exists": False,
    }
    assert run("config", "path", "-o", "plain").stdout == f"{config.path}\n"


@pytest.mark.parametrize(
    ("text", "mode", "code", "words"),
    [
        ("[accounts", 0o600, 2, ("is not TOML", "line 1")),
        ("[accounts.a]\njidd = 'x'", 0o600, 2, ("account a", "'jidd'", "did you mean jid?")),
        (TWO, 0o644, 11, ("open to others", "chmod 600")),
    ],
)
def test_a_file_that_cannot_be_used(run, config, text, mode, code, words):
    config.write(text, mode)
    refused(run("config", "show", "--json"), code, str(config.path), *words)


def test_writers_at_the_same_time_lose_nothing(ok, config):
    from concurrent.futures import ThreadPoolExecutor

    names = [f"a{number}" for number in range(6)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda name: ok("account", "add", name, f"{name}@x.example"), names))
    assert sorted(config()["accounts"]) == names
