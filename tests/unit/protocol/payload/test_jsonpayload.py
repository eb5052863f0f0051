"""XEP-0335 and XEP-0432: JSON, and what only looks like it."""

import json
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.model.payload.content import JsonPayload
from xmppctl.output.jsontext import compact
from xmppctl.output.values import to_value
from xmppctl.protocol.payload import jsonpayload
from xmppctl.session.stream import MESSAGE
from xmppctl.session.xml import serialise

NS, NS_MESSAGE = "urn:xmpp:json:0", "urn:xmpp:json-msg:0"


def bare(text):
    return f"<json xmlns='{NS}'>{escape(text)}</json>"


def test_the_example_of_xep_0432():
    found = read(
        f"<payload xmlns='{NS_MESSAGE}' datatype='urn:example:foo'>"
        + bare('\n {\n "annoying-teenager-level": 11\n }\n')
        + "</payload>"
    )
    assert found.json == [JsonPayload("urn:example:foo", {"annoying-teenager-level": 11})]
    assert found.extensions == []


@pytest.mark.parametrize(
    "text",
    ["{}", "[]", "[null]", '{"a": null, "b": [1, 2.5, true, "\\u00e4"]}', "5", '"x"', "null"],
)
def test_what_is_json_is_given_on_as_it_is(text):
    found = read(bare(text))
    assert [(each.value, each.text) for each in found.json] == [(json.loads(text), None)]
    written = json.loads(compact(to_value(found)))["json"]
    assert written == [{"datatype": None, "value": json.loads(text), "text": None}]


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "NaN", '{"a": NaN}', "[Infinity]", "[-Infinity]", "[1e999]",
        "[" + "9" * 5000 + "]", "[" * 101 + "]" * 101, "[" * 60000, '["\\ud800"]',
        '{"\\udfff": 1}', "{'a': 1}",
    ],
)  # fmt: skip
def test_what_is_none_is_text(text):
    found = read(bare(text))
    assert found.json == [JsonPayload(None, None, text)]
    compact(to_value(found))


def test_what_is_too_long_is_not_parsed():
    text = "[" + " " * jsonpayload.MAX_CHARACTERS + "]"
    assert read(bare(text)).json[0].value is None


def test_elements_inside_make_it_no_json():
    found = read(f"<json xmlns='{NS}'>{{}}<x xmlns='y'/></json>")
    assert found.json == [JsonPayload(None, None, "{}")]


@pytest.mark.parametrize(
    "inside",
    [
        f"<payload xmlns='{NS_MESSAGE}'>{bare('{}')}</payload>",
        f"<payload xmlns='{NS_MESSAGE}' datatype=''>{bare('{}')}</payload>",
        f"<payload xmlns='{NS_MESSAGE}' datatype='{'x' * 2000}'>{bare('{}')}</payload>",
        f"<payload xmlns='{NS_MESSAGE}' datatype='x'/>",
        f"<payload xmlns='{NS_MESSAGE}' datatype='x'>{bare('{}')}{bare('{}')}</payload>",
        f"<payload xmlns='{NS_MESSAGE}' datatype='x'>{{}}</payload>",
    ],
)
def test_envelopes_that_are_none(inside):
    found = read(inside)
    assert found.json == []
    assert found.extensions == [f"{{{NS_MESSAGE}}}payload"]


def test_several_in_their_order_up_to_a_limit():
    typed = f"<payload xmlns='{NS_MESSAGE}' datatype='t'>{bare('[2]')}</payload>"
    assert [each.value for each in read(bare("[1]") + typed + bare("[3]")).json] == [[1], [2], [3]]
    assert len(read(bare("[]") * 100).json) == 64


def test_it_goes_out():
    stanza = Element(MESSAGE)
    jsonpayload.attach(stanza, '{"a": "<&>"}')
    jsonpayload.attach(stanza, "[1]", "urn:example:foo")
    assert serialise(stanza) == (
        f'<message><json xmlns=\'{NS}\'>{{"a": "&lt;&amp;&gt;"}}</json>'
        f"<payload xmlns='{NS_MESSAGE}' datatype='urn:example:foo'>"
        f"<json xmlns='{NS}'>[1]</json></payload></message>"
    )
