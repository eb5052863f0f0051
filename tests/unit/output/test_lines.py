import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.output.records import FULL, Full, Item, Sparse, Tree
from tests.unit.output.test_escape import drives_a_terminal, units
from xmppctl.errors import ErrorInfo, UsageError
from xmppctl.model.message import Message
from xmppctl.model.pubsub import PubsubItem
from xmppctl.output import Shape, writer
from xmppctl.output.escape import safe

WHEN = datetime(2026, 11, 23, 8, 0, 1, tzinfo=UTC)


class Recorder(io.StringIO):
    """Remembers what was there at each flush."""

    def __init__(self) -> None:
        super().__init__(newline="")
        self.flushed: list[str] = []

    def flush(self) -> None:
        self.flushed.append(self.getvalue())


def render(
    format: str,
    records: Sequence[object],
    *,
    record: type = Full,
    shape: Shape = "array",
    fields: Sequence[str] | None = None,
) -> str:
    stream = io.StringIO(newline="")
    out = writer(format, record, shape=shape, stream=stream, fields=fields)
    for each in records:
        out.write(each)
    out.close()
    return stream.getvalue()


def test_json_of_one_thing_is_an_indented_object() -> None:
    text = render("json", [Item("x", 3)], record=Item, shape="object")
    assert text == '{\n  "id": "x",\n  "size": 3\n}\n'


@pytest.mark.parametrize("shape", ["array", "stream"])
def test_json_of_many_is_an_array_with_one_element_per_line(shape: Shape) -> None:
    text = render("json", [Item("x"), Item("y", 1)], record=Item, shape=shape)
    assert text == '[\n  {"id": "x", "size": null},\n  {"id": "y", "size": 1}\n]\n'


@pytest.mark.parametrize(
    ("format", "text"),
    [("json", "[]\n"), ("jsonl", ""), ("csv", "id,size\n"), ("tsv", "id\tsize\n"), ("plain", "")],
)
def test_nothing_found(format: str, text: str) -> None:
    assert render(format, [], record=Item) == text


@pytest.mark.parametrize("format", ["json", "jsonl", "csv", "tsv", "plain", "table"])
@pytest.mark.parametrize("shape", ["object", "array", "stream"])
def test_a_failure_before_the_first_record_prints_nothing(format: str, shape: Shape) -> None:
    stream = io.StringIO()
    writer(format, Item, shape=shape, stream=stream).abort()
    assert stream.getvalue() == ""


@pytest.mark.parametrize("shape", ["array", "stream"])
def test_a_failure_later_leaves_a_valid_array(shape: Shape) -> None:
    stream = io.StringIO()
    out = writer("json", Item, shape=shape, stream=stream)
    out.write(Item("x"))
    out.abort()
    assert json.loads(stream.getvalue()) == [{"id": "x", "size": None}]


def test_a_record_that_cannot_be_rendered_leaves_a_valid_array() -> None:
    stream = io.StringIO()
    out = writer("json", Full, shape="stream", stream=stream)
    out.write(Full(1, "a@b"))
    with pytest.raises(ValueError, match="JSON compliant"):
        out.write(Full(2, "a@b", rtt_ms=float("nan")))
    out.abort()
    assert [value["number"] for value in json.loads(stream.getvalue())] == [1]


@pytest.mark.parametrize(
    ("format", "seen"),
    [
        ("json", '[\n  {"id": "x", "size": null}'),
        ("jsonl", '{"id":"x","size":null}\n'),
        ("csv", "id,size\nx,\n"),
        ("tsv", "id\tsize\nx\t\n"),
        ("plain", "x\n"),
    ],
)
def test_each_record_of_a_stream_is_flushed(format: str, seen: str) -> None:
    stream = Recorder()
    out = writer(format, Item, shape="stream", stream=stream)
    out.write(Item("x"))
    assert stream.flushed == [seen]
    out.write(Item("y"))
    assert len(stream.flushed) == 2


@pytest.mark.parametrize("format", ["json", "csv"])
def test_the_records_of_a_list_are_flushed_once(format: str) -> None:
    stream = Recorder()
    out = writer(format, Item, shape="array", stream=stream)
    out.write(Item("x"))
    assert stream.flushed == []
    out.close()
    assert len(stream.flushed) == 1


def test_fields_select_and_order_in_every_format() -> None:
    records = [Full(1, "a@b", from_="c@d")]
    fields = ["from", "number"]
    assert render("jsonl", records, fields=fields) == '{"from":"c@d","number":1}\n'
    assert json.loads(render("json", records, fields=fields)) == [{"from": "c@d", "number": 1}]
    assert list(json.loads(render("json", records, shape="object", fields=fields))) == fields
    assert render("csv", records, fields=fields) == "from,number\nc@d,1\n"
    assert render("tsv", records, fields=fields) == "from\tnumber\nc@d\t1\n"
    assert render("plain", records, fields=fields) == "c@d\n"


@pytest.mark.parametrize("format", ["json", "jsonl", "csv", "tsv", "plain", "table"])
def test_unknown_fields_are_refused_before_anything_is_written(format: str) -> None:
    with pytest.raises(UsageError, match="nope"):
        writer(format, Item, shape="array", stream=io.StringIO(), fields=["nope"])


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="yaml"):
        writer("yaml", Item, shape="array", stream=io.StringIO())


def test_jsonl_of_a_sparse_record() -> None:
    assert render("jsonl", [Sparse("chat")], record=Sparse) == '{"type":"chat","seen":false}\n'
    selected = render("jsonl", [Sparse("chat")], record=Sparse, fields=["body"])
    assert selected == '{"body":null}\n'


RICH = Full(
    1,
    "a@b",
    rtt_ms=12.5,
    when=WHEN,
    groups=["x", "y"],
    items=[Item("i")],
    by_lang={"de": "ä"},
    tree=Tree("t"),
    error=ErrorInfo(6, "REFUSED", condition="forbidden"),
)


def test_csv_of_every_kind_of_value() -> None:
    (row,) = csv.DictReader(io.StringIO(render("csv", [RICH])))
    assert row == {
        "number": "1",
        "jid": "a@b",
        "from": "",
        "rtt_ms": "12.5",
        "ok": "true",
        "when": "2026-11-23T08:00:01Z",
        "kind": "",
        "level": "low",
        "groups": "x,y",
        "items": '[{"id":"i","size":null}]',
        "by_lang": '{"de":"ä"}',
        "times": "{}",
        "tree": '{"name":"t","children":[]}',
        "anything": "",
        "error": "forbidden",
    }


def test_an_error_without_condition_is_shown_by_its_name() -> None:
    record = Full(1, "a@b", error=ErrorInfo(8, "TIMEOUT"))
    assert render("csv", [record], fields=["error"]) == "error\nTIMEOUT\n"


def test_plain_gives_a_line_per_element_and_none_for_nothing() -> None:
    records = [Full(1, "a@b", groups=["x y", "z\n"]), Full(2, "c@d")]
    assert render("plain", records) == "a@b\nc@d\n"
    assert render("plain", records, fields=["groups"]) == "x y\nz\\n\n"
    assert render("plain", records, fields=["from"]) == ""


def test_tsv_can_be_read_back() -> None:
    text = render("tsv", [Item("a\tb\nc\\n\x1b")], record=Item, fields=["id"])
    assert text == "id\na\\tb\\nc\\\\n\\x1b\n"


def test_csv_quotes_and_keeps_line_feeds() -> None:
    text = render("csv", [Item('a "b", c\nd\x1b')], record=Item, fields=["id"])
    assert text == 'id\n"a ""b"", c\nd\\x1b"\n'


RECORDS = st.lists(FULL, max_size=3)


def same(left: Any, right: Any) -> bool:
    return units(left) == units(right)


@given(RECORDS)
def test_json_and_jsonl_parse_back(records: list[Full]) -> None:
    for shape in ("array", "stream"):
        values = json.loads(render("json", records, shape=shape))
        assert len(values) == len(records)
        assert all(same(v["jid"], r.jid) for v, r in zip(values, records, strict=True))
    lines = render("jsonl", records).splitlines()
    assert [json.loads(line)["number"] for line in lines] == [r.number for r in records]
    assert [json.loads(line)["rtt_ms"] for line in lines] == [r.rtt_ms for r in records]


@given(RECORDS)
def test_csv_parses_back(records: list[Full]) -> None:
    rows = list(csv.DictReader(io.StringIO(render("csv", records), newline="")))
    assert [row["jid"] for row in rows] == [safe(r.jid, newlines=True) for r in records]
    assert [row["number"] for row in rows] == [str(r.number) for r in records]


@given(RECORDS)
def test_tsv_has_the_same_columns_on_every_line(records: list[Full]) -> None:
    header, *lines = render("tsv", records).splitlines()
    assert len(lines) == len(records)
    assert {line.count("\t") for line in lines} <= {header.count("\t")}


@given(RECORDS)
def test_no_format_lets_a_terminal_be_driven(records: list[Full]) -> None:
    for format in ("json", "jsonl", "csv", "tsv", "plain", "table"):
        text = render(format, records)
        assert not any(map(drives_a_terminal, set(text) - {"\n", "\t"})), format


def test_plain_keeps_xml_as_xml() -> None:
    records = [Message(raw_xml="<a>1\n2\t\u202e</a>"), Message()]
    text = render("plain", records, record=Message, fields=["raw_xml"])
    assert text == "<a>1&#10;2&#9;\\u202e</a>\n"
    items = [PubsubItem("a", xml="<a>\n</a>")]
    assert render("plain", items, record=PubsubItem, fields=["xml"]) == "<a>&#10;</a>\n"
