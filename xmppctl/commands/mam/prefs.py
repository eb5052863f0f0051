"""``mam prefs``: what the archive is to keep."""

from __future__ import annotations

from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import JID, choice
from xmppctl.commands.mam.group import cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.mam import ArchivePrefs, Default

_LISTS = ("always", "never", "add_always", "add_never", "remove_always", "remove_never")


@cmd.command(
    "prefs",
    examples=(
        "xmppctl mam prefs --json",
        "xmppctl mam prefs --default roster --add-never monitoring@example.org",
    ),
)
@click.option("--default", type=choice(Default),
              help="What becomes of messages that no list names.")  # fmt: skip
@click.option("--always", type=JID, multiple=True, metavar="JID",
              help="Keep this JID's messages always; replaces the list; repeatable.")  # fmt: skip
@click.option("--never", type=JID, multiple=True, metavar="JID",
              help="Keep this JID's messages never; replaces the list; repeatable.")  # fmt: skip
@click.option("--add-always", type=JID, multiple=True, metavar="JID",
              help="Put this JID on the list always; repeatable.")  # fmt: skip
@click.option("--add-never", type=JID, multiple=True, metavar="JID",
              help="Put this JID on the list never; repeatable.")  # fmt: skip
@click.option("--remove-always", type=JID, multiple=True, metavar="JID",
              help="Take this JID from the list always; repeatable.")  # fmt: skip
@click.option("--remove-never", type=JID, multiple=True, metavar="JID",
              help="Take this JID from the list never; repeatable.")  # fmt: skip
@click.option("--if-exists", is_flag=True, help="Removing what is not on a list is no failure.")
@cli.pass_app
async def prefs(app: cli.App, /, **options: Any) -> ArchivePrefs:
    """Show or change what the own archive keeps (XEP-0441).

    The answer of the server is shown: it may have made something else of a change.
    """
    lists = {name: _texts(options[name]) for name in _LISTS}
    _check(lists)
    from xmppctl.protocol import archiveprefs

    async with app.session() as session:
        if options["default"] is None and not any(lists.values()):
            return await archiveprefs.fetch(session)
        change = archiveprefs.Change(
            default=options["default"],
            always=lists["always"] or None,
            never=lists["never"] or None,
            if_exists=options["if_exists"],
            **{name: lists[name] for name in _LISTS[2:]},
        )
        found, same = await archiveprefs.change(session, change)
        if not same:
            app.warn("the server made something else of the change; see what it says")
        return found


def _texts(jids: tuple[Jid, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(jid) for jid in jids))


def _check(lists: dict[str, tuple[str, ...]]) -> None:
    wanted = {name: {*lists[name], *lists[f"add_{name}"]} for name in ("always", "never")}
    both = sorted(wanted["always"] & wanted["never"])
    if both:
        raise UsageError(f"{both[0]} cannot be kept both always and never")
    for name in ("always", "never"):
        both = sorted(wanted[name] & set(lists[f"remove_{name}"]))
        if both:
            raise UsageError(f"{both[0]} is to be put on the list {name} and taken from it")
