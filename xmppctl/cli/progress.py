"""How far long work is, on standard error where that is a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from xmppctl.cli import stdin
from xmppctl.cli.app import App
from xmppctl.output.escape import safe

_INTERVAL = 0.1
_MEGA = 1024 * 1024


class Counter:
    """One line that is written over again; silent with ``-q`` and without a terminal.

    ``total`` is None where it is not known. May be called from another thread.
    """

    def __init__(self, app: App, label: str, total: int | None = None) -> None:
        self.total = total
        self._stderr = app.stderr
        self._label = safe(label)[-40:]
        self._shown = not app.quiet and stdin.is_terminal(app.stderr)
        self._width = 0
        self._begin = time.monotonic()
        self._last = self._begin

    def __call__(self, done: int) -> None:
        """So much is done."""
        now = time.monotonic()
        if not self._shown or (now - self._last < _INTERVAL and done != self.total):
            return
        self._last = now
        self._write(f"{self._label}: {self.text(done, now - self._begin)}")

    def text(self, done: int, seconds: float) -> str:
        """What stands behind the label after so many seconds."""
        return str(done) if self.total is None else f"{done} of {self.total}"

    def end(self) -> None:
        """Remove the line."""
        if self._width:
            self._write("")
            self._write("")

    def _write(self, text: str) -> None:
        # blanks, not a control sequence: they work on every terminal
        line, self._width = text.ljust(self._width), len(text)
        with suppress(OSError):
            self._stderr.write(f"\r{line}")
            self._stderr.flush()


class Progress(Counter):
    """The same for a transfer: bytes, of ``total`` where that is known, and their rate."""

    def text(self, done: int, seconds: float) -> str:
        """Share, size and rate."""
        share = f"{100 * done // self.total:3d} % of " if self.total else ""
        size = self.total or done
        rate = done / _MEGA / max(seconds, 0.001)
        return f"{share}{size / _MEGA:.1f} MiB, {rate:.1f} MiB/s"


@contextmanager
def counting(app: App, label: str, total: int) -> Iterator[Counter]:
    """A counter whose line is gone at the end."""
    counter = Counter(app, label, total)
    try:
        yield counter
    finally:
        counter.end()
