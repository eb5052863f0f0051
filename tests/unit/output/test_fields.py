import pytest

from tests.unit.output.records import Full, Item, Sparse
from xmppctl.errors import UsageError
from xmppctl.output import fields
from xmppctl.output.values import converter


def test_names_are_the_keys() -> None:
    assert fields.names(Item) == ("id", "size")
    assert fields.names(Full)[:4] == ("number", "jid", "from", "rtt_ms")


def test_selects_and_orders_each_once() -> None:
    selected = fields.select(Full, ["ok", " from ", "ok", "number"])
    assert [field.key for field in selected] == ["ok", "from", "number"]


@pytest.mark.parametrize("wanted", [["jid", "nope"], ["from_"], ["JID"]])
def test_an_unknown_name_is_a_usage_error_that_lists_the_valid_ones(wanted: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        fields.select(Full, wanted)
    assert repr(wanted[-1]) in caught.value.text
    assert caught.value.hint is not None
    assert "number, jid, from, rtt_ms" in caught.value.hint


@pytest.mark.parametrize("wanted", [[], [""], [" ", ""]])
def test_no_name_at_all_is_a_usage_error(wanted: list[str]) -> None:
    with pytest.raises(UsageError):
        fields.select(Full, wanted)


def test_a_selected_field_of_a_sparse_record_is_null_where_absent() -> None:
    convert = converter(Sparse, fields.select(Sparse, ["body", "type"]))
    assert convert(Sparse("chat")) == {"body": None, "type": "chat"}


def test_class_variables_may_name_fields_as_the_class_or_as_the_output_does() -> None:
    assert [field.key for field in fields.columns(Full)] == [
        "jid",
        "from",
        "rtt_ms",
        "ok",
        "groups",
    ]
    assert fields.identifying(Full).key == "jid"
    assert fields.identifying(Item).key == "id"


def test_what_is_no_record_has_no_fields() -> None:
    with pytest.raises(TypeError, match="record class"):
        fields.of(str)
