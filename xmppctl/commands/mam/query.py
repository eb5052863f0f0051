"""``mam query`` and ``mam get``: messages out of an archive."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.display import display_options
from xmppctl.cli.params import DURATION, NONEMPTY, TEXT
from xmppctl.commands import _media, _room
from xmppctl.commands._opening import opener
from xmppctl.commands.mam.group import (
    archive_options,
    check_archive,
    cmd,
    filter_options,
    make_filter,
    open_archive,
    page_size,
    tell_unstable,
)
from xmppctl.errors import ErrorInfo, UsageError, XmppctlError, from_info, summarise
from xmppctl.model.mam import ArchiveCount, ArchivedMessage, CollapsedMessage

if TYPE_CHECKING:
    from xmppctl.protocol import listen
    from xmppctl.protocol.mam import Archive, Filter
    from xmppctl.session import Session
    from xmppctl.session.entry import Want

Messages = AsyncGenerator[ArchivedMessage, None]

DEFAULT_LAST = 50
_RANGES = ("last", "everything", "maximum", "index", "before")
# what has an end, or what the server alone can tell
_NOT_FOLLOWED = (
    "end", "before", "before_id", "maximum", "limit", "index", "flip", "ids", "text", "pubsub",
)  # fmt: skip


@cmd.command(
    "query",
    examples=(
        "xmppctl mam query --with bob@example.org --last 10",
        "xmppctl mam query --start yesterday --end today --json | jq -r '.[].body'",
        "xmppctl -o jsonl mam query --all > archive.jsonl",
        "xmppctl mam query --room ops@conference.example.org --start 2h",
        "xmppctl --json mam query --collapse --last 100 | jq '.[] | select(.edited).history'",
        "xmppctl -o jsonl mam query --follow --with bob@example.org --last 10",
    ),
)
@filter_options
@archive_options
@click.option("--collapse", is_flag=True,
              help="Apply corrections, retractions, moderation and reactions to the messages they "
              "are about, as far as both are among those asked for.")  # fmt: skip
@click.option("--follow", is_flag=True,
              help="Go on with what comes in, which counts as delivered when printed.")  # fmt: skip
@click.option("--for", "seconds", type=DURATION, metavar="D",
              help="With --follow: end after this time.")  # fmt: skip
@_room.nick
@click.option("--ids", multiple=True, type=NONEMPTY, metavar="ID",
              help="Only the message with this archive id; repeat for several.")  # fmt: skip
@click.option("--last", type=click.IntRange(min=1), metavar="N",
              help="The last N messages; 50 by default.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="All messages, page by page.")
@click.option("--flip", is_flag=True, help="Newest first.")
@click.option("--max", "maximum", type=click.IntRange(min=1), metavar="N",
              help="The first N messages; with --before the last N.")  # fmt: skip
@click.option("--after", type=NONEMPTY, metavar="UID",
              help="What follows the message with this archive id.")  # fmt: skip
@click.option("--before", type=TEXT, metavar="UID",
              help="What precedes that message; '' for the end of the archive.")  # fmt: skip
@click.option("--index", type=click.IntRange(min=0), metavar="N",
              help="From message number N on, where the archive can count.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), metavar="N",
              help="With --all: no more than N messages.")  # fmt: skip
@click.option("--count", is_flag=True, help="Only how many there are: what mam count tells.")
@page_size
@_media.option
@display_options
@cli.pass_app
async def query(app: cli.App, /, **options: Any) -> AsyncIterator[ArchivedMessage]:
    """Show archived messages, oldest first; the last 50 unless told otherwise.

    --last, --max and --limit count messages as the archive has them, before --collapse. With
    --follow "listening as JID" on standard error says that what comes in is seen from now on; a
    room is entered for that.
    """
    _check(options)
    wanted = _wanted(options)
    media = _media.MediaDir(options["media_dir"])
    async with app.session(*_wants(options)) as session:
        archive = open_archive(app, session, options)
        if options["ids"]:
            async for message in _by_id(archive, options["ids"]):
                yield media.keep(message)
            return
        async with aclosing(_found(app, archive, wanted, options)) as found:
            async for message in found:
                yield media.keep(message)
        tell_unstable(app, archive)


def _wanted(options: dict[str, Any]) -> Filter:
    wanted = make_filter(options)
    if options["after"] is not None:
        wanted = replace(wanted, after_id=options["after"])
    if options["before"]:
        wanted = replace(wanted, before_id=options["before"])
    return wanted


def _found(
    app: cli.App,
    archive: Archive,
    wanted: Filter,
    options: dict[str, Any],
    through: Callable[[Messages], Messages] = lambda messages: messages,
) -> Messages:
    """What the options ask for; what comes out of the archive goes ``through`` a function."""
    if not options["follow"]:
        return through(_archived(archive, wanted, options))
    from xmppctl.protocol.mam import follow

    session = archive.session
    return follow.follow(
        archive,
        wanted,
        lambda: _archived(archive, wanted, options),
        page_size=options["page_size"],
        options=_listening(app, session, options),
        ready=lambda: app.status(f"listening as {session.jid}"),
        through=through,
    )


def _archived(archive: Archive, wanted: Filter, options: dict[str, Any]) -> Messages:
    from xmppctl.protocol import mam

    size: int = options["page_size"]
    number = options["limit"] or options["maximum"] or options["last"]
    bounded = not options["everything"] and options["limit"] is None and not options["follow"]
    if options["index"] is not None:
        return mam.at_index(archive, wanted, options["index"], maximum=number or size)
    if options["flip"]:
        number = number or (DEFAULT_LAST if bounded else None)
        return mam.backwards(archive, wanted, page_size=size, limit=number)
    if _is_forwards(options):
        number = number or (size if bounded else None)
        return mam.forwards(archive, wanted, page_size=size, limit=number)
    return mam.latest(archive, wanted, number or DEFAULT_LAST, page_size=size)


def _wants(options: dict[str, Any]) -> list[Want]:
    if not options["follow"]:
        return []
    return ["acks"] if options["room"] is not None else ["acks", "carbons"]


def _listening(app: cli.App, session: Session, options: dict[str, Any]) -> listen.Options:
    from xmppctl.commands.listen import settle
    from xmppctl.protocol import listen

    room = options["room"]
    if room is not None and str(room) == session.bare:
        room = None
    return listen.Options(
        rooms=(room,) if room is not None else (),
        nick=_room.checked_nick(room, options["nick"]) if room is not None else None,
        room_password=app.room_password(file=None, fd=None) if room is not None else None,
        carbons=room is None,
        seconds=options["seconds"],
        settle=settle(app),
        opener=opener(app, session),
    )


@query.instead("count")
@cli.pass_app
async def _count(app: cli.App, /, **options: Any) -> ArchiveCount:
    _exclude("count", options, (*_RANGES, "after", "limit", "flip", "ids", "collapse", "follow",
                                "seconds", "nick", "media_dir"))  # fmt: skip
    from xmppctl.protocol import mam

    wanted = make_filter(options)
    async with app.session() as session:
        return await mam.count(open_archive(app, session, options), wanted)


@query.instead("collapse")
@cli.pass_app
async def _collapsed(app: cli.App, /, **options: Any) -> AsyncIterator[CollapsedMessage]:
    _check(options)
    _exclude("collapse", options, ("ids", "pubsub"))
    wanted = _wanted(options)
    media = _media.MediaDir(options["media_dir"])
    async with app.session(*_wants(options)) as session:
        from xmppctl.protocol.mam import collapse

        archive = open_archive(app, session, options)
        room = archive.name if archive.is_room else None

        def apply(messages: Messages) -> Messages:
            table = collapse.Collapse(session.bare, room, session.trace.note)
            return collapse.collapsed(messages, table, newest_first=options["flip"])

        async with aclosing(_found(app, archive, wanted, options, apply)) as found:
            async for message in found:
                if isinstance(message, CollapsedMessage):
                    yield media.keep(message)
                else:  # what comes in behind the archive is shown as it comes
                    yield media.keep(collapse.as_it_is(message))
        tell_unstable(app, archive)


def _given(value: object) -> bool:
    # the text '' and the index 0 are given
    return value is not None and value is not False and value != ()


def _is_forwards(options: dict[str, Any]) -> bool:
    if options["everything"] or options["limit"] is not None:
        return True
    if options["before"] is not None or options["last"] is not None:
        return False
    return options["maximum"] is not None or options["after"] is not None


def _check(options: dict[str, Any]) -> None:
    if options["everything"] and options["last"] is not None:
        raise UsageError("--all and --last exclude each other")
    for one, other in (
        ("last", "maximum"), ("last", "limit"), ("everything", "maximum"), ("maximum", "limit"),
        ("after", "after_id"), ("index", "after"), ("index", "before"), ("index", "everything"),
        ("index", "last"), ("index", "flip"),
    ):  # fmt: skip
        if _given(options[one]) and _given(options[other]):
            raise UsageError(f"{_flag(one)} and {_flag(other)} exclude each other")
    if options["before"] and options["before_id"] is not None:
        raise UsageError("--before and --before-id exclude each other")
    if options["ids"]:
        _exclude("ids", options, (*_RANGES, "after", "limit", "flip", "with_", "start", "end",
                                  "after_id", "before_id", "text", "groupchat"))  # fmt: skip
    if options["follow"]:
        _exclude("follow", options, _NOT_FOLLOWED)
    _check_following(options)


def _check_following(options: dict[str, Any]) -> None:
    room, speaker = options["room"], options["with_"]
    if options["seconds"] is not None and not options["follow"]:
        raise UsageError("--for is for --follow")
    if options["nick"] is not None:
        if not options["follow"] or room is None:
            raise UsageError("--nick is for --follow in a --room")
        _room.checked_nick(room, options["nick"])
    if options["follow"] and None not in (room, speaker) and speaker.bare != room:
        raise UsageError(f"--follow in a room knows speakers as {room}/NICK")


def _exclude(name: str, options: dict[str, Any], others: tuple[str, ...]) -> None:
    given = [each for each in others if _given(options[each])]
    if given:
        raise UsageError(f"{_flag(name)} and {_flag(given[0])} exclude each other")


def _flag(name: str) -> str:
    name = {"everything": "all", "maximum": "max", "with_": "with", "seconds": "for"}.get(
        name, name
    )
    return "--" + name.replace("_", "-")


@cmd.command(
    "get",
    examples=(
        "xmppctl --json mam get 28482-98726-73623",
        "xmppctl mam get 34482-21985-73620 --room ops@conference.example.org",
    ),
    targets=True,
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True, type=NONEMPTY)
@archive_options
@display_options
@cli.pass_app
async def get(app: cli.App, /, **options: Any) -> AsyncIterator[ArchivedMessage]:
    """Show the messages with the given archive ids, in that order.

    An id that the archive does not have is a record with an error.
    """
    check_archive(options)
    async with app.session() as session:
        archive = open_archive(app, session, options)
        async for message in _by_id(archive, options["ids"]):
            yield message


async def _by_id(archive: Any, ids: tuple[str, ...]) -> AsyncIterator[ArchivedMessage]:
    from xmppctl.protocol import mam

    wanted = list(dict.fromkeys(ids))
    found = await mam.fetch(archive, wanted)
    errors: list[ErrorInfo | None] = []
    for identifier in wanted:
        message = found[identifier]
        if isinstance(message, XmppctlError):
            errors.append(message.info())
            yield ArchivedMessage(archive_id=identifier, error_=message.info())
        else:
            errors.append(None)
            yield message
    # an archived message that bounced has an error too, and is no failure: hence not by the field
    outcome = summarise(errors)
    if outcome is not None:
        raise from_info(outcome)
