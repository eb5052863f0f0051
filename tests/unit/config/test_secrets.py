"""Passwords and where they come from."""

import builtins
import os
import select
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from xmppctl.config import secrets
from xmppctl.config.secrets import NEW_PASSWORD, PASSWORD, ROOM_PASSWORD, Source
from xmppctl.errors import LocalError, UsageError


@pytest.fixture
def no_terminal(monkeypatch):
    monkeypatch.setattr(secrets, "_stdin_is_terminal", lambda: False)


@pytest.fixture
def terminal(monkeypatch):
    """A terminal whose answers are the returned list; what was asked is kept in ``asked``."""
    answers = []
    asked = []

    def getpass(prompt):
        asked.append(prompt)
        if not answers:
            raise EOFError
        return answers.pop(0)

    monkeypatch.setattr(secrets, "_stdin_is_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", getpass)
    return SimpleNamespace(answers=answers, asked=asked)


def secret_file(tmp_path, data, mode=0o600):
    path = tmp_path / "secret"
    path.write_bytes(data)
    path.chmod(mode)
    return Source("file", "option --password-file", path)


def command(text):
    return Source("command", "option --password-command", text)


@pytest.mark.parametrize(
    ("data", "secret"),
    [
        (b"s3cret\n", "s3cret"),
        (b"s3cret", "s3cret"),
        (b"s3cret\r\n", "s3cret"),
        (b" s3 cret \n", " s3 cret "),
        (b"s3cret\nuser: alice\n", "s3cret"),
        ("pässwörd\n".encode(), "pässwörd"),
    ],
)
def test_a_file_gives_its_first_line(tmp_path, data, secret):
    assert secrets.read(secret_file(tmp_path, data)) == secret


def test_a_file_open_to_others_is_refused(tmp_path):
    with pytest.raises(LocalError) as caught:
        secrets.read(secret_file(tmp_path, b"s3cret\n", 0o644))
    assert caught.value.hint == f"chmod 600 {tmp_path / 'secret'}"
    assert "s3cret" not in str(caught.value.info())


@pytest.mark.parametrize("data", [b"", b"\n", b"\nsecond\n", b"\xff\xfe\n", b"a\0b\n"])
def test_a_file_without_a_usable_password(tmp_path, data):
    with pytest.raises(UsageError, match=r"empty|not UTF-8|zero byte"):
        secrets.read(secret_file(tmp_path, data))


def test_a_missing_file_is_a_local_error(tmp_path):
    with pytest.raises(LocalError, match="No such file"):
        secrets.read(Source("file", "x", tmp_path / "missing"))


@pytest.mark.parametrize(
    ("data", "secret"), [(b"a\n", "a"), (b"a", "a"), (b"a\n\n", "a\n"), (b"a\nb\n", "a\nb")]
)
def test_a_descriptor_is_read_to_its_end_less_one_newline(data, secret):
    reader, writer = os.pipe()
    os.write(writer, data)
    os.close(writer)
    assert secrets.read(Source("fd", "option --password-fd", reader)) == secret
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reader)


def test_a_descriptor_that_is_not_open():
    with pytest.raises(UsageError, match=r"option --password-fd.*Bad file descriptor"):
        secrets.read(Source("fd", "option --password-fd", 987))


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("echo s3cret", "s3cret"),
        ("printf 's3cret\\nuser: alice\\n'", "s3cret"),
        ("printf s3cret", "s3cret"),
        ("echo one | tr one two", "two"),
    ],
)
def test_a_command_runs_in_the_shell_and_gives_its_first_line(no_terminal, text, secret):
    assert secrets.read(command(text)) == secret


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo s3cret; exit 3", "ended with status 3"),
        ("kill -9 $$", "ended by signal 9"),
        ("no-such-command-s3cret", "ended with status 127"),
        ("true", "printed no password"),
        ("echo; echo second", "is empty"),
        ("printf '\\377'", "not UTF-8"),
    ],
)
def test_a_command_that_fails_tells_its_status_and_no_secret(no_terminal, capfd, text, words):
    with pytest.raises(UsageError, match=words) as caught:
        secrets.read(command(text))
    assert "s3cret" not in str(caught.value.info())
    assert "option --password-command" in caught.value.text
    capfd.readouterr()


def test_what_a_command_says_reaches_the_user(no_terminal, capfd):
    with pytest.raises(UsageError, match="status 1"):
        secrets.read(command("echo gpg: no key >&2; exit 1"))
    out, err = capfd.readouterr()
    assert (out, err) == ("", "gpg: no key\n")


def test_a_command_does_not_eat_the_standard_input_of_the_run(no_terminal):
    reader, writer = os.pipe()
    os.write(writer, b"the text of a message\n")
    os.close(writer)
    saved = os.dup(0)
    os.dup2(reader, 0)
    try:
        with pytest.raises(UsageError, match="printed no password"):
            secrets.read(command("cat"))
    finally:
        os.dup2(saved, 0)
        os.close(saved)
    assert os.read(reader, 100) == b"the text of a message\n"
    os.close(reader)


def test_a_command_that_never_ends_is_ended_with_all_it_started(no_terminal, monkeypatch, tmp_path):
    monkeypatch.setattr(secrets, "COMMAND_SECONDS", 0.5)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(UsageError, match=r"took longer than 0\.5 s"):
        secrets.read(command(f"(echo started; sleep 600) > {fifo} & wait"))
    os.set_blocking(reader, True)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.readline() == b"started\n"
        # The end of the pipe comes when the last process that could write to it has ended.
        assert select.select([pipe], [], [], 10)[0]
        assert pipe.read() == b""


def test_a_source_shows_no_secret():
    assert "s3cret" not in repr(Source("environment", "environment XMPPCTL_PASSWORD", "s3cret"))


def test_a_provider_reads_once(no_terminal, tmp_path):
    count = tmp_path / "count"
    provide = secrets.provider(PASSWORD, command(f"echo x >> {count}; echo s3cret"), whose="a@x")
    assert not count.exists()
    assert [provide(), provide()] == ["s3cret", "s3cret"]
    assert count.read_text() == "x\n"


@pytest.mark.parametrize(
    ("purpose", "ways"),
    [
        (
            PASSWORD,
            "give it by --password-file, --password-fd, --password-command, XMPPCTL_PASSWORD, "
            "or password_command in the account",
        ),
        (
            NEW_PASSWORD,
            "give it by --new-password-file, --new-password-fd, --new-password-command, "
            "XMPPCTL_NEW_PASSWORD",
        ),
        (
            ROOM_PASSWORD,
            "give it by --room-password-file, --room-password-fd, XMPPCTL_ROOM_PASSWORD",
        ),
    ],
)
def test_nobody_is_asked_without_a_terminal(no_terminal, purpose, ways):
    with pytest.raises(UsageError, match=f"no {purpose.words} for a@x.example") as caught:
        secrets.provider(purpose, None, whose="a@x.example")()
    assert caught.value.hint == ways
    assert caught.value.condition == "no-password"


def test_nobody_is_asked_with_no_input(terminal):
    terminal.answers.append("s3cret")
    with pytest.raises(UsageError, match="no password"):
        secrets.provider(PASSWORD, None, whose="a@x.example", no_input=True)()
    assert not terminal.asked


def test_a_room_password_is_never_asked_for(terminal):
    with pytest.raises(UsageError, match="no room password"):
        secrets.provider(ROOM_PASSWORD, None, whose="a@x.example")()
    assert not terminal.asked


def test_a_terminal_is_asked_once(terminal):
    terminal.answers.append("s3cret")
    provide = secrets.provider(PASSWORD, None, whose="a@x.example")
    assert [provide(), provide()] == ["s3cret", "s3cret"]
    assert terminal.asked == ["Password for a@x.example: "]


def test_a_new_password_is_asked_for_twice(terminal):
    terminal.answers.extend(["one", "one"])
    assert secrets.provider(NEW_PASSWORD, None, whose="a@x.example")() == "one"
    assert terminal.asked == ["New password for a@x.example: ", "The same again: "]


@pytest.mark.parametrize(
    ("answers", "words"),
    [(["one", "two"], "differ"), ([], "was entered"), (["", ""], "was entered")],
)
def test_what_is_no_new_password(terminal, answers, words):
    terminal.answers.extend(answers)
    with pytest.raises(UsageError, match=words) as caught:
        secrets.provider(NEW_PASSWORD, None, whose="a@x.example")()
    assert "one" not in caught.value.text.split()


def test_options_stand_above_the_environment(tmp_path):
    env = {"XMPPCTL_NEW_PASSWORD": "from-env"}
    source = secrets.chosen(NEW_PASSWORD, {"file": None, "fd": None, "command": "c"}, env)
    assert (source.kind, source.value) == ("command", "c")
    source = secrets.chosen(NEW_PASSWORD, {}, env)
    assert secrets.read(source, NEW_PASSWORD) == "from-env"
    assert source.origin == "environment XMPPCTL_NEW_PASSWORD"
    assert secrets.chosen(NEW_PASSWORD, {}, {"XMPPCTL_PASSWORD": "x"}) is None
    assert secrets.chosen(NEW_PASSWORD, {}, {"XMPPCTL_NEW_PASSWORD": ""}) is None


def test_a_room_password_has_its_own_names():
    source = secrets.chosen(ROOM_PASSWORD, {}, {"XMPPCTL_ROOM_PASSWORD": "r"})
    assert secrets.read(source, ROOM_PASSWORD) == "r"
    source = secrets.chosen(ROOM_PASSWORD, {"file": "f"}, {})
    assert (source.kind, source.value) == ("file", Path.cwd() / "f")
    assert secrets.chosen(ROOM_PASSWORD, {"fd": 0}, {}).value == 0


def test_two_options_exclude_each_other():
    with pytest.raises(UsageError, match="--new-password-file and option --new-password-fd"):
        secrets.chosen(NEW_PASSWORD, {"file": "f", "fd": 3}, {})


def test_a_file_of_no_name_is_a_usage_error():
    with pytest.raises(UsageError, match="option --password-file: the path is empty"):
        secrets.chosen(PASSWORD, {"file": ""}, {})


@pytest.fixture
def keyring(monkeypatch):
    """A keyring in memory: the dictionary behind it."""
    import keyring
    import keyring.backend

    class Memory(keyring.backend.KeyringBackend):
        priority = 1

        def get_password(self, service, username):
            return self.entries.get((service, username))

        def set_password(self, service, username, password):
            self.entries[service, username] = password

    memory = Memory()
    memory.entries = {}
    before = keyring.get_keyring()
    keyring.set_keyring(memory)
    yield memory.entries
    keyring.set_keyring(before)


def test_the_keyring_gives_what_was_put_into_it(keyring):
    secrets.keyring_set("a@x.example", "s3cret")
    assert keyring == {("xmppctl", "a@x.example"): "s3cret"}
    assert secrets.read(Source("keyring", "account a", "a@x.example")) == "s3cret"


def test_a_keyring_without_the_entry(keyring):
    with pytest.raises(UsageError, match=r"no password for a@x\.example") as caught:
        secrets.read(Source("keyring", "account a", "a@x.example"))
    assert caught.value.hint == "keyring set xmppctl a@x.example"


def test_no_keyring_at_all():
    import keyring
    import keyring.backends.fail

    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    try:
        with pytest.raises(UsageError, match="no keyring in this environment"):
            secrets.read(Source("keyring", "account a", "a@x.example"))
    finally:
        keyring.set_keyring(before)


def test_a_keyring_that_stays_locked(keyring, monkeypatch):
    import keyring as module
    import keyring.errors

    def locked(service, username):
        raise keyring.errors.KeyringLocked("dismissed")

    monkeypatch.setattr(module, "get_password", locked)
    with pytest.raises(UsageError, match=r"did not answer for a@x\.example: KeyringLocked"):
        secrets.read(Source("keyring", "account a", "a@x.example"))


def test_a_missing_extra_is_told_with_its_install_line(monkeypatch):
    original = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("keyring"):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.partition(".")[0] == "keyring"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match="extra") as caught:
        secrets.read(Source("keyring", "account a", "a@x.example"))
    assert caught.value.hint == "pip install 'xmppctl[keyring]'"


def test_a_variable_that_is_not_utf_8():
    source = secrets.chosen(PASSWORD, {}, {"XMPPCTL_PASSWORD": os.fsdecode(b"s3\xff")})
    with pytest.raises(UsageError, match="XMPPCTL_PASSWORD is not UTF-8"):
        secrets.read(source)
