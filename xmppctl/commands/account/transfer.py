"""``account export``, ``account import``: all data of an account as a file (XEP-0227), and back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, NONEMPTY
from xmppctl.commands.account import cmd
from xmppctl.errors import ErrorInfo, PartialError, UsageError
from xmppctl.model.portable import PARTS, ImportedPart, Part, Wanted

if TYPE_CHECKING:
    from xmppctl.model.portable import Exported
    from xmppctl.protocol.portable.collect import Export

F = TypeVar("F", bound=Callable[..., Any])

_HEADING = "Moving"
_WHAT: dict[Part, str] = {
    "roster": "The contacts.",
    "vcard": "The vCard.",
    "private": "The private XML storage (XEP-0049).",
    "bookmarks": "The bookmarks of rooms, in whatever form.",
    "blocking": "The block list.",
    "pep": "The personal nodes (XEP-0163), secret ones too.",
    "offline": "The messages that wait.",
    "mam": "The message archive.",
}
_NAMES: dict[Part, str] = {
    "roster": "contact",
    "vcard": "vCard",
    "private": "private element",
    "blocking": "block rule",
    "pep": "node",
    "offline": "waiting message",
    "mam": "archived message",
}


def _parts(callback: F) -> F:
    for part in reversed(PARTS):
        callback = click.option(f"--{part}/--no-{part}", default=None, help=_WHAT[part])(callback)
    return callback


def _wanted(options: dict[str, Any]) -> Wanted:
    """Those that were named; without one, all but those that were excluded."""
    named = frozenset(part for part in PARTS if options[part])
    without = frozenset(part for part in PARTS if options[part] is False)
    wanted = Wanted(named or frozenset(PARTS) - without, without)
    if not wanted.parts:
        raise UsageError("everything was excluded")
    return wanted


@cmd.command(
    "export",
    section=_HEADING,
    examples=(
        "xmppctl account export --out alice.xml",
        "xmppctl account export --no-mam > alice.xml",
        "xmppctl account export --roster --bookmarks --out contacts.xml",
        "xmppctl account export --private --private-element prefs example:prefs --out prefs.xml",
    ),
)
@click.option("--out", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
              help="Into this file, as a whole or not at all; - for standard output.")  # fmt: skip
@_parts
@click.option("--private-element", "also", type=(NONEMPTY, NONEMPTY), multiple=True,
              metavar="ELEMENT NS",
              help="Also this of the private storage, which cannot be listed.")  # fmt: skip
@click.option("--page-size", type=click.IntRange(1, 1000), default=100, show_default=True,
              help="Archived messages asked for at once.")  # fmt: skip
@cli.pass_app
async def export(app: cli.App, /, **options: Any) -> None:
    """Write the data of the account into a file (XEP-0227).

    All of it, or the parts that are named; in it is what is private and secret, such as keys in
    nodes, but no password. To standard output without --out. What the server does not offer is
    told; what cannot be read is told too, and the exit code is 9.
    """
    wanted = _wanted(options)
    also = [_tag(name, namespace) for name, namespace in options["also"]]
    if also and not wanted.has("private"):
        raise UsageError("--private-element is a part of what --private means")
    from xmppctl.cli.progress import Counter
    from xmppctl.commands.mam.group import tell_unstable
    from xmppctl.protocol.portable.collect import Export

    async with app.session() as session:
        progress = Counter(app, "archived messages")
        # where the text itself is seen there is no need to count
        seen = options["out"] in (None, "-") and app.stdout.isatty()
        told = (lambda _: None) if seen else progress
        run = Export(session, wanted, also=also, page_size=options["page_size"], told=told)
        try:
            await write(app, run, options["out"])
        finally:
            progress.end()
        tell_unstable(app, run.archive)
    report(app, run.outcomes, named=frozenset(part for part in PARTS if options[part]))


async def write(app: cli.App, run: Export, out: str | None) -> None:
    """Write the pieces of an export to standard output, or into a file of mode 0600."""
    from contextlib import aclosing

    from xmppctl.cli.files import Sink
    from xmppctl.cli.stdout import stdout_errors
    from xmppctl.output.escape import safe

    if out in (None, "-"):
        terminal = app.stdout.isatty()
        async with aclosing(run.pieces()) as pieces:
            async for piece in pieces:
                with stdout_errors():
                    app.stdout.write(safe(piece, newlines=True) if terminal else piece)
        with stdout_errors():
            app.stdout.flush()
        return
    sink = Sink(Path(str(out)), force=True, private=True)
    try:
        async with aclosing(run.pieces()) as pieces:
            async for piece in pieces:
                sink.write(piece.encode())
        sink.commit()
    finally:
        sink.discard()


def report(app: cli.App, outcomes: list[Exported], *, named: frozenset[str]) -> None:
    """Tell what an export has and what it has not.

    Raises PartialError where something could not be read, or is not offered and was asked for.
    """
    failed: list[ErrorInfo] = []
    for each in outcomes:
        for error in each.errors:
            if each.absent and not each.number and each.part not in named:
                app.warn(f"not exported: {error.text}")
            else:
                failed.append(error)
    outcomes = sorted(outcomes, key=lambda each: PARTS.index(each.part))
    told = [
        f"{each.number} {_NAMES[each.part]}{'s' * (each.number != 1)}"
        for each in outcomes
        if each.number
    ]
    app.status(f"exported: {', '.join(told) or 'nothing'}")
    if failed:
        for error in failed[1:]:
            app.warn(f"not exported: {error.text}")
        first = failed[0]
        raise PartialError(
            f"not everything was exported: {first.text}",
            step=first.step,
            condition=first.condition,
            type=first.type,
            by=first.by,
            hint=first.hint,
        )


def _tag(name: str, namespace: str) -> str:
    from xml.sax.saxutils import quoteattr

    from xmppctl.session.xml import XmlError, parse

    try:
        return parse(f"<{name} xmlns={quoteattr(namespace)}/>").tag
    except XmlError:
        raise UsageError(f"{name!r} is no name of an element") from None


@cmd.command(
    "import",
    section=_HEADING,
    examples=(
        "xmppctl account import alice.xml --dry-run",
        "xmppctl account import alice.xml --subscribe",
        "xmppctl account import server.xml --user alice@example.org --roster --vcard",
        "xmppctl -a old account export --no-mam | xmppctl -a new account import -",
    ),
    targets=True,
)
@click.argument("file", metavar="FILE|-", type=click.Path(allow_dash=True))
@click.option("--user", type=BARE_JID, metavar="JID",
              help="Of the accounts in the file, this one.")  # fmt: skip
@_parts
@click.option("--subscribe", is_flag=True,
              help="Ask for the presence of those contacts who had granted it.")  # fmt: skip
@click.option("--replace", "replacing", is_flag=True,
              help="Take the file's where something else is there.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@cli.pass_app
async def import_(app: cli.App, /, **options: Any) -> AsyncIterator[ImportedPart]:
    """Put the data of a file (XEP-0227) into the account.

    The file is what export wrote, or what a server wrote, of any number of accounts. Nothing is
    removed, and what is there already stays unless --replace is given. Nodes are made as private as
    they were before anything is published. Archived and waiting messages cannot be imported by a
    client.
    """
    wanted = _wanted(options)
    from xmppctl.commands.account import _files

    content = _files.load(app, options["file"], options["user"])
    from xmppctl.protocol.portable import applying

    manner = applying.Manner(
        wanted,
        replacing=options["replacing"],
        subscribe=options["subscribe"],
        dry_run=options["dry_run"],
    )
    async with app.session() as session:
        number = 0
        async for record in applying.apply(session, content, manner):
            number += 1
            yield record
        if not number:
            app.warn(f"{options['file']} has nothing of that for {content.jid}")
