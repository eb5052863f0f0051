"""``xmppctl raw``: send a stanza, print the answer."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.commands._element import read_stanza
from xmppctl.errors import UsageError
from xmppctl.model.raw import RawAnswer


@cli.command(
    "raw",
    section="Messages",
    examples=(
        """echo "<iq type='get' to='example.org'><query xmlns='jabber:iq:version'/></iq>" |
  xmppctl -o plain raw -""",
        "xmppctl raw request.xml --json",
    ),
)
@click.argument("file", metavar="[FILE|-]", type=click.Path(allow_dash=True), required=False)
@cli.pass_app
async def cmd(app: cli.App, file: str | None) -> RawAnswer:
    """Send a stanza as it is, and print the answer to an iq.

    FILE, or standard input, holds one message, presence or iq. An iq gets an id of its own, so that
    nobody else can answer it; an error in answer is exit code 6. A message is proven as send does
    it, a presence when the own server has taken it.
    """
    from xmppctl.cli.stdin import is_terminal

    if file is None and is_terminal(app.stdin):
        raise UsageError("no FILE was given", hint="give one, or - to read standard input")
    stanza = read_stanza(app, file or "-")
    from xmppctl.protocol import raw

    try:
        raw.check(stanza)
    except ValueError as error:
        raise UsageError(f"the stanza cannot be sent: {error}", step="input") from None
    async with app.session() as session:
        return await raw.exchange(session, stanza)
