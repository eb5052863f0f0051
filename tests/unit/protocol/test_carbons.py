"""XEP-0280: what is a carbon, and what only looks like one."""

from xml.etree.ElementTree import fromstring

import pytest

from xmppctl.protocol import carbons, listen
from xmppctl.protocol.payload import Context

OWN = "romeo@montague.example"


def wrapped(kind, outer, inner, body="hi"):
    sender = "" if outer is None else f"from='{outer}'"
    return fromstring(
        f"<message xmlns='jabber:client' {sender} to='{OWN}/home'>"
        f"<{kind} xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
        f"<message xmlns='jabber:client' {inner}><body>{body}</body></message>"
        f"</forwarded></{kind}></message>"
    )


RECEIVED = f"from='juliet@capulet.example/b' to='{OWN}/garden'"
SENT = f"from='{OWN}/garden' to='juliet@capulet.example/b'"


@pytest.mark.parametrize(("kind", "inner"), [("received", RECEIVED), ("sent", SENT)])
@pytest.mark.parametrize("outer", [OWN, OWN.upper(), None])
def test_true_ones(kind, inner, outer):
    direction, message = carbons.unwrap(wrapped(kind, outer, inner), OWN)
    assert direction == kind
    assert message.findtext("{jabber:client}body") == "hi"
    record = listen.read(wrapped(kind, outer, inner), Context(OWN))
    assert (record.carbon, record.body) == (kind, "hi")


@pytest.mark.parametrize(
    "outer", [f"{OWN}/other", "badguy@evil.example", "montague.example", f"{OWN}.evil", ""]
)
def test_only_the_own_account_sends_them(outer):
    assert carbons.unwrap(wrapped("received", outer, RECEIVED), OWN) is None
    assert listen.read(wrapped("received", outer, RECEIVED), Context(OWN)) is None


def test_what_was_not_the_own_accounts_is_no_carbon():
    assert carbons.unwrap(wrapped("sent", OWN, RECEIVED), OWN) is None
    assert carbons.unwrap(wrapped("received", OWN, SENT), OWN) is None


@pytest.mark.parametrize("inside", ["", "<forwarded xmlns='urn:xmpp:forward:0'/>"])
def test_an_empty_one(inside):
    stanza = fromstring(
        f"<message xmlns='jabber:client'><sent xmlns='urn:xmpp:carbons:2'>{inside}</sent></message>"
    )
    assert listen.read(stanza, Context(OWN)) is None
