"""Verbs of ``xmppctl pep``: the nodes of an account, and what is published to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID
from xmppctl.commands.pep import cmd
from xmppctl.commands.pubsub import _watching as watching
from xmppctl.commands.pubsub._service import NODE
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.pubsubsub import NodeEvent, PepNode

_account = click.argument("jid", metavar="[JID]", type=BARE_JID, required=False)


def _check(jid: Jid | None) -> None:
    if jid is not None and jid.local is None:
        raise UsageError(
            f"{jid} is a domain, not an account", hint="xmppctl pubsub is for services"
        )


@cmd.command("list", examples=("xmppctl pep list", "xmppctl -o plain pep list bob@example.org"))
@_account
@cli.pass_app
async def list_(app: cli.App, jid: Jid | None) -> list[PepNode]:
    """List the nodes of an account, by default of the own one."""
    _check(jid)
    from xmppctl.protocol.pubsub import pepwatch

    async with app.session() as session:
        return await pepwatch.nodes(session, jid)


@cmd.command(
    "watch",
    examples=(
        "xmppctl -o jsonl pep watch --node http://jabber.org/protocol/tune",
        "xmppctl --json pep watch bob@example.org --node urn:xmpp:avatar:metadata "
        "--new-only --count 1 --for 1h",
    ),
)
@_account
@click.option("--node", "nodes", type=NODE, multiple=True, required=True, metavar="NODE",
              help="Node, such as http://jabber.org/protocol/mood; repeatable.")  # fmt: skip
@watching.options
@cli.pass_app
async def watch(
    app: cli.App, /, jid: Jid | None, nodes: tuple[str, ...], **given: Any
) -> AsyncIterator[NodeEvent]:
    """Print what contacts and the own account publish.

    Contacts see the account as online meanwhile. The last item of each comes first, where
    --new-only does not leave it out; "listening as JID" on standard error says that from now on
    everything is seen. With JID only what this account publishes. Some servers do not tell what a
    client that is not online itself publishes: for the own account "pubsub watch self" is sure to
    see it. Ends after --count, after --for, or by a signal.
    """
    _check(jid)
    from contextlib import aclosing

    from xmppctl.protocol.pubsub import pepwatch

    async with app.session("acks") as session:
        events = pepwatch.watch(
            session, jid, nodes, watching.how(app, given), watching.ready(app, session)
        )
        async with aclosing(events) as records:
            async for record in records:
                yield record
