"""Verb of ``xmppctl pep``: the nickname."""

from __future__ import annotations

from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.commands.pep import _options as common
from xmppctl.commands.pep import cmd
from xmppctl.errors import UsageError
from xmppctl.model.pep import Nick


@cmd.command(
    "nick",
    examples=(
        "xmppctl -o plain pep nick bob@example.org",
        "xmppctl pep nick --set Ishmael",
        "xmppctl pep nick --clear",
    ),
)
@common.contact
@click.option("--set", "value", metavar="NICK", type=NONEMPTY, help="Tell this nickname.")
@common.clear
@common.publishing
@cli.pass_app
async def nick(app: cli.App, /, **options: Any) -> Nick:
    """Show the nickname that an account tells, or tell one's own.

    It is how its owner wants to be called. Anybody may take any nickname: it proves nothing.
    Without JID the own one is shown.
    """
    value: str | None = options["value"]
    common.check(options, given=value is not None)
    if value is not None and not value.strip():
        raise UsageError("the nickname is empty", hint="--clear tells none any more")
    from xmppctl.protocol.pepvalues import nickname as kind

    changing = value is not None or options["clear"]
    payload = kind.build(value.strip() if value else None) if changing else None
    async with app.session() as session:
        return await common.tell(session, kind, payload, options)
