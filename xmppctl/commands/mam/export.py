"""``mam export``: an archive into files, again and again, nothing twice and nothing lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.params import BARE_JID, WHEN
from xmppctl.cli.progress import Counter
from xmppctl.commands.mam.group import archive_options, cmd, open_archive, page_size, tell_unstable
from xmppctl.errors import RefusedError, UsageError
from xmppctl.model.mam import ArchivedMessage

if TYPE_CHECKING:
    from xmppctl.commands.mam.store import Store
    from xmppctl.protocol.mam import Archive, Filter
    from xmppctl.session import Session

_BATCH = 200


@cmd.command(
    "export",
    examples=(
        "xmppctl mam export > archive.jsonl",
        "xmppctl mam export --out archive.jsonl",
        "xmppctl mam export --dir archive --as txt",
        "xmppctl mam export --room ops@conference.example.org --out ops.jsonl",
        "xmppctl mam export --as 227 --out archive.xml",
    ),
)
@click.option("--as", "form", type=click.Choice(["jsonl", "txt", "227"]), default="jsonl",
              show_default=True,
              help="One JSON object per message, text, or what servers import (XEP-0227).",
              )  # fmt: skip
@click.option("--with", "with_", type=BARE_JID, help="Only messages to or from this JID.")
@click.option("--start", type=WHEN, metavar="WHEN", help="Only messages from this time on.")
@click.option("--end", type=WHEN, metavar="WHEN", help="Only messages up to this time.")
@archive_options
@click.option("--out", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
              help="Into this file; standard output by default.")  # fmt: skip
@click.option("--dir", "directory", type=click.Path(file_okay=False), metavar="DIR",
              help="Into this directory, one file for each contact.")  # fmt: skip
@click.option("--per-contact", is_flag=True,
              help="One file for each contact; here without --dir.")  # fmt: skip
@page_size
@cli.pass_app
async def export(app: cli.App, /, **options: Any) -> None:
    """Write archived messages into files, oldest first.

    Run again with the same files, it goes on after the last message that they hold. Beside them
    stands a file whose name ends in .state, which remembers where that is. The form of XEP-0227 is
    written anew each time.
    """
    from xmppctl.protocol import mam

    _check(options)
    wanted = mam.Filter(with_=options["with_"], start=options["start"], end=options["end"])
    if options["form"] == "227":
        async with app.session() as session:
            await _portable(app, session, wanted, options)
        return
    async with AsyncExitStack() as stack:
        store = _store(options)
        if store is not None:
            stack.enter_context(store)
        session = await stack.enter_async_context(app.session())
        archive = open_archive(app, session, options)
        line = _line_maker(options["form"])
        if store is None:
            written = await _to_stdout(app, mam.forwards(
                archive, wanted, page_size=options["page_size"]), line)  # fmt: skip
            tell_unstable(app, archive)
        else:
            store.adopt(archive=archive.name, node=archive.node, form=options["form"],
                        filter=_described(options), account=session.bare)  # fmt: skip
            written = await _to_files(app, archive, wanted, store, line, options["page_size"])
    app.status(f"{written} messages exported")


def _check(options: dict[str, Any]) -> None:
    if options["room"] is not None and options["pubsub"] is not None:
        raise UsageError("--room and --pubsub exclude each other")
    if options["room"] is not None and options["with_"] is not None:
        raise UsageError("--room and --with exclude each other")
    if options["out"] is not None and (options["directory"] or options["per_contact"]):
        raise UsageError("--out names one file, --dir and --per-contact many")
    if options["form"] == "227":
        _check_portable(options)
    start, end = options["start"], options["end"]
    if start is not None and end is not None and end < start:
        raise UsageError("--end is before --start")


def _check_portable(options: dict[str, Any]) -> None:
    if options["room"] is not None or options["pubsub"] is not None:
        raise UsageError("--as 227 is the form for the archive of an account")
    if options["directory"] or options["per_contact"]:
        raise UsageError("--as 227 is one file: --out names it")
    out = options["out"]
    if out not in (None, "-") and Path(f"{out}.state").exists():
        raise UsageError(
            f"{out} holds an export with another form",
            step="output",
            hint="export into other files",
        )


async def _portable(
    app: cli.App, session: Session, wanted: Filter, options: dict[str, Any]
) -> None:
    from xmppctl.commands.account.transfer import report, write
    from xmppctl.model.portable import Wanted
    from xmppctl.protocol.portable.collect import Export

    progress = Counter(app, "archived messages")
    part = Wanted(frozenset({"mam"}))
    size = options["page_size"]
    run = Export(session, part, page_size=size, archive=wanted, told=progress)
    try:
        await write(app, run, options["out"])
    finally:
        progress.end()
    tell_unstable(app, run.archive)
    report(app, run.outcomes, named=part.parts)


def _store(options: dict[str, Any]) -> Store | None:
    from xmppctl.commands.mam.store import Store

    if options["out"] not in (None, "-"):
        return Store(Path(options["out"]))
    if options["directory"] is not None or options["per_contact"]:
        return Store(Path(options["directory"] or "."), per_contact=True, suffix=options["form"])
    return None


def _described(options: dict[str, Any]) -> dict[str, str | None]:
    """The start and the end may move from run to run, as "3d" does; whose messages may not."""
    return {"with": str(options["with_"]) if options["with_"] is not None else None}


def _line_maker(form: str) -> Callable[[ArchivedMessage], str]:
    if form == "txt":
        return _as_text
    from xmppctl.output.jsontext import compact
    from xmppctl.output.values import to_value

    return lambda message: compact(to_value(message)) + "\n"


def _as_text(message: ArchivedMessage) -> str:
    """One line for each message: time, speaker, text; what follows a line break is indented."""
    from xmppctl.model.telling import tell
    from xmppctl.output.escape import safe
    from xmppctl.output.values import timestamp

    when = timestamp(message.timestamp) if message.timestamp is not None else "-"
    lines = tell(message, spoilers=True).whole.replace("\r\n", "\n").split("\n")
    first, *rest = [safe(line) for line in lines]
    head = f"{when} <{safe(message.from_ or '-')}> {first}"
    return "\n".join([head, *(f"\t{line}" for line in rest)]) + "\n"


async def _to_stdout(
    app: cli.App, messages: AsyncIterator[ArchivedMessage], line: Callable[[ArchivedMessage], str]
) -> int:
    from xmppctl.cli.stdout import stdout_errors

    written = 0
    async for message in messages:
        with stdout_errors():
            app.stdout.write(line(message))
            app.stdout.flush()
        written += 1
    return written


async def _to_files(
    app: cli.App,
    archive: Archive,
    wanted: Filter,
    store: Store,
    line: Callable[[ArchivedMessage], str],
    size: int,
) -> int:
    from xmppctl.protocol import mam

    if wanted.end is not None and wanted.end < store.when:
        return 0
    after = None
    if wanted.start is None or wanted.start <= store.when:
        after = await _known(app, archive, wanted, store)
    written = 0
    batch: list[tuple[str, str]] = []
    last: ArchivedMessage | None = None

    def write() -> None:
        nonlocal batch, written
        full, batch = batch, []
        if full and last is not None:
            written += store.write(full, last.archive_id, last.timestamp)
            progress(written)

    progress = Counter(app, f"{archive.name}: messages")
    try:
        async for message in mam.forwards(archive, wanted, page_size=size, after=after):
            if archive.unstable:
                raise _unstable(archive)
            batch.append((_contact(message, archive), line(message)))
            last = message
            if len(batch) >= _BATCH:
                write()
    finally:
        write()
        progress.end()
    if not written and store.last is None:
        store.write([], None, None)  # nothing is there yet, and that is what the file says
    return written


def _unstable(archive: Archive) -> RefusedError:
    """What is written once is not read again: it has to be what it will be for ever."""
    return RefusedError(
        f"the archive of {archive.name} says that what it gives may still change",
        step="mam",
        condition="unstable-results",
        by=archive.name,
        hint="run it again later: it goes on from here",
    )


async def _known(app: cli.App, archive: Archive, wanted: Filter, store: Store) -> str | None:
    """The id of the last message that the files hold, None to begin at the beginning.

    An archive loses its oldest messages only (XEP-0313 §3.2): where that message is gone, all
    that is left is newer, and this is checked.
    """
    from xmppctl.protocol import mam

    if store.last is None:
        return None
    try:
        await mam.locate(archive, store.last)
    except RefusedError as error:
        if error.condition != "item-not-found":
            raise
        async for message in mam.forwards(archive, wanted, page_size=1, limit=1):
            if message.timestamp is None or message.timestamp <= store.when:
                raise RefusedError(
                    f"{store.state} ends with a message that the archive does not have, though "
                    "it has older ones",
                    step="mam",
                    condition="item-not-found",
                    by=archive.name,
                    hint="export into other files",
                ) from None
        app.warn("the archive has lost messages since the last export")
        return None
    return store.last


def _contact(message: ArchivedMessage, archive: Archive) -> str:
    from xmppctl.model.jid import lenient

    if message.room is not None:
        return message.room
    if archive.to is not None:
        return archive.name
    other = message.to if message.direction == "out" else message.from_
    return str(lenient(other or "").bare) or archive.name
