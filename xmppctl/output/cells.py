"""Values as the text of one cell: for people (table) or for programs (csv, tsv, plain).

The text is not escaped yet: each format does that by its own rules.

==================  ===============================  ==========================================
value               for programs                     for people
==================  ===============================  ==========================================
None                empty                            empty
bool                true, false                      yes, no
float               as in JSON                       at most three decimals
datetime            RFC 3339, UTC, Z                 the same; on a terminal local time
error               condition, or name of the code   the same
list of scalars     joined by a comma                joined by a comma and a space
record              compact JSON                     ``str()``, ``PLAIN`` field, or JSON
list of records     compact JSON                     the same of each
dict                compact JSON                     key=value where all values are scalars
==================  ===============================  ==========================================
"""

from __future__ import annotations

from dataclasses import is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from xmppctl.errors import ErrorInfo
from xmppctl.output import values
from xmppctl.output.fields import identifying
from xmppctl.output.jsontext import compact


def machine(value: Any) -> str:
    """The text of ``value`` for a program."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = _simple(value)
    if text is not None:
        return text
    if isinstance(value, float):
        return compact(value)
    if isinstance(value, datetime):
        return values.timestamp(value)
    if isinstance(value, list | tuple) and not _nested(value):
        return ",".join(map(machine, value))
    return compact(values.plain_value(value))


def human(value: Any, *, local: bool = False) -> str:
    """The text of ``value`` for a person; times in the local time zone where ``local``."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = _simple(value)
    if text is not None:
        return text
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        text = values.timestamp(value)
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}" if local else text
    if isinstance(value, dict) and not _nested(list(value.values())):
        return ", ".join(f"{key}={human(item, local=local)}" for key, item in value.items())
    if isinstance(value, list | tuple) and (
        not _nested(value) or all(_has_text(item) or _has_plain(item) for item in value)
    ):
        return ", ".join(human(item, local=local) for item in value)
    if _has_text(value):
        return str(value)
    if _has_plain(value):
        return human(getattr(value, identifying(type(value)).attribute), local=local)
    return compact(values.plain_value(value))


def _simple(value: Any) -> str | None:
    """What reads the same for both; None for any other value."""
    if value is None:
        return ""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, ErrorInfo):
        return value.condition or value.name
    return None


def _nested(items: list[Any] | tuple[Any, ...]) -> bool:
    return any(isinstance(item, list | tuple | dict) or is_dataclass(item) for item in items)


def _has_text(value: Any) -> bool:
    return is_dataclass(value) and type(value).__str__ is not object.__str__


def _has_plain(value: Any) -> bool:
    return is_dataclass(value) and hasattr(value, "PLAIN")
