"""XEP-0085, by its own examples."""

from xml.etree.ElementTree import Element

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.model.jid import Jid
from xmppctl.protocol import outgoing
from xmppctl.protocol.payload import chatstates

NS = "http://jabber.org/protocol/chatstates"


@pytest.mark.parametrize("state", ["active", "composing", "paused", "inactive", "gone"])
def test_each_state(state):
    found = read(f"<{state} xmlns='{NS}'/>")
    assert (found.chat_state, found.extensions) == (state, [])


def test_a_content_message_with_a_state():
    found = read(f"<body>Who's there?</body><active xmlns='{NS}'/>")
    assert (found.body, found.chat_state) == ("Who's there?", "active")


@pytest.mark.parametrize(
    ("inside", "kind"),
    [
        (f"<active xmlns='{NS}'/><gone xmlns='{NS}'/>", "chat"),
        (f"<active xmlns='{NS}'/><active xmlns='{NS}'/>", "chat"),
        (f"<gone xmlns='{NS}'/>", "groupchat"),
        (f"<composing xmlns='{NS}'/>", "error"),
        (f"<typing xmlns='{NS}'/>", "chat"),
        ("<active xmlns='urn:x'/>", "chat"),
    ],
)
def test_what_is_no_state(inside, kind):
    found = read(inside, kind=kind)
    assert found.chat_state is None
    assert found.extensions


def test_a_state_in_a_room():
    assert read(f"<composing xmlns='{NS}'/>", kind="groupchat").chat_state == "composing"


def test_a_standalone_state_has_a_thread_beside_it_alone():
    made = outgoing.compose(Jid("a", "x.example", None), id="1", thread="t").stanza
    chatstates.attach(made, "active")
    chatstates.attach(made, "composing")
    chatstates.stand_alone(made)
    assert [child.tag for child in made] == ["{jabber:client}thread", f"{{{NS}}}composing"]


def test_an_empty_stanza_may_stand_alone():
    stanza = Element("message")
    chatstates.stand_alone(stanza)
    assert len(stanza) == 0
