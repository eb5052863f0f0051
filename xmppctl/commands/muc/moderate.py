"""``xmppctl muc moderate``: take a message of somebody else back."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.commands.muc import _arguments as arguments
from xmppctl.commands.muc import cmd
from xmppctl.model.jid import Jid
from xmppctl.model.occupant import Moderation


@cmd.command(
    "moderate",
    examples=("xmppctl muc moderate ops@conference.example.org 2024-x1 --reason spam",),
)
@arguments.room
@click.argument("stanza_id", type=NONEMPTY)
@click.option("--reason", type=NONEMPTY, help="Why; everybody in the room sees it.")
@cli.pass_app
async def moderate(app: cli.App, room: Jid, stanza_id: str, reason: str | None) -> Moderation:
    """Take a message back, as a moderator (XEP-0425).

    STANZA_ID is the id that the room gave the message: the archive_id of its archive, or the
    stanza_id that sending it printed.
    """
    from xmppctl.protocol import moderation

    async with app.session() as session:
        return await moderation.moderate(session, room, stanza_id, reason)
