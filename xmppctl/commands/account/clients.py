"""``account clients``: who has access to the account (XEP-0494)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.commands.account import cmd
from xmppctl.model.clients import Client, ClientRevoked

clients = cmd.group(
    "clients", section="At the server", help="Who has access to the account (XEP-0494)."
)


@clients.command(
    "list",
    examples=(
        "xmppctl account clients list",
        "xmppctl account clients list --json --fail-empty",
    ),
)
@cli.pass_app
async def list_(app: cli.App) -> list[Client]:
    """List the applications that may use the account."""
    from xmppctl.protocol import clients as operations

    async with app.session() as session:
        return await operations.fetch(session)


@clients.command(
    "revoke",
    examples=("xmppctl account clients revoke zeiP41HLglIu --yes",),
    targets=True,
)
@click.argument("ids", metavar="ID...", type=NONEMPTY, nargs=-1, required=True)
@click.option("--if-exists", is_flag=True, help="A client that is not there is no failure.")
@cli.pass_app
async def revoke(
    app: cli.App, ids: tuple[str, ...], if_exists: bool
) -> AsyncIterator[ClientRevoked]:
    """End the access of applications.

    Of one that knows the password only register passwd does that.
    """
    from xmppctl.cli.texts import check_characters

    check_characters("id", *ids)
    app.confirm(f"end the access of {', '.join(ids)}?")
    from xmppctl.protocol import clients as operations

    async with app.session() as session:
        async for each in operations.revoke(session, list(dict.fromkeys(ids)), if_exists=if_exists):
            yield each
