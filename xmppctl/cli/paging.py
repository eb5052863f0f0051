"""The options of lists that come in pages (XEP-0059): ``--max``, ``--after``, ``--count``, ..."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from xmppctl.cli.params import NONEMPTY, TEXT
from xmppctl.errors import UsageError
from xmppctl.model.paging import Part

F = TypeVar("F", bound=Callable[..., Any])

_MOST = 100
"""Who is asked for more at once may give fewer, and ejabberd the last ones of them."""

_PLACES = ("after", "before", "index")
_EXCLUSIONS = (
    ("everything", ("maximum", "limit", "before", "index")),
    ("limit", ("maximum", "before", "index")),
    ("after", ("before", "index")),
    ("before", ("index",)),
    ("count", ("maximum", *_PLACES, "everything", "limit")),
)


def options(what: str) -> Callable[[F], F]:
    """The options, for a list of ``what``, a plural such as "items"."""
    size = click.IntRange(min=1)
    one = what.removesuffix("s")
    added = (
        click.option("--max", "maximum", type=size, metavar="N",
                     help=f"The first N {what}; with --before the last N."),
        click.option("--after", type=NONEMPTY, metavar="UID",
                     help=f"What follows the {one} with this UID; -v tells UIDs."),
        click.option("--before", type=TEXT, metavar="UID",
                     help=f"What precedes that {one}; '' for the last page."),
        click.option("--index", type=click.IntRange(min=0), metavar="N",
                     help=f"From {one} number N on, where the entity can count."),
        click.option("--all", "everything", is_flag=True,
                     help=f"All {what}, page by page (the default)."),
        click.option("--page-size", type=click.IntRange(1, _MOST), default=Part.page_size,
                     show_default=True, metavar="N",
                     help=f"{what.capitalize()} asked for at once."),
        click.option("--limit", type=size, metavar="N", help=f"No more than N {what}."),
        click.option("--count", is_flag=True, help="Only how many there are, as an object."),
    )  # fmt: skip

    def decorate(callback: F) -> F:
        for option in reversed(added):
            callback = option(callback)
        return callback

    return decorate


def part(given: Mapping[str, Any], *, alone: tuple[str, ...] = ()) -> Part:
    """What the values of the options ask for; ``alone``: further options that go without pages.

    Raises UsageError for options that exclude each other.
    """
    others = tuple((name, ("maximum", *_PLACES, "count")) for name in alone)
    for one, excluded in (*_EXCLUSIONS, *others):
        for other in excluded:
            if _is_given(given[one]) and _is_given(given[other]):
                raise UsageError(f"{_flag(one)} and {_flag(other)} exclude each other")
    names = ("maximum", *_PLACES, "everything", "page_size", "limit")
    return Part(**{name: given[name] for name in names})


def _is_given(value: object) -> bool:
    return value is not None and value is not False  # the text '' and the index 0 are given


def _flag(name: str) -> str:
    return "--" + {"everything": "all", "maximum": "max"}.get(name, name)
