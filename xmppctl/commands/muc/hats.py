"""``xmppctl muc hats`` and ``xmppctl muc hat``: roles that a room makes up (XEP-0317)."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, NONEMPTY
from xmppctl.commands.muc import _arguments as arguments
from xmppctl.commands.muc import cmd
from xmppctl.commands.muc.occupants import visitor
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.occupant import HatChange, RoomHat, Wearer

hat = cli.Group("hat", help="Give, take away, make and remove hats (XEP-0317).")
cmd.add_command(hat)

_uri = click.option("--uri", type=NONEMPTY, required=True, help="What identifies the hat.")
_title = click.option("--title", type=NONEMPTY, help="Its name for people.")
_person = click.argument("jid", type=BARE_JID)


def _checked(uri: str) -> str:
    from xmppctl.protocol.hats import is_uri

    if not is_uri(uri):
        raise UsageError(f"--uri: {uri!r} is not a URI, such as https://example.org/hats#host")
    return uri


@cmd.command(
    "hats",
    examples=(
        "xmppctl muc hats ops@conference.example.org",
        "xmppctl --json muc hats ops@conference.example.org",
    ),
)
@arguments.room
@visitor
@arguments.room_password
@cli.pass_app
async def hats(
    app: cli.App,
    room: Jid,
    nick: str | None,
    room_password_file: str | None,
    room_password_fd: int | None,
) -> list[Wearer]:
    """List the occupants of a room that wear hats.

    Only where the room vouches for them: anybody can put such a thing into the own presence.
    """
    name = arguments.checked_nick(room, nick)
    password = app.room_password(file=room_password_file, fd=room_password_fd)
    from xmppctl.protocol import hats as operations

    async with app.session() as session:
        return await operations.fetch(session, room, name, password=password)


@hat.command("list", examples=("xmppctl muc hat list ops@conference.example.org",))
@arguments.room
@cli.pass_app
async def list_(app: cli.App, room: Jid) -> list[RoomHat]:
    """List the hats of a room, and who was given them.

    Some rooms know a hat only as long as somebody has it.
    """
    from xmppctl.protocol import hats as operations

    async with app.session() as session:
        return await operations.listed(session, room)


@hat.command(
    "add",
    examples=(
        "xmppctl muc hat add ops@conference.example.org bob@example.org"
        " --uri https://example.org/hats#host --title Host",
    ),
)
@arguments.room
@_person
@_uri
@_title
@cli.pass_app
async def add(app: cli.App, room: Jid, jid: Jid, uri: str, title: str | None) -> HatChange:
    """Give somebody a hat.

    A title is taken by rooms that make a hat by giving it; others have it from "hat create".
    """
    uri = _checked(uri)
    from xmppctl.protocol import hats as operations

    async with app.session() as session:
        return await operations.assign(session, room, jid, uri, title)


@hat.command(
    "remove",
    examples=(
        "xmppctl muc hat remove ops@conference.example.org bob@example.org"
        " --uri https://example.org/hats#host",
    ),
)
@arguments.room
@_person
@_uri
@arguments.if_exists
@cli.pass_app
async def remove(app: cli.App, room: Jid, jid: Jid, uri: str, if_exists: bool) -> HatChange:
    """Take a hat from somebody."""
    uri = _checked(uri)
    from xmppctl.protocol import hats as operations

    async with app.session() as session:
        return await operations.unassign(session, room, jid, uri, if_exists=if_exists)


@hat.command(
    "create",
    examples=(
        "xmppctl muc hat create ops@conference.example.org"
        " --uri https://example.org/hats#host --title Host --hue 327",
    ),
)
@arguments.room
@_uri
@click.option("--title", type=NONEMPTY, required=True, help="Its name for people.")
@click.option("--hue", type=click.FloatRange(0, 360), metavar="DEGREES", help="Its colour.")
@cli.pass_app
async def create(app: cli.App, room: Jid, uri: str, title: str, hue: float | None) -> HatChange:
    """Make a hat, or change title and colour of one."""
    uri = _checked(uri)
    from xmppctl.protocol import hats as operations

    async with app.session() as session:
        return await operations.create(session, room, uri, title, hue)


@hat.command(
    "destroy",
    examples=(
        "xmppctl muc hat destroy ops@conference.example.org"
        " --uri https://example.org/hats#host --yes",
    ),
)
@arguments.room
@_uri
@arguments.if_exists
@cli.pass_app
async def destroy(app: cli.App, room: Jid, uri: str, if_exists: bool) -> HatChange:
    """Remove a hat from a room, and from all who have it."""
    uri = _checked(uri)
    app.confirm(f"Remove the hat {uri} from {room} and from all who have it?")
    from xmppctl.protocol import hats as operations

    async with app.session() as session:
        return await operations.destroy(session, room, uri, if_exists=if_exists)
