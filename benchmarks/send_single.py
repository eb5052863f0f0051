"""A ``ping``, one message and a hundred lines, against go-sendxmpp and a script with slixmpp.

    make bench BENCH_ARGS=send_single        the best of 20 runs of each

Each is a process that starts, logs in, does it and ends. Somebody who is online gets the messages,
and they are counted. go-sendxmpp has no ping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks._clients import GO, go_sendxmpp, slixmpp, xmppctl
from benchmarks._login import Login
from benchmarks._measure import Run, Table
from benchmarks._reader import Reader, reading
from benchmarks._servers import running
from tests.servers.base import Account

TITLE = "ping, send, send --stdin-lines"
FULL = 20
QUICK = 3
_LINES = "".join(f"line {n} of a log\n" for n in range(100))

Work = Callable[[], Run]


def measure(size: int) -> list[str]:
    """Both servers, the best of ``size`` runs."""
    peer = "go-sendxmpp" if GO else "slixmpp"
    table = Table(f"{peer} (ping: slixmpp)", "server", "client", "work")
    with running() as servers:
        for server in servers:
            login, to = Login.of(server.account("sender")), server.account("reader")
            with reading(to) as there:
                for work, number, clients in _cases(login, to):
                    best = _best(clients, size, there, number)
                    against = best.get(peer) or best["slixmpp"]
                    for client, run in best.items():
                        table.add(run, server.name, client, work, against=against)
    return [
        *table.lines,
        "",
        f"The best of {size} runs, the clients in turn. xmppctl ends when the recipient's server "
        "has proven each message; the others end when it is written.",
    ]


def _cases(login: Login, to: Account) -> Iterator[tuple[str, int, dict[str, Work]]]:
    """Name of the work, number of messages, who does it."""
    jid, domain = to.jid, to.domain
    yield (
        "ping",
        0,
        {
            "xmppctl": lambda: xmppctl(login, "ping", domain),
            "slixmpp": lambda: slixmpp(login, "ping", domain),
        },
    )
    one: dict[str, Work] = {
        "xmppctl": lambda: xmppctl(login, "send", jid, "-", text="hello"),
        "slixmpp": lambda: slixmpp(login, "send", jid, text="hello"),
    }
    many: dict[str, Work] = {
        "xmppctl": lambda: xmppctl(login, "send", jid, "--stdin-lines", text=_LINES),
        "slixmpp": lambda: slixmpp(login, "send", jid, text=_LINES),
    }
    if GO is not None:
        one["go-sendxmpp"] = lambda: go_sendxmpp(login, jid, text="hello")
        # the end of its input is an error to it
        many["go-sendxmpp"] = lambda: go_sendxmpp(login, "-i", jid, text=_LINES, code=1)
    yield "one message", 1, one
    yield "100 lines", 100, many


def _best(clients: dict[str, Work], runs: int, there: Reader, messages: int) -> dict[str, Run]:
    best: dict[str, Run] = {}
    for _ in range(runs):
        for name, work in clients.items():
            run = work()
            there.expect(name, messages)
            if name not in best or run.seconds < best[name].seconds:
                best[name] = run
    return best
