"""What `account add` writes."""

import os
from pathlib import Path

import pytest

from xmppctl.config import edit, newaccount
from xmppctl.config.newaccount import Wanted
from xmppctl.errors import UsageError
from xmppctl.model.jid import parse

JID = parse("alice@example.org")


def options(**given):
    return {name: (value, f"option --{name.replace('_', '-')}") for name, value in given.items()}


def test_connection_options_become_keys_that_are_read_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table, wanted = newaccount.from_options(
        options(
            jid=JID,
            connect=("::1", 5222),
            ca_file="ca.pem",
            pin=(b"\xab" * 32,),
            timeout=2.5,
            connect_timeout=30.0,
            retry=2,
            anonymous=True,
            tls="direct",
            output="json",
            quiet=True,
        )
    )
    assert wanted == Wanted()
    assert table == {
        "connect": "[::1]:5222",
        "ca_file": str(tmp_path / "ca.pem"),
        "pin": ["sha256:" + "ab" * 32],
        "timeout": 2.5,
        "connect_timeout": 30,
        "retry": 2,
        "anonymous": True,
        "tls": "direct",
    }
    config = edit.add("a", {"jid": "example.org", **table}, path=tmp_path / "config.toml")
    assert config.profiles["a"].settings["pin"].value == (b"\xab" * 32,)


def test_options_that_name_the_password(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert newaccount.from_options(options(password_command="c")) == ({}, Wanted(command="c"))
    assert newaccount.from_options(options(password_fd=0)) == ({}, Wanted(fd=0))
    wanted = newaccount.from_options(options(password_file="f"))[1]
    assert wanted == Wanted(file=str(tmp_path / "f"))


def test_an_account_does_not_make_an_account():
    with pytest.raises(UsageError, match="--account does not go with"):
        newaccount.from_options(options(account="work"))


def test_a_downgrade_is_accepted_by_no_account():
    with pytest.raises(UsageError, match="--allow-downgrade holds for one run"):
        newaccount.from_options(options(allow_downgrade=True))
    with pytest.raises(UsageError, match="no setting 'allow_downgrade'"):
        newaccount.from_pairs(["allow_downgrade=yes"])


def test_where_to_connect_is_stored_and_checked_with_the_rest(tmp_path):
    table, _ = newaccount.from_options(
        options(endpoint="wss://x.example/ws", transport="websocket", sasl="sasl2")
    )
    assert table == {
        "endpoint": "wss://x.example/ws",
        "transport": "websocket",
        "sasl": "sasl2",
    }
    path = tmp_path / "config.toml"
    edit.add("a", {"jid": "a@x.example", **table}, path=path)
    before = path.read_text()
    with pytest.raises(UsageError, match="connect and endpoint exclude"):
        edit.add("b", {"jid": "a@x.example", **table, "connect": "h:1"}, path=path)
    assert path.read_text() == before


def test_pairs():
    assert newaccount.from_pairs(["timeout=1m", "transport=tcp", "anonymous=yes"]) == {
        "timeout": 60,
        "transport": "tcp",
        "anonymous": True,
    }


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("timeout", "needs NAME=VALUE"),
        ("password=s3cret", "no setting 'password'"),
        ("password_command=s3cret", "no setting 'password_command'"),
        ("jid=a@x.example", "no setting 'jid'"),
        ("tls=off", "option --set tls: 'off' is not one of"),
        ("endpoint=ws://x.example/", "use wss or https"),
    ],
)
def test_what_is_no_pair(pair, words):
    with pytest.raises(UsageError, match=words) as caught:
        newaccount.from_pairs([pair])
    assert "s3cret" not in str(caught.value.info())


def test_the_nearest_name_is_told():
    with pytest.raises(UsageError) as caught:
        newaccount.from_pairs(["ca-fil=x"])
    assert caught.value.hint == "did you mean ca_file?"


def test_the_jid():
    assert list(newaccount.with_jid({"tls": "auto"}, JID)) == ["jid", "tls"]
    assert newaccount.with_jid({"jid": "b@x.example"}, None) == {"jid": "b@x.example"}
    domain = parse("example.org")
    assert newaccount.with_jid({"anonymous": True}, domain)["jid"] == "example.org"
    with pytest.raises(UsageError, match="no JID"):
        newaccount.with_jid({}, None)
    with pytest.raises(UsageError, match="is a domain"):
        newaccount.with_jid({}, domain)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), {"password": "old"}),
        (Wanted(command="c"), {"password_command": "c"}),
        (Wanted(file="/f"), {"password_file": "/f"}),
        (Wanted(keyring=True), {"keyring": True}),
    ],
)
def test_a_named_place_replaces_what_was_imported(wanted, expected):
    table = {"jid": str(JID), "password": "old"}
    found = newaccount.with_secret(table, wanted, JID, no_input=True)
    assert found == {"jid": str(JID), **expected}


@pytest.fixture
def descriptor():
    reader, writer = os.pipe()
    os.write(writer, b"s3cret\n")
    os.close(writer)
    return reader


def test_a_descriptor_is_read_into_the_file(descriptor):
    found = newaccount.with_secret({}, Wanted(fd=descriptor), JID, no_input=True)
    assert found == {"password": "s3cret"}


def test_a_descriptor_is_read_into_the_keyring(descriptor, monkeypatch):
    kept = {}
    monkeypatch.setattr("xmppctl.config.secrets.keyring_set", kept.__setitem__)
    wanted = Wanted(fd=descriptor, keyring=True)
    assert newaccount.with_secret({}, wanted, JID, no_input=True) == {"keyring": True}
    assert kept == {"alice@example.org": "s3cret"}


def test_a_prompt_asks_twice(monkeypatch):
    asked = []
    monkeypatch.setattr("xmppctl.config.secrets._stdin_is_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or "s3cret")
    found = newaccount.with_secret({}, Wanted(prompt=True), JID, no_input=False)
    assert found == {"password": "s3cret"}
    assert len(asked) == 2
    with pytest.raises(UsageError, match="no password"):
        newaccount.with_secret({}, Wanted(prompt=True), JID, no_input=True)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(command="c", file="f"),
        Wanted(command="c", keyring=True),
        Wanted(fd=3, prompt=True),
        Wanted(fd=3, command="c"),
        Wanted(prompt=True, file="f"),
    ],
)
def test_one_password_has_one_place(wanted):
    with pytest.raises(UsageError, match="several places"):
        newaccount.with_secret({}, wanted, JID, no_input=True)


def test_an_import_needs_a_file_name():
    with pytest.raises(UsageError, match="--from-sendxmpprc: the path is empty"):
        newaccount.imported("")
    assert newaccount.file_path("/x", "o") == Path("/x")
