"""``xmppctl roster subscribe | approve | deny | cancel``: who sees whose presence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, NONEMPTY
from xmppctl.cli.targets import Targets, argument
from xmppctl.cli.texts import check_characters
from xmppctl.commands.roster import cmd
from xmppctl.commands.roster._invitation import of as invited
from xmppctl.errors import from_info
from xmppctl.model.jid import Jid
from xmppctl.model.roster import Contact, ContactChange

if TYPE_CHECKING:
    from xmppctl.session import Session

    Change = Callable[[Session, list[Jid]], Awaitable[list[ContactChange]]]

_if_exists = click.option("--if-exists", is_flag=True, help="Nothing to end is no failure.")


@cmd.command(
    "subscribe",
    examples=(
        "xmppctl roster subscribe bob@example.org --nick Alice --message 'From the meeting'",
        "xmppctl roster subscribe romeo@example.org --token 1tMFqYDdKhfe2pwp",
    ),
)
@click.argument("word", metavar="JID", type=NONEMPTY)
@click.option("--nick", type=NONEMPTY, help="The own nickname, to go with the request.")
@click.option("--message", type=NONEMPTY, help="Text to go with the request.")
@click.option("--token", type=NONEMPTY,
              help="Token of an invitation by the contact (XEP-0379).")  # fmt: skip
@cli.pass_app
async def subscribe(
    app: cli.App, word: str, nick: str | None, message: str | None, token: str | None
) -> Contact:
    """Ask to see the presence of a contact.

    The contact need not be in the roster. It decides when it likes: "ask" says that the request
    is on its way, the subscription "to" or "both" that it was granted. The token of an invitation
    may stand in an xmpp: URI.
    """
    from xmppctl.protocol import subscription

    jid = BARE_JID.convert(word, None, click.get_current_context())
    token = token or invited(word).token
    check_characters("text", nick, message, token)
    async with app.session() as session:
        note = subscription.Note(nick, message, token)
        (change,) = await subscription.subscribe(session, [jid], note)
    if change.error is not None:
        raise from_info(change.error)
    return change


@cmd.command(
    "approve",
    examples=(
        "xmppctl roster approve bob@example.org",
        "xmppctl roster approve - < friends.txt",
    ),
    targets=True,
)
@argument
@cli.pass_app
async def approve(app: cli.App, words: tuple[str, ...]) -> AsyncIterator[ContactChange]:
    """Let contacts see the own presence.

    Approves the request that waits; where there is none, the next one in advance, if the server
    can do that (RFC 6121 §3.4): exit 6, item-not-found, where neither is the case. Who may see it
    already is approved all the same. With - as JID they come from standard input, one in a line.
    """
    from xmppctl.protocol import subscription

    async for change in _changed(app, words, subscription.approve):
        yield change


@cmd.command("deny", examples=("xmppctl roster deny bob@example.org",), targets=True)
@argument
@_if_exists
@cli.pass_app
async def deny(
    app: cli.App, words: tuple[str, ...], if_exists: bool
) -> AsyncIterator[ContactChange]:
    """Refuse requests, or no longer show the own presence.

    Whether there is a request is seen only by being online for a moment, as with list --pending;
    that is not needed for contacts that see the presence already. Takes an approval in advance
    back as well; a server that knows these need not show them, so that any contact in the roster
    may have one, and is denied without a failure. Exit 6, item-not-found, where there is nothing
    to refuse. With - as JID they come from standard input, one in a line.
    """
    from xmppctl.protocol import subscription

    async for change in _changed(
        app, words, lambda session, jids: subscription.deny(session, jids, if_exists=if_exists)
    ):
        yield change


@cmd.command("cancel", examples=("xmppctl roster cancel bob@example.org",), targets=True)
@argument
@_if_exists
@cli.pass_app
async def cancel(
    app: cli.App, words: tuple[str, ...], if_exists: bool
) -> AsyncIterator[ContactChange]:
    """Take requests back, or no longer see presence.

    They stay in the roster. Exit 6, item-not-found, where there is neither. With - as JID they
    come from standard input, one in a line.
    """
    from xmppctl.protocol import subscription

    async for change in _changed(
        app, words, lambda session, jids: subscription.cancel(session, jids, if_exists=if_exists)
    ):
        yield change


async def _changed(
    app: cli.App, words: tuple[str, ...], change: Change
) -> AsyncIterator[ContactChange]:
    targets = Targets(app, words, lambda text, error: ContactChange(text, error=error))
    found: list[ContactChange] = []
    if targets.jids:
        async with app.session() as session:
            found = await change(session, targets.jids)
    for record in targets.records(found):
        yield record
