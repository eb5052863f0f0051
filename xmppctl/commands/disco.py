"""``xmppctl disco``: what entities are, what they can do, and what is below them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import click

from xmppctl import cli
from xmppctl.cli.params import JID
from xmppctl.errors import UsageError, from_info
from xmppctl.model.disco import DiscoEntry, DiscoInfo, DiscoItem
from xmppctl.model.jid import Jid

cmd = cli.group("disco", section="Services", help="Discover services, features and items.")

_jid = click.argument("jid", type=JID, required=False)
_node = click.option("--node", metavar="NODE", help="Node of the entity; none by default.")


_depth = click.option(
    "--depth",
    type=click.IntRange(min=0, max=20),
    default=1,
    show_default=True,
    help="Levels below the entity.",
)


@cmd.command(
    "info", examples=("xmppctl disco info", "xmppctl disco info conference.example.org --json")
)
@_jid
@_node
@cli.pass_app
async def info(app: cli.App, jid: Jid | None, node: str | None) -> DiscoInfo:
    """Show identities, features and forms of an entity; the own server by default."""
    from xmppctl.protocol import disco

    async with app.session() as session:
        return await disco.info(session, jid or session.domain, node)


@cmd.command(
    "items",
    examples=("xmppctl disco items example.org", "xmppctl -o plain disco items | sort"),
)
@_jid
@_node
@click.option("--recurse", type=click.IntRange(min=0, max=20), default=0, metavar="N",
              help="Also the items of the items, so many levels down.")  # fmt: skip
@cli.pass_app
async def items(
    app: cli.App, jid: Jid | None, node: str | None, recurse: int
) -> AsyncIterator[DiscoItem]:
    """List the items of an entity; of the own server by default.

    With --recurse, items that cannot be asked in their turn are told on standard error.
    """
    from xmppctl.protocol import disco

    async with app.session() as session:
        begin = jid or session.domain
        if not recurse:
            async for item in disco.items(session, begin, node):
                yield item
            return
        timeout = session.account.timeout
        walk = disco.walk(session, begin, node, depth=recurse + 1, timeout=timeout)
        async for entry in walk:
            if entry.error is not None and entry.depth == 0:
                raise from_info(entry.error)
            if entry.error is not None:
                app.warn(f"{entry.jid} cannot be asked: {entry.error.text}")
            if entry.depth:
                yield DiscoItem(entry.jid, entry.node, entry.name)


@cmd.command(
    "find",
    examples=(
        "xmppctl disco find urn:xmpp:http:upload:0",
        "xmppctl -o plain disco find --category conference --type text",
    ),
)
@click.argument("features", metavar="[FEATURE]...", nargs=-1)
@click.option("--category", help="Category of an identity, such as conference.")
@click.option("--type", "kind", help="Type of that identity, such as text.")
@click.option("--below", "jid", type=JID, help="Where to begin; the own server by default.")
@_depth
@cli.pass_app
async def find(
    app: cli.App,
    features: tuple[str, ...],
    category: str | None,
    kind: str | None,
    jid: Jid | None,
    depth: int,
) -> AsyncIterator[DiscoEntry]:
    """Find entities with all the given features or an identity.

    Entities that cannot be asked are told on standard error.
    """
    if not features and category is None and kind is None:
        raise UsageError("name a FEATURE, --category or --type")
    from xmppctl.protocol import disco

    matches = disco.matcher(features, category, kind)
    async with app.session() as session:
        timeout = session.account.timeout
        async for entry in disco.walk(session, jid or session.domain, depth=depth, timeout=timeout):
            if entry.error is not None:
                app.warn(f"{entry.jid} cannot be asked: {entry.error.text}")
            if matches(entry):
                yield entry


@cmd.command(
    "tree",
    examples=("xmppctl disco tree", "xmppctl disco tree example.org --depth 2 --json"),
)
@_jid
@_depth
@cli.pass_app
async def tree(app: cli.App, jid: Jid | None, depth: int) -> AsyncIterator[DiscoEntry]:
    """Show an entity and everything below it, with identities and features.

    Something that cannot be asked is a row with an error; the exit code is 9 then.
    """
    from xmppctl.protocol import disco

    async with app.session() as session:
        timeout = session.account.timeout
        async for entry in disco.walk(session, jid or session.domain, depth=depth, timeout=timeout):
            yield entry
