"""What a message can carry beside its text: one module for each kind, found, listed nowhere.

Such a module has a ``PART``: its options, what they exclude, and how they get into a stanza.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from xmppctl.cli.modules import modules
from xmppctl.records import dataclass

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

F = TypeVar("F", bound=Callable[..., Any])

Values = Mapping[str, Any]
"""The options of the command by their names; one that the command does not have is absent."""


@dataclass(frozen=True)
class Part:
    """One kind of payload.

    ``options``: decorators, in the order of the help. ``check`` raises UsageError before anything
    is connected. ``attach`` puts the payload into the stanza where the options ask for it; what
    needs the XMPP library is imported there. ``speaks``: the message needs no text then.
    """

    options: tuple[Callable[[Any], Any], ...]
    check: Callable[[Values], None]
    attach: Callable[[Element, Values], None]
    speaks: Callable[[Values], bool] = lambda values: False


@cache
def parts() -> tuple[Part, ...]:
    """All of them, in the order of their modules' names."""
    return tuple(import_module(f"{__name__}.{name}").PART for name in modules(__path__))


def part_options(callback: F) -> F:
    """Give a command the options of all parts."""
    for option in reversed([option for part in parts() for option in part.options]):
        callback = option(callback)
    return callback
