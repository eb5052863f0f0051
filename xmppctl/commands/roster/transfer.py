"""``roster export``, ``import``, ``diff``: the contact list as a file, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.progress import counting
from xmppctl.commands.roster import cmd
from xmppctl.errors import UsageError
from xmppctl.model.rosterfile import BadEntry, RosterChange, RosterDiff

if TYPE_CHECKING:
    from xmppctl.model.rosterfile import Entry

_HEADING = "Files"
_FORMS = ("json", "csv", "list")

_file = click.argument("file", metavar="FILE|-", type=click.Path(allow_dash=True))
_form = click.option(
    "--as",
    "form",
    type=click.Choice(["auto", *_FORMS]),
    default="auto",
    show_default=True,
    help="How the file is written.",
)


@cmd.command(
    "export",
    section=_HEADING,
    examples=(
        "xmppctl roster export > contacts.json",
        "xmppctl roster export --as csv --out contacts.csv",
        "xmppctl -a old roster export | xmppctl -a new roster import - --subscribe",
    ),
)
@click.option("--as", "form", type=click.Choice(_FORMS), default="json", show_default=True,
              help="JSON, CSV, or one JID[,NAME[,GROUP...]] in a line.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
              help="Into this file, as a whole or not at all; - for standard output.")  # fmt: skip
@cli.pass_app
async def export(app: cli.App, form: str, out: str | None) -> None:
    """Write the contacts into a file that import reads.

    To standard output without --out, in the form of --as whatever -o says. JSON and CSV hold the
    state of the subscriptions too.
    """
    from xmppctl.cli.files import deliver
    from xmppctl.commands.roster import _formats
    from xmppctl.protocol import roster

    async with app.session() as session:
        contacts = await roster.fetch(session)
    deliver(app, _formats.write(contacts, form), out)
    app.status(f"{len(contacts)} contact{'s' * (len(contacts) != 1)} exported")


@cmd.command(
    "import",
    section=_HEADING,
    examples=(
        "xmppctl roster import contacts.json --dry-run",
        "xmppctl roster import - --subscribe < contacts.txt",
        "xmppctl roster import contacts.json --prune --yes",
    ),
    targets=True,
)
@_file
@_form
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.option("--subscribe", is_flag=True,
              help="Ask for the presence of who had granted it, or of whom the file says nothing.",
              )  # fmt: skip
@click.option("--prune", is_flag=True, help="Remove contacts that the file does not have.")
@cli.pass_app
async def import_(
    app: cli.App, file: str, form: str, dry_run: bool, subscribe: bool, prune: bool
) -> AsyncIterator[RosterChange]:
    """Make contacts of what a file says.

    It is what export wrote, or one JID[,NAME[,GROUP...]] in a line. What is already so is not sent
    again; what the file does not say of a contact stays.
    """
    wanted = _read(app, file, form)
    if prune:
        _check_prune(wanted)
        if not dry_run:
            app.confirm(f"remove all contacts that {file} does not have?")
    from xmppctl.protocol import roster, rosterimport

    async with app.session() as session:
        contacts = await roster.fetch(session)
        steps = rosterimport.plan(session, contacts, wanted, subscribe=subscribe, prune=prune)
        if dry_run:
            for step in steps:
                asked = step.ask if subscribe and step.bad is None else None
                yield RosterChange(step.jid, step.action, asked, step.bad)
            return
        done = 0
        with counting(app, "contacts", len(steps)) as told:
            async for change in rosterimport.apply(session, steps):
                done += 1
                if not app.stdout.isatty():  # where the records themselves are seen
                    told(done)
                yield change


@cmd.command(
    "diff",
    section=_HEADING,
    examples=(
        "xmppctl roster diff contacts.json",
        "xmppctl roster diff - < contacts.txt",
    ),
)
@_file
@_form
@cli.pass_app
async def diff(app: cli.App, file: str, form: str) -> list[RosterDiff]:
    """Show what import would change.

    A contact that the file does not have is shown too: import removes it only with --prune.
    """
    wanted = _read(app, file, form)
    from xmppctl.protocol import roster, rosterimport

    async with app.session() as session:
        contacts = await roster.fetch(session)
    steps = rosterimport.plan(session, contacts, wanted, prune=True)
    return [step.difference for step in steps if step.action != "unchanged"]


def _read(app: cli.App, file: str, form: str) -> list[Entry | BadEntry]:
    from xmppctl.commands.roster import _formats

    found = _formats.read(app.read_file(file), form)
    return [
        _formats.bad(each.jid, each.jid, f"{each.action} is a suggestion, for roster apply")
        if not isinstance(each, BadEntry) and each.action not in (None, "add")
        else each
        for each in found
    ]


def _check_prune(wanted: list[Entry | BadEntry]) -> None:
    """A broken or empty file must not cost all contacts."""
    broken = sum(isinstance(each, BadEntry) for each in wanted)
    if broken:
        raise UsageError(
            f"{broken} records cannot be read, and --prune would remove what they mean",
            hint="import without --prune shows them",
        )
    if not wanted:
        raise UsageError("the file is empty, and --prune would remove all contacts")
