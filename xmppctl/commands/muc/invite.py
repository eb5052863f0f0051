"""``xmppctl muc invite`` and ``decline``."""

from __future__ import annotations

from collections.abc import AsyncIterator

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, JID, NONEMPTY
from xmppctl.commands.muc import _arguments as arguments
from xmppctl.commands.muc import cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.occupant import Invitation

_reason = click.option("--reason", type=NONEMPTY, help="Why, in words.")


@cmd.command(
    "invite",
    examples=(
        "xmppctl muc invite ops@conference.example.org bob@example.org --reason 'Come in'",
        "xmppctl muc invite ops@conference.example.org bob@example.org --direct",
    ),
    targets=True,
)
@arguments.room
@click.argument("jids", metavar="JID...", nargs=-1, required=True, type=JID)
@click.option("--direct/--mediated", help="Past the room (XEP-0249), or through it (default).")
@_reason
@click.option("--password", "tell_password", is_flag=True,
              help="Put the room's password into a direct invitation.")  # fmt: skip
@click.option("--continue", "continues", is_flag=True, help="It continues a one-to-one chat.")
@click.option("--thread", type=NONEMPTY, metavar="ID", help="Thread of the chat it continues.")
@arguments.nick
@arguments.room_password
@cli.pass_app
async def invite(
    app: cli.App,
    room: Jid,
    jids: tuple[Jid, ...],
    direct: bool,
    reason: str | None,
    tell_password: bool,
    continues: bool,
    thread: str | None,
    nick: str | None,
    room_password_file: str | None,
    room_password_fd: int | None,
) -> AsyncIterator[Invitation]:
    """Invite people to a room.

    Through the room by default, which then makes them members if it is for members only. A direct
    invitation reaches those who block messages from strangers; membership is given first where it
    is needed, for which the account must be an admin of the room.
    """
    password = app.room_password(file=room_password_file, fd=room_password_fd)
    if tell_password and not direct:
        raise UsageError("--password is for --direct: a room adds its password itself")
    if tell_password and password is None:
        raise UsageError("--password needs the room's password", hint="--room-password-file FILE")
    if direct and nick is not None:
        raise UsageError("--nick is for mediated invitations: direct ones do not enter the room")
    if thread is not None and not continues:
        raise UsageError("--thread goes with --continue")
    name = arguments.checked_nick(room, nick)
    from xmppctl.protocol import invitation

    words = invitation.Words(reason, password if tell_password else None, continues, thread)
    people = list(dict.fromkeys(jids))
    async with app.session() as session:
        if direct:
            inviting = invitation.direct(session, room, people, words)
        else:
            inviting = invitation.mediated(
                session, room, people, words, nick=name, password=password
            )
        async for record in inviting:
            yield record


@cmd.command(
    "decline",
    examples=("xmppctl muc decline ops@conference.example.org bob@example.org --reason busy",),
)
@arguments.room
@click.argument("inviter", type=BARE_JID)
@_reason
@cli.pass_app
async def decline(app: cli.App, room: Jid, inviter: Jid, reason: str | None) -> Invitation:
    """Decline an invitation to a room; INVITER is told by the room."""
    from xmppctl.protocol import invitation

    async with app.session() as session:
        return await invitation.decline(session, room, inviter, reason)
