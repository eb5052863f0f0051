"""Accounts of the configuration file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli import completers
from xmppctl.cli.params import JID, NONEMPTY
from xmppctl.commands.account import cmd
from xmppctl.errors import UsageError
from xmppctl.model.config import AccountDetails, AccountEntry, AccountTest, SecretKind

if TYPE_CHECKING:
    from xmppctl.config.profiles import Config, Profile
    from xmppctl.model.jid import Jid

_PATH = click.Path(dir_okay=False)


@cmd.command(
    "add",
    examples=(
        "xmppctl --password-command 'pass show xmpp/work' account add work alice@example.org",
        "xmppctl --connect localhost:5222 --ca-file ca.pem account add test bob@localhost",
        "xmppctl account add work alice@example.org --secret-keyring --secret-prompt",
        "xmppctl account add old --from-sendxmpprc ~/.sendxmpprc",
    ),
)
@click.argument("name", type=NONEMPTY)
@click.argument("jid", type=JID, required=False)
@click.option(
    "--set",
    "pairs",
    metavar="NAME=VALUE",
    multiple=True,
    type=NONEMPTY,
    help="A setting, named as in the configuration file; repeatable.",
)
@click.option(
    "--secret-command",
    metavar="CMD",
    type=NONEMPTY,
    help="The password is what this shell command prints.",
)
@click.option("--secret-file", type=_PATH, help="The password is in this file of mode 0600.")
@click.option("--secret-keyring", is_flag=True, help="The password is in the keyring.")
@click.option(
    "--secret-prompt",
    is_flag=True,
    help="Ask for the password now and store it, in the keyring or else in the configuration.",
)
@click.option(
    "--from-sendxmpprc",
    "sendxmpprc",
    type=_PATH,
    metavar="FILE",
    help="Take over the account of sendxmpp or go-sendxmpp.",
)
@click.option("--default", "default", is_flag=True, help="Use it where no account is named.")
@cli.pass_app
def add(
    app: cli.App,
    name: str,
    jid: Jid | None,
    pairs: tuple[str, ...],
    secret_command: str | None,
    secret_file: str | None,
    secret_keyring: bool,
    secret_prompt: bool,
    sendxmpprc: str | None,
    default: bool,
) -> AccountEntry:
    """Add an account.

    Connection options that stand before the command are stored with it; a password that
    --password-fd gives is stored in the configuration file (mode 0600), or in the keyring with
    --secret-keyring. The first account becomes the default.
    """
    from dataclasses import replace

    from xmppctl.config import edit, newaccount
    from xmppctl.model.jid import parse

    jid = _one_jid(app, jid, sendxmpprc)
    table, wanted = newaccount.from_options(app.options)
    if secret_file is not None:
        secret_file = str(newaccount.file_path(secret_file, "option --secret-file"))
    if sendxmpprc is not None:
        taken, ignored = newaccount.imported(sendxmpprc)
        table = {**taken, **table}
        if ignored:
            app.status(f"not taken over from {sendxmpprc}: {', '.join(ignored)}")
    table = newaccount.with_jid({**table, **newaccount.from_pairs(pairs)}, jid)
    if (secret_command or secret_file) and (wanted.command or wanted.file):
        raise UsageError("several places are named for one password", step="config")
    wanted = replace(
        wanted,
        command=secret_command or wanted.command,
        file=secret_file or wanted.file,
        keyring=secret_keyring,
        prompt=secret_prompt,
    )
    config = app.settings.config
    edit.check_new(config, name)
    with app.blocking():
        table = newaccount.with_secret(
            table, wanted, parse(str(table["jid"])), no_input=app.no_input
        )
    config = edit.add(name, table, default=default, path=config.path)
    if "password" in table:
        app.warn(
            f"the password now stands in {config.path}, which only you can read (mode 0600); "
            "a password_command keeps it out of files"
        )
    return _entry(config, config.profiles[name])


@cmd.command("list", examples=("xmppctl account list", "xmppctl account list -o plain"))
@cli.pass_app
def list_(app: cli.App) -> list[AccountEntry]:
    """List the accounts; never a secret."""
    config = app.settings.config
    return [_entry(config, profile) for profile in config.profiles.values()]


@cmd.command("show", examples=("xmppctl account show work --json",))
@click.argument("name", type=NONEMPTY, required=False, shell_complete=completers.accounts)
@cli.pass_app
def show(app: cli.App, name: str | None) -> AccountDetails:
    """Show the settings of an account (by default the one in use); never a secret."""
    settings = app.settings
    profile = settings.profile
    if name is not None:
        profile = settings.config.profile(name, "account show")
    if profile is None:
        raise UsageError(
            "no account is named, and there is no default",
            step="config",
            hint="xmppctl account list",
        )
    entry = _entry(settings.config, profile)
    texts = {key: value.text or "" for key, value in profile.settings.items() if key != "jid"}
    return AccountDetails(entry.name, entry.jid, entry.default, entry.secret, texts)


@cmd.command("test", examples=("xmppctl account test", "xmppctl account test work --json"))
@click.argument("name", type=NONEMPTY, required=False, shell_complete=completers.accounts)
@cli.pass_app
async def test(app: cli.App, name: str | None) -> AccountTest:
    """Log in and show the way that the login took; NAME as with --account."""
    if name is not None:
        app.use_account(name)
    async with app.session() as session:
        trace = session.trace
        await session.settled()
        trace.enter("close")
        spent = {step: ms for step, ms in trace.milliseconds.items() if step != "session"}
        profile = app.settings.profile
        facts = {name: value for name, value in trace.facts.items() if value}
        return AccountTest(
            account=profile.name if profile is not None else None,
            jid=str(session.jid),
            transport=facts.get("transport"),
            peer=facts.get("peer"),
            address=facts.get("address"),
            tls=facts.get("tls"),
            cipher=facts.get("cipher"),
            sasl=facts.get("sasl"),
            mechanism=facts.get("mechanism"),
            channel_binding=facts.get("channel_binding"),
            fast=_yes_or_no(facts.get("fast")),
            bind=facts.get("bind"),
            guessed=_yes_or_no(facts.get("guessed")),
            round_trips=trace.round_trips,
            login_ms=round(sum(spent.values()), 1),
            phases_ms={step: round(ms, 1) for step, ms in spent.items()},
        )


@cmd.command("use", examples=("xmppctl account use work",))
@click.argument("name", type=NONEMPTY, shell_complete=completers.accounts)
@cli.pass_app
def use(app: cli.App, name: str) -> AccountEntry:
    """Make an account the default."""
    from xmppctl.config import edit

    config = edit.use(name, path=app.settings.config.path)
    return _entry(config, config.profiles[name])


@cmd.command("remove", examples=("xmppctl account remove old --yes",))
@click.argument("name", type=NONEMPTY, shell_complete=completers.accounts)
@cli.pass_app
def remove(app: cli.App, name: str) -> AccountEntry:
    """Remove an account from the configuration file; the account on the server stays.

    What was kept of its logins (tokens, caches) goes too, unless another account has its JID.
    """
    from xmppctl.config import edit, memory, rostercache

    config = app.settings.config
    entry = _entry(config, config.profile(name, "account remove"))
    app.confirm(f"remove the account {name} ({entry.jid}) from {config.path}?")
    jid = config.profiles[name].jid.bare
    if not any(each.jid.bare == jid for each in config.profiles.values() if each.name != name):
        # first of all: a token that stays behind without its account would be found by nobody
        memory.forget(str(jid), app.env)
        rostercache.forget(str(jid), app.env)
    edit.remove(name, path=config.path)
    return entry


def _yes_or_no(fact: str | None) -> bool | None:
    return None if fact is None else fact == "yes"


def _one_jid(app: cli.App, jid: Jid | None, sendxmpprc: str | None) -> Jid | None:
    """The JID of the argument or of ``--jid``; None where the imported file has it."""
    option: Jid | None = app.options.get("jid", (None, ""))[0]  # type: ignore[assignment]
    if jid is not None and option is not None and jid != option:
        raise UsageError(f"the JID is {jid}, but option --jid says {option}", step="config")
    jid = jid or option
    if jid is not None and sendxmpprc is not None:
        raise UsageError(
            "a JID and --from-sendxmpprc exclude each other: the file names the JID",
            step="config",
        )
    return jid


def _entry(config: Config, profile: Profile) -> AccountEntry:
    default = config.default()
    return AccountEntry(
        name=profile.name,
        jid=str(profile.jid),
        default=default is not None and default[0].name == profile.name,
        secret=_secret_kind(profile),
    )


def _secret_kind(profile: Profile) -> SecretKind:
    if profile.secret is None:
        if "anonymous" in profile.settings and profile.settings["anonymous"].value:
            return "anonymous"
        return "certificate" if "cert" in profile.settings else "prompt"
    match profile.secret.kind:
        case "command" | "file" | "keyring" as kind:
            return kind
        case _:
            return "password"
