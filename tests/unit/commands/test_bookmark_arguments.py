"""What `bookmark` and `push` refuse; nothing is connected."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from xmppctl.cli.main import main

Run = Callable[..., str]


@pytest.fixture
def refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Run:
    """Run something that is an error of that code; standard error."""
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(tmp_path))
    monkeypatch.setenv("XMPPCTL_PASSWORD", "x")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "open").write_text("s3cret\n")
    (tmp_path / "open").chmod(0o644)

    def run(*args: str, code: int = 2, stdin: bytes = b"") -> str:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        assert main(["-j", "a@b.test", "--connect", "127.0.0.1:1", *args]) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert "Traceback" not in err
        assert "s3cret" not in err
        return err

    return run


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["add"], "which bookmark"),
        (["add", "c.test"], "a domain, not a room"),
        (["add", "r@c.test/nick"], "resource"),
        (["add", "@@"], "not a JID"),
        (["add", "-", "-"], "only once"),
        (["add", "r@c.test", "s@c.test", "--name", "N"], "--name is for one"),
        (["add", "r@c.test", "--name", "\x1b"], "control character"),
        (["add", "r@c.test", "--store", "disk"], "'disk'"),
        (["add", "r@c.test", "--notify", "loud"], "'loud'"),
        (["add", "r@c.test", "--url", "http://x.test"], "exclude each other"),
        (["add", "--url", "ftp://x.test"], "no http or https"),
        (["add", "--url", "http://x.test", "--nick", "n"], "--nick is for rooms"),
        (["add", "--url", "http://x.test", "--room-password-file", "secret"], "password is for"),
        (["edit", "r@c.test"], "nothing to change"),
        (["edit", "--name", "N"], "which bookmark"),
        (["edit", "r@c.test", "--nick", "n", "--clear", "nick"], "exclude each other"),
        (["edit", "r@c.test", "--clear", "password", "--room-password-file", "secret"], "no place"),
        (["edit", "--url", "http://x.test", "--clear", "nick"], "no nick"),
        (["remove"], "which bookmark"),
        (["import", "-", "--as", "json"], "not JSON"),
        (["convert", "--to", "private", "--from", "private"], "the same store"),
    ],
)
def test_bookmark(refused: Run, args: list[str], reason: str) -> None:
    assert reason in refused("bookmark", *args)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["enable", "@@"], "not a JID"),
        (["enable", "p.test", "n", "--option", "s3cret"], "NAME=VALUE"),
        (["enable", "p.test", "n", "--option", "=s3cret"], "NAME=VALUE"),
        (["enable", "p.test", "n", "--option", "FORM_TYPE=x"], "FORM_TYPE"),
        (["enable", "p.test", "n", "--option", "secret=\x01s3cret"], "control character"),
        (["enable", "p.test", "n", "--option", "secret=x", "--secret-file", "secret"], "exclude"),
        (["enable", "p.test", "a\x02"], "control character"),
        (["disable"], "SERVICE"),
    ],
)
def test_push(refused: Run, args: list[str], reason: str) -> None:
    assert reason in refused("push", *args)


def test_files(refused: Run) -> None:
    assert "open to others" in refused("push", "enable", "p.test", "n", "--secret-file", "open",
                                       code=11)  # fmt: skip
    open_file = ("--room-password-file", "open")
    assert "chmod 600" in refused("bookmark", "add", "r@c.test", *open_file, code=11)
    assert "cannot read" in refused("bookmark", "import", "missing.json", code=11)


@pytest.mark.parametrize("room", ["xmpp:r@c.test?join", "R@C.test"])
def test_spellings_of_a_room(refused: Run, room: str) -> None:
    assert "127.0.0.1:1" in refused("bookmark", "add", room, code=3)
