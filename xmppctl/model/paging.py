"""Which part of a long list is wanted (XEP-0059)."""

from __future__ import annotations

from xmppctl.records import dataclass


@dataclass(frozen=True)
class Part:
    """A part of a list: all that follows ``after``, or so many from some place on.

    ``after`` and ``before`` are UIDs, an empty ``before`` stands for the end of the list; ``index``
    counts from 0. ``page_size``: how many are asked for at once; ``limit``: no more than so many.
    """

    maximum: int | None = None
    after: str | None = None
    before: str | None = None
    index: int | None = None
    everything: bool = False
    page_size: int = 100
    limit: int | None = None

    @property
    def number(self) -> int | None:
        """How many are wanted of some place; None for all that there is, up to ``limit``."""
        if self.everything or self.limit is not None:
            return None
        places = (self.maximum, self.after, self.before, self.index)
        if all(place is None for place in places):
            return None
        return self.maximum or self.page_size
