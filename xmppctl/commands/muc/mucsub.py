"""Verbs of ``xmppctl muc``: events of a room without being in it (MUC/Sub of ejabberd)."""

from __future__ import annotations

from itertools import chain

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, ChoicesType
from xmppctl.commands.muc import _arguments as arguments
from xmppctl.commands.muc import cmd
from xmppctl.model.jid import Jid
from xmppctl.model.muc import Event, Subscriber, Subscription

_subscriber = click.option(
    "--subscriber", type=BARE_JID, metavar="JID", help="Somebody else; for moderators."
)


@cmd.command(
    "subscribe",
    examples=("xmppctl muc subscribe ops@conference.example.org --event messages --event subject",),
)
@arguments.room
@arguments.nick
@click.option("--event", "events", type=ChoicesType(Event), multiple=True,
              help="Kinds of events, with commas or repeated; messages by default.")  # fmt: skip
@_subscriber
@arguments.room_password
@cli.pass_app
async def subscribe(
    app: cli.App,
    room: Jid,
    nick: str | None,
    events: tuple[tuple[str, ...], ...],
    subscriber: Jid | None,
    room_password_file: str | None,
    room_password_fd: int | None,
) -> Subscription:
    """Subscribe to events of a room; they replace those of before."""
    name = arguments.checked_nick(room, nick)
    password = app.room_password(file=room_password_file, fd=room_password_fd)
    from xmppctl.protocol.muc import mucsub

    async with app.session() as session:
        return await mucsub.subscribe(
            session,
            room,
            name or (subscriber or session.jid).local or "xmppctl",
            tuple(dict.fromkeys(chain(*events))) or ("messages",),
            subscriber=subscriber,
            password=password,
        )


@cmd.command(
    "unsubscribe",
    examples=("xmppctl muc unsubscribe ops@conference.example.org --subscriber bob@example.org",),
)
@arguments.room
@_subscriber
@arguments.if_exists
@cli.pass_app
async def unsubscribe(
    app: cli.App, room: Jid, subscriber: Jid | None, if_exists: bool
) -> Subscription:
    """End a subscription; shows what it was."""
    from xmppctl.protocol.muc import mucsub

    async with app.session() as session:
        return await mucsub.unsubscribe(session, room, subscriber=subscriber, if_exists=if_exists)


@cmd.command("subscriptions", examples=("xmppctl muc subscriptions --json",))
@click.argument("service", metavar="[SVC]", type=BARE_JID, required=False)
@cli.pass_app
async def subscriptions(app: cli.App, service: Jid | None) -> list[Subscription]:
    """List the own subscriptions to rooms.

    SVC is the service that has the rooms; that of the own server by default.
    """
    from xmppctl.protocol.muc import mucsub, rooms

    async with app.session() as session:
        return await mucsub.subscriptions(session, service or await rooms.service(session))


@cmd.command(
    "subscribers", examples=("xmppctl -o plain muc subscribers ops@conference.example.org",)
)
@arguments.room
@cli.pass_app
async def subscribers(app: cli.App, room: Jid) -> list[Subscriber]:
    """List the subscribers of a room."""
    from xmppctl.protocol.muc import mucsub

    async with app.session() as session:
        return await mucsub.subscribers(session, room)
