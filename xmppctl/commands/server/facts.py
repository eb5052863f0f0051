"""``xmppctl server myip``, ``stats``, ``peers``: what a server knows at this moment."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.server import _arguments as arguments
from xmppctl.commands.server import cmd
from xmppctl.model.jid import Jid
from xmppctl.model.server import OwnAddress, Peer, Statistic


@cmd.command("myip", examples=("xmppctl -o plain server myip",))
@cli.pass_app
async def myip(app: cli.App) -> OwnAddress:
    """Show the IP address that the server sees (XEP-0279)."""
    from xmppctl.protocol.server import sic

    async with app.session() as session:
        return await sic.fetch(session)


@cmd.command(
    "stats",
    examples=(
        "xmppctl server stats",
        "xmppctl -o csv --fields name,value server stats --name users/online",
    ),
)
@arguments.domain
@click.option("--name", "names", type=NONEMPTY, multiple=True, metavar="NAME",
              help="Only this one, such as users/online; repeat for several.")  # fmt: skip
@cli.pass_app
async def stats(app: cli.App, domain: Jid | None, names: tuple[str, ...]) -> list[Statistic]:
    """Show the statistics of a server or component (XEP-0039).

    One that it does not tell is a record with an error; the exit code is 9 then, where it tells
    others.
    """
    check_characters("name", *names)
    from xmppctl.protocol.server import stats as operations

    async with app.session() as session:
        return await operations.fetch(session, arguments.or_own(domain, session), names)


@cmd.command("peers", examples=("xmppctl server peers", "xmppctl -o plain server peers"))
@arguments.domain
@cli.pass_app
async def peers(app: cli.App, domain: Jid | None) -> list[Peer]:
    """List the servers that a server is connected with (XEP-0485).

    Those that have not agreed to be named are there without a name.
    """
    from xmppctl.protocol.server import peers as operations

    async with app.session() as session:
        return await operations.fetch(session, arguments.or_own(domain, session))
