"""What a registration asks for, and what is submitted, without a server (XEP-0077)."""

import pytest

from xmppctl.errors import RefusedError, UsageError
from xmppctl.protocol import registration
from xmppctl.session.xml import parse, serialise

FORM = """<x xmlns='jabber:x:data' type='form'><title>Contest Registration</title>
<instructions>Please provide the following information</instructions>
<field type='hidden' var='FORM_TYPE'><value>jabber:iq:register</value></field>
<field type='text-single' label='Given Name' var='first'><required/></field>
<field type='text-private' var='password'><value>old</value></field>
<field type='list-single' label='Gender' var='x-gender'>
<option label='Male'><value>M</value></option><option label='Female'><value>F</value></option>
</field></x>"""


def offer(payload):
    query = parse(f"<query xmlns='jabber:iq:register'>{payload}</query>")
    return registration.read(query, "shakespeare.test")


def sent(found, answers):
    return serialise(registration.submission(found, answers), "")


def test_fields():
    found = offer("<instructions> Choose. </instructions><username/><password/><email/>")
    assert (found.registered, found.form, found.instructions) == (False, None, "Choose.")
    assert [(f.var, f.type, f.required) for f in found.fields] == [
        ("username", "text-single", True),
        ("password", "text-private", True),
        ("email", "text-single", True),
    ]
    assert registration.check(found, {"username": ["bill"]}) == ["password", "email"]
    assert registration.check(found, {"username": ["bill"], "email": [""]}) == ["password"]
    # an empty password would change nothing, or everything
    assert registration.check(found, {"password": [""]}) == ["username", "password", "email"]
    text = sent(found, {"username": ["bill"], "password": ["C<"], "email": ["b@a.test"]})
    assert text == (
        "<query xmlns='jabber:iq:register'><username>bill</username><password>C&lt;</password>"
        "<email>b@a.test</email></query>"
    )


def test_what_is_registered_stays():
    found = offer("<registered/><username>juliet</username><password>R0m30</password><key>k</key>")
    assert found.registered
    assert registration.check(found, {}) == []
    text = sent(found, {"username": ["j"]})
    assert "<username>j</username><password>R0m30</password><key>k</key>" in text
    assert "registered" not in text
    record = found.record()
    assert "R0m30" not in repr(record)
    assert "R0m30" not in repr(found.record("juliet@x.test"))
    assert record.jid == "shakespeare.test"


def test_a_form_stands_above_fields():
    found = offer(f"<instructions>Web</instructions><first/><email/>{FORM}")
    assert found.form.title == "Contest Registration"
    assert [f.var for f in found.fields] == ["first", "password", "x-gender"]
    assert "old" not in repr(found.record())
    assert registration.check(found, {}) == ["first"]
    text = sent(found, {"first": ["Juliet"], "gender": ["F"]})
    assert text.count("<first") == text.count("<email") == 0
    assert "<field var='first'><value>Juliet</value></field>" in text
    assert "<field var='x-gender'><value>F</value></field>" in text


@pytest.mark.parametrize(
    "answers",
    [{"shoe": ["9"]}, {"first": ["J"], "gender": ["X"]}, {"first": ["a", "b"]}],
)
def test_wrong_answers_to_a_form(answers):
    found = offer(FORM)
    with pytest.raises(UsageError):
        registration.check(found, answers)
        registration.submission(found, answers)


@pytest.mark.parametrize("answers", [{"shoe": ["9"]}, {"email": ["a", "b"]}, {"email": ["\x1b"]}])
def test_wrong_answers_to_fields(answers):
    found = offer("<email/>")
    with pytest.raises(UsageError):
        registration.check(found, answers)
        registration.submission(found, answers)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ("<instructions>Visit</instructions><x xmlns='jabber:x:oob'><url>https://x.test/</url></x>",
         "https://x.test/"),
        ("<instructions>Visit us</instructions>", "Visit us"),
        ("", "not say where"),
    ],
)  # fmt: skip
def test_elsewhere(payload, told):
    found = offer(payload)
    assert found.closed
    with pytest.raises(RefusedError, match=told):
        registration.check(found, {})


def test_fields_beside_a_url():
    found = offer("<username/><x xmlns='jabber:x:oob'><url>https://x.test/</url></x>")
    assert not found.closed
    assert found.oob_url == "https://x.test/"
    assert registration.check(found, {"username": ["u"]}) == []


def test_foreign_elements_are_no_fields():
    found = offer("<username/><email xmlns='other:ns'/><remove/>")
    assert [f.var for f in found.fields] == ["username"]
