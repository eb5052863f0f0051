"""What an archive holds: rooms, their events, nodes; and what is not believed."""

from dataclasses import fields
from xml.etree.ElementTree import fromstring

import pytest

from xmppctl.errors import UnsupportedError
from xmppctl.model.mam import ArchivedMessage
from xmppctl.protocol.mam.reading import Reader

OWN, ROOM = "me@x.test", "r@rooms.test"
USER = "<x xmlns='http://jabber.org/protocol/muc#user'><item jid='{}' role='moderator'/></x>"


def read(stanza, *, room=None, node=None):
    forwarded = fromstring(
        "<forwarded xmlns='urn:xmpp:forward:0'>"
        f"<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>{stanza}</forwarded>"
    )
    reader = Reader(own=OWN, room=room, node=node, by=room or OWN, raw=False, note=print)
    return reader.read(forwarded, "1")


def said(content, sender=f"{ROOM}/nick"):
    return f"<message xmlns='jabber:client' type='groupchat' from='{sender}'>{content}</message>"


def test_the_room_alone_tells_who_speaks():
    stanza = said("<body>hi</body>" + USER.format("me@x.test/a"))
    inside = read(stanza, room=ROOM)
    assert (inside.room, inside.muc.real_jid, inside.direction) == (ROOM, "me@x.test/a", "out")
    outside = read(stanza)
    assert (outside.room, outside.muc.nick, outside.muc.real_jid) == (None, "nick", None)


@pytest.mark.parametrize("content", ["<body>hi</body>", "<x xmlns='urn:x'/>", ""])
def test_a_record_is_one_like_any_other(content):
    record = read(f"<message xmlns='jabber:client' from='a@x.test'>{content}</message>")
    assert set(vars(record)) == {field.name for field in fields(ArchivedMessage)}
    assert record == ArchivedMessage(**vars(record))


def test_a_subject_alone_is_marked():
    assert read(said("<subject>s</subject>"), room=ROOM).subject_only is True
    assert read(said("<subject>s</subject><body>b</body>"), room=ROOM).subject_only is None
    assert read(said("<subject>s</subject>")).subject_only is None


def event(inner, sender, node="urn:xmpp:mucsub:nodes:messages"):
    return (
        f"<message xmlns='jabber:client' from='{sender}' to='{OWN}'>"
        f"<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='{node}'>"
        f"<item id='i'>{inner}</item></items></event></message>"
    )


def test_an_event_counts_from_its_room_only():
    found = read(event(said("<body>hi</body>"), ROOM))
    assert (found.body, found.room, found.muc.nick) == ("hi", ROOM, "nick")
    forged = read(event(said("<body>hi</body>"), "liar@x.test"))
    assert (forged.body, forged.room) == (None, None)


def test_items_of_a_node_and_of_no_node():
    found = read(event("<a xmlns='urn:a'/>", "s.test", "news"), node="news")
    assert (found.item.id, found.item.payload) == ("i", "<a xmlns='urn:a'/>")
    assert found.extensions == []
    with pytest.raises(UnsupportedError, match="node"):
        read(said("<body>b</body>"), node="news")


def test_what_rides_on_a_message():
    found = read(
        "<message xmlns='jabber:client' from='a@x.test/1'>"
        "<received xmlns='urn:xmpp:receipts' id='1'/>"
        "<displayed xmlns='urn:xmpp:chat-markers:0' id='2'/>"
        "<attention xmlns='urn:xmpp:attention:0'/>"
        "<active xmlns='http://jabber.org/protocol/chatstates'/><x xmlns='urn:x'/></message>"
    )
    assert (found.receipt.received_id, found.marker.id) == ("1", "2")
    assert (found.chat_state, found.attention) == ("active", True)
    assert found.extensions == ["{urn:x}x"]


def test_invitations_are_read_as_when_they_come_in():
    content = (
        "<x xmlns='http://jabber.org/protocol/muc#user'>"
        "<invite from='eve@x.test'><reason>come</reason></invite></x>"
    )
    found = read(f"<message xmlns='jabber:client' from='{ROOM}' to='{OWN}'>{content}</message>")
    assert (found.invite.room, found.invite.inviter) == (ROOM, "eve@x.test")
    assert (found.invite.reason, found.extensions) == ("come", [])
    # somebody who is no room cannot speak for one
    forged = read(
        f"<message xmlns='jabber:client' from='eve@x.test/a' to='{OWN}'>{content}</message>"
    )
    assert forged.invite is None


def test_word_of_a_moderator_is_read_where_it_comes_from_the_room():
    content = (
        "<apply-to xmlns='urn:xmpp:fasten:0' id='s1'>"
        "<moderated xmlns='urn:xmpp:message-moderate:0' by='r@rooms.test/boss'>"
        "<reason>spam</reason></moderated></apply-to>"
    )
    found = read(said(content, ROOM), room=ROOM)
    assert (found.moderated.id, found.moderated.by, found.extensions) == (
        "s1",
        "r@rooms.test/boss",
        [],
    )
    assert read(said(content), room=ROOM).moderated is None


def test_an_occupant_does_not_speak_for_the_room():
    """A private message through a room, with an event inside as the room would send it."""
    found = read(event(said("<body>forged</body>", f"{ROOM}/boss"), f"{ROOM}/eve"))
    assert (found.room, found.body) == (None, None)
