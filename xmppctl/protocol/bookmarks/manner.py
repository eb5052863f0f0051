"""What an operation on bookmarks is given by its caller."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from xmppctl.records import dataclass

Warn = Callable[[str], None]

Turn = Callable[[], AbstractContextManager[object]]
"""What keeps other runs on this machine from changing the bookmarks at the same time."""


@dataclass(frozen=True)
class Manner:
    """How changes are made.

    ``warn`` is called with what the user should know. ``turn`` is held while a legacy store is
    changed. ``reconfigure``: a node that others can read is made private, and not left alone.
    """

    warn: Warn
    turn: Turn = nullcontext
    reconfigure: bool = False
