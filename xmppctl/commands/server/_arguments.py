"""Arguments that several verbs of ``server`` have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from xmppctl.cli.params import JidType
from xmppctl.model.jid import Jid

if TYPE_CHECKING:
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
