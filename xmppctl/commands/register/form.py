"""``register form``: what a registration asks for."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID
from xmppctl.cli.stdin import is_terminal
from xmppctl.commands.register import group
from xmppctl.commands.register.group import cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.register import Registration


@cmd.command(
    "form",
    examples=(
        "xmppctl register form example.org",
        "xmppctl register form irc.example.org --json | jq -r '.fields[].var'",
    ),
)
@click.argument("host", metavar="DOMAIN|SVC", type=BARE_JID)
@cli.pass_app
async def form(app: cli.App, host: Jid) -> Registration:
    """Show what a registration with a server or service asks for.

    A server is asked without a login; a closed one may show its fields all the same. What is below
    the domain of the account in use is asked through that account, where it is no server of its
    own.
    """
    import asyncio

    from xmppctl.protocol import disco, registration

    if host.local is not None or _may_be_service(app, host):
        async with app.session() as session:
            info, offer = await asyncio.gather(
                disco.info(session, host),
                registration.ask(session, host),
                return_exceptions=True,
            )
        identities = [] if isinstance(info, BaseException) else info.identities
        if not any(each.category == "server" for each in identities):
            if isinstance(offer, BaseException):
                raise offer
            return offer.record()
    if app.settings.get("jid") is None or app.settings.get("jid").domain != host.domain:
        group.use_jid(app, Jid(None, host.domain, None))
    async with group.before_login(app) as session:
        return (await registration.ask(session)).record()


def _may_be_service(app: cli.App, host: Jid) -> bool:
    """Whether it is below the domain of an account that can log in.

    Any other name is not asked through an account: whoever it belongs to would learn of that.
    """
    try:
        account = app.account
    except UsageError:
        return False
    usable = app.settings.secret is not None or account.cert is not None
    usable = usable or account.anonymous or is_terminal(app.stdin)
    return usable and host.domain.endswith(f".{account.jid.domain}")
