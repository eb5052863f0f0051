"""``roster suggest``: contacts for the list of somebody else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.params import JID, NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.roster import cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.rosterx import Suggestion

if TYPE_CHECKING:
    from xmppctl.model.rosterx import Suggested


@cmd.command(
    "suggest",
    section="Suggestions",
    examples=(
        "xmppctl roster suggest juliet@example.com --add 'nurse@example.com,Nurse,Household'",
        "xmppctl roster suggest juliet@example.com/balcony --file contacts.json",
        "xmppctl roster suggest juliet@example.com --delete paris@example.com --text 'not him'",
    ),
    targets=True,
)
@click.argument("jid", type=JID)
@click.option("--add", multiple=True, type=NONEMPTY, metavar="JID[,NAME[,GROUP...]]",
              help="Suggest to add this contact; repeatable.")  # fmt: skip
@click.option("--delete", multiple=True, type=NONEMPTY, metavar="JID[,NAME[,GROUP...]]",
              help="Suggest to remove this contact, with groups: from these; repeatable.",
              )  # fmt: skip
@click.option("--modify", multiple=True, type=NONEMPTY, metavar="JID[,NAME[,GROUP...]]",
              help="Suggest this name and these groups; repeatable.")  # fmt: skip
@click.option("--file", metavar="FILE|-", type=click.Path(allow_dash=True),
              help="Suggest what this file has, as roster export writes it.")  # fmt: skip
@click.option("--text", type=NONEMPTY,
              help="Words that go with it, in a message; without any, archives keep nothing.",
              )  # fmt: skip
@cli.pass_app
async def suggest(
    app: cli.App,
    jid: Jid,
    add: tuple[str, ...],
    delete: tuple[str, ...],
    modify: tuple[str, ...],
    file: str | None,
    text: str | None,
) -> AsyncIterator[Suggestion]:
    """Suggest contacts to somebody (XEP-0144).

    Additions, removals and modifications go in stanzas of their own. A client that knows of
    suggestions gets a request, when its full JID is given; all others get messages. From people,
    clients mostly heed additions alone.
    """
    items = [
        *_given("add", add),
        *_given("delete", delete),
        *_given("modify", modify),
        *(_of_file(app, file) if file is not None else ()),
    ]
    if not items:
        raise UsageError("no contact is suggested: give --add, --delete, --modify or --file")
    from xmppctl.protocol import rosterx

    check_characters("text", text)
    async with app.session() as session:
        async for result in rosterx.suggest(session, jid, items, text):
            yield result


def _given(action: Any, values: Sequence[str]) -> list[Suggested]:
    from xmppctl.commands.roster import _formats
    from xmppctl.model.rosterx import Suggested

    found = []
    for value in values:
        try:
            entry = _formats.line(value)
        except ValueError as error:
            raise UsageError(f"--{action} {value!r}: {error}") from None
        found.append(Suggested(action, entry.jid, entry.name, list(entry.groups or ())))
    return found


def _of_file(app: cli.App, file: str) -> list[Suggested]:
    from xmppctl.commands.roster import _formats
    from xmppctl.model.rosterfile import BadEntry
    from xmppctl.model.rosterx import Suggested

    found = []
    for entry in _formats.read(app.read_file(file), "auto"):
        if isinstance(entry, BadEntry):  # half of a suggestion is another suggestion
            raise UsageError(f"{file}: {entry.error.text}", step="input")
        action: Any = entry.action or "add"
        found.append(Suggested(action, entry.jid, entry.name or None, list(entry.groups or ())))
    return found
