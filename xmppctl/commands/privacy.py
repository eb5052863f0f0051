"""``xmppctl privacy``: privacy lists, the older way to block."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.errors import RefusedError, UsageError
from xmppctl.model.privacy import PrivacyDefault, PrivacyList, PrivacyRule

cmd = cli.group("privacy", section="Contacts", help="Rules of who may write (XEP-0016).")


@cmd.command("list", examples=("xmppctl privacy list", "xmppctl --json privacy list public"))
@click.argument("name", required=False, type=NONEMPTY)
@cli.pass_app
async def list_(app: cli.App, name: str | None) -> list[PrivacyList]:
    """List the privacy lists, or one of them.

    Which of them is the default, and which holds for this session. The default list holds for
    all clients that use no other, and while none is online.
    """
    check_characters("name", name)
    from xmppctl.protocol import privacy

    async with app.session() as session:
        found = await privacy.lists(session)
        chosen = [each for each in found if name in (None, each.name)]
        if name is not None and not chosen:
            raise RefusedError(
                f"there is no privacy list {name}",
                step="privacy",
                condition="item-not-found",
                by=session.bare,
            )
        return chosen


@cmd.command("get", examples=("xmppctl privacy get public", "xmppctl -o csv privacy get public"))
@click.argument("name", type=NONEMPTY)
@cli.pass_app
async def get(app: cli.App, name: str) -> list[PrivacyRule]:
    """Show the rules of a privacy list.

    In the order in which they are looked at: the first one that fits decides. What none of them
    fits is allowed.
    """
    check_characters("name", name)
    from xmppctl.protocol import privacy

    async with app.session() as session:
        return await privacy.rules(session, name)


@cmd.command(
    "use",
    examples=("xmppctl privacy use public --default", "xmppctl privacy use --none"),
)
@click.argument("name", required=False, type=NONEMPTY)
@click.option("--none", "nothing", is_flag=True, help="Use no list any more.")
@click.option("--default", "default", is_flag=True,
              help="For the account: the only thing that this verb can choose.")  # fmt: skip
@cli.pass_app
async def use(app: cli.App, name: str | None, nothing: bool, default: bool) -> PrivacyDefault:
    """Choose the default privacy list.

    It holds for the account from then on. The active list, of which XEP-0016 knows too, ends with
    the session that chose it, and so with the run of a command: it cannot be chosen here.
    """
    if (name is None) is not nothing:
        raise UsageError("give the NAME of a list, or --none")
    check_characters("name", name)
    from xmppctl.protocol import privacy

    async with app.session() as session:
        return await privacy.choose(session, name)
