"""XEP-0461: answers, and quotations for who does not know them."""

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.model.jid import parse as jid
from xmppctl.model.payload.reference import Fallback, Reply
from xmppctl.protocol import outgoing
from xmppctl.protocol.payload import fallback, reply
from xmppctl.session.xml import parse, serialise


def test_an_answer_with_its_fallback():
    found = read(
        "<body>> Anna wrote:\n> We should bake a cake\nGreat idea!</body>"
        "<reply to='anna@example.com/laptop' id='message-id1' xmlns='urn:xmpp:reply:0'/>"
        "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'>"
        "<body start='0' end='38'/></fallback>"
    )
    assert found.reply == Reply("message-id1", "anna@example.com/laptop")
    assert found.fallback == [Fallback("urn:xmpp:reply:0", "body", 0, 38)]
    assert found.extensions == []
    assert fallback.strip(found.body, found.fallback, {reply.NS}) == "Great idea!"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("id='1'", Reply("1")),
        ("id='1' to=''", Reply("1")),
        ("id='1' to='a@@b//'", Reply("1")),
        ("to='a@b.example'", None),
        ("id='' to='a@b.example'", None),
    ],
)
def test_what_it_says_of_the_message(attributes, expected):
    found = read(f"<reply {attributes} xmlns='urn:xmpp:reply:0'/>")
    assert found.reply == expected
    assert found.extensions == ([] if expected else ["{urn:xmpp:reply:0}reply"])


def test_what_is_sent():
    made = outgoing.compose(jid("anna@example.com"), id="2", body="Great idea!")
    reply.attach(made.stanza, "message-id1", "anna@example.com/tablet")
    element = made.stanza.find(reply.REPLY)
    assert element.attrib == {"id": "message-id1", "to": "anna@example.com/tablet"}
    assert made.stanza.find(fallback.FALLBACK) is None
    reply.attach(made.stanza, "3", None)
    assert made.stanza.findall(reply.REPLY)[1].attrib == {"id": "3"}


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("We should bake a cake", "> We should bake a cake\n"),
        ("one\n\n> two\n", "> one\n>\n> > two\n"),
        ("🧛🏾 & <me>", "> 🧛🏾 & <me>\n"),
        ("a\r\nb", "> a\n> b\n"),
    ],
)
def test_a_quotation_is_counted_in_code_points(text, quoted):
    made = outgoing.compose(jid("anna@example.com"), id="2", body="yes 🐢")
    reply.attach(made.stanza, "1", "anna@example.com")
    reply.quote(made.stanza, text)
    # as the other side sees it
    stanza = parse(serialise(made.stanza, ""))
    body = stanza.findtext("{jabber:client}body")
    span = stanza.find(f"{fallback.FALLBACK}/{{{fallback.NS}}}body")
    assert body == f"{quoted}yes 🐢"
    assert (span.get("start"), span.get("end")) == ("0", str(len(quoted)))
    assert body[int(span.get("end")) :] == "yes 🐢"


def test_the_text_in_every_language_is_quoted_for():
    made = outgoing.compose(jid("anna@example.com"), id="2", body="Hello")
    outgoing.add_body(made.stanza, "de", "Hallo")
    reply.quote(made.stanza, "so?")
    bodies = [e.text for e in made.stanza.findall("{jabber:client}body")]
    assert bodies == ["> so?\nHello", "> so?\nHallo"]
    assert len(made.stanza.findall(fallback.FALLBACK)) == 1


def test_a_message_without_a_text_is_the_quotation():
    made = outgoing.compose(jid("anna@example.com"), id="2")
    reply.quote(made.stanza, "so?")
    assert made.stanza.findtext("{jabber:client}body") == "> so?\n"


def test_what_counts_in_the_text_moves_with_it():
    stanza = parse(
        "<message xmlns='jabber:client'><body>hi bob</body>"
        "<reference xmlns='urn:xmpp:reference:0' type='mention' begin='3' end='6' uri='xmpp:b@x'/>"
        "<mention xmlns='urn:xmpp:mentions:0' begin='3' end='6'/>"
        "<mention xmlns='urn:xmpp:mentions:0'/></message>"
    )
    reply.quote(stanza, "so?")
    reference, mention, other = list(stanza)[1:4]
    assert (reference.get("begin"), reference.get("end")) == ("9", "12")
    assert (mention.get("begin"), mention.get("end"), other.attrib) == ("9", "12", {})
    assert stanza.findtext("{jabber:client}body")[9:12] == "bob"
