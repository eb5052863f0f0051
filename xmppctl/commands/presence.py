"""``xmppctl presence``: being seen for a while, and seeing who is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import DURATION, JID, NONEMPTY, WHEN, choice
from xmppctl.cli.texts import check_characters
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid, parse
from xmppctl.model.presence import Presence, Show

cmd = cli.group("presence", section="Contacts", help="Show, watch and ask for presence.")


@cmd.command(
    "set",
    examples=(
        "xmppctl presence set --show dnd --status 'Backup is running' --for 20m",
        "xmppctl presence set --show away --idle-since 2h --for 1h --json",
        "xmppctl presence set --client desktop --show xa --status 'On my way home'",
    ),
)
@click.option("--show", type=choice(Show), default="available", show_default=True,
              help="How available (RFC 6121 §4.7.2.1).")  # fmt: skip
@click.option("--status", metavar="TEXT", help="Text that contacts see.")
@click.option("--priority", type=click.IntRange(-128, 127), show_default="-1",
              help="Priority of this client; a negative one gets no messages.")  # fmt: skip
@click.option("--idle-since", type=WHEN, metavar="WHEN", help="Last use of the device.")
@click.option("--for", "seconds", type=DURATION, metavar="D",
              help="Stay that long; presence ends with the connection.")  # fmt: skip
@click.option("--client", type=NONEMPTY, metavar="RESOURCE",
              help="Another client of the account is to have it (XEP-0146).")  # fmt: skip
@cli.pass_app
async def set_(
    app: cli.App,
    show: Any,
    status: str | None,
    priority: int | None,
    idle_since: datetime | None,
    seconds: float | None,
    client: str | None,
) -> Presence:
    """Send presence to the contacts, for a while.

    Presence lasts as long as its connection: with --for it is held, and "present as JID" on
    standard error says that contacts see it. Without --for the run ends at once; what remains
    then is the status text, as the last one that contacts can ask for.

    With --client it is another client that changes its presence, which lasts; few clients let
    themselves be told so. What is not given stays as it is there.
    """
    if client is not None:
        if idle_since is not None or seconds is not None:
            raise UsageError("--client excludes --idle-since and --for")
        return await _of_client(app, client, show, status, priority)
    from xmppctl.protocol import presence

    priority = -1 if priority is None else priority
    stanza = presence.compose(show=show, status=status, priority=priority, idle_since=idle_since)
    async with app.session() as session:

        def ready() -> None:
            app.status(f"present as {session.jid}")

        return await presence.announce(session, stanza, seconds, ready)


async def _of_client(
    app: cli.App, client: str, show: Show, status: str | None, priority: int | None
) -> Presence:
    check_characters("status", status)
    try:
        parse(f"a@example.org/{client}")
    except ValueError as error:
        raise UsageError(f"--client {client!r}: {error}") from None
    from xmppctl.protocol import remotecontrol

    async with app.session() as session:
        return await remotecontrol.set_presence(session, client, show, status, priority)


@cmd.command(
    "watch",
    examples=(
        "xmppctl presence watch --for 1m",
        "xmppctl -o jsonl presence watch bob@example.org --count 1 --for 1h",
    ),
)
@click.argument("jids", metavar="[JID]...", nargs=-1, type=JID)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N of them.")
@click.option("--for", "seconds", type=DURATION, metavar="D",
              help="End after this time; fewer than --count are then an error.")  # fmt: skip
@cli.pass_app
async def watch(
    app: cli.App, jids: tuple[Jid, ...], count: int | None, seconds: float | None
) -> AsyncIterator[Presence]:
    """Print the presence of contacts as it changes.

    The present state of those who are online comes first. Requests for a subscription are shown
    and left for somebody to decide. Ends after --count, after --for, or by a signal.
    """
    from contextlib import aclosing

    from xmppctl.protocol import presence

    async with app.session() as session:

        def ready() -> None:
            app.status(f"listening as {session.jid}")

        watching = presence.watch(
            session, jids, count=count, seconds=seconds, ready=ready, raw=app.raw_xml
        )
        async with aclosing(watching) as records:
            async for record in records:
                yield record


@cmd.command(
    "probe",
    examples=(
        "xmppctl presence probe bob@example.org",
        "xmppctl -o plain presence probe bob@example.org",
    ),
)
@click.argument("jid", type=JID)
@cli.pass_app
async def probe(app: cli.App, jid: Jid) -> list[Presence]:
    """Show which clients of a contact are online.

    Where none is, the one record says "unavailable". A subscription to the contact's presence is
    needed.
    """
    from xmppctl.protocol import presence

    async with app.session() as session:
        return await presence.probe(session, jid, raw=app.raw_xml)
