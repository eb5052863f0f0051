"""Bookmarks as files: what is written is read again, and what is broken says where."""

import json

import pytest

from xmppctl.errors import UsageError
from xmppctl.model.bookmark import Bookmark, BookmarkChange
from xmppctl.model.jid import parse
from xmppctl.protocol.bookmarks import elements, files
from xmppctl.protocol.bookmarks.elements import Wish
from xmppctl.session.xml import serialise

ROOM = parse("a@c.test")
PIN = "<pinned xmlns='urn:xmpp:bookmarks-pinning:0'/>"
MANY = [
    Bookmark("a@c.test", "A, \"B\" <&> 'ü'", "nick", True, "pw\n", True, True, None, [PIN]),
    Bookmark("b@c.test"),
    Bookmark(None, "Page", url="https://example.org/?a&b"),
]


def content(found):
    """What a file said, in a form that can be compared."""
    result = {}
    for subject, wish in found:
        element = elements.new(subject, legacy=False)
        elements.apply(element, wish)
        result[str(subject)] = serialise(element, "")
    return result


@pytest.mark.parametrize("form", ["json", "xml"])
def test_what_is_written_is_read(form):
    text = "".join(files.write(MANY, form))
    assert files.detect(text.encode()) == form
    found = files.read(b"\xef\xbb\xbf" + text.encode(), "auto")
    records = [
        elements.record(subject, element, None, password=True)
        for subject, wish in found
        for element in [elements.new(subject, legacy=False)]
        if elements.apply(element, wish) or True
    ]
    assert records == MANY
    assert "".join(files.write([], form)).count("<conference") == 0
    assert files.read("".join(files.write([], form)).encode(), "auto") == []


def test_a_list():
    text = "".join(files.write(MANY, "list"))
    assert text == "a@c.test\nb@c.test\n"
    found = files.read(b"\n A@C.test \n\nx\n\xff\na@c.test/n\n", "auto")
    assert found[0] == (ROOM, Wish())
    assert [each.error.text.partition(":")[0] for each in found[1:]] == [
        "line 4 cannot be read",
        "line 5 cannot be read",
        "line 6 cannot be read",
    ]


def test_lines_of_json():
    lines = [{"jid": "a@c.test", "name": "A"}, {"url": "https://x.test/"}]
    found = files.read("\n\n".join(map(json.dumps, lines)).encode() + b"\n{", "auto")
    assert found[0] == (ROOM, Wish(name="A"))
    assert found[1][0] == "https://x.test/"
    assert isinstance(found[2], BookmarkChange)
    (found,) = files.read(b'{"jid": "a@c.test"}', "auto")
    assert found == (ROOM, Wish())


def test_xml_of_other_programs():
    ps = "http://jabber.org/protocol/pubsub"
    document = f"""<?xml version='1.0'?>
    <iq xmlns='jabber:client'><query xmlns='jabber:iq:private'>
      <storage xmlns='storage:bookmarks'>
        <conference jid='A@c.test' name='A' autojoin='1'><nick>n</nick><x xmlns='u'/></conference>
        <conference name='no JID'/><url url='ftp://x'/><url url='http://x.test'/><z/>
      </storage></query>
      <pubsub xmlns='{ps}'><items node='urn:xmpp:bookmarks:1'>
        <item id='b@c.test'><conference xmlns='urn:xmpp:bookmarks:1'/></item>
        <item id='x'><conference xmlns='urn:xmpp:bookmarks:1'/></item>
      </items></pubsub></iq>"""
    found = files.read(document.encode(), "auto")
    good = content(each for each in found if not isinstance(each, BookmarkChange))
    assert list(good) == ["a@c.test", "http://x.test", "b@c.test"]
    assert "<nick>n</nick><extensions><x xmlns='u'/></extensions>" in good["a@c.test"]
    bad = [each.jid for each in found if isinstance(each, BookmarkChange)]
    assert bad[1:] == ["ftp://x", "x"]


@pytest.mark.parametrize(
    "record",
    [
        1,
        {},
        {"jid": 1},
        {"jid": "c.test"},
        {"jid": "a@c.test/n"},
        {"url": "ftp://x"},
        {"url": ["x"]},
        {"jid": "a@c.test", "name": 1},
        {"jid": "a@c.test", "nick": "\x1b"},
        {"jid": "a@c.test", "password": "\ud800"},
        {"jid": "a@c.test", "autojoin": "yes"},
        {"jid": "a@c.test", "notify": "loud"},
        {"jid": "a@c.test", "extensions": "x"},
        {"jid": "a@c.test", "extensions": [1]},
        {"jid": "a@c.test", "extensions": ["<a>"]},
        {"jid": "a@c.test", "extensions": ["<!DOCTYPE a><a/>"]},
    ],
)
def test_a_broken_record(record):
    (found,) = files.read(json.dumps([record]).encode(), "auto")
    assert found.error.condition == "bad-input"
    assert found.error.text.startswith("record 1 cannot be read")


def test_the_same_twice():
    twice = [{"jid": "a@c.test", "name": "A"}, {"jid": "A@c.test", "name": "A"}]
    assert len(files.read(json.dumps(twice).encode(), "json")) == 1
    twice[1]["name"] = "B"
    _, second = files.read(json.dumps(twice).encode(), "json")
    assert "says something else" in second.error.text


@pytest.mark.parametrize(
    ("data", "form"),
    [(b"[", "auto"), (b"\xff", "json"), (b"<a>", "auto"), (b"<!DOCTYPE a><a/>", "auto")],
)
def test_a_broken_file(data, form):
    with pytest.raises(UsageError):
        files.read(data, form)
