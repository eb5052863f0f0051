"""The account files of sendxmpp and go-sendxmpp."""

import pytest

from xmppctl.config import sendxmpprc
from xmppctl.errors import LocalError, UsageError


@pytest.fixture
def load(tmp_path):
    def load(text, mode=0o600):
        path = tmp_path / "rc"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return sendxmpprc.load(path)

    return load


@pytest.mark.parametrize(
    ("text", "table"),
    [
        (
            "alice@example.org secret",
            {"jid": "alice@example.org", "password": "secret"},
        ),
        (
            "# one\n\n  alice@example.org:5223   s#c:ret\n",
            {"jid": "alice@example.org", "connect": "example.org:5223", "password": "s#c:ret"},
        ),
        (
            "alice@example.org;xmpp.example.net secret",
            {"jid": "alice@example.org", "connect": "xmpp.example.net:5222", "password": "secret"},
        ),
        (
            "alice@example.org;192.0.2.1:5299 secret",
            {"jid": "alice@example.org", "connect": "192.0.2.1:5299", "password": "secret"},
        ),
        (
            "alice@talk.example.net secret example.org",
            {"jid": "alice@example.org", "connect": "talk.example.net:5222", "password": "secret"},
        ),
        (
            "username: alice\njserver: example.org\npassword: a b: c\n",
            {"jid": "alice@example.org", "password": "a b: c"},
        ),
        (
            "username: alice\njserver: talk.example.net\nport: 5299\npassword: x\n"
            "component: example.org\n",
            {"jid": "alice@example.org", "connect": "talk.example.net:5299", "password": "x"},
        ),
        (
            "username: alice\njserver: example.org;host.example.net:5300\npassword: x",
            {"jid": "alice@example.org", "connect": "host.example.net:5300", "password": "x"},
        ),
        (
            "username: alice@example.org\npassword: x\n",
            {"jid": "alice@example.org", "password": "x"},
        ),
        (
            "username: alice@example.org\njserver: [::1]\neval_password: pass show x\nport:\n",
            {
                "jid": "alice@example.org",
                "connect": "[::1]:5222",
                "password_command": "pass show x",
            },
        ),
        (
            "username: alice@example.org\njserver: Example.org\n",
            {"jid": "alice@example.org"},
        ),
    ],
)
def test_both_forms(load, text, table):
    imported = load(text)
    assert imported.table == table
    assert imported.ignored == ()


def test_what_has_no_counterpart_is_named(load):
    imported = load("username: a@x.example\nalias: Al\nallow_plain: true\npassword: s3cret\n")
    assert imported.ignored == ("alias", "allow_plain")
    assert "s3cret" not in repr(imported)


def test_a_password_stands_above_its_command(load):
    imported = load("username: a@x.example\npassword: p\neval_password: c\n")
    assert imported.table["password"] == "p"
    assert "password_command" not in imported.table


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no user"),
        ("password: x", "names no user"),
        ("username: alice\npassword: x", "domain is empty"),
        ("s3cret", "line 1 is not a setting"),
        ("username: a@x.example\ns3cret s3cret\n", "line 2 is not a setting"),
        ("username: a b@x.example\n", "localpart"),
        ("username: a@x.example\njserver: h\nport: 99999\n", "not a port"),
        ("username: a\njserver: x:y:z\n", "not a server"),
        (b"username: \xff\n", "not UTF-8"),
    ],
)
def test_what_is_malformed_is_told_without_the_line(load, text, words):
    with pytest.raises(UsageError, match=words) as caught:
        load(text)
    assert "s3cret" not in str(caught.value.info())


def test_a_file_open_to_others_is_refused(load):
    with pytest.raises(LocalError, match="open to others"):
        load("alice@example.org secret", 0o640)


def test_a_missing_file_is_a_local_error(tmp_path):
    with pytest.raises(LocalError, match="No such file"):
        sendxmpprc.load(tmp_path / "missing")
