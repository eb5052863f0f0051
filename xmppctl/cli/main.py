"""The program: parse, run, report, flush."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING

import click

from xmppctl.cli.app import PROGRAM, App
from xmppctl.cli.stdout import stdout_errors
from xmppctl.cli.tree import COMMANDS, Tree

if TYPE_CHECKING:
    from xmppctl.headstart import HeadStart

COMPLETE = "_XMPPCTL_COMPLETE"


def main(
    args: Sequence[str] | None = None, package: str = COMMANDS, head: HeadStart | None = None
) -> int:
    """Run the command line ``args`` (the process's own by default); the exit code.

    ``package``: where commands are found. ``head``: what was begun for these arguments already.
    """
    arguments = list(sys.argv[1:] if args is None else args)
    app = App(head)
    app.pump()
    try:
        with _terminable():
            code = _run(Tree(package), app, arguments)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        code = _report(error, app, arguments)
    return _flush(code, app, arguments)


def _run(tree: Tree, app: App, arguments: list[str]) -> int:
    instruction = os.environ.get(COMPLETE)
    if instruction:
        from click.shell_completion import shell_complete

        with stdout_errors():
            return shell_complete(tree, {}, PROGRAM, COMPLETE, instruction)
    _prepare()
    with tree.make_context(PROGRAM, [*arguments], obj=app) as context:
        tree.invoke(context)
    return 0


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM is told and gives 143 from the start, as SIGINT does; a run has its own handlers."""
    try:
        before = signal.signal(signal.SIGTERM, _terminated)
    except ValueError:  # only the main thread may
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminated(number: int, frame: FrameType | None) -> None:
    from xmppctl.cli.run import Interrupted
    from xmppctl.errors import Exit, SignalError

    raise Interrupted(SignalError(Exit.SIGTERM, "terminated"))


def _prepare() -> None:
    """Data is UTF-8, whatever the locale says; only a terminal gets what it can show."""
    if sys.stdout is None:
        return
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        encoding = None if sys.stdout.isatty() else "utf-8"
        reconfigure(encoding=encoding, errors="backslashreplace")


def _report(error: BaseException, app: App, arguments: list[str]) -> int:
    from xmppctl.cli.report import report

    return report(error, app, arguments)


def _flush(code: int, app: App, arguments: list[str]) -> int:
    """Write out what is still buffered; a failure of that is the run's, if it has no other."""
    if sys.stdout is None:
        return code
    try:
        sys.stdout.flush()
    except OSError as error:
        # The interpreter would try once more at its end, and complain.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if code == 0:
            try:
                with stdout_errors():
                    raise error
            except Exception as failure:
                return _report(failure, app, arguments)
    return code
