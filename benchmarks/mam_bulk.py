"""``mam query --all`` and ``mam export`` of a small and of a large archive.

    make bench BENCH_ARGS=mam_bulk        50,000 messages

Prosody keeps the archive in SQLite, and the messages are written straight into the database.
Memory that grows with the archive would show as a larger peak, time that grows faster than it as
more own time per message. The peer asks for page after page by hand-written XML and counts.
"""

from __future__ import annotations

import secrets
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks._clients import raw, slixmpp, xmppctl
from benchmarks._login import Login
from benchmarks._measure import Table, expect
from benchmarks._servers import LargeProsody, running
from tests.servers.base import Account

TITLE = "mam query --all and mam export"
FULL = 50_000
QUICK = 1000
_INSERT = (
    'INSERT INTO prosodyarchive (host, user, store, "key", "when", "with", type, value) '
    "VALUES (?, ?, 'archive', ?, ?, ?, 'xml', ?)"
)
_COMMANDS = {
    "mam query --all": ("mam", "query", "--all"),
    "mam export --out": ("mam", "export", "--out", "{}/all.jsonl"),
    "mam export --dir": ("mam", "export", "--dir", "{}", "--as", "txt"),
}


def measure(size: int) -> list[str]:
    """A tenth of ``size`` messages, then all."""
    table = Table("raw XML", "command", "messages", "own CPU (µs/message)")
    with running(LargeProsody) as servers:
        server = servers[0]
        assert isinstance(server, LargeProsody)
        # the tables are made by the first question to any archive
        xmppctl(Login.of(server.account("first")), "mam", "count")
        for count in (size // 10, size):
            account = server.account(f"reader{count}")
            login = Login.of(account)
            _fill(server, account, count)
            peer = raw(login, "archive")
            expect("raw", int(peer.out), count)
            for title, args in _COMMANDS.items():
                with tempfile.TemporaryDirectory() as name:
                    run = xmppctl(login, *(arg.format(name) for arg in args))
                    written = sum(
                        _lines(path)
                        for path in Path(name).rglob("*")
                        if path.suffix in (".jsonl", ".txt")
                    )
                    expect(title, run.lines if "query" in args else written, count)
                each = f"{1e6 * run.cpu / count:.0f}"
                table.add(run, f"`{title}`", count, each, against=peer)
            table.add(peer, "raw XML", count, f"{1e6 * peer.cpu / count:.0f}", against=peer)
            run = slixmpp(login, "archive")
            expect("slixmpp", run.lines, count)
            table.add(run, "slixmpp", count, f"{1e6 * run.cpu / count:.0f}", against=peer)
    return [
        *table.lines,
        "",
        "What is not own CPU time is the server reading its storage, page by page.",
    ]


def _fill(server: LargeProsody, account: Account, number: int) -> None:
    """Write so many messages into the archive of ``account``, of five contacts in turn."""
    begin = int(time.time()) - number

    def rows() -> Iterator[tuple[object, ...]]:
        for n in range(number):
            contact = f"contact{n % 5}@example.org"
            value = (
                f"<message xmlns='jabber:client' id='m{n}' type='chat' to='{account.jid}' "
                f"from='{contact}/phone'><body>line {n} of the archive</body></message>"
            )
            yield server.domain, account.local, secrets.token_hex(12), begin + n, contact, value

    with closing(sqlite3.connect(server.database, timeout=60)) as connection, connection:
        connection.executemany(_INSERT, rows())


def _lines(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(1 for _ in stream)
