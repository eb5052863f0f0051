"""Passwords: where they come from, and how they are read without being shown.

No secret comes by argument. A source is only named here; it is read when somebody calls for it,
at most once. Errors say which source failed and how, never what it contained: neither the
text of a command nor its output is repeated.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

from xmppctl.config import paths
from xmppctl.errors import UsageError
from xmppctl.records import dataclass

SourceKind = Literal["file", "fd", "command", "environment", "keyring", "config"]

COMMAND_SECONDS = 120.0
KEYRING_SERVICE = "xmppctl"
KEYRING_INSTALL = "pip install 'xmppctl[keyring]'"


@dataclass(frozen=True)
class Purpose:
    """What a secret is for, and by which names it is given.

    ``name``: the stem of the options (``--NAME-file``) and, in capitals, of the variable.
    ``kinds``: the options there are. ``prompt``: how often a terminal is asked (0: never).
    """

    name: str
    kinds: tuple[Literal["file", "fd", "command"], ...]
    prompt: int

    @property
    def words(self) -> str:
        """The name as it is written in a sentence."""
        return self.name.replace("-", " ")

    @property
    def variable(self) -> str:
        """The environment variable that holds the secret itself."""
        return f"XMPPCTL_{self.name.upper().replace('-', '_')}"

    @property
    def ways(self) -> str:
        """All the ways to give it, for a hint."""
        options = [f"--{self.name}-{kind}" for kind in self.kinds]
        return ", ".join([*options, self.variable])


PASSWORD = Purpose("password", ("file", "fd", "command"), prompt=1)
NEW_PASSWORD = Purpose("new-password", ("file", "fd", "command"), prompt=2)
ROOM_PASSWORD = Purpose("room-password", ("file", "fd"), prompt=0)
CODE = Purpose("code", ("file", "fd"), prompt=1)


@dataclass(frozen=True)
class Source:
    """A place that holds a secret; ``origin`` names it for people.

    ``value``: a Path (file), an int (fd), the command, the bare JID (keyring), or the secret
    itself (environment, config), which is why it has no part in ``repr``.
    """

    kind: SourceKind
    origin: str
    value: str | int | Path = field(repr=False)


def chosen(
    purpose: Purpose,
    options: Mapping[str, object],
    env: Mapping[str, str],
) -> Source | None:
    """The source that options name, or else the environment; None where neither does.

    ``options``: ``file``, ``fd``, ``command`` to a value, or None where not given. Raises
    UsageError when two of them are given.
    """
    sources = [
        make(kind, f"option --{purpose.name}-{kind}", options[kind])
        for kind in purpose.kinds
        if options.get(kind) is not None
    ]
    if not sources and env.get(purpose.variable):
        sources = [
            Source("environment", f"environment {purpose.variable}", env[purpose.variable]),
        ]
    return only(sources)


def make(kind: Literal["file", "fd", "command"], origin: str, value: object) -> Source:
    """A source from the value of an option or a setting."""
    if kind == "file":
        try:
            return Source(kind, origin, paths.expand(str(value)))
        except ValueError as error:
            raise UsageError(f"{origin}: {error}", step="secret") from None
    return Source(kind, origin, int(str(value)) if kind == "fd" else str(value))


def only(sources: list[Source]) -> Source | None:
    """The one source, or None; raises UsageError when there are several."""
    if len(sources) > 1:
        names = " and ".join(source.origin for source in sources)
        raise UsageError(f"{names} exclude each other", step="secret", hint="give one of them")
    return sources[0] if sources else None


def provider(
    purpose: Purpose, source: Source | None, *, whose: str, no_input: bool = False
) -> Callable[[], str]:
    """A function that gives the secret; it reads the source when first called, once.

    ``whose`` names the owner in the prompt and in errors (a bare JID). Without a source the
    terminal is asked. The function raises UsageError or LocalError.
    """
    known: list[str] = []

    def secret() -> str:
        if not known:
            known.append(
                _prompt(purpose, whose, no_input) if source is None else read(source, purpose)
            )
        return known[0]

    return secret


def read(source: Source, purpose: Purpose = PASSWORD) -> str:
    """The secret of ``source``, never empty; UsageError or LocalError where there is none."""
    match source.kind:
        case "file":
            secret = _first_line(_text(paths.read_private(Path(str(source.value))), source))
        case "fd":
            secret = _text(_read_fd(int(str(source.value)), source), source)
            secret = secret.removesuffix("\n").removesuffix("\r")
        case "command":
            secret = _first_line(_text(_run(str(source.value), source), source))
        case "keyring":
            secret = _keyring_get(str(source.value))
        case _:
            secret = str(source.value)
    if not secret:
        raise UsageError(f"the {purpose.words} from {source.origin} is empty", step="secret")
    if "\0" in secret:
        raise UsageError(
            f"the {purpose.words} from {source.origin} contains a zero byte", step="secret"
        )
    if any("\ud800" <= char <= "\udfff" for char in secret):  # how Python shows foreign bytes
        raise UsageError(f"the secret from {source.origin} is not UTF-8", step="secret")
    return secret


def keyring_set(bare_jid: str, secret: str) -> None:
    """Put ``secret`` into the keyring, where ``keyring = true`` finds it. Raises UsageError."""
    with _keyring_errors(bare_jid) as keyring:
        keyring.set_password(KEYRING_SERVICE, bare_jid, secret)


def _text(data: bytes, source: Source) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"the secret from {source.origin} is not UTF-8", step="secret") from None


def _first_line(text: str) -> str:
    return text.partition("\n")[0].removesuffix("\r")


def _read_fd(descriptor: int, source: Source) -> bytes:
    try:
        with os.fdopen(descriptor, "rb", closefd=descriptor > 2) as file:
            return file.read()
    except OSError as error:
        raise UsageError(
            f"cannot read {source.origin} ({descriptor}): {error.strerror}", step="secret"
        ) from None


def _run(command: str, source: Source) -> bytes:
    """Standard output of the password command, which has the user's terminal for itself.

    Raises UsageError when it fails or takes longer than COMMAND_SECONDS.
    """
    import signal
    import subprocess

    terminal = _stdin_is_terminal()
    with subprocess.Popen(
        command,
        shell=True,
        stdin=None if terminal else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        # A group of its own can be ended as a whole, but may not read from the terminal.
        process_group=None if terminal else 0,
    ) as process:
        try:
            output, _ = process.communicate(timeout=COMMAND_SECONDS)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                if terminal:
                    process.kill()
                else:
                    os.killpg(process.pid, signal.SIGKILL)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise UsageError(
                f"the password command ({source.origin}) took longer than {COMMAND_SECONDS:g} s",
                step="secret",
            ) from None
    if process.returncode < 0:
        ended = f"was ended by signal {-process.returncode}"
    else:
        ended = f"ended with status {process.returncode}"
    if process.returncode != 0:
        raise UsageError(
            f"the password command ({source.origin}) {ended}",
            step="secret",
            hint="run it by itself to see what it says",
        )
    if not output.strip():
        raise UsageError(
            f"the password command ({source.origin}) printed no password", step="secret"
        )
    return output


def _keyring_get(bare_jid: str) -> str:
    with _keyring_errors(bare_jid) as keyring:
        found = keyring.get_password(KEYRING_SERVICE, bare_jid)
    if found is None:
        raise UsageError(
            f"the keyring has no password for {bare_jid}",
            step="secret",
            hint=f"keyring set {KEYRING_SERVICE} {bare_jid}",
        )
    return str(found)


@contextlib.contextmanager
def _keyring_errors(bare_jid: str) -> Iterator[Any]:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise UsageError(
            "the keyring needs an extra that is not installed",
            step="secret",
            condition="missing-extra",
            hint=KEYRING_INSTALL,
        ) from None
    try:
        yield keyring
    except keyring.errors.NoKeyringError:
        raise UsageError(
            "there is no keyring in this environment",
            step="secret",
            hint="use password_command or password_file instead",
        ) from None
    except keyring.errors.KeyringError as error:
        raise UsageError(
            f"the keyring did not answer for {bare_jid}: {type(error).__name__}", step="secret"
        ) from None


def _prompt(purpose: Purpose, whose: str, no_input: bool) -> str:
    if not purpose.prompt or no_input or not _stdin_is_terminal():
        account = ", or password_command in the account" if purpose is PASSWORD else ""
        raise UsageError(
            f"no {purpose.words} for {whose}",
            step="secret",
            condition="no-password",
            hint=f"give it by {purpose.ways}{account}",
        )
    import getpass

    try:
        first = getpass.getpass(f"{purpose.words.capitalize()} for {whose}: ")
        again = first
        if purpose.prompt > 1:
            again = getpass.getpass("The same again: ")
    except (EOFError, OSError):
        raise UsageError(f"no {purpose.words} was entered", step="secret") from None
    if first != again:
        raise UsageError(f"the two entries of the {purpose.words} differ", step="secret")
    if not first:
        raise UsageError(f"no {purpose.words} was entered", step="secret")
    return first


def _stdin_is_terminal() -> bool:
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
