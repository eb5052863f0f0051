"""``xmppctl roster list`` and ``get``: the contacts as the server has them."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import JID, NONEMPTY, choice
from xmppctl.commands.roster import cmd
from xmppctl.errors import LocalError
from xmppctl.model.jid import Jid
from xmppctl.model.roster import Contact, Listed, Roster, Subscription


@cmd.command(
    "list",
    examples=(
        "xmppctl roster list",
        "xmppctl -o plain roster list --group friends --online",
        "xmppctl --json roster list --pending | jq -r '.[] | select(.request).jid'",
        "xmppctl roster list --tree --cache",
    ),
)
@click.option("--group", "groups", multiple=True, type=NONEMPTY,
              help="Only contacts in this group (repeatable).")  # fmt: skip
@click.option("--subscription", "subscriptions", multiple=True, type=choice(Subscription),
              help="Only contacts with this subscription (repeatable).")  # fmt: skip
@click.option("--online", is_flag=True, help="Only contacts that are online now.")
@click.option("--pending", is_flag=True,
              help="Only requests that wait for an answer, in both directions.")  # fmt: skip
@click.option("--tree", is_flag=True, help="Sort by groups, nested ones below each other.")
@click.option("--meta", is_flag=True, help="Tell which contacts are one person (XEP-0209).")
@click.option("--cache", is_flag=True,
              help="Keep the roster here, and ask what has changed since (XEP-0237).")  # fmt: skip
@click.option("--refresh", is_flag=True, help="Keep it, but ask for all of it anew.")
@cli.pass_app
async def list_(
    app: cli.App,
    groups: tuple[str, ...],
    subscriptions: tuple[str, ...],
    online: bool,
    pending: bool,
    tree: bool,
    meta: bool,
    cache: bool,
    refresh: bool,
) -> list[Listed]:
    """List the contacts.

    --online asks their servers and is seen by nobody. --pending shows the account as online for a
    moment, since servers tell of requests to available clients only; no message is fetched by that.
    """
    from xmppctl.config import rostercache
    from xmppctl.protocol import rosterlist

    async with app.session() as session:

        def store(roster: Roster) -> None:
            try:
                rostercache.store(session.bare, roster, app.env)
            except LocalError as error:
                app.warn(f"the roster is not kept: {error.text}")

        kept = cache or refresh
        return await rosterlist.contacts(
            session,
            known=rostercache.load(session.bare, app.env) if kept and not refresh else None,
            store=store if kept else None,
            pending=pending,
            online=online,
            tree=tree,
            meta=meta,
            groups=groups,
            subscriptions=subscriptions,
            warn=app.warn,
        )


@cmd.command("get", examples=("xmppctl roster get bob@example.org --json",))
@click.argument("jid", type=JID)
@cli.pass_app
async def get(app: cli.App, jid: Jid) -> Contact:
    """Show one contact."""
    from xmppctl.protocol import contacts

    async with app.session() as session:
        return await contacts.get(session, jid)
