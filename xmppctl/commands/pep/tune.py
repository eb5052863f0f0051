"""Verb of ``xmppctl pep``: the music."""

from __future__ import annotations

from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.commands.pep import _options as common
from xmppctl.commands.pep import cmd
from xmppctl.errors import UsageError
from xmppctl.model.pep import Tune

_LONGEST = 65535  # xs:unsignedShort

_FIELDS = (
    ("artist", NONEMPTY, "Artist."),
    ("title", NONEMPTY, "Title."),
    ("length", click.IntRange(0, _LONGEST), "Duration in seconds."),
    ("rating", click.IntRange(1, 10), "From 1 (lowest) to 10 (highest)."),
    ("source", NONEMPTY, "Album, station or other source."),
    ("track", NONEMPTY, "Number on the album, or URI of the recording."),
    ("uri", NONEMPTY, "Address with more about it."),
    ("composer", NONEMPTY, "Composer."),
    ("performer", NONEMPTY, "Performer."),
    ("lyricist", NONEMPTY, "Writer of the words."),
    ("genre", NONEMPTY, "Genre."),
    ("language", NONEMPTY, "Language, a code of ISO 639 such as rus."),
    ("date", NONEMPTY, "Date of the recording or publication."),
)


def _fields(callback: Any) -> Any:
    for name, kind, text in reversed(_FIELDS):
        metavar = "N" if isinstance(kind, click.IntRange) else "TEXT"
        callback = click.option(f"--{name}", type=kind, metavar=metavar, help=text)(callback)
    return callback


@cmd.command(
    "tune",
    examples=(
        "xmppctl pep tune bob@example.org",
        "xmppctl pep tune --set --artist Yes --title 'Heart of the Sunrise' --length 686",
        "xmppctl pep tune --clear",
    ),
)
@common.contact
@click.option("--set", "setting", is_flag=True, help="Tell what is played, by the options below.")
@_fields
@common.clear
@common.publishing
@cli.pass_app
async def tune(app: cli.App, /, **options: Any) -> Tune:
    """Show what the owner of an account listens to, or tell it.

    What is set takes the place of all that was told before. Without JID the own one is shown.
    """
    names = tuple(name for name, _, _ in _FIELDS)
    given = [name for name in names if options[name] is not None]
    if options["setting"] and not given:
        raise UsageError(
            "--set needs something to tell, such as --title",
            hint="--clear tells that nothing is played",
        )
    common.check(options, given=bool(given))
    from xmppctl.protocol.pepvalues import tune as kind

    payload = kind.build(options if given else {}) if given or options["clear"] else None
    async with app.session() as session:
        return await common.tell(session, kind, payload, options)
