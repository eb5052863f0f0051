"""Arguments and options that several verbs of ``bookmark`` have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY, choice
from xmppctl.cli.targets import Targets
from xmppctl.cli.texts import check_characters
from xmppctl.commands._room import ROOM
from xmppctl.errors import ErrorInfo, LocalError, UsageError
from xmppctl.model.bookmark import BookmarkChange, BookmarkRemoval, Choice, Notify
from xmppctl.model.jid import Jid

if TYPE_CHECKING:
    from xmppctl.protocol.bookmarks.manner import Manner

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R", BookmarkChange, BookmarkRemoval)

store = click.option(
    "--store",
    type=choice(Choice),
    default="auto",
    show_default=True,
    help="Where: pep (XEP-0402), private (XEP-0049), pep-legacy (XEP-0048 in a node), or auto: "
    "all that the server has.",
)

words = click.argument("words", metavar="[ROOM]...|-", nargs=-1, type=NONEMPTY)
url = click.option(
    "--url", type=NONEMPTY, metavar="URL", help="The bookmark of this web page, not of a room."
)

reconfigure = click.option(
    "--reconfigure",
    is_flag=True,
    help="Make the node of the bookmarks private where others could read it.",
)

passwords = click.option(
    "--show-passwords", is_flag=True, help="Give the passwords of rooms too, in clear."
)


def settings(callback: F) -> F:
    """What a bookmark of a room may say, but for its password."""
    for option in (
        click.option("--notify", type=click.Choice(["always", "on-mention", "never", "default"]),
                     help="Which messages clients are to tell of (XEP-0492)."),
        click.option("--pinned/--no-pinned", default=None,
                     help="Whether it is an important one (XEP-0469)."),
        click.option("--autojoin/--no-autojoin", default=None,
                     help="Whether clients are to join the room when they log in."),
        click.option("--nick", type=NONEMPTY, help="Nickname to have in the room."),
        click.option("--name", type=NONEMPTY, help="Name to show."),
    ):  # fmt: skip
        callback = option(callback)
    return callback


def check_settings(options: dict[str, Any], number: int) -> None:
    """Raise UsageError for settings that cannot be those of ``number`` rooms, or of a web page."""
    check_characters("text", options["name"], options["nick"])
    if options["name"] is not None and number > 1:
        raise UsageError("--name is for one bookmark, and several were given")
    if options["url"] is not None:
        for name in ("nick", "autojoin", "pinned", "notify"):
            if options[name] is not None:
                raise UsageError(f"--{name} is for rooms: the bookmark of a web page has a name")


def notify(options: dict[str, Any]) -> Notify | str | None:
    """The setting as a wish: none for "default"."""
    value: str | None = options["notify"]
    return "" if value == "default" else value


def manner(app: cli.App, *, reconfigure: bool = False) -> Manner:
    """How this run makes its changes."""
    from xmppctl.protocol.bookmarks.manner import Manner

    return Manner(app.warn, partial(_turn, app), reconfigure)


def _turn(app: cli.App) -> AbstractContextManager[object]:
    """Held while this run changes a store that knows no versions: one run after the other.

    Where no lock can be had it goes on without: it is other programs that matter then.
    """
    from xmppctl.config import logins, paths

    stack = ExitStack()
    with suppress(LocalError), app.blocking():
        jid = str(app.account.jid.bare)
        directory = paths.state_dir(app.env) / "bookmarks"
        paths.ensure_private_dir(paths.ensure_private_dir(directory.parent) / directory.name)
        stack.enter_context(paths.locked(directory / logins.file(jid, app.env).name))
    return stack


class Subjects(Generic[R]):
    """The rooms that a verb is about, or the web page of ``--url``.

    All is read before anything is connected. ``made``: makes the record of a failure.
    """

    def __init__(
        self,
        app: cli.App,
        given: tuple[str, ...],
        page: str | None,
        made: Callable[[str, ErrorInfo], R],
    ) -> None:
        if page is not None and given:
            raise UsageError("--url and ROOM exclude each other")
        if page is None and not given:
            raise UsageError("which bookmark? give the JID of its room, or --url")
        check_characters("address", page)
        self._targets: Targets[R] = Targets(app, given, made, type=ROOM)
        self.all: Sequence[Jid | str] = self._targets.jids if page is None else [page]
        self._page = page

    def records(self, found: Sequence[R]) -> Iterator[R]:
        """All records in the order of the arguments; ``found``: those of ``all``."""
        yield from found if self._page is not None else self._targets.records(found)
