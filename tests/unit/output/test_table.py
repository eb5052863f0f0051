import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.output.records import TEXT, Full, Item, Sparse, Tree
from xmppctl.errors import ErrorInfo
from xmppctl.output import Shape, color, writer
from xmppctl.output.table import CHUNK
from xmppctl.output.width import clip, columns


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def table(
    records: Sequence[object],
    *,
    record: type = Full,
    shape: Shape = "array",
    **options: Any,
) -> list[str]:
    stream = io.StringIO()
    out = writer("table", record, shape=shape, stream=stream, **options)
    for each in records:
        out.write(each)
    out.close()
    return stream.getvalue().split("\n")[:-1]


def test_one_line_per_record_under_headings() -> None:
    records = [
        Full(1, "alice@example.org", from_="b@c", rtt_ms=1.23456, groups=["x", "y"]),
        Full(2, "bob@example.org", rtt_ms=100.0, ok=False),
    ]
    assert table(records) == [
        "JID                FROM  RTT MS  OK   GROUPS",
        "alice@example.org  b@c    1.235  yes  x, y",
        "bob@example.org             100  no",
    ]


def test_nothing_is_printed_for_nothing() -> None:
    assert table([]) == []


def test_fields_go_before_the_columns_of_the_class() -> None:
    assert table([Full(7, "a@b")], fields=["number", "jid"]) == [
        "NUMBER  JID",
        "     7  a@b",
    ]


def test_every_kind_of_value() -> None:
    when = datetime(2026, 11, 23, 8, 0, 1, tzinfo=UTC)
    record = Full(
        1,
        "a@b",
        when=when,
        items=[Item("i")],
        by_lang={"de": "ja", "en": "yes"},
        tree=Tree("t", [Tree("u")]),
        error=ErrorInfo(6, "REFUSED", condition="forbidden"),
    )
    fields = ["when", "level", "items", "by_lang", "times", "tree", "anything", "error"]
    cells = dict(zip(fields, table([record], fields=fields)[1].split("  "), strict=False))
    assert cells["when"] == "2026-11-23T08:00:01Z"
    assert cells["level"].strip() == "low"
    assert table([record], fields=["items"])[1] == '[{"id":"i","size":null}]'
    assert table([record], fields=["by_lang"])[1] == "de=ja, en=yes"
    assert table([record], fields=["tree"])[1] == "t"
    assert table([record], fields=["error"])[1] == "forbidden"


def test_times_are_local_on_a_terminal(berlin: None) -> None:
    record = Full(1, "a@b", when=datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    assert table([record], fields=["when"], width=80)[1] == "2026-07-02 00:30:00"
    assert table([record], fields=["when"])[1] == "2026-07-01T22:30:00Z"


def test_a_single_record_has_a_line_per_field_and_one_per_element() -> None:
    assert table([Full(1, "a@b", groups=["x", "y"])], shape="object", fields=["jid", "groups"]) == [
        "JID     a@b",
        "GROUPS  x",
        "        y",
    ]
    assert table([Full(1, "a@b")], shape="object")[0].split() == ["NUMBER", "1"]
    record = Full(1, "a@b", by_lang={"de": "ja", "en": "yes"}, anything={"a": ["x", "y"], "b": []})
    assert table([record], shape="object", fields=["by_lang", "anything", "times"]) == [
        "BY LANG   de=ja",
        "          en=yes",
        "ANYTHING  a=x, y",
        "          b=",
        "TIMES",
    ]


def test_what_says_nothing_has_no_line_unless_it_was_asked_for() -> None:
    lines = table([Full(1, "a@b", groups=["x"])], shape="object")
    headings = {line.split()[0] for line in lines}
    assert {"NUMBER", "JID", "GROUPS"} <= headings
    assert "FROM" not in headings
    chosen = table([Full(1, "a@b")], shape="object", fields=["jid", "from", "groups"])
    assert chosen == ["JID     a@b", "FROM", "GROUPS"]


def test_absent_fields_of_a_single_sparse_record_are_left_out() -> None:
    assert table([Sparse("chat")], record=Sparse, shape="object") == ["TYPE  chat", "SEEN  no"]
    lines = table([Sparse("chat")], record=Sparse, shape="object", fields=["type", "body"])
    assert lines == ["TYPE  chat", "BODY"]


def test_a_single_record_is_never_cut() -> None:
    url = "https://example.org/" + "x" * 200
    assert url in table([Item(url)], record=Item, shape="object", width=40)[0]


LONG = Full(1, "alice@example.org", from_="f" * 60, groups=["g" * 200])


def test_nothing_is_cut_without_a_terminal() -> None:
    assert "g" * 200 in table([LONG])[1]


def test_long_cells_are_cut_to_the_width_of_the_terminal() -> None:
    lines = table([LONG], width=80)
    assert all(columns(line) <= 80 for line in lines)
    assert "alice@example.org" in lines[1]
    assert lines[1].count("…") == 2


def test_the_identifying_field_is_not_cut_however_narrow_the_terminal() -> None:
    assert "alice@example.org" in table([LONG], width=10)[1]


def test_a_stream_is_printed_in_portions_of_the_same_columns() -> None:
    stream = io.StringIO()
    out = writer("table", Item, shape="stream", stream=stream)
    for number in range(CHUNK - 1):
        out.write(Item(f"{number:03}-wide", number))
    assert stream.getvalue() == ""
    out.write(Item("x", 1))
    assert len(stream.getvalue().splitlines()) == CHUNK + 1
    out.write(Item("y", 2))
    out.close()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "ID        SIZE"
    assert lines[-1] == "y            2"
    assert len(lines) == CHUNK + 2


def test_later_portions_widen_the_columns() -> None:
    stream = io.StringIO()
    out = writer("table", Item, shape="stream", stream=stream)
    for id in ("x", "long-" * 5, "y"):
        out.write(Item(id, 1))
        out.flush()
    assert stream.getvalue().splitlines() == [
        "ID  SIZE",
        "x      1",
        "long-long-long-long-long-     1",
        "y                             1",
    ]


def test_flush_prints_what_is_kept_and_nothing_twice() -> None:
    stream = io.StringIO()
    out = writer("table", Item, shape="stream", stream=stream)
    out.flush()
    assert stream.getvalue() == ""
    out.write(Item("x", 1))
    out.flush()
    out.close()
    assert stream.getvalue() == "ID  SIZE\nx      1\n"


@pytest.mark.parametrize("shape", ["array", "stream"])
def test_after_a_failure_the_known_records_are_printed(shape: Shape) -> None:
    stream = io.StringIO()
    out = writer("table", Item, shape=shape, stream=stream)
    out.write(Item("x", 1))
    out.abort()
    assert stream.getvalue() == "ID  SIZE\nx      1\n"


def test_headings_are_bold_and_jids_have_their_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLORTERM", raising=False)
    record = Full(1, "juliet@capulet.lit/balcony", groups=["juliet@capulet.lit"])
    lines = table([record], fields=["jid", "groups"], color=True)
    colored = color.ansi("juliet@capulet.lit", "juliet@capulet.lit/balcony")
    assert lines == [
        "\x1b[1mJID\x1b[22m                         \x1b[1mGROUPS\x1b[22m",
        f"{colored}  juliet@capulet.lit",
    ]
    monkeypatch.setenv("COLORTERM", "truecolor")
    assert "\x1b[38;2;0;131;146m" in table([record], color=True)[1]


def test_a_class_names_the_fields_that_are_coloured() -> None:
    @dataclass(frozen=True)
    class Named:
        JIDS: ClassVar[tuple[str, ...]] = ("who",)

        who: str
        jid: str

    line = table([Named("a", "b")], record=Named, color=True)[1]
    assert line == f"{color.ansi('a')}    b"


def test_wide_and_combining_characters_keep_the_columns() -> None:
    records = [Item("漢字", 1), Item("e\u0301", 2), Item("  x ", 3), Item("", 4)]
    assert table(records, record=Item) == [
        "ID    SIZE",
        "漢字     1",
        "e\u0301        2",
        "  x      3",
        "         4",
    ]


@given(TEXT, st.integers(1, 20))
def test_clip_gives_at_most_so_many_columns(text: str, limit: int) -> None:
    clipped = clip(text, limit)
    assert columns(clipped) <= limit
    assert clipped == text or (clipped.endswith("…") and text.startswith(clipped[:-1]))


@given(st.lists(st.builds(Item, id=TEXT, size=st.integers()), min_size=1, max_size=4))
def test_one_line_per_record_whatever_it_holds(records: list[Item]) -> None:
    lines = table(records, record=Item)
    assert len(lines) == len(records) + 1
    assert all(
        line.endswith(str(record.size)) for line, record in zip(lines[1:], records, strict=True)
    )


@given(
    st.lists(st.builds(Item, id=TEXT, size=st.integers()), min_size=1, max_size=4),
    st.sampled_from([None, 10, 40]),
)
def test_short_tables_look_as_tabulate_makes_them(records: list[Item], width: int | None) -> None:
    mine = table(records, record=Item, width=width, color=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("xmppctl.output.table.SHORT", 0)
        assert table(records, record=Item, width=width, color=True) == mine


def test_a_short_object_looks_as_tabulate_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    record = Full(1, "alice@example.org", from_="b@c", rtt_ms=1.23456, groups=["x", "y"])
    mine = table([record], shape="object")
    monkeypatch.setattr("xmppctl.output.table.SHORT", 0)
    assert table([record], shape="object") == mine


@dataclass(frozen=True)
class Leaf:
    """A record that may stand in a tree."""

    TABLE: ClassVar[tuple[str, ...]] = ("name", "size", "note")
    OPTIONAL: ClassVar[tuple[str, ...]] = ("note",)
    TREE: ClassVar[str] = "path"

    name: str
    size: int
    note: str | None = None
    path: list[str] | None = None


def leaves(*records, **options):
    stream = io.StringIO()
    table = writer("table", Leaf, shape="array", stream=stream, **options)
    for record in records:
        table.write(record)
    table.close()
    return stream.getvalue().splitlines()


def test_an_optional_column_stands_only_where_it_has_something():
    assert leaves(Leaf("a", 1), Leaf("b", 20)) == ["NAME  SIZE", "a        1", "b       20"]
    assert leaves(Leaf("a", 1), Leaf("b", 20, "x")) == [
        "NAME  SIZE  NOTE",
        "a        1",
        "b       20  x",
    ]
    assert leaves(Leaf("a", 1), fields=["name", "note"]) == ["NAME  NOTE", "a"]


def test_a_tree():
    records = [
        Leaf("top", 1, path=[]),
        Leaf("a", 2, path=["A\x1b"]),
        Leaf("ab", 3, path=["A\x1b", "B"]),
        Leaf("cd", 4, path=["C", "D"]),
    ]
    assert leaves(*records) == [
        "NAME    SIZE",
        "top        1",
        "A\\x1b",
        "  a        2",
        "  B",
        "    ab     3",
        "C",
        "  D",
        "    cd     4",
    ]
    assert leaves(records[3], fields=["name"]) == ["NAME", "cd"]
