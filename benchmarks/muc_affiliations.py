"""``muc affiliation ROOM -`` for a short and for a long list of users.

    make bench BENCH_ARGS=muc_affiliations        500 users

xmppctl's own part must not grow faster than the list; the server's may: Prosody stores the whole
room anew for each change. ``one by one`` is a process for each user, reckoned from ten of them.
The peer sends the requests alone, as many at once, by hand-written XML.
"""

from __future__ import annotations

from benchmarks._clients import raw, xmppctl
from benchmarks._login import Login
from benchmarks._measure import Table, expect
from benchmarks._servers import running

TITLE = "muc affiliation by standard input"
FULL = 500
QUICK = 100
_ALONE = 10


def measure(size: int) -> list[str]:
    """Both servers; a room with a fifth of ``size`` members, and one with all."""
    table = Table("raw XML", "server", "members", "one by one (s)")
    with running() as servers:
        for server in servers:
            login = Login.of(server.account("owner"))
            for count in (size // 5, size):
                rooms = [f"{name}-{count}@{server.conference}" for name in ("ours", "raw", "one")]
                for room in rooms:
                    xmppctl(login, "muc", "create", room)
                text = "".join(f"user-{n}@x.test\n" for n in range(count))
                run = xmppctl(login, "muc", "affiliation", rooms[0], "-", "member", text=text)
                peer = raw(login, "affiliation", rooms[1], text=text)
                expect("results", run.lines, count)
                expect("raw results", int(peer.out), count)
                alone = [
                    xmppctl(login, "muc", "affiliation", rooms[2], f"user-{n}@x.test", "member")
                    for n in range(_ALONE)
                ]
                one_by_one = sum(each.seconds for each in alone) / _ALONE * count
                table.add(run, server.name, count, f"{one_by_one:.0f}", against=peer)
    return table.lines
