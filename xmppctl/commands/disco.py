"""``xmppctl disco``: what entities are, what they can do, and what is below them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli import paging
from xmppctl.cli.params import JID
from xmppctl.errors import UsageError, from_info
from xmppctl.model.disco import DiscoEntry, DiscoInfo, DiscoItem, ItemCount
from xmppctl.model.jid import Jid

if TYPE_CHECKING:
    from xmppctl.session import Session

cmd = cli.group("disco", section="Services", help="Discover services, features and items.")

_ENTITIES = 1000
"""How many entities are asked unless told otherwise: what is below one is chosen by strangers."""

_jid = click.argument("jid", type=JID, required=False)
_node = click.option("--node", metavar="NODE", help="Node of the entity; none by default.")


_depth = click.option(
    "--depth",
    type=click.IntRange(min=0, max=20),
    default=1,
    show_default=True,
    help="Levels below the entity.",
)
_limit = click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=_ENTITIES,
    show_default=True,
    metavar="N",
    help="Ask no more than N entities; that there are more fails the run.",
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
        return await disco.info(session, jid or session.domain, node, must_exist=True)


@cmd.command(
    "items",
    examples=(
        "xmppctl disco items example.org",
        "xmppctl -o plain disco items | sort",
        "xmppctl disco items conference.example.org --max 20 -v",
        "xmppctl -o plain disco items conference.example.org --count",
    ),
)
@_jid
@_node
@click.option("--recurse", type=click.IntRange(min=0, max=20), metavar="N",
              help="Also the items of the items, so many levels down.")  # fmt: skip
@paging.options("items")
@cli.pass_app
async def items(
    app: cli.App, /, jid: Jid | None, node: str | None, **options: Any
) -> AsyncIterator[DiscoItem]:
    """List the items of an entity; of the own server by default.

    With --recurse, items that cannot be asked in their turn are told on standard error. Pages
    (--after, --before, --index) are for entities that offer them (XEP-0059).
    """
    part = paging.part(options, alone=("recurse",))
    from xmppctl.protocol import disco

    async with app.session() as session:
        begin = jid or session.domain
        if options["recurse"]:
            found = _below(app, session, begin, node, options["recurse"] + 1, part.limit)
        else:
            found = disco.part(session, begin, node, part)
        async with aclosing(found):
            given = 0
            async for item in found:
                yield item
                given += 1
                if given == part.limit:
                    return


@items.instead("count")
@cli.pass_app
async def _count(app: cli.App, /, jid: Jid | None, node: str | None, **options: Any) -> ItemCount:
    paging.part(options, alone=("recurse",))
    from xmppctl.protocol import disco

    async with app.session() as session:
        begin = jid or session.domain
        return ItemCount(str(begin), node, await disco.count(session, begin, node))


async def _below(
    app: cli.App,
    session: Session,
    begin: Jid | str,
    node: str | None,
    depth: int,
    limit: int | None,
) -> AsyncGenerator[DiscoItem, None]:
    from xmppctl.protocol import disco

    timeout, most = session.account.timeout, 1 + (limit or _ENTITIES)
    async for entry in disco.walk(session, begin, node, depth=depth, timeout=timeout, limit=most):
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
@_limit
@cli.pass_app
async def find(
    app: cli.App,
    features: tuple[str, ...],
    category: str | None,
    kind: str | None,
    jid: Jid | None,
    depth: int,
    limit: int,
) -> AsyncIterator[DiscoEntry]:
    """Find entities with all the given features or an identity.

    Entities that cannot be asked are told on standard error.
    """
    if not features and category is None and kind is None:
        raise UsageError("name a FEATURE, --category or --type")
    from xmppctl.protocol import disco

    matches = disco.matcher(features, category, kind)
    async with app.session() as session:
        begin, timeout = jid or session.domain, session.account.timeout
        async for entry in disco.walk(session, begin, depth=depth, timeout=timeout, limit=limit):
            if entry.error is not None and entry.depth == 0:
                raise from_info(entry.error)
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
@_limit
@cli.pass_app
async def tree(app: cli.App, jid: Jid | None, depth: int, limit: int) -> AsyncIterator[DiscoEntry]:
    """Show an entity and everything below it, with identities and features.

    Something that cannot be asked is a row with an error; the exit code is 9 then.
    """
    from xmppctl.protocol import disco

    async with app.session() as session:
        begin, timeout = jid or session.domain, session.account.timeout
        async for entry in disco.walk(session, begin, depth=depth, timeout=timeout, limit=limit):
            yield entry
