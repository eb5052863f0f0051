"""The group ``register``, and what its verbs share: targets, values, secrets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from xmppctl import cli
from xmppctl.cli import forms as options
from xmppctl.cli.stdin import is_terminal
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from xmppctl.protocol.registration import Offer
    from xmppctl.session import Session

cmd = cli.group(
    "register",
    section="Account",
    help="Create and end accounts (XEP-0077).",
    home=__name__.rpartition(".")[0],
    modules=("form", "create", "account", "service"),
)

_SECRETS = frozenset({"password", "old_password"})
_PASSWORD_WAYS = "--password-file, --password-fd, --password-command, XMPPCTL_PASSWORD"


def before_login(app: cli.App) -> AbstractAsyncContextManager[Session]:
    """A stream to the server that the account in use names, without a login."""
    from xmppctl.cli.app import require_xmpp

    require_xmpp()
    from xmppctl.session import open_stream

    return open_stream(app.account_for(login=False), trace=app.trace)


def use_jid(app: cli.App, jid: Jid) -> None:
    """Go on as if ``--jid`` had named ``jid``: nothing of another account is taken along."""
    app.options["jid"] = (jid, "the argument JID")
    for cached in ("settings", "account"):
        app.__dict__.pop(cached, None)


def new_secret(app: cli.App, whose: str) -> str | None:
    """The password for an account that is to be made; None where nobody gives one."""
    from xmppctl.config import secrets

    source = app.settings.secret
    if source is None and (app.no_input or not is_terminal(app.stdin)):
        return None
    purpose = replace(secrets.PASSWORD, prompt=2)
    with app.blocking():
        return secrets.provider(purpose, source, whose=whose, no_input=app.no_input)()


def values(app: cli.App, pairs: Sequence[str], form_json: str | None) -> dict[str, list[str]]:
    """Values by field name; raises UsageError for a password among the arguments."""
    for pair in pairs:
        name = pair.partition("=")[0]
        if name in _SECRETS:
            raise _secret_argument(name)
    return options.answers(app, pairs, form_json)


def refuse_secrets(offer: Offer, pairs: Sequence[str]) -> None:
    """Raise UsageError where an argument fills a field that is private."""
    private = {field.var for field in offer.fields if field.type == "text-private"}
    for pair in pairs:
        if pair.partition("=")[0] in private:
            raise _secret_argument(pair.partition("=")[0])


def complete(
    app: cli.App, offer: Offer, answers: dict[str, list[str]], *, own: bool
) -> dict[str, list[str]]:
    """The answers with what a terminal is asked for: private fields of a service.

    Raises UsageError that names the fields that have no value; ``own``: whether the password is
    that of the account in use.
    """
    from xmppctl.protocol import registration

    lacking = registration.check(offer, answers)
    private = [f for f in offer.fields if f.var in lacking and f.type == "text-private"]
    if not own and private and not app.no_input and is_terminal(app.stdin):
        import getpass

        for field in private:
            with app.blocking():
                prompt: Callable[[str], str] = getpass.getpass
                answers = {**answers, field.var or "": [prompt(f"{field.var} at {offer.by}: ")]}
        lacking = registration.check(offer, answers)
    if lacking:
        plain = [f.var for f in offer.fields if f.var in lacking and f.type != "text-private"]
        hints = [f"--field {plain[0]}=VALUE"] if plain else []
        if len(plain) < len(lacking):
            hints.append(f"the password by {_PASSWORD_WAYS if own else '--form-json FILE or -'}")
        raise UsageError(
            f"{offer.by} asks for a value of: {', '.join(lacking)}; nothing was submitted",
            step="form",
            condition="missing-fields",
            hint="; ".join(hints),
        )
    return answers


def _secret_argument(name: str) -> UsageError:
    return UsageError(
        f"{name} is a secret, which does not belong on a command line",
        step="form",
        hint=f"the account's password: {_PASSWORD_WAYS}; any other: --form-json FILE or -",
    )
