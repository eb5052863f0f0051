"""The fields of a record class: their keys in the output, and the selection by ``--fields``.

A field whose key is a Python keyword carries one trailing underscore in the class (``from_``),
which its key does not have (``from``).
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from xmppctl.errors import UsageError
from xmppctl.records import dataclass


@dataclass(frozen=True)
class Field:
    """One field of a record class.

    ``attribute`` is its name in the class, ``key`` its name in the output, ``type`` its type
    without ``Annotated``, ``doc`` the first string of that.
    """

    key: str
    attribute: str
    type: Any
    doc: str | None


@cache
def of(record: type) -> tuple[Field, ...]:
    """All fields of ``record`` in their order. Raises TypeError where it is no dataclass."""
    if not is_dataclass(record):
        raise TypeError(f"{record!r} is not a record class")
    hints = get_type_hints(record, include_extras=True)
    return tuple(
        Field(field.name.removesuffix("_"), field.name, *plain_type(hints[field.name]))
        for field in fields(record)
    )


def names(record: type) -> tuple[str, ...]:
    """The keys of ``record`` in their order: what ``--fields`` may name."""
    return tuple(field.key for field in of(record))


def select(record: type, wanted: Sequence[str]) -> tuple[Field, ...]:
    """The fields that ``wanted`` names, in that order, each once.

    Raises UsageError for an unknown name, or where nothing is named.
    """
    known = {field.key: field for field in of(record)}
    keys = list(dict.fromkeys(stripped for name in wanted if (stripped := name.strip())))
    unknown = [key for key in keys if key not in known]
    if unknown or not keys:
        what = f"unknown field {', '.join(map(repr, unknown))}" if unknown else "no field is named"
        raise UsageError(
            f"{what} in --fields",
            step="usage",
            hint=f"the fields are: {', '.join(known)}",
        )
    return tuple(known[key] for key in keys)


def identifying(record: type) -> Field:
    """The one field that identifies a record: its class variable ``PLAIN``, or the first."""
    plain = getattr(record, "PLAIN", None)
    return of(record)[0] if plain is None else _named(record, plain)


def columns(record: type) -> tuple[Field, ...]:
    """The fields that a table shows: its class variable ``TABLE``, or all."""
    table = getattr(record, "TABLE", None)
    return of(record) if table is None else tuple(_named(record, name) for name in table)


def _named(record: type, name: str) -> Field:
    """A field by its name in the class or in the output, as class variables have it."""
    return next(field for field in of(record) if name in (field.attribute, field.key))


def plain_type(hint: Any) -> tuple[Any, str | None]:
    """``Annotated[X, "text", ...]`` as X and its text; any other type as itself and None."""
    if get_origin(hint) is not Annotated:
        return hint, None
    inner, *extras = get_args(hint)
    return inner, next((extra for extra in extras if isinstance(extra, str)), None)


def members(hint: Any) -> tuple[Any, ...]:
    """The alternatives of ``X | Y | None``, unwrapped; of any other type, itself alone."""
    hint = plain_type(hint)[0]
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(plain_type(member)[0] for member in get_args(hint))
    return (hint,)
