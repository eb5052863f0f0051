"""``xmppctl listen``: what comes in, as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, DURATION, JID, NONEMPTY, choice
from xmppctl.errors import UsageError
from xmppctl.model.stanza import Stanza, StanzaType


@cli.command(
    "listen",
    section="Messages",
    examples=(
        "xmppctl -o jsonl listen --from bob@example.org --count 1 --for 5m",
        "xmppctl -o jsonl listen --send-receipts | jq --unbuffered -r '.body // empty'",
        "xmppctl listen --room ops@conference.example.org --nick logger --matching 'ALERT|DOWN'",
    ),
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N of them.")
@click.option("--for", "seconds", type=DURATION, metavar="D",
              help="End after this time; fewer than --count are then an error.")  # fmt: skip
@click.option("--from", "senders", type=JID, multiple=True, metavar="JID",
              help="Only from this account, client or domain; repeat for several.")  # fmt: skip
@click.option("--type", "types", type=choice(StanzaType), multiple=True,
              help="Only of this type; by default every type of message.")  # fmt: skip
@click.option("--matching", metavar="RE", help="Only with a text that the expression finds.")
@click.option("--room", "rooms", type=BARE_JID, multiple=True, metavar="ROOM",
              help="Join this room and show only what is said there; repeatable.")  # fmt: skip
@click.option("--nick", type=NONEMPTY, help="Nickname in the rooms; the localpart by default.")
@click.option("--room-password-file", type=click.Path(), metavar="FILE",
              help="File with the rooms' password; also XMPPCTL_ROOM_PASSWORD.")  # fmt: skip
@click.option("--room-password-fd", type=int, metavar="FD",
              help="File descriptor to read the rooms' password from.")  # fmt: skip
@click.option("--no-delayed", is_flag=True, help="Leave out what was stored for a while.")
@click.option("--carbons", is_flag=True,
              help="Also what other clients of the account send and get (XEP-0280).")  # fmt: skip
@click.option("--send-receipts", is_flag=True,
              help="Confirm that a message was received where that is asked for.")  # fmt: skip
@click.option("--inactive", is_flag=True,
              help="Let the server hold back what is not urgent (XEP-0352).")  # fmt: skip
@click.option("--bell", is_flag=True,
              help="Ring the terminal's bell where attention is asked for (XEP-0224).")  # fmt: skip
@cli.pass_app
async def cmd(app: cli.App, /, **options: Any) -> AsyncIterator[Stanza]:
    """Print incoming messages and presence until told to end.

    Ends after --count, after --for, or by a signal. "listening as JID" on standard error says
    that from now on everything is seen. A message counts as delivered when it was printed: one
    that was filtered out, or came too late, stays on the server for the next client. Receipts
    tell their senders that somebody is here.
    """
    from contextlib import aclosing

    from xmppctl.protocol import listen

    wanted = listen.Filter(
        types=frozenset(options["types"]) or listen.MESSAGE_TYPES,
        senders=options["senders"],
        matching=_expression(options["matching"]),
        delayed=not options["no_delayed"],
    )
    password = app.room_password(file=options["room_password_file"], fd=options["room_password_fd"])
    if options["nick"] is not None and not options["rooms"]:
        raise UsageError("--nick is for rooms: give --room too")
    how = listen.Options(
        rooms=tuple(dict.fromkeys(options["rooms"])),
        nick=options["nick"],
        room_password=password,
        carbons=options["carbons"],
        receipts=options["send_receipts"],
        inactive=options["inactive"],
        bell=options["bell"],
        count=options["count"],
        seconds=options["seconds"],
        settle=_settle(app),
        raw=app.raw_xml,
    )
    async with app.session() as session:

        def ready() -> None:
            app.status(f"listening as {session.jid}")

        async with aclosing(listen.listen(session, wanted, how, ready)) as records:
            async for record in records:
                yield record
                # XEP-0224 §4: what was stored is no reason to ring any more
                if options["bell"] and record.attention and record.delay is None:
                    app.stderr.write("\a")
                    app.stderr.flush()


def _expression(text: str | None) -> Any:
    import re

    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise UsageError(f"--matching: {text!r} is not a regular expression ({error})") from None


def _settle(app: cli.App) -> float:
    """How long the table keeps a row back while it measures its columns; the rest is live."""
    from xmppctl.cli.results import IDLE_SECONDS

    return 2 * IDLE_SECONDS if app.format == "table" else 0.0
