"""Commands that fail before anything is connected."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from xmppctl.cli.main import main

Run = Callable[..., str]


def refuser(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    *command: str,
) -> Run:
    """Runs ``command`` in ``folder`` with arguments that are refused; standard error.

    ``run("send", "x y", stdin="", code=2)``: asserts the exit code, and that nothing is printed.
    """
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(folder / "xmppctl"))
    monkeypatch.chdir(folder)

    def run(*args: str, stdin: str = "", code: int = 2) -> str:
        stream = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stream)
        assert main(["-j", "a@b.test", "--connect", "127.0.0.1:1", *command, *args]) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert "Traceback" not in err
        return err

    return run
