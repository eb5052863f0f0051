"""``xmppctl muc join``: what happens in a room, as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, get_args

import click

from xmppctl import cli
from xmppctl.cli.display import display_options
from xmppctl.cli.params import DURATION, WHEN, choice
from xmppctl.commands._opening import opener
from xmppctl.commands.muc import _arguments as arguments
from xmppctl.commands.muc import cmd
from xmppctl.commands.send.parts.captcha import mode_option, solver
from xmppctl.model.jid import Jid
from xmppctl.model.stanza import RoomEvent, StanzaType

if TYPE_CHECKING:
    from xmppctl.protocol.room import Joined

# what an occupant should know about its own entering (XEP-0045 §7.2.3, §7.2.5, §7.2.12)
_WARNINGS = (100, 170, 210)


@cmd.command(
    "join",
    examples=(
        "xmppctl -o jsonl muc join ops@conference.example.org --nick logger --history 20",
        "xmppctl -o jsonl muc join ops@conference.example.org --count 1 --for 5m --type groupchat",
        "xmppctl muc join ops@conference.example.org --since today --matching 'ALERT|DOWN'",
    ),
)
@arguments.room
@arguments.nick
@click.option("--history", type=click.IntRange(min=0), metavar="N",
              help="First the last N messages of the past; none by default.")  # fmt: skip
@click.option("--since", type=WHEN, metavar="T", help="First the messages since this time.")
@click.option("--count", type=click.IntRange(min=1), metavar="N",
              help="End after N messages; with --type, after N of those.")  # fmt: skip
@click.option("--for", "seconds", type=DURATION, metavar="D",
              help="End after this time; fewer than --count are then an error.")  # fmt: skip
@click.option("--type", "types", type=choice(StanzaType), multiple=True,
              help="Only of this type; by default every message and presence.")  # fmt: skip
@click.option("--matching", metavar="RE", help="Only with a text that the expression finds.")
@arguments.room_password
@mode_option
@display_options
@cli.pass_app
async def join(
    app: cli.App,
    room: Jid,
    nick: str | None,
    history: int | None,
    since: datetime | None,
    count: int | None,
    seconds: float | None,
    types: tuple[str, ...],
    matching: str | None,
    room_password_file: str | None,
    room_password_fd: int | None,
    captcha_mode: tuple[str, str] | None,
) -> AsyncIterator[RoomEvent]:
    """Enter a room and print what happens there until told to end.

    Messages, the subject, and who comes, goes or changes; who was there already is not told. Ends
    after --count, after --for, or by a signal; leaves the room in every case. To be kicked, banned,
    or in a room that is destroyed ends it with exit code 6. "listening as JID" on standard error
    says that the room has let the client in.
    """
    from contextlib import aclosing
    from dataclasses import replace

    from xmppctl.commands.listen import expression, settle
    from xmppctl.protocol import listen

    wanted = listen.Filter(
        types=frozenset(types) or frozenset(get_args(StanzaType)), matching=expression(matching)
    )
    how = listen.Options(
        rooms=(room,),
        nick=arguments.checked_nick(room, nick),
        room_password=app.room_password(file=room_password_file, fd=room_password_fd),
        # a time alone means all since then
        history=history if history is not None else (None if since is not None else 0),
        since=since,
        everything=True,
        entered=lambda here: _tell(app, here),
        count=count,
        counted=None if types else listen.MESSAGE_TYPES,
        seconds=seconds,
        settle=settle(app),
        raw=app.raw_xml,
        solve=solver(app, captcha_mode),
    )
    async with app.session() as session:
        how = replace(how, opener=opener(app, session))

        def ready() -> None:
            app.status(f"listening as {session.jid}")

        async with aclosing(listen.listen(session, wanted, how, ready)) as records:
            async for record in records:
                yield RoomEvent.of(record)


cmd.alias("listen", join)  # by the name that it has outside of rooms


def _tell(app: cli.App, here: Joined) -> None:
    from xmppctl.model.mucstatus import status

    for code in sorted(here.codes.intersection(_WARNINGS)):
        app.status(f"{here.room}: {status(code).text} ({status(code)})")
