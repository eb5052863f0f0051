"""What a message can carry beside its text: one module for a few kinds, found, listed nowhere.

Such a module has ``PARTS``: options, what they exclude, and how they get into a stanza. All of them
are imported by every ``send``: what is needed only where an option is given is imported there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from xmppctl import cli
from xmppctl.cli.modules import modules
from xmppctl.errors import UsageError
from xmppctl.records import dataclass

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from xmppctl.model.jid import Jid
    from xmppctl.session import Session

F = TypeVar("F", bound=Callable[..., Any])

Values = Mapping[str, Any]
"""The options of the command by their names; one that the command does not have is absent."""


@dataclass(frozen=True)
class Part:
    """One kind of payload.

    ``heading``: where the help shows the ``options``, which are decorators in the order of it.
    ``check`` raises UsageError before anything is connected. ``attach`` puts the payload into the
    stanza, which may have a body already, where the options ask for it; what needs the XMPP library
    is imported there. ``speaks``: the message needs no text then; ``mute``: it takes none.
    ``complete`` raises UsageError about the stanza with all parts in it, as far as no server had to
    be asked. ``asks``: the option for which something is to be asked of a server before;
    ``prepare`` does that, and gives further values for ``attach``.
    """

    heading: str
    options: tuple[Callable[[Any], Any], ...]
    check: Callable[[Values], None]
    attach: Callable[[Element, Values], None]
    speaks: Callable[[Values], bool] = lambda values: False
    mute: Callable[[Values], bool] = lambda values: False
    asks: Callable[[Values], str | None] = lambda values: None
    prepare: Callable[[Session, Values, Sequence[Jid]], Awaitable[Values]] | None = None
    complete: Callable[[Element, Values], None] = lambda stanza, values: None


@cache
def parts() -> tuple[Part, ...]:
    """All of them, in the order of their modules' names."""
    found: list[Part] = []
    for name in modules(__path__):
        found += import_module(f"{__name__}.{name}").PARTS
    return tuple(found)


def part_options(callback: F) -> F:
    """Give a command the options of all parts."""
    for part in reversed(parts()):
        callback = cli.under(part.heading, *part.options)(callback)
    return callback


def check_parts(values: Values) -> None:
    """Raise UsageError for options that do not go together."""
    for part in parts():
        part.check(values)
        asking = part.asks(values)
        if asking is not None and values.get("dry_run"):
            raise UsageError(f"{asking} asks a server, which --dry-run does not")


def attach_parts(stanza: Element, values: Values) -> None:
    """Put all that the options ask for into the stanza. Raises UsageError."""
    for part in parts():
        part.attach(stanza, values)


def try_parts(stanza: Element, values: Values) -> None:
    """As far as no server has to be asked before. Raises UsageError."""
    for part in parts():
        if part.asks(values) is None:
            part.attach(stanza, values)
    for part in parts():
        part.complete(stanza, values)


async def prepared(session: Session, values: Values, recipients: Sequence[Jid]) -> Values:
    """The options with what had to be asked for. Raises what the operations raise."""
    for part in parts():
        if part.prepare is not None and part.asks(values) is not None:
            values = {**values, **await part.prepare(session, values, recipients)}
    return values
