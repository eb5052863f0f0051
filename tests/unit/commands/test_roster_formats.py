"""Contacts in files: what is written is read again, and what is broken harms nothing else."""

import json

import pytest

from xmppctl.commands.roster import _formats, _suggestions
from xmppctl.errors import UsageError
from xmppctl.model.jid import parse as jid
from xmppctl.model.roster import Contact
from xmppctl.model.rosterfile import BadEntry, Entry

CONTACTS = [
    Contact("juliet@x.test", "Capulet, Juliet", "both", None, False, ['a "b", c', "friends"]),
    Contact("romeo@x.test", None, "none", "subscribe", True, []),
    Contact("gate.x.test", None, groups=["Zoë\u202e", "=1+1"]),
    Contact("a,b@x.test", '"', "to"),
    Contact("#room%irc.test@gate.x.test", "#room", "from"),
]


def read(text, form="auto"):
    return _formats.read(text if isinstance(text, bytes) else text.encode(), form)


def facts(contact):
    return contact.jid, contact.name or None, sorted(contact.groups or ())


@pytest.mark.parametrize("form", _formats.FORMS)
@pytest.mark.parametrize("how", ["auto", "named"])
def test_round_trip(form, how):
    text = "".join(_formats.write(CONTACTS, form))
    found = read(text, form if how == "named" else "auto")
    assert [facts(each) for each in found] == [facts(each) for each in CONTACTS]
    if form != "list":
        assert [(e.subscription, e.ask) for e in found] == [
            (c.subscription, c.ask) for c in CONTACTS
        ]
        assert found[1].name == ""  # there is to be none, which is not: nothing is said
        assert found[1].groups == ()
    assert (
        "".join(_formats.write([], form))
        == {
            "json": "[]\n",
            "csv": "jid,name,subscription,ask,approved,groups\n",
            "list": "",
        }[form]
    )


def test_a_list_has_one_line_for_each():
    text = "".join(_formats.write([Contact("a@x.test", "two\nlines", groups=["g\r\nh"])], "list"))
    assert text == "a@x.test,two lines,g h\n"
    csv = "".join(_formats.write([Contact("a@x.test", "two\nlines")], "csv"))
    assert read(csv)[0].name == "two\nlines"


def test_a_plain_list():
    found = read("  A@X.test \r\n\nxmpp:b@x.test, Bob , g, ,h\nc@x.test,,g\n")
    assert found == [
        Entry("a@x.test"),
        Entry("b@x.test", "Bob", ("g", "h")),
        Entry("c@x.test", None, ("g",)),
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"@@", "localpart"),
        (b"a@x.test/r", "resource"),
        (b"\xff@x.test", "UTF-8"),
        (b'a@x.test,"open', "quotes"),
        (b"a@x.test,\x1b[31m", "control character"),
    ],
)
def test_a_bad_line_is_a_record_of_its_own(line, why):
    first, bad, last = read(b"one@x.test\n" + line + b"\ntwo@x.test\n")
    assert (first.jid, last.jid) == ("one@x.test", "two@x.test")
    assert isinstance(bad, BadEntry)
    assert why in bad.error.text
    assert "line 2" in bad.error.text
    assert (bad.error.code, bad.error.step) == (2, "input")


@pytest.mark.parametrize(
    "record",
    [
        1,
        None,
        [],
        {},
        {"jid": 1},
        {"jid": "@@"},
        {"jid": "a@x.test/r"},
        {"jid": "b@x.test", "name": 1},
        {"jid": "b@x.test", "groups": "g"},
        {"jid": "b@x.test", "groups": [1]},
        {"jid": "b@x.test", "name": "\u0007"},
        {"jid": "b@x.test", "name": "\ud800"},
        {"jid": "b@x.test", "action": "destroy"},
    ],
)
def test_a_bad_record_of_json(record):
    first, bad = read(json.dumps([{"jid": "a@x.test"}, record]))
    assert first == Entry("a@x.test")
    assert isinstance(bad, BadEntry)
    bad.text.encode()


def test_json_lines():
    found = read('{"jid": "a@x.test", "name": null}\n\n{"jid": \n{"jid": "b@x.test"}\n')
    assert found[0] == Entry("a@x.test", "")
    assert isinstance(found[1], BadEntry)
    assert found[2] == Entry("b@x.test")


def test_other_peoples_csv():
    found = read('"Name",JID,Group\nJuliet,j@x.test,"a,b"\n\nshort\n')
    assert found[0] == Entry("j@x.test", "Juliet", ("a", "b"))
    assert isinstance(found[1], BadEntry)
    (only,) = read("jid\nj@x.test\n")
    assert only == Entry("j@x.test")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("[1,", "auto"),
        (b'["\xff"]', "auto"),
        ("name\nx", "csv"),
        ('jid\n"', "csv"),
    ],
)
def test_a_file_that_is_none(text, form):
    with pytest.raises(UsageError):
        read(text, form)


def test_what_is_there_twice():
    same, other = read("a@x.test,A\nA@x.test,A\na@x.test,B\n")
    assert same == Entry("a@x.test", "A")
    assert isinstance(other, BadEntry)


def test_a_byte_order_mark():
    assert read(b"\xef\xbb\xbfa@x.test\n") == [Entry("a@x.test")]
    assert read(b"\xef\xbb\xbfjid,name\na@x.test,A\n") == [Entry("a@x.test", "A")]


X = "<x xmlns='http://jabber.org/protocol/rosterx'><item jid='{}'/></x>"


def suggestions(data, sender="bob@x.test"):
    return _suggestions.read(json.dumps(data).encode(), jid(sender))


def test_suggestions_of_one_person_only():
    item = {"action": "delete", "jid": "c@x.test", "name": "C", "groups": ["g"]}
    found, failed, others = suggestions(
        [
            {"from": "bob@x.test/r", "items": [item, {"jid": "d@x.test"}]},
            {"from": "eve@x.test", "items": [item]},
            {"jid": "e@x.test"},
        ]
    )
    assert [by for by, _ in found] == ["bob@x.test/r", "bob@x.test"]
    assert [(i.action, i.jid, i.name, i.groups) for i in found[0][1]] == [
        ("delete", "c@x.test", "C", ["g"]),
        ("add", "d@x.test", None, []),
    ]
    assert (failed, others) == ([], 1)


def test_a_domain_does_not_stand_for_all_who_are_there():
    _, _, others = suggestions([{"from": "eve@x.test", "items": []}], "x.test")
    assert others == 1


def test_suggestions_in_messages():
    plain = "<message xmlns='jabber:client'>" + X.format("c@x.test") + "</message>"
    archived = (
        "<message xmlns='jabber:client'><result xmlns='urn:xmpp:mam:2'><forwarded "
        f"xmlns='urn:xmpp:forward:0'>{plain}</forwarded></result>{X.format('evil@x.test')}</message>"
    )
    for xml in (plain, archived):
        found, failed, _ = suggestions({"from": "bob@x.test/r", "body": None, "raw_xml": xml})
        assert [item.jid for item in found[0][1]] == ["c@x.test"]
        assert not failed
    found, _, others = suggestions({"from": "eve@x.test/r", "raw_xml": plain})
    assert (found, others) == ([], 1)


@pytest.mark.parametrize("bad", [1, "x", {"items": 1}, {"items": [1]}, {"raw_xml": "<a>"}])
def test_what_is_no_suggestion(bad):
    found, failed, _ = suggestions([{"jid": "a@x.test"}, bad])
    assert len(found) == len(failed) == 1
    assert failed[0].error.code == 2


def test_lines_of_suggestions():
    data = b'{"jid": "a@x.test"}\nnonsense\n{"jid": "b@x.test"}\n'
    found, failed, _ = _suggestions.read(data, jid("bob@x.test"))
    assert [items[0].jid for _, items in found] == ["a@x.test", "b@x.test"]
    assert len(failed) == 1
    for broken in (b"nonsense", b"\xff"):
        with pytest.raises(UsageError):
            _suggestions.read(broken, jid("bob@x.test"))
