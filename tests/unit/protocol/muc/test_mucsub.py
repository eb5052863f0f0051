"""MUC/Sub: the stanzas of its documentation, and answers that do not prove enough."""

import pytest

from tests.unit.protocol.muc.answering import Answering
from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.jid import parse as jid
from xmppctl.protocol.muc import mucsub

ROOM = jid("coffeehouse@muc.shakespeare.example")
NS = "urn:xmpp:mucsub:0"
INFO = "http://jabber.org/protocol/disco#info"
NODES = "urn:xmpp:mucsub:nodes:"


def room(answer, features=("http://jabber.org/protocol/muc", NS)):
    listed = "".join(f"<feature var='{each}'/>" for each in features)

    def answers(iq):
        if iq.find(f"{{{INFO}}}query") is not None:
            return f"<query xmlns='{INFO}'>{listed}</query>"
        return answer

    return Answering(answers)


def subscribe(server, *events, **more):
    return server.run(lambda s: mucsub.subscribe(s, ROOM, "mynick", events, **more))


def taken(*events):
    rows = "".join(f"<event node='{NODES}{each}'/>" for each in events)
    return f"<subscribe xmlns='{NS}'>{rows}</subscribe>"


def test_a_subscription():
    server = room(taken("messages", "affiliations"))
    record = subscribe(server, "messages", "affiliations", password="pw", subscriber=jid("b@x.t"))
    element = server.sent[-1][0]
    assert element.tag == f"{{{NS}}}subscribe"
    assert element.attrib == {"nick": "mynick", "password": "pw", "jid": "b@x.t"}
    assert [e.get("node") for e in element] == [f"{NODES}messages", f"{NODES}affiliations"]
    assert (record.jid, record.nick) == ("b@x.t", "mynick")
    assert record.events == ["affiliations", "messages"]


@pytest.mark.parametrize("answer", ["", taken("messages"), "<subscribe xmlns='evil'/>"])
def test_events_that_were_not_taken(answer):
    with pytest.raises(RefusedError) as caught:
        subscribe(room(answer), "messages", "config")
    assert caught.value.condition == "not-applied"
    assert "config" in caught.value.text


def test_a_room_without_subscriptions_is_not_asked():
    server = room("", features=("http://jabber.org/protocol/muc",))
    with pytest.raises(UnsupportedError):
        subscribe(server, "messages")
    assert len(server.sent) == 1


def test_the_list_of_a_service():
    answer = (
        f"<subscriptions xmlns='{NS}'><subscription jid='a@x.t' nick='n'>"
        f"<event node='{NODES}subject'/><event/></subscription><subscription/>"
        "<subscription jid='b@x.t'/></subscriptions>"
    )
    found = room(answer).run(lambda s: mucsub.subscriptions(s, jid("muc.shakespeare.example")))
    assert [(each.room, each.nick, each.events) for each in found] == [
        ("a@x.t", "n", ["subject"]), ("b@x.t", None, []),
    ]  # fmt: skip
    with pytest.raises(RefusedError):
        room("").run(lambda s: mucsub.subscribers(s, ROOM))
