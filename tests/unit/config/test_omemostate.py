"""The database of OMEMO: private, whole, one run after the other, whatever ends a run."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from xmppctl.config.omemostate import FileState, file, remove
from xmppctl.errors import LocalError


@pytest.fixture
def path(tmp_path):
    return file("alice@example.org", {"XMPPCTL_STATE_DIR": str(tmp_path / "state")})


def test_private_and_there_for_the_next_run(path):
    state = FileState(path)
    with state.transaction():
        state.store("/a/1", "1")
        state.store("/a/2", "2")
        state.store("/%", "3")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    again = FileState(path)
    assert again.load("/a/1") == "1" and again.load("/b") is None
    assert list(again.items("/a/")) == [("/a/1", "1"), ("/a/2", "2")]
    assert list(again.items("/%")) == [("/%", "3")]
    with again.transaction():
        again.delete("/a/1")
    assert state.load("/a/1") is None


def test_what_fails_leaves_nothing(path):
    state = FileState(path)
    with pytest.raises(ZeroDivisionError), state.transaction():
        state.store("/a", "1")
        raise ZeroDivisionError
    assert FileState(path).load("/a") is None


def test_a_file_that_is_open_to_others(path):
    FileState(path).close()
    path.chmod(0o644)
    with pytest.raises(LocalError) as caught:
        FileState(path)
    assert "chmod 600" in caught.value.hint


@pytest.mark.parametrize("content", [b"not a database" * 100, b""])
def test_what_is_no_database(path, content):
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    path.chmod(0o600)
    if content:
        with pytest.raises(LocalError):
            FileState(path)
    else:  # a run that was killed at once
        assert FileState(path).load("/a") is None


def test_one_of_a_newer_program(path):
    import sqlite3

    FileState(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=9")
    with pytest.raises(LocalError) as caught:
        FileState(path)
    assert "newer" in caught.value.text


def test_removed(path):
    FileState(path).close()
    remove(path)
    assert not list(path.parent.glob("*.db*")) or [
        each.suffix for each in path.parent.iterdir()
    ] == [".lock"]


def test_a_run_that_goes_on_when_another_one_has_removed_it(path):
    going_on = FileState(path)
    remove(path)
    for made_again in (False, True):
        if made_again:
            FileState(path)
        with pytest.raises(LocalError) as caught, going_on.transaction():
            going_on.store("/a", "1")
        assert "removed" in caught.value.text
    assert FileState(path).load("/a") is None


def test_one_that_another_run_holds_for_long(path, monkeypatch):
    from xmppctl.config import omemostate

    monkeypatch.setattr(omemostate, "LOCK_SECONDS", 0.05)
    holding, waiting = FileState(path), FileState(path)
    with holding.transaction(), pytest.raises(LocalError) as caught, waiting.transaction():
        pass
    assert "another run" in caught.value.text and caught.value.hint


def test_where_nothing_can_be_written(tmp_path):
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(LocalError):
        FileState(file("alice@example.org", {"XMPPCTL_STATE_DIR": str(tmp_path / "state")}))


_COUNT = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from xmppctl.config.omemostate import FileState
    state = FileState(Path(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        with state.transaction():
            number = int(state.load("n") or 0) + 1
            state.store("n", str(number))
            state.store("twice", str(2 * number))
        print(number, flush=True)
    """
)


def count(path, number):
    return subprocess.Popen(
        [sys.executable, "-c", _COUNT, str(path), str(number)], stdout=subprocess.PIPE, text=True
    )


def test_runs_at_once_and_runs_that_are_killed(path):
    runs = [count(path, 20) for _ in range(3)]
    victim = count(path, 100000)
    told = int(victim.stdout.readline())
    for _ in range(10):
        told = int(victim.stdout.readline())
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    numbers = [int(line) for run in runs for line in run.communicate()[0].split()]
    numbers += [told]
    victim.stdout.close()
    assert len(set(numbers)) == len(numbers)
    state = FileState(path)
    # no number was given twice, and none was lost that somebody was told of
    assert int(state.load("n")) >= max(numbers)
    assert int(state.load("twice")) == 2 * int(state.load("n"))
