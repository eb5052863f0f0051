"""``roster delimiter``: how the names of nested groups are written."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.roster import cmd
from xmppctl.errors import UsageError
from xmppctl.model.rosterdata import Delimiter


@cmd.command(
    "delimiter",
    section="Beside the list",
    examples=(
        "xmppctl roster delimiter",
        "xmppctl roster delimiter --set ::",
        "xmppctl roster delimiter --clear",
    ),
)
@click.option("--set", "wanted", type=NONEMPTY, metavar="STR",
              help="Separate the levels of a group's name by this; several characters are best.",
              )  # fmt: skip
@click.option("--clear", is_flag=True, help="Have no nested groups.")
@cli.pass_app
async def delimiter(app: cli.App, wanted: str | None, clear: bool) -> Delimiter:
    """Show or change what separates the levels of nested groups.

    With :: the group Family::Cousins is Cousins inside Family. Clients that know of it (XEP-0083)
    show it so. A single letter or digit means that groups are not nested.
    """
    from xmppctl.protocol import rosterdelimiter

    if wanted is not None and clear:
        raise UsageError("--set and --clear exclude each other")
    check_characters("delimiter", wanted)
    async with app.session() as session:
        if wanted is None and not clear:
            found = await rosterdelimiter.get(session)
        else:
            found = await rosterdelimiter.put(session, wanted)
    if rosterdelimiter.usable(found) != found:
        app.warn(f"groups are not nested: {found!r} is a single letter or digit (XEP-0083)")
    return Delimiter(found)
