"""Who is believed about a move: the old account alone, and only if it may see the presence."""

from __future__ import annotations

import asyncio
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.model.jid import parse
from xmppctl.protocol import moved
from xmppctl.session.xml import serialise

PS = "http://jabber.org/protocol/pubsub"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
CONTACTS = {"old@x.test": "both", "from@x.test": "from", "to@x.test": "to", "no@x.test": "none"}
NOT_FOUND = f"<error type='cancel'><item-not-found xmlns='{STANZAS}'/></error>"


def statement(text, *, tag="moved", ident="current"):
    payload = f"<{tag} xmlns='urn:xmpp:moved:1'><new-jid>{text}</new-jid></{tag}>"
    return (
        "result",
        f"<pubsub xmlns='{PS}'><items node='urn:xmpp:moved:1'><item id='{ident}'>{payload}</item>"
        "</items></pubsub>",
    )


def gone(text, to="gone"):
    return "error", f"<error type='cancel'><{to} xmlns='{STANZAS}'>{text}</{to}></error>"


def verify(jid, answers, old=None):
    """The check, and who was asked."""
    session, wire, transport = make_session()
    asked = []

    async def both():
        check = moved.verify(session, parse(jid), None if old is None else parse(old))
        task = asyncio.ensure_future(check)
        while not task.done():
            await asyncio.sleep(0)
            text = transport.text
            for iq in fromstring(f"<s xmlns='jabber:client'>{text}</s>") if text else ():
                if iq[0].tag == "{jabber:iq:roster}query":
                    rows = "".join(
                        f"<item jid='{jid}' subscription='{each}'/>"
                        for jid, each in CONTACTS.items()
                    )
                    kind, payload = "result", f"<query xmlns='jabber:iq:roster'>{rows}</query>"
                else:
                    asked.append(iq.get("to"))
                    assert "<items node='urn:xmpp:moved:1'><item id='current'/>" in serialise(iq[0])
                    kind, payload = answers.get(iq.get("to"), ("error", NOT_FOUND))
                sender = f" from='{iq.get('to')}'" if iq.get("to") else ""
                come(wire, f"<iq type='{kind}' id='{iq.get('id')}'{sender}>{payload}</iq>")
        return task.result()

    return asyncio.run(both()), asked


def test_the_statement_of_a_contact():
    answers = {"old@x.test": statement("new@y.test")}
    for old in ("old@x.test", None):
        found, _ = verify("new@y.test", answers, old)
        assert (found.old_jid, found.new_jid, found.verified) == ("old@x.test", "new@y.test", True)
        assert found.error is None
    found, asked = verify("old@x.test", answers)
    assert (found.old_jid, found.new_jid, found.verified) == ("old@x.test", "new@y.test", True)
    assert asked == ["old@x.test"]


def test_others_are_not_even_asked():
    answers = dict.fromkeys((*CONTACTS, "new@y.test"), statement("new@y.test"))
    for old in ("to@x.test", "no@x.test", "stranger@x.test", "new@y.test"):
        found, asked = verify("new@y.test", answers, old)
        assert (found.verified, asked) == (False, [])
        assert found.error.condition == "not-verified"
    _, asked = verify("nobody@y.test", {})
    assert sorted(asked) == ["from@x.test", "old@x.test"]


@pytest.mark.parametrize(
    "answer",
    [
        statement("new@y.test/resource"),
        statement("other@y.test"),
        statement(""),
        statement("@"),
        statement("new@y.test", tag="unmoved"),
        statement("new@y.test", ident="another"),
        ("result", ""),
        ("result", f"<pubsub xmlns='{PS}'/>"),
        ("error", NOT_FOUND),
        ("error", f"<error type='auth'><forbidden xmlns='{STANZAS}'/></error>"),
        gone("https://y.test/"),
        gone("new@y.test"),
        gone("xmpp:new@y.test/resource"),
        gone("xmpp:"),
        gone(""),
        gone("xmpp:new@y.test", "redirect"),
    ],
)
def test_whatever_else_it_says_is_no_move(answer):
    found, _ = verify("new@y.test", {"old@x.test": answer}, "old@x.test")
    assert not found.verified
    assert found.error is not None
    assert not verify("new@y.test", {"old@x.test": answer})[0].verified


def test_an_account_that_is_gone_says_where_to():
    found, _ = verify("new@y.test", {"old@x.test": gone("xmpp:NEW@y.test")}, "old@x.test")
    assert found.verified


def test_who_names_itself_has_not_moved():
    answers = {"old@x.test": statement("old@x.test")}
    assert not verify("old@x.test", answers)[0].verified


def test_who_did_not_tell_is_counted():
    answers = {
        "from@x.test": ("error", f"<error type='auth'><forbidden xmlns='{STANZAS}'/></error>")
    }
    found, _ = verify("new@y.test", answers)
    assert "1 of 2 did not tell: from@x.test (forbidden)" in found.reason
