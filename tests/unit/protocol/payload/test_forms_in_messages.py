"""XEP-0004, XEP-0221 and XEP-0158: forms and challenges that come as messages."""

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.model.form import Media

FORM = """<x xmlns='jabber:x:data' type='form'>
  <field type='hidden' var='FORM_TYPE'><value>urn:xmpp:captcha</value></field>
  <field type='hidden' var='from'><value>innocent@victim.com</value></field>
  <field type='hidden' var='challenge'><value>F3A6292C</value></field>
  <field type='hidden' var='sid'><value>spam1</value></field>
  <field var='ocr' label='Enter the text you see'>
    <media xmlns='urn:xmpp:media-element' height='80' width='290'>
      <uri type='image/jpeg'>
        http://www.victim.com/challenges/ocr.jpeg?F3A6292C
      </uri>
      <uri type='image/jpeg'>
        cid:sha1+f24030b8d91d233bac14777be5ab531ca3b9f102@bob.xmpp.org
      </uri>
    </media>
  </field>
  <field label='93C7A' type='text-single' var='SHA-256'/>
</x>"""
OOB = "<x xmlns='jabber:x:oob'><url>http://www.victim.com/challenge.html?F3A6292C</url></x>"
CAPTCHA = "urn:xmpp:captcha"


def challenge(form=FORM, sender="victim.com", **more):
    return read(f"<body>blocked</body>{OOB}<captcha xmlns='{CAPTCHA}'>{form}</captcha>",
                sender=sender, **more)  # fmt: skip


def test_the_example_of_xep_0158():
    found = challenge()
    told = found.captcha
    assert (told.challenge, told.from_, told.sid) == ("F3A6292C", "innocent@victim.com", "spam1")
    assert told.url == "http://www.victim.com/challenge.html?F3A6292C"
    assert told.form.form_type == CAPTCHA
    media = {f.var: f.media for f in told.form.fields}["ocr"]
    assert media == [
        Media("image/jpeg", "http://www.victim.com/challenges/ocr.jpeg?F3A6292C"),
        Media("image/jpeg", "cid:sha1+f24030b8d91d233bac14777be5ab531ca3b9f102@bob.xmpp.org"),
    ]
    assert found.form is None
    assert f"{{{CAPTCHA}}}captcha" not in found.extensions


@pytest.mark.parametrize("kind", ["form", "submit", "result", "cancel"])
def test_what_a_form_is_for(kind):
    found = read(f"<x xmlns='jabber:x:data' type='{kind}'/>")
    assert (found.form.type, found.extensions) == (kind, [])


@pytest.mark.parametrize(
    "sender", ["VICTIM.com", "innocent@victim.com", "innocent@victim.com/desk", "victim.com"]
)
def test_who_may_challenge(sender):
    assert challenge(sender=sender).captcha is not None


@pytest.mark.parametrize(
    "sender",
    ["com", "evil.com", "other@victim.com", "innocent@victim.com.evil.com", "victim.com/x"],
)
def test_nobody_else_may(sender):
    notes = []
    found = challenge(sender=sender, note=notes.append)
    assert found.captcha is None
    assert f"{{{CAPTCHA}}}captcha" in found.extensions
    assert "ignored a challenge" in notes[0]


@pytest.mark.parametrize(
    "form",
    [
        "",
        "<x xmlns='jabber:x:data' type='form'/>",
        FORM.replace("type='form'", "type='submit'"),
        FORM.replace("urn:xmpp:captcha", "jabber:iq:register"),
        FORM.replace("innocent@victim.com", ""),
    ],
)
def test_what_is_no_challenge(form):
    assert challenge(form).captcha is None


def test_a_bounce_of_a_challenge_is_none():
    assert challenge(kind="error").captcha is None


def test_a_form_in_a_message():
    found = read(
        "<body>Which one?</body><x xmlns='jabber:x:data' type='form'><title>Choose</title>"
        "<field type='list-single' var='a'><option><value>1</value></option></field></x>"
    )
    assert (found.form.title, found.form.fields[0].options[0].value) == ("Choose", "1")
    assert found.extensions == []
    result = read(
        "<x xmlns='jabber:x:data' type='result'><reported><field var='a'/></reported>"
        "<item><field var='a'><value>1</value></field></item></x>"
    )
    assert result.form.items == [{"a": ["1"]}]


@pytest.mark.parametrize("attributes", ["", "type=''", "type='evil'"])
def test_a_form_of_no_type_is_none(attributes):
    found = read(f"<x xmlns='jabber:x:data' {attributes}><title>t</title></x>")
    assert found.form is None
    assert found.extensions == ["{jabber:x:data}x"]
