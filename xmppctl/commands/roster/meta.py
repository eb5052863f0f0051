"""``roster meta``: contacts that are one person."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.roster import cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.rosterdata import Metacontact, MetaRemoved

meta = cmd.group("meta", section="Beside the list", help="Contacts that are one person (XEP-0209).")


@meta.command(
    "list", examples=("xmppctl roster meta list", "xmppctl --json roster meta list | jq length")
)
@cli.pass_app
async def list_(app: cli.App) -> list[Metacontact]:
    """List the metacontacts with their members."""
    from xmppctl.protocol import metacontacts

    async with app.session() as session:
        return await metacontacts.fetch(session)


@meta.command(
    "set",
    examples=(
        "xmppctl roster meta set juliet juliet@example.com juliet@work.example",
        "xmppctl roster meta set juliet juliet@example.com --order 5",
    ),
)
@click.argument("tag", type=NONEMPTY)
@click.argument("jids", type=BARE_JID, nargs=-1, required=True, metavar="JID...")
@click.option(
    "--order",
    type=click.IntRange(0, 2**32 - 1),
    metavar="N",
    help="How much it is preferred: of the last JID, each one before gets the next higher.",
)
@cli.pass_app
async def set_(app: cli.App, tag: str, jids: tuple[Jid, ...], order: int | None) -> Metacontact:
    """Put contacts into a metacontact, and out of any other.

    TAG is a name of your own choice, the same in all your accounts. Its other members stay.
    """
    from xmppctl.protocol import metacontacts

    wanted = list(dict.fromkeys(jids))
    if order is not None and order + len(wanted) - 1 > metacontacts.LARGEST:
        raise UsageError(f"--order {order} is too large for {len(wanted)} contacts")
    check_characters("tag", tag)
    async with app.session() as session:
        return await metacontacts.put(session, tag, wanted, order)


@meta.command(
    "remove",
    examples=(
        "xmppctl roster meta remove juliet@work.example",
        "xmppctl roster meta remove juliet@work.example --if-exists",
    ),
)
@click.argument("jid", type=BARE_JID)
@click.option("--if-exists", is_flag=True, help="A contact in no metacontact is no failure.")
@cli.pass_app
async def remove(app: cli.App, jid: Jid, if_exists: bool) -> MetaRemoved:
    """Take a contact out of its metacontact; it stays a contact."""
    from xmppctl.protocol import metacontacts

    async with app.session() as session:
        return await metacontacts.remove(session, jid, if_exists=if_exists)
