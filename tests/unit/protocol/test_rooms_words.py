"""What rooms and users say in messages: invitations (XEP-0045, XEP-0249), moderation (XEP-0425)."""

import pytest

from xmppctl.model.jid import parse as jid
from xmppctl.model.occupant import Invited, Moderated
from xmppctl.protocol import invitation, moderation
from xmppctl.protocol import message as records
from xmppctl.protocol.payload import Context
from xmppctl.session.xml import parse, serialise

ROOM = "darkcave@chat.shakespeare.lit"
USER = "http://jabber.org/protocol/muc#user"


def message(inner, sender=ROOM, kind="normal"):
    return parse(f"<message xmlns='jabber:client' from='{sender}' type='{kind}'>{inner}</message>")


def read(stanza):
    return records.read(stanza, Context("hecate@shakespeare.lit"))


def invited(stanza):
    return read(stanza).invite


def moderated(stanza, room=ROOM):
    return records.read(stanza, Context("hecate@shakespeare.lit", room)).moderated


# --- invitations ----------------------------------------------------------------------------------

MEDIATED = (
    f"<x xmlns='{USER}'><invite from='crone1@shakespeare.lit/desktop'>"
    "<reason>Hey Hecate, this is the place for all good witches!</reason>"
    "<continue thread='e0ffe42b28561960c6b12b944a092794b9683a38'/></invite>"
    "<password>cauldronburn</password></x>"
)
DIRECT = (
    f"<x xmlns='jabber:x:conference' jid='{ROOM}' reason='Hey Hecate' password='cauldronburn' "
    "continue='true' thread='e0ffe42b'/>"
)


def test_an_invitation_through_the_room():
    expected = Invited(
        room=ROOM,
        kind="mediated",
        inviter="crone1@shakespeare.lit/desktop",
        reason="Hey Hecate, this is the place for all good witches!",
        password="cauldronburn",
        thread="e0ffe42b28561960c6b12b944a092794b9683a38",
    )
    assert invited(message(MEDIATED)) == expected
    # both servers put the other form beside it
    assert invited(message(MEDIATED + DIRECT)) == expected


def test_an_invitation_past_the_room():
    sender = "crone1@shakespeare.lit/desktop"
    assert invited(message(DIRECT, sender)) == Invited(
        ROOM, "direct", sender, "Hey Hecate", "cauldronburn", "e0ffe42b"
    )
    least = f"<x xmlns='jabber:x:conference' jid='{ROOM}'/>"
    assert invited(message(least, sender)) == Invited(ROOM, "direct", sender)


def test_a_refusal():
    declined = (
        f"<x xmlns='{USER}'><decline from='hecate@shakespeare.lit'>"
        "<reason>Sorry, I'm too busy right now.</reason></decline></x>"
    )
    assert invited(message(declined)) == Invited(
        ROOM, "declined", "hecate@shakespeare.lit", "Sorry, I'm too busy right now."
    )


@pytest.mark.parametrize(
    ("inner", "sender"),
    [
        (MEDIATED, f"{ROOM}/firstwitch"),  # an occupant is not the room
        (MEDIATED, "evil@shakespeare.lit/pda"),
        (MEDIATED, "chat.shakespeare.lit"),
        ("<x xmlns='jabber:x:conference'/>", ROOM),
        ("<body>come</body>", ROOM),
        (f"<x xmlns='{USER}'/>", ROOM),
    ],
)
def test_what_is_no_invitation(inner, sender):
    assert invited(message(inner, sender)) is None


def test_what_is_sent():
    words = invitation.Words("come", "secret", continues=True, thread="t")
    direct = serialise(invitation.past_room(jid(ROOM), jid("hecate@shakespeare.lit"), words), "")
    for part in (f"jid='{ROOM}'", "reason='come'", "password='secret'", "continue='true'"):
        assert part in direct
    through = invitation.through_room(jid(ROOM), "invite", jid("hecate@shakespeare.lit"), words)
    assert "secret" not in serialise(through, "")  # the room adds it where it has one
    assert through.get("to") == ROOM
    assert through.find(f".//{{{USER}}}continue").get("thread") == "t"


# --- moderation -----------------------------------------------------------------------------------

NEW = (
    "<retract id='stanza-id-1' xmlns='urn:xmpp:message-retract:1'>"
    f"<moderated by='{ROOM}/macbeth' xmlns='urn:xmpp:message-moderate:1'/>"
    "<reason>inappropriate</reason></retract>"
)
OLD = (
    "<apply-to id='stanza-id-1' xmlns='urn:xmpp:fasten:0'>"
    f"<moderated by='{ROOM}/macbeth' xmlns='urn:xmpp:message-moderate:0'>"
    "<retract xmlns='urn:xmpp:message-retract:0'/><reason>inappropriate</reason>"
    "</moderated></apply-to>"
)


@pytest.mark.parametrize("inner", [NEW, OLD])
def test_word_of_a_moderated_message(inner):
    found = moderated(message(inner, kind="groupchat"))
    assert found == Moderated("stanza-id-1", f"{ROOM}/macbeth", "inappropriate")
    # an occupant, or a user, cannot say so
    assert moderated(message(inner, f"{ROOM}/macbeth", "groupchat")) is None
    assert moderated(message(inner, kind="chat")) is None
    # nor a room that the client is not in
    assert moderated(message(inner, kind="groupchat"), None) is None
    assert moderated(message(inner, kind="groupchat"), "heath@chat.shakespeare.lit") is None


@pytest.mark.parametrize(
    "inner", ["<retract id='x' xmlns='urn:xmpp:message-retract:1'/>", NEW.replace(" id=", " no="),
              "<apply-to id='x' xmlns='urn:xmpp:fasten:0'/>"]
)  # fmt: skip
def test_what_is_no_such_word(inner):
    assert moderated(message(inner, kind="groupchat")) is None


def test_the_request_in_both_versions():
    new = serialise(moderation.request(moderation.NS, "1", "why"), "")
    assert "apply-to" not in new
    assert "message-retract:1" in new
    old = moderation.request(moderation.NS_OLD, "1", "why")
    assert old.get("id") == "1"
    assert [child.tag for child in old] == [f"{{{moderation.NS_OLD}}}moderate"]
    assert "message-retract:0" in serialise(old, "")
