"""Writing config.toml."""

import stat
import subprocess
import sys

import pytest

from xmppctl.config import edit, profiles
from xmppctl.errors import LocalError, UsageError

WRITTEN = """\
# my accounts
default_account = "work"  # weekdays

[accounts.work]
# ask pass
jid = "alice@example.org"
password_command = "pass show work"   # gpg

[accounts.home]
jid = "bob@example.net"
# the end
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "dir" / "config.toml"


@pytest.fixture
def written(path):
    path.parent.mkdir()
    path.write_text(WRITTEN)
    path.chmod(0o644)
    return path


def test_the_first_account_makes_a_private_file_and_is_the_default(path):
    edit.add("work", {"jid": "alice@example.org", "password": "s3cret"}, path=path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    config = profiles.load(path)
    assert config.default_account == "work"
    assert config.profiles["work"].secret.value == "s3cret"


def test_a_second_account_is_the_default_only_on_demand(path):
    edit.add("a", {"jid": "a@x.example"}, path=path)
    assert edit.add("b", {"jid": "b@x.example"}, path=path).default_account == "a"
    assert edit.add("c", {"jid": "c@x.example"}, default=True, path=path).default_account == "c"
    assert list(profiles.load(path).profiles) == ["a", "b", "c"]


def test_values_of_every_type_are_written(path):
    table = {
        "jid": "a@x.example",
        "anonymous": True,
        "retry": 2,
        "timeout": 2.5,
        "pin": ["sha256:" + "0" * 64],
        "password_command": 'echo "a\'b" \\ é',
    }
    config = edit.add("a.b", table, path=path)
    assert profiles.load(path) == config
    settings = config.profiles["a.b"].settings
    assert settings["password_command"].value == table["password_command"]
    assert settings["timeout"].value == 2.5


def test_adding_keeps_what_a_person_wrote(written):
    edit.add("third", {"jid": "c@example.com"}, path=written)
    text = written.read_text()
    assert text.startswith(WRITTEN)
    assert "[accounts.third]" in text
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_using_changes_one_line(written):
    edit.use("home", path=written)
    assert written.read_text() == WRITTEN.replace('"work"  #', '"home"  #')


def test_using_writes_the_default_before_the_tables(path):
    path.parent.mkdir()
    path.write_text('# top\n[accounts.a]\njid = "a@x.example"\n')
    assert edit.use("a", path=path).default_account == "a"
    assert "# top" in path.read_text()


def test_removing_takes_the_account_and_its_being_the_default(written):
    config = edit.remove("work", path=written)
    assert config.default_account is None
    assert list(config.profiles) == ["home"]
    text = written.read_text()
    assert "pass show work" not in text
    assert "# the end" in text
    assert "# my accounts" in text


def test_removing_another_keeps_the_default(written):
    assert edit.remove("home", path=written).default_account == "work"


def test_accounts_between_other_tables_are_edited(path):
    path.parent.mkdir()
    path.write_text(
        '[accounts.a]\njid = "a@x.example"\n[accounts.b]\njid = "b@x.example"\n'
        "[accounts.a2]\njid = 'a2@x.example'\n"
    )
    edit.remove("b", path=path)
    edit.add("d", {"jid": "d@x.example"}, path=path)
    assert list(profiles.load(path).profiles) == ["a", "a2", "d"]


@pytest.mark.parametrize("action", [edit.use, edit.remove])
def test_what_is_not_there_is_a_usage_error_that_lists_what_is(written, action):
    with pytest.raises(UsageError, match="no account 'x'") as caught:
        action("x", path=written)
    assert caught.value.hint == "accounts: work, home"
    assert written.read_text() == WRITTEN


def test_adding_twice_is_a_usage_error(written):
    with pytest.raises(UsageError, match="already"):
        edit.add("work", {"jid": "x@example.org"}, path=written)
    assert written.read_text() == WRITTEN


@pytest.mark.parametrize("name", ["", "-x", "a b", "a\nb", "\x1b[0m"])
def test_names_that_no_shell_could_give_are_refused(path, name):
    with pytest.raises(UsageError, match="cannot be the name"):
        edit.add(name, {"jid": "a@x.example"}, path=path)


def test_nothing_is_written_that_could_not_be_read(written):
    with pytest.raises(UsageError, match="no setting 'jdi'"):
        edit.add("x", {"jdi": "x@example.org"}, path=written)
    assert written.read_text() == WRITTEN


def test_a_malformed_file_is_not_touched(path):
    path.parent.mkdir()
    path.write_text("[accounts")
    with pytest.raises(UsageError, match="is not TOML"):
        edit.add("a", {"jid": "a@x.example"}, path=path)
    assert path.read_text() == "[accounts"


def test_a_file_with_a_password_that_is_open_to_others_is_refused(written):
    written.write_text('[accounts.a]\njid = "a@x.example"\npassword = "s3cret"\n')
    written.chmod(0o644)
    with pytest.raises(LocalError, match="open to others"):
        edit.use("a", path=written)


def test_writers_at_the_same_time_lose_nothing(path):
    program = (
        "import sys; from pathlib import Path; from xmppctl.config import edit\n"
        "for i in range(5):\n"
        "    edit.add(f'{sys.argv[1]}{i}', {'jid': 'a@x.example'}, path=Path(sys.argv[2]))\n"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", program, letter, str(path)]) for letter in "abcd"
    ]
    assert [run.wait(60) for run in runs] == [0] * 4
    assert sorted(profiles.load(path).profiles) == [f"{c}{i}" for c in "abcd" for i in range(5)]
    assert sorted(item.name for item in path.parent.iterdir()) == [
        "config.toml",
        "config.toml.lock",
    ]


def test_a_stored_password_is_changed(path):
    edit.add("work", {"jid": "a@x.test", "password": "old"}, path=path)
    edit.set_password("work", 'n"e\\w', path=path)
    assert profiles.load(path).profiles["work"].secret.value == 'n"e\\w'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_password_that_is_not_stored_is_not_changed(written):
    before = written.read_bytes()
    with pytest.raises(UsageError, match="stores no password"):
        edit.set_password("work", "x", path=written)
    assert written.read_bytes() == before
