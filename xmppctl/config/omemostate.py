"""The state of OMEMO: a database for every bare JID, ``STATE/omemo/JID.db``, mode 0600.

It is what makes the account's device on this machine: its keys, the sessions with the devices of
others, what is trusted. A key that was used is never to be used again, so that what is changed is
on the disk (WAL, synchronous FULL) before anything leaves, and runs at the same time change it one
after the other.
"""

from __future__ import annotations

import atexit
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from xmppctl.config import logins, paths
from xmppctl.errors import LocalError, XmppctlError

LOCK_SECONDS = 30.0
"""How long a run waits for others; each of them holds the lock for some milliseconds."""

_FORMAT = 1
_STEP = "omemo"


def file(jid: str, env: Mapping[str, str] = os.environ) -> Path:
    """The database of the bare ``jid``, which need not exist."""
    return paths.state_dir(env) / "omemo" / f"{logins.file(jid, env).stem}.db"


class FileState:
    """``model.omemostate.State`` in a database, which is made where it is missing.

    Raises LocalError, also where the file is open to others.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        directory = paths.ensure_private_dir(path.parent.parent) / path.parent.name
        paths.ensure_private_dir(directory)
        with _errors(path):
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            paths.check_private(path)
            self._inode = path.stat().st_ino
            self._database = sqlite3.connect(path, isolation_level=None, timeout=LOCK_SECONDS)
            # the last run that lets go empties the log beside it, where deleted keys still are
            atexit.register(self.close)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
                self._database.execute(f"PRAGMA {pragma}")
            (found,) = self._database.execute("PRAGMA user_version").fetchone()
            if found == 0:
                self._make()
            elif found != _FORMAT:
                raise LocalError(
                    f"{path} is of a newer xmppctl (format {found})",
                    step=_STEP,
                    hint="use that one, or another XMPPCTL_STATE_DIR",
                )

    def _make(self) -> None:
        with self.transaction():
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS kv"
                " (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
            )
            self._database.execute(f"PRAGMA user_version={_FORMAT}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``State.transaction``."""
        with paths.locked(self._path, LOCK_SECONDS):
            with _errors(self._path):
                self._check()
                self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                with _errors(self._path):
                    self._database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                raise

    def _check(self) -> None:
        """What is written to a file that another run has removed is lost."""
        if self._path.exists() and self._path.stat().st_ino == self._inode:
            return
        raise LocalError(
            f"another run has removed the OMEMO state {self._path} meanwhile",
            step=_STEP,
            condition="state",
            hint="xmppctl omemo init makes a new device",
        )

    def load(self, key: str) -> str | None:
        """See ``State.load``."""
        with _errors(self._path):
            found = self._database.execute("SELECT value FROM kv WHERE key=?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def store(self, key: str, value: str) -> None:
        """See ``State.store``."""
        with _errors(self._path):
            self._database.execute("INSERT OR REPLACE INTO kv VALUES (?, ?)", (key, value))

    def delete(self, key: str) -> None:
        """See ``State.delete``."""
        with _errors(self._path):
            self._database.execute("DELETE FROM kv WHERE key=?", (key,))

    def items(self, prefix: str) -> Iterator[tuple[str, str]]:
        """See ``State.items``."""
        with _errors(self._path):
            found = self._database.execute(
                "SELECT key, value FROM kv WHERE substr(key, 1, ?)=? ORDER BY key",
                (len(prefix), prefix),
            ).fetchall()
        yield from found

    def close(self) -> None:
        """Let go of the file."""
        with suppress(sqlite3.Error):
            self._database.close()


def remove(path: Path) -> None:
    """Remove a database that is not needed any more. Raises LocalError.

    Runs that use it are told when they want to change something.
    """
    with paths.locked(path, LOCK_SECONDS), _errors(path):
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except XmppctlError:
        raise
    except sqlite3.Error as error:
        raise LocalError(
            f"cannot use the OMEMO state {path}: {error}", step=_STEP, condition="state"
        ) from None
    except OSError as error:
        raise LocalError(
            f"cannot use the OMEMO state {path}: {error.strerror}", step=_STEP
        ) from None
