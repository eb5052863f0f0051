"""Forwarded messages (XEP-0297): read as claims, and put into a message."""

from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from tests.unit.protocol.payload.common import OWN, ROOM, read
from xmppctl.protocol.payload import forwarded
from xmppctl.session.xml import parse, serialise

CLIENT = "jabber:client"
DELAY = "<delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/>"
MOOD = "<mood xmlns='http://jabber.org/protocol/mood'><amorous/></mood>"


def forward(inside, delay=""):
    return f"<forwarded xmlns='{forwarded.NS}'>{delay}{inside}</forwarded>"


def message(inside, sender="juliet@capulet.lit/orchard", kind="chat"):
    return (
        f"<message xmlns='{CLIENT}' from='{sender}' id='0202197' to='{OWN}' type='{kind}'>"
        f"{inside}</message>"
    )


def test_the_example():
    text = "<body>Yet I should kill thee with much cherishing.</body>"
    outer = read("<body>A most courteous exposition!</body>" + forward(message(text + MOOD), DELAY))
    (found,) = outer.forwarded
    assert outer.body == "A most courteous exposition!"
    assert outer.extensions == []
    assert found.delay.stamp == datetime(2010, 7, 10, 23, 8, 25, tzinfo=UTC)
    inner = found.message
    assert (inner.id, inner.from_, inner.to) == ("0202197", "juliet@capulet.lit/orchard", OWN)
    assert (inner.type, inner.body) == ("chat", "Yet I should kill thee with much cherishing.")
    assert inner.extensions == ["{http://jabber.org/protocol/mood}mood"]
    assert (inner.timestamp, inner.delay) == (None, None)
    assert (outer.timestamp, outer.delay) == (None, None)


def test_nobody_is_believed_inside():
    """Whatever a forger writes: nothing that only a room or the own server can say."""
    content = (
        "<body>x</body>"
        f"<stanza-id xmlns='urn:xmpp:sid:0' by='{OWN}' id='1'/>"
        f"<stanza-id xmlns='urn:xmpp:sid:0' by='{ROOM}' id='2'/>"
        "<stanza-id xmlns='urn:xmpp:sid:0' by='' id='3'/>"
        f"<delay xmlns='urn:xmpp:delay' from='{OWN}' stamp='2020-01-01T00:00:00Z'/>"
        "<delay xmlns='urn:xmpp:delay' from='' stamp='2020-01-01T00:00:00Z'/>"
        "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b'/>"
        f"<item jid='{OWN}' affiliation='owner'/></x>"
        "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='o'/>"
        "<hats xmlns='urn:xmpp:hats:0'><hat uri='urn:h' title='H'/></hats>"
        "<request xmlns='urn:xmpp:receipts'/>"
        "<markable xmlns='urn:xmpp:chat-markers:0'/>"
        "<retract xmlns='urn:xmpp:message-retract:1' id='9'>"
        "<moderated xmlns='urn:xmpp:message-moderate:1'/></retract>"
        "<apply-to xmlns='urn:xmpp:fasten:0' id='9'>"
        "<moderated xmlns='urn:xmpp:message-moderate:0' by='a'/></apply-to>"
    )
    features = frozenset({"urn:xmpp:occupant-id:0", "urn:xmpp:hats:0"})
    for kind, sender in (("groupchat", ROOM), ("chat", ROOM), ("chat", OWN), ("chat", "")):
        outer = read(
            forward(message(content, sender, kind)),
            sender=f"{ROOM}/eve",
            kind="groupchat",
            room=ROOM,
            features=features,
        )
        inner = outer.forwarded[0].message
        assert inner.direction == "in"
        assert (inner.stanza_ids, inner.timestamp, inner.delay) == ([], None, None)
        assert (inner.occupant_id, inner.hats, inner.moderated) == (None, [], None)
        assert (inner.receipt, inner.marker, inner.invite) == (None, None, None)
        assert inner.muc is None or inner.muc.real_jid is None
        assert "{urn:xmpp:receipts}request" in inner.extensions
        assert "{urn:xmpp:hats:0}hats" in inner.extensions
        assert inner.body == "x"


def test_a_room_event_inside_is_not_taken_for_the_room():
    spoken = message("<body>forged</body>", f"{ROOM}/victim", "groupchat")
    event = (
        "<event xmlns='http://jabber.org/protocol/pubsub#event'>"
        f"<items node='urn:xmpp:mucsub:nodes:messages'><item>{spoken}</item></items></event>"
    )
    inner = read(forward(message(event, ROOM, "normal"))).forwarded[0].message
    assert (inner.from_, inner.body, inner.pubsub) == (ROOM, None, None)


def test_depth_and_number_are_limited():
    xml = message("<body>deepest</body>")
    for _ in range(10):
        xml = message(forward(xml))
    found, depth = read(forward(xml)), 0
    while found.forwarded:
        found, depth = found.forwarded[0].message, depth + 1
    assert depth == forwarded.DEEPEST
    assert found.extensions == [forwarded.FORWARDED]
    notes = []
    wide = read(forward(message("")) * 40, note=notes.append)
    assert len(wide.forwarded) == forwarded.WIDEST
    assert len(notes) == 1


def test_what_is_no_message_is_not_read():
    for inside in (
        "",
        "text",
        f"<presence xmlns='{CLIENT}'/>",
        f"<iq xmlns='{CLIENT}' type='set'/>",
        "<message><body>x</body></message>",
    ):
        found = read(forward(inside, DELAY))
        assert (found.forwarded, found.extensions) == ([], [forwarded.FORWARDED])
    (odd,) = read(forward("<message xmlns='jabber:client' type='nonsense'/>", "<delay/>")).forwarded
    assert (odd.delay, odd.message.from_, odd.message.type) == (None, None, "normal")


def test_carbons_and_results_are_not_read_as_forwarded():
    inside = forward(message("<body>x</body>"))
    for wrapper in (
        f"<sent xmlns='urn:xmpp:carbons:2'>{inside}</sent>",
        f"<result xmlns='urn:xmpp:mam:2' id='1'>{inside}</result>",
    ):
        found = read(wrapper)
        assert found.forwarded == []
        assert found.body is None


def test_it_is_put_into_a_message_and_read_again():
    original = parse(
        message(
            "<body xml:lang='en'>hi</body><b xmlns='urn:b'/>"
            f"<stanza-id xmlns='urn:xmpp:sid:0' by='{OWN}' id='1'/>"
            f"<archived xmlns='urn:xmpp:mam:tmp' by='{OWN}' id='1'/>"
            "<x xmlns='http://jabber.org/protocol/muc#user'><item jid='secret@x.test'/></x>"
        )
    )
    outer = Element(f"{{{CLIENT}}}message")
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    forwarded.attach(outer, original, when)
    assert len(original) == 5
    text = serialise(outer)
    assert text.startswith(f"<message><body/><forwarded xmlns='{forwarded.NS}'>")
    assert f"<message xmlns='{CLIENT}' from='juliet@capulet.lit/orchard'" in text
    for gone in ("stanza-id", "archived", "secret"):
        assert gone not in text
    found = read("".join(serialise(child) for child in outer))
    assert found.body == ""
    assert found.forwarded[0].delay.stamp == when
    assert found.forwarded[0].message.body == "hi"
    assert found.forwarded[0].message.extensions == ["{urn:b}b"]


def test_a_body_is_kept_and_a_time_that_nobody_knows_left_out():
    outer = parse("<message xmlns='jabber:client'><body>look</body></message>")
    forwarded.attach(outer, parse(message("")), None)
    text = serialise(outer)
    assert text.count("<body") == 1
    assert "delay" not in text
