"""``xmppctl server services``: STUN, TURN and other services outside of XMPP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.server import _arguments as arguments
from xmppctl.commands.server import cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.server import Credentials, ExternalService

if TYPE_CHECKING:
    from xmppctl.protocol.server.extdisco import Place


@cmd.command(
    "services",
    examples=(
        "xmppctl server services",
        "xmppctl --json server services --type turn",
        "xmppctl --json server services --credentials turn:turn.example.org | jq -r '.[].password'",
    ),
)
@arguments.domain
@click.option("--type", "kind", type=NONEMPTY, metavar="TYPE",
              help="Only services of this type, such as turn.")  # fmt: skip
@click.option("--credentials", type=NONEMPTY, metavar="SERVICE",
              help="Ask for a user name and password for this service: HOST, TYPE:HOST or "
              "TYPE:HOST:PORT.")  # fmt: skip
@cli.pass_app
async def services(
    app: cli.App, domain: Jid | None, kind: str | None, credentials: str | None
) -> list[ExternalService]:
    """List external services, such as TURN relays (XEP-0215).

    Passwords stand in JSON, and in a table where they are asked for: by --credentials, or by
    --fields.
    """
    check_characters("type", kind)
    from xmppctl.protocol.server import extdisco

    async with app.session() as session:
        return await extdisco.fetch(session, arguments.or_own(domain, session), kind)


@services.instead("credentials")
@cli.pass_app
async def _credentials(
    app: cli.App, domain: Jid | None, kind: str | None, credentials: str
) -> list[Credentials]:
    place = _place(credentials, kind)
    from xmppctl.protocol.server import extdisco

    async with app.session() as session:
        return await extdisco.credentials(session, arguments.or_own(domain, session), place)


def _place(text: str, kind: str | None) -> Place:
    check_characters("service", text, kind)
    from xmppctl.protocol.server.extdisco import parse_place

    try:
        place = parse_place(text)
    except ValueError as error:
        raise UsageError(f"--credentials: {error}") from None
    if kind is None or place.type == kind:
        return place
    if place.type is not None:
        raise UsageError(f"--type {kind} and --credentials {text} contradict each other")
    return place._replace(type=kind)
