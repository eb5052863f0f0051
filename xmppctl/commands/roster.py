"""``xmppctl roster``: the contact list."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.model.roster import Contact

cmd = cli.group("roster", section="Contacts", help="The contact list.")


@cmd.command(
    "list",
    examples=("xmppctl roster list", "xmppctl -o plain roster list --group friends"),
)
@click.option("--group", "groups", multiple=True, help="Only contacts in this group (repeatable).")
@cli.pass_app
async def list_(app: cli.App, groups: tuple[str, ...]) -> list[Contact]:
    """List the contacts."""
    from xmppctl.protocol import roster

    async with app.session() as session:
        contacts = await roster.fetch(session)
    wanted = set(groups)
    return [c for c in contacts if not wanted or wanted & set(c.groups)]
