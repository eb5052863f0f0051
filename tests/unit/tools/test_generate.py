"""Writing what differs, removing what is left over, telling what is out of date."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools import generate

WANTED = {"docs/xeps.md": "new\n", "man/a.1": "same\n", "docs/schema/a.json": "{}\n"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in {
        "docs/xeps.md": "old\n",
        "docs/schema/gone.json": "{}\n",
        "docs/written.md": "by a person\n",
        "man/a.1": "same\n",
        "man/gone.1": "",
        "completions/gone.fish": "",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


DIFFERENT = [
    "completions/gone.fish",
    "docs/schema/a.json",
    "docs/schema/gone.json",
    "docs/xeps.md",
    "man/gone.1",
]


def test_stale(root: Path) -> None:
    assert generate.stale(WANTED, root) == DIFFERENT


def test_write(root: Path) -> None:
    os.utime(root / "man/a.1", (1, 1))
    assert generate.write(WANTED, root) == DIFFERENT
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert files == {*WANTED, "docs/written.md"}
    assert {path: (root / path).read_text() for path in WANTED} == WANTED
    assert (root / "man/a.1").stat().st_mtime == 1, "what is the same is left alone"
    assert generate.write(WANTED, root) == []


def test_a_file_that_is_no_text_is_out_of_date(root: Path) -> None:
    (root / "man/a.1").write_bytes(b"\xff")
    assert "man/a.1" in generate.stale(WANTED, root)


def test_main(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale, write = generate.stale, generate.write
    monkeypatch.setattr(generate, "outputs", lambda: WANTED)
    monkeypatch.setattr(generate, "untitled", list)
    monkeypatch.setattr(generate, "stale", lambda wanted: stale(wanted, root))
    assert generate.main(["--check"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        *(f"out of date: {path}" for path in DIFFERENT),
        f"mend with: {generate.COMMAND}",
    ]
    monkeypatch.setattr(generate, "stale", stale)
    monkeypatch.setattr(generate, "write", lambda wanted: write(wanted, root))
    assert generate.main([]) == 0
    assert capsys.readouterr().out.splitlines() == DIFFERENT
    monkeypatch.setattr(generate, "stale", lambda wanted: stale(wanted, root))
    assert generate.main(["--check"]) == 0


def test_a_xep_without_title_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "outputs", dict)
    monkeypatch.setattr(generate, "stale", lambda wanted: [])
    monkeypatch.setattr(generate, "untitled", lambda: ["9999"])
    assert generate.main(["--check"]) == 1
    assert "XEP-9999" in capsys.readouterr().err
