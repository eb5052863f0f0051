"""Verbs of ``xmppctl pubsub``: reading and retracting the items of a node."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli import paging
from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.pubsub import _service as arguments
from xmppctl.commands.pubsub import cmd
from xmppctl.commands.pubsub._service import Service
from xmppctl.errors import UsageError
from xmppctl.model.disco import ItemCount
from xmppctl.model.paging import Part
from xmppctl.model.pubsub import PubsubItem, PubsubItemId, Retracted

if TYPE_CHECKING:
    from xmppctl.session import Session


@cmd.command(
    "items",
    examples=(
        "xmppctl pubsub items self urn:xmpp:bookmarks:1",
        "xmppctl pubsub items pubsub.example.org news --last 3 --json",
        "xmppctl --json pubsub items bob@example.org urn:xmpp:omemo:2:devices --id current",
        "xmppctl -o plain pubsub items pubsub.example.org news --ids-only",
    ),
)
@arguments.service_or_node
@arguments.node_behind
@click.option("--id", "ids", multiple=True, type=NONEMPTY, metavar="ID",
              help="Only the item with this id; repeatable.")  # fmt: skip
@click.option("--last", type=click.IntRange(min=1), metavar="N",
              help="The N items that were published last.")  # fmt: skip
@paging.options("items")
@click.option("--subid", type=NONEMPTY, metavar="SUBID",
              help="By which subscription, for who has several to the node.")  # fmt: skip
@click.option("--ids-only", is_flag=True, help="Only the ids of the items.")
@cli.pass_app
async def items(app: cli.App, /, **given: Any) -> AsyncIterator[PubsubItem]:
    """Show the items of a node.

    Without SVC a node of the own account. Items come in the order of the service, the oldest
    first as a rule. An id that is not there is a record with an error. A UID is what -v tells of a
    page; where the service gives no pages, it is the id of an item.
    """
    service, node, part = _checked(given)
    async with (
        app.session() as session,
        aclosing(_wanted(session, service, node, part, given)) as found,
    ):
        async for item in found:
            yield item


@items.instead("ids_only")
@cli.pass_app
async def _ids(app: cli.App, /, **given: Any) -> AsyncIterator[PubsubItemId]:
    service, node, part = _checked(given)
    async with (
        app.session() as session,
        aclosing(_wanted(session, service, node, part, given)) as found,
    ):
        async for item in found:
            yield PubsubItemId(item.id)


@items.instead("count")
@cli.pass_app
async def _count(app: cli.App, /, **given: Any) -> ItemCount:
    service, node, _ = _checked(given)
    from xmppctl.protocol.pubsub import reading
    from xmppctl.protocol.pubsub.asking import name_of

    async with app.session() as session:
        number = await reading.count(session, service.jid, node, subid=given["subid"])
        return ItemCount(name_of(session, service.jid), node, number)


async def _wanted(
    session: Session, service: Service, node: str, part: Part, given: dict[str, Any]
) -> AsyncGenerator[PubsubItem, None]:
    from xmppctl.protocol.pubsub import reading

    subid: str | None = given["subid"]
    ids, last = given["ids"], given["last"]
    if ids:
        for item in await reading.chosen(session, service.jid, node, ids, subid=subid):
            yield item
    elif last is not None:
        for item in await reading.newest(session, service.jid, node, last, subid=subid):
            yield item
    else:
        async with aclosing(reading.part(session, service.jid, node, part, subid=subid)) as found:
            async for item in found:
                yield item


def _checked(given: dict[str, Any]) -> tuple[Service, str, Part]:
    check_characters("id of the item", *given["ids"])
    others = ("maximum", "after", "before", "index", "everything", "limit", "count")
    placed = [name for name in others if given[name] is not None and given[name] is not False]
    if given["ids"] and (placed or given["last"] is not None or given["ids_only"]):
        raise UsageError("--id names the items: no --last, no pages, no --count and no --ids-only")
    if given["last"] is not None and placed:
        raise UsageError("--last and options for pages or --count exclude each other")
    if given["ids_only"] and given["count"]:
        raise UsageError("--ids-only and --count exclude each other")
    check_characters("UID", given["after"], given["before"])
    check_characters("id of the subscription", given["subid"])
    return (*arguments.place(given["first"], given["second"]), paging.part(given))


@cmd.command(
    "retract",
    examples=(
        "xmppctl pubsub retract self urn:xmpp:bookmarks:1 ops@conference.example.org",
        "xmppctl pubsub retract pubsub.example.org news --if-exists -- post-1 post-2",
    ),
    targets=True,
)
@arguments.service
@arguments.node
@click.argument("ids", metavar="ID...", nargs=-1, required=True, type=NONEMPTY)
@click.option("--notify/--no-notify", default=True, show_default=True,
              help="Whether subscribers are told; some services always tell.")  # fmt: skip
@arguments.if_exists
@cli.pass_app
async def retract(
    app: cli.App,
    service: Service,
    node: str,
    ids: tuple[str, ...],
    notify: bool,
    if_exists: bool,
) -> AsyncIterator[Retracted]:
    """Delete items of a node.

    Each is looked for before and afterwards: what is not there is an error on every service, and
    so is what stays.
    """
    check_characters("id of the item", *ids)
    from dataclasses import replace

    from xmppctl.protocol.pubsub import removing

    async with (
        app.session() as session,
        aclosing(removing.retract(session, service.jid, node, ids, notify=notify)) as found,
    ):
        async for each in found:
            absent = each.error is not None and each.error.condition == "item-not-found"
            yield replace(each, error=None) if if_exists and absent else each
