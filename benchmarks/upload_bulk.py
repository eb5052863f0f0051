"""``upload`` and ``fetch`` of a small and of a large file, against go-sendxmpp and curl.

    make bench BENCH_ARGS=upload_bulk        200 MiB

Memory that grows with the file would show as a larger peak. go-sendxmpp also sends the URL to the
account itself.
"""

from __future__ import annotations

import filecmp
import os
import tempfile
from pathlib import Path

from benchmarks._clients import CURL, GO, curl, go_sendxmpp, xmppctl
from benchmarks._login import Login
from benchmarks._measure import Run, Table
from benchmarks._servers import running

TITLE = "upload and fetch"
FULL = 200
QUICK = 10
_SMALL = 2
_MEBI = 1024 * 1024


def measure(size: int) -> list[str]:
    """Both servers; a file of 2 MiB, then one of ``size`` MiB."""
    table = Table("its peer", "server", "client", "MiB")
    with running() as servers, tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for server in servers:
            login = Login.of(server.account("writer"))
            for megabytes in (_SMALL, size):
                path, copy = directory / f"{megabytes}.bin", directory / "copy"
                if not path.exists():
                    _write(path, megabytes)
                runs = _transfer(login, path, copy)
                peers = {
                    "xmppctl upload": runs.get("go-sendxmpp --http-upload"),
                    "xmppctl fetch": runs.get("curl"),
                }
                for client, run in runs.items():
                    against = peers.get(client, run)
                    table.add(run, server.name, client, megabytes, against=against)
    return [*table.lines, "", "What is not own CPU time is spent by the server, or waited for it."]


def _transfer(login: Login, path: Path, copy: Path) -> dict[str, Run]:
    """The runs by client."""
    up = xmppctl(login, "upload", str(path), output="plain")
    url = up.out.strip()
    runs = {"xmppctl upload": up}
    if GO is not None:
        runs["go-sendxmpp --http-upload"] = go_sendxmpp(
            login, "--http-upload", str(path), login.jid
        )
    runs["xmppctl fetch"] = xmppctl(login, "fetch", "--force", "--out", str(copy), url)
    if not filecmp.cmp(path, copy, shallow=False):
        raise SystemExit("what the server gives is not what it got")
    if CURL is not None:
        runs["curl"] = curl(login, url, copy)
    return runs


def _write(path: Path, megabytes: int) -> None:
    with path.open("wb") as stream:
        for _ in range(megabytes):
            stream.write(os.urandom(_MEBI))
