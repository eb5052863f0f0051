"""``xmppctl bookmark list``."""

from __future__ import annotations

from xmppctl import cli
from xmppctl.commands.bookmark import cmd
from xmppctl.commands.bookmark._arguments import passwords, store
from xmppctl.model.bookmark import Bookmark, Choice


@cmd.command(
    "list",
    examples=(
        "xmppctl bookmark list",
        "xmppctl -o plain bookmark list | wc -l",
        "xmppctl --json bookmark list --store private | jq '.[] | select(.autojoin)'",
    ),
)
@store
@passwords
@cli.pass_app
async def list_(app: cli.App, store: Choice, show_passwords: bool) -> list[Bookmark]:
    """List the bookmarks.

    Those of all stores of the server, each once; the column source tells where it is kept. Of a
    room that several stores have, the first of pep, private and pep-legacy counts. No room is
    joined.
    """
    from xmppctl.protocol.bookmarks import stores

    async with app.session() as session:
        return await stores.fetch(session, store, app.warn, password=show_passwords)
