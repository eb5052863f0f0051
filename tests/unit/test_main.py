"""The end of the process: at once, but not before what is to be done at the end."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import xmppctl.__main__ as program
{}
code = program.main()
print("taken apart")
sys.exit(code)
"""


def run(before: str, *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def test_nothing_is_taken_apart() -> None:
    assert run("", "--version").startswith("xmppctl ")
    assert "taken apart" not in run("", "--version")


def test_the_exit_code_is_the_same() -> None:
    assert run("", "no-such-command", code=2) == ""


def test_what_is_registered_for_the_end_is_done_and_written() -> None:
    out = run("import atexit; atexit.register(print, 'registered')", "--version")
    assert out.endswith("registered\n")
    assert "taken apart" not in out


@pytest.mark.parametrize(
    "watched",
    [
        "sys.setprofile(lambda *_: None)",
        "sys.settrace(lambda *_: None)",
        "import threading, time; threading.Thread(target=time.sleep, args=(3,)).start()",
    ],
)
def test_who_watches_sees_the_ordinary_end(watched: str) -> None:
    out = run(watched, "--version")
    assert out.endswith("taken apart\n")


def test_a_thread_that_nobody_waits_for_holds_nothing_up() -> None:
    waiting = "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    assert "taken apart" not in run(f"import threading, time\n{waiting}", "--version")


def test_garbage_is_still_looked_for() -> None:
    program = """
import gc, weakref
program._end = lambda code: code
program.main()
class Circle: pass
def circle():
    one = Circle()
    one.one = one
    return weakref.ref(one)
first = circle()
rest = [[] for _ in range(100_000)]
print(gc.isenabled(), first() is None)
"""
    assert "True True" in run(program, "--version")
