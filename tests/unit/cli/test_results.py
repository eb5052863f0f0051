"""Records to stdout, their errors to the exit code, text from stdin."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Result
from xmppctl.cli.results import Sink
from xmppctl.errors import RefusedError
from xmppctl.model.jingle import Transfer

Fake = Callable[..., Result]
Process = Callable[..., "subprocess.Popen[str]"]


def test_shapes(fake: Fake) -> None:
    assert json.loads(fake("things", "list", "--json").out) == [
        {"name": "one", "size": 1},
        {"name": "two", "size": 2},
    ]
    assert json.loads(fake("things", "get", "x", "--json").out) == {"name": "x", "size": None}
    stream = json.loads(fake("things", "add", "a@b", "--json").out)
    assert stream == [{"to": "a@b", "error": None}]


def test_fields_select_and_are_checked_before_anything_is_done(fake: Fake) -> None:
    assert fake("things", "list", "-o", "csv", "--fields", "size,name").out.split() == [
        "size,name",
        "1,one",
        "2,two",
    ]
    result = fake("things", "remove", "--yes", "--fields", "nmae", "-o", "json")
    assert (result.code, result.out) == (2, "")
    assert "size" in result.err


def test_one_target_of_two_failed(fake: Fake) -> None:
    result = fake("things", "add", "a@b", "nobody", "-o", "jsonl")
    assert result.code == 9
    assert [json.loads(line)["to"] for line in result.out.splitlines()] == ["a@b", "nobody"]
    error = json.loads(result.err.splitlines()[-1])["error"]
    assert (error["name"], error["condition"]) == ("PARTIAL", "item-not-found")


def test_all_targets_failed_alike(fake: Fake) -> None:
    result = fake("things", "add", "x", "y")
    assert result.code == 6
    assert "item-not-found" in result.err


def test_steps_are_no_targets() -> None:
    """One file that fails after some records of progress fails as it does without them."""
    error = RefusedError("broken", step="transfer", condition="truncated").info()
    sink = Sink(Transfer)
    for state in ("accepted", "transferring"):
        sink.put(Transfer(state=state))
    assert sink.outcome() is None
    sink.put(Transfer(state="failed", error=error))
    outcome = sink.outcome()
    assert outcome is not None
    assert (outcome.code, sink.count) == (6, 3)


@pytest.mark.parametrize("format", ["json", "jsonl", "csv", "plain", "table"])
def test_known_records_survive_a_failure(fake: Fake, format: str) -> None:
    result = fake("things", "add", "a@b", "x@boom", "-o", format)
    assert result.code == 6
    assert "a@b" in result.out
    if format == "json":
        assert len(json.loads(result.out)) == 1


def test_fail_empty(fake: Fake) -> None:
    assert fake("things", "list", "--none", "--json").code == 0
    result = fake("things", "list", "--none", "--json", "--fail-empty")
    assert (result.code, json.loads(result.out)) == (10, [])
    assert fake("things", "list", "--fail-empty").code == 0
    assert fake("things", "get", "x", "--fail-empty").code == 2


def test_monitor_formats_only_where_declared(fake: Fake) -> None:
    result = fake("things", "list", "-o", "prometheus")
    assert (result.code, result.out) == (2, "")
    assert "table, json, jsonl, csv, tsv, plain" in result.err


def test_environment_chooses_the_format(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XMPPCTL_OUTPUT", "plain")
    assert fake("things", "list").out == "one\ntwo\n"
    assert fake("things", "list", "--json").out.startswith("[")


def test_nagios_and_prometheus(fake: Fake) -> None:
    assert fake("monitored").err == "a summary\n"
    good = fake("monitored", "-o", "nagios")
    assert (good.code, good.err) == (0, "")
    assert "OK" in good.out
    assert fake("monitored", "--bad", "-o", "nagios").code == 2
    metrics = fake("monitored", "-o", "prometheus")
    assert (metrics.code, metrics.err) == (0, "")
    assert "fake_size 7" in metrics.out


@pytest.mark.parametrize(
    ("words", "code"),
    [(("--broken",), 2), (("--usage",), 3), (("--nonsense",), 3)],
)
def test_nagios_tells_failures_its_own_way(fake: Fake, words: tuple[str, ...], code: int) -> None:
    result = fake("monitored", *words, "-o", "nagios")
    assert result.code == code
    assert len(result.out.splitlines()) == 1
    assert ("CRITICAL" if code == 2 else "UNKNOWN") in result.out


def test_nagios_tells_what_was_known_before_a_failure(fake: Fake) -> None:
    result = fake("monitored", "--halfway", "--broken", "-o", "nagios")
    assert (result.code, result.err) == (2, "")
    assert result.out.splitlines() == [
        "XMPP CRITICAL - RUN: refused \\x7c \\x1b\\nhere; 1 of 2 ok",
        "[CRITICAL] RUN - refused \\x7c \\x1b\\nhere",
        "[OK] FAKE - 7 bytes",
    ]


@pytest.mark.parametrize("words", [("--broken",), ("--halfway", "--broken"), ("--usage",)])
def test_prometheus_tells_a_failure_too(fake: Fake, words: tuple[str, ...]) -> None:
    """With the labels of a success: the same series, so that an alert sees it change."""
    result = fake("monitored", *words, "x", "-o", "prometheus")
    assert result.code == (2 if "--usage" in words else 3)
    assert 'fake_success{name="x",account=""} 0.0' in result.out.splitlines()
    assert ("fake_size 7" in result.out) == ("--halfway" in words)
    assert result.err
    good = fake("-j", "a@b.test", "monitored", "x", "-o", "prometheus")
    assert 'fake_success{name="x",account="a@b.test"} 1.0' in good.out.splitlines()


def test_prometheus_tells_that_the_settings_are_broken(fake: Fake, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir(mode=0o700)
    (tmp_path / "config" / "config.toml").write_text("output = 3 [")
    result = fake("-o", "prometheus", "monitored", "x")
    assert result.code == 2
    assert 'fake_success{name="x",account=""} 0.0' in result.out.splitlines()
    assert fake("monitored", "x").out == ""


def test_quiet_and_verbose(fake: Fake) -> None:
    assert fake("things", "get", "x").err == "getting\n"
    assert fake("-q", "things", "get", "x").err == ""
    assert fake("things", "get", "x", "-v").err == "* looking for x\ngetting\n"
    assert fake("things", "get", "\x1b[2J", "-v").err.startswith("* looking for \\x1b[2J")


def test_verbose_tells_round_trips_in_the_end(fake: Fake) -> None:
    err = fake("long-wait", "--thread", "-v").err
    assert err.splitlines()[-1].startswith("* round trips: 0; start ")
    assert "round trips" not in fake("long-wait", "--thread").err


def say(process: Process, data: bytes, *words: str) -> Result:
    child = process("say", *words, stdin=subprocess.PIPE, text=False)
    out, err = child.communicate(data, timeout=20)
    return Result(child.returncode, out.decode(), err.decode())


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"two\nlines\n", "two\nlines"),
        (b"blank\n\n", "blank\n"),
        (b"dos\r\n", "dos"),
        (b"none", "none"),
        (b"--jid=x\n", "--jid=x"),
        (b"", ""),
        ("ä😀".encode(), "ä😀"),
    ],
)
@pytest.mark.parametrize("words", [(), ("-",)])
def test_text_from_stdin(process: Process, data: bytes, text: str, words: tuple[str, ...]) -> None:
    result = say(process, data, *words, "--json")
    assert json.loads(result.out) == [{"text": text, "error": None}]


def test_stdin_must_be_utf8(process: Process) -> None:
    result = say(process, b"ab\xff", "--json")
    assert (result.code, result.out) == (2, "")
    assert "UTF-8 (byte 3)" in result.err


def test_arguments_must_be_utf8(process: Process) -> None:
    result = say(process, b"", os.fsdecode(b"\xff"))
    assert (result.code, result.out) == (2, "")
    assert "not UTF-8" in result.err


def test_lines_of_stdin(process: Process) -> None:
    result = say(process, b"one\n\n\xff\r\nthree", "--stdin-lines", "-o", "jsonl")
    records = [json.loads(line) for line in result.out.splitlines()]
    assert [record["text"] for record in records] == ["one", "\ufffd", "three"]
    assert [record["error"] is None for record in records] == [True, False, True]
    assert "line 3" in records[1]["error"]["text"]
    assert result.code == 9


def on_terminal(process: Process, typed: bytes, *words: str) -> Result:
    """Run with a terminal as standard input, and type something."""
    outer, inner = pty.openpty()
    try:
        child = process(*words, stdin=inner)
        os.write(outer, typed)
        out, err = child.communicate(timeout=20)
    finally:
        os.close(outer)
        os.close(inner)
    return Result(child.returncode, out, err)


def test_no_text_on_a_terminal(process: Process) -> None:
    result = on_terminal(process, b"", "say")
    assert (result.code, result.out) == (2, "")
    assert "no text was given" in result.err


def test_confirmation_without_terminal(process: Process) -> None:
    child = process("things", "remove")
    out, err = child.communicate(timeout=20)
    assert (child.returncode, out) == (2, "")
    assert "--yes" in err
    child = process("things", "remove", "--yes", "-o", "plain")
    assert child.communicate(timeout=20)[0] == "removed\n"


@pytest.mark.parametrize(
    ("typed", "words", "code"),
    [(b"y\n", (), 0), (b"n\n", (), 2), (b"\n", (), 2), (b"y\n", ("--no-input",), 2)],
)
def test_confirmation_on_a_terminal(
    process: Process, typed: bytes, words: tuple[str, ...], code: int
) -> None:
    result = on_terminal(process, typed, "things", "remove", "-o", "plain", *words)
    assert result.code == code
    assert result.out == ("removed\n" if code == 0 else "")
    assert ("[y/N]" in result.err) is (not words)


def test_output_is_utf8_in_every_locale(process: Process, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    child = process("say", "--json", "--", "ä\u202e", env=env, text=False)
    out, _ = child.communicate(timeout=20)
    assert json.loads(out.decode("utf-8")) == [{"text": "ä\u202e", "error": None}]
    assert "ä".encode() in out


def test_a_flag_that_gives_another_kind_of_record(fake: Fake) -> None:
    assert fake("things", "list", "--number", "--json").out == '{\n  "number": 2\n}\n'
    assert fake("things", "list", "--number", "--none", "-o", "plain").out == "0\n"
    assert fake("things", "list", "--number", "--fields", "size").code == 2
    assert '"name"' in fake("things", "list", "--json").out
