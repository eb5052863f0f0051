"""The App: what a command gets from the command line, nothing of it opened before it is used."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import replace
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TextIO, TypeVar

import click

from xmppctl.cli import stdin
from xmppctl.errors import LocalError, UsageError, XmppctlError
from xmppctl.output.escape import safe

if TYPE_CHECKING:
    from xmppctl.cli.run import Guard
    from xmppctl.cli.stdin import Line
    from xmppctl.config.settings import Settings
    from xmppctl.headstart import HeadStart
    from xmppctl.model.account import Account
    from xmppctl.session import Session
    from xmppctl.session.early import Early
    from xmppctl.session.entry import Want
    from xmppctl.session.trace import Trace

P = ParamSpec("P")
R = TypeVar("R")

PROGRAM = "xmppctl"


class App:
    """Options seen so far, and lazily the settings, the account, the session.

    ``options``: name to (value, origin), output and connection options of the command line only.
    ``parsed``: whether the whole command line was understood. ``command``: its command path.
    ``given``: the verb's own options and arguments. ``behind``: how many words stand behind the
    command path. ``head``: what this run began with.
    """

    def __init__(self, head: HeadStart | None = None) -> None:
        self.options: dict[str, tuple[object, str]] = {}
        self.env: Mapping[str, str] = os.environ
        self.parsed = False
        self.command = PROGRAM
        self.given: Mapping[str, Any] = {}
        self.behind = 0
        self.guard: Guard | None = None
        self._trace: Trace | None = None
        self._afterwards: list[str] = []
        self._head = head
        self._early: Early | None = None
        self._early_for: Account | None = None
        self._connected = False

    @property
    def stdin(self) -> TextIO:
        """Standard input."""
        return sys.stdin

    @property
    def stdout(self) -> TextIO:
        """Standard output: data, only data. Raises LocalError where it is closed."""
        if sys.stdout is None:
            raise LocalError("standard output is closed", step="output")
        return sys.stdout

    @property
    def stderr(self) -> TextIO:
        """Standard error: everything else."""
        return sys.stderr

    def option(self, name: str) -> Any:
        """The value of an output option that has no setting, None where it was not given."""
        return self.options.get(name, (None, ""))[0]

    @cached_property
    def settings(self) -> Settings:
        """Every setting with its origin. Raises UsageError or LocalError."""
        from xmppctl.config.settings import resolve

        return resolve(self.options, self.env)

    @cached_property
    def account(self) -> Account:
        """The account to log in with. Raises UsageError or LocalError."""
        return self.account_for()

    def account_for(self, *, login: bool = True) -> Account:
        """The account, or with ``login=False`` only where to connect to (a domain is enough)."""
        account = self.settings.account(login=login, no_input=self.no_input)
        if account.password is None:
            return account
        return replace(account, password=self._interruptible(account.password))

    def use_account(self, name: str) -> None:
        """Go on as if ``--account NAME`` had been given.

        Raises UsageError where another account was.
        """
        given = self.option("account")
        if given not in (None, name):
            raise UsageError(f"--account {given} and {name} contradict each other")
        self.options["account"] = (name, "the argument NAME")
        for cached in ("settings", "account"):
            self.__dict__.pop(cached, None)

    @property
    def format(self) -> str:
        """The output format that holds."""
        return str(self.settings.get("output"))

    @property
    def fields(self) -> list[str] | None:
        """The names of ``--fields``, None where it was not given."""
        given = self.option("fields")
        return None if given is None else [name.strip() for name in str(given).split(",")]

    @property
    def raw_xml(self) -> bool:
        """Whether records are to carry the XML that they were made from."""
        return bool(self.option("raw_xml"))

    @property
    def quiet(self) -> bool:
        """Whether progress and status are not wanted."""
        return bool(self.option("quiet"))

    @property
    def verbose(self) -> bool:
        """Whether the facts of the connection are wanted."""
        return bool(self.option("verbose"))

    @property
    def no_input(self) -> bool:
        """Whether nothing may be asked."""
        return bool(self.option("no_input"))

    @property
    def deadline(self) -> float | None:
        """The longest time that the run may take, in seconds."""
        given = self.option("deadline")
        return None if given is None else float(given)

    @property
    def trace(self) -> Trace:
        """What the session tells: its step, facts for ``-v``, stanzas for ``--debug-xml``."""
        if self._trace is None:
            from xmppctl.session.trace import Trace

            self._trace = Trace(
                note=self.note if self.verbose else None,
                xml=self._show_xml if self.option("debug_xml") else None,
            )
        return self._trace

    @property
    def step(self) -> str:
        """What the session is doing; "start" where there is none yet."""
        return "start" if self._trace is None else self._trace.step

    def note_trace(self) -> None:
        """Tell with ``-v`` the way taken, how often the session waited, how long each step took."""
        trace = self._trace
        if trace is not None:
            steps = ", ".join(f"{name} {ms:.0f} ms" for name, ms in trace.milliseconds.items())
            way = f"{trace.way()}; " if trace.facts else ""
            self.note(f"{way}round trips: {trace.round_trips}; {steps}")

    def connect_early(self) -> None:
        """Begin to connect before what the command needs is imported.

        Only where the way to the server is known; ``pump`` and ``session`` go on from there.
        """
        from xmppctl.session import early

        aim = None
        with suppress(XmppctlError):  # told when the command asks for the account
            self._early_for = self.account
            aim = early.aim(self._early_for)
        self._early = self._head.take(aim) if self._head is not None else None
        if self._early is None and aim is not None:
            self._early = early.Early(aim)
        self.pump()

    def keep_start(self) -> None:
        """The command is done: another run with such words need not wait until it is parsed.

        Not where words behind the verb decided on the account: of these a head start knows nothing.
        """
        if self._head is not None and self._early_for is not None and self._connected:
            from xmppctl.session import early

            if aim := early.aim(self._early_for):
                self._head.keep(self.behind, aim)

    def pump(self) -> None:
        """Let the early connection go on, between imports that take long."""
        if self._early is not None:
            self._early.pump()
        elif self._head is not None:
            self._head.pump()

    def session(self, *wants: Want) -> AbstractAsyncContextManager[Session]:
        """A session of the account: ``async with app.session() as session``.

        ``wants``: what is to be on from its start, see ``open_session``.
        Raises UsageError where the XMPP library is missing, and what ``account`` raises.
        """
        require_xmpp()
        self.pump()
        from xmppctl.session import early, open_session

        begun, self._early = self._early, None
        if begun is not None and begun.aim != early.aim(self.account):
            begun.abandon()  # it was for the account before ``use_account``
            begun = None
        self._connected = self.account is self._early_for
        return open_session(self.account, trace=self.trace, wants=wants, early=begun)

    def warn(self, text: str) -> None:
        """Something that the user should know, whatever ``-q`` says."""
        self._tell(f"{PROGRAM}: warning: {text}")

    def status(self, text: str) -> None:
        """How far the work is; silent with ``-q``."""
        if not self.quiet:
            self._tell(text)

    def afterwards(self, text: str) -> None:
        """A status line that belongs below the records, such as a summary."""
        self._afterwards.append(text)

    def tell_afterwards(self) -> None:
        """All records are out: tell what was kept for now."""
        while self._afterwards:
            self.status(self._afterwards.pop(0))

    def drop_afterwards(self) -> None:
        """Nobody reads a summary: it would only make cron send a mail."""
        self._afterwards.clear()

    def note(self, text: str) -> None:
        """What was done, in words; only with ``-v``."""
        if self.verbose:
            self._tell(f"* {text}")

    def confirm(self, question: str) -> None:
        """Ask before something is destroyed; returns when it may be.

        Raises UsageError when the answer is no, or nobody can be asked and ``--yes`` is missing.
        """
        if self.option("yes"):
            return
        if self.no_input or not stdin.is_terminal(self.stdin):
            raise UsageError(
                f"not confirmed, nothing was done: {question}", hint="give --yes to go ahead"
            )
        self.stderr.write(f"{safe(question)} [y/N] ")
        self.stderr.flush()
        with self.blocking():
            answer = self.stdin.readline()
        if answer.strip().lower() not in ("y", "yes"):
            raise UsageError(f"not confirmed, nothing was done: {question}")

    def read_text(self, argument: str | None) -> str:
        """The text of ``argument``; of standard input for ``-`` or where there is no argument.

        Raises UsageError when it is not UTF-8, or is missing while a terminal is the input.
        """
        if argument is not None and argument != "-":
            return stdin.check_text(argument)
        if argument is None and stdin.is_terminal(self.stdin):
            raise UsageError(
                "no text was given", hint="give it as argument, or - to read standard input"
            )
        with self.blocking():
            return stdin.read_all(self.stdin)

    def read_lines(self) -> Iterator[Line]:
        """The lines of standard input as they come, empty ones left out.

        A line that is not UTF-8 carries its error. Raises LocalError.
        """
        lines = stdin.lines(self.stdin)
        while True:
            with self.blocking():
                line = next(lines, None)
            if line is None:
                return
            yield line

    def lines(self) -> AsyncIterator[list[Line]]:
        """As ``read_lines``, for use inside the event loop, which goes on meanwhile.

        Lines that come together are given together.
        """
        return stdin.lines_as_they_come(self.stdin)

    def read_file(self, path: str) -> bytes:
        """The bytes of a file, of standard input for ``-``. Raises LocalError."""
        with self.blocking():
            return stdin.read_file(path, self.stdin)

    def room_password(self, *, file: str | None, fd: int | None) -> str | None:
        """A room's password from the verb's options or XMPPCTL_ROOM_PASSWORD; None without one.

        Raises UsageError or LocalError.
        """
        from xmppctl.config import secrets

        options = {"file": file, "fd": fd}
        source = secrets.chosen(secrets.ROOM_PASSWORD, options, self.env)
        if source is None:
            return None
        with self.blocking():
            return secrets.read(source, secrets.ROOM_PASSWORD)

    @contextmanager
    def blocking(self) -> Iterator[None]:
        """Code that waits without the event loop; signals and ``--deadline`` still end it."""
        if self.guard is None:
            yield
            return
        with self.guard.blocking():
            yield

    def _interruptible(self, secret: Callable[[], str]) -> Callable[[], str]:
        def ask() -> str:
            with self.blocking():
                return secret()

        return ask

    def _show_xml(self, direction: str, text: str) -> None:
        self._tell(f"{'>' if direction == 'out' else '<'} {text}")

    def _tell(self, text: str) -> None:
        # Where nobody reads standard error, the work goes on all the same.
        with suppress(OSError):
            click.echo(safe(text), file=self.stderr)


def require_xmpp() -> None:
    """Raise UsageError where aioxmpp is not installed, with the command that installs it.

    Its own version pins keep installers from taking it on Python 3.13 and later.
    """
    from xmppctl.session import lean

    lean.install()


def pass_app(callback: Callable[Concatenate[App, P], R]) -> Callable[P, R]:
    """Give the App to ``callback`` as its first argument."""

    @wraps(callback)
    def with_app(*args: P.args, **kwargs: P.kwargs) -> R:
        return callback(click.get_current_context().ensure_object(App), *args, **kwargs)

    return with_app
