"""``xmppctl roster add | remove | rename | group``."""

from __future__ import annotations

from collections.abc import AsyncIterator

import click

from xmppctl import cli
from xmppctl.cli.params import JID, NONEMPTY, TEXT
from xmppctl.cli.progress import counting
from xmppctl.cli.targets import Targets, argument
from xmppctl.cli.texts import check_characters
from xmppctl.commands.roster import cmd
from xmppctl.commands.roster._invitation import of as invited
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.roster import Contact, ContactChange, Removal


@cmd.command(
    "add",
    examples=(
        "xmppctl roster add bob@example.org --name Bob --group friends",
        "xmppctl roster add 'xmpp:romeo@example.net?roster;preauth=1tMFqYDdKhfe2pwp'",
        "xmppctl roster add --no-subscribe --group staff - < staff.txt",
    ),
    targets=True,
)
@argument
@click.option("--name", type=TEXT, help="Name to show for the contact.")
@click.option("--group", "groups", multiple=True, type=NONEMPTY,
              help="Group to put it into (repeatable).")  # fmt: skip
@click.option("--no-subscribe", is_flag=True, help="Do not ask for a subscription.")
@click.option("--nick", type=NONEMPTY, help="The own nickname, to go with the request.")
@click.option("--message", type=NONEMPTY, help="Text to go with the request.")
@click.option("--token", type=NONEMPTY,
              help="Token of an invitation by the contact (XEP-0379).")  # fmt: skip
@cli.pass_app
async def add(
    app: cli.App,
    words: tuple[str, ...],
    name: str | None,
    groups: tuple[str, ...],
    no_subscribe: bool,
    nick: str | None,
    message: str | None,
    token: str | None,
) -> AsyncIterator[ContactChange]:
    """Add contacts, and ask for a subscription in both directions.

    The contact is asked to show its presence and allowed to see the own one: a request of it that
    waits is approved, a later one in advance where the server can do that. Contacts that are there
    keep their name and groups, unless others are given. With - as JID they come from standard
    input, one in a line. An invitation, an xmpp: URI with a token, is accepted as a whole.
    """
    from xmppctl.protocol import contacts
    from xmppctl.protocol.subscription import Note

    if len(words) == 1:
        invitation = invited(words[0])
        name = invitation.name if name is None else name
        token = token or (None if no_subscribe else invitation.token)
    check_characters("text", nick, message, token)
    check_characters("name", name, *groups)
    if no_subscribe and (nick or message or token):
        raise UsageError("--nick, --message and --token go with a request: not --no-subscribe")
    targets = Targets(app, words, lambda text, error: ContactChange(text, error=error))
    if len(targets.jids) > 1 and name is not None:
        raise UsageError("--name is for one contact, and several were given")
    note = None if no_subscribe else Note(nick, message, token)
    found: list[ContactChange] = []
    if targets.jids:
        async with app.session() as session:
            with counting(app, "contacts", len(targets.jids)) as told:
                found = await contacts.add(
                    session, targets.jids, name=name, groups=groups, note=note, told=told
                )
    for record in targets.records(found):
        yield record


@cmd.command(
    "remove",
    examples=(
        "xmppctl roster remove bob@example.org",
        "xmppctl roster remove --if-exists - < gone.txt",
    ),
    targets=True,
)
@argument
@click.option("--if-exists", is_flag=True, help="What is not in the roster is no failure.")
@cli.pass_app
async def remove(app: cli.App, words: tuple[str, ...], if_exists: bool) -> AsyncIterator[Removal]:
    """Remove contacts, and the subscriptions in both directions.

    With - as JID they come from standard input, one in a line.
    """
    from xmppctl.protocol import contacts

    targets = Targets(app, words, lambda text, error: Removal(text, None, error), bare=False)
    found: list[Removal] = []
    if targets.jids:
        async with app.session() as session:
            with counting(app, "contacts", len(targets.jids)) as told:
                found = await contacts.remove(session, targets.jids, if_exists=if_exists, told=told)
    for record in targets.records(found):
        yield record


@cmd.command(
    "rename",
    examples=(
        "xmppctl roster rename bob@example.org 'Bob the builder'",
        "xmppctl roster rename bob@example.org --clear",
    ),
)
@click.argument("jid", type=JID)
@click.argument("name", required=False, type=TEXT)
@click.option("--clear", is_flag=True, help="Take the name away; so does an empty one.")
@cli.pass_app
async def rename(app: cli.App, jid: Jid, name: str | None, clear: bool) -> Contact:
    """Give a contact another name."""
    from xmppctl.protocol import contacts

    if clear == (name is not None):
        raise UsageError("give a name, or --clear")
    check_characters("name", name)
    async with app.session() as session:
        return await contacts.rename(session, jid, name or None)


@cmd.command(
    "group",
    examples=(
        "xmppctl roster group bob@example.org --add friends --remove strangers",
        "xmppctl roster group bob@example.org --set work --set friends",
        "xmppctl roster group bob@example.org --clear",
    ),
)
@click.argument("jid", type=JID)
@click.option("--add", "added", multiple=True, type=NONEMPTY, metavar="G",
              help="Put it into this group (repeatable).")  # fmt: skip
@click.option("--remove", "removed", multiple=True, type=NONEMPTY, metavar="G",
              help="Take it out of this group (repeatable).")  # fmt: skip
@click.option("--set", "only", multiple=True, type=NONEMPTY, metavar="G",
              help="Put it into this group, and out of all others (repeatable).")  # fmt: skip
@click.option("--clear", is_flag=True, help="Take it out of all groups.")
@click.option("--if-exists", is_flag=True, help="--remove of a group it is not in is no failure.")
@cli.pass_app
async def group(
    app: cli.App,
    jid: Jid,
    added: tuple[str, ...],
    removed: tuple[str, ...],
    only: tuple[str, ...],
    clear: bool,
    if_exists: bool,
) -> Contact:
    """Change the groups of a contact."""
    from xmppctl.protocol import contacts

    if not (added or removed or only or clear):
        raise UsageError("nothing to change: give --add, --remove, --set or --clear")
    if clear and only:
        raise UsageError("--clear and --set contradict each other")
    check_characters("name", *added, *removed, *only)
    async with app.session() as session:
        return await contacts.regroup(
            session,
            jid,
            only=only if only or clear else None,
            add=added,
            remove=removed,
            if_exists=if_exists,
        )
