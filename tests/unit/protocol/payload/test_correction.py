"""XEP-0308: corrections, read and written."""

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.model.jid import parse as jid
from xmppctl.protocol import outgoing
from xmppctl.protocol.payload import correction

REPLACE = "<replace id='bad1' xmlns='urn:xmpp:message-correct:0'/>"


def test_a_correction():
    found = read(f"<body>But soft, what light through yonder window breaks?</body>{REPLACE}")
    assert (found.replace_id, found.extensions) == ("bad1", [])
    assert found.body.startswith("But soft")


@pytest.mark.parametrize("attributes", ["", "id=''", "ID='bad1'"])
def test_what_names_no_message_is_none(attributes):
    found = read(f"<replace {attributes} xmlns='urn:xmpp:message-correct:0'/>")
    assert found.replace_id is None
    assert found.extensions == ["{urn:xmpp:message-correct:0}replace"]


def test_the_first_that_names_one_counts():
    empty = "<replace xmlns='urn:xmpp:message-correct:0'/>"
    assert read(empty + REPLACE + REPLACE.replace("bad1", "bad2")).replace_id == "bad1"


def test_what_is_sent():
    made = outgoing.compose(jid("juliet@capulet.net"), id="good1", body="window")
    correction.attach(made.stanza, "bad1")
    (found,) = made.stanza.findall("{urn:xmpp:message-correct:0}replace")
    assert (found.attrib, made.id) == ({"id": "bad1"}, "good1")
