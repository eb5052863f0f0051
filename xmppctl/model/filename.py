"""Names of files that strangers chose."""

from __future__ import annotations

import re
import unicodedata

_LONGEST_NAME = 200
_LONGEST_SUFFIX = 16
_NAMELESS = "download"


def harmless(name: str) -> str:
    """A name that does no harm: no directory, no hidden file, nothing that is no text.

    It is no longer than file systems take, and keeps its suffix.
    """
    name = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    name = "".join("_" if unicodedata.category(c)[0] in "CZ" and c != " " else c for c in name)
    name = name.strip(". ")
    if name.startswith(("-", "~")):
        name = f"_{name[1:]}"
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix.encode()) > _LONGEST_SUFFIX:
        stem, dot, suffix = name, "", ""
    room = _LONGEST_NAME - len((dot + suffix).encode())
    return stem.encode()[:room].decode(errors="ignore") + dot + suffix or _NAMELESS
