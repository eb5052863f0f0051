"""Signals, the deadline, the end of the reader: real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Process = Callable[..., "subprocess.Popen[str]"]


def wait_line(child: subprocess.Popen[str], text: str) -> None:
    assert child.stderr is not None
    for line in child.stderr:
        if line.strip() == text:
            return
    raise AssertionError(f"no line {text!r}")


@pytest.mark.parametrize(
    ("number", "code", "name"),
    [(signal.SIGINT, 130, "SIGINT"), (signal.SIGTERM, 143, "SIGTERM")],
)
def test_a_signal_closes_and_tells(
    process: Process, number: signal.Signals, code: int, name: str
) -> None:
    child = process("long-wait", "--json")
    wait_line(child, "ready")
    child.send_signal(number)
    out, err = child.communicate(timeout=20)
    assert child.returncode == code
    assert json.loads(out) == [{"number": 1}]
    lines = err.splitlines()
    assert lines[0] == "closed"
    assert json.loads(lines[-1])["error"]["name"] == name


_EARLY = (
    "import os, signal, sys; from xmppctl.cli import main as program; "
    "program._prepare = lambda: os.kill(os.getpid(), getattr(signal, sys.argv.pop(1))); "
    "sys.exit(program.main(sys.argv[1:]))"
)
"""The program, to which a signal comes before any command has begun."""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_before_the_run(name: str, code: int) -> None:
    command = [sys.executable, "-c", _EARLY, name, "config", "path", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (code, "")
    assert json.loads(done.stderr)["error"]["name"] == name


def test_closing_takes_a_second_at_most(process: Process) -> None:
    child = process("long-wait", "--stuck", "-o", "jsonl")
    wait_line(child, "ready")
    start = time.monotonic()
    child.terminate()
    out, _ = child.communicate(timeout=20)
    assert child.returncode == 143
    assert 0.8 < time.monotonic() - start < 5
    assert out == '{"number":1}\n'


def test_a_second_signal_ends_at_once(process: Process) -> None:
    child = process("long-wait", "--stuck")
    wait_line(child, "ready")
    child.send_signal(signal.SIGINT)
    wait_line(child, "stuck")
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 130
    assert err == "", "the first signal alone would have been reported after a second"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_blocking_in_the_loop(process: Process, number: int, code: int) -> None:
    child = process("long-wait", "--block", stdin=subprocess.PIPE)
    wait_line(child, "ready")
    child.send_signal(number)
    assert child.wait(timeout=20) == code
    assert "closed" in child.communicate()[1]


def test_deadline_names_the_step(process: Process) -> None:
    child = process("long-wait", "--deadline", "1500ms", "--json")
    out, err = child.communicate(timeout=20)
    assert child.returncode == 8
    assert json.loads(out) == [{"number": 1}]
    error = json.loads(err.splitlines()[-1])["error"]
    assert (error["step"], error["name"]) == ("waiting", "TIMEOUT")
    assert "closed" in err.splitlines()


def test_deadline_while_reading_stdin(process: Process) -> None:
    child = process("say", "--deadline", "200ms", stdin=subprocess.PIPE)
    assert child.wait(timeout=20) == 8


def test_an_unfinished_thread_does_not_hold_up_the_end(process: Process) -> None:
    child = process("long-wait", "--thread", "-o", "plain")
    out, err = child.communicate(timeout=20)
    assert (child.returncode, out, err) == (0, "1\n", "closed\n")


def test_the_reader_has_gone_while_streaming(process: Process) -> None:
    child = process("long-wait", "--endless", "-o", "jsonl")
    assert child.stdout is not None
    assert child.stdout.readline() == '{"number":1}\n'
    child.stdout.close()
    assert child.stderr is not None
    assert child.stderr.read() == "ready\nclosed\n"
    assert child.wait(timeout=20) == 141


def test_the_reader_was_never_there(process: Process) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    child = process("--help", stdout=writing)
    os.close(writing)
    _, err = child.communicate(timeout=20)
    assert (child.returncode, err) == (141, "")


def test_a_full_disk_is_local(process: Process) -> None:
    with Path("/dev/full").open("w") as full:
        child = process("things", "list", "--json", stdout=full)
        _, err = child.communicate(timeout=20)
    assert child.returncode == 11
    assert json.loads(err.splitlines()[-1])["error"]["step"] == "output"


def test_closed_stdout_and_stderr(process: Process) -> None:
    child = process("things", "list", stdout=None, preexec_fn=lambda: os.close(1))
    _, err = child.communicate(timeout=20)
    assert child.returncode == 11
    assert "standard output" in err
    child = process("things", "crash", stderr=None, preexec_fn=lambda: os.close(2))
    child.communicate(timeout=20)
    assert child.returncode == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["uri", "parse", "--help"],
        ["--version"],
        ["schema"],
        ["completion", "bash"],
        ["doap"],
        ["-j", "alice@example.org", "send", "--dry-run", "bob@example.org", "x"],
    ],
)
def test_text_that_cannot_be_written_is_local(words: list[str]) -> None:
    program = [sys.executable, "-m", "xmppctl"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*program, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 11
    assert "cannot write standard output" in done.stderr


def test_completion_that_cannot_be_written_is_local(process: Process) -> None:
    asked = {"_XMPPCTL_COMPLETE": "bash_complete", "COMP_WORDS": "xmppctl t", "COMP_CWORD": "1"}
    with Path("/dev/full").open("w") as full:
        child = process(stdout=full, env={**os.environ, **asked})
        _, err = child.communicate(timeout=20)
    assert (child.returncode, "cannot write" in err) == (11, True)


def test_a_monitor_that_cannot_be_written_to_is_unknown(process: Process) -> None:
    with Path("/dev/full").open("w") as full:
        child = process("-o", "nagios", "things", "nothing-like-this", stdout=full)
        _, err = child.communicate(timeout=20)
    assert (child.returncode, "cannot write" in err) == (3, True)
