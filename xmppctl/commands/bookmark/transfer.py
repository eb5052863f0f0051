"""``bookmark export``, ``import``, ``convert``: to a file and back, from one store to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.params import choice
from xmppctl.commands.bookmark import cmd
from xmppctl.commands.bookmark._arguments import manner, passwords, reconfigure, store
from xmppctl.model.bookmark import BookmarkChange, Choice, Store

if TYPE_CHECKING:
    from xmppctl.protocol.bookmarks.elements import Subject, Wish

_HEADING = "Files and stores"
_FORMS = ("json", "xml", "list")


@cmd.command(
    "export",
    section=_HEADING,
    examples=(
        "xmppctl bookmark export > bookmarks.json",
        "xmppctl bookmark export --as xml --show-passwords --out bookmarks.xml",
        "xmppctl -a old bookmark export | xmppctl -a new bookmark import -",
    ),
)
@click.option("--as", "form", type=click.Choice(_FORMS), default="json", show_default=True,
              help="JSON, XML (XEP-0048), or the JID of a room in a line each.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
              help="Into this file, as a whole or not at all; - for standard output.")  # fmt: skip
@store
@passwords
@cli.pass_app
async def export(
    app: cli.App, form: str, out: str | None, store: Choice, show_passwords: bool
) -> None:
    """Write the bookmarks into a file that import reads.

    To standard output without --out, in the form of --as whatever -o says. The passwords of rooms
    are left out without --show-passwords; with it nobody else may read the file.
    """
    from xmppctl.cli.files import deliver
    from xmppctl.protocol.bookmarks import files, stores

    async with app.session() as session:
        found = await stores.fetch(session, store, app.warn, password=show_passwords)
    left_out = sum(each.has_password for each in found)
    if left_out and not show_passwords and form != "list":
        what = "the password of one room is" if left_out == 1 else f"{left_out} passwords are"
        app.warn(f"{what} left out; --show-passwords tells them")
    deliver(app, files.write(found, form), out, private=show_passwords)
    app.status(f"{len(found)} bookmark{'s' * (len(found) != 1)} exported")


@cmd.command(
    "import",
    section=_HEADING,
    examples=(
        "xmppctl bookmark import bookmarks.json",
        "xmppctl bookmark import --as list - < rooms.txt",
        "xmppctl bookmark import bookmarks.xml --store private",
    ),
    targets=True,
)
@click.argument("file", metavar="FILE|-", type=click.Path(allow_dash=True))
@click.option("--as", "form", type=click.Choice(["auto", *_FORMS]), default="auto",
              show_default=True, help="How the file is written.")  # fmt: skip
@reconfigure
@store
@cli.pass_app
async def import_(
    app: cli.App, file: str, form: str, store: Choice, reconfigure: bool
) -> list[BookmarkChange]:
    """Make bookmarks of what a file says.

    It is what export or list --json wrote, the XML of another client, or one JID in a line. A
    bookmark that is there is changed as far as the file says something of it; none is removed.
    """
    from xmppctl.protocol.bookmarks import files

    found = files.read(app.read_file(file), form)
    wishes: dict[Subject, Wish] = dict(
        each for each in found if not isinstance(each, BookmarkChange)
    )
    changes: list[BookmarkChange] = []
    if wishes:
        from xmppctl.protocol.bookmarks import changes as operation

        async with app.session() as session:
            changes = await operation.put(
                session, wishes, store, "put", manner(app, reconfigure=reconfigure)
            )
    by_subject = dict(zip(wishes, changes, strict=True))
    return [each if isinstance(each, BookmarkChange) else by_subject[each[0]] for each in found]


@cmd.command(
    "convert",
    section=_HEADING,
    examples=(
        "xmppctl bookmark convert",
        "xmppctl bookmark convert --to private --from pep",
    ),
    targets=True,
)
@click.option("--to", "target", type=choice(Store), default="pep", show_default=True,
              help="The store to copy them to.")  # fmt: skip
@click.option("--from", "source", type=choice(Choice), default="auto", show_default=True,
              help="The store to copy them from; auto: all others.")  # fmt: skip
@reconfigure
@cli.pass_app
async def convert(
    app: cli.App, target: Store, source: Choice, reconfigure: bool
) -> list[BookmarkChange]:
    """Copy bookmarks from one store of the server to another.

    For servers that do not keep the stores the same by themselves. A bookmark that is in both
    stays as it is in both, and nothing is removed. What clients keep with a bookmark goes along
    to pep, the only store with a place for it.
    """
    if target == source:
        from xmppctl.errors import UsageError

        raise UsageError("--from and --to are the same store")
    from xmppctl.protocol.bookmarks import changes

    async with app.session() as session:
        found, one = await changes.convert(
            session, target, source, manner(app, reconfigure=reconfigure)
        )
    if one:
        app.status("nothing to convert: the server keeps its stores the same")
    return found
