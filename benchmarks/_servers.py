"""The servers: those of the tests, with the settings that the size of the work asks for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.servers.base import Server
from tests.servers.ca import Authority
from tests.servers.ejabberd import Ejabberd
from tests.servers.prosody import Prosody

_MEMORY = Path("/dev/shm")


class LargeProsody(Prosody):
    """Keeps contact lists and archives in SQLite, where one entry can be written by itself.

    The internal storage would write a whole contact list anew for each contact. The database is in
    memory where that can be: Prosody waits for the disk at each change, and how long that takes is
    not what is asked here. The log is that of a server in use.
    """

    upload_limit = 1024 * 1024 * 1024

    def __init__(self, directory: Path, authority: Authority) -> None:
        super().__init__(directory, authority)
        self._memory = tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None)
        self.database = Path(self._memory.name) / "prosody.sqlite"

    def stop(self) -> None:
        """As every server; the database goes with it."""
        super().stop()
        self._memory.cleanup()

    def _prepare(self) -> dict[str, str]:
        environment = super()._prepare()
        storage = (
            'storage = { archive = "sql", roster = "sql" }\n'
            f'sql = {{ driver = "SQLite3", database = "{self.database}" }}'
        )
        _change(
            self.directory / "prosody.cfg.lua",
            ('storage = "internal"', storage),
            ("max_archive_query_results = 50", "max_archive_query_results = 100"),
            ('min = "debug"', 'min = "warn"'),
        )
        return environment


class LargeEjabberd(Ejabberd):
    """Keeps the version of a contact list, which it would else make of the whole at each push."""

    upload_limit = 1024 * 1024 * 1024

    def _prepare(self) -> dict[str, str]:
        environment = super()._prepare()
        _change(
            self.directory / "ejabberd.yml",
            ("mod_roster: {versioning: true}", "mod_roster: {versioning: true, "
             "store_current_id: true}"),
            ("loglevel: info", "loglevel: warning"),
        )  # fmt: skip
        return environment


@contextmanager
def running(*kinds: type[Server]) -> Iterator[list[Server]]:
    """Servers of these kinds; both large ones by default."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        directory = Path(name)
        authority = Authority(directory / "ca")
        chosen = kinds or (LargeProsody, LargeEjabberd)
        yield [stack.enter_context(kind(directory / kind.__name__, authority)) for kind in chosen]


def _change(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in changes:
        if old not in text:
            raise SystemExit(f"{path.name} has no {old!r} any more")
        text = text.replace(old, new)
    path.write_text(text)
