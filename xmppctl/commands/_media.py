"""``--media-dir``: small files that come within messages (XEP-0231), written to a directory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from xmppctl.errors import LocalError
from xmppctl.model.payload.file import EmbeddedFile, MessageFile

if TYPE_CHECKING:
    from xmppctl.model.message import Message

    M = TypeVar("M", bound=Message)

option = click.option(
    "--media-dir", type=click.Path(file_okay=False), metavar="DIR",
    help="Write small files that come within messages (XEP-0231) to this directory, whoever sent "
    "them; files[].path says where.",
)  # fmt: skip


class MediaDir:
    """The directory, made where it is missing; None: nothing is kept. Raises LocalError."""

    def __init__(self, path: str | None) -> None:
        self._path: Path | None = None
        if path is not None:
            from xmppctl.cli.files import make_directory

            self._path = make_directory(path)

    def keep(self, message: M) -> M:
        """The record with the paths of its files, which are written by then. Raises LocalError."""
        if self._path is None or not any(isinstance(f, EmbeddedFile) for f in message.files):
            return message
        return replace(message, files=[self._kept(self._path, each) for each in message.files])

    def _kept(self, directory: Path, file: MessageFile) -> MessageFile:
        if not isinstance(file, EmbeddedFile):
            return file
        from xmppctl.cli.files import Sink
        from xmppctl.protocol import bob

        path = directory / bob.file_name(file.content, file.media_type)
        try:
            sink = Sink(path, force=False)
        except LocalError as error:
            # the name is that of the content, so that it is there already as a rule
            if error.condition != "file-exists" or not _holds(path, file.content):
                raise
        else:
            try:
                sink.write(file.content)
                sink.commit()
            finally:
                sink.discard()
        return replace(file, path=str(path))


def _holds(path: Path, content: bytes) -> bool:
    """Whether it is a file with this content, and not a way to another."""
    try:
        return path.is_file() and not path.is_symlink() and path.read_bytes() == content
    except OSError:
        return False
