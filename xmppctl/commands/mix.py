"""``xmppctl mix``: channels of Mediated Information eXchange (XEP-0369)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import click

from xmppctl import cli
from xmppctl.cli.params import JID, NONEMPTY, JidType
from xmppctl.cli.stdin import check_text
from xmppctl.cli.texts import check_characters
from xmppctl.commands._room import RoomType
from xmppctl.commands.muc._arguments import if_exists
from xmppctl.commands.send.text import check_language, checked_body
from xmppctl.model.jid import Jid
from xmppctl.model.mix import Channel, ChannelChange, ChannelNick, Membership, Participant
from xmppctl.model.sent import SendResult

cmd = cli.group("mix", section="Rooms", help="Channels: rooms that one need not be in (XEP-0369).")


class _ChannelType(RoomType):
    """The JID of a channel: a bare JID with a localpart."""

    name = "channel"


_channel = click.argument("channel", type=_ChannelType())


@cmd.command(
    "channels",
    examples=("xmppctl mix channels", "xmppctl -o plain mix channels mix.example.org"),
)
@click.argument("service", type=JID, required=False)
@cli.pass_app
async def channels(app: cli.App, service: Jid | None) -> AsyncIterator[Channel]:
    """List the channels of a service, by default the own one's."""
    from contextlib import aclosing

    from xmppctl.protocol import mix

    async with app.session() as session, aclosing(mix.channels(session, service)) as listed:
        async for channel in listed:
            yield channel


@cmd.command(
    "create",
    examples=(
        "xmppctl mix create coven@mix.example.org",
        "xmppctl -o plain mix create mix.example.org",
    ),
)
@click.argument("channel", metavar="CHANNEL|SERVICE", type=JidType("bare"))
@cli.pass_app
async def create(app: cli.App, channel: Jid) -> ChannelChange:
    """Make a channel; of a service alone one with a made-up name.

    One that is there already and belongs to the account is left as it is. The maker takes part
    only after mix join.
    """
    from xmppctl.protocol import mix

    async with app.session() as session:
        return await mix.create(session, channel)


@cmd.command("destroy", examples=("xmppctl mix destroy coven@mix.example.org --yes",))
@_channel
@if_exists
@cli.pass_app
async def destroy(app: cli.App, channel: Jid, if_exists: bool) -> ChannelChange:
    """Remove a channel; needs --yes where nobody can be asked."""
    app.confirm(f"Remove the channel {channel}?")
    from xmppctl.protocol import mix

    async with app.session() as session:
        return await mix.destroy(session, channel, if_exists=if_exists)


@cmd.command(
    "join",
    examples=(
        "xmppctl mix join coven@mix.example.org --nick alice",
        "xmppctl mix join coven@mix.example.org --node messages",
    ),
)
@_channel
@click.option("--nick", type=NONEMPTY, metavar="N", help="Nickname to ask for.")
@click.option(
    "--node", "nodes", multiple=True, metavar="NAME",
    type=click.Choice(("messages", "participants", "info", "presence", "config", "allowed",
                       "banned", "avatarinfo", "avatardata", "jidmap")),
    help="Node to subscribe to; by default messages, participants, info, presence.",
)  # fmt: skip
@cli.pass_app
async def join(app: cli.App, channel: Jid, nick: str | None, nodes: tuple[str, ...]) -> Membership:
    """Take part in a channel, until mix leave.

    The own server takes part for the account, also while no client is online.
    """
    check_characters("nick", nick)
    from xmppctl.protocol import mix

    async with app.session() as session:
        return await mix.join(session, channel, nick=nick, nodes=nodes or mix.NODES)


@cmd.command("leave", examples=("xmppctl mix leave coven@mix.example.org",))
@_channel
@if_exists
@cli.pass_app
async def leave(app: cli.App, channel: Jid, if_exists: bool) -> Membership:
    """Take part in a channel no more."""
    from xmppctl.protocol import mix

    async with app.session() as session:
        return await mix.leave(session, channel, if_exists=if_exists)


@cmd.command("nick", examples=("xmppctl mix nick coven@mix.example.org thirdwitch",))
@_channel
@click.argument("nick", type=NONEMPTY)
@cli.pass_app
async def nick(app: cli.App, channel: Jid, nick: str) -> ChannelNick:
    """Ask for another nickname; shows the one that was given."""
    check_characters("nick", nick)
    from xmppctl.protocol import mix

    async with app.session() as session:
        return await mix.set_nick(session, channel, nick)


@cmd.command(
    "send",
    examples=(
        "xmppctl mix send coven@mix.example.org 'When shall we three meet again?'",
        'xmppctl mix send coven@mix.example.org -- "$TEXT"',
    ),
    targets=True,
)
@_channel
@click.argument("body", required=False)
@click.option("--lang", type=NONEMPTY, metavar="TAG", help="Language, such as de.")
@click.option("--id", "identifier", type=NONEMPTY, metavar="ID",
              help="Id of the message, also its origin id; random by default.")  # fmt: skip
@cli.pass_app
async def send(
    app: cli.App, channel: Jid, body: str | None, lang: str | None, identifier: str | None
) -> AsyncIterator[SendResult]:
    """Say something in a channel in which the account takes part.

    Exit code 0 means that the channel has sent the message to its participants. Without BODY, or
    with -, the text is read from standard input.
    """
    check_characters("id", identifier)
    if lang is not None:
        check_language(lang, "lang")
    if body is not None and cli.words_after_dashes():
        body = checked_body(check_text(body))  # a text, even if it is a single -
    else:
        body = checked_body(app.read_text(body))
    from xmppctl.protocol import mix, outgoing

    async with app.session() as session:
        message = outgoing.compose(
            channel, id=identifier or session.new_id(), body=body, type="groupchat", lang=lang
        )
        yield await mix.speak(session, channel, message)


@cmd.command(
    "participants",
    examples=(
        "xmppctl mix participants coven@mix.example.org",
        "xmppctl -o plain mix participants coven@mix.example.org",
    ),
)
@_channel
@cli.pass_app
async def participants(app: cli.App, channel: Jid) -> list[Participant]:
    """List who takes part in a channel."""
    from xmppctl.protocol import mix

    async with app.session() as session:
        return await mix.participants(session, channel)
