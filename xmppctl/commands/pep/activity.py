"""Verb of ``xmppctl pep``: the activity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.commands.pep import _options as common
from xmppctl.commands.pep import cmd
from xmppctl.errors import UsageError
from xmppctl.model.pep import Activity


def _activities() -> Sequence[str]:
    from xmppctl.model.pepwords import ACTIVITIES, OTHER

    return [
        word
        for general, specific in ACTIVITIES.items()
        for word in (general, *(f"{general}/{each}" for each in (*specific, OTHER)))
    ]


@cmd.command(
    "activity",
    examples=(
        "xmppctl pep activity bob@example.org",
        "xmppctl pep activity --set working/coding --text 'do not disturb'",
        "xmppctl pep activity --clear",
    ),
)
@common.contact
@click.option("--set", "value", metavar="GENERAL[/SPECIFIC]", type=NONEMPTY,
              shell_complete=common.Words(_activities), help="Tell this activity.")  # fmt: skip
@common.text
@common.clear
@click.option("--force", is_flag=True, help="Also an activity that XEP-0108 does not have.")
@common.publishing
@cli.pass_app
async def activity(app: cli.App, /, **options: Any) -> Activity:
    """Show what the owner of an account does, or tell it.

    Activities are those of XEP-0108, a general one such as relaxing, and where that is not enough
    a specific one behind a slash: relaxing/reading. Without JID the own one is shown.
    """
    value: str | None = options["value"]
    common.check(options, given=value is not None, only_set=("text", "force"))
    general, specific = _checked(value, force=options["force"]) if value else (None, None)
    from xmppctl.protocol.pepvalues import activity as kind

    changing = value is not None or options["clear"]
    payload = kind.build(general, specific, options["text"]) if changing else None
    async with app.session() as session:
        return await common.tell(session, kind, payload, options)


def _checked(value: str, *, force: bool) -> tuple[str, str | None]:
    from xmppctl.model.pepwords import ACTIVITIES, OTHER

    general, slash, specific = value.partition("/")
    known = [OTHER, *(word for words in ACTIVITIES.values() for word in words)]
    if not slash and general in known and not force:
        kinds = [kind for kind, words in ACTIVITIES.items() if general in words]
        kinds = kinds or sorted(ACTIVITIES)[:1]
        raise UsageError(
            f"{general!r} is a specific activity, which needs a general one before it",
            hint=f"for example: --set {kinds[0]}/{general}",
        )
    common.check_word(general, list(ACTIVITIES), "a general activity of XEP-0108", force=force)
    if slash:
        # any of them may stand under any general one (§3)
        common.check_word(specific, known, "a specific activity of XEP-0108", force=force)
    return general, specific or None
