"""Peak memory and time of ``mam query --all`` for a small and for a large archive.

    python benchmarks/mam_memory.py [--messages 10000]

Starts Prosody as the tests do, fills an archive by ``send --stdin-lines``, reads it by
``mam query --all -o jsonl``, and writes the figures into benchmarks/RESULTS.md. Memory that grows
with the archive would show as a ratio far above 1.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from results import record

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.peers.rawxml import RawClient
from tests.peers.stream import StreamClosed
from tests.servers.base import Account
from tests.servers.ca import Authority
from tests.servers.prosody import Prosody

XMPPCTL = Path(sys.executable).with_name("xmppctl")
SMALL = 1000


@dataclass(frozen=True)
class Run:
    """One process: seconds, its own CPU seconds, peak resident set in MiB, lines printed."""

    seconds: float
    cpu: float
    peak: float
    lines: int


def run(account: Account, home: Path, *args: str, text: str = "") -> Run:
    """Run xmppctl as ``account``."""
    server = account.server
    address = ":".join(map(str, server.starttls))
    command = [str(XMPPCTL), "-j", account.jid, "--connect", address]
    command += ["--ca-file", str(server.ca_file), "-o", "jsonl", *args]
    kinds = ("CONFIG", "STATE", "CACHE")
    env = {
        **os.environ,
        **{f"XMPPCTL_{kind}_DIR": str(home / kind.lower()) for kind in kinds},
        "XMPPCTL_PASSWORD": account.password,
    }
    with tempfile.TemporaryFile("w+") as source, tempfile.TemporaryFile("w+") as target:
        source.write(text)
        source.seek(0)
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdin=source, stdout=target, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(args)} ended with {process.returncode}")
        target.seek(0)
        cpu = usage.ru_utime + usage.ru_stime
        return Run(seconds, cpu, usage.ru_maxrss / 1024, sum(1 for _ in target))


@contextmanager
def online(account: Account) -> Iterator[None]:
    """A client that takes what comes: offline storage is slow, and full after 1,000 messages."""
    client = RawClient.login_as(account)
    client.send("<presence/>")

    def drain() -> None:
        with suppress(OSError, ValueError, StreamClosed):
            while True:
                client.recv(3600)

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    try:
        yield
    finally:
        client.close()


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=10_000)
    large: int = parser.parse_args().messages
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        server = Prosody(directory / "server", Authority(directory / "ca"))
        with server, ExitStack() as stack:
            writer, reader = server.account("writer"), server.account("reader")
            table = [
                "| messages | seconds | own CPU seconds | peak RSS (MiB) |",
                "|---|---|---|---|",
            ]
            peaks = []
            filled = 0
            stack.enter_context(online(reader))
            for count in (SMALL, large):
                lines = "".join(f"line {n} of the archive\n" for n in range(filled, count))
                fill = run(writer, directory, "send", "--stdin-lines", reader.jid, text=lines)
                read = run(reader, directory, "mam", "query", "--all")
                if read.lines != count:
                    raise SystemExit(f"{read.lines} messages read instead of {count}")
                table.append(f"| {count} | {read.seconds:.2f} | {read.cpu:.2f} | {read.peak:.1f} |")
                peaks.append(read.peak)
                rate = (count - filled) / fill.seconds
                filled = count
    ratio = peaks[1] / peaks[0]
    text = [
        *table,
        "",
        f"Peak memory of {large} against {SMALL} messages: {ratio:.2f} times. "
        "What is not own CPU time is the server reading its storage anew for each page. "
        f"Filling by `send --stdin-lines`: {rate:.0f} messages per second, each one confirmed.",
    ]
    record("mam query --all", "python benchmarks/mam_memory.py", text)


if __name__ == "__main__":
    main()
