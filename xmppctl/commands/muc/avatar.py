"""Verb of ``xmppctl muc``: the picture of a room."""

from __future__ import annotations

from dataclasses import replace

import click

from xmppctl import cli
from xmppctl.commands.muc import _arguments as arguments
from xmppctl.commands.muc import cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.muc import RoomAvatar


@cmd.command(
    "avatar",
    examples=(
        "xmppctl muc avatar ops@conference.example.org --out room.png",
        "xmppctl muc avatar ops@conference.example.org logo.png",
    ),
)
@arguments.room
@click.argument("file", type=click.Path(allow_dash=True), required=False)
@click.option("--out", type=click.Path(allow_dash=True), metavar="FILE|-",
              help="Write the picture to FILE; - is standard output.")  # fmt: skip
@click.option("--remove", "removing", is_flag=True, help="Remove the picture.")
@arguments.if_exists
@cli.pass_app
async def avatar(
    app: cli.App, room: Jid, file: str | None, out: str | None, removing: bool, if_exists: bool
) -> RoomAvatar:
    """Show the picture of a room, or set it from FILE."""
    if sum((file is not None, out is not None, removing)) > 1:
        raise UsageError("FILE, --out and --remove exclude each other")
    if if_exists and not removing:
        raise UsageError("--if-exists is for --remove")
    data = app.read_file(file) if file is not None else None
    from xmppctl.commands._picture import save
    from xmppctl.protocol import pictures
    from xmppctl.protocol.muc import avatar as operations

    if data is not None:
        pictures.media_type(data)  # refused before anything is connected
    async with app.session() as session:
        if data is not None:
            return await operations.publish(session, room, data)
        if removing:
            return await operations.remove(session, room, if_exists=if_exists)
        record, picture = await operations.fetch(session, room)
    if out is None:
        return record
    save(app, out, picture)
    if out == "-":
        click.get_current_context().exit()
    return replace(record, path=out)
