"""Standard output: text that is no record, and failures of writing in our own terms."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from xmppctl.errors import Exit, LocalError, SignalError


@contextmanager
def stdout_errors() -> Iterator[None]:
    """Failures of standard output as SignalError (nobody reads it any more) or LocalError."""
    try:
        yield
    except BrokenPipeError:
        raise SignalError(Exit.PIPE, "the reader of standard output has gone") from None
    except OSError as error:
        raise LocalError(f"cannot write standard output: {error.strerror}", step="output") from None


def say(text: str, *, nl: bool = True) -> None:
    """Write ``text`` at once, with a line end. Raises SignalError, LocalError."""
    if sys.stdout is None:
        raise LocalError("standard output is closed", step="output")
    with stdout_errors():
        click.echo(text, file=sys.stdout, nl=nl)
