"""The files of an export, and the memory of how far they go.

A batch of messages is appended and brought to the disk before the state file says so. The state
file also says that a run is under way: what one that was killed wrote behind the last batch is cut
off by the next. So a message is there once. What somebody else wrote into the files is an error.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from xmppctl.errors import LocalError, UsageError

_LONGEST = 180
_DIRECTORY_STATE = ".mam-export.state"


class Store:
    """One file, or with ``per_contact`` a directory of files; locked while it is entered."""

    def __init__(self, path: Path, *, per_contact: bool = False, suffix: str = "") -> None:
        self.path = path
        self.per_contact = per_contact
        self.suffix = suffix
        self.directory = path if per_contact else path.parent
        self.state = (
            path / _DIRECTORY_STATE if per_contact else path.with_name(path.name + ".state")
        )
        self.last: str | None = None
        self.when = datetime.min.replace(tzinfo=UTC)
        self._about: dict[str, Any] | None = None
        self._sizes: dict[str, int] = {}
        self._open = False
        self._broken = True  # until the files are known to be what the state says
        self._lock: int | None = None

    def __enter__(self) -> Store:
        import fcntl

        try:
            if self.per_contact:
                self.directory.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(f"{self.state}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._unlock()
            raise LocalError(
                f"another export is writing {self.path}", step="output", by=str(self.path)
            ) from None
        except OSError as error:
            self._unlock()
            raise self._failed("cannot write", self.directory, error) from None
        try:
            self._load()
        except BaseException:
            self._unlock()
            raise
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if self._open and not self._broken:
                self._open = False
                self._save()
        except LocalError:
            if kind is None:
                raise
        finally:
            self._unlock()

    def adopt(self, **about: Any) -> None:
        """What this run exports. Raises UsageError where the files hold something else."""
        if self._about is not None and self._about != about:
            differs = next(key for key in about if self._about.get(key) != about[key])
            raise UsageError(
                f"{self.path} holds an export with another {differs}",
                step="output",
                hint="export into other files",
            )
        self._about = about
        for name, size in self._sizes.items():
            self._check(name, size)
        self._broken = False

    def write(
        self, batch: Sequence[tuple[str, str]], last: str | None, when: datetime | None
    ) -> int:
        """Append (contact, text) pairs; ``last`` is the id of the last; their number.

        Raises LocalError; then the files are what they were, as far as the next run is concerned,
        and nothing more may be written.
        """
        if self._broken:
            return 0
        self._broken = True
        texts: dict[str, list[str]] = {} if self.per_contact else {self.path.name: []}
        for contact, text in batch:
            name = self._name(contact) if self.per_contact else self.path.name
            texts.setdefault(name, []).append(text)
        fresh = [name for name in texts if name not in self._sizes]
        for name in fresh:
            if os.path.lexists(self.directory / name):
                raise LocalError(
                    f"{self.directory / name} is there already and no part of this export",
                    step="output",
                    by=name,
                    hint="export into other files, or remove it",
                )
            self._sizes[name] = 0
        if fresh or not self._open:
            self._open = True
            self._save()
        for name, parts in texts.items():
            self._sizes[name] = self._append(name, "".join(parts).encode())
        if fresh:
            self._sync_directory()
        self.last = last
        if when is not None:
            self.when = when
        self._save()
        self._broken = False
        return len(batch)

    def _name(self, contact: str) -> str:
        """A file name for a JID, which strangers choose: no separators, no leading dot."""
        name = quote(contact, safe="@+-_.")
        if name.startswith("."):
            name = f"%2E{name[1:]}"
        if len(name) > _LONGEST:
            digest = hashlib.sha256(contact.encode("utf-8", "surrogatepass")).hexdigest()
            name = f"{name[:100]}-{digest[:32]}"
        return f"{name}.{self.suffix}"

    def _append(self, name: str, data: bytes) -> int:
        path = self.directory / name
        try:
            # what is written may be private, and a link may lead anywhere
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(path, flags, 0o600)
            with os.fdopen(descriptor, "ab") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
                return stream.tell()
        except OSError as error:
            raise self._failed("cannot write", path, error) from None

    def _check(self, name: str, size: int) -> None:
        """Bring a file to what the state says of it."""
        path = self.directory / name
        try:
            found = path.stat().st_size if path.exists() else 0
            if found < size or (found > size and not self._open):
                raise LocalError(
                    f"{path} is not what the last export left: {found} bytes instead of {size}",
                    step="output",
                    by=str(path),
                    hint="export into other files",
                )
            if found > size:
                os.truncate(path, size)
        except OSError as error:
            raise self._failed("cannot write", path, error) from None

    def _sync_directory(self) -> None:
        """Bring the names of new files to the disk too."""
        try:
            descriptor = os.open(self.directory, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._failed("cannot write", self.directory, error) from None

    def _load(self) -> None:
        try:
            data = self.state.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._failed("cannot read", self.state, error) from None
        try:
            state = json.loads(data)
            self._about = dict(state["about"])
            self._sizes = {str(name): int(size) for name, size in state["sizes"].items()}
            self.last = state["last"]
            self.when = datetime.fromisoformat(state["when"])
            self._open = bool(state["open"])
            if any("/" in name for name in self._sizes) or self.when.tzinfo is None:
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError):
            raise LocalError(
                f"{self.state} is no state of an export", step="output", by=str(self.state)
            ) from None

    def _save(self) -> None:
        state = {
            "about": self._about,
            "last": self.last,
            "when": self.when.isoformat(),
            "open": self._open,
            "sizes": self._sizes,
        }
        temporary = self.state.with_name(self.state.name + ".new")
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(temporary, flags, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                json.dump(state, stream)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(self.state)
        except OSError as error:
            raise self._failed("cannot write", self.state, error) from None

    def _failed(self, what: str, path: Path, error: OSError) -> LocalError:
        return LocalError(f"{what} {path}: {error.strerror}", step="output", by=str(path))

    def _unlock(self) -> None:
        if self._lock is not None:
            with suppress(OSError):
                os.close(self._lock)
            self._lock = None
