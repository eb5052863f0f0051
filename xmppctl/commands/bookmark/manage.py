"""``xmppctl bookmark add | edit | remove``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.commands import _room
from xmppctl.commands.bookmark import cmd
from xmppctl.commands.bookmark._arguments import (
    Subjects,
    check_settings,
    manner,
    notify,
    reconfigure,
    settings,
    store,
    url,
    words,
)
from xmppctl.errors import ErrorInfo, UsageError
from xmppctl.model.bookmark import BookmarkChange, BookmarkRemoval, Choice

if TYPE_CHECKING:
    from xmppctl.protocol.bookmarks.changes import Mode
    from xmppctl.protocol.bookmarks.elements import Wish

_FIELDS = ("name", "nick", "password", "notify")


def _failed(text: str, error: ErrorInfo) -> BookmarkChange:
    return BookmarkChange(jid=text, error=error)


@cmd.command(
    "add",
    examples=(
        "xmppctl bookmark add ops@conference.example.org --name Operations --autojoin",
        "xmppctl bookmark add ops@conference.example.org --nick cron --update",
        "xmppctl bookmark add --url https://example.org/wiki --name Wiki",
        "xmppctl bookmark add - < rooms.txt",
    ),
    targets=True,
)
@words
@url
@settings
@_room.room_password
@click.option("--update", is_flag=True, help="Change a bookmark that is there already.")
@reconfigure
@store
@cli.pass_app
async def add(app: cli.App, /, **options: Any) -> list[BookmarkChange]:
    """Bookmark rooms, or a web page.

    A new one goes into the newest store of the server. One that is there and says all of this
    is left alone; one that says something else is an error, unless --update. With - as ROOM they
    come from standard input, one in a line. No room is joined.

    A password is stored as it is, where the server's administrator can read it; that in
    XMPPCTL_ROOM_PASSWORD too.
    """
    subjects = Subjects[BookmarkChange](app, options["words"], options["url"], _failed)
    check_settings(options, len(subjects.all))
    password = app.room_password(file=options["room_password_file"], fd=options["room_password_fd"])
    if options["url"] is not None:
        _check_url(options["url"])
        if options["room_password_file"] is not None or options["room_password_fd"] is not None:
            raise UsageError("a password is for rooms: the bookmark of a web page has a name")
        password = None
    elif password and options["room_password_file"] is None and options["room_password_fd"] is None:
        app.warn("the password in XMPPCTL_ROOM_PASSWORD is stored with the bookmark")
    mode: Mode = "put" if options["update"] else "add"
    return await _put(app, subjects, options, password, mode)


@cmd.command(
    "edit",
    examples=(
        "xmppctl bookmark edit ops@conference.example.org --name 'Operations (EU)'",
        "xmppctl bookmark edit ops@conference.example.org --no-autojoin --clear nick",
        "xmppctl bookmark edit ops@conference.example.org --notify on-mention --pinned",
    ),
    targets=True,
)
@words
@url
@settings
@click.option("--room-password-file", type=click.Path(), metavar="FILE",
              help="File with the password that the room has now.")  # fmt: skip
@click.option("--room-password-fd", type=int, metavar="FD",
              help="File descriptor to read the password of the room from.")  # fmt: skip
@click.option("--clear", "cleared", type=click.Choice(_FIELDS), multiple=True,
              help="Take this away from it (repeatable).")  # fmt: skip
@reconfigure
@store
@cli.pass_app
async def edit(app: cli.App, /, **options: Any) -> list[BookmarkChange]:
    """Change bookmarks.

    What is not given stays as it is, and so does what other clients keep with a bookmark. It is
    changed in all stores that have it, or in the one of --store. XMPPCTL_ROOM_PASSWORD is not
    looked at.
    """
    subjects = Subjects[BookmarkChange](app, options["words"], options["url"], _failed)
    check_settings(options, len(subjects.all))
    for name in options["cleared"]:
        if name != "name" and options["url"] is not None:
            raise UsageError(f"the bookmark of a web page has no {name}")
        if name != "password" and options[name] is not None:
            raise UsageError(f"--{name} and --clear {name} exclude each other")
    file, fd = options["room_password_file"], options["room_password_fd"]
    password = None
    if file is not None or fd is not None:
        if "password" in options["cleared"] or options["url"] is not None:
            raise UsageError("there is no place for the password")
        password = app.room_password(file=file, fd=fd)
    given = ("name", "nick", "autojoin", "pinned", "notify")
    if password is None and not options["cleared"] and all(options[key] is None for key in given):
        raise UsageError("nothing to change: see xmppctl bookmark edit --help")
    return await _put(app, subjects, options, password, "edit")


@cmd.command(
    "remove",
    examples=(
        "xmppctl bookmark remove ops@conference.example.org",
        "xmppctl bookmark remove --if-exists - < gone.txt",
        "xmppctl bookmark remove --url https://example.org/wiki",
    ),
    targets=True,
)
@words
@url
@click.option("--if-exists", is_flag=True, help="What is not there is no failure.")
@store
@cli.pass_app
async def remove(
    app: cli.App, words: tuple[str, ...], url: str | None, if_exists: bool, store: Choice
) -> list[BookmarkRemoval]:
    """Remove bookmarks.

    From all stores that have it, or from the one of --store. With - as ROOM they come from
    standard input, one in a line.
    """
    subjects = Subjects[BookmarkRemoval](
        app, words, url, lambda text, error: BookmarkRemoval(text, removed=None, error=error)
    )
    found: list[BookmarkRemoval] = []
    if subjects.all:
        from xmppctl.protocol.bookmarks import changes

        async with app.session() as session:
            found = await changes.remove(
                session, subjects.all, store, manner(app), if_exists=if_exists
            )
    return list(subjects.records(found))


async def _put(
    app: cli.App,
    subjects: Subjects[BookmarkChange],
    options: dict[str, Any],
    password: str | None,
    mode: Mode,
) -> list[BookmarkChange]:
    found: list[BookmarkChange] = []
    if subjects.all:
        from xmppctl.protocol.bookmarks import changes

        wish = _wish(options, password)
        async with app.session() as session:
            wishes = dict.fromkeys(subjects.all, wish)
            how = manner(app, reconfigure=options["reconfigure"])
            found = await changes.put(session, wishes, options["store"], mode, how)
    return list(subjects.records(found))


def _wish(options: dict[str, Any], password: str | None) -> Wish:
    from xmppctl.protocol.bookmarks.elements import Wish

    wanted = {
        "name": options["name"],
        "nick": options["nick"],
        "password": password,
        "notify": notify(options),
        **dict.fromkeys(options.get("cleared", ()), ""),
    }
    return Wish(autojoin=options["autojoin"], pinned=options["pinned"], **wanted)


def _check_url(text: str) -> None:
    from xmppctl.session.weburl import parse_url

    try:
        parse_url(text)
    except ValueError as error:
        raise UsageError(f"{text!r} cannot be bookmarked: {error}") from None
