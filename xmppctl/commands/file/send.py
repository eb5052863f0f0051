"""``xmppctl file send``: offer a file to a client, and send it."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.files import Source
from xmppctl.cli.params import DURATION, JID, NONEMPTY, SIZE, is_text
from xmppctl.cli.progress import Progress
from xmppctl.cli.texts import check_characters
from xmppctl.commands.file import _options, cmd
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.jingle import Transfer

if TYPE_CHECKING:
    from xmppctl.protocol.jingle.files import File, Range
    from xmppctl.protocol.jingle.sending import Options, Outgoing

_BLOCK = 32768
_LARGEST = 65535
_HASHES = ("sha-256", "sha-512", "sha3-256", "sha3-512", "blake2b-256", "blake2b-512")
_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})?", re.ASCII)


@cmd.command(
    "send",
    examples=(
        "xmppctl file send bob@example.org/desk report.pdf",
        "xmppctl file send --wait-timeout 5m bob@example.org photo.jpg",
        "tar c notes | xmppctl file send --name notes.tar --via ibb bob@example.org/desk -",
    ),
    targets=True,
)
@click.argument("jid", metavar="FULLJID|BAREJID", type=JID)
@click.argument("file", metavar="FILE|-", type=click.Path(allow_dash=True))
@_options.transport
@click.option("--block-size", type=SIZE, metavar="SIZE",
              help="With ibb: bytes in a block, 32K by default; the receiver may want "
              "less.")  # fmt: skip
@click.option("--hash", "algorithms", type=click.Choice(_HASHES), multiple=True,
              help="Hash by which the receiver checks the file; sha-256 by default; "
              "repeat for several.")  # fmt: skip
@click.option("--range", "part", metavar="FROM-[TO]",
              help="Send this part alone, such as 1000- or 0-999; a receiver that has a part may "
              "ask for the rest without that.")  # fmt: skip
@click.option("--name", type=NONEMPTY, help="Name of the file for the receiver; its own by "
              "default.")  # fmt: skip
@click.option("--desc", type=NONEMPTY, metavar="TEXT", help="Description of the file.")
@click.option("--content-type", type=NONEMPTY, metavar="TYPE",
              help="Media type; by default what the name tells.")  # fmt: skip
@click.option("--wait-timeout", type=DURATION, metavar="D",
              help="How long the receiver may think about it; as --timeout by "
              "default.")  # fmt: skip
@_options.addresses
@_options.progress
@cli.pass_app
async def send(app: cli.App, /, **options: Any) -> AsyncIterator[Transfer]:
    """Send a file to a client that is online.

    Of a bare JID the client is looked for: among those that are online, or by a proposal to all of
    them where their presence is not shown. Exit code 0 means that the receiver has confirmed the
    whole file. Standard input (-) and pipes are read to their end first.
    """
    jid: Jid = options["jid"]
    if jid.local is None and not jid.is_full:
        raise UsageError(f"{jid} is a server: files go to a client or an account")
    how = _how(app, options)
    outgoing = _Outgoing(app, options)
    outgoing.check(how)
    import asyncio

    from xmppctl.protocol.jingle import sending

    progress = Progress(app, outgoing.name, outgoing.source.size)
    async with app.session() as session:
        try:
            # a signal or a ping does not wait for the hash of a large file
            made = await asyncio.to_thread(outgoing.made, how)
            async for record in sending.send(session, jid, made, how, progress):
                yield record
        finally:
            progress.end()
            outgoing.source.close()


def _how(app: cli.App, options: dict[str, Any]) -> Options:
    from xmppctl.protocol.jingle.sending import Options

    block_size = options["block_size"]
    if block_size is not None and not 1 <= block_size <= _LARGEST:
        raise UsageError(f"--block-size: from 1 to {_LARGEST} bytes, not {block_size}")
    if block_size is not None and options["via"] == "s5b":
        raise UsageError("--block-size is for ibb: there are no blocks beside the stream")
    for name in ("name", "desc", "content_type"):
        check_characters(name.replace("_", " "), options[name])
    wait = options["wait_timeout"]
    return Options(
        transport=options["via"],
        block_size=block_size or _BLOCK,
        direct=_options.direct(options),
        wait=app.account.timeout if wait is None else wait,
        part=_part(options["part"]),
        progress=options["progress"],
    )


def _part(text: str | None) -> Range | None:
    if text is None:
        return None
    from xmppctl.protocol.jingle.files import Range

    match = _RANGE.fullmatch(text)
    if match is None:
        raise UsageError(f"--range: {text!r} is not FROM- or FROM-TO, in bytes")
    first = int(match[1])
    if match[2] is None:
        return Range(first)
    if int(match[2]) < first:
        raise UsageError(f"--range: {text!r} ends before it begins")
    return Range(first, int(match[2]) - first + 1)


class _Outgoing:
    """The file. Raises LocalError where it cannot be read, UsageError for a name that cannot be."""

    def __init__(self, app: cli.App, options: dict[str, Any]) -> None:
        path = options["file"]
        self.path = path.encode(errors="surrogateescape").decode(errors="replace")
        self.name = options["name"] or ("stdin" if path == "-" else Path(path).name)
        if not is_text(self.name) or "/" in self.name:
            raise UsageError(f"{self.name!r} can be the name of no file", hint="give --name")
        check_characters("name", self.name)
        self._options = options
        self.source = Source(app, path)

    def check(self, how: Options) -> None:
        """Raise UsageError for a part that it does not have."""
        size, part = self.source.size, how.part
        if part is not None and (part.offset > size or part.offset + (part.length or 0) > size):
            raise UsageError(f"--range goes beyond the end: {self.path} has {size} bytes")

    def made(self, how: Options) -> Outgoing:
        """What is to be sent; its bytes were read once, for the hashes."""
        from dataclasses import replace

        from xmppctl.protocol.jingle.files import Digests
        from xmppctl.protocol.jingle.sending import Outgoing

        size, part = self.source.size, how.part
        algorithms = self._options["algorithms"] or ("sha-256",)
        digests, ranged = Digests(*algorithms), Digests(*algorithms)
        for block in self.source.blocks(lambda done: None):
            digests.update(block)
        found = digests.result()
        file = self._described({name: found[name] for name in algorithms})
        if part is not None:
            length = size - part.offset if part.length is None else part.length
            for block in self._blocks(part.offset, length):
                ranged.update(block)
            found = ranged.result()
            part = replace(part, hashes={name: found[name] for name in algorithms})
            file = replace(file, range=part)
        return Outgoing(file, size, self.path, self._blocks)

    def _described(self, hashes: dict[str, str]) -> File:
        from datetime import UTC, datetime

        from xmppctl.protocol.jingle.files import File

        date = None
        path = Path(self._options["file"])
        if self._options["file"] != "-" and path.is_file():
            date = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(microsecond=0)
        guessed, packed = mimetypes.guess_type(self.name)
        media_type = guessed if packed is None else None
        return File(
            name=self.name,
            size=self.source.size,
            media_type=self._options["content_type"] or media_type or "application/octet-stream",
            date=date,
            desc=self._options["desc"],
            hashes=hashes,
        )

    def _blocks(self, offset: int, length: int) -> Iterator[bytes]:
        position, end = 0, offset + length
        for block in self.source.blocks(lambda done: None):
            piece = block[max(0, offset - position) : max(0, end - position)]
            if piece:
                yield piece
            position += len(block)
