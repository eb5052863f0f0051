from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.unit.output.records import Full, Item, Level, Sparse, Tree
from xmppctl.errors import ErrorInfo, RefusedError
from xmppctl.output.values import timestamp, to_value


def test_a_record_of_fixed_shape_has_all_keys_in_field_order() -> None:
    value = to_value(Full(1, "a@b"))
    assert list(value) == [
        "number",
        "jid",
        "from",
        "rtt_ms",
        "ok",
        "when",
        "kind",
        "level",
        "groups",
        "items",
        "by_lang",
        "times",
        "tree",
        "anything",
        "error",
    ]
    assert value["when"] is None
    assert value["groups"] == []
    assert value["level"] == "low"


def test_nested_values() -> None:
    when = datetime(2026, 11, 23, 8, tzinfo=UTC)
    record = Full(
        1,
        "a@b",
        when=when,
        level=Level.HIGH,
        items=[Item("x", 3)],
        times={"k": when},
        tree=Tree("root", [Tree("leaf")]),
        anything={"n": [1, None, {"t": when}]},
        error=RefusedError("no", step="send", condition="forbidden").info(),
    )
    value = to_value(record)
    assert value["when"] == "2026-11-23T08:00:00Z"
    assert value["level"] == "high"
    assert value["items"] == [{"id": "x", "size": 3}]
    assert value["times"] == {"k": "2026-11-23T08:00:00Z"}
    assert value["tree"] == {"name": "root", "children": [{"name": "leaf", "children": []}]}
    assert value["anything"] == {"n": [1, None, {"t": "2026-11-23T08:00:00Z"}]}
    assert value["error"]["code"] == 6
    assert value["error"]["condition"] == "forbidden"
    assert value["error"]["limit"] is None


def test_error_info_is_a_record() -> None:
    assert to_value(ErrorInfo(2, "USAGE"))["name"] == "USAGE"


def test_a_sparse_record_leaves_out_none_and_empty_collections_only() -> None:
    assert to_value(Sparse("chat")) == {"type": "chat", "seen": False}
    assert to_value(Sparse("chat", body="")) == {"type": "chat", "body": "", "seen": False}
    full = Sparse("chat", item=Item("x"), hints=["store"], bodies={"de": "ja"})
    assert to_value(full) == {
        "type": "chat",
        "seen": False,
        "item": {"id": "x", "size": None},
        "hints": ["store"],
        "bodies": {"de": "ja"},
    }


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 250000, tzinfo=UTC), "2026-01-02T03:04:05.250000Z"),
        (
            datetime(2026, 1, 2, 0, 30, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-01T22:30:00Z",
        ),
    ],
)
def test_times_are_rfc_3339_in_utc(moment: datetime, text: str) -> None:
    assert timestamp(moment) == text


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without time zone"):
        to_value(Full(1, "a@b", when=datetime(2026, 1, 1)))


def test_what_no_record_may_hold_is_refused() -> None:
    @dataclass(frozen=True)
    class Odd:
        data: Any

    with pytest.raises(TypeError, match="bytes"):
        to_value(Odd(b"x"))


def test_a_record_with_a_single_field() -> None:
    @dataclass(frozen=True)
    class Single:
        url: str

    assert to_value(Single("https://example.org/")) == {"url": "https://example.org/"}
