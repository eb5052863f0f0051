"""Directories, private files, locks."""

import os
import stat
import threading
from pathlib import Path

import pytest

from xmppctl.config import paths
from xmppctl.errors import LocalError, UsageError


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("function", "variable"),
    [
        (paths.config_dir, "XMPPCTL_CONFIG_DIR"),
        (paths.state_dir, "XMPPCTL_STATE_DIR"),
        (paths.cache_dir, "XMPPCTL_CACHE_DIR"),
    ],
)
def test_the_environment_chooses_the_directory(function, variable, tmp_path, monkeypatch):
    assert function({variable: str(tmp_path / "x")}) == tmp_path / "x"
    assert function({}).is_absolute()
    assert function({}).name == "xmppctl"
    assert function({variable: ""}) == function({})
    monkeypatch.setenv("HOME", str(tmp_path))
    assert function({variable: "~/y"}) == tmp_path / "y"
    monkeypatch.chdir(tmp_path)
    assert function({variable: "z"}) == tmp_path / "z"


def test_a_directory_of_nobody_is_a_usage_error():
    with pytest.raises(UsageError, match="XMPPCTL_STATE_DIR"):
        paths.state_dir({"XMPPCTL_STATE_DIR": "~nobody-by-this-name/x"})


def test_the_configuration_file():
    assert paths.config_file({"XMPPCTL_CONFIG_DIR": "/x"}) == Path("/x/config.toml")


def test_paths_are_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.expand("~/f") == tmp_path / "f"
    assert paths.expand("f", tmp_path) == tmp_path / "f"
    assert paths.expand("/f", tmp_path) == Path("/f")
    for text in ("", "a\0b"):
        with pytest.raises(ValueError, match="the path"):
            paths.expand(text)


def test_a_private_directory_is_made_0700_and_an_existing_one_left_alone(tmp_path):
    made = paths.ensure_private_dir(tmp_path / "a" / "b")
    assert mode(made) == 0o700
    made.chmod(0o755)
    paths.ensure_private_dir(made)
    assert mode(made) == 0o755


def test_a_directory_that_cannot_be_made_is_a_local_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalError, match="cannot make the directory"):
        paths.ensure_private_dir(tmp_path / "file")


def test_files_are_written_0600_whatever_the_umask(tmp_path):
    old = os.umask(0)
    try:
        paths.write_private(tmp_path / "f", b"one")
    finally:
        os.umask(old)
    assert mode(tmp_path / "f") == 0o600
    (tmp_path / "f").chmod(0o644)
    paths.write_private(tmp_path / "f", b"two")
    assert (tmp_path / "f").read_bytes() == b"two"
    assert mode(tmp_path / "f") == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "f"]


def test_writing_follows_a_symbolic_link(tmp_path):
    (tmp_path / "dotfiles").mkdir()
    link = tmp_path / "config.toml"
    link.symlink_to(tmp_path / "dotfiles" / "config.toml")
    paths.write_private(link, b"x")
    assert link.is_symlink()
    assert (tmp_path / "dotfiles" / "config.toml").read_bytes() == b"x"


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    paths.write_private(tmp_path / "f", b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paths.os, "fsync", full)
    with pytest.raises(LocalError, match="No space left"):
        paths.write_private(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "f"]


@pytest.mark.parametrize("wide", [0o604, 0o640, 0o644, 0o660, 0o601])
def test_a_secret_open_to_others_is_refused_with_the_chmod(tmp_path, wide):
    path = tmp_path / "a b"
    path.write_text("x")
    path.chmod(wide)
    for function in (paths.check_private, paths.read_private):
        with pytest.raises(LocalError) as caught:
            function(path)
        assert caught.value.exit == 11
        assert caught.value.hint == f"chmod 600 '{path}'"


@pytest.mark.parametrize("narrow", [0o600, 0o400, 0o700])
def test_a_secret_of_ones_own_is_read(tmp_path, narrow):
    path = tmp_path / "f"
    path.write_text("x")
    path.chmod(narrow)
    paths.check_private(path)
    assert paths.read_private(path) == b"x"


def test_a_secret_of_somebody_else_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "f"
    path.write_text("x")
    path.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
    else:
        other = os.geteuid() + 1
        monkeypatch.setattr(paths.os, "geteuid", lambda: other)
    with pytest.raises(LocalError, match="belongs to another user") as caught:
        paths.check_private(path)
    assert "chmod 600" in caught.value.hint


def test_a_missing_secret_is_a_local_error(tmp_path):
    for function in (paths.check_private, paths.read_private):
        with pytest.raises(LocalError, match="No such file"):
            function(tmp_path / "missing")


def test_a_pipe_of_ones_own_is_read():
    reader, writer = os.pipe()
    os.write(writer, b"secret")
    os.close(writer)
    try:
        assert paths.read_private(Path(f"/dev/fd/{reader}")) == b"secret"
    finally:
        os.close(reader)


def test_a_lock_keeps_others_out_until_it_is_left(tmp_path):
    path = tmp_path / "f"
    with (
        paths.locked(path),
        pytest.raises(LocalError, match="locked by another run"),
        paths.locked(path, seconds=0),
    ):
        pass
    with paths.locked(path, seconds=0):
        assert mode(tmp_path / "f.lock") == 0o600


def test_a_waiting_run_goes_on_when_the_lock_is_left(tmp_path):
    path = tmp_path / "f"
    entered = threading.Event()

    def second():
        with paths.locked(path):
            entered.set()

    with paths.locked(path):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.is_set()
    thread.join(10)
    assert entered.is_set()


def test_a_lock_that_cannot_be_made_is_a_local_error(tmp_path):
    with (
        pytest.raises(LocalError, match="cannot lock"),
        paths.locked(tmp_path / "missing" / "f"),
    ):
        pass
