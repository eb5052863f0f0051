"""``xmppctl listen``: what comes in, as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.display import display_options
from xmppctl.cli.params import BARE_JID, DURATION, JID, choice
from xmppctl.commands import _media, _offers, _room
from xmppctl.commands._opening import opener
from xmppctl.errors import UsageError
from xmppctl.model.stanza import Stanza, StanzaType

if TYPE_CHECKING:
    from xmppctl.session.entry import Want


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
              help="Only of this type; by default every type of message, and no presence; "
              "repeat for several.")  # fmt: skip
@click.option("--matching", metavar="RE", help="Only with a text that the expression finds.")
@click.option("--room", "rooms", type=BARE_JID, multiple=True, metavar="ROOM",
              help="Join this room and show only what is said there; repeatable.")  # fmt: skip
@_room.nick
@_room.room_password
@click.option("--no-delayed", is_flag=True, help="Leave out what was stored for a while.")
@click.option("--carbons", is_flag=True,
              help="Also what other clients of the account send and get (XEP-0280).")  # fmt: skip
@click.option("--send-receipts", is_flag=True,
              help="Confirm that a message was received where that is asked for.")  # fmt: skip
@click.option("--inactive", is_flag=True,
              help="Let the server hold back what is not urgent (XEP-0352).")  # fmt: skip
@_media.option
@_offers.options
@click.option("--bell", is_flag=True,
              help="Ring the terminal's bell where attention is asked for (XEP-0224).")  # fmt: skip
@display_options
@cli.pass_app
async def cmd(app: cli.App, /, **options: Any) -> AsyncIterator[Stanza]:
    """Print incoming messages, and with --type also presence.

    With --accept-oob files that others offer are fetched. Calls and files that clients offer to
    this one are shown and declined: file receive takes files. Ends after --count, after --for, or
    by a signal. "listening as JID" on standard error says that from now on everything is seen. A
    message counts as delivered when it was printed: one that was filtered out, or came too late,
    stays on the server for the next client. Receipts tell their senders that somebody is here.
    """
    from contextlib import aclosing
    from dataclasses import replace

    from xmppctl.protocol import listen

    wanted = listen.Filter(
        types=frozenset(options["types"]) or listen.MESSAGE_TYPES,
        senders=options["senders"],
        matching=expression(options["matching"]),
        delayed=not options["no_delayed"],
    )
    password = app.room_password(file=options["room_password_file"], fd=options["room_password_fd"])
    if options["nick"] is not None and not options["rooms"]:
        raise UsageError("--nick is for rooms: give --room too")
    rooms = tuple(dict.fromkeys(options["rooms"]))
    how = listen.Options(
        rooms=rooms,
        nick=_room.checked_nick(rooms[0], options["nick"]) if rooms else None,
        room_password=password,
        carbons=options["carbons"],
        receipts=options["send_receipts"],
        inactive=options["inactive"],
        bell=options["bell"],
        count=options["count"],
        seconds=options["seconds"],
        settle=settle(app),
        raw=app.raw_xml,
        fetch=_offers.fetcher(app, options),
        offers=True,
    )
    media = _media.MediaDir(options["media_dir"])
    wants: list[Want] = ["acks"]
    wants += ["carbons"] if how.carbons else []
    wants += ["inactive"] if how.inactive else []
    async with app.session(*wants) as session:
        how = replace(how, opener=opener(app, session))

        def ready() -> None:
            app.status(f"listening as {session.jid}")
            if app.trace.facts.get("transport") == "bosh":
                app.status(
                    "warning: over BOSH a server may lose what was not printed when the run ends; "
                    "--transport websocket or tcp keeps it"
                )

        async with aclosing(listen.listen(session, wanted, how, ready)) as records:
            async for record in records:
                yield media.keep(record)
                # XEP-0224 §4: what was stored is no reason to ring any more
                if options["bell"] and record.attention and record.delay is None:
                    app.stderr.write("\a")
                    app.stderr.flush()


def expression(text: str | None) -> Any:
    """The regular expression of ``--matching``. Raises UsageError."""
    import re

    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise UsageError(f"--matching: {text!r} is not a regular expression ({error})") from None


def settle(app: cli.App) -> float:
    """How long the table keeps a row back while it measures its columns; the rest is live."""
    from xmppctl.cli.results import IDLE_SECONDS

    return 2 * IDLE_SECONDS if app.format == "table" else 0.0
