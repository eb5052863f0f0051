"""Failures: text, JSON, exit codes, what a bug leaves behind."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from tests.unit.cli.conftest import Result
from xmppctl.cli import crash
from xmppctl.cli.report import as_json, as_text, prescan, translate
from xmppctl.cli.run import Interrupted
from xmppctl.errors import DeadlineError, ErrorInfo, Exit, RefusedError

Fake = Callable[..., Result]


def last_error(result: Result) -> dict[str, object]:
    error = json.loads(result.err.splitlines()[-1])["error"]
    assert isinstance(error, dict)
    return error


def test_text_names_what_step_peer_condition_hint() -> None:
    error = RefusedError(
        "no",
        step="send",
        condition="conflict",
        type="cancel",
        by="x@y",
        hint="less",
        limit=7,
    )
    assert as_text(error.info(), None) == [
        "xmppctl: no",
        "  step send, condition conflict (cancel), from x@y, limit 7 bytes",
        "  try: less",
    ]


def test_hostile_text_is_escaped(fake: Fake) -> None:
    result = fake("things", "add", "x@boom")
    assert "\x1b" not in result.err
    assert "boom \\x1b[31mred" in result.err
    for words in (("\x1b]0;x\x07",), ("things", "\x1b[2J"), ("say", "--\x1b[2J"), ("\u202e",)):
        result = fake(*words)
        assert result.code == 2
        assert not set("\x1b\x07\u202e") & set(result.err)


def test_json_is_one_ascii_line() -> None:
    line = as_json(ErrorInfo(6, "REFUSED", text="ä\n\x9b\u202e"))
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line)["error"]["text"] == "ä\n\x9b\u202e"


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "nothing"),
        ("nothing", "--json"),
        ("things", "nothing", "-o", "jsonl"),
        ("things", "list", "--nothing", "-qojson"),
        ("things", "list", "--output=json", "--jid", "x"),
        ("--json",),
    ],
)
def test_json_for_a_command_line_that_cannot_be_parsed(fake: Fake, words: tuple[str, ...]) -> None:
    result = fake(*words)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
    error = last_error(result)
    assert (error["code"], error["name"]) == (2, "USAGE")


def test_json_by_environment(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XMPPCTL_OUTPUT", "jsonl")
    assert last_error(fake("nothing"))["name"] == "USAGE"
    assert last_error(fake())["name"] == "USAGE"
    assert fake("nothing", "-o", "table").err.startswith("Usage:")


def test_json_by_configuration_file(fake: Fake, tmp_path: Path) -> None:
    config = tmp_path / "config" / "config.toml"
    config.parent.mkdir()
    config.write_text('output = "json"\n')
    assert last_error(fake("things", "add", "x@boom"))["condition"] == "conflict"
    config.write_text("nonsense")
    assert fake("things", "list").err.startswith("xmppctl: ")
    assert last_error(fake("things", "list", "--json"))["name"] == "USAGE"


def test_prescan() -> None:
    assert prescan(["--json", "-o", "csv"]) == "csv"
    assert prescan(["-ovalue"]) == "value"
    assert prescan(["-qvojson"]) == "json"
    assert prescan(["say", "--", "--json"]) is None
    assert prescan(["-o"]) is None
    assert prescan(["--fields", "x"]) is None


def test_a_bug_is_one_line_and_a_private_file(fake: Fake, tmp_path: Path) -> None:
    result = fake("things", "crash")
    assert result.code == 1
    assert len(result.err.splitlines()) == 1
    assert "Traceback" not in result.err
    assert "secret text" not in result.err
    (file,) = (tmp_path / "state").glob("crash-*.txt")
    assert str(file) in result.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert "ZeroDivisionError: secret text" in text
    assert "command: xmppctl things crash" in text
    assert last_error(fake("things", "crash", "--json"))["name"] == "INTERNAL"


def test_old_crash_files_go(tmp_path: Path) -> None:
    files = [crash.record(ValueError("x"), "xmppctl x") for _ in range(crash.KEPT + 3)]
    left = set((tmp_path / "state").glob("crash-*.txt"))
    assert left == set(sorted(files)[-crash.KEPT :])


def test_a_bug_where_nothing_can_be_written(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XMPPCTL_STATE_DIR", str(tmp_path / "file" / "x"))
    result = fake("things", "crash")
    assert result.code == 1
    assert "XMPPCTL_DEBUG=1" in result.err
    assert "Traceback" not in result.err


def test_debug_shows_the_trace(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XMPPCTL_DEBUG", "1")
    assert "Traceback" in fake("things", "add", "x@boom").err


def test_a_missing_library_names_its_installation(fake: Fake) -> None:
    result = fake("things", "library")
    assert result.code == 2
    assert "-m pip install --no-deps aioxmpp==0.13.3" in result.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (BrokenPipeError(), 141),
        (Interrupted(DeadlineError("late")), 8),
        (click.FileError("x"), 2),
    ],
)
def test_translation(error: BaseException, code: int) -> None:
    failure, _ = translate(error, "xmppctl")
    assert failure.exit is Exit(code)
