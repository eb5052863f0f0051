"""``xmppctl file receive``: take files that others offer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.params import DURATION, JID, SIZE
from xmppctl.cli.progress import Progress
from xmppctl.commands.file import _options, cmd
from xmppctl.commands.file._places import Directory
from xmppctl.model.jingle import Transfer

if TYPE_CHECKING:
    from xmppctl.protocol.jingle.files import File

MAX_SIZE = 1024 * 1024 * 1024
"""Bytes of a file where nothing else is said."""


@cmd.command(
    "receive",
    examples=(
        "xmppctl file receive --from bob@example.org --dir incoming",
        "xmppctl -o plain file receive --count 3 --for 1h --max-size 50M",
        "xmppctl -o jsonl file receive --progress --resume --for 1h",
    ),
)
@click.option("--from", "senders", type=JID, multiple=True, metavar="JID",
              help="Only from this account, client or domain; repeat for several; everybody's by "
              "default.")  # fmt: skip
@click.option("--dir", "--out", "directory", type=click.Path(file_okay=False), metavar="DIR",
              default=".", help="Where the files go to; here by default.")  # fmt: skip
@click.option("--max-size", "--accept-size", "max_size", type=SIZE,
              help="Take no file larger than this; 1G by default.")  # fmt: skip
@click.option("--count", type=click.IntRange(min=1), metavar="N",
              help="End after N offers; after one by default, unless --for is given.")  # fmt: skip
@click.option("--for", "seconds", type=DURATION, metavar="D",
              help="End after this time; fewer than --count are then an error.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace files of the same name.")
@click.option("--resume", is_flag=True,
              help="Keep what came of a transfer that breaks off, and continue it when the file is "
              "offered again.")  # fmt: skip
@_options.transport
@_options.addresses
@_options.progress
@cli.pass_app
async def receive(app: cli.App, /, **options: Any) -> AsyncIterator[Transfer]:
    """Take files that other clients send to this one.

    "listening as JID" on standard error names the client to which they may be sent. A file that
    is complete, and has the hash that its sender told, gets a name that nothing had; one that is
    not leaves nothing. Messages are left to other clients.
    """
    direct = _options.direct(options)
    from contextlib import aclosing

    from xmppctl.protocol.jingle import receiving

    directory = Directory(options["directory"], force=options["force"], resume=options["resume"])
    shown = _Shown(app)
    count = options["count"]
    how = receiving.Options(
        senders=options["senders"],
        place=directory.place,
        max_size=MAX_SIZE if options["max_size"] is None else options["max_size"],
        transport=options["via"],
        direct=direct,
        count=1 if count is None and options["seconds"] is None else count,
        seconds=options["seconds"],
        progress=options["progress"],
        moved=shown,
        warn=app.warn,
    )
    async with app.session("acks") as session:

        def ready() -> None:
            app.status(f"listening as {session.jid}")

        try:
            async with aclosing(receiving.receive(session, how, ready)) as records:
                async for record in records:
                    shown.end(record.sid)
                    yield record
        finally:
            shown.end()


class _Shown:
    """How far the files are that are on their way."""

    def __init__(self, app: cli.App) -> None:
        self._app = app
        self._lines: dict[str, Progress] = {}

    def __call__(self, sid: str, file: File, done: int) -> None:
        """So many bytes of this one are there."""
        if sid not in self._lines:
            self._lines[sid] = Progress(self._app, file.name or "a file", file.size)
        self._lines[sid](done)

    def end(self, sid: str | None = None) -> None:
        """Remove its line, or all."""
        for each in list(self._lines) if sid is None else [sid]:
            if each in self._lines:
                self._lines.pop(each).end()
