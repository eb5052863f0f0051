"""Record classes of every kind that a command can have, and strategies that make them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal

from hypothesis import strategies as st

from xmppctl.errors import ErrorInfo


class Level(Enum):
    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True)
class Item:
    """A nested record."""

    id: Annotated[str, "the id"]
    size: Annotated[int | None, "bytes"] = None


@dataclass(frozen=True)
class Tree:
    """A record that holds its like."""

    PLAIN: ClassVar[str] = "name"

    name: Annotated[str, "the name"]
    children: Annotated[list[Tree], "below it"] = field(default_factory=list)


@dataclass(frozen=True)
class Full:
    """A record of fixed shape with every kind of field."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "from_", "rtt_ms", "ok", "groups")

    number: Annotated[int, "a number"]
    jid: Annotated[str, "a JID"]
    from_: Annotated[str | None, "a sender"] = None
    rtt_ms: Annotated[float | None, "milliseconds"] = None
    ok: Annotated[bool, "well"] = True
    when: Annotated[datetime | None, "a time"] = None
    kind: Annotated[Literal["a", "b"] | None, "a kind"] = None
    level: Annotated[Level, "an enum"] = Level.LOW
    groups: Annotated[list[str], "groups"] = field(default_factory=list)
    items: Annotated[list[Item], "records"] = field(default_factory=list)
    by_lang: Annotated[dict[str, str], "texts"] = field(default_factory=dict)
    times: Annotated[dict[str, datetime], "times"] = field(default_factory=dict)
    tree: Annotated[Tree | None, "a tree"] = None
    anything: Annotated[Any, "any JSON"] = None
    error: Annotated[ErrorInfo | None, "an error"] = None


@dataclass(frozen=True)
class Sparse:
    """A record that leaves out what is absent."""

    SPARSE: ClassVar[bool] = True

    type: Annotated[str, "never absent"]
    body: Annotated[str | None, "a text"] = None
    seen: Annotated[bool, "a flag"] = False
    item: Annotated[Item | None, "a record of fixed shape"] = None
    hints: Annotated[list[str], "a list"] = field(default_factory=list)
    bodies: Annotated[dict[str, str], "a dict"] = field(default_factory=dict)


# Every code point, lone surrogates and controls as often as letters.
TEXT = st.text(
    st.one_of(
        st.characters(codec=None, categories=None),
        st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp")),
        st.sampled_from('\x1b\x7f\x9b\n\t\r\\",|\u202e\U000e0041é漢😀'),
    ),
    max_size=12,
)
_TIMES = st.datetimes(
    min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)
)
_ITEMS = st.builds(Item, id=TEXT, size=st.none() | st.integers())
_TREES = st.recursive(
    st.builds(Tree, name=TEXT, children=st.just([])),
    lambda below: st.builds(Tree, name=TEXT, children=st.lists(below, max_size=2)),
    max_leaves=4,
)
FULL = st.builds(
    Full,
    number=st.integers(),
    jid=TEXT,
    from_=st.none() | TEXT,
    rtt_ms=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    ok=st.booleans(),
    when=st.none() | _TIMES,
    kind=st.sampled_from(["a", "b", None]),
    level=st.sampled_from(Level),
    groups=st.lists(TEXT, max_size=3),
    items=st.lists(_ITEMS, max_size=2),
    by_lang=st.dictionaries(TEXT, TEXT, max_size=2),
    times=st.dictionaries(TEXT, _TIMES, max_size=2),
    tree=st.none() | _TREES,
    anything=st.none() | st.integers() | st.lists(TEXT, max_size=2),
    error=st.none()
    | st.builds(ErrorInfo, code=st.just(6), name=st.just("REFUSED"), condition=st.none() | TEXT),
)
SPARSE = st.builds(
    Sparse,
    type=TEXT,
    body=st.none() | TEXT,
    seen=st.booleans(),
    item=st.none() | _ITEMS,
    hints=st.lists(TEXT, max_size=2),
    bodies=st.dictionaries(TEXT, TEXT, max_size=2),
)
