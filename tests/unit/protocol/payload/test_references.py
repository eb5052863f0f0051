"""References (XEP-0372) and explicit mentions (XEP-0513)."""

from xml.etree.ElementTree import Element

import pytest

from tests.unit.protocol.payload.common import ROOM, read
from xmppctl.model.jid import parse
from xmppctl.model.payload.reference import Mention, Reference
from xmppctl.protocol.payload import mentions, references
from xmppctl.session.xml import serialise

NS, NS_MENTIONS = references.NS, mentions.NS
FORM = "xmpp:fdp.shakespeare.lit?;node=fdp/submitted/stan.isode.net/accidentreport;item=ndina872be"


def reference(attributes):
    return f"<reference xmlns='{NS}' {attributes}/>"


def mention(attributes, inside=""):
    return f"<mention xmlns='{NS_MENTIONS}' {attributes}>{inside}</mention>"


def test_the_examples_of_references():
    found = read(
        reference("begin='72' end='78' type='mention' uri='xmpp:juliet@capulet.lit'")
        + reference(f"type='data' uri='{FORM}'")
        + reference(f"type='data' anchor='xmpp:b@c.lit?;item=x' begin='72' end='78' uri='{FORM}'")
    )
    assert found.references == [
        Reference("mention", "xmpp:juliet@capulet.lit", 72, 78),
        Reference("data", FORM),
        Reference("data", FORM, 72, 78, "xmpp:b@c.lit?;item=x"),
    ]
    assert found.extensions == []


@pytest.mark.parametrize("attributes", ["", "type='data'", "uri='xmpp:a'", "type='' uri='xmpp:a'"])
def test_a_reference_without_type_or_uri_is_none(attributes):
    found = read(reference(attributes))
    assert (found.references, found.extensions) == ([], [references.REFERENCE])


@pytest.mark.parametrize(
    "attributes",
    [
        "begin='1'",
        "end='1'",
        "begin='5' end='4'",
        "begin='-1' end='4'",
        "begin='0' end='1e3'",
        "begin='٣' end='٤'",
        "begin='0' end='99999999999999999999'",
        f"begin='{'1' * 5000}' end='{'1' * 5000}'",
        "begin='' end=''",
        "BEGIN='1' END='2'",
    ],
)
def test_positions_that_make_no_range(attributes):
    found = read(
        reference(f"type='data' uri='urn:x' {attributes}") + mention(f"jid='a@b' {attributes}")
    )
    assert found.references == [Reference("data", "urn:x")]
    assert found.mentions == [Mention("a@b")]


def test_too_many_are_told_of():
    notes = []
    many = mentions.MANY + 1
    found = read(
        reference("type='data' uri='urn:x'") * many + mention("jid='a@b'") * many,
        note=notes.append,
    )
    assert (len(found.references), len(found.mentions), len(notes)) == (many - 1, many - 1, 2)


def test_the_examples_of_mentions():
    found = read(
        mention("begin='7' end='12' occupantid='alice@occupant-id'")
        + mention(f"mentions='{NS_MENTIONS}#channel'", "<active/>")
        + mention(f"mentions='{NS_MENTIONS}#server' uri='xmpp:commons.example'")
        + mention("begin='6' end='9' hreflang='ja' occupantid='dd'", "<noping/>"),
        kind="groupchat",
        sender=f"{ROOM}/nick",
    )
    assert found.mentions == [
        Mention(occupant_id="alice@occupant-id", begin=7, end=12),
        Mention(mentions=f"{NS_MENTIONS}#channel", active=True),
        Mention(mentions=f"{NS_MENTIONS}#server", uri="xmpp:commons.example"),
        Mention(occupant_id="dd", begin=6, end=9, lang="ja", noping=True),
    ]


@pytest.mark.parametrize(
    "element",
    [
        mention(""),
        mention("uri='xmpp:a'"),
        mention(f"jid='a@b' mentions='{NS_MENTIONS}#channel'"),
        mention(f"occupantid='1' mentions='{NS_MENTIONS}#channel'"),
    ],
)
def test_who_is_neither_a_person_nor_a_group_is_not_mentioned(element):
    found = read(element)
    assert (found.mentions, found.extensions) == ([], [mentions.MENTION])


def test_written_and_read_again():
    stanza = Element("{jabber:client}message")
    refers = [
        Reference("mention", "xmpp:a@b", 0, 1),
        Reference("data", "urn:x"),
        Reference("data", "urn:x", 2, 3, "urn:y"),
    ]
    persons = [Mention("a@b", begin=0, end=1, lang="en"), Mention("c@d/e")]
    for each in refers:
        references.attach(stanza, each)
    for person in persons:
        mentions.attach(stanza, person)
    found = read("".join(serialise(child) for child in stanza))
    assert (found.references, found.mentions) == (refers, persons)


@pytest.mark.parametrize(
    ("jid", "uri"),
    [
        ("juliet@capulet.lit", "xmpp:juliet@capulet.lit"),
        ("capulet.lit", "xmpp:capulet.lit"),
        ("a@[::1]", "xmpp:a@[::1]"),
        ("a?b#c@x.test/100% ü/&", "xmpp:a%3Fb%23c@x.test/100%25%20%C3%BC%2F%26"),
    ],
)
def test_the_uri_of_an_entity_names_it_again(jid, uri):
    assert references.uri(parse(jid)) == uri
    assert parse(uri) == parse(jid)


@pytest.mark.parametrize(
    ("text", "jid", "found"),
    [
        ("Hello, Alice!", "alice@x.test", "Alice"),
        ("Hello, alice!", "alice@x.test", "alice"),
        ("malice, Alice, alice", "alice@x.test", "alice"),
        ("ask alice@x.test", "alice@x.test", "alice@x.test"),
        ("always", "al@x.test", None),
        ("😀 Bob", "r@c.test/Bob", "Bob"),
        ("The Joker (he)", "r@c.test/Joker (he)", "Joker (he)"),
        ("r@c.test", "r@c.test/Bob", None),
        ("ask r", "r@c.test/Bob", None),
        ("こんにちは、アリスさん。", "r@c.test/アリス", "アリス"),
        ("a.b+c", "a.b+c@x.test", "a.b+c"),
        ("aXb", "a.b@x.test", None),
        ("", "bob@x.test", None),
        ("x.test", "x.test", "x.test"),
    ],
)
def test_a_name_is_found_in_the_text(text, jid, found):
    span = mentions.locate(text, parse(jid), 0, [])
    assert (None if span is None else text[slice(*span)]) == found


def test_what_is_taken_and_what_stands_before_is_passed_over():
    text = "bob bob bob"
    assert mentions.locate(text, parse("bob@x"), 0, []) == (0, 3)
    assert mentions.locate(text, parse("bob@x"), 1, []) == (4, 7)
    assert mentions.locate(text, parse("bob@x"), 1, [(5, 6)]) == (8, 11)
    assert mentions.locate(text, parse("bob@x"), 1, [(5, 9)]) is None
