"""Files that are sent, and files that come."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from xmppctl.cli.app import App
from xmppctl.cli.files import BLOCK, Sink, Source
from xmppctl.errors import LocalError


def read(source: Source) -> bytes:
    return b"".join(source.blocks(lambda done: None))


def test_a_file_in_blocks(tmp_path: Path) -> None:
    data = os.urandom(3 * BLOCK + 1)
    path = tmp_path / "f"
    path.write_bytes(data)
    source = Source(App(), str(path))
    assert (source.size, source.sha256) == (len(data), None)
    told: list[int] = []
    blocks = list(source.blocks(told.append))
    assert [len(block) for block in blocks] == [BLOCK, BLOCK, BLOCK, 1]
    assert b"".join(blocks) == data
    assert told == [BLOCK, 2 * BLOCK, 3 * BLOCK, len(data)]
    assert source.sha256 == hashlib.sha256(data).hexdigest()


def test_a_pipe_is_read_to_its_end_first(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"x" * 100_000,))
    writer.start()
    source = Source(App(), str(path))
    writer.join(10)
    assert source.size == 100_000
    assert read(source) == b"x" * 100_000
    assert read(source) == b"x" * 100_000
    source.close()


@pytest.mark.parametrize("name", ["no-such", "."])
def test_what_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(LocalError, match=name):
        Source(App(), str(tmp_path / name))


def test_a_file_that_does_not_tell_its_size() -> None:
    source = Source(App(), "/proc/version")
    assert source.size > 0
    assert read(source) == Path("/proc/version").read_bytes()
    source.close()


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    source = Source(App(), str(tmp_path / "f"))
    assert read(source) == b""
    assert source.sha256 == hashlib.sha256().hexdigest()
    source.close()


@pytest.mark.parametrize("size", [0, 5, 15])
def test_a_file_that_has_another_size_now(tmp_path: Path, size: int) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 10)
    source = Source(App(), str(path))
    path.write_bytes(b"x" * size)
    with pytest.raises(LocalError, match="changed"):
        read(source)


def test_the_last_block_is_held_back_from_a_file_that_changed(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * (2 * BLOCK))
    source = Source(App(), str(path))
    blocks = source.blocks(lambda done: None)
    assert len(next(blocks)) == BLOCK
    os.utime(path, ns=(1, 1))
    with pytest.raises(LocalError, match="changed"):
        next(blocks)
    assert source.sha256 is None


# --- what comes


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_it_appears_when_it_is_complete(tmp_path: Path) -> None:
    sink = Sink(tmp_path / "f", force=False)
    sink.write(b"a")
    assert "f" not in names(tmp_path)
    sink.write(b"b")
    sink.commit()
    sink.discard()
    assert (tmp_path / "f").read_bytes() == b"ab"
    assert names(tmp_path) == ["f"]


def test_it_goes_without_a_trace(tmp_path: Path) -> None:
    sink = Sink(tmp_path / "f", force=False)
    sink.write(b"a")
    sink.discard()
    assert names(tmp_path) == []
    with pytest.raises(LocalError):  # a thread that is late
        sink.write(b"b")
    assert names(tmp_path) == []


def test_somebody_else_was_faster(tmp_path: Path) -> None:
    sink = Sink(tmp_path / "f", force=False)
    sink.write(b"mine")
    (tmp_path / "f").write_text("theirs")
    with pytest.raises(LocalError, match="there already"):
        sink.commit()
    sink.discard()
    assert names(tmp_path) == ["f"]
    assert (tmp_path / "f").read_text() == "theirs"


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def impossible(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", impossible)
    sink = Sink(tmp_path / "f", force=False)
    sink.write(b"x")
    sink.commit()
    assert (tmp_path / "f").read_bytes() == b"x"
    assert names(tmp_path) == ["f"]


def test_a_full_disk_is_a_local_error(tmp_path: Path) -> None:
    sink = Sink(tmp_path / "f", force=False)
    sink.write(b"x")
    assert sink._stream is not None
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, sink._stream.fileno())
    os.close(full)
    with pytest.raises(LocalError, match="No space left"):
        sink.commit()
    with pytest.raises(LocalError):
        sink.write(b"x" * 100_000)
    sink.discard()
    assert names(tmp_path) == []
