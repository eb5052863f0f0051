"""Forms and XML elements that `send` and `muc send` put into a message; nothing is connected."""

import json

from tests.unit.commands.test_send_content import dry, refused, sent

__all__ = ["dry"]

FORM = "<x xmlns='jabber:x:data' type='submit'>"
TYPED = "<field var='FORM_TYPE' type='hidden'><value>urn:f</value></field>"


def test_a_form_by_names(dry, tmp_path):
    (tmp_path / "f.json").write_text('{"FORM_TYPE": "urn:f", "a": "<1>", "b": true, "c": ["x", 2]}')
    line = sent(dry("--form-json", "f.json"))
    assert (
        f"{FORM}{TYPED}<field var='a'><value>&lt;1&gt;</value></field>"
        "<field var='b'><value>1</value></field>"
        "<field var='c'><value>x</value><value>2</value></field></x>"
    ) in line
    assert "<body" not in line
    assert "<body>look</body>" in sent(dry("--form-json", "f.json", "look"))
    assert FORM in sent(dry("--form-json", "f.json", command=("muc", "send")))


def test_a_form_as_it_was_received_is_answered_with_its_hidden_fields(dry):
    fields = [
        {"var": None, "type": "fixed", "values": ["Read this"]},
        {"var": "challenge", "type": "hidden", "values": ["F3A6"]},
        {"var": "ocr", "type": "text-single", "values": ["7nHL3"]},
    ]
    given = json.dumps({"form_type": "urn:f", "title": "T", "fields": fields})
    line = sent(dry("--form-json", "-", stdin=given))
    assert (
        f"{FORM}{TYPED}<field var='challenge'><value>F3A6</value></field>"
        "<field var='ocr'><value>7nHL3</value></field></x>"
    ) in line


def test_what_is_no_form(dry, tmp_path):
    for text in ("", "[]", "{}", '"x"', '{"a": {"b": 1}}', "[" * 100_000, '{"a": "\\u0007"}'):
        (tmp_path / "f.json").write_text(text)
        assert "form" in refused(dry("--form-json", "f.json"))
    assert dry("--form-json", "missing.json")[0] == 11
    assert "only once" in refused(dry("--form-json", "-", "-", stdin="{}"))
    assert "only once" in refused(dry("--form-json", "-", "--json-payload", "-", stdin="{}"))


def test_elements_of_any_kind(dry, tmp_path):
    (tmp_path / "a.xml").write_text("<?xml version='1.0'?><a xmlns='urn:a'>1<b x='&lt;'/></a>\n")
    (tmp_path / "b.xml").write_text("<n:b xmlns:n='urn:b'/>")
    line = sent(dry("--extension", "a.xml", "--extension", "b.xml"))
    assert "<a xmlns='urn:a'>1<b x='&lt;'/></a><b xmlns='urn:b'/>" in line
    assert "<body>x</body>" in sent(dry("--extension", "a.xml", "x"))
    line = sent(dry("--extension", "a.xml", "x", command=("muc", "pm"), to="r@x.example"))
    assert "<a xmlns='urn:a'>" in line


def test_what_is_no_element_for_a_message(dry, tmp_path):
    deep = "<a xmlns='urn:a'>" + "<b>" * 200 + "</b>" * 200 + "</a>"
    for text in ("", "x", "<a", "<a/>", "<body xmlns='jabber:client'>x</body>", deep):
        (tmp_path / "a.xml").write_text(text)
        assert "a.xml" in refused(dry("--extension", "a.xml", "x"))
    assert dry("--extension", "missing.xml", "x")[0] == 11
    (tmp_path / "s.xml").write_text("<message><body>x</body></message>")
    for option in ("--extension", "--form-json"):
        assert "exclude" in refused(dry(option, "a.xml", "--stanza", "s.xml"))
