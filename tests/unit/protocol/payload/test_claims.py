"""Nicknames, occupants, invitations, suggested contacts, questions about requests."""

import pytest

from tests.unit.protocol.payload.common import OWN, ROOM, SENDER, read
from xmppctl.model.occupant import Invited
from xmppctl.model.payload.content import HttpConfirm
from xmppctl.model.rosterx import Suggested
from xmppctl.protocol import rosterx

# --- XEP-0172 -----------------------------------------------------------------------------------


def nick(text):
    return f"<nick xmlns='http://jabber.org/protocol/nick'>{text}</nick>"


def test_a_nickname():
    found = read("<body>Call me Ishmael</body>" + nick(" Ishmael\n"))
    assert (found.nick, found.extensions) == ("Ishmael", [])


@pytest.mark.parametrize("text", ["", "  ", "<b/>", "x" * 1024])
def test_what_is_no_nickname(text):
    found = read(nick(text))
    assert (found.nick, found.extensions) == (None, ["{http://jabber.org/protocol/nick}nick"])


# --- XEP-0421, XEP-0317 -------------------------------------------------------------------------

ID = "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='dd72'/>"
HATS = "<hats xmlns='urn:xmpp:hats:0'><hat uri='urn:h' title='Host' hue='327.3'/></hats>"
OLD_HATS = "<hats xmlns='xmpp:prosody.im/protocol/hats:1'><hat uri='urn:o'/></hats>"


def spoken(content, *features, room=ROOM, notes=None):
    return read(
        content,
        sender=f"{ROOM}/nick",
        kind="groupchat",
        room=room,
        features=frozenset(features),
        note=[].append if notes is None else notes.append,
    )


def test_id_and_hats_that_the_room_announces():
    found = spoken(ID + HATS + OLD_HATS, "urn:xmpp:occupant-id:0", "urn:xmpp:hats:0")
    assert found.occupant_id == "dd72"
    assert [(hat.uri, hat.title, hat.hue) for hat in found.hats] == [("urn:h", "Host", 327.3)]


def test_id_and_hats_that_nobody_vouches_for():
    notes = []
    found = spoken(ID + HATS, "muc_public", notes=notes)
    assert (found.occupant_id, found.hats, len(notes)) == (None, [], 2)
    assert len(found.extensions) == 2
    notes.clear()
    found = spoken(ID + HATS, "urn:xmpp:occupant-id:0", notes=notes)
    assert (found.occupant_id, found.hats) == ("dd72", [])
    assert found.extensions == ["{urn:xmpp:hats:0}hats"]
    assert notes == [f"ignored hats: {ROOM} does not vouch for them"]
    outside = spoken(ID + HATS, "urn:xmpp:occupant-id:0", "urn:xmpp:hats:0", room=None)
    assert (outside.occupant_id, outside.hats) == (None, [])


# --- XEP-0249, XEP-0045 §7.8 --------------------------------------------------------------------

DIRECT = "<x xmlns='jabber:x:conference' jid='darkcave@macbeth.lit' {}/>"
USER = "<x xmlns='http://jabber.org/protocol/muc#user'>{}</x>"
INVITE = USER.format(
    "<invite from='crone1@s.lit'><reason>Hey</reason></invite><password>p</password>"
)


def test_a_direct_invitation():
    words = "continue='true' password='cauldronburn' reason='Hey Hecate' thread='e0ff'"
    found = read(DIRECT.format(words), kind="normal")
    assert found.invite == Invited(
        "darkcave@macbeth.lit", "direct", SENDER, "Hey Hecate", "cauldronburn", "e0ff"
    )


@pytest.mark.parametrize("jid", ["", "@", "macbeth.lit", "a@b/c", "a b@c", "x" * 2000 + "@c"])
def test_a_direct_invitation_into_no_room(jid):
    found = read(f"<x xmlns='jabber:x:conference' jid='{jid}'/>", kind="normal")
    assert (found.invite, found.extensions) == (None, ["{jabber:x:conference}x"])
    assert read("<x xmlns='jabber:x:conference'/>").invite is None


def test_an_invitation_through_the_room_says_more_than_the_other():
    both = DIRECT.format("reason='x'") + INVITE
    found = read(both, sender=ROOM, kind="normal")
    assert found.invite == Invited(ROOM, "mediated", "crone1@s.lit", "Hey", "p", None)
    declined = USER.format("<decline from='hecate@s.lit'><reason>no</reason></decline>")
    found = read(declined, sender=ROOM, kind="normal")
    assert (found.invite.kind, found.invite.inviter) == ("declined", "hecate@s.lit")


def test_only_a_room_invites_in_its_own_name():
    for sender in ("eve@x.test/a", f"{ROOM}/eve", "rooms.test"):
        notes = []
        found = read(INVITE, sender=sender, note=notes.append)
        assert (found.invite, len(notes)) == (None, 1)
    notes = []  # a copy of what another client of the account asks the room for
    assert read(INVITE, sender=f"{OWN}/desk", note=notes.append).invite is None
    assert notes == []


def test_what_bounced_invites_nobody():
    assert read(INVITE, sender=ROOM, kind="error").invite is None
    assert read(DIRECT.format(""), kind="error").invite is None


# --- XEP-0144 -----------------------------------------------------------------------------------


def items(xml):
    return f"<x xmlns='{rosterx.NS}'>{xml}</x>"


def test_suggested_contacts():
    found = read(
        "<body>Some visitors, m'lord!</body>"
        + items(
            "<item action='add' jid='rosencrantz@denmark.lit' name='R'>"
            "<group>Visitors</group></item><item action='delete' jid='guildenstern@denmark.lit'/>"
            "<item jid=''/><item jid='a@b/c'/>"
        )
    )
    assert found.contacts == [
        Suggested("add", "rosencrantz@denmark.lit", "R", ["Visitors"]),
        Suggested("delete", "guildenstern@denmark.lit", None, []),
    ]
    assert found.extensions == []


def test_suggestions_that_are_none_or_too_many():
    assert read(items("")).extensions == [rosterx.X]
    assert read(items("<item jid='a@b'/>"), kind="error").contacts == []
    notes = []
    many = items("".join(f"<item jid='a{n}@b.test'/>" for n in range(rosterx.MANY + 5)))
    assert len(read(many, note=notes.append).contacts) == rosterx.MANY
    assert len(notes) == 1


# --- XEP-0070 -----------------------------------------------------------------------------------

CONFIRM = "<confirm xmlns='http://jabber.org/protocol/http-auth' {}/>"
URL = "https://files.shakespeare.lit:9345/missive.html"


def test_a_question_about_a_request():
    found = read(
        "<thread>e0ff</thread>" + CONFIRM.format(f"id='a7374' method='GET' url='{URL}'"),
        sender="files.shakespeare.lit",
        kind="normal",
    )
    assert found.http_confirm == HttpConfirm("a7374", "GET", URL)
    assert (found.thread, found.extensions) == ("e0ff", [])


@pytest.mark.parametrize(
    "attributes", ["", "id='1' method='GET'", "id='' method='GET' url='u'", "id='1' url='u'"]
)
def test_a_question_that_lacks_something(attributes):
    assert read(CONFIRM.format(attributes)).http_confirm is None


def test_a_refusal_is_no_question():
    confirm = CONFIRM.format(f"id='1' method='GET' url='{URL}'")
    assert read(confirm, kind="error").http_confirm is None
