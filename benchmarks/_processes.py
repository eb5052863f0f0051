"""Processes that stand between or opposite the clients, and answer questions by their pipes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks._login import Login
from benchmarks._measure import ROOT
from tests.servers.ca import Authority


class Process:
    """One of them; ``address`` is where it listens."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        self.address = ("127.0.0.1", int(process.stdout.readline()))

    def ask(self) -> int:
        """What it has counted since it was asked before."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def far(address: tuple[str, int], seconds: float) -> Iterator[Process]:
    """A proxy before ``address``, so many seconds away there and back; counts flights."""
    host, port = address
    with _process("_delay", host, port, seconds) as process:
        yield process


@contextmanager
def stub(*, messages: int = 0, contacts: int = 0) -> Iterator[tuple[Process, Login]]:
    """A server with an archive and contacts in memory, and who logs in there; counts messages."""
    domain = "stub.test"
    with tempfile.TemporaryDirectory() as name:
        authority = Authority(Path(name))
        certificate = authority.issue(domain)
        files = (certificate.chain, certificate.key)
        with _process("_stub", domain, *files, messages, contacts) as process:
            yield (
                process,
                Login(
                    f"reader@{domain}", "secret", process.address, authority.ca_file, direct=True
                ),
            )


@contextmanager
def _process(module: str, *args: object) -> Iterator[Process]:
    with subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{module}", *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            yield Process(process)
        finally:
            process.terminate()
