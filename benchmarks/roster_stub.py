"""``roster list`` of thousands of contacts, against slixmpp, without the server's storage.

    make bench BENCH_ARGS=roster_stub        10,000 contacts, the best of 5 runs of each

The server has the answer ready as bytes, and is a process of its own.
"""

from __future__ import annotations

from benchmarks._clients import raw, slixmpp, xmppctl
from benchmarks._measure import Run, Table, expect
from benchmarks._processes import stub

TITLE = "roster list from a prepared answer"
FULL = 10_000
QUICK = 1000
_RUNS = 5


def measure(size: int) -> list[str]:
    """A tenth of ``size`` contacts, then all."""
    table = Table("slixmpp", "client", "contacts")
    for count in (size // 10, size):
        best: dict[str, Run] = {}
        with stub(contacts=count) as (_, login):
            for _ in range(_RUNS):
                runs = {
                    "xmppctl": xmppctl(login, "roster", "list"),
                    "slixmpp": slixmpp(login, "roster"),
                    "raw XML": raw(login, "roster-list"),
                }
                expect("raw XML", int(runs["raw XML"].out), count)
                for client, run in runs.items():
                    if client != "raw XML":
                        expect(client, run.lines, count)
                    if client not in best or run.seconds < best[client].seconds:
                        best[client] = run
        for client, run in best.items():
            table.add(run, client, count, against=best["slixmpp"])
    return [
        *table.lines,
        "",
        f"The best of {_RUNS} runs, the clients in turn. The raw client counts, the others print.",
    ]
