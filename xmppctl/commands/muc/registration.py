"""Verbs of ``xmppctl muc``: a nickname that is reserved."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli import forms as options
from xmppctl.cli.params import BARE_JID, NONEMPTY
from xmppctl.commands.muc import _arguments as arguments
from xmppctl.commands.muc import cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.muc import NickRegistration

_where = click.argument("where", metavar="ROOM|SVC", type=BARE_JID)


@cmd.command(
    "register",
    examples=(
        "xmppctl muc register ops@conference.example.org --nick Bob",
        "xmppctl muc register conference.example.org --show-form --json",
    ),
)
@_where
@click.option("--nick", type=NONEMPTY, help="Nickname to reserve; the localpart by default.")
@options.show_form
@options.fields
@options.form_json
@cli.pass_app
async def register(
    app: cli.App,
    where: Jid,
    nick: str | None,
    show_form: bool,
    field_pairs: tuple[str, ...],
    form_json: str | None,
) -> NickRegistration:
    """Reserve a nickname in a room, or in all rooms of a service.

    What is offered depends on the server: rooms of some register their members, others have one
    registration for the whole service.
    """
    if show_form and (nick or field_pairs or form_json):
        raise UsageError("--show-form registers nothing: give it alone")
    answers = options.answers(app, field_pairs, form_json)
    name = arguments.checked_nick(where, nick)
    from xmppctl.protocol.muc import registration

    async with app.session() as session:
        if show_form:
            return await registration.show(session, where)
        return await registration.register(session, where, name, answers)


@cmd.command(
    "unregister", examples=("xmppctl muc unregister ops@conference.example.org --if-exists",)
)
@_where
@arguments.if_exists
@cli.pass_app
async def unregister(app: cli.App, where: Jid, if_exists: bool) -> NickRegistration:
    """Give a reserved nickname up.

    A room may end the membership with it, never an ownership.
    """
    from xmppctl.protocol.muc import registration

    async with app.session() as session:
        return await registration.unregister(session, where, if_exists=if_exists)


@cmd.command("nick", examples=("xmppctl muc nick ops@conference.example.org --json",))
@arguments.room
@cli.pass_app
async def nick(app: cli.App, room: Jid) -> NickRegistration:
    """Show the nickname that a room keeps for the account."""
    from xmppctl.protocol.muc import registration

    async with app.session() as session:
        return await registration.reserved(session, room)
