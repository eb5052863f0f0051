"""Verb of ``xmppctl pep``: items with any payload."""

from __future__ import annotations

from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands._element import read_element
from xmppctl.commands.pep import _options as common
from xmppctl.commands.pep import cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.pep import PepItem


@cmd.command(
    "raw",
    examples=(
        "xmppctl pep raw urn:xmpp:reach:0 bob@example.org",
        """echo "<game xmlns='urn:xmpp:gaming:0'><name>Chess</name></game>" |
  xmppctl pep raw urn:xmpp:gaming:0 --set -""",
        "xmppctl pep raw urn:xmpp:gaming:0 --clear",
    ),
)
@click.argument("node", type=NONEMPTY)
@common.contact
@click.option("--set", "path", metavar="FILE|-", type=click.Path(allow_dash=True),
              help="Publish the XML element in FILE.")  # fmt: skip
@click.option("--id", "ids", type=NONEMPTY, multiple=True, metavar="ID",
              help="Publish ('current' without), show or clear this item.")  # fmt: skip
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Show the newest N items.")
@common.clear
@common.publishing
@cli.pass_app
async def raw(app: cli.App, /, **options: Any) -> list[PepItem]:
    """Show the items of a node of an account, or publish one.

    For what has no verb of its own, such as reachability (XEP-0152) or gaming (XEP-0196). To clear
    is to publish an empty element in the place of the item, which is what most of these XEPs ask
    for; xmppctl pubsub retract removes it. What goes to a node that is known for private data
    is published only where nobody else can read it.
    """
    path: str | None = options["path"]
    common.check(options, given=path is not None)
    changing = path is not None or options["clear"]
    ids: tuple[str, ...] = options["ids"]
    if changing and (len(ids) > 1 or options["last"] is not None):
        raise UsageError("--last and a second --id are for showing items")
    if ids and options["last"] is not None:
        raise UsageError("--id and --last exclude each other")
    check_characters("id", *ids)
    node: str = options["node"]
    payload = None if path is None else read_element(app, path)
    from xmppctl.protocol import pepvalues
    from xmppctl.protocol.pepvalues import anything
    from xmppctl.protocol.pubsub import Item, reserved

    if anything.is_private(node) and options["access"] not in (None, "whitelist"):
        raise UsageError(f"the node {node} is for private data: --access whitelist, or none")
    if payload is not None:
        reserved.check(node, payload)
    jid: Jid | None = options["jid"]
    async with app.session() as session:
        if not changing:
            found = await pepvalues.of(session, node, jid, ids=ids, last=options["last"])
            return anything.records(pepvalues.owner(session, jid), node, found, ids)
        identifier = ids[0] if ids else pepvalues.CURRENT
        if payload is None:
            identifier, payload = await anything.emptied(session, node, ids[0] if ids else None)
        value = await pepvalues.publish(
            session,
            node,
            payload,
            anything.privacy(node) or common.want(options),
            reconfigure=options["reconfigure"],
            identifier=identifier,
        )
        item = Item(identifier, value.payload)
        return anything.records(session.bare, node, [item], ())
