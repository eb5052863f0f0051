"""Run benchmarks; each writes its section of RESULTS.md.

    make bench                                  every one at full size
    make bench BENCH_ARGS=block_bulk            one of them
    make bench BENCH_ARGS='--quick roster_bulk' with little work, to see that it runs
    python -m benchmarks --size 2000 roster_bulk

With --quick or --size the figures are printed and RESULTS.md stays as it is.
At full size each takes from one to five minutes on a machine that does nothing else, login a
quarter of an hour.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from pathlib import Path

from benchmarks import _results

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def main() -> None:
    """Run those that are named, or all; the first failure ends it."""
    description, _, examples = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        "python -m benchmarks",
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="with little work")
    parser.add_argument("--size", type=int, help="with this much work")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in NAMES:
            parser.error(f"no benchmark {name!r}; there are: {', '.join(NAMES)}")
    # so that servers and directories go away as they do after an exception
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name in arguments.names or NAMES:
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"--- {name}: {module.TITLE}", file=sys.stderr, flush=True)
        load = os.getloadavg()[0]
        size = arguments.size or (module.QUICK if arguments.quick else module.FULL)
        text = _results.section(name, module.TITLE, load, module.measure(size))
        print(text, flush=True)
        if size == module.FULL:
            _results.record(module.TITLE, text)


if __name__ == "__main__":
    main()
