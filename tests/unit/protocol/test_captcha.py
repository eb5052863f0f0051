"""Challenges in forms: which are to be answered, and hashcash."""

import asyncio
import hashlib
import threading

import pytest

from xmppctl.errors import RefusedError
from xmppctl.model.form import FormField
from xmppctl.protocol import captcha, forms
from xmppctl.session.xml import parse

OCR = """<field var='ocr' label='Enter the text you see'><media xmlns='urn:xmpp:media-element'>
<uri type='image/jpeg'> http://www.victim.test/ocr.jpeg?F3A6292C </uri>
<uri type='image/jpeg'>cid:sha1+f24030b8d91d233bac14777be5ab531ca3b9f102@bob.xmpp.org</uri>
</media>{}</field>"""
QA = "<field var='qa' type='text-single' label='Type the color of a stop light'>{}</field>"
CASH = "<field var='SHA-256' type='text-single' label='93C7A'>{}</field>"
REQUIRED = "<required/>"


def form(*fields, answers=None):
    """A challenge with these fields, as in the examples of XEP-0158 §3."""
    hidden = {"FORM_TYPE": captcha.NS, "from": "innocent@victim.test", "challenge": "F3A6292C",
              "sid": "spam1", **({"answers": answers} if answers else {})}  # fmt: skip
    head = "".join(
        f"<field type='hidden' var='{var}'><value>{value}</value></field>"
        for var, value in hidden.items()
    )
    body = "".join(fields)
    return forms.read(parse(f"<x xmlns='jabber:x:data' type='form'>{head}{body}</x>"))


def names(fields):
    return [field.var for field in fields]


def test_the_record():
    found = captcha.read(form(OCR.format(""), QA.format(""), "<field var='username'/>"))
    assert (found.challenge, found.from_, found.sid) == (
        "F3A6292C",
        "innocent@victim.test",
        "spam1",
    )
    assert names(found.fields) == ["ocr", "qa"]
    assert found.url == "http://www.victim.test/ocr.jpeg?F3A6292C"
    shown = captcha.saved(found, {("ocr", 1): "/tmp/x.jpg"})
    assert [media.path for media in shown.fields[0].media] == [None, "/tmp/x.jpg"]
    assert captcha.read(form(OCR.format("")), "https://x.test").url == "https://x.test"
    assert captcha.read(form("<field var='username'/>")) is None


@pytest.mark.parametrize(
    ("fields", "answers", "given", "wanted"),
    [
        # one of several (§3.1): what needs nobody comes first
        ([OCR.format(""), QA.format(""), CASH.format("")], None, [], ["SHA-256"]),
        ([OCR.format(""), QA.format("")], None, [], ["ocr"]),
        ([OCR.format(""), QA.format("")], None, ["qa"], []),
        # §3.2: the required one and one more
        ([OCR.format(""), QA.format(REQUIRED), CASH.format("")], "2", [], ["qa", "SHA-256"]),
        ([OCR.format(""), QA.format(REQUIRED)], None, [], ["qa"]),
        ([OCR.format(""), QA.format("")], "2", [], ["ocr", "qa"]),
        ([OCR.format(""), QA.format("")], "9", [], ["ocr", "qa"]),
        ([OCR.format(""), QA.format("")], "-1", [], ["ocr"]),
        ([OCR.format(REQUIRED), CASH.format("")], None, ["ocr"], []),
        # §4: name and password are answers too
        ([OCR.format(""), CASH.format(""), f"<field var='username'>{REQUIRED}</field>",
          f"<field var='password'>{REQUIRED}</field>"], "3", [], ["SHA-256"]),
        ([f"<field var='username'>{REQUIRED}</field>"], "1", [], []),
    ],
)  # fmt: skip
def test_what_is_to_be_answered(fields, answers, given, wanted):
    assert names(captcha.outstanding(form(*fields, answers=answers), given)) == wanted


@pytest.mark.parametrize("label", ["1", "93C", "e03d7", "007"])
def test_hashcash(label):
    text = captcha.search("innocent@victim.test", label)
    assert text.startswith("innocent@victim.test")
    number = int(label, 16)
    found = int(hashlib.sha256(text.encode()).hexdigest(), 16)
    assert found % (1 << number.bit_length()) == number
    assert text != captcha.search("innocent@victim.test", label)


@pytest.mark.parametrize("label", [None, "", "xyz", "0x1f", "-1f", "1_0", "2000000", "F" * 65])
def test_hashcash_that_is_not_tried(label):
    field = FormField("SHA-256", "text-single", label)
    assert not captcha.solvable(field)
    with pytest.raises(RefusedError):
        asyncio.run(captcha.hashcash("victim.test", field))


def test_hashcash_can_be_stopped():
    stop = threading.Event()
    stop.set()
    with pytest.raises(RefusedError):
        captcha.search("victim.test", "FFFFFF", stop)


def test_a_question_is_no_hashcash():
    assert not captcha.solvable(FormField("qa", "text-single", "93C7A"))
