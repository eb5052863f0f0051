"""One process, measured; a table of such processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_UNUSUAL = ("SSL_CERT_FILE", "SSL_CERT_DIR", "PYTHONDONTWRITEBYTECODE", "XMPPCTL_DEBUG")
"""Variables that hardly a user has, and that change how long a client takes to start."""

_LAUNCHER = """
import json, os, sys, time
begin = time.perf_counter()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(pid, 0)
figures = [time.perf_counter() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]
with open(sys.argv[1], "w") as file:
    json.dump([os.waitstatus_to_exitcode(status), *figures], file)
"""
"""A small process of its own: the peak of a process counts that of the one it was forked from."""


@dataclass(frozen=True)
class Run:
    """One process: seconds, its own CPU seconds, peak resident set in MiB, what it printed.

    ``said`` is what it wrote to its standard error.
    """

    seconds: float
    cpu: float
    peak: float
    out: str
    said: str = ""

    @property
    def lines(self) -> int:
        """How many lines it printed."""
        return self.out.count("\n")


def execute(
    command: Sequence[str], env: Mapping[str, str] | None = None, text: str = "", *, code: int = 0
) -> Run:
    """Run ``command`` with ``text`` on its standard input; it must end with ``code``."""
    usual = {name: value for name, value in os.environ.items() if name not in _UNUSUAL}
    with (
        tempfile.NamedTemporaryFile("r") as figures,
        tempfile.TemporaryFile("w+") as source,
        tempfile.TemporaryFile("w+") as target,
        tempfile.TemporaryFile("w+") as errors,
    ):
        source.write(text)
        source.seek(0)
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", _LAUNCHER, figures.name, *command],
            stdin=source,
            stdout=target,
            stderr=errors,
            env={**usual, **(env or {})},
            cwd=ROOT,
            check=True,
        )
        found, seconds, cpu, peak = json.loads(figures.read())
        errors.seek(0)
        said = errors.read()
        if found != code:
            raise SystemExit(f"{' '.join(command)[:300]} ended with {found}\n{said[-2000:]}")
        target.seek(0)
        return Run(seconds, cpu, peak, target.read(), said)


class Table:
    """Rows of runs; the last column is the time of each against that of the ``peer``."""

    def __init__(self, peer: str, *titles: str) -> None:
        cells = (*titles, "seconds", "own CPU (s)", "peak RSS (MiB)", f"time against {peer}")
        self.lines = [row(*cells), "|---" * len(cells) + "|"]

    def add(self, run: Run, *cells: object, against: Run | None = None) -> None:
        """One more row, which is shown at once; without a peer it has no ratio."""
        ratio = "" if against is None else f"{run.seconds / against.seconds:.2f}"
        figures = (_seconds(run.seconds), _seconds(run.cpu), f"{run.peak:.1f}", ratio)
        self.lines.append(row(*cells, *figures))
        print(self.lines[-1], file=sys.stderr, flush=True)


def expect(what: str, found: int, expected: int) -> None:
    """A figure of work that was not done is none: end here unless the two are equal."""
    if found != expected:
        raise SystemExit(f"{what}: {found} instead of {expected}")


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def row(*cells: object) -> str:
    """A row of a table."""
    return f"| {' | '.join(map(str, cells))} |"
