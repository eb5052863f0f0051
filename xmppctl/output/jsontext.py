"""JSON text that no terminal acts on (see ``escape.safe_json``)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from xmppctl.output.escape import safe_json


def compact(value: Any) -> str:
    """``value`` on one line without spaces."""
    return safe_json(_encoder(separators=(",", ":"))(value))


def spaced(value: Any) -> str:
    """``value`` on one line, with spaces after commas and colons."""
    return safe_json(_encoder()(value))


def indented(value: Any) -> str:
    """``value`` on many lines, indented by two spaces."""
    return safe_json(_encoder(indent=2)(value))


@cache
def _encoder(**options: Any) -> Callable[[Any], str]:
    """An encoder that is made once; a table without nested values needs none."""
    import json

    # NaN and infinities are no JSON (RFC 8259 §6): a record that holds one raises ValueError.
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, **options).encode
