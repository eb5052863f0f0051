"""``xmppctl block``: whom the own server keeps away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Literal

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.targets import Targets, argument
from xmppctl.cli.texts import check_characters
from xmppctl.errors import UsageError
from xmppctl.model.blocking import BlockChange, Blocked

if TYPE_CHECKING:
    from xmppctl.protocol.blocking import Report
    from xmppctl.session import Session

cmd = cli.group("block", section="Contacts", help="Block and unblock JIDs (XEP-0191).")


@cmd.command("list", examples=("xmppctl block list", "xmppctl -o plain block list | wc -l"))
@cli.pass_app
async def list_(app: cli.App) -> list[Blocked]:
    """List what is blocked."""
    from xmppctl.protocol import blocking

    async with app.session() as session:
        return await blocking.fetch(session)


@cmd.command(
    "add",
    examples=(
        "xmppctl block add villain@example.org spam.example",
        "xmppctl block add - < villains.txt",
        "xmppctl block add villain@example.org --report spam --text 'three times a day'",
    ),
    targets=True,
)
@argument
@click.option("--report", "reason", type=click.Choice(["spam", "abuse"]),
              help="Report it to the own server too, for this reason.")  # fmt: skip
@click.option("--text", type=NONEMPTY, help="Explanation that goes with the report.")
@click.option("--stanza-id", "stanza_ids", multiple=True, type=NONEMPTY, metavar="ID",
              help="Archive id of a message that is reported; repeatable.")  # fmt: skip
@click.option("--third-party", is_flag=True,
              help="Allow that the report is passed on to third parties.")  # fmt: skip
@click.option("--report-origin", is_flag=True,
              help="Allow that the report is passed on to the sender's server.")  # fmt: skip
@cli.pass_app
async def add(
    app: cli.App,
    words: tuple[str, ...],
    reason: Literal["spam", "abuse"] | None,
    text: str | None,
    stanza_ids: tuple[str, ...],
    third_party: bool,
    report_origin: bool,
) -> AsyncIterator[BlockChange]:
    """Block accounts, resources or whole domains.

    With - as JID they come from standard input, one in a line. Each is done when the list, read
    again, has it.
    """
    from xmppctl.protocol import blocking

    targets = _targets(app, words)
    report = _report(reason, text, stanza_ids, third_party, report_origin, targets)
    async for change in _changed(
        app, targets, lambda session: blocking.add(session, targets.jids, report)
    ):
        yield change


@cmd.command(
    "remove",
    examples=(
        "xmppctl block remove villain@example.org",
        "xmppctl block remove --if-exists - < pardoned.txt",
    ),
    targets=True,
)
@argument
@click.option("--if-exists", is_flag=True, help="What is not blocked is no failure.")
@cli.pass_app
async def remove(
    app: cli.App, words: tuple[str, ...], if_exists: bool
) -> AsyncIterator[BlockChange]:
    """Unblock JIDs.

    With - as JID they come from standard input, one in a line. No JID at all unblocks nothing.
    """
    from xmppctl.protocol import blocking

    targets = _targets(app, words)
    async for change in _changed(
        app,
        targets,
        lambda session: blocking.remove(session, targets.jids, if_exists=if_exists),
    ):
        yield change


@cmd.command("clear", examples=("xmppctl block clear --yes",), targets=True)
@cli.pass_app
async def clear(app: cli.App) -> list[Blocked]:
    """Unblock all; prints what is blocked then, which is nothing."""
    from xmppctl.protocol import blocking

    app.confirm("unblock all that is blocked?")
    async with app.session() as session:
        count, left = await blocking.clear(session)
    app.afterwards(f"{count} unblocked")
    return left


def _targets(app: cli.App, words: tuple[str, ...]) -> Targets[BlockChange]:
    return Targets(app, words, lambda text, error: BlockChange(text, None, None, error), bare=False)


async def _changed(
    app: cli.App,
    targets: Targets[BlockChange],
    change: Callable[[Session], Awaitable[list[BlockChange]]],
) -> AsyncIterator[BlockChange]:
    if not targets.jids:  # nothing to ask a server for, and an empty request would unblock all
        for record in targets.records([]):
            yield record
        return
    async with app.session() as session:
        changes = await change(session)
        if any(each.reported is False for each in changes):
            app.warn("blocked, but the report is ignored: the server takes none (XEP-0377)")
        for record in targets.records(changes):
            yield record


def _report(
    reason: Literal["spam", "abuse"] | None,
    text: str | None,
    stanza_ids: tuple[str, ...],
    third_party: bool,
    report_origin: bool,
    targets: Targets[BlockChange],
) -> Report | None:
    if reason is None:
        if text or stanza_ids or third_party or report_origin:
            raise UsageError("a report needs its reason: --report spam or --report abuse")
        return None
    if stanza_ids and len(targets.jids) > 1:
        # XEP-0377 §6: the messages should be by the very JID that is reported
        raise UsageError("--stanza-id reports the messages of one JID, and several were given")
    from xmppctl.protocol.blocking import Report

    check_characters("report", text, *stanza_ids)
    return Report(reason, text, stanza_ids, third_party, report_origin)
