"""JSON Schema (2020-12) of what a command prints under ``-o json``, from its record class."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from datetime import datetime
from enum import Enum
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from xmppctl.output import fields as _fields

if TYPE_CHECKING:
    from xmppctl.output import Shape

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SCALARS: dict[Any, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    NoneType: "null",
}


def json_schema(record: type, shape: Shape) -> dict[str, Any]:
    """The schema of one ``record`` (shape "object"), or of an array of them (the other shapes).

    Each record class is one entry of ``$defs``, described by its docstring, its properties by
    the strings of ``Annotated``. All keys are required, in a ``SPARSE`` class those that are
    never absent. Raises TypeError for a type that no record may have.
    """
    definitions: dict[str, Any] = {}
    names: dict[type, str] = {}

    def refer(nested: type) -> dict[str, Any]:
        if nested not in names:
            names[nested] = _name(nested, set(names.values()))
            definitions[names[nested]] = {}  # keeps its place while the class refers to itself
            definitions[names[nested]] = _definition(nested, refer)
        return {"$ref": f"#/$defs/{names[nested]}"}

    root = refer(record)
    body = root if shape == "object" else {"type": "array", "items": root}
    return {"$schema": DIALECT, "title": record.__name__, **body, "$defs": definitions}


def _name(record: type, taken: set[str]) -> str:
    """The class's name, with its module's where another class has the same."""
    if record.__name__ not in taken:
        return record.__name__
    return f"{record.__module__}.{record.__qualname__}"


def _definition(record: type, refer: Callable[[type], dict[str, Any]]) -> dict[str, Any]:
    chosen = _fields.of(record)
    properties: dict[str, Any] = {}
    for field in chosen:
        described = {} if field.doc is None else {"description": field.doc}
        properties[field.key] = {**described, **_schema(field.type, refer)}
    sparse = getattr(record, "SPARSE", False)
    definition: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [f.key for f in chosen if not (sparse and _may_be_absent(f.type))],
        "additionalProperties": False,
    }
    text = inspect.cleandoc(record.__doc__ or "")
    if text and not text.startswith(f"{record.__name__}("):  # that one is dataclass's own
        definition = {"description": text, **definition}
    return definition


def _may_be_absent(hint: Any) -> bool:
    """Whether a sparse record can leave the field out: None, or an empty list or dict."""
    return any(
        member in (NoneType, Any, object, list, dict, tuple)
        or get_origin(member) in (list, dict, tuple)
        for member in _fields.members(hint)
    )


def _schema(hint: Any, refer: Callable[[type], dict[str, Any]]) -> dict[str, Any]:
    options = [_single(member, refer) for member in _fields.members(hint)]
    if len(options) == 1:
        return options[0]
    if {} in options:  # anything at all
        return {}
    null = {"type": "null"}
    rest = [option for option in options if option != null]
    if all(option.keys() == {"type"} for option in options):
        return {"type": [option["type"] for option in options]}
    if null in options and len(rest) == 1 and "$ref" not in rest[0]:
        (option,) = rest
        nullable = {**option, "type": [option["type"], "null"]}
        if "enum" in option:
            nullable["enum"] = [*option["enum"], None]
        return nullable
    return {"anyOf": options}


def _single(hint: Any, refer: Callable[[type], dict[str, Any]]) -> dict[str, Any]:
    """The schema of a type that is no union."""
    if hint in (Any, object):
        return {}
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    if hint is datetime:
        return {"type": "string", "format": "date-time"}
    arguments = get_args(hint)
    origin = get_origin(hint)
    if origin is Literal:
        return {"type": _SCALARS[type(arguments[0])], "enum": list(arguments)}
    if origin in (list, tuple):
        return {"type": "array", "items": _schema(arguments[0], refer)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], refer)}
    if is_dataclass(hint) and isinstance(hint, type):
        return refer(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        values = [member.value for member in hint]
        return {"type": _SCALARS[type(values[0])], "enum": values}
    raise TypeError(f"a record has a field of the type {hint!r}")
