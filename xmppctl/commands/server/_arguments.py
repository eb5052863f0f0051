"""Arguments that several verbs of ``server`` have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.params import JidType
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid

if TYPE_CHECKING:
    from xmppctl.model.account import Account
    from xmppctl.session import Session


class DomainType(JidType):
    """The JID of a server or service: a domain alone."""

    name = "domain"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Jid:
        """The parsed JID; fails on that of an account or a client."""
        jid = super().convert(value, param, ctx)
        if not jid.is_domain:
            self.fail(f"{str(jid)!r} is no domain, such as {jid.domain}", param, ctx)
        return jid


DOMAIN = DomainType()

domain = click.argument("domain", type=DOMAIN, required=False)


def or_own(jid: Jid | None, session: Session) -> Jid:
    """The entity that was named, else the own server."""
    return jid or Jid(None, session.domain, None)


def own(app: cli.App) -> Account:
    """The account that stands for DOMAIN where that was not given. Raises UsageError."""
    try:
        return app.account_for(login=False)
    except UsageError as error:
        if error.condition != "no-account" or app.settings.get("jid") is not None:
            raise
        raise UsageError(
            "no DOMAIN, and no account whose domain it could be",
            step=error.step,
            condition=error.condition,
            hint="give DOMAIN, which needs no account; or -j or -a, before the command",
        ) from None
