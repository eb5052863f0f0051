"""``account tokens``: the tokens that logins without the password use (XEP-0484)."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli import completers
from xmppctl.cli.params import NONEMPTY
from xmppctl.commands.account import cmd
from xmppctl.errors import ErrorInfo, RefusedError, UsageError, XmppctlError
from xmppctl.model.token import TokenEntry, TokenForgotten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xmppctl.model.memory import Token

_PASSES = 3
"""Another run may be given a new token while the one before is ended."""

tokens = cmd.group("tokens", section="Beside the file", help="Tokens that logins use (XEP-0484).")

_name = click.argument("name", type=NONEMPTY, required=False, shell_complete=completers.accounts)


@tokens.command(
    "list", examples=("xmppctl account tokens list", "xmppctl account tokens list work --json")
)
@_name
@cli.pass_app
def list_(app: cli.App, name: str | None) -> list[TokenEntry]:
    """List the tokens that are kept on this machine; never a token itself.

    All of them, or those of the account NAME (or of --account or --jid).
    """
    from xmppctl.config import logins

    if name is not None or "account" in app.options or "jid" in app.options:
        jid = _jid(app, name)
        return _entries(app, jid, logins.read(jid, app.env).tokens)
    return [
        entry for jid, login in logins.kept(app.env) for entry in _entries(app, jid, login.tokens)
    ]


@tokens.command(
    "forget",
    examples=(
        "xmppctl account tokens forget work",
        "xmppctl account tokens forget --all --local --if-exists",
    ),
)
@_name
@click.option("--all", "every", is_flag=True, help="The tokens of every account.")
@click.option("--local", is_flag=True, help="On this machine only; the server is not told.")
@click.option("--if-exists", is_flag=True, help="No token to forget is no failure.")
@cli.pass_app
async def forget(
    app: cli.App, name: str | None, every: bool, local: bool, if_exists: bool
) -> list[TokenForgotten]:
    """Forget the tokens of the account NAME, by default of the one in use.

    The server ends them, and they are removed from this machine: the next login needs the
    password. Where the server cannot be reached they stay, unless --local is given. Other runs
    that use a token at this moment go on undisturbed.
    """
    if every and name is not None:
        raise UsageError("an account and --all exclude each other")
    from xmppctl.config import logins

    jids = [jid for jid, _ in logins.kept(app.env)] if every else [_jid(app, name)]
    forgotten: list[TokenForgotten] = []
    for jid in jids:
        forgotten += await _forget(app, jid, local=local, every=every)
    if not forgotten and not if_exists:
        whose = "" if every else f" of {jids[0]}"
        raise RefusedError(
            f"no token{whose} is kept on this machine", step="state", condition="item-not-found"
        )
    return forgotten


async def _forget(app: cli.App, jid: str, *, local: bool, every: bool) -> list[TokenForgotten]:
    """The tokens of all devices: who holds one keeps its session, for this login binds nothing."""
    from xmppctl.config import logins

    forgotten: list[TokenForgotten] = []
    error: ErrorInfo | None = None
    seen: set[str] = set()
    for _ in range(_PASSES):
        kept = [each for each in logins.read(jid, app.env).tokens if each.token not in seen]
        for entry, token in zip(_entries(app, jid, kept), kept, strict=True):
            seen.add(token.token)
            told = False
            if not local and not entry.expired and error is None:
                try:
                    await _invalidate(app, jid, token, every=every)
                    told = True
                except XmppctlError as failure:
                    error = _with_hint(failure.info())
            if error is None:
                logins.update(jid, partial(logins.without_token, token=token), app.env)
            forgotten.append(TokenForgotten(**asdict(entry), invalidated=told, error=error))
    return forgotten


async def _invalidate(app: cli.App, jid: str, token: Token, *, every: bool) -> None:
    from xmppctl.cli.app import require_xmpp

    require_xmpp()
    from xmppctl.config.settings import resolve
    from xmppctl.model.jid import parse
    from xmppctl.session import tokens as session

    settings = app.settings
    if every:
        options = {key: value for key, value in app.options.items() if key != "account"}
        options["jid"] = (parse(jid), f"the tokens of {jid}")
        settings = resolve(options, app.env, settings.config)
    await session.invalidate(settings.account(no_input=True), token, trace=app.trace)


def _with_hint(error: ErrorInfo) -> ErrorInfo:
    hint = "--local removes the token from this machine alone"
    return replace(error, hint=hint if error.hint is None else f"{error.hint}; {hint}")


def _jid(app: cli.App, name: str | None) -> str:
    if name is not None:
        app.use_account(name)
    return str(app.settings.jid().bare)


def _entries(app: cli.App, jid: str, kept: Iterable[Token]) -> list[TokenEntry]:
    from xmppctl.config import logins

    profiles = app.settings.config.profiles.values()
    account = next((each.name for each in profiles if str(each.jid.bare) == jid), None)
    return [
        TokenEntry(
            account=account,
            jid=jid,
            device=token.device,
            mechanism=token.mechanism,
            issued=token.issued,
            expiry=token.expiry,
            expired=logins.expired(token),
        )
        for token in kept
    ]
