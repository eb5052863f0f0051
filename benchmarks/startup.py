"""``xmppctl --help`` and a completion against Python alone, Click, slixmpp and go-sendxmpp.

    make bench BENCH_ARGS=startup        the best of 20 runs of each

The best run counts: everything else on the machine only ever adds to it.
"""

from __future__ import annotations

import sys

from benchmarks._clients import GO, XMPPCTL
from benchmarks._measure import Run, Table, execute

TITLE = "Start-up"
FULL = 20
QUICK = 5
_TAB = {"_XMPPCTL_COMPLETE": "bash_complete", "COMP_WORDS": "xmppctl mam q", "COMP_CWORD": "2"}
_BASE = "python -c 'import click'"
_CASES: dict[str, tuple[list[str], dict[str, str]]] = {
    _BASE: ([sys.executable, "-c", "import click"], {}),
    "python -c pass": ([sys.executable, "-c", "pass"], {}),
    "xmppctl --help": ([XMPPCTL, "--help"], {}),
    "xmppctl send --help": ([XMPPCTL, "send", "--help"], {}),
    "xmppctl mam q<TAB>": ([XMPPCTL], _TAB),
    "python -c 'import slixmpp'": ([sys.executable, "-W", "ignore", "-c", "import slixmpp"], {}),
}


def measure(size: int) -> list[str]:
    """The best of ``size`` runs of each."""
    cases = dict(_CASES)
    if GO is not None:
        cases["go-sendxmpp --help"] = ([GO, "--help"], {})
    best: dict[str, Run] = {}
    for _ in range(size):
        for name, (command, env) in cases.items():
            run = execute(command, env)
            if name not in best or run.seconds < best[name].seconds:
                best[name] = run
    table = Table("import click", "command")
    for name, run in best.items():
        table.add(run, f"`{name}`", against=best[_BASE])
    return [*table.lines, "", f"The best of {size} runs, the commands in turn."]
