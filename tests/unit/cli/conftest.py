"""A program over the fake commands: in this process, and as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from xmppctl.cli.main import main

PACKAGE = "tests.unit.cli.fakecommands"
ROOT = Path(__file__).parents[3]
_PROGRAM = (
    "import sys; from xmppctl.cli.main import main; "
    f"sys.exit(main(sys.argv[1:], package={PACKAGE!r}))"
)


@dataclass(frozen=True)
class Result:
    """How a run ended."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No configuration, no environment, but a state directory of the test's own."""
    for name in list(os.environ):
        if name.startswith(("XMPPCTL_", "_XMPPCTL")):
            monkeypatch.delenv(name)
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(tmp_path / kind.lower()))


@pytest.fixture
def fake(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run the fake program in this process."""

    def run(*args: str) -> Result:
        code = main(args, package=PACKAGE)
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return run


@pytest.fixture
def process() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the fake program as a process; whatever is left in the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*args: str, **more: object) -> subprocess.Popen[str]:
        options: dict[str, object] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "cwd": ROOT,
            **more,
        }
        child = subprocess.Popen([sys.executable, "-c", _PROGRAM, *args], **options)  # type: ignore[call-overload]
        started.append(child)
        return child

    yield start
    for child in started:
        with child:
            if child.poll() is None:
                child.kill()
