import json
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from hypothesis import given
from jsonschema import (  # type: ignore[import-untyped]
    Draft202012Validator,
    FormatChecker,
)

from tests.unit.output.records import FULL, SPARSE, Full, Sparse
from xmppctl.errors import ErrorInfo
from xmppctl.output import Shape
from xmppctl.output.schema import json_schema
from xmppctl.output.values import to_value


def validator(record: type, shape: Shape = "object") -> Draft202012Validator:
    schema = json_schema(record, shape)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


@given(FULL)
def test_real_records_validate(record: Full) -> None:
    validator(Full).validate(to_value(record))


@given(SPARSE)
def test_real_sparse_records_validate(record: Sparse) -> None:
    validator(Sparse).validate(to_value(record))


@pytest.mark.parametrize("shape", ["array", "stream"])
def test_several_records_are_an_array(shape: Shape) -> None:
    check = validator(Sparse, shape)
    assert check.is_valid([])
    assert check.is_valid([to_value(Sparse("chat")), to_value(Sparse("normal"))])
    assert not check.is_valid(to_value(Sparse("chat")))


@pytest.mark.parametrize(
    "change",
    [
        {"number": "1"},
        {"number": None},
        {"kind": "c"},
        {"level": "middle"},
        {"groups": [1]},
        {"by_lang": {"de": 1}},
        {"items": [{"id": "x"}]},
        {"tree": {"name": "x", "children": [{"name": 1, "children": []}]}},
        {"error": {"code": 6}},
        {"unheard_of": 1},
    ],
)
def test_what_is_not_such_a_record_does_not_validate(change: dict[str, Any]) -> None:
    value = to_value(Full(1, "a@b"))
    assert validator(Full).is_valid(value)
    assert not validator(Full).is_valid({**value, **change})


def test_all_keys_are_required_but_what_a_sparse_record_may_leave_out() -> None:
    full = json_schema(Full, "object")["$defs"]["Full"]
    assert full["required"] == list(full["properties"])
    sparse = json_schema(Sparse, "object")["$defs"]["Sparse"]
    assert sparse["required"] == ["type", "seen"]


def test_is_described_by_docstring_and_annotations() -> None:
    full = json_schema(Full, "object")["$defs"]["Full"]
    assert full["description"] == "A record of fixed shape with every kind of field."
    assert full["properties"]["jid"] == {"description": "a JID", "type": "string"}
    assert full["properties"]["when"] == {
        "description": "a time",
        "type": ["string", "null"],
        "format": "date-time",
    }
    assert full["properties"]["kind"]["enum"] == ["a", "b", None]
    assert full["properties"]["rtt_ms"]["type"] == ["number", "null"]
    assert full["properties"]["times"]["additionalProperties"]["format"] == "date-time"
    assert full["properties"]["anything"] == {"description": "any JSON"}
    assert full["properties"]["tree"]["anyOf"] == [{"$ref": "#/$defs/Tree"}, {"type": "null"}]


def test_a_generated_docstring_is_no_description() -> None:
    @dataclass(frozen=True)
    class Bare:
        x: Annotated[int, "x"]

    assert "description" not in json_schema(Bare, "object")["$defs"]["Bare"]


def test_two_classes_of_one_name_keep_apart() -> None:
    @dataclass(frozen=True)
    class Outer:
        error: Annotated[ErrorInfo, "the one"]
        other: Annotated[Any, "the other"]

    @dataclass(frozen=True)
    class Mine:
        x: int

    Mine.__name__ = "ErrorInfo"
    Outer.__annotations__["other"] = Mine
    definitions = json_schema(Outer, "object")["$defs"]
    assert len(definitions) == 3
    json.dumps(definitions)


def test_a_type_that_no_record_may_have_is_refused() -> None:
    @dataclass(frozen=True)
    class Odd:
        data: bytes

    with pytest.raises(TypeError, match="bytes"):
        json_schema(Odd, "object")
