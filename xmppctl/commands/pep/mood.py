"""Verb of ``xmppctl pep``: the mood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.commands.pep import _options as common
from xmppctl.commands.pep import cmd
from xmppctl.model.pep import Mood


def _moods() -> Sequence[str]:
    from xmppctl.model.pepwords import MOODS

    return MOODS


@cmd.command(
    "mood",
    examples=(
        "xmppctl pep mood bob@example.org",
        "xmppctl pep mood --set happy --text 'the build is green'",
        "xmppctl pep mood --clear",
    ),
)
@common.contact
@click.option("--set", "value", metavar="MOOD", type=NONEMPTY,
              shell_complete=common.Words(_moods), help="Tell this mood.")  # fmt: skip
@common.text
@common.clear
@click.option("--force", is_flag=True, help="Also a mood that XEP-0107 does not have.")
@common.publishing
@cli.pass_app
async def mood(app: cli.App, /, **options: Any) -> Mood:
    """Show the mood of an account, or tell one's own.

    Moods are those of XEP-0107, such as happy, tired or in_love. Without JID the own one is shown.
    """
    value: str | None = options["value"]
    common.check(options, given=value is not None, only_set=("text", "force"))
    if value is not None:
        common.check_word(value, _moods(), "a mood of XEP-0107", force=options["force"])
    from xmppctl.protocol.pepvalues import mood as kind

    changing = value is not None or options["clear"]
    payload = kind.build(value, options["text"]) if changing else None
    async with app.session() as session:
        return await common.tell(session, kind, payload, options)
