"""A connection that begins before Click is imported, where a run began with the same words before.

What is connected to, and whom is trusted there, is taken from that run (``config.starts``); the
command line is parsed and the settings are resolved meanwhile. Only where the account that comes
out wants the very same connection is it used. Nothing is said on it until then. What is imported
here stands before the first byte of a run: not even ``typing``.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xmppctl.config.starts import Start
    from xmppctl.model.aim import Aim
    from xmppctl.session.early import Early

_TOLD = ("-h", "--help", "--version")


class HeadStart:
    """The start of the run with the arguments ``words``; it connects where it can tell where to."""

    def __init__(self, words: Sequence[str], env: Mapping[str, str] = os.environ) -> None:
        self._words = list(words)
        self._env = env
        self._start: Start | None = None
        self._early: Early | None = None
        if not words or words[-1] in _TOLD:  # which never connect, and do not look for it either
            return
        from xmppctl.config import starts

        try:
            self._start = starts.match(words, env)
            if self._start is not None and _holds(self._start.aim):
                from xmppctl.session.early import Early

                self._early = Early(self._start.aim)
        except Exception:  # whatever it was: the run goes on without, and tells
            return
        self.pump()

    def pump(self) -> None:
        """Let the connection go on, between imports that take long."""
        if self._early is not None:
            self._early.pump()

    def take(self, aim: Aim | None) -> Early | None:
        """The connection, where it is the one that is wanted; if not, it is given up."""
        early, self._early = self._early, None
        if early is None or early.aim == aim:
            return early
        early.abandon()
        return None

    def keep(self, behind: int, aim: Aim) -> None:
        """This start reached its server; ``behind``: the number of words behind the verb."""
        if aim.cert is not None or aim.pins:  # these are not kept
            return
        from xmppctl.config import paths, starts

        verb = len(self._words) - behind
        config = str(paths.config_file(self._env))
        digest = starts.digest(self._words, verb, self._env)
        start = starts.Start(digest, verb, config, starts.stamp(config), aim)
        if start != self._start:
            starts.keep(start, self._env)


def _holds(aim: Aim) -> bool:
    return aim.until is None or time.time() < aim.until
