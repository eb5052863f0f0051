"""XEP-0059: Result Set Management."""

from __future__ import annotations

from typing import Any

import aioxmpp.rsm.xso as rsm_xso

from xmppctl.errors import RefusedError
from xmppctl.protocol import Xep
from xmppctl.records import dataclass

XEPS = (Xep("0059", "1.0", "complete"),)


@dataclass(frozen=True)
class Page:
    """What a responder tells of the page it gave (§2.6)."""

    first: str | None
    last: str | None
    count: int | None
    index: int | None

    def is_last(self, received: int) -> bool:
        """Whether ``count`` and ``index`` show that nothing follows this page."""
        if self.count is None or self.index is None:
            return False
        return self.index + received >= self.count


def request(
    *,
    maximum: int | None = None,
    after: str | None = None,
    before: str | None = None,
    index: int | None = None,
) -> Any:
    """The ``<set/>`` of a question; ``before=""`` asks for the last page (§2.5)."""
    result_set = rsm_xso.ResultSetMetadata()
    result_set.max_ = maximum
    result_set.index = index
    if after is not None:
        result_set.after = rsm_xso.After(after)
    if before is not None:
        result_set.before = rsm_xso.Before(before or None)
    return result_set


def read(result_set: Any) -> Page | None:
    """The ``<set/>`` of an answer, None where there is none."""
    if result_set is None:
        return None
    first = result_set.first
    return Page(
        first=first.value if first is not None else None,
        last=(result_set.last.value or None) if result_set.last is not None else None,
        count=result_set.count,
        index=first.index if first is not None else None,
    )


class Guard:
    """Ends a walk through pages that would never end.

    A responder that does not know the UID after which it is asked may begin anew instead of
    saying item-not-found: then the same page boundaries come again.
    """

    def __init__(self) -> None:
        self._firsts: set[str] = set()
        self._lasts: set[str] = set()

    def check(self, page: Page, *, by: str) -> None:
        """Remember the page's first and last UID. Raises RefusedError where one was there."""
        for uid, seen in ((page.first, self._firsts), (page.last, self._lasts)):
            if uid is None:
                continue
            if uid in seen:
                raise RefusedError(
                    f"{by} gives a page that it gave before",
                    condition="page-repeated",
                    by=by,
                    hint="what was shown is all that came before; the rest cannot be reached",
                )
            seen.add(uid)
