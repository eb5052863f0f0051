"""``xmppctl search``: people in a directory, or rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli import forms, paging
from xmppctl.cli.params import JID, NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.errors import UsageError
from xmppctl.model.form import Form
from xmppctl.model.jid import Jid
from xmppctl.model.search import Found, FoundCount, FoundRoom

if TYPE_CHECKING:
    from xmppctl.model.paging import Part

_NAMES = ("first", "last", "nick", "email")


@cli.command(
    "search",
    section="Services",
    examples=(
        "xmppctl search --nick alice",
        "xmppctl search search.example.org --first Alice --email alice@example.org",
        "xmppctl --json search --show-form",
        "xmppctl -o plain search --rooms search.example.org coffee --max 10",
        'xmppctl search --rooms -- "$TEXT"',
    ),
)
@click.argument("service", type=NONEMPTY, required=False)
@click.argument("text", type=NONEMPTY, required=False)
@click.option("--first", type=NONEMPTY, metavar="NAME", help="Given name.")
@click.option("--last", type=NONEMPTY, metavar="NAME", help="Family name.")
@click.option("--nick", type=NONEMPTY, metavar="NAME", help="Nickname.")
@click.option("--email", type=NONEMPTY, metavar="ADDRESS", help="E-mail address.")
@forms.fields
@forms.form_json
@click.option("--show-form", "--form", "show_form", is_flag=True,
              help="Show what the service asks for, and search nothing.")  # fmt: skip
@click.option("--rooms", is_flag=True,
              help="Search for rooms (XEP-0433), with TEXT in their names and descriptions; all "
              "without.")  # fmt: skip
@paging.options("results")
@cli.pass_app
async def cmd(app: cli.App, /, **options: Any) -> AsyncIterator[Found]:
    """Search a directory of people (XEP-0055), or one of rooms.

    SERVICE is looked for among the services of the own server where it is not given; a single word
    behind -- is TEXT. What a value has to look like, and whether all or any of them have to fit,
    is up to the service; --show-form tells its fields.
    """
    part, answers = _checked(app, options)
    from xmppctl.protocol import search

    async with app.session() as session:
        where = await search.directory(session, options["service"])
        async with aclosing(search.people(session, where, answers, part)) as found:
            async for result in found:
                yield result


@cmd.instead("show_form")
@cli.pass_app
async def _form(app: cli.App, /, **options: Any) -> Form:
    _, answers = _checked(app, options)
    if answers or options["text"] is not None:
        raise UsageError("--show-form searches nothing: give it without values")
    from xmppctl.protocol import channelsearch, search

    async with app.session() as session:
        if options["rooms"]:
            return (await channelsearch.service(session, options["service"])).form
        return (await search.directory(session, options["service"])).form


@cmd.instead("count")
@cli.pass_app
async def _count(app: cli.App, /, **options: Any) -> FoundCount:
    _, answers = _checked(app, options)
    from xmppctl.protocol import channelsearch, search

    service: Jid | None = options["service"]
    async with app.session() as session:
        if options["rooms"]:
            place = await channelsearch.service(session, service)
            number = await channelsearch.count(session, place, options["text"], answers)
            return FoundCount(str(place.jid), number)
        where = await search.directory(session, service)
        return FoundCount(str(where.service), await search.count(session, where, answers))


@cmd.instead("rooms")
@cli.pass_app
async def _rooms(app: cli.App, /, **options: Any) -> AsyncIterator[FoundRoom]:
    part, answers = _checked(app, options)
    from xmppctl.protocol import channelsearch

    async with app.session() as session:
        where = await channelsearch.service(session, options["service"])
        rooms = channelsearch.rooms(session, where, options["text"], answers, part)
        async with aclosing(rooms) as found:
            async for result in found:
                yield result


def _checked(app: cli.App, options: dict[str, Any]) -> tuple[Part, dict[str, list[str]]]:
    """Which part of the results, and the values by field name. Raises UsageError, LocalError."""
    part = paging.part(options)
    word: str | None = options["service"]
    if options["rooms"] and options["text"] is None and cli.words_after_dashes() == 1:
        word, options["text"] = None, word
    context = click.get_current_context()
    options["service"] = None if word is None else JID.convert(word, None, context)
    answers = forms.answers(app, options["field_pairs"], options["form_json"])
    given = {name: options[name] for name in _NAMES if options[name] is not None}
    if options["rooms"]:
        if given:
            raise UsageError(f"--{next(iter(given))} is for people, --rooms for rooms")
        if options["text"] is not None and "q" in answers:
            raise UsageError("TEXT and the field q are the same: give one")
    elif options["text"] is not None:
        raise UsageError("TEXT is for --rooms; people are searched by --nick, --first, ...")
    for name, value in given.items():
        if name in answers:
            raise UsageError(f"--{name} and the field {name} are the same: give one")
        answers[name] = [value]
    check_characters("text", options["text"], *given.values())
    return part, answers
