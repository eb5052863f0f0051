"""``roster apply``: what others suggest for the own list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import click

from xmppctl import cli
from xmppctl.cli.params import DURATION, JID
from xmppctl.commands.roster import cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.rosterx import Applied


@cmd.command(
    "apply",
    section="Suggestions",
    examples=(
        "xmppctl roster apply --from juliet@example.com",
        "xmppctl roster apply --from icq.example.com --for 1m --yes",
        "xmppctl -o jsonl --raw-xml mam query --with juliet@example.com |"
        " xmppctl roster apply --from juliet@example.com --file - --yes",
    ),
)
@click.option("--from", "sender", type=JID, required=True, metavar="JID",
              help="Whose suggestions; those of others are left alone.")  # fmt: skip
@click.option("--file", metavar="FILE|-", type=click.Path(allow_dash=True),
              help="Suggestions in JSON, or messages with --raw-xml, instead of waiting.",
              )  # fmt: skip
@click.option("--count", type=click.IntRange(min=1), metavar="N",
              help="End after N suggestions; without --for after the first.")  # fmt: skip
@click.option("--for", "seconds", type=DURATION, metavar="D",
              help="End after this time; fewer than --count are then an error.")  # fmt: skip
@cli.pass_app
async def apply(
    app: cli.App, sender: Jid, file: str | None, count: int | None, seconds: float | None
) -> AsyncIterator[Applied]:
    """Apply suggested changes of the contact list (XEP-0144).

    Each change is asked about; with --yes all are made. What is so already is left alone, and
    removals are heeded only from somebody with a subscription. An added contact is asked for its
    presence.
    """
    if file is not None and (count is not None or seconds is not None):
        raise UsageError("--count and --for are for waiting, --file does not wait")
    approve = _approval(app, file)
    found = None
    if file is not None:
        from xmppctl.commands.roster import _suggestions

        found, failed, others = _suggestions.read(app.read_file(file), sender)
        for record in failed:
            yield record
        if others:
            app.warn(f"{others} suggestions are not by {sender}, and left out")
        if not found:
            return
    from contextlib import aclosing

    from xmppctl.protocol import rosterapply

    async with app.session() as session:
        if found is not None:
            for by, items in found:
                for record in await rosterapply.carry_out(session, by, items, approve):
                    yield record
            return
        suggestions = rosterapply.incoming(
            session,
            sender,
            count=1 if count is None and seconds is None else count,
            seconds=seconds,
            ready=lambda: app.status(f"listening as {session.jid}"),
        )
        async with aclosing(suggestions):
            async for by, items in suggestions:
                for record in await rosterapply.carry_out(session, by, items, approve):
                    yield record


def _approval(app: cli.App, file: str | None) -> Callable[[str], bool]:
    """How each change is asked about. Raises UsageError where nobody can be asked."""
    from xmppctl.cli.stdin import is_terminal

    if app.option("yes"):
        return lambda question: True
    if app.no_input or file == "-" or not is_terminal(app.stdin):
        raise UsageError(
            "nobody can be asked about the changes, nothing was done",
            hint="give --yes to make all that are suggested",
        )

    def ask(question: str) -> bool:
        try:
            app.confirm(question)
        except UsageError:
            return False
        return True

    return ask
