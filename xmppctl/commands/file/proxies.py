"""``xmppctl file proxies``: who passes bytes on between clients."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import JID
from xmppctl.commands.file import cmd
from xmppctl.model.jid import Jid
from xmppctl.model.jingle import StreamHost


@cmd.command(
    "proxies",
    examples=("xmppctl file proxies", "xmppctl --json file proxies example.org"),
)
@click.argument("domain", type=JID, required=False)
@cli.pass_app
async def proxies(app: cli.App, domain: Jid | None) -> list[StreamHost]:
    """List the proxies of a server for file transfers (XEP-0065).

    DOMAIN is a server, by default the own one, or a proxy itself.
    """
    from xmppctl.protocol.jingle import proxies

    async with app.session() as session:
        return await proxies.fetch(session, None if domain is None else str(domain))
