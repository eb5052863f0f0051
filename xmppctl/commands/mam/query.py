"""``mam query`` and ``mam get``: messages out of an archive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY, TEXT
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
from xmppctl.model.mam import ArchiveCount, ArchivedMessage

DEFAULT_LAST = 50
_RANGES = ("last", "everything", "maximum", "index", "before")


@cmd.command(
    "query",
    examples=(
        "xmppctl mam query --with bob@example.org --last 10",
        "xmppctl mam query --start yesterday --end today --json | jq -r '.[].body'",
        "xmppctl -o jsonl mam query --all > archive.jsonl",
        "xmppctl mam query --room ops@conference.example.org --start 2h",
    ),
)
@filter_options
@archive_options
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
@cli.pass_app
async def query(app: cli.App, /, **options: Any) -> AsyncIterator[ArchivedMessage]:
    """Show archived messages, oldest first; the last 50 unless told otherwise."""
    _check(options)
    from xmppctl.protocol import mam

    wanted = make_filter(options)
    if options["after"] is not None:
        wanted = replace(wanted, after_id=options["after"])
    if options["before"]:
        wanted = replace(wanted, before_id=options["before"])
    size: int = options["page_size"]
    number = options["limit"] or options["maximum"] or options["last"]
    async with app.session() as session:
        archive = open_archive(app, session, options)
        if options["ids"]:
            async for message in _by_id(archive, options["ids"]):
                yield message
            return
        if options["index"] is not None:
            found = mam.at_index(archive, wanted, options["index"], maximum=number or size)
        elif options["flip"]:
            if not options["everything"] and options["limit"] is None:
                number = number or DEFAULT_LAST
            found = mam.backwards(archive, wanted, page_size=size, limit=number)
        elif _is_forwards(options):
            if not options["everything"] and options["limit"] is None:
                number = number or size
            found = mam.forwards(archive, wanted, page_size=size, limit=number)
        else:
            found = mam.latest(archive, wanted, number or DEFAULT_LAST, page_size=size)
        async for message in found:
            yield message
        tell_unstable(app, archive)


@query.instead("count")
@cli.pass_app
async def _count(app: cli.App, /, **options: Any) -> ArchiveCount:
    given = [name for name in (*_RANGES, "after", "limit", "flip", "ids") if _given(options[name])]
    if given:
        raise UsageError(f"--count and {_flag(given[0])} exclude each other")
    from xmppctl.protocol import mam

    wanted = make_filter(options)
    async with app.session() as session:
        return await mam.count(open_archive(app, session, options), wanted)


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
        given = [name for name in (*_RANGES, "after", "limit", "flip", "with_", "start", "end",
                 "after_id", "before_id", "text", "groupchat")
                 if _given(options[name])]  # fmt: skip
        if given:
            raise UsageError(f"--ids and {_flag(given[0])} exclude each other")


def _flag(name: str) -> str:
    name = {"everything": "all", "maximum": "max", "with_": "with"}.get(name, name)
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
