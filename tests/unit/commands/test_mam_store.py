"""The files of ``mam export``: what is true of them after a failure at any place."""

import json
import os
from datetime import UTC, datetime

import pytest

from xmppctl.commands.mam.store import Store
from xmppctl.errors import LocalError, UsageError

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
ABOUT = {"archive": "a@x.test", "form": "jsonl"}


def run(path, *batches, about=None, **options):
    with Store(path, **options) as store:
        store.adopt(**(about or ABOUT))
        for number, batch in enumerate(batches):
            store.write(batch, f"id{number}", WHEN)
        return store.last


def test_it_remembers_where_it_was(tmp_path):
    path = tmp_path / "out"
    run(path, [("a", "1\n")], [("b", "2\n")])
    assert run(path) == "id1"
    assert path.read_text() == "1\n2\n"
    state = json.loads((tmp_path / "out.state").read_text())
    assert state["open"] is False
    assert state["sizes"] == {"out": 4}
    for about in ({**ABOUT, "form": "txt"}, {**ABOUT, "archive": "b@x.test"}):
        with pytest.raises(UsageError, match="another"):
            run(path, about=about)


def test_an_empty_archive_makes_an_empty_file(tmp_path):
    run(tmp_path / "out", [])
    assert (tmp_path / "out").read_text() == ""
    assert run(tmp_path / "out", [("a", "1\n")]) == "id0"
    assert (tmp_path / "out").read_text() == "1\n"


@pytest.mark.parametrize("place", ["write", "fsync", "replace"])
def test_a_disk_that_is_full_loses_and_doubles_nothing(tmp_path, monkeypatch, place):
    directory = tmp_path / "out"
    options = {"per_contact": True, "suffix": "txt"}
    run(directory, [("a", "1\n"), ("b", "1\n")], **options)

    def full(*_):
        raise OSError(28, "No space left on device")

    with Store(directory, **options) as store:
        store.adopt(**ABOUT)
        store.write([("a", "2\n"), ("b", "2\n")], "id2", WHEN)
        before = store.last
        with monkeypatch.context() as patch:
            if place == "write":
                real = Store._append

                def append(self, name, data):
                    real(self, name, data[:1])
                    return full() if name.startswith("b") else real(self, name, data[1:])

                patch.setattr(Store, "_append", append)
            elif place == "fsync":
                patch.setattr(os, "fsync", full)
            else:
                patch.setattr("pathlib.Path.replace", full)
            with pytest.raises((LocalError, OSError)):
                store.write([("a", "3\n"), ("b", "3\n")], "id3", WHEN)
        # nothing more is written by this run, space or not
        assert store.write([("a", "4\n")], "id4", WHEN) == 0
    assert run(directory, **options) == before == "id2"
    for name in "ab":
        assert (directory / f"{name}.txt").read_text() == "1\n2\n"
    run(directory, [("a", "3\n"), ("b", "3\n")], **options)
    assert (directory / "b.txt").read_text() == "1\n2\n3\n"


def test_what_is_behind_the_end_of_a_finished_run_is_not_ours(tmp_path):
    path = tmp_path / "out"
    run(path, [("a", "1\n")])
    path.write_text("1\nmine\n")
    for _ in range(2):  # and refusing it changes nothing
        with pytest.raises(LocalError, match="not what the last export left"):
            run(path)
    assert path.read_text() == "1\nmine\n"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"about":{}}', "\xff",
     '{"about":{},"last":null,"when":"2026-01-01T00:00:00+00:00","open":true,"sizes":{"../x":0}}',
     '{"about":{},"last":null,"when":"2026-01-01T00:00:00","open":true,"sizes":{}}'],
)  # fmt: skip
def test_a_state_that_is_none(tmp_path, text):
    (tmp_path / "out.state").write_text(text, encoding="latin-1")
    with pytest.raises(LocalError, match="no state"):
        run(tmp_path / "out")


def test_private_and_locked(tmp_path):
    path = tmp_path / "out"
    with Store(path) as store:
        store.adopt(**ABOUT)
        store.write([("a", "1\n")], "id", WHEN)
        with pytest.raises(LocalError, match="another export"):
            Store(path).__enter__()
    for file in tmp_path.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


def test_a_directory_that_is_not_there(tmp_path):
    missing = tmp_path / "missing"
    with pytest.raises(LocalError, match="cannot write"):
        Store(missing / "file.jsonl").__enter__()
    assert not missing.exists()  # a misspelled path is not made true
    with Store(missing / "archive", per_contact=True, suffix="txt"):
        assert (missing / "archive").is_dir()
