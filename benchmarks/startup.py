"""How long ``xmppctl --help`` and a completion take against bare Python and Python with Click.

    python benchmarks/startup.py [--runs 20]

The best of several runs counts: everything else on the machine only ever adds to it. The figures
go into benchmarks/RESULTS.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from results import record

XMPPCTL = str(Path(sys.executable).with_name("xmppctl"))
_TAB = {"_XMPPCTL_COMPLETE": "bash_complete", "COMP_WORDS": "xmppctl mam q", "COMP_CWORD": "2"}

CASES: dict[str, tuple[list[str], dict[str, str]]] = {
    "python -c pass": ([sys.executable, "-c", "pass"], {}),
    "python -c 'import click'": ([sys.executable, "-c", "import click"], {}),
    "xmppctl --help": ([XMPPCTL, "--help"], {}),
    "xmppctl send --help": ([XMPPCTL, "send", "--help"], {}),
    "xmppctl mam q<TAB>": ([XMPPCTL], _TAB),
}
BASE = "python -c 'import click'"


def best(command: list[str], env: dict[str, str], runs: int) -> float:
    """The shortest of ``runs`` runs, in milliseconds."""
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        subprocess.run(command, env={**os.environ, **env}, stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - begin) * 1000)
    return min(times)


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    runs: int = parser.parse_args().runs
    times = {name: best(*case, runs) for name, case in CASES.items()}
    lines = [f"| command | best of {runs} (ms) | against import click |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {value:.0f} | {value / times[BASE]:.2f} |" for name, value in times.items()
    ]
    record("Start-up", "python benchmarks/startup.py", lines)


if __name__ == "__main__":
    main()
