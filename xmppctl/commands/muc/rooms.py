"""Verbs of ``xmppctl muc``: rooms as such, their configuration, their beginning and end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import click

from xmppctl import cli
from xmppctl.cli import forms as options
from xmppctl.cli import paging
from xmppctl.cli.params import BARE_JID
from xmppctl.commands.muc import _arguments as arguments
from xmppctl.commands.muc import cmd
from xmppctl.errors import UsageError
from xmppctl.model.disco import ItemCount
from xmppctl.model.form import Form
from xmppctl.model.jid import Jid
from xmppctl.model.muc import Destruction, Room, RoomCreation, RoomItem
from xmppctl.model.paging import Part


@cmd.command(
    "rooms",
    examples=(
        "xmppctl muc rooms",
        "xmppctl -o plain muc rooms conference.example.org --limit 500",
        "xmppctl -v muc rooms conference.example.org --max 20",
        "xmppctl -o plain muc rooms --count",
    ),
)
@click.argument("service", metavar="[SVC]", type=BARE_JID, required=False)
@paging.options("rooms")
@cli.pass_app
async def rooms(app: cli.App, /, service: Jid | None, **given: Any) -> AsyncIterator[RoomItem]:
    """List the public rooms of a service; of the own server's by default.

    Pages (--after, --before, --index) are for services that offer them (XEP-0059). With --count
    some services count hidden rooms too.
    """
    part = _part(service, given)
    from xmppctl.protocol.muc import rooms as operations

    async with (
        app.session() as session,
        aclosing(operations.rooms(session, service, part)) as found,
    ):
        async for item in found:
            yield item


@rooms.instead("count")
@cli.pass_app
async def _count(app: cli.App, /, service: Jid | None, **given: Any) -> ItemCount:
    _part(service, given)
    from xmppctl.protocol.muc import rooms as operations

    async with app.session() as session:
        return await operations.count(session, service)


def _part(service: Jid | None, given: dict[str, Any]) -> Part:
    if service is not None and service.local is not None:
        raise UsageError(f"{service} is no service for rooms but a JID on one")
    return paging.part(given)


@cmd.command("info", examples=("xmppctl muc info ops@conference.example.org --json",))
@arguments.room
@cli.pass_app
async def info(app: cli.App, room: Jid) -> Room:
    """Show what a room tells about itself."""
    from xmppctl.protocol.muc import rooms as operations

    async with app.session() as session:
        return await operations.info(session, room)


@cmd.command(
    "create",
    examples=(
        "xmppctl muc create ops@conference.example.org --field roomname=Operations",
        "xmppctl muc create ops@conference.example.org --field membersonly=1 --field whois=anyone",
    ),
)
@arguments.room
@options.fields
@options.form_json
@click.option("--instant", is_flag=True, help="Take the service's defaults; no --field.")
@click.option("--temporary", is_flag=True, help="A room that ends when nobody is in it any more.")
@arguments.nick
@arguments.room_password
@cli.pass_app
async def create(
    app: cli.App,
    room: Jid,
    field_pairs: tuple[str, ...],
    form_json: str | None,
    instant: bool,
    temporary: bool,
    nick: str | None,
    room_password_file: str | None,
    room_password_fd: int | None,
) -> RoomCreation:
    """Create a room, persistent unless told otherwise.

    A room that the account owns already stays as it is. Where the configuration is refused, or is
    not there when it is read back, the new room is destroyed again. A temporary room ends with
    the run, unless somebody has come in meanwhile.
    """
    if instant and (field_pairs or form_json):
        raise UsageError("--instant takes the defaults: no --field and no --form-json")
    _no_secrets(field_pairs)
    answers = options.answers(app, field_pairs, form_json)
    if temporary and any(each.endswith("persistentroom") for each in answers):
        raise UsageError("--temporary and the field persistentroom exclude each other")
    name = arguments.checked_nick(room, nick)
    password = app.room_password(file=room_password_file, fd=room_password_fd)
    from xmppctl.protocol.muc import config as operations
    from xmppctl.protocol.room import own_nick

    async with app.session() as session:
        made = await operations.create(
            session,
            room,
            answers,
            nick=name or own_nick(session),
            password=password,
            temporary=temporary,
        )
    if made.differs:
        app.warn(
            f"the room exists and stays as it is; other values than asked for have: "
            f"{', '.join(made.differs)} (xmppctl muc config changes them)"
        )
    if made.created and not made.persistent:
        app.warn("the room is temporary: it has ended with this run if nobody else is in it")
    return made


@cmd.command(
    "config",
    examples=(
        "xmppctl muc config ops@conference.example.org --get",
        "xmppctl muc config ops@conference.example.org --field moderatedroom=1",
    ),
)
@arguments.room
@click.option("--get", is_flag=True, help="Show the configuration (the default).")
@options.show_form
@options.fields
@options.form_json
@arguments.room_password
@cli.pass_app
async def config(
    app: cli.App,
    room: Jid,
    get: bool,
    show_form: bool,
    field_pairs: tuple[str, ...],
    form_json: str | None,
    room_password_file: str | None,
    room_password_fd: int | None,
) -> Form:
    """Show or change the configuration of a room; what it is afterwards.

    Fields that are not named keep their values; passwords are not shown.
    """
    _no_secrets(field_pairs)
    answers = options.answers(app, field_pairs, form_json)
    password = None
    # that of the environment is for entering, unless a password is to be set
    given = room_password_file is not None or room_password_fd is not None
    if given or any(name.endswith("passwordprotectedroom") for name in answers):
        password = app.room_password(file=room_password_file, fd=room_password_fd)
    if (get or show_form) and (answers or given):
        raise UsageError("--get and --show-form change nothing: give them without fields")
    from xmppctl.protocol.muc import config as operations

    async with app.session() as session:
        if answers or given:
            found = await operations.configure(session, room, answers, password=password)
        else:
            found = await operations.fetch(session, room)
    return operations.without_secrets(found)


@cmd.command(
    "destroy",
    examples=(
        "xmppctl muc destroy old@conference.example.org --yes "
        "--alternate new@conference.example.org --reason moved",
    ),
)
@arguments.room
@click.option("--alternate", type=arguments.ROOM, metavar="JID", help="Room to go to instead.")
@arguments.reason
@arguments.if_exists
@cli.pass_app
async def destroy(
    app: cli.App, room: Jid, alternate: Jid | None, reason: str | None, if_exists: bool
) -> Destruction:
    """Destroy a room; needs --yes where nobody can be asked."""
    app.confirm(f"Destroy the room {room}?")
    from xmppctl.protocol.muc import config as operations

    async with app.session() as session:
        return await operations.destroy(
            session, room, reason=reason, alternate=alternate, if_exists=if_exists
        )


def _no_secrets(pairs: Sequence[str]) -> None:
    """Everybody on the machine can read the arguments of a process."""
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name.endswith("secret") and value:
            raise UsageError(
                f"--field {name}: a password is no argument",
                hint="--room-password-file, --room-password-fd or XMPPCTL_ROOM_PASSWORD",
            )
