"""Arguments and options that several verbs of ``muc`` have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl.cli.params import NONEMPTY
from xmppctl.commands._room import ROOM, checked_nick, nick, room_password
from xmppctl.model.jid import Jid

if TYPE_CHECKING:
    from xmppctl.cli.app import App

__all__ = [
    "ROOM",
    "checked_nick",
    "if_exists",
    "nick",
    "reason",
    "room",
    "room_password",
    "warn_of_domain",
]


room = click.argument("room", type=ROOM)
reason = click.option("--reason", type=NONEMPTY, help="Why; the room tells those concerned.")
if_exists = click.option("--if-exists", is_flag=True, help="What is not there is no error.")


def warn_of_domain(app: App, jid: Jid) -> None:
    """Tell who meant a nickname that affiliations belong to JIDs, and "bob" is a domain."""
    if jid.local is None and "." not in jid.domain:
        app.warn(f"{jid} stands for a whole domain here, not for a nickname")
