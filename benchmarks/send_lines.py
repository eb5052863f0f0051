"""``send --stdin-lines``: many messages to one recipient over one connection.

    make bench BENCH_ARGS=send_lines        10,000 messages, the best of 3 runs of each

The limit is a TLS socket that writes stanzas which it made beforehand, and one ping behind the
last: what the server can take. A server with nothing behind it shows what the clients themselves
can do. The recipient is online and counts. The accounts keep no archive: that would measure the
servers' storage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks._clients import raw, slixmpp, xmppctl
from benchmarks._login import Login
from benchmarks._measure import Run, Table, expect
from benchmarks._processes import stub
from benchmarks._reader import reading
from benchmarks._servers import running
from tests.peers.rawxml import RawClient
from tests.servers.base import Account

TITLE = "send --stdin-lines, thousands of messages"
FULL = 10_000
QUICK = 500
_RUNS = 3
_NO_ARCHIVE = "<prefs xmlns='urn:xmpp:mam:2' default='never'><always/><never/></prefs>"

Arrived = Callable[[str, int], None]


def measure(size: int) -> list[str]:
    """The stub, both servers."""
    table = Table("raw XML", "server", "client", "messages", "messages/s")
    lines = "".join(f"line {n} of a log that is being sent\n" for n in range(size))
    for name, login, to, arrived in _servers():
        best: dict[str, Run] = {}
        for _ in range(_RUNS):
            for client, work in (("xmppctl", _xmppctl), ("raw XML", _raw), ("slixmpp", _slixmpp)):
                run = work(login, to, lines, size)
                arrived(client, size)
                if client not in best or run.seconds < best[client].seconds:
                    best[client] = run
        for client, run in best.items():
            rate = f"{size / run.seconds:.0f}"
            table.add(run, name, client, size, rate, against=best["raw XML"])
    return [
        *table.lines,
        "",
        f"The best of {_RUNS} runs, the clients in turn; start and login count. xmppctl has every "
        "message acknowledged and its delivery proven, and prints a record of each; the raw client "
        "has one proof for all, slixmpp none.",
    ]


def _xmppctl(login: Login, to: str, lines: str, size: int) -> Run:
    run = xmppctl(login, "send", to, "--stdin-lines", text=lines)
    expect("records of xmppctl", run.out.count('"confirmed":true,'), size)
    return run


def _raw(login: Login, to: str, lines: str, size: int) -> Run:
    run = raw(login, "lines", to, text=lines)
    expect("raw XML", int(run.out), size)
    return run


def _slixmpp(login: Login, to: str, lines: str, _: int) -> Run:
    return slixmpp(login, "send", to, text=lines)


def _servers() -> Iterator[tuple[str, Login, str, Arrived]]:
    """Name, who logs in, who gets it, and what waits for so many messages of a client."""
    with stub() as (process, login):
        yield "nothing", login, "sink@stub.test", lambda who, n: expect(who, process.ask(), n)
    with running() as servers:
        for server in servers:
            sender, to = server.account("sender"), server.account("reader")
            for account in (sender, to):
                _keep_no_archive(account)
            with reading(to) as there:
                yield server.name, Login.of(sender, direct=True), to.jid, there.expect


def _keep_no_archive(account: Account) -> None:
    with RawClient.login_as(account) as client:
        client.iq(_NO_ARCHIVE, type="set")
