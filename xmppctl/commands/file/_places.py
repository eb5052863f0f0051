"""Where files that come go to: under a name of their own, as a whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from xmppctl.cli.files import BLOCK, Sink, make_directory
from xmppctl.errors import LocalError
from xmppctl.model.filename import harmless

if TYPE_CHECKING:
    from xmppctl.protocol.jingle.files import File

_NAMES = 1000
_PART = ".part"


class Directory:
    """The directory of the files that are received. Raises LocalError where it cannot be used.

    ``resume``: what broke off is kept beside, and continued.
    """

    def __init__(self, path: str, *, force: bool, resume: bool) -> None:
        self._path = make_directory(path)
        self._force = force
        self._resume = resume
        self._taken: set[Path] = set()
        if not os.access(self._path, os.W_OK | os.X_OK):
            raise LocalError(f"the directory {path} is not writable", step="output", by=path)

    def place(self, sender: str, file: File) -> Whole | Part:
        """Where this file goes to. Raises LocalError."""
        name = harmless(file.name or "")
        told = next(iter(file.hashes.values()), None)
        if self._resume and told is not None and file.range is not None:
            part = self._path / f"{name}.{told[:12]}{_PART}"
            if part not in self._taken:
                self._taken.add(part)
                return Part(part, lambda: self.free(name), self._taken.discard)
        return Whole(self.free(name), self._taken.discard)

    def free(self, name: str) -> Sink:
        """A file of this name, or of one with a number where it is taken."""
        stem, suffix = Path(name).stem, Path(name).suffix
        for number in range(1, _NAMES):
            path = self._path / (name if number == 1 else f"{stem}-{number}{suffix}")
            if path in self._taken:
                continue
            try:
                sink = Sink(path, force=self._force)
            except LocalError as error:
                if error.condition != "file-exists":
                    raise
                continue
            self._taken.add(path)
            return sink
        raise LocalError(
            f"{self._path} has too many files of the name {name}", step="output", by=name
        )


class Whole:
    """A file that comes from its beginning on."""

    def __init__(self, sink: Sink, over: Callable[[Path], None]) -> None:
        self.offset = 0
        self._sink = sink
        self._over = over

    def digest(self, update: Callable[[bytes], object]) -> None:
        """There is nothing yet."""

    def write(self, block: bytes) -> None:
        """Append. Raises LocalError."""
        self._sink.write(block)

    def commit(self) -> str:
        """Give it its name. Raises LocalError."""
        self._sink.commit()
        self._over(self._sink.path)
        return str(self._sink.path)

    def discard(self, *, keep: bool) -> None:
        """Remove what was written."""
        self._sink.discard()
        self._over(self._sink.path)


class Part:
    """A file that may come in several transfers; what is there is kept in ``path``."""

    def __init__(self, path: Path, free: Callable[[], Sink], over: Callable[[Path], None]) -> None:
        self._path = path
        self._free = free
        self._over = over
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._stream = os.fdopen(os.open(path, flags, 0o600), "r+b")
            status = os.fstat(self._stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise LocalError(f"{path} is no file", step="output", by=str(path))
        except OSError as error:
            raise self._failed(error) from None
        self.offset = status.st_size
        self._begun = False

    def digest(self, update: Callable[[bytes], object]) -> None:
        """Give what is there already to ``update``. Raises LocalError."""
        try:
            self._stream.seek(0)
            left = self.offset
            while left and (block := self._stream.read(min(BLOCK, left))):
                update(block)
                left -= len(block)
        except OSError as error:
            raise self._failed(error) from None

    def write(self, block: bytes) -> None:
        """Append, behind ``offset``. Raises LocalError."""
        try:
            self._begin()
            self._stream.write(block)
        except OSError as error:
            raise self._failed(error) from None

    def _begin(self) -> None:
        """What lies behind ``offset`` is of no use."""
        if not self._begun:
            self._begun = True
            self._stream.seek(self.offset)
            self._stream.truncate()

    def commit(self) -> str:
        """Give it its name. Raises LocalError."""
        sink = self._free()
        try:
            self._begin()
            self._stream.seek(0)
            while block := self._stream.read(BLOCK):
                sink.write(block)
            sink.commit()
        except OSError as error:
            raise self._failed(error) from None
        finally:
            sink.discard()
            self._over(sink.path)
        self.discard(keep=False)
        return str(sink.path)

    def discard(self, *, keep: bool) -> None:
        """Leave it for another time, or remove it; nothing behind a ``commit``."""
        if self._stream.closed:
            return
        with suppress(OSError):
            empty = self._stream.seek(0, os.SEEK_END) == 0
            self._stream.close()
            if empty or not keep:
                self._path.unlink()
        self._over(self._path)

    def _failed(self, error: OSError) -> LocalError:
        return LocalError(
            f"cannot write {self._path}: {error.strerror}", step="output", by=str(self._path)
        )
