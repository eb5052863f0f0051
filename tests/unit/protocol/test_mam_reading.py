"""What an archive holds: rooms, their events, nodes; and what is not believed."""

from xml.etree.ElementTree import fromstring

import pytest

from xmppctl.errors import UnsupportedError
from xmppctl.protocol.mam.reading import Reader

OWN, ROOM = "me@x.test", "r@rooms.test"
USER = "<x xmlns='http://jabber.org/protocol/muc#user'><item jid='{}' role='moderator'/></x>"


def read(stanza, *, room=None, node=None):
    forwarded = fromstring(
        "<forwarded xmlns='urn:xmpp:forward:0'>"
        f"<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>{stanza}</forwarded>"
    )
    reader = Reader(own=OWN, room=room, node=node, by=room or OWN, raw=False)
    return reader.read(forwarded, "1")


def said(content, sender=f"{ROOM}/nick"):
    return f"<message xmlns='jabber:client' type='groupchat' from='{sender}'>{content}</message>"


def test_the_room_alone_tells_who_speaks():
    stanza = said("<body>hi</body>" + USER.format("me@x.test/a"))
    inside = read(stanza, room=ROOM)
    assert (inside.room, inside.muc.real_jid, inside.direction) == (ROOM, "me@x.test/a", "out")
    outside = read(stanza)
    assert (outside.room, outside.muc.nick, outside.muc.real_jid) == (None, "nick", None)


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
    with pytest.raises(UnsupportedError, match="node"):
        read(said("<body>b</body>"), node="news")
