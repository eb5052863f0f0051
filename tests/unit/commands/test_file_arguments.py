"""What `file` refuses, with nothing connected; where received files go to."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.commands.refusing import Run, refuser
from xmppctl.commands.file._places import Directory, Part
from xmppctl.errors import LocalError
from xmppctl.protocol.jingle.files import File, Range


@pytest.fixture
def refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Run:
    """Run something that fails before it connects; standard error."""
    (tmp_path / "f").write_text("0123456789")
    return refuser(capsys, monkeypatch, tmp_path, "file")


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["send", "b.test", "f"], "is a server"),
        (["send", "b b", "f"], "JID"),
        (["send", "b@b.test/r"], "Missing argument"),
        (["send", "--via", "http", "b@b.test/r", "f"], "auto"),
        (["send", "--transport", "tcp", "b@b.test/r", "f"], "ibb"),
        (["send", "--block-size", "64K", "b@b.test/r", "f"], "65535"),
        (["send", "--block-size", "0", "b@b.test/r", "f"], "65535"),
        (["send", "--block-size", "4K", "--via", "s5b", "b@b.test/r", "f"], "for ibb"),
        (["send", "--hash", "md5", "b@b.test/r", "f"], "sha-256"),
        (["send", "--range", "5", "b@b.test/r", "f"], "FROM-"),
        (["send", "--range", "5-2", "b@b.test/r", "f"], "before it begins"),
        (["send", "--range", "5-10", "b@b.test/r", "f"], "beyond the end"),
        (["send", "--name", "a/b", "b@b.test/r", "f"], "name"),
        (["send", "--desc", "\x01", "b@b.test/r", "f"], "U+0001"),
        (["send", "--proxy-only", "--direct", "b@b.test/r", "f"], "exclude"),
        (["receive", "--proxy-only", "--direct"], "exclude"),
        (["receive", "--count", "0"], "0"),
        (["receive", "--max-size", "big"], "big"),
        (["receive", "--for", "soon"], "soon"),
        (["receive", "--dir", "f"], "file"),
        (["proxies", "a b"], "JID"),
    ],
)
def test_usage(refused: Run, args: list[str], reason: str) -> None:
    assert reason in refused(*args)


def test_a_file_that_is_not_there(refused: Run) -> None:
    assert "cannot read nothing" in refused("send", "b@b.test/r", "nothing", code=11)
    assert "is a directory" in refused("send", "b@b.test/r", ".", code=11)


def test_a_directory_that_cannot_be_made(refused: Run) -> None:
    assert "cannot make the directory" in refused("receive", "--dir", "f/g", code=11)


# --- places

TOLD = {"sha-256": "ab" * 32}
FILE = File(name="a.txt", size=10, hashes=TOLD, range=Range())


def test_names_that_are_taken(tmp_path: Path) -> None:
    directory = Directory(str(tmp_path), force=False, resume=False)
    (tmp_path / "a.txt").write_text("mine")
    (tmp_path / "a-2.txt").symlink_to("/etc/passwd")
    one, two = directory.place("b@b.test/r", FILE), directory.place("b@b.test/r", FILE)
    for place in (one, two):
        place.write(b"yours")
    assert [Path(place.commit()).name for place in (one, two)] == ["a-3.txt", "a-4.txt"]
    assert (tmp_path / "a.txt").read_text() == "mine"


def test_names_that_may_be_replaced(tmp_path: Path) -> None:
    directory = Directory(str(tmp_path), force=True, resume=False)
    (tmp_path / "a.txt").write_text("mine")
    place = directory.place("b@b.test/r", FILE)
    place.write(b"yours")
    assert (tmp_path / "a.txt").read_text() == "mine"
    place.commit()
    assert (tmp_path / "a.txt").read_text() == "yours"


def test_nothing_is_left(tmp_path: Path) -> None:
    directory = Directory(str(tmp_path), force=False, resume=False)
    place = directory.place("b@b.test/r", FILE)
    place.write(b"half")
    place.discard(keep=True)
    assert list(tmp_path.iterdir()) == []


def test_a_part_goes_on(tmp_path: Path) -> None:
    directory = Directory(str(tmp_path), force=False, resume=True)
    first = directory.place("b@b.test/r", FILE)
    assert isinstance(first, Part) and first.offset == 0
    first.write(b"01234")
    first.discard(keep=True)
    (left,) = tmp_path.iterdir()
    assert left.name == "a.txt.abababababab.part"

    again = directory.place("b@b.test/r", FILE)
    assert again.offset == 5
    found: list[bytes] = []
    again.digest(found.append)
    assert b"".join(found) == b"01234"
    again.write(b"56789")
    assert again.commit() == str(tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "0123456789"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_part_may_have_to_begin_anew(tmp_path: Path) -> None:
    directory = Directory(str(tmp_path), force=False, resume=True)
    (tmp_path / "a.txt.abababababab.part").write_text("wrong and long")
    place = directory.place("b@b.test/r", FILE)
    place.offset = 0
    place.write(b"right")
    place.commit()
    assert (tmp_path / "a.txt").read_text() == "right"


def test_an_empty_part_is_not_kept(tmp_path: Path) -> None:
    directory = Directory(str(tmp_path), force=False, resume=True)
    directory.place("b@b.test/r", FILE).discard(keep=True)
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    directory = Directory(str(tmp_path), force=False, resume=True)
    (tmp_path / "a.txt.abababababab.part").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LocalError):
        directory.place("b@b.test/r", FILE)
    assert not (tmp_path / "elsewhere").exists()


@given(st.text(max_size=300))
def test_no_name_leads_elsewhere(name: str) -> None:
    with TemporaryDirectory() as outside:
        inside = Path(outside) / "in"
        place = Directory(str(inside), force=False, resume=False).place("b@b.test/r", File(name))
        place.write(b"x")
        path = Path(place.commit())
        assert path.parent == inside
        assert [each.name for each in inside.iterdir()] == [path.name]
        assert [each.name for each in Path(outside).iterdir()] == ["in"]
