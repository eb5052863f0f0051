"""``mam count``, ``mam meta``, ``mam form``: facts about an archive."""

from __future__ import annotations

from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.commands.mam.group import (
    archive_options,
    check_archive,
    cmd,
    filter_options,
    make_filter,
    open_archive,
)
from xmppctl.errors import UsageError
from xmppctl.model.form import Form
from xmppctl.model.mam import ArchiveCount, ArchiveMetadata


@cmd.command(
    "count",
    examples=(
        "xmppctl -o plain mam count --with bob@example.org",
        "xmppctl mam count --start today --json | jq .count",
    ),
)
@filter_options
@archive_options
@click.option("--after", type=NONEMPTY, metavar="ID", help="The same as --after-id.")
@click.option("--before", type=NONEMPTY, metavar="ID", help="The same as --before-id.")
@cli.pass_app
async def count(app: cli.App, /, **options: Any) -> ArchiveCount:
    """Count archived messages without fetching them."""
    for name in ("after", "before"):
        given = options.pop(name)
        if given is not None and options[f"{name}_id"] is not None:
            raise UsageError(f"--{name} and --{name}-id exclude each other")
        options[f"{name}_id"] = given or options[f"{name}_id"]
    from xmppctl.protocol import mam

    wanted = make_filter(options)
    async with app.session() as session:
        return await mam.count(open_archive(app, session, options), wanted)


@cmd.command("meta", examples=("xmppctl mam meta --json | jq -r .start.timestamp",))
@archive_options
@cli.pass_app
async def meta(app: cli.App, /, **options: Any) -> ArchiveMetadata:
    """Show where an archive begins and ends."""
    check_archive(options)
    from xmppctl.protocol import mam

    async with app.session() as session:
        return await mam.metadata(open_archive(app, session, options))


@cmd.command("form", examples=("xmppctl mam form --json | jq -r '.fields[].var'",))
@archive_options
@cli.pass_app
async def form(app: cli.App, /, **options: Any) -> Form:
    """Show what an archive can be asked for, as a form."""
    check_archive(options)
    from xmppctl.protocol import mam

    async with app.session() as session:
        return await mam.form(open_archive(app, session, options))
