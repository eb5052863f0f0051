"""``xmppctl muc activity``: in which rooms is something said?"""

from __future__ import annotations

from collections.abc import AsyncIterator

import click

from xmppctl import cli
from xmppctl.cli.params import DURATION, JID
from xmppctl.commands.muc import cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.occupant import RoomActivity


@cmd.command(
    "activity",
    examples=(
        "xmppctl -o plain muc activity conference.example.org --for 10s",
        "xmppctl -o jsonl muc activity conference.example.org --count 1 --for 1h",
    ),
)
@click.argument("service", metavar="SVC", type=JID)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N rooms.")
@click.option("--for", "seconds", type=DURATION, metavar="D",
              help="End after this time; fewer than --count are then an error.")  # fmt: skip
@cli.pass_app
async def activity(
    app: cli.App, service: Jid, count: int | None, seconds: float | None
) -> AsyncIterator[RoomActivity]:
    """Print the rooms in which something is said, without being in them (XEP-0437).

    Each room is printed once, however much is said there. Ends after --count, after --for, or by a
    signal. "listening as JID" on standard error says that the service knows of the wish.
    """
    if service.local is not None or service.resource is not None:
        raise UsageError(f"{str(service)!r} is not a room service, which is a domain")
    from contextlib import aclosing

    from xmppctl.protocol import activity as rooms

    async with app.session() as session:

        def ready() -> None:
            app.status(f"listening as {session.jid}")

        watching = rooms.watch(session, service, count=count, seconds=seconds, ready=ready)
        async with aclosing(watching) as records:
            async for record in records:
                yield record
