"""``account move``, ``account verify-move``: to another address with the contacts (XEP-0283)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID
from xmppctl.commands.account import cmd
from xmppctl.errors import UsageError
from xmppctl.model.moved import MoveCheck, MovedStatement
from xmppctl.model.roster import ContactChange

if TYPE_CHECKING:
    from xmppctl.model.jid import Jid
    from xmppctl.model.rosterfile import BadEntry, Entry

_HEADING = "Moving"


@cmd.command(
    "move",
    section=_HEADING,
    examples=(
        "xmppctl -a old account move --to alice@example.org",
        "xmppctl -a new account move --from alice@example.com",
        "xmppctl -a new account move --from alice@example.com --contacts contacts.json",
        "xmppctl -a old account move --undo",
    ),
)
@click.option("--to", "new", type=BARE_JID, metavar="NEWJID",
              help="On the old account: say that it has moved there.")  # fmt: skip
@click.option("--from", "old", type=BARE_JID, metavar="OLDJID",
              help="On the new account: ask the contacts for their presence, as who was there.",
              )  # fmt: skip
@click.option("--undo", is_flag=True, help="On the old account: take that back.")
@click.option("--access", type=click.Choice(["presence", "open"]), default="presence",
              show_default=True, help="With --to: contacts may read it, or everybody.")  # fmt: skip
@click.option("--contacts", "file", type=click.Path(allow_dash=True), metavar="FILE|-",
              help="With --from: only these, as roster export writes them.")  # fmt: skip
@click.option("--if-exists", is_flag=True, help="With --undo: nothing to take back is no failure.")
@cli.pass_app
async def move(app: cli.App, /, **options: Any) -> MovedStatement:
    """Move to another address: say so, or tell the contacts.

    First the old account says where it has moved to (--to), then the new one asks the contacts for
    their presence with a word of where it comes from (--from); these can check it. Nothing is lost
    by that: --undo takes the word back. Servers of contacts may accept the new account, and take
    leave of the old one, by themselves.
    """
    _check(options)
    from xmppctl.protocol import moved

    async with app.session() as session:
        if options["undo"]:
            return await moved.withdraw(session, if_exists=options["if_exists"])
        if str(options["new"]) == session.bare:
            raise UsageError(f"{session.bare} is the account itself")
        return await moved.publish(session, options["new"], access=options["access"])


@move.instead("old")
@cli.pass_app
async def _notify(app: cli.App, /, **options: Any) -> list[ContactChange]:
    _check(options)
    jids = None if options["file"] is None else _contacts(app, options["file"])
    from xmppctl.protocol import moved

    async with app.session() as session:
        if str(options["old"]) == session.bare:
            raise UsageError(f"{session.bare} is the account itself")
        changes = await moved.notify(session, options["old"], jids)
    if not changes:
        app.warn("there are no contacts to tell")
    return changes


def _check(options: dict[str, Any]) -> None:
    given = [name for name in ("new", "old", "undo") if options[name]]
    if len(given) != 1:
        raise UsageError("give one of --to, --from and --undo")
    if options["file"] is not None and not options["old"]:
        raise UsageError("--contacts goes with --from")
    if options["if_exists"] and not options["undo"]:
        raise UsageError("--if-exists goes with --undo")


def _contacts(app: cli.App, file: str) -> list[Jid]:
    from xmppctl.commands.roster import _formats
    from xmppctl.model.jid import parse
    from xmppctl.model.rosterfile import BadEntry

    found: list[Entry | BadEntry] = _formats.read(app.read_file(file), "auto")
    for each in found:
        if isinstance(each, BadEntry):
            raise UsageError(
                f"{file} cannot be understood: {each.error.text}", step="input", by=file
            )
    return [parse(each.jid) for each in found if not isinstance(each, BadEntry)]


@cmd.command(
    "verify-move",
    section=_HEADING,
    examples=(
        "xmppctl account verify-move alice@example.org",
        "xmppctl account verify-move alice@example.org --old alice@example.com --json",
    ),
)
@click.argument("jid", type=BARE_JID)
@click.option("--old", type=BARE_JID, metavar="OLDJID",
              help="Ask this contact alone, such as the one that a request names.")  # fmt: skip
@cli.pass_app
async def verify_move(app: cli.App, jid: Jid, old: Jid | None) -> MoveCheck:
    """Check whether a contact has really moved to a JID.

    The word of the contact itself is read, and counts only where it may see the presence. JID is
    the new one, as in a request for the presence; of a contact itself it is told where that has
    moved to. Not verified is exit code 6. Nothing is changed: roster approve, roster subscribe and
    roster remove do that.
    """
    from xmppctl.protocol import moved

    async with app.session() as session:
        return await moved.verify(session, jid, old)
