"""Local files: what is sent, its size known before; what comes, complete or not there at all."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from xmppctl.cli.app import App
from xmppctl.errors import LocalError

BLOCK = 64 * 1024
"""Bytes in memory at once."""


def make_directory(path: str) -> Path:
    """The directory at ``path``, made where it is missing. Raises LocalError."""
    directory = Path(path)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LocalError(
            f"cannot make the directory {path}: {error.strerror}", step="output", by=path
        ) from None
    return directory


class Source:
    """A file that is to be sent; ``-``, pipes and devices are read to their end first.

    ``path``: as it was given. ``size``: bytes. ``sha256``: None until all was read.
    Raises LocalError where the file cannot be read.
    """

    def __init__(self, app: App, path: str) -> None:
        self.path = path
        self.sha256: str | None = None
        self._spooled: BinaryIO | None = None
        if path == "-":
            if app.stdin is None or app.stdin.closed:
                raise LocalError("standard input is closed", step="input")
            self._spool(app, app.stdin.buffer)
            return
        with self._errors():
            status = Path(path).stat()
            if stat.S_ISREG(status.st_mode) and status.st_size:  # those of /proc have no size
                self.size = status.st_size
                return
            if stat.S_ISDIR(status.st_mode):
                raise LocalError(f"{path} is a directory", step="input", by=path)
            with app.blocking(), Path(path).open("rb") as stream:
                self._spool(app, stream)

    def _spool(self, app: App, stream: BinaryIO) -> None:
        with self._errors():
            self._spooled = tempfile.TemporaryFile()  # noqa: SIM115 - see ``close``
            while True:
                with app.blocking():
                    block = stream.read(BLOCK)
                if not block:
                    break
                self._spooled.write(block)
            self.size = self._spooled.tell()

    def blocks(self, progress: Callable[[int], object]) -> Iterator[bytes]:
        """The bytes, ``size`` of them; the last ones only when the file is still what it was.

        May be called again. Raises LocalError where it changed meanwhile.
        """
        with self._errors(), self._open() as stream:
            before = os.fstat(stream.fileno())
            if before.st_size != self.size:
                raise self._changed()
            digest = hashlib.sha256()
            done = 0
            while done < self.size:
                block = stream.read(min(BLOCK, self.size - done))
                done += len(block)
                if not block or (done == self.size and _differs(stream, before)):
                    raise self._changed()
                digest.update(block)
                yield block
                progress(done)
            self.sha256 = digest.hexdigest()

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        if self._spooled is None:
            with Path(self.path).open("rb") as stream:
                yield stream
        else:
            self._spooled.seek(0)
            yield self._spooled

    def close(self) -> None:
        """Give up what was read to its end first."""
        if self._spooled is not None:
            self._spooled.close()

    def _changed(self) -> LocalError:
        return LocalError(
            f"{self.path} changed while it was read: what was sent is not the file",
            step="input",
            condition="file-changed",
            by=self.path,
        )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LocalError(
                f"cannot read {self.path}: {error.strerror}", step="input", by=self.path
            ) from None


def _differs(stream: BinaryIO, before: os.stat_result) -> bool:
    now = os.fstat(stream.fileno())
    return (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns)


class Sink:
    """A file that appears under its name when it is complete, and not before.

    Until ``commit`` it has another name in the same directory; ``discard`` removes that, and does
    nothing behind a ``commit``. Without ``force`` nothing that is there is replaced. ``private``:
    nobody else may read it. May be used from several threads.
    """

    def __init__(self, path: Path, *, force: bool, private: bool = False) -> None:
        self.path = path
        self.force = force
        self._mode = 0o600 if private else 0o666 & ~_umask()
        self._lock = threading.Lock()
        self._over = False
        self._stream: BinaryIO | None = None
        self._partial: Path | None = None
        self.check()

    def check(self) -> None:
        """Raise LocalError where the name is taken, unless it may be replaced."""
        try:
            status = self.path.lstat()
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._failed(error) from None
        if self.force and (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
            return
        raise LocalError(
            f"{self.path} is there already",
            step="output",
            condition="file-exists",
            by=str(self.path),
            hint="--force replaces it, --out gives another name"
            if stat.S_ISREG(status.st_mode)
            else "--out gives another name; --out - writes to standard output",
        )

    def write(self, block: bytes) -> None:
        """Append. Raises LocalError."""
        with self._lock:
            try:
                self._opened().write(block)
            except OSError as error:
                raise self._failed(error) from None

    def commit(self) -> None:
        """Complete the file and give it its name. Raises LocalError."""
        with self._lock:
            try:
                stream = self._opened()
                stream.flush()
                os.fsync(stream.fileno())
                os.fchmod(stream.fileno(), self._mode)
                stream.close()
                assert self._partial is not None
                if self.force:
                    self._partial.replace(self.path)
                else:
                    self._place(self._partial)
            except OSError as error:
                raise self._failed(error) from None
            self._over = True

    def discard(self) -> None:
        """Remove what was written."""
        with self._lock:
            self._over = True
            if self._stream is not None:
                with suppress(OSError):  # what it still buffers may find no space
                    self._stream.close()
            if self._partial is not None:
                with suppress(OSError):
                    self._partial.unlink()

    def _opened(self) -> BinaryIO:
        if self._over:
            raise LocalError(f"{self.path} is not wanted any more", step="output")
        if self._stream is None:
            descriptor, name = tempfile.mkstemp(prefix=".xmppctl-", dir=self.path.parent)
            self._stream = os.fdopen(descriptor, "wb")
            self._partial = Path(name)
        return self._stream

    def _place(self, partial: Path) -> None:
        """Give it its name unless somebody else has taken that meanwhile."""
        try:
            self.path.hardlink_to(partial)
        except FileExistsError:
            self.check()
            raise
        except OSError:  # a file system without hard links
            self.check()
            partial.rename(self.path)
            return
        partial.unlink()

    def _failed(self, error: OSError) -> LocalError:
        return LocalError(
            f"cannot write {self.path}: {error.strerror}", step="output", by=str(self.path)
        )


def deliver(app: App, pieces: Iterable[str], out: str | None, *, private: bool = False) -> None:
    """Write text to the file ``out``, as a whole or not at all; to standard output without one.

    ``private``: nobody else may read the file. On a terminal what would drive it is escaped.
    Raises LocalError.
    """
    from xmppctl.cli.stdout import stdout_errors
    from xmppctl.output.escape import safe

    if out not in (None, "-"):
        sink = Sink(Path(out), force=True, private=private)
        try:
            for piece in pieces:
                sink.write(piece.encode())
            sink.commit()
        finally:
            sink.discard()
        return
    terminal = app.stdout.isatty()
    with stdout_errors():
        for piece in pieces:
            app.stdout.write(safe(piece, newlines=True) if terminal else piece)
        app.stdout.flush()


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
