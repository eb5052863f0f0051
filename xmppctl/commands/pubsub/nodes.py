"""Verbs of ``xmppctl pubsub``: which nodes there are, and what they tell of themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import click

from xmppctl import cli
from xmppctl.commands.pubsub import _service as arguments
from xmppctl.commands.pubsub import cmd
from xmppctl.commands.pubsub._service import Service
from xmppctl.model.disco import ItemCount
from xmppctl.model.pubsub import Node, NodeInfo


@cmd.command(
    "nodes",
    examples=(
        "xmppctl pubsub nodes self",
        "xmppctl -o plain pubsub nodes pubsub.example.org --limit 50",
        "xmppctl -o plain pubsub nodes pubsub.example.org --count",
    ),
)
@arguments.service
@arguments.optional_node
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="No more than N nodes.")
@click.option("--count", is_flag=True, help="Only how many there are, as an object.")
@cli.pass_app
async def nodes(
    app: cli.App, service: Service, node: str | None, limit: int | None, count: bool
) -> AsyncIterator[Node]:
    """List the nodes of a service or an account.

    SVC is a service, an account, or self: the own account. With NODE, a collection (XEP-0248), the
    nodes in it. Services show the nodes that they want this account to see.
    """
    from xmppctl.protocol.pubsub import nodes as operations

    given = 0
    async with (
        app.session() as session,
        aclosing(operations.listing(session, service.jid, node)) as found,
    ):
        async for each in found:
            yield each
            given += 1
            if given == limit:
                return


@nodes.instead("count")
@cli.pass_app
async def _count(
    app: cli.App, service: Service, node: str | None, limit: int | None, count: bool
) -> ItemCount:
    from xmppctl.protocol.pubsub import nodes as operations
    from xmppctl.protocol.pubsub.asking import name_of

    async with app.session() as session:
        found = [each async for each in operations.listing(session, service.jid, node)]
        return ItemCount(name_of(session, service.jid), node, len(found[:limit]))


@cmd.command(
    "info",
    examples=(
        "xmppctl pubsub info pubsub.example.org news --json",
        "xmppctl -o plain --fields access_model pubsub info self urn:xmpp:bookmarks:1",
    ),
)
@arguments.service_or_node
@arguments.node_behind
@cli.pass_app
async def info(app: cli.App, first: str, second: str | None) -> NodeInfo:
    """Show what a node tells of itself.

    Without SVC a node of the own account. For the owner of the node this includes what its
    configuration says.
    """
    service, node = arguments.place(first, second)
    from xmppctl.protocol.pubsub import nodes as operations

    async with app.session() as session:
        return await operations.info(session, service.jid, node)
