"""Notifications (XEP-0060 §7.1.2, §8, §12), those of rooms too (XEP-0316, MUC/Sub)."""

import pytest

from tests.unit.protocol.payload.common import OWN, ROOM, read
from xmppctl.model.payload.content import EventItem
from xmppctl.protocol.payload import pubsub

SERVICE = "pubsub.shakespeare.lit"
NODES = "urn:xmpp:mucsub:nodes:"


def event(inside, sender=SERVICE, **more):
    return read(f"<event xmlns='{pubsub.NS}'>{inside}</event>", sender=sender, **more)


def test_items_with_payload_without_and_taken_back():
    found = event(
        "<items node='princely_musings'>"
        "<item id='ae890' publisher='hamlet@denmark.lit'>"
        "<entry xmlns='urn:e'>a&amp;b</entry></item>"
        "<item id='b'/><retract id='c'/><retract/></items>",
        kind="headline",
    )
    assert found.extensions == []
    told = found.pubsub
    assert (told.node, told.service, told.type) == ("princely_musings", SERVICE, "items")
    assert told.items == [
        EventItem("ae890", "hamlet@denmark.lit", "<entry xmlns='urn:e'>a&amp;b</entry>"),
        EventItem("b"),
    ]
    assert told.retracted == ["c"]


def test_the_other_events():
    purged = event("<purge node='n'/>").pubsub
    assert (purged.type, purged.node, purged.items) == ("purge", "n", [])
    deleted = event("<delete node='n'><redirect uri='xmpp:h.lit?;node=m'/></delete>").pubsub
    assert (deleted.type, deleted.redirect) == ("delete", "xmpp:h.lit?;node=m")
    assert event("<delete node='n'/>").pubsub.redirect is None
    changed = event(
        "<configuration node='n'><x xmlns='jabber:x:data' type='result'>"
        "<field var='pubsub#title'><value>T</value></field></x></configuration>"
    ).pubsub
    assert (changed.type, changed.form.fields[0].values) == ("configuration", ["T"])
    assert event("<configuration node='n'/>").pubsub.form is None
    given = event(
        "<subscription node='n' jid='a@b' subscription='subscribed' subid='1' expiry='x'/>"
    ).pubsub
    assert (given.type, given.jid, given.subscription, given.subid) == (
        *("subscription", "a@b"),
        *("subscribed", "1"),
    )


@pytest.mark.parametrize(
    "inside", ["", "<items/>", "<items node=''/>", "<odd node='n'/>", "<items xmlns='' node='n'/>"]
)
def test_what_says_nothing_is_an_extension(inside):
    found = event(inside)
    assert (found.pubsub, found.extensions) == (None, [pubsub.EVENT])


def test_a_bounce_is_no_event():
    assert event("<purge node='n'/>", kind="error").pubsub is None


def test_events_of_a_room_and_of_an_occupant():
    for sender in (ROOM, f"{ROOM}/nick"):
        assert event("<items node='n'/>", sender).pubsub.service == sender


# --- what is said in a room with subscriptions ---------------------------------------------------


def subscribed(inner, sender, node=f"{NODES}messages", **more):
    return event(f"<items node='{node}'><item id='i'>{inner}</item></items>", sender, **more)


def said(content, sender=f"{ROOM}/nick", kind="groupchat"):
    return (
        f"<message xmlns='jabber:client' type='{kind}' id='s' from='{sender}'>{content}</message>"
    )


WHO = "<x xmlns='http://jabber.org/protocol/muc#user'><item jid='a@b/c' role='visitor'/></x>"


def test_the_message_is_read_as_the_rooms():
    content = f"<body>hear ye</body>{WHO}<stanza-id xmlns='urn:xmpp:sid:0' by='{ROOM}' id='7'/>"
    found = subscribed(said(content), ROOM, kind="normal", raw=True)
    assert (found.from_, found.type, found.body, found.id) == (
        *(f"{ROOM}/nick", "groupchat"),
        *("hear ye", "s"),
    )
    assert (found.muc.nick, found.muc.real_jid, found.muc.role) == ("nick", "a@b/c", "visitor")
    assert [each.id for each in found.stanza_ids] == ["7"]
    assert (found.pubsub, found.extensions) == (None, [])
    assert "pubsub#event" in found.raw_xml


def test_what_holds_for_the_notification_holds_for_the_message():
    delay = f"<delay xmlns='urn:xmpp:delay' from='{OWN}' stamp='2020-01-01T00:00:00Z'/>"
    inner = said("<body>late</body>")
    items = f"<items node='{NODES}messages'><item>{inner}</item></items>"
    found = read(f"<event xmlns='{pubsub.NS}'>{items}</event>{delay}", sender=ROOM)
    assert found.body == "late"
    assert found.timestamp.year == found.delay.stamp.year == 2020


@pytest.mark.parametrize(
    ("sender", "inner"),
    [
        ("eve@x.test/a", said("<body>forged</body>")),
        ("eve@x.test", said("<body>forged</body>")),
        # an occupant can write to others through the room, under its nickname
        (f"{ROOM}/eve", said("<body>forged</body>")),
        (f"{ROOM}/eve", said("<body>forged</body>", f"{ROOM}/eve")),
        (ROOM, said("<body>forged</body>", "other@rooms.test/nick")),
        (ROOM, said("<body>forged</body>", kind="chat")),
    ],
)
def test_nobody_else_speaks_for_a_room(sender, inner):
    for room in (None, ROOM):
        found = subscribed(inner, sender, kind="chat", room=room)
        assert (found.from_, found.body) == (sender, None)
        assert found.pubsub.node == f"{NODES}messages"


def test_another_node_of_the_room_is_not_its_talk():
    found = subscribed(said("<body>b</body>"), ROOM, node="news")
    assert (found.body, found.pubsub.node) == (None, "news")


def test_occupant_ids_where_the_room_announces_them():
    own_word = "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='o1'/>"
    inner = said(f"<body>b</body>{own_word}")
    assert subscribed(inner, ROOM).occupant_id is None
    features = frozenset({"urn:xmpp:occupant-id:0"})
    assert subscribed(inner, ROOM, room=ROOM, features=features).occupant_id == "o1"
