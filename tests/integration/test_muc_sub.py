"""`xmppctl muc subscribe` and its relatives (MUC/Sub of ejabberd)."""

import pytest

from tests.integration import muc
from tests.servers.quirks import Feature

EVENT = "{http://jabber.org/protocol/pubsub#event}items"
NODES = "urn:xmpp:mucsub:nodes:"


@pytest.fixture
def room(raw, alice, server):
    """A room of alice's."""
    name = f"sub-{alice.local}@{server.conference}"
    muc.make(raw(alice), name)
    return name


def run(xmppctl, account, verb, *args, code=0, **more):
    return xmppctl("--json", "muc", verb, *args, account=account, **more).expect(code)


def subscribed(peer, where):
    """Node names by JID, as the room or the service lists them."""
    answer = peer.iq("<subscriptions xmlns='urn:xmpp:mucsub:0'/>", to=where)
    return {
        entry.get("jid"): {event.get("node").removeprefix(NODES) for event in entry}
        for entry in answer.iter("{urn:xmpp:mucsub:0}subscription")
    }


@pytest.mark.servers("ejabberd")
def test_events_of_a_room(xmppctl, alice, bob, room, raw, server):
    args = ("--event", "messages", "--event", "subject,config", "--nick", "Bobby")
    record = run(xmppctl, bob, "subscribe", room, *args).json()
    events = ["config", "messages", "subject"]
    assert record == {"room": room, "jid": bob.jid, "nick": "Bobby", "events": events}
    assert run(xmppctl, bob, "subscriptions").json() == [record]
    assert run(xmppctl, bob, "subscriptions", server.conference).json() == [record]
    assert run(xmppctl, alice, "subscribers", room).json() == [record]
    owner, peer = raw(alice), raw(bob)
    assert subscribed(peer, server.conference) == {room: set(events)}
    peer.send("<presence/>")
    muc.enter(owner, room, "boss")
    owner.send(f"<message to='{room}' type='groupchat'><body>hear ye</body></message>")
    event = peer.expect(lambda e: e.find(f".//{EVENT}[@node='{NODES}messages']") is not None)
    (inner,) = event.iter(muc.MESSAGE if event.tag != muc.MESSAGE else "{jabber:client}body")
    assert inner.text == "hear ye"
    record = run(xmppctl, alice, "unsubscribe", room, "--subscriber", bob.jid).json()
    assert (record["jid"], record["events"]) == (bob.jid, events)
    assert subscribed(owner, room) == {}
    assert run(xmppctl, bob, "subscriptions").json() == []


@pytest.mark.servers("ejabberd")
def test_a_subscription_is_replaced(xmppctl, bob, room, raw, server):
    assert run(xmppctl, bob, "subscribe", room).json()["events"] == ["messages"]
    assert run(xmppctl, bob, "subscribe", room, "--event", "presence").json()["nick"] == bob.local
    peer = raw(bob)
    assert subscribed(peer, server.conference) == {room: {"presence"}}
    run(xmppctl, bob, "unsubscribe", room)
    assert subscribed(peer, server.conference) == {}
    muc.refused(run(xmppctl, bob, "unsubscribe", room, code=6), "item-not-found")
    assert run(xmppctl, bob, "unsubscribe", room, "--if-exists").json()["events"] == []


@pytest.mark.servers("ejabberd")
def test_others_are_for_moderators(xmppctl, alice, bob, room, raw):
    carol = f"carol@{alice.domain}"
    record = run(xmppctl, alice, "subscribe", room, "--subscriber", carol).json()
    assert (record["jid"], record["nick"]) == (carol, "carol")
    muc.refused(run(xmppctl, bob, "subscribe", room, "--subscriber", bob.jid, code=6), "forbidden")
    muc.refused(run(xmppctl, bob, "unsubscribe", room, "--subscriber", carol, code=6), "forbidden")
    owner = raw(alice)
    assert subscribed(owner, room) == {carol: {"messages"}}
    run(xmppctl, alice, "unsubscribe", room, "--subscriber", carol)
    run(xmppctl, alice, "unsubscribe", room, "--subscriber", carol, code=6)
    assert subscribed(owner, room) == {}


@pytest.mark.servers("ejabberd")
def test_a_room_with_a_password(xmppctl, alice, bob, room):
    env = {"XMPPCTL_ROOM_PASSWORD": "s3 cret"}
    change = ("--field", "passwordprotectedroom=1")
    run(xmppctl, alice, "config", room, *change, env=env)
    error = muc.refused(run(xmppctl, bob, "subscribe", room, code=6), "not-authorized")
    assert "--room-password-file" in error["hint"]
    again = run(xmppctl, bob, "subscribe", room, "--debug-xml", env=env)
    assert "s3 cret" not in again.out + again.err


def test_where_there_are_no_subscriptions(xmppctl, alice, room, server):
    if Feature.MUC_SUB in server.features:
        run(xmppctl, alice, "config", room, "--field", "allow_subscription=0")
        run(xmppctl, alice, "subscriptions", server.pubsub, code=7)
    else:
        run(xmppctl, alice, "subscriptions", code=7)
    for verb in ("subscribe", "unsubscribe", "subscribers"):
        error = run(xmppctl, alice, verb, room, code=7).error()
        assert "urn:xmpp:mucsub:0" in error["text"]


def test_an_unknown_event(xmppctl):
    run = xmppctl("muc", "subscribe", "r@c.x.test", "--event", "messages,x", jid="a@x.test")
    assert "'x'" in run.expect(2).err
