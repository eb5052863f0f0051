"""Data forms on the command line: ``--field``, ``--show-form``, ``--form-json`` (contract §1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xmppctl.cli.app import App

F = TypeVar("F", bound=Callable[..., Any])

fields = click.option(
    "--field",
    "field_pairs",
    metavar="NAME=VALUE",
    multiple=True,
    help="Value of a form field; repeat for several values or fields.",
)
form_json = click.option(
    "--form-json",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    help="Values of the form as JSON, by field name; - for standard input.",
)
show_form = click.option("--show-form", is_flag=True, help="Show the form and do nothing.")


def answers(app: App, pairs: Sequence[str], path: str | None) -> dict[str, list[str]]:
    """Values by field name, from ``--form-json`` and then ``--field``, which stands above it.

    Raises UsageError for what is no NAME=VALUE or no such JSON, LocalError for the file.
    """
    found = _from_json(app.read_file(path), path) if path is not None else {}
    given: dict[str, list[str]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--field {pair!r} is not NAME=VALUE")
        given.setdefault(name, []).append(value)
    return {**found, **given}


def whole(data: bytes, path: str) -> dict[str, list[str]]:
    """Values by field name of a form that no entity has to offer; FORM_TYPE is one of them.

    Raises UsageError for what is no such JSON, and where there is no field in it.
    """
    found = _from_json(data, path, hidden=True)
    if not found:
        raise UsageError(f"--form-json: {path} has no field")
    return found


def steps(app: App, path: str) -> list[dict[str, list[str]]]:
    """Values by field name for each of several forms, from ``--step-json``.

    Raises UsageError for what is no array of objects, LocalError for the file.
    """
    value = _json(app.read_file(path), f"--step-json: {path}")
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise UsageError(f"--step-json: {path} holds no array of objects, one for each stage")
    return [_values(each, f"--step-json: {path}") for each in value]


def _from_json(data: bytes, path: str, *, hidden: bool = False) -> dict[str, list[str]]:
    return _values(_json(data, f"--form-json: {path}"), f"--form-json: {path}", hidden=hidden)


def _json(data: bytes, where: str) -> object:
    import json

    try:
        found: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is not JSON ({error})") from None
    return found


def _values(value: Any, where: str, *, hidden: bool = False) -> dict[str, list[str]]:
    if isinstance(value, Mapping) and isinstance(value.get("form"), Mapping):
        value = value["form"]  # a record that has the form in it, as of a command
    if isinstance(value, Mapping) and isinstance(value.get("fields"), list):
        # the record that --show-form prints
        listed = [f for f in value["fields"] if isinstance(f, Mapping) and f.get("var")]
        left_out = ("fixed",) if hidden else ("fixed", "hidden")
        scope = {"FORM_TYPE": value["form_type"]} if hidden and value.get("form_type") else {}
        value = scope | {field["var"]: field.get("values", []) for field in listed
                         if field.get("type") not in left_out}  # fmt: skip
    if not isinstance(value, Mapping):
        raise UsageError(f"{where} holds no object of values by field name")
    option = where.partition(":")[0]
    return {str(name): _texts(str(name), each, option) for name, each in value.items()}


def _texts(name: str, value: object, option: str = "--form-json") -> list[str]:
    if value is None:
        return []
    if isinstance(value, list):
        return [text for item in value for text in _texts(name, item, option)]
    if isinstance(value, bool):
        return ["1" if value else "0"]
    if isinstance(value, str | int | float):
        return [str(value)]
    raise UsageError(f"{option}: the value of {name!r} is neither text, number nor list")
