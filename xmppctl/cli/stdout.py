"""Standard output: text that is no record, and failures of writing in our own terms."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from xmppctl.errors import Exit, LocalError, SignalError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


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


def say_stanza(stanza: Element) -> None:
    """Write a stanza, which is not sent, in one line. Raises as ``say``."""
    from xmppctl.session.xml import serialise

    # line breaks stand in texts and values alone: as references they keep it in one line
    say(serialise(stanza, "").replace("\n", "&#10;"))


def saying(
    text: Callable[[click.Context], str],
) -> Callable[[click.Context, click.Parameter, bool], None]:
    """The callback of an option that writes a text and ends the run, such as ``--help``."""

    def show(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            say(text(ctx))
            ctx.exit()

    return show
