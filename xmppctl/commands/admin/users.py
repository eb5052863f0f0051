"""``xmppctl admin users``: accounts and their sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, NONEMPTY, choice
from xmppctl.cli.targets import Targets, argument
from xmppctl.cli.texts import check_characters
from xmppctl.commands.admin import _arguments as arguments
from xmppctl.commands.admin import cmd
from xmppctl.errors import ErrorInfo, UsageError
from xmppctl.model.admin import (
    AdminSession,
    AdminUser,
    Kick,
    UserAction,
    UserChange,
    UserState,
    UserStats,
)
from xmppctl.model.jid import Jid

if TYPE_CHECKING:
    from collections.abc import Mapping

users = cli.Group("users", help="List, make, change and remove users, and end their sessions.")
cmd.add_command(users)

_account = click.argument("jid", type=BARE_JID)


@users.command(
    "list",
    examples=(
        "xmppctl -o plain admin users list",
        "xmppctl admin users list --state online --json",
        "xmppctl admin users list --service chat.example.org --limit 100",
    ),
)
@click.option("--state", type=choice(UserState), default="registered", show_default=True,
              help="Which users.")  # fmt: skip
@click.option("--online", is_flag=True, help="The same as --state online.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="No more than N of them.")
@arguments.service
@cli.pass_app
async def list_(
    app: cli.App, state: UserState, online: bool, limit: int | None, service: Jid | None
) -> list[AdminUser]:
    """List the users of a service.

    Not every service has every list. Where one gives only so many of them at most, a warning
    tells.
    """
    if online and state not in ("registered", "online"):
        raise UsageError(f"--online and --state {state} exclude each other")
    from xmppctl.protocol.admin import users as operations

    async with app.session() as session:
        where = arguments.own(session, service)
        wanted: UserState = "online" if online else state
        found, more = await operations.listed(session, where, wanted, limit)
    if more and limit is None:
        app.warn(f"{where} lists no more than {len(found)} users")
    return found


@users.command(
    "add",
    examples=(
        "xmppctl admin users add carol@example.org --new-password-command 'pass show xmpp/carol'",
        "xmppctl admin users add carol@example.org --new-password-file carol.txt",
    ),
)
@_account
@arguments.new_password_file
@arguments.new_password_fd
@arguments.new_password_command
@click.option("--email", type=NONEMPTY, help="E-mail address, where the service takes one.")
@click.option("--given-name", type=NONEMPTY, help="Given name, where the service takes one.")
@click.option("--surname", type=NONEMPTY, help="Family name, where the service takes one.")
@arguments.account_service
@cli.pass_app
async def add(
    app: cli.App,
    jid: Jid,
    new_password_file: str | None,
    new_password_fd: int | None,
    new_password_command: str | None,
    email: str | None,
    given_name: str | None,
    surname: str | None,
    service: Jid | None,
) -> UserChange:
    """Make an account.

    Its password also comes from XMPPCTL_NEW_PASSWORD, or is asked for twice on a terminal.
    """
    check_characters("details", email, given_name, surname)
    given = {"email": email, "given_name": given_name, "surname": surname}
    details = {name: value for name, value in given.items() if value is not None}
    secret = _secret(
        app,
        jid,
        {"file": new_password_file, "fd": new_password_fd, "command": new_password_command},
    )
    from xmppctl.protocol.admin import users as operations

    async with app.session() as session:
        return await operations.add(session, arguments.of(jid, service), jid, secret, details)


@users.command(
    "password",
    examples=(
        "xmppctl admin users password carol@example.org"
        " --new-password-command 'pass show xmpp/carol'",
    ),
)
@_account
@arguments.new_password_file
@arguments.new_password_fd
@arguments.new_password_command
@arguments.account_service
@cli.pass_app
async def password(
    app: cli.App,
    jid: Jid,
    new_password_file: str | None,
    new_password_fd: int | None,
    new_password_command: str | None,
    service: Jid | None,
) -> UserChange:
    """Give an account another password.

    It also comes from XMPPCTL_NEW_PASSWORD, or is asked for twice on a terminal.
    """
    secret = _secret(
        app,
        jid,
        {"file": new_password_file, "fd": new_password_fd, "command": new_password_command},
    )
    from xmppctl.protocol.admin import users as operations

    async with app.session() as session:
        return await operations.password(session, arguments.of(jid, service), jid, secret)


def _secret(app: cli.App, jid: Jid, given: Mapping[str, object]) -> str:
    from xmppctl.config import secrets

    if jid.local is None:
        raise UsageError(f"{jid} is no account, but a domain")
    source = secrets.chosen(secrets.NEW_PASSWORD, given, app.env)
    ask = secrets.provider(secrets.NEW_PASSWORD, source, whose=str(jid), no_input=app.no_input)
    with app.blocking():
        found = ask()
    check_characters("new password", found)
    return found


@users.command(
    "delete",
    examples=(
        "xmppctl admin users delete carol@example.org --yes",
        "xmppctl admin users delete - --yes --if-exists < leavers.txt",
    ),
    targets=True,
)
@argument
@arguments.if_exists
@arguments.account_service
@cli.pass_app
async def delete(
    app: cli.App, words: tuple[str, ...], if_exists: bool, service: Jid | None
) -> AsyncIterator[UserChange]:
    """Delete accounts, and all that the server keeps for them.

    With - as JID they come from standard input, one in a line.
    """
    targets = _targets(app, words, "delete")
    names = ", ".join(map(str, targets.jids))
    app.confirm(f"Delete {names} and all that the server keeps for them?")
    async for change in _changed(app, targets, "delete", if_exists, service):
        yield change


@users.command("disable", examples=("xmppctl admin users disable carol@example.org",), targets=True)
@argument
@arguments.account_service
@cli.pass_app
async def disable(
    app: cli.App, words: tuple[str, ...], service: Jid | None
) -> AsyncIterator[UserChange]:
    """Lock accounts, and end their sessions.

    Nothing is deleted; "enable" unlocks them.
    """
    async for change in _changed(app, _targets(app, words, "disable"), "disable", False, service):
        yield change


@users.command("enable", examples=("xmppctl admin users enable carol@example.org",), targets=True)
@argument
@arguments.account_service
@cli.pass_app
async def enable(
    app: cli.App, words: tuple[str, ...], service: Jid | None
) -> AsyncIterator[UserChange]:
    """Unlock accounts that were disabled."""
    async for change in _changed(app, _targets(app, words, "enable"), "enable", False, service):
        yield change


def _targets(app: cli.App, words: tuple[str, ...], action: UserAction) -> Targets[UserChange]:
    def failed(text: str, error: ErrorInfo) -> UserChange:
        return UserChange(text, action, False, error=error)

    targets = Targets(app, words, failed)
    _check(words, targets.jids)
    return targets


def _check(words: tuple[str, ...], jids: list[Jid]) -> None:
    """Raise UsageError for an argument that is no account; a line has a record of its own."""
    for jid in jids:
        if jid.local is None and "-" not in words:
            raise UsageError(f"{jid} is no account, but a domain")


async def _changed(
    app: cli.App,
    targets: Targets[UserChange],
    action: UserAction,
    if_exists: bool,
    service: Jid | None,
) -> AsyncIterator[UserChange]:
    from xmppctl.protocol.admin import users as operations

    found: list[UserChange] = []
    if targets.jids:
        async with app.session() as session:
            found = await operations.each(
                targets.jids,
                lambda jid: operations.change(
                    session, arguments.of(jid, service), jid, action, if_exists=if_exists
                ),
            )
    for change in targets.records(found):
        yield change


@users.command("stats", examples=("xmppctl admin users stats carol@example.org --json",))
@_account
@arguments.account_service
@cli.pass_app
async def stats(app: cli.App, jid: Jid, service: Jid | None) -> UserStats:
    """Show contacts, sessions and last login of a user."""
    from xmppctl.protocol.admin import users as operations

    async with app.session() as session:
        return await operations.stats(session, arguments.of(jid, service), jid)


@users.command(
    "sessions",
    examples=(
        "xmppctl admin users sessions carol@example.org",
        "xmppctl -o plain admin users sessions",
    ),
)
@click.argument("jid", metavar="[JID]", type=BARE_JID, required=False)
@arguments.account_service
@cli.pass_app
async def sessions(app: cli.App, jid: Jid | None, service: Jid | None) -> list[AdminSession]:
    """List the sessions of a user; without JID those of all users."""
    from xmppctl.protocol.admin import users as operations

    async with app.session() as session:
        if jid is None:
            return await operations.sessions(session, arguments.own(session, service))
        return await operations.of_account(session, arguments.of(jid, service), jid)


@users.command(
    "kick",
    examples=(
        "xmppctl admin users kick carol@example.org",
        "xmppctl admin users kick carol@example.org/phone --if-exists",
    ),
    targets=True,
)
@argument
@arguments.if_exists
@arguments.account_service
@cli.pass_app
async def kick(
    app: cli.App, words: tuple[str, ...], if_exists: bool, service: Jid | None
) -> AsyncIterator[Kick]:
    """End the sessions of users, or one session by its full JID.

    They may log in again. With - as JID they come from standard input, one in a line.
    """

    def failed(text: str, error: ErrorInfo) -> Kick:
        return Kick(text, ok=False, error=error)

    targets = Targets(app, words, failed, bare=False)
    _check(words, targets.jids)
    from xmppctl.protocol.admin import users as operations

    found: list[Kick] = []
    if targets.jids:
        async with app.session() as session:
            found = await operations.each(
                targets.jids,
                lambda jid: operations.kick(
                    session, arguments.of(jid, service), jid, if_exists=if_exists
                ),
            )
    for record in targets.records(found):
        yield record
