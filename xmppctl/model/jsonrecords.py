"""Records in a JSON file: an array, a single one, or one in a line each (jsonl)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from xmppctl.errors import UsageError
from xmppctl.records import dataclass


@dataclass(frozen=True)
class Unreadable:
    """A line that is not JSON."""

    text: str
    why: str


def read(data: bytes) -> Iterator[tuple[str, Any]]:
    """Each record with its place in words, such as "line 3"; ``Unreadable`` for a bad line.

    Raises UsageError where the file as a whole is no JSON.
    """
    try:
        whole = json.loads(data)
    except UnicodeDecodeError:
        raise UsageError("the file is not UTF-8", step="input") from None
    except (ValueError, RecursionError) as error:
        if data.lstrip()[:1] != b"{":
            raise UsageError(f"the file is not JSON: {error}", step="input") from None
        yield from _lines(data)
        return
    for number, record in enumerate(whole if isinstance(whole, list) else [whole], 1):
        yield f"record {number}", record


def _lines(data: bytes) -> Iterator[tuple[str, Any]]:
    for number, text in enumerate(data.splitlines(), 1):
        if not text.strip():
            continue
        try:
            record = json.loads(text)
        except (ValueError, RecursionError) as error:
            record = Unreadable(text.decode("utf-8", "replace"), f"not JSON: {error}")
        yield f"line {number}", record
