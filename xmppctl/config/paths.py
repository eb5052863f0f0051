"""Directories of the configuration, the state and the caches; private files; locks.

``XMPPCTL_CONFIG_DIR``, ``XMPPCTL_STATE_DIR`` and ``XMPPCTL_CACHE_DIR`` stand above what the
platform uses. Files are written whole: a temporary file, fsync, rename, so that neither a
reader nor a crash ever meets half of one.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from xmppctl.errors import LocalError, UsageError

LOCK_SECONDS = 10.0
_LOCK_STEP = 0.02


def config_dir(env: Mapping[str, str] = os.environ) -> Path:
    """Where ``config.toml`` is."""
    return _directory("config", env)


def state_dir(env: Mapping[str, str] = os.environ) -> Path:
    """Where tokens and encryption state are."""
    return _directory("state", env)


def cache_dir(env: Mapping[str, str] = os.environ) -> Path:
    """Where is kept what can be asked for again."""
    return _directory("cache", env)


def config_file(env: Mapping[str, str] = os.environ) -> Path:
    """The configuration file, which need not exist."""
    return config_dir(env) / "config.toml"


def expand(text: str, base: Path | None = None) -> Path:
    """``text`` as an absolute path: ``~`` is the home, a relative one starts at ``base``.

    ``base`` is the working directory where none is given. Raises ValueError when the home of
    ``~user`` is not known or the path is empty.
    """
    if not text or "\0" in text:
        raise ValueError("the path is empty" if not text else "the path contains a zero byte")
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"{text!r}: there is no such home directory") from None
    return (Path.cwd() if base is None else base) / path


def ensure_private_dir(path: Path) -> Path:
    """Make ``path`` (mode 0700) where it is missing; an existing directory is left as it is."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise LocalError(f"cannot make the directory {path}: {error.strerror}") from None
    return path


def read_private(path: Path) -> bytes:
    """The content of a file that holds a secret, whose mode and owner are checked.

    Raises LocalError when it cannot be read or is open to others.
    """
    try:
        with path.open("rb") as file:
            _check(os.fstat(file.fileno()), path)
            return file.read()
    except OSError as error:
        raise LocalError(f"cannot read {path}: {error.strerror}", step="secret") from None


def check_private(path: Path) -> None:
    """Raise LocalError when ``path`` is missing, somebody else's, or open to group or others."""
    try:
        _check(path.stat(), path)
    except OSError as error:
        raise LocalError(f"cannot read {path}: {error.strerror}", step="secret") from None


def write_private(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``, mode 0600, at once and durably; a symbolic link is followed."""
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _sync_directory(target.parent)
    except OSError as error:
        raise LocalError(f"cannot write {path}: {error.strerror}") from None


def write_cache(path: Path, data: bytes) -> None:
    """Replace ``path``, mode 0600, at once; what can be had again need not outlive a crash.

    Raises OSError, or LocalError where its directory cannot be made.
    """
    ensure_private_dir(ensure_private_dir(path.parent.parent) / path.parent.name)
    temporary = path.with_name(f".{os.getpid()}.{os.urandom(4).hex()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        temporary.rename(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


@contextlib.contextmanager
def locked(path: Path, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Hold the lock of ``path`` (a file ``path.lock`` beside it) against other runs.

    Raises LocalError when another run holds it for longer than ``seconds``. The lock file stays:
    removing it would let two runs hold two locks of one name.
    """
    import fcntl

    name = path.with_name(f"{path.name}.lock")
    try:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LocalError(f"cannot lock {path}: {error.strerror}", step="lock") from None
    try:
        end = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise LocalError(
                        f"{path} is locked by another run for {seconds:g} seconds",
                        step="lock",
                        hint="wait for the other run to end, or end it",
                    ) from None
                time.sleep(_LOCK_STEP)
            except OSError as error:
                raise LocalError(f"cannot lock {path}: {error.strerror}", step="lock") from None
        yield
    finally:
        os.close(descriptor)


def _directory(kind: str, env: Mapping[str, str]) -> Path:
    variable = f"XMPPCTL_{kind.upper()}_DIR"
    given = env.get(variable)
    if given:
        try:
            return expand(given)
        except ValueError as error:
            raise UsageError(f"environment {variable}: {error}", step="config") from None
    import platformdirs

    directories = platformdirs.PlatformDirs("xmppctl", appauthor=False)
    return Path(getattr(directories, f"user_{kind}_dir"))


def _check(status: os.stat_result, path: Path) -> None:
    # Terminals and sockets have modes that say nothing about who reads what passes through them.
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
        return
    mode = stat.S_IMODE(status.st_mode)
    stranger = status.st_uid not in (os.geteuid(), 0)
    if not stranger and not mode & 0o077:
        return
    import shlex

    quoted = shlex.quote(str(path))
    if stranger:
        raise LocalError(
            f"{path} holds a secret but belongs to another user",
            step="secret",
            condition="not-private",
            hint=f'chown "$(id -un)" {quoted} && chmod 600 {quoted}',
        )
    raise LocalError(
        f"{path} holds a secret but is open to others (mode {mode:04o})",
        step="secret",
        condition="not-private",
        hint=f"chmod 600 {quoted}",
    )


def _sync_directory(path: Path) -> None:
    # The rename itself must survive a crash; some file systems refuse to sync a directory.
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
