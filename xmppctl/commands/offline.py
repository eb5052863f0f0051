"""``xmppctl offline``: messages that wait on the server, without coming online."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands._opening import opener
from xmppctl.errors import ErrorInfo, UsageError, from_info, summarise
from xmppctl.model.offline import OfflineCount, OfflineHeader, OfflineMessage, OfflineRemoval

if TYPE_CHECKING:
    from xmppctl.session import Session

cmd = cli.group(
    "offline", section="Messages", help="Look at messages that wait, not online (XEP-0013)."
)

_nodes = click.argument("nodes", metavar="[NODE]...", nargs=-1, type=NONEMPTY)


@cmd.command("count", examples=("xmppctl -o plain offline count",))
@cli.pass_app
async def count(app: cli.App) -> OfflineCount:
    """Count the messages that wait.

    The account does not come online, and the messages stay for the next client that does.
    """
    from xmppctl.protocol import offline

    async with app.session() as session:
        return OfflineCount(await offline.count(session))


@cmd.command(
    "list", examples=("xmppctl offline list", "xmppctl --json offline list | jq '.[].from'")
)
@cli.pass_app
async def list_(app: cli.App) -> list[OfflineHeader]:
    """List the messages that wait.

    Who sent each, and its NODE, by which get and purge know it. All stay where they are.
    """
    from xmppctl.protocol import offline

    async with app.session() as session:
        return await offline.headers(session)


@cmd.command(
    "get",
    examples=("xmppctl offline get --all", "xmppctl --json offline get 1795888954272196"),
)
@_nodes
@click.option("--all", "everything", is_flag=True, help="All that wait.")
@cli.pass_app
async def get(
    app: cli.App, nodes: tuple[str, ...], everything: bool
) -> AsyncIterator[OfflineMessage]:
    """Show messages that wait, and leave them where they are.

    A NODE is one of those of offline list. One that is not there is a record with an error. What
    is encrypted with OMEMO is shown once: its key is gone then.
    """
    _check(nodes, everything)
    from xmppctl.protocol import offline

    async with app.session() as session:
        headers, absent = await _wanted(session, nodes)
        errors: list[ErrorInfo | None] = []
        for node in absent:
            errors.append(offline.missing(session, node))
            yield OfflineMessage(node=node, error_=errors[-1])
        async for message in offline.view(
            session, headers, raw=app.raw_xml, opener=opener(app, session)
        ):
            # the error of a message that bounced is no failure to read it
            gone = message.id is None and message.from_ is None
            errors.append(message.error_ if gone else None)
            yield message
        outcome = summarise(errors)
        if outcome is not None:
            raise from_info(outcome)


@cmd.command(
    "purge",
    examples=(
        "xmppctl offline purge --all --yes",
        "xmppctl offline purge 1795888954272196 --yes",
    ),
    targets=True,
)
@_nodes
@click.option("--all", "everything", is_flag=True, help="All that wait.")
@cli.pass_app
async def purge(
    app: cli.App, nodes: tuple[str, ...], everything: bool
) -> AsyncIterator[OfflineRemoval]:
    """Remove messages that wait; no client gets them any more.

    A NODE is one of those of offline list. With --all what waits at the beginning is removed, and
    not what comes meanwhile.
    """
    _check(nodes, everything)
    app.confirm("remove messages that nobody has received yet?")
    from xmppctl.protocol import offline

    async with app.session() as session:
        headers, absent = await _wanted(session, nodes)
        for node in absent:
            yield OfflineRemoval(node, error=offline.missing(session, node))
        async for removal in offline.remove(session, headers):
            yield removal


def _check(nodes: Iterable[str], everything: bool) -> None:
    nodes = list(nodes)
    if everything and nodes:
        raise UsageError("--all and NODE exclude each other")
    if not everything and not nodes:
        raise UsageError("which messages? give their NODE, or --all")
    check_characters("name of the message", *nodes)


async def _wanted(
    session: Session, nodes: tuple[str, ...]
) -> tuple[list[OfflineHeader], list[str]]:
    """The headers of the messages that are meant, all without ``nodes``; and what is not there."""
    from xmppctl.protocol import offline

    headers = await offline.headers(session)
    if not nodes:
        return headers, []
    known = {header.node: header for header in headers}
    wanted = dict.fromkeys(nodes)
    return (
        [known[node] for node in wanted if node in known],
        [node for node in wanted if node not in known],
    )
