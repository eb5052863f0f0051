"""``xmppctl mam``: messages from the archive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import click

from xmppctl import cli
from xmppctl.cli.params import JID, WHEN
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.message import Message

cmd = cli.group("mam", section="Messages", help="Read the message archive (XEP-0313).")

DEFAULT_LAST = 50


@cmd.command(
    "query",
    examples=(
        "xmppctl mam query --with bob@example.org --last 10",
        "xmppctl mam query --start yesterday --end today --json | jq -r '.[].body'",
        "xmppctl -o jsonl mam query --all > archive.jsonl",
    ),
)
@click.option("--with", "with_", type=JID, help="Only messages to or from this JID.")
@click.option("--start", type=WHEN, metavar="WHEN", help="Only messages from this time on.")
@click.option("--end", type=WHEN, metavar="WHEN", help="Only messages up to this time.")
@click.option("--last", type=click.IntRange(min=1), metavar="N",
              help="The last N messages; 50 by default.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="All messages, page by page.")
@click.option("--page-size", type=click.IntRange(1, 1000), default=100, show_default=True,
              help="Messages asked for at once; servers may give fewer.")  # fmt: skip
@cli.pass_app
async def query(
    app: cli.App,
    with_: Jid | None,
    start: datetime | None,
    end: datetime | None,
    last: int | None,
    everything: bool,
    page_size: int,
) -> AsyncIterator[Message]:
    """Show archived messages, oldest first; the last 50 unless told otherwise."""
    if everything and last is not None:
        raise UsageError("--all and --last exclude each other")
    if start is not None and end is not None and end < start:
        raise UsageError("--end is before --start")
    from xmppctl.protocol import mam

    wanted = mam.Filter(with_, start, end)
    async with app.session() as session:
        if everything:
            async for message in mam.forwards(
                session, wanted, page_size=page_size, raw=app.raw_xml
            ):
                yield message
            return
        async for message in mam.latest(
            session, wanted, last or DEFAULT_LAST, page_size=page_size, raw=app.raw_xml
        ):
            yield message
