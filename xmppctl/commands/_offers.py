"""``--accept-oob``: files that others offer by request (XEP-0066), fetched to a directory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xmppctl import cli
from xmppctl.cli.params import SIZE
from xmppctl.errors import DeadlineError, LocalError, UsageError
from xmppctl.model.payload.file import MessageFile

if TYPE_CHECKING:
    from xmppctl.cli.files import Sink
    from xmppctl.protocol.ooboffer import Fetch
    from xmppctl.session.http import Answer, Write
    from xmppctl.session.weburl import Url

F = TypeVar("F", bound=Callable[..., Any])

MAX_SIZE = 100 * 1024 * 1024
"""Bytes of a file where nothing else is said."""

LONGEST = 900.0
"""Seconds for one file: a server that gives drops must not keep others waiting for ever."""

_NAMES = 1000


def options(callback: F) -> F:
    """``--accept-oob`` and what belongs to it."""
    for option in (
        click.option("--insecure-http", is_flag=True,
                     help="With --accept-oob: also from URLs without TLS."),
        click.option("--max-size", type=SIZE,
                     help="With --accept-oob: take no file larger than this; 100M by default."),
        click.option("--accept-oob", type=click.Path(file_okay=False), metavar="DIR",
                     help="Fetch the files that others offer by request (XEP-0066) to this "
                     "directory, and print what came of it; files[].path says where. Whose "
                     "files, --from and --room say; otherwise everybody's."),
    ):  # fmt: skip
        callback = option(callback)
    return callback


def fetcher(app: cli.App, values: dict[str, Any]) -> Fetch | None:
    """What fetches an offered file, None where none is wanted. Raises UsageError, LocalError."""
    path = values["accept_oob"]
    if path is None:
        for name in ("max_size", "insecure_http"):
            if values[name]:
                raise UsageError(f"--{name.replace('_', '-')} needs --accept-oob")
        return None
    limit = MAX_SIZE if values["max_size"] is None else values["max_size"]
    return OfferDir(app, path, limit, insecure=values["insecure_http"]).fetch


class OfferDir:
    """The directory, made where it is missing. Raises LocalError where it cannot be used."""

    def __init__(self, app: cli.App, path: str, max_size: int, *, insecure: bool) -> None:
        from xmppctl.cli.files import make_directory

        self._app = app
        self._path = make_directory(path)
        self._max_size = max_size
        self._insecure = insecure
        self._lock = threading.Lock()
        self._taken: set[Path] = set()
        if not os.access(self._path, os.W_OK | os.X_OK):
            raise LocalError(f"the directory {path} is not writable", step="output", by=path)

    async def fetch(self, url: Url) -> MessageFile:
        """Fetch a file; it is there under a name that nothing had, as a whole or not at all.

        Raises as ``download``, LocalError, DeadlineError also where it takes too long.
        """
        import asyncio

        from xmppctl.protocol import mediatypes
        from xmppctl.session.download import download, name_of
        from xmppctl.session.trace import Trace
        from xmppctl.session.web import Web

        account = self._app.account
        web = Web(
            account.ca_file,
            account.connect_timeout,
            account.timeout,
            Trace(self._app.trace.note),  # the steps of the session are others
            insecure=self._insecure,
            pins=account.pins,
        )
        sink: Sink | None = None

        def begin(answer: Answer) -> Write:
            nonlocal sink
            sink = self._sink(name_of(answer, url))
            return sink.write

        try:
            async with asyncio.timeout(LONGEST):
                received = await download(web, url, begin, max_size=self._max_size)
            assert sink is not None
            sink.commit()
        except TimeoutError:
            raise DeadlineError(
                f"the file is not complete after {LONGEST:g} s",
                step="get",
                condition="timeout",
                by=url.peer,
            ) from None
        finally:
            if sink is not None:
                sink.discard()
                self._taken.discard(sink.path)
        return MessageFile(
            source="oob",
            urls=[url.text],
            size=received.size,
            media_type=mediatypes.checked(received.media_type),
            path=str(sink.path),
        )

    def _sink(self, name: str) -> Sink:
        """A new file of this name, or of one with a number where it is taken."""
        from xmppctl.cli.files import Sink

        stem, suffix = Path(name).stem, Path(name).suffix
        with self._lock:  # several may begin at once
            for number in range(1, _NAMES):
                path = self._path / (name if number == 1 else f"{stem}-{number}{suffix}")
                if path in self._taken:
                    continue
                try:
                    sink = Sink(path, force=False)
                except LocalError as error:
                    if error.condition != "file-exists":
                        raise
                    continue
                self._taken.add(path)
                return sink
        raise LocalError(
            f"{self._path} has too many files of the name {name}", step="output", by=name
        )
