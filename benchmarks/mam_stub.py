"""``mam query --all`` of a large archive, against slixmpp, without the server's storage.

    make bench BENCH_ARGS=mam_stub        100,000 messages

The server has the pages ready as bytes, and is a process of its own: what is measured is how fast
a client reads, understands and prints. All ask for pages of 100; slixmpp's script prints the seven
fields that every message has, the raw client counts.
"""

from __future__ import annotations

from benchmarks._clients import raw, slixmpp, xmppctl
from benchmarks._measure import Table, expect
from benchmarks._processes import stub

TITLE = "mam query --all from prepared pages"
FULL = 100_000
QUICK = 2000


def measure(size: int) -> list[str]:
    """A tenth of ``size`` messages, then all."""
    table = Table("slixmpp", "client", "messages", "messages/s", "own CPU (µs/message)")
    for count in (size // 10, size):
        with stub(messages=count) as (_, login):
            runs = {
                "xmppctl": xmppctl(login, "mam", "query", "--all", "--page-size", "100"),
                "slixmpp": slixmpp(login, "archive"),
                "raw XML": raw(login, "archive"),
            }
        expect("xmppctl", runs["xmppctl"].lines, count)
        expect("slixmpp", runs["slixmpp"].lines, count)
        expect("raw XML", int(runs["raw XML"].out), count)
        for client, run in runs.items():
            rate, each = f"{count / run.seconds:.0f}", f"{1e6 * run.cpu / count:.0f}"
            table.add(run, client, count, rate, each, against=runs["slixmpp"])
    return table.lines
