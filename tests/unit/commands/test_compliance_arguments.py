"""`server compliance`: what is refused before anything is connected, and what --require makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from xmppctl.cli.main import main
from xmppctl.commands.server import compliance
from xmppctl.commands.server.compliance import GoalType
from xmppctl.errors import RefusedError
from xmppctl.model.compliance import Reached, Requirement


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--require", "core"), "not CATEGORY:LEVEL"),
        (("--require", "core:client"), "levels: server, advanced"),
        (("--require", "a/v:server"), "core, web, im, mobile, av, all"),
        (("--require", ":"), "not CATEGORY:LEVEL"),
        (("--allow-unknown",), "needs --require"),
        (("--websocket", "ws://x.test/"), "--websocket"),
        (("--websocket", "https://x.test/"), "no wss URL"),
        (("--bosh", "wss://x.test/"), "no https URL"),
        (("--bosh", "https:///"), "--bosh"),
        (("--bosh", "https://x.test/\x07"), "bosh"),
        (("alice@x.test",), "is no domain"),
    ],
)
def test_what_is_refused(
    args: tuple[str, ...],
    told: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(tmp_path))
    monkeypatch.setenv("XMPPCTL_PASSWORD", "x")
    words = ["-j", "a@b.test", "--connect", "127.0.0.1:1", "server", "compliance", *args]
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert "Traceback" not in err


def test_goals() -> None:
    read = GoalType()
    assert read.convert("im:advanced", None, None) == (("im", "advanced"),)
    assert read.convert("all:server", None, None) == tuple(
        (category, "server") for category in ("core", "web", "im", "mobile", "av")
    )
    words = [each.value for each in read.shell_complete(None, None, "av:")]  # type: ignore[arg-type]
    assert words == ["av:server", "av:advanced"]


class Warned:
    """As much of an App as is told something."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def warn(self, text: str) -> None:
        self.texts.append(text)


def row(level: Any, requirement: str, status: Any = "ok", method: Any = "live") -> Requirement:
    return Requirement("core", level, "f", requirement, "Title", status, method, "why")


FOUND = [row("server", "A"), row("server", "H", "unknown", "none"),
         row("advanced", "U", "unknown", "untested"), row("future", "F", "absent")]  # fmt: skip


def check(
    app: Warned, found: list[Requirement], goals: list[Any], *, granted: bool = False
) -> None:
    compliance._check(app, found, goals, granted, "x.test")  # type: ignore[arg-type]


def test_a_level_that_is_reached() -> None:
    app = Warned()
    check(app, FOUND, [("core", "server"), ("im", "server")])
    assert app.texts == ["H (Title) was taken for granted: why"]


def test_what_is_not_tested_is_not_proven() -> None:
    app = Warned()
    with pytest.raises(RefusedError) as caught:
        check(app, FOUND, [("core", "server"), ("core", "advanced")])
    assert caught.value.text == "x.test does not reach core:advanced: U (not tested: Title)"
    assert caught.value.condition == "not-compliant"
    check(app, FOUND, [("core", "advanced")], granted=True)
    assert app.texts == [f"{name} (Title) was taken for granted: why" for name in ("H", "U")]


def test_what_is_missing_is_named_for_each_goal() -> None:
    found = [*FOUND, row("server", "M", "fail")]
    with pytest.raises(RefusedError) as caught:
        check(Warned(), found, [("core", "server"), ("av", "advanced")], granted=True)
    assert caught.value.text == (
        "x.test does not reach core:server: M (Title); av:advanced: M (Title)"
    )


@pytest.mark.parametrize(
    ("reached", "told"),
    [
        (Reached("im", "advanced"), "im: advanced"),
        (Reached("im", None, ["A", "B"], []), "im: none (missing: A, B)"),
        (Reached("im", "server", ["A"], ["B"]), "im: server (missing: A; not tested: B)"),
    ],
)
def test_the_line_below_the_table(reached: Reached, told: str) -> None:
    assert compliance._told(reached) == told
