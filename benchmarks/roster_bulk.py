"""Thousands of contacts by ``roster add -`` and ``roster import``, and ``roster list``.

    make bench BENCH_ARGS=roster_bulk        5,000 contacts

A request is about one contact (RFC 6121 §2.1.5). A server of this program that only keeps a dict
shows what xmppctl itself takes. Prosody keeps contact lists in SQLite and ejabberd their version
(``store_current_id: true``), so that a change costs the same whatever the length of the list; as
they come, they go through the whole list at each change, which a tenth of the contacts shows. The
peer sends the requests alone, by hand-written XML.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import quoteattr

from benchmarks._clients import raw, xmppctl
from benchmarks._login import Login
from benchmarks._measure import Run, Table, expect
from benchmarks._servers import running
from tests.servers.base import Server
from tests.servers.ca import Authority
from tests.servers.ejabberd import Ejabberd
from tests.servers.fake import FakeConnection, FakeServer
from tests.servers.prosody import Prosody

TITLE = "roster add, import and list"
FULL = 5000
QUICK = 500
_ROSTER = "jabber:iq:roster"
_ADD = ("roster", "add", "--no-subscribe", "--group", "staff", "-")

Fresh = Callable[[], Login]


def measure(size: int) -> list[str]:
    """The dict, both servers; a fifth of ``size`` contacts, then all."""
    table = Table("raw XML", "server", "verb", "contacts")
    with _a_dict() as fresh:
        for count in (size // 5, size):
            _measure(table, "a dict", fresh, count)
    with running() as servers:
        for server in servers:
            for count in (size // 5, size):
                _measure(table, server.name, _accounts(server), count)
    with running(Prosody, Ejabberd) as servers:
        for server in servers:
            name = f"{server.name}, as it comes"
            for count in (size // 50, size // 10):
                _add(table, name, _accounts(server), count)
    return [
        *table.lines,
        "",
        "Prosody writes the whole contact list for each change into its internal storage, ejabberd "
        "makes the version in each push of the whole list: with them as they come, the time for "
        "each contact grows with the list, for every client. The peer of an import of what is all "
        "there already is the raw client's list.",
    ]


def _accounts(server: Server) -> Fresh:
    return lambda: Login.of(server.account())


def _add(table: Table, name: str, fresh: Fresh, count: int) -> tuple[Login, Run]:
    """Add ``count`` contacts to a new list; who did so, and what it took the peer."""
    text = "".join(f"{jid}\n" for jid in _jids(count))
    login = fresh()
    run, peer = xmppctl(login, *_ADD, text=text), raw(fresh(), "roster-add", text=text)
    expect(f"{name}, add", run.lines, count)
    expect(f"{name}, raw", int(peer.out), count)
    table.add(run, name, "add", count, against=peer)
    table.add(peer, name, "add, raw XML", count, against=peer)
    return login, peer


def _measure(table: Table, name: str, fresh: Fresh, count: int) -> None:
    """Add ``count`` contacts to a new list, list them; import them into another, and again."""
    login, added = _add(table, name, fresh, count)
    listed = raw(login, "roster-list")
    expect(f"{name}, raw list", int(listed.out), count)
    run = xmppctl(login, "roster", "list")
    expect(f"{name}, list", run.lines, count)
    table.add(run, name, "list", count, against=listed)
    lines = "".join(f"{jid},,staff\n" for jid in _jids(count))
    other = fresh()
    for verb, peer in (("import", added), ("import, all there", listed)):
        run = xmppctl(other, "roster", "import", "-", text=lines)
        expect(f"{name}, {verb}", run.lines, count)
        table.add(run, name, verb, count, against=peer)


def _jids(count: int) -> list[str]:
    return [f"contact-{number:05}@bulk.example" for number in range(count)]


@contextmanager
def _a_dict() -> Iterator[Fresh]:
    with tempfile.TemporaryDirectory() as directory:
        authority = Authority(Path(directory))
        certificate = authority.issue("fake.test")
        rosters: dict[str, dict[str, str]] = {}

        async def keep(connection: FakeConnection) -> None:
            await connection.login()
            await _serve(connection, rosters.setdefault(connection.username or "", {}))

        with FakeServer("fake.test", certificate, keep) as fake:
            names = iter(range(1000))
            yield lambda: Login(
                f"user{next(names)}@fake.test", "x", fake.address, authority.ca_file
            )


async def _serve(connection: FakeConnection, items: dict[str, str]) -> None:
    """A contact list in a dict, with a push for each change."""
    while True:
        iq = await connection.recv()
        connection.received.clear()
        connection.server.received.clear()
        query = iq.find(f"{{{_ROSTER}}}query")
        if query is None or iq.get("type") not in ("get", "set"):
            if iq.get("type") == "get":
                connection.result(iq)
        elif iq.get("type") == "get":
            connection.result(iq, f"<query xmlns='{_ROSTER}'>{''.join(items.values())}</query>")
        else:
            jid = query[0].get("jid", "")
            items[jid] = (
                f"<item jid={quoteattr(jid)} subscription='none'><group>staff</group></item>"
            )
            connection.result(iq)
            push = f"<query xmlns='{_ROSTER}'>{items[jid]}</query>"
            connection.send(f"<iq type='set' id='push-{len(items)}'>{push}</iq>")
