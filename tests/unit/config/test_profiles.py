"""Reading config.toml."""

from pathlib import Path

import pytest

from xmppctl.config import profiles
from xmppctl.errors import LocalError, UsageError


@pytest.fixture
def write(tmp_path):
    def write(text, mode=0o600):
        path = tmp_path / "config.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    return write


FULL = """
default_account = "work"
output = "json"
color = "never"
timeout = "1m"

[accounts.work]
jid = "alice@example.org/cron"
password_command = "pass show xmpp/work"
resource = "r"
connect = "[::1]:5222"
tls = "direct"
transport = "tcp"
ca_file = "ca.pem"
pin = ["sha256:{pin}"]
sasl = "sasl1"
sasl_mechanism = "scram-sha-256"
connect_timeout = 5
timeout = 2.5
retry = 3
cert = "/etc/c.pem"
key = "~/k.pem"
anonymous = false

[accounts.home]
jid = "bob@example.net"
""".format(pin="ab" * 32)


def test_every_setting_is_read(write, monkeypatch):
    monkeypatch.setenv("HOME", "/home/alice")
    path = write(FULL)
    config = profiles.load(path)
    work = config.profiles["work"]
    assert {name: value.value for name, value in work.settings.items()} == {
        "jid": work.jid,
        "password_command": "pass show xmpp/work",
        "resource": "r",
        "connect": ("::1", 5222),
        "tls": "direct",
        "transport": "tcp",
        "ca_file": path.parent / "ca.pem",
        "pin": (b"\xab" * 32,),
        "sasl": "sasl1",
        "sasl_mechanism": "SCRAM-SHA-256",
        "connect_timeout": 5.0,
        "timeout": 2.5,
        "retry": 3,
        "cert": Path("/etc/c.pem"),
        "key": Path("/home/alice/k.pem"),
        "anonymous": False,
    }
    assert str(work.jid) == "alice@example.org/cron"
    assert work.settings["jid"].origin == f"account work in {path}"
    assert {name: value.value for name, value in config.settings.items()} == {
        "output": "json",
        "color": "never",
        "timeout": 60.0,
    }
    profile, origin = config.default()
    assert (profile.name, origin) == ("work", f"default_account in {path}")


def test_a_missing_file_is_an_empty_configuration(tmp_path):
    config = profiles.load(tmp_path / "config.toml")
    assert not config.profiles
    assert config.default() is None


def test_the_directory_comes_from_the_environment(write, monkeypatch):
    path = write('[accounts.a]\njid = "a@x.example"\n')
    monkeypatch.setenv("XMPPCTL_CONFIG_DIR", str(path.parent))
    assert list(profiles.load().profiles) == ["a"]


def test_the_only_account_is_the_default(write):
    config = profiles.load(write('[accounts.a]\njid = "a@x.example"\n'))
    assert config.default()[0].name == "a"


def test_of_two_accounts_none_is_the_default(write):
    text = '[accounts.a]\njid = "a@x.example"\n[accounts.b]\njid = "b@x.example"\n'
    config = profiles.load(write(text))
    assert config.default() is None
    with pytest.raises(UsageError, match="no account 'c'") as caught:
        config.profile("c", "option --account")
    assert caught.value.hint == "accounts: a, b"


@pytest.mark.parametrize(
    ("line", "kind", "value"),
    [
        ('password_command = "c"', "command", "c"),
        ('password_file = "p"', "file", None),
        ("keyring = true", "keyring", "a@x.example"),
        ('password = "s3cret"', "config", "s3cret"),
    ],
)
def test_the_sources_of_a_password(write, line, kind, value):
    path = write(f'[accounts.a]\njid = "a@x.example/r"\n{line}\n')
    secret = profiles.load(path).profiles["a"].secret
    assert secret.kind == kind
    assert secret.value == (path.parent / "p" if value is None else value)
    assert "s3cret" not in repr(profiles.load(path))


def test_a_password_in_a_file_open_to_others_is_refused(write):
    path = write('[accounts.a]\njid = "a@x.example"\npassword = "s3cret"\n', 0o644)
    with pytest.raises(LocalError, match="open to others") as caught:
        profiles.load(path)
    assert caught.value.hint == f"chmod 600 {path}"
    assert caught.value.exit == 11


def test_a_file_without_a_password_may_be_open_to_others(write):
    path = write('[accounts.a]\njid = "a@x.example"\npassword_command = "c"\n', 0o644)
    assert profiles.load(path).profiles


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = [", ["is not TOML", "line 1"]),
        ("a = 1\na = 2", ["is not TOML", "line 2"]),
        (b'# ok\nx = "\xff"', ["line 2 is not UTF-8"]),
        ("outputs = 'json'", ["no setting 'outputs'", "did you mean output?"]),
        ("deadline = 3", ["no setting 'deadline'", "settings: "]),
        ("output = 'xml'", ["output:", "'xml' is not one of table"]),
        ("color = true", ["color must be a text"]),
        ("timeout = true", ["timeout must be a number or a text"]),
        ("timeout = 'soon'", ["timeout:", "not a duration"]),
        ("timeout = 0", ["timeout:", "no time at all"]),
        ("default_account = 1", ["default_account must be the name"]),
        ("accounts = 1", ["accounts must be a table"]),
        ("accounts.a = 1", ["account a", "must be a table"]),
        ("[accounts.a]", ["account a", "it has no jid"]),
        ("[accounts.a]\njid = 'a b@x'", ["account a", "jid:", "localpart"]),
        ("[accounts.a]\njid = 1", ["account a", "jid must be a text"]),
        (
            "[accounts.a]\njid = 'a@x'\npasword_command = 'x'",
            ["account a", "no setting 'pasword_command'", "did you mean password_command"],
        ),
        ("[accounts.a]\njid = 'a@x'\nca-file = 'x'", ["did you mean ca_file"]),
        ("[accounts.a]\njid = 'a@x'\npassword_fd = 3", ["no setting 'password_fd'"]),
        ("[accounts.a]\njid = 'a@x'\noutput = 'json'", ["no setting 'output'"]),
        ("[accounts.a]\njid = 'a@x'\nanonymous = 'yes'", ["anonymous must be true or false"]),
        ("[accounts.a]\njid = 'a@x'\nkeyring = 'yes'", ["keyring must be true or false"]),
        ("[accounts.a]\njid = 'a@x'\npassword = 7", ["password must be a text"]),
        ("[accounts.a]\njid = 'a@x'\npassword = ''", ["password must be a text"]),
        ("[accounts.a]\njid = 'a@x'\npassword_file = ''", ["password_file:", "empty"]),
        ("[accounts.a]\njid = 'a@x'\npassword_command = ' '", ["password_command:", "empty"]),
        ("[accounts.a]\njid = 'a@x'\npin = [1]", ["pin must be a text"]),
        ("[accounts.a]\njid = 'a@x'\npin = 'sha1:00'", ["pin:", "not a pin"]),
        ("[accounts.a]\njid = 'a@x'\nretry = 1.5", ["retry:", "whole number"]),
        ("[accounts.a]\njid = 'a@x'\nconnect = 'host'", ["connect:", "HOST:PORT"]),
        ("[accounts.a]\njid = 'a@x'\ntls = 'off'", ["tls:", "not one of auto, direct, starttls"]),
        (
            "[accounts.a]\njid = 'a@x'\nkeyring = true\npassword_command = 'x'",
            ["password_command and keyring exclude each other"],
        ),
    ],
)
def test_what_is_wrong_is_named_with_file_account_and_key(write, text, words):
    path = write(text)
    with pytest.raises(UsageError) as caught:
        profiles.load(path)
    assert caught.value.exit == 2
    told = f"{caught.value.text} {caught.value.hint}"
    for word in [str(path), *words]:
        assert word in told


def test_an_unreadable_file_is_a_local_error(tmp_path):
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(LocalError, match="cannot read"):
        profiles.load(tmp_path / "config.toml")


def test_a_default_that_does_not_exist_is_told_when_it_is_needed(write):
    config = profiles.load(write("default_account = 'x'\n[accounts.a]\njid = 'a@x.example'\n"))
    with pytest.raises(UsageError, match=r"default_account in .*no account 'x'"):
        config.default()
