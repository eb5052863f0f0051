"""RFC 7095: vCards as JSON, one property an array."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from xmppctl.protocol.vcard import NAME, STRUCTURED, Card, Property


def read(data: list[Any]) -> Card:
    """The card of a jCard that JSON was read into. Raises ValueError."""
    if data[:1] != ["vcard"] or len(data) != 2 or not isinstance(data[1], list):
        raise ValueError("it is no jCard: that is an array of two, the first being vcard")
    return [each for each in map(_property, data[1]) if each.name != "version"]


def _property(data: Any) -> Property:
    if not isinstance(data, list) or len(data) < 4 or not isinstance(data[1], dict):
        raise ValueError("a property is an array of name, parameters, type and value")
    name, params, kind, *values = data
    known = {key: _texts(value) for key, value in params.items()}
    group = known.pop("group", [None])[0]
    return make(name, known, kind, values, group)


def make(
    name: Any, params: dict[str, list[str]], kind: Any, values: list[Any], group: str | None
) -> Property:
    """A property of what JSON tells. Raises ValueError."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a property")
    if not isinstance(kind, str) or not NAME.fullmatch(kind):
        raise ValueError(f"{kind!r} is no type of a value")
    if not all(map(NAME.fullmatch, params)):
        raise ValueError(f"{name} has a parameter without a proper name")
    name = name.lower()
    found = tuple(_value(each) for each in values)
    if name not in STRUCTURED and any(isinstance(each, list) for each in found):
        raise ValueError(f"{name} has a value with parts, which it does not have")
    if name in STRUCTURED and len(found) != 1:
        raise ValueError(f"{name} has {len(found)} values")
    return Property(name, found, kind.lower(), params, group)


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [_text(each) for each in values]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError(f"{str(value)[:40]} stands where text should")


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_texts(each) if isinstance(each, list) else _text(each) for each in value]
    return _text(value)


def write(card: Iterable[Property]) -> str:
    """The card as a jCard."""
    rows: list[list[Any]] = [["version", {}, "text", "4.0"]]
    for each in card:
        params: dict[str, Any] = {
            name: values[0] if len(values) == 1 else values for name, values in each.params.items()
        }
        if each.group is not None:
            params["group"] = each.group
        rows.append([each.name, params, each.type, *(_typed(each.type, v) for v in each.values)])
    return json.dumps(["vcard", rows], ensure_ascii=False, indent=2) + "\n"


def _typed(kind: str, value: Any) -> Any:
    """Numbers and truth values as such (§3.5)."""
    if isinstance(value, str):
        if kind == "boolean" and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if kind in ("integer", "float"):
            try:
                return int(value) if kind == "integer" else float(value)
            except ValueError:
                return value
    return value
