"""Verb of ``xmppctl pubsub``: what happens at nodes, as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import click

from xmppctl import cli
from xmppctl.commands.pubsub import _service as arguments
from xmppctl.commands.pubsub import _watching as watching
from xmppctl.commands.pubsub import cmd
from xmppctl.commands.pubsub._service import NODE, Service
from xmppctl.model.pubsubsub import NodeEvent


@cmd.command(
    "watch",
    examples=(
        "xmppctl -o jsonl pubsub watch pubsub.example.org news",
        "xmppctl --json pubsub watch pubsub.example.org builds --new-only --count 1 --for 10m",
        "xmppctl -o jsonl pubsub watch self urn:xmpp:bookmarks:1 | jq -c '.items[].id'",
    ),
)
@arguments.service
@click.argument("nodes", metavar="NODE...", type=NODE, nargs=-1, required=True)
@watching.options
@cli.pass_app
async def watch(
    app: cli.App, /, service: Service, nodes: tuple[str, ...], **given: Any
) -> AsyncIterator[NodeEvent]:
    """Print what happens at nodes: items that come and go.

    "listening as JID" on standard error says that from now on everything is seen. This client is
    subscribed to the nodes until the watch ends, also by a signal; subscriptions of the account
    that were there before stay. At an account it is online meanwhile. Some services make a node
    that is not there. Ends after --count, after --for, or by a signal.
    """
    from contextlib import aclosing

    from xmppctl.protocol.pubsub import watch as operations

    async with app.session("acks") as session:
        events = operations.watch(
            session, service.jid, nodes, watching.how(app, given), watching.ready(app, session)
        )
        async with aclosing(events) as records:
            async for record in records:
                yield record
