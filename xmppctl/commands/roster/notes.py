"""``roster notes``, ``roster note``: notes about contacts."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID
from xmppctl.cli.texts import check_characters
from xmppctl.commands.roster import cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.rosterdata import Note

_HEADING = "Beside the list"


@cmd.command(
    "notes",
    section=_HEADING,
    examples=("xmppctl roster notes", "xmppctl -o jsonl roster notes | jq -r .note"),
)
@cli.pass_app
async def notes(app: cli.App) -> list[Note]:
    """List the notes about contacts (XEP-0145)."""
    from xmppctl.protocol import rosternotes

    async with app.session() as session:
        return await rosternotes.fetch(session)


@cmd.command(
    "note",
    section=_HEADING,
    examples=(
        "xmppctl roster note juliet@example.com",
        "xmppctl roster note juliet@example.com 'met her at the ball'",
        "date | xmppctl roster note juliet@example.com -",
        "xmppctl roster note juliet@example.com --delete",
    ),
)
@click.argument("jid", type=BARE_JID)
@click.argument("text", required=False)
@click.option("--delete", is_flag=True, help="Remove the note.")
@click.option("--if-exists", is_flag=True, help="With --delete: no note is no failure.")
@cli.pass_app
async def note(app: cli.App, jid: Jid, text: str | None, delete: bool, if_exists: bool) -> Note:
    """Show, write or remove the note about a contact.

    The note becomes TEXT, or with - what standard input says. Without TEXT it is shown, unless
    there is something on standard input. All other notes stay as they are.
    """
    if if_exists and not delete:
        raise UsageError("--if-exists is for --delete")
    if delete and text is not None:
        raise UsageError("TEXT and --delete exclude each other")
    wanted = None if delete else _text(app, text)
    from xmppctl.protocol import rosternotes

    async with app.session() as session:
        if delete:
            return await rosternotes.remove(session, jid, if_exists=if_exists)
        if wanted is None:
            return await rosternotes.get(session, jid)
        return await rosternotes.put(session, jid, wanted)


def _text(app: cli.App, argument: str | None) -> str | None:
    """The text of the note; None where it is to be shown."""
    from xmppctl.cli.stdin import is_terminal

    if argument is None and (app.stdin is None or app.stdin.closed or is_terminal(app.stdin)):
        return None
    text = app.read_text(argument)
    if argument is None and not text:
        return None
    if not text.strip():
        raise UsageError("the note is empty", hint="--delete removes a note")
    check_characters("note", text)
    return text
