"""``python -m xmppctl``, and the entry point of the console script."""

from __future__ import annotations

import gc
import os
import sys

_GARBAGE = 50_000
"""Objects more than were freed before garbage is looked for. By default it is 700, and a start,
which makes many objects and no garbage, is interrupted a hundred times."""


def main() -> int:
    """Run the command line of this process, and end it with the exit code.

    Returns only where the process has to end in the ordinary way (``_end``).
    """
    gc.set_threshold(_GARBAGE)
    try:
        from xmppctl import standins

        standins.prepare()
        from xmppctl.headstart import HeadStart

        head = HeadStart(sys.argv[1:])
        from xmppctl.cli.main import main as run

        standins.settle()
        code = run(head=head)
    except KeyboardInterrupt:
        # Before or after the part that handles signals: 128 + SIGINT.
        code = 130
    return _end(code)


def _end(code: int) -> int:
    """End the process at once: nothing of it is worth the 10 ms that taking it apart would take.

    What was registered for the end is done. Returns ``code`` where somebody watches the run (a
    debugger, a profiler), or a thread is to be waited for.
    """
    threading = sys.modules.get("threading")
    waited_for = 0
    if threading is not None:
        waited_for = sum(not thread.daemon for thread in threading.enumerate())
    if sys.gettrace() or sys.getprofile() or waited_for > 1:
        return code
    try:
        import atexit

        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except BaseException:
        return code  # the interpreter meets it again, and tells
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
