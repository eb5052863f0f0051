"""XEP-0428: which text is there for whom."""

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.model.payload.reference import Fallback
from xmppctl.protocol.payload import fallback
from xmppctl.session.xml import parse

REPLY, FILES = "urn:xmpp:reply:0", "urn:xmpp:sfs:0"


def marked(inside="", attributes=f"for='{REPLY}'"):
    return f"<fallback xmlns='urn:xmpp:fallback:0' {attributes}>{inside}</fallback>"


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (marked("<body start='0' end='33'/>"), [Fallback(REPLY, "body", 0, 33)]),
        (marked(), [Fallback(REPLY)]),
        (marked("<body/>"), [Fallback(REPLY, "body")]),
        (marked("<subject/><body start='2'/><body end='7'/>"),
         [Fallback(REPLY, "subject"), Fallback(REPLY, "body", 2), Fallback(REPLY, "body", end=7)]),
        (marked("<body start='4294967295' end='4294967295'/>"),
         [Fallback(REPLY, "body", 4294967295, 4294967295)]),
        (marked() + marked("<body/>", f"for='{FILES}'"),
         [Fallback(REPLY), Fallback(FILES, "body")]),
        # version 0.1 did not say what for
        (marked("", ""), [Fallback()]),
    ],
)  # fmt: skip
def test_reading(xml, expected):
    found = read(f"<body>x</body>{xml}")
    assert (found.fallback, found.extensions) == (expected, [])


@pytest.mark.parametrize(
    "range_",
    ["start='-1' end='3'", "start='x'", "end=''", "start='5' end='4'", "end='4294967296'",
     "start='1.0'", "start='٣'", f"end='{'9' * 10000}'", "start='+1'"],
)  # fmt: skip
def test_a_range_that_is_none(range_):
    notes = []
    found = read(marked(f"<body {range_}/>"), note=notes.append)
    # to take it for the whole body would hide all of it
    assert (found.fallback, found.extensions) == ([], ["{urn:xmpp:fallback:0}fallback"])
    assert len(notes) == 1
    both = read(marked(f"<body {range_}/><subject/>"))
    assert both.fallback == [Fallback(REPLY, "subject")]


def test_an_unknown_part_does_not_mean_all():
    assert read(marked("<html xmlns='urn:x'/>")).fallback == []


def test_very_many():
    notes = []
    assert len(read(marked("<body/>" * 5000), note=notes.append).fallback) == 64
    assert notes == ["ignored all but 64 of 5000 fallback parts"]


@pytest.mark.parametrize(
    ("body", "fallbacks", "expected"),
    [
        ("> Anna wrote:\n> Hi\nGreat", [Fallback(REPLY, "body", 0, 19)], "Great"),
        # code points, whatever they are made of
        ("> 🧛🏾👨‍👨‍👦‍👦🇺🇳\nja", [Fallback(REPLY, "body", 0, 14)], "ja"),
        ("abc", [Fallback(REPLY)], ""),
        ("abc", [Fallback(REPLY, "body")], ""),
        ("abc", [Fallback(REPLY, "subject")], "abc"),
        ("abc", [Fallback(FILES)], "abc"),
        ("abc", [Fallback()], "abc"),
        ("abcdef", [Fallback(REPLY, "body", 4)], "abcd"),
        ("abcdef", [Fallback(REPLY, "body", end=4)], "ef"),
        ("abcdef", [Fallback(REPLY, "body", 4, 6), Fallback(REPLY, "body", 0, 2)], "cd"),
        ("abcdef", [Fallback(REPLY, "body", 0, 4), Fallback(REPLY, "body", 1, 2)], "ef"),
        ("abcdef", [Fallback(REPLY, "body", 0, 3), Fallback(REPLY, "body", 2, 5)], "f"),
        ("abcdef", [Fallback(REPLY, "body", 3, 3)], "abcdef"),
        ("abcdef", [Fallback(REPLY, "body", 3, 7)], "abcdef"),
        ("abcdef", [Fallback(REPLY, "body", 9)], "abcdef"),
        ("", [Fallback(REPLY)], ""),
        ("abc", [], "abc"),
    ],
)
def test_what_is_left(body, fallbacks, expected):
    assert fallback.strip(body, fallbacks, {REPLY}) == expected


def test_marking():
    stanza = parse("<message xmlns='jabber:client'/>")
    fallback.mark(stanza, FILES)
    fallback.mark(stanza, REPLY, (0, 5))
    whole, part = stanza.findall("{urn:xmpp:fallback:0}fallback")
    assert (whole.get("for"), len(whole)) == (FILES, 0)
    assert part.find("{urn:xmpp:fallback:0}body").attrib == {"start": "0", "end": "5"}
