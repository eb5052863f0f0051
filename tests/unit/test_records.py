"""Records: what dataclasses promise, however late their methods are made."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, field, fields, is_dataclass, replace
from typing import Any, ClassVar

import pytest

from xmppctl.records import dataclass


@dataclass(frozen=True)
class Point:
    """A point."""

    KIND: ClassVar[str] = "point"

    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Named(Point):
    """A point with a name, and a way of its own to show itself."""

    name: str = field(default="", kw_only=True)

    def __repr__(self) -> str:
        return f"<{self.name}>"


@dataclass(frozen=True)
class Key:
    value: str


def fresh() -> Any:
    """A record of which nothing was used yet."""

    @dataclass(frozen=True)
    class Fresh:
        """Fresh."""

        value: int
        other: str = "o"

    return Fresh


def test_fields_and_defaults() -> None:
    assert is_dataclass(Point)
    assert [each.name for each in fields(Point)] == ["x", "y", "tags"]
    assert (Point.KIND, Point.y) == ("point", 2)
    point = Point(1)
    assert (point.x, point.y, point.tags) == (1, 2, [])
    assert point.tags is not Point(1).tags
    assert vars(point) == {"x": 1, "y": 2, "tags": []}
    assert dataclasses.asdict(point) == {"x": 1, "y": 2, "tags": []}


def test_arguments_are_checked_and_the_class_is_named() -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match=r"Fresh\.__init__\(\) missing 1 required .* 'value'"):
            fresh()()
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        fresh()(1, z=2)
    with pytest.raises(TypeError):
        Named(1, 2, [], "name")  # type: ignore[misc]


def test_each_method_can_be_the_first() -> None:
    kind = fresh()
    one, two = object.__new__(kind), object.__new__(kind)
    for each in (one, two):
        vars(each).update(value=1, other="o")
    assert one == two
    assert hash(one) == hash(two)
    assert repr(one).endswith("Fresh(value=1, other='o')")
    assert kind(1) == one
    assert kind(2) != one
    assert one != (1, "o")


def test_equality_is_of_one_class() -> None:
    assert Key("a") == Key("a")
    assert len({Key("a"), Key("a"), Key("b")}) == 2
    assert Point(1) != Named(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(Point(1))


def test_records_of_records() -> None:
    named = Named(1, 3, name="n")
    assert [each.name for each in fields(Named)] == ["x", "y", "tags", "name"]
    assert repr(named) == "<n>"
    assert replace(named, y=4) == Named(1, 4, name="n")
    assert repr(Point(1)) == "Point(x=1, y=2, tags=[])"


def test_they_are_frozen() -> None:
    point = Point(1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x
    with pytest.raises(TypeError):
        dataclass(frozen=False)


def test_copies() -> None:
    named = Named(1, name="n")
    assert copy.deepcopy(named) == named
    assert pickle.loads(pickle.dumps(Key("a"))) == Key("a")


def test_a_match_goes_by_position() -> None:
    match Point(5):
        case Point(x, y):
            assert (x, y) == (5, 2)
