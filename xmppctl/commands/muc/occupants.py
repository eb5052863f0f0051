"""``xmppctl muc occupants``, ``ping`` and ``subject``: what is seen from inside a room."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import JidType
from xmppctl.cli.texts import check_characters
from xmppctl.commands.muc import _arguments as arguments
from xmppctl.commands.muc import cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.occupant import RoomOccupant, RoomSubject, SelfPing

visitor = click.option(
    "--nick", metavar="NICK", help="Nickname for the visit; the localpart and a suffix by default."
)


@cmd.command(
    "occupants",
    examples=(
        "xmppctl muc occupants ops@conference.example.org",
        "xmppctl -o plain muc occupants ops@conference.example.org",
    ),
)
@arguments.room
@visitor
@arguments.room_password
@cli.pass_app
async def occupants(
    app: cli.App,
    room: Jid,
    nick: str | None,
    room_password_file: str | None,
    room_password_fd: int | None,
) -> list[RoomOccupant]:
    """List who is in a room.

    It is entered for the time of a look; the occupant that does so is not listed.
    """
    name = arguments.checked_nick(room, nick)
    password = app.room_password(file=room_password_file, fd=room_password_fd)
    from xmppctl.protocol import occupants as inside

    async with app.session() as session:
        return await inside.fetch(session, room, name, password=password)


@cmd.command(
    "ping",
    examples=(
        "xmppctl muc ping ops@conference.example.org/logger",
        "xmppctl --json muc ping ops@conference.example.org",
    ),
)
@click.argument("occupant", metavar="ROOM[/NICK]", type=JidType())
@visitor
@arguments.room_password
@cli.pass_app
async def ping(
    app: cli.App,
    occupant: Jid,
    nick: str | None,
    room_password_file: str | None,
    room_password_fd: int | None,
) -> SelfPing:
    """Check whether an occupant is in a room, and alive.

    Without NICK the own localpart is looked for: the nickname of the account's other clients. A
    room relays pings between its occupants alone (XEP-0410), so it is entered for the ping. Nobody
    there: exit code 10. No answer: exit code 8, and whether it is still in the room is unknown.
    """
    if occupant.local is None:
        raise UsageError(f"{str(occupant)!r} is a domain, not a room (name@service)")
    name = arguments.checked_nick(occupant.bare, nick)
    if name is not None and name == occupant.resource:
        raise UsageError("--nick is the nickname of the visitor, not of who is pinged")
    password = app.room_password(file=room_password_file, fd=room_password_fd)
    from xmppctl.protocol import room, selfping

    async with app.session() as session:
        return await selfping.ping(
            session,
            occupant.bare,
            occupant.resource or room.own_nick(session),
            visitor=name,
            password=password,
        )


@cmd.command(
    "subject",
    examples=(
        "xmppctl muc subject ops@conference.example.org",
        "xmppctl muc subject ops@conference.example.org -- 'Maintenance until 18:00'",
    ),
)
@arguments.room
@click.argument("text", required=False)
@arguments.nick
@arguments.room_password
@cli.pass_app
async def subject(
    app: cli.App,
    room: Jid,
    text: str | None,
    nick: str | None,
    room_password_file: str | None,
    room_password_fd: int | None,
) -> RoomSubject:
    """Show the subject of a room, or set it to TEXT.

    An empty TEXT removes it; - reads it from standard input, unless it stands behind --.
    """
    name = arguments.checked_nick(room, nick)
    if text is not None:
        text = _checked(text) if cli.words_after_dashes() else _checked(app.read_text(text))
    password = app.room_password(file=room_password_file, fd=room_password_fd)
    from xmppctl.protocol import room as rooms
    from xmppctl.protocol import subject as subjects

    async with app.session() as session:
        if text is None:
            visiting = name or rooms.visitor_nick(session)
            return await subjects.fetch(session, room, visiting, password=password)
        own = name or rooms.own_nick(session)
        return await subjects.change(session, room, own, text, password=password)


def _checked(text: str) -> str:
    from xmppctl.cli.stdin import check_text

    check_text(text)
    check_characters("subject", text)
    return text
