"""XEP-0082: XMPP Date and Time Profiles."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from xmppctl.protocol import Xep

XEPS = (Xep("0082", "1.1.1", "complete"),)

_USUAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z$", re.ASCII)
_LEGACY = re.compile(r"^(\d{4})(\d\d)(\d\d)T(\d\d:\d\d:\d\d)$")
_OFFSET = re.compile(r"^([+-])(\d\d):(\d\d)$")


@lru_cache(maxsize=16)  # the same one is often read by several
def parse_datetime(text: str) -> datetime:
    """A DateTime (§3.2), or the older form of XEP-0091, in UTC. Raises ValueError."""
    if _USUAL.match(text) is not None:
        with suppress(ValueError):
            return datetime.fromisoformat(text)
    text = text.strip()
    if (legacy := _LEGACY.match(text)) is not None:
        year, month, day, clock = legacy.groups()
        text = f"{year}-{month}-{day}T{clock}Z"
    # fractions may have any number of digits; Python knows six
    text = re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date and time of XEP-0082") from None
    if value.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is out of range") from None


def format_datetime(value: datetime) -> str:
    """A DateTime in UTC with ``Z``; microseconds where there are any. ``value`` is aware."""
    value = value.astimezone(UTC)
    return value.isoformat().replace("+00:00", "Z")


def parse_offset(text: str) -> timedelta:
    """A TZD (§2.5): ``Z``, ``+hh:mm`` or ``-hh:mm``. Raises ValueError."""
    text = text.strip()
    if text in ("Z", "z"):
        return timedelta(0)
    match = _OFFSET.match(text)
    if match is None or int(match[2]) > 23 or int(match[3]) > 59:
        raise ValueError(f"{text!r} is not an offset from UTC")
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -offset if match[1] == "-" else offset
