"""``xmppctl server contacts``, ``policy``, ``limits``, ``labels``: what a server says it is."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, JID
from xmppctl.commands.server import _arguments as arguments
from xmppctl.commands.server import cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.server import CatalogueLabel, Contacts, Limits, Policy


@cmd.command(
    "contacts",
    examples=(
        "xmppctl server contacts",
        "xmppctl --json server contacts example.org | jq -r '.abuse[]'",
    ),
)
@arguments.domain
@cli.pass_app
async def contacts(app: cli.App, domain: Jid | None) -> Contacts:
    """Show whom to turn to about a server (XEP-0157).

    The addresses are URIs, such as mailto:, xmpp: or https: ones; what the server tells in their
    place and is none stands under "invalid".
    """
    from xmppctl.protocol.server import contacts as operations

    async with app.session() as session:
        return await operations.fetch(session, arguments.or_own(domain, session))


@cmd.command(
    "policy",
    examples=("xmppctl server policy", "xmppctl --json server policy gateway.example.org"),
)
@click.argument("jid", metavar="[DOMAIN]", type=JID, required=False)
@cli.pass_app
async def policy(app: cli.App, jid: Jid | None) -> list[Policy]:
    """Show how a server or service treats data (XEP-0504).

    The first is its own policy; a gateway may have one for each network behind it.
    """
    from xmppctl.protocol.server import policy as operations

    async with app.session() as session:
        return await operations.fetch(session, arguments.or_own(jid, session))


@cmd.command("limits", examples=("xmppctl server limits", "xmppctl -o plain server limits"))
@arguments.domain
@cli.pass_app
async def limits(app: cli.App, domain: Jid | None) -> Limits:
    """Show what the own server takes at most (XEP-0478).

    The largest stanza, how long a client may keep silent, and the largest file of its upload
    service. A server tells only its own clients: DOMAIN is the own one.
    """
    if domain is not None and domain.domain != app.account.domain:
        raise UsageError(
            f"{domain} tells its limits to its own clients alone",
            hint="-j or -a, before the command, choose an account there",
        )
    from xmppctl.protocol.server import limits as operations

    async with app.session() as session:
        return await operations.fetch(session)


@cmd.command(
    "labels",
    examples=(
        "xmppctl server labels --to bob@example.org",
        "xmppctl -o plain server labels --to ops@conference.example.org",
    ),
)
@arguments.domain
@click.option("--to", type=BARE_JID, required=True, metavar="JID",
              help="Whom the messages are for: labels differ from one to another.")  # fmt: skip
@cli.pass_app
async def labels(app: cli.App, domain: Jid | None, to: Jid) -> list[CatalogueLabel]:
    """List the security labels for messages (XEP-0258).

    What "send --label" takes is the selector. The own server is the one to ask, whoever the
    message is for; labels of another one may not be usable.
    """
    from xmppctl.protocol import labels as operations

    async with app.session() as session:
        return await operations.catalogue(session, arguments.or_own(domain, session), to)
