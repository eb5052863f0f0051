"""``register status``, ``passwd``, ``cancel``: what there is already."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli import forms as options
from xmppctl.cli.params import BARE_JID, NONEMPTY
from xmppctl.commands.register import group
from xmppctl.commands.register.group import cmd
from xmppctl.errors import AuthError, ConnectError, LocalError, RefusedError, UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.register import Registration

if TYPE_CHECKING:
    from xmppctl.config.secrets import Source

_PATH = click.Path(dir_okay=False)


@cmd.command(
    "status", examples=("xmppctl register status", "xmppctl register status irc.example.org --json")
)
@click.argument("service", metavar="[SVC]", type=BARE_JID, required=False)
@cli.pass_app
async def status(app: cli.App, service: Jid | None) -> Registration:
    """Show what is registered with the server or a service."""
    from xmppctl.protocol import registration

    async with app.session() as session:
        if service is not None:
            return await registration.status(session, service)
        return (await registration.ask(session)).record(session.bare)


@cmd.command(
    "passwd",
    examples=(
        "xmppctl register passwd",
        "xmppctl -a work register passwd --new-password-command 'pass show xmpp/next'",
        "xmppctl -a work register passwd --new-password-file next.txt --update-account",
    ),
)
@click.option(
    "--new-password-file",
    type=_PATH,
    metavar="FILE",
    help="Read the new password from a file of mode 0600.",
)
@click.option(
    "--new-password-fd",
    type=click.IntRange(min=0),
    metavar="N",
    help="Read the new password from an open file descriptor.",
)
@click.option(
    "--new-password-command",
    type=NONEMPTY,
    metavar="CMD",
    help="Take the first line that this shell command prints as the new password.",
)
@click.option(
    "--update-account",
    is_flag=True,
    help="Store the new password where the old one came from, once it has logged in.",
)
@options.fields
@options.form_json
@cli.pass_app
async def passwd(
    app: cli.App,
    new_password_file: str | None,
    new_password_fd: int | None,
    new_password_command: str | None,
    update_account: bool,
    field_pairs: tuple[str, ...],
    form_json: str | None,
) -> Registration:
    """Change the password of the account.

    The new one also comes from XMPPCTL_NEW_PASSWORD, or is asked for twice on a terminal. The run
    succeeds when the new password has logged in. What is stored for the account is left alone
    without --update-account; tokens of earlier logins are not used any more.
    """
    from xmppctl.config import secrets

    account = app.account
    if account.anonymous:
        raise UsageError("an anonymous account has no password")
    stored = app.settings.secret
    if update_account:
        _check_writable(stored)
    answers = group.values(app, field_pairs, form_json)
    given = {"file": new_password_file, "fd": new_password_fd, "command": new_password_command}
    source = secrets.chosen(secrets.NEW_PASSWORD, given, app.env)
    whose = str(account.jid.bare)
    if source is None and account.password is not None:
        account.password()  # who is asked for both expects to be asked for the old one first
    with app.blocking():
        new = secrets.provider(secrets.NEW_PASSWORD, source, whose=whose, no_input=app.no_input)()
    from xmppctl.protocol import registration

    lost: ConnectError | None = None
    async with app.session() as session:
        jid = session.bare
        old = account.password or app.settings.password(no_input=app.no_input)
        try:
            await registration.change_password(session, new, old, answers)
        except ConnectError as error:
            lost = error
    if account.memory is not None:
        # a server ought to end them with the old password, and they would prove nothing below
        account.memory.drop_tokens()
    await _must_log_in(app, new, lost)
    if update_account and stored is not None:
        _store(app, stored, new)
        app.status(f"stored in {_place(stored)}")
    elif stored is not None and stored.kind != "fd":
        app.warn(f"{_place(stored)} may still give the old password: change it there")
    return Registration(jid, True)


@cmd.command(
    "cancel",
    examples=(
        "xmppctl -a old register cancel --yes",
        "xmppctl register cancel irc.example.org --yes --if-exists",
    ),
)
@click.argument("service", metavar="[SVC]", type=BARE_JID, required=False)
@click.option("--if-exists", is_flag=True,
              help="That there is no registration with the service is no failure.")  # fmt: skip
@options.fields
@options.form_json
@cli.pass_app
async def cancel(
    app: cli.App,
    service: Jid | None,
    if_exists: bool,
    field_pairs: tuple[str, ...],
    form_json: str | None,
) -> Registration:
    """Delete the account, or end a registration with a service.

    Deleting it deletes all that the server keeps for it, and what was kept of its logins here.
    Where the stream ends before the server's answer, a login is tried, which has to be refused.
    """
    answers = group.values(app, field_pairs, form_json)
    jid = app.account.jid.bare
    if service is not None and service == Jid(None, jid.domain, None):
        service = None
    if service is None:
        app.confirm(f"delete the account {jid} and all that {jid.domain} keeps for it?")
    else:
        app.confirm(f"end the registration of {jid} with {service}?")
    from xmppctl.protocol import registration

    old = app.account.password or app.settings.password(no_input=app.no_input)
    ended: ConnectError | None = None
    async with app.session() as session:
        if service is not None and not (await registration.status(session, service)).registered:
            if if_exists:
                return Registration(str(service), False)
            raise RefusedError(
                f"{jid} is not registered with {service}",
                step="register",
                condition="item-not-found",
                by=str(service),
                hint="--if-exists takes that for success",
            )
        try:
            await registration.remove(session, service, old, answers)
        except ConnectError as error:
            if service is not None:
                raise
            ended = error
    if ended is not None:
        await _must_be_refused(app, ended)
    if service is None:
        _forget(app, jid)
    profile = app.settings.profile
    if service is None and profile is not None:
        app.status(f"the account {profile.name} still stands in {app.settings.config.path}")
    return Registration(str(service or jid), False)


def _forget(app: cli.App, jid: Jid) -> None:
    """Remove what was kept of the logins of an account that is gone."""
    from xmppctl.config import memory, rostercache

    try:
        memory.forget(str(jid), app.env)
    except LocalError as error:
        app.warn(error.text)
    rostercache.forget(str(jid), app.env)


async def _must_log_in(app: cli.App, password: str, lost: ConnectError | None) -> None:
    """The proof of a change, also where the stream ended before its answer (``lost``)."""
    from xmppctl.session import open_session

    account = replace(
        app.account,
        password=lambda: password,
        cert=None,
        key=None,
        sasl_mechanism=None if app.account.cert else app.account.sasl_mechanism,
    )
    try:
        async with open_session(account, trace=app.trace):
            return
    except AuthError as error:
        if lost is not None:
            raise lost from None
        raise RefusedError(
            f"{account.domain} took the new password, but it does not log in: {error.text}",
            step="register",
            condition="not-applied",
            by=account.domain,
            hint="the old password may still hold",
        ) from None


async def _must_be_refused(app: cli.App, ended: ConnectError) -> None:
    """The stream ended before the answer: only a login tells whether the account is gone."""
    app.trace.note(f"{ended.text}; trying whether the account still logs in")
    try:
        async with app.session():
            pass
    except AuthError as error:
        if error.condition == "not-authorized":
            return
    raise ended


def _check_writable(source: Source | None) -> None:
    if source is None or source.kind not in ("file", "config", "keyring"):
        place = "a prompt" if source is None else source.origin
        raise UsageError(
            f"--update-account cannot store a password where this one comes from: {place}",
            step="secret",
        )
    if source.kind == "file" and not Path(str(source.value)).is_file():
        raise UsageError(f"--update-account: {source.value} is no regular file", step="secret")


def _store(app: cli.App, source: Source, password: str) -> None:
    """Put the new password in the place of the old one. Raises LocalError, UsageError."""
    from xmppctl.config import edit, paths, secrets

    if source.kind == "keyring":
        secrets.keyring_set(str(source.value), password)
    elif source.kind == "file":
        path = Path(str(source.value))
        _, newline, rest = paths.read_private(path).partition(b"\n")
        paths.write_private(path, password.encode() + (newline or b"\n") + rest)
    else:
        profile = app.settings.profile
        assert profile is not None
        edit.set_password(profile.name, password, path=app.settings.config.path)


def _place(source: Source) -> str:
    """Where a password comes from, without the password."""
    return f"{source.value} ({source.origin})" if source.kind == "file" else source.origin
