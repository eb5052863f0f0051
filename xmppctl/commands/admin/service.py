"""Verbs of ``xmppctl admin``: a service as a whole, and what its users are told."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import DURATION, NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.admin import _arguments as arguments
from xmppctl.commands.admin import cmd
from xmppctl.errors import UsageError
from xmppctl.model.admin import AdminSession, Announcement, Motd, ServiceStats, Shutdown
from xmppctl.model.jid import Jid

_subject = click.option("--subject", type=NONEMPTY, help="Subject of the message.")


@cmd.command("stats", examples=("xmppctl admin stats", "xmppctl admin stats --json"))
@arguments.service
@cli.pass_app
async def stats(app: cli.App, service: Jid | None) -> ServiceStats:
    """Show how many users a service has, and how many are online."""
    from xmppctl.protocol.admin import service as operations

    async with app.session() as session:
        return await operations.stats(session, arguments.own(session, service))


@cmd.command(
    "sessions", examples=("xmppctl admin sessions", "xmppctl -o plain admin sessions | wc -l")
)
@arguments.service
@cli.pass_app
async def sessions(app: cli.App, service: Jid | None) -> list[AdminSession]:
    """List the sessions of all users."""
    from xmppctl.protocol.admin import users as operations

    async with app.session() as session:
        return await operations.sessions(session, arguments.own(session, service))


@cmd.command(
    "announce",
    examples=(
        "xmppctl admin announce -- 'Maintenance at 22:00'",
        "xmppctl admin announce --all --subject Maintenance - < notice.txt",
    ),
)
@click.argument("text", metavar="[TEXT|-]", required=False)
@click.option("--online", is_flag=True, help="To the users who are online: the default.")
@click.option("--all", "everybody", is_flag=True, help="To all users.")
@_subject
@arguments.service
@cli.pass_app
async def announce(
    app: cli.App,
    text: str | None,
    online: bool,
    everybody: bool,
    subject: str | None,
    service: Jid | None,
) -> Announcement:
    """Send a message to the users of a service."""
    if online and everybody:
        raise UsageError("--online and --all exclude each other")
    message = _text(app, text, subject)
    from xmppctl.protocol.admin import service as operations

    async with app.session() as session:
        where = arguments.own(session, service)
        return await operations.announce(
            session, where, message, subject, "all" if everybody else "online"
        )


@cmd.command(
    "motd",
    examples=(
        "xmppctl admin motd",
        "xmppctl admin motd --set -- 'Welcome to the new server'",
        "xmppctl admin motd --edit - < motd.txt",
        "xmppctl admin motd --delete",
    ),
)
@click.argument("text", metavar="[TEXT|-]", required=False)
@click.option("--set", "set_it", is_flag=True, help="Set it, and send it to who is online.")
@click.option("--edit", is_flag=True, help="Change it, without sending it to who is online.")
@click.option("--delete", is_flag=True, help="Delete it.")
@_subject
@arguments.if_exists
@arguments.service
@cli.pass_app
async def motd(
    app: cli.App,
    text: str | None,
    set_it: bool,
    edit: bool,
    delete: bool,
    subject: str | None,
    if_exists: bool,
    service: Jid | None,
) -> Motd:
    """Show, set or delete the message of the day.

    Users get it when they log in. Without --set, --edit or --delete, TEXT is set; without TEXT
    the present one is shown, as far as the service tells it.
    """
    if set_it + edit + delete > 1:
        raise UsageError("--set, --edit and --delete exclude each other")
    change = set_it or edit or text is not None
    if (delete and text is not None) or (subject is not None and not change):
        raise UsageError("a text or subject goes with --set and --edit")
    if if_exists and not delete:
        raise UsageError("--if-exists goes with --delete")
    message = _text(app, text, subject) if change else ""
    from xmppctl.protocol.admin import service as operations

    async with app.session() as session:
        where = arguments.own(session, service)
        if delete:
            return await operations.delete_motd(session, where, if_exists=if_exists)
        if change:
            return await operations.set_motd(session, where, message, subject, send=not edit)
        return await operations.motd(session, where)


@cmd.command(
    "shutdown",
    examples=(
        "xmppctl admin shutdown --delay 5m --announcement 'Back at 23:00' --yes",
        "xmppctl admin shutdown --yes",
    ),
)
@click.option("--delay", type=DURATION, metavar="D",
              help="How long from now; the service's usual delay without.")  # fmt: skip
@click.option("--announcement", type=NONEMPTY, metavar="TEXT", help="What its users are told.")
@_subject
@arguments.service
@cli.pass_app
async def shutdown(
    app: cli.App,
    delay: float | None,
    announcement: str | None,
    subject: str | None,
    service: Jid | None,
) -> Shutdown:
    """Shut a service down.

    Services offer only some delays: the next longer one is taken, and told in the record.
    """
    check_characters("text", announcement, subject)
    if subject is not None and announcement is None:
        raise UsageError("--subject goes with --announcement")
    app.confirm(f"Shut down {service or 'the server'}?")
    from xmppctl.protocol.admin import service as operations

    async with app.session() as session:
        where = arguments.own(session, service)
        return await operations.shutdown(session, where, delay, announcement, subject)


def _text(app: cli.App, text: str | None, subject: str | None) -> str:
    message = app.read_text(text)
    if not message.strip():
        raise UsageError("the text is empty")
    check_characters("text", message, subject)
    return message
