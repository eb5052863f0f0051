"""How far a transfer is: for people only."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from xmppctl.cli import progress
from xmppctl.cli.app import App
from xmppctl.cli.progress import Progress, counting


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the time."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def set_time(seconds: float) -> None:
        now[0] = seconds

    return set_time


def shown(
    monkeypatch: pytest.MonkeyPatch,
    stream: io.StringIO,
    clock: Callable[[float], None],
    total: int | None = 4 * 1024 * 1024,
    quiet: bool = False,
) -> str:
    monkeypatch.setattr("sys.stderr", stream)
    app = App()
    if quiet:
        app.options["quiet"] = (True, "")
    told = Progress(app, "a\x1bb.bin", total)
    for second in (1, 2):
        clock(second)
        told(second * 1024 * 1024)
        told(second * 1024 * 1024 + 1)  # too soon
    told.end()
    return stream.getvalue()


def test_one_line_that_goes_away(
    monkeypatch: pytest.MonkeyPatch, clock: Callable[[float], None]
) -> None:
    text = shown(monkeypatch, Terminal(), clock)
    lines = text.split("\r")
    assert lines[:3] == [
        "",
        "a\\x1bb.bin:  25 % of 4.0 MiB, 1.0 MiB/s",
        "a\\x1bb.bin:  50 % of 4.0 MiB, 1.0 MiB/s",
    ]
    assert lines[3:] == [" " * len(lines[1]), ""]


def test_a_size_that_is_not_known(
    monkeypatch: pytest.MonkeyPatch, clock: Callable[[float], None]
) -> None:
    assert "\ra\\x1bb.bin: 2.0 MiB, 1.0 MiB/s" in shown(monkeypatch, Terminal(), clock, None)


def test_silence(monkeypatch: pytest.MonkeyPatch, clock: Callable[[float], None]) -> None:
    assert shown(monkeypatch, io.StringIO(), clock) == ""
    assert shown(monkeypatch, Terminal(), clock, quiet=True) == ""


def test_the_count_goes_away_whatever_happens(
    monkeypatch: pytest.MonkeyPatch, clock: Callable[[float], None]
) -> None:
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    with pytest.raises(KeyError), counting(App(), "contacts", 3) as told:
        told(2)  # too soon
        told(3)  # the last one is always shown
        raise KeyError
    lines = stream.getvalue().split("\r")
    assert lines == ["", "contacts: 3 of 3", " " * len("contacts: 3 of 3"), ""]
