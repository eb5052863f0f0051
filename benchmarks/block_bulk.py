"""``block add -``, ``block list`` and ``block remove -`` for few and for many JIDs.

    make bench BENCH_ARGS=block_bulk        5,000 JIDs

Work that grows faster than the number of JIDs would show as seconds that do, memory that grows
with it as a larger peak. The peer sends the requests alone, by hand-written XML.
"""

from __future__ import annotations

from benchmarks._clients import raw, xmppctl
from benchmarks._login import Login
from benchmarks._measure import Table, expect
from benchmarks._servers import running

TITLE = "block by standard input"
FULL = 5000
QUICK = 500


def measure(size: int) -> list[str]:
    """Both servers; a tenth of ``size`` JIDs, then all."""
    table = Table("raw XML", "server", "verb", "JIDs")
    with running() as servers:
        for server in servers:
            login, other = (Login.of(server.account(name)) for name in ("blocker", "raw"))
            for count in (size // 10, size):
                text = "".join(f"villain-{n:06}@spam.example\n" for n in range(count))
                for verb in ("add", "list", "remove"):
                    args = ("block", verb) if verb == "list" else ("block", verb, "-")
                    run = xmppctl(login, *args, text=text)
                    peer = raw(other, f"block-{verb}", text=text)
                    expect(f"block {verb}", run.lines, count)
                    expect(f"raw {verb}", int(peer.out), count)
                    table.add(run, server.name, verb, count, against=peer)
    return [
        *table.lines,
        "",
        "A change is proven by the list, which xmppctl reads before it and behind it, and the raw "
        "client does not.",
    ]
