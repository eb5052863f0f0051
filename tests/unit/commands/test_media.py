"""--media-dir: what came within messages is written once, and nothing else is touched."""

import hashlib

import pytest

from xmppctl.commands._media import MediaDir
from xmppctl.errors import LocalError
from xmppctl.model.message import Message
from xmppctl.model.payload.file import EmbeddedFile, MessageFile

DATA = b"\x89PNG"
NAME = f"{hashlib.sha256(DATA).hexdigest()}.png"
BOB = EmbeddedFile.of(DATA, source="bob", media_type="image/png", urls=["cid:x"])
OTHER = MessageFile(source="oob", urls=["https://x.test"])
MESSAGE = Message(body="x", files=[OTHER, BOB])


def test_files_are_written_once(tmp_path):
    directory = tmp_path / "a" / "b"
    media = MediaDir(str(directory))
    for _ in range(2):
        kept = media.keep(MESSAGE)
        assert (kept.body, kept.files[0]) == ("x", OTHER)
        assert kept.files[1].path == str(directory / NAME)
        assert kept.files[1].urls == ["cid:x"]
    assert [path.name for path in directory.iterdir()] == [NAME]
    assert (directory / NAME).read_bytes() == DATA


def test_nothing_is_replaced(tmp_path):
    media = MediaDir(str(tmp_path))
    (tmp_path / NAME).write_bytes(b"mine")
    with pytest.raises(LocalError, match="there already"):
        media.keep(MESSAGE)
    assert (tmp_path / NAME).read_bytes() == b"mine"


def test_no_link_is_followed(tmp_path):
    (tmp_path / "target").write_bytes(DATA)
    directory = tmp_path / "d"
    media = MediaDir(str(directory))
    (directory / NAME).symlink_to(tmp_path / "target")
    with pytest.raises(LocalError):
        media.keep(MESSAGE)
    assert len(list(directory.iterdir())) == 1


def test_without_a_directory_or_without_data(tmp_path):
    assert MediaDir(None).keep(MESSAGE) is MESSAGE
    plain = Message(files=[OTHER])
    assert MediaDir(str(tmp_path)).keep(plain) is plain
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match="cannot make the directory"):
        MediaDir(str(tmp_path / "file" / "d"))
