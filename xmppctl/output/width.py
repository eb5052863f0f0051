"""How many columns of a terminal a text takes (Unicode Standard Annex #11)."""

from __future__ import annotations

import unicodedata

ELLIPSIS = "…"


def columns(text: str) -> int:
    """The columns that ``text`` takes; it holds no control characters (see ``escape.safe``)."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def clip(text: str, limit: int) -> str:
    """``text``, or its beginning and an ellipsis so that it takes at most ``limit`` columns."""
    if columns(text) <= limit:
        return text
    used = columns(ELLIPSIS)
    end = 0
    for end, char in enumerate(text):  # noqa: B007
        used += _columns(char)
        if used > limit:
            break
    return text[:end] + ELLIPSIS


def _columns(char: str) -> int:
    # Marks stand on the character before them; joiners and variation selectors are Cf and Mn.
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
