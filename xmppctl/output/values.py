"""Records as JSON-ready values: dicts, lists, strings, numbers, booleans and None.

What each field needs is worked out once per class; a record then costs one C-level read of its
attributes, and Python code only for the fields that are not plain scalars.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any, Literal, get_args, get_origin

from xmppctl.output import fields as _fields
from xmppctl.output.fields import Field

Convert = Callable[[Any], Any]

_CONVERTERS: dict[type, Convert] = {}

_SCALARS = (str, int, float, bool, type(None))


def to_value(record: object) -> dict[str, Any]:
    """``record`` as a dict of JSON-ready values, its keys in the order of the fields.

    A class with ``SPARSE`` leaves out what is absent: None and empty lists and dicts. (False,
    0 and the empty string are values: an empty body is not the same as none.)
    Raises ValueError for a naive datetime, TypeError for what no record may hold.
    """
    kind: type = type(record)
    convert = _CONVERTERS.get(kind)
    if convert is None:
        convert = _CONVERTERS[kind] = converter(kind)
    value: dict[str, Any] = convert(record)
    return value


@cache
def converter(record: type, selected: tuple[Field, ...] | None = None) -> Convert:
    """The function that makes the dict of a ``record``.

    ``selected`` fields are all present whether or not the class is sparse: who asks for a key by
    name gets it.
    """
    chosen = _fields.of(record) if selected is None else selected
    sparse = selected is None and getattr(record, "SPARSE", False)
    keys = [field.key for field in chosen]
    read = _reader([field.attribute for field in chosen])
    converters = [(field.key, convert) for field in chosen if (convert := _convert_for(field.type))]

    def convert_record(value: object) -> dict[str, Any]:
        result = dict(zip(keys, read(value), strict=True))
        for key, convert in converters:
            if result[key] is not None:
                result[key] = convert(result[key])
        return result

    by_key = dict(converters)
    known = {field.attribute: (field.key, by_key.get(field.key)) for field in chosen}

    def convert_sparse(value: object) -> dict[str, Any]:
        result = {}
        # in the order of the fields, which is that in which they were set
        for name, item in vars(value).items():
            # most are absent, so that this goes before anything else
            if item is None or (not item and absent(item)):
                continue
            if (entry := known.get(name)) is not None:  # it may carry what is no field
                key, convert = entry
                result[key] = item if convert is None else convert(item)
        return result

    return convert_sparse if sparse else convert_record


def timestamp(value: datetime) -> str:
    """RFC 3339 in UTC with ``Z``; a fraction (microseconds) only where there is one.

    Raises ValueError for a naive datetime: which moment it means cannot be told.
    """
    if value.tzinfo is None:
        raise ValueError("a record holds a datetime without time zone")
    in_utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return in_utc.isoformat().removesuffix("+00:00") + "Z"


def absent(value: Any) -> bool:
    """Whether a sparse record leaves ``value`` out: None, an empty list or dict."""
    return value is None or (not value and isinstance(value, list | dict | tuple))


def _reader(attributes: list[str]) -> Callable[[object], tuple[Any, ...]]:
    if len(attributes) == 1:  # attrgetter gives a bare value then
        single = attrgetter(attributes[0])
        return lambda value: (single(value),)
    return attrgetter(*attributes)


def _convert_for(hint: Any) -> Convert | None:
    """What a value of the type ``hint`` needs before it is JSON-ready; None for nothing."""
    found = [member for member in _fields.members(hint) if not _is_ready(member)]
    if not found:
        return None
    if found == [datetime]:
        return timestamp
    if len(found) == 1:
        if is_dataclass(found[0]):
            return to_value
        if get_origin(found[0]) is list and is_dataclass(get_args(found[0])[0]):
            return _to_values
    return plain_value


def _to_values(records: list[object]) -> list[dict[str, Any]]:
    return [to_value(record) for record in records]


def _is_ready(kind: Any) -> bool:
    """Whether every value of this type is JSON-ready as it is."""
    if kind in _SCALARS or get_origin(kind) is Literal:
        return True
    return get_origin(kind) in (list, dict) and all(
        _convert_for(argument) is None for argument in get_args(kind)
    )


def plain_value(value: Any) -> Any:
    """Any value that a record may hold, JSON-ready. Raises TypeError for any other."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind in _CONVERTERS:
        return to_value(value)
    if kind is list:
        return [plain_value(item) for item in value]
    if isinstance(value, Enum):
        return plain_value(value.value)
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, datetime):
        return timestamp(value)
    if is_dataclass(value):
        return to_value(value)
    if isinstance(value, list | tuple):
        return [plain_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain_value(item) for key, item in value.items()}
    raise TypeError(f"a record holds a value of type {type(value).__name__}")
