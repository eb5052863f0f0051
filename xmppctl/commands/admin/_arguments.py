"""What the verbs of ``xmppctl admin`` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl.cli.params import BARE_JID, NONEMPTY
from xmppctl.model.jid import Jid

if TYPE_CHECKING:
    from xmppctl.session import Session

service = click.option(
    "--service",
    type=BARE_JID,
    help="Server or service to administer; the account's own server by default.",
)
account_service = click.option(
    "--service",
    type=BARE_JID,
    help="Server or service to administer; by default the domain of the JID.",
)
if_exists = click.option(
    "--if-exists", is_flag=True, help="That there is nothing to do is no failure."
)
new_password_file = click.option(
    "--new-password-file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Read the password from a file of mode 0600.",
)
new_password_fd = click.option(
    "--new-password-fd",
    type=click.IntRange(min=0),
    metavar="N",
    help="Read the password from an open file descriptor.",
)
new_password_command = click.option(
    "--new-password-command",
    type=NONEMPTY,
    metavar="CMD",
    help="Take the first line that this shell command prints as the password.",
)


def own(session: Session, given: Jid | None) -> Jid:
    """The service that is meant where nothing else says so."""
    return given or Jid(None, session.domain, None)


def of(jid: Jid, given: Jid | None) -> Jid:
    """The service that has the account ``jid``."""
    return given or Jid(None, jid.domain, None)
