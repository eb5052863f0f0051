"""JSON text that no terminal acts on (see ``escape.safe_json``)."""

from __future__ import annotations

import json
from typing import Any

from xmppctl.output.escape import safe_json

# NaN and infinities are no JSON (RFC 8259 §6): a record that holds one raises ValueError.
_COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_SPACED = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_INDENTED = json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=2).encode


def compact(value: Any) -> str:
    """``value`` on one line without spaces."""
    return safe_json(_COMPACT(value))


def spaced(value: Any) -> str:
    """``value`` on one line, with spaces after commas and colons."""
    return safe_json(_SPACED(value))


def indented(value: Any) -> str:
    """``value`` on many lines, indented by two spaces."""
    return safe_json(_INDENTED(value))
