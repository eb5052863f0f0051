"""How far a bulk of messages is, told where a person watches and the results go elsewhere."""

from __future__ import annotations

import time

from xmppctl import cli
from xmppctl.cli.stdin import is_terminal

_INTERVAL = 0.1


class Counter:
    """One line that is written over again; ``total`` is None where it is not known.

    Silent with ``-q``, without a terminal, and where the results themselves are on it.
    """

    def __init__(self, app: cli.App, total: int | None) -> None:
        self._of = "" if total is None else f" of {total}"
        self._stderr = app.stderr
        self._shown = not app.quiet and is_terminal(app.stderr) and not is_terminal(app.stdout)
        self._done = 0
        self._last = time.monotonic()
        self._dirty = False

    def step(self) -> None:
        """One more result is known."""
        self._done += 1
        now = time.monotonic()
        if self._shown and now - self._last >= _INTERVAL:
            self._last, self._dirty = now, True
            self._stderr.write(f"\r{self._done}{self._of} messages\x1b[K")
            self._stderr.flush()

    def end(self) -> None:
        """Remove the line."""
        if self._dirty:
            self._stderr.write("\r\x1b[K")
            self._stderr.flush()
