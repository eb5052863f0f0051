"""XEP-0424 and XEP-0425: taking messages back, and what archives leave of them."""

from datetime import UTC, datetime

import pytest

from tests.unit.protocol.payload.common import OWN, read
from xmppctl.model.jid import parse as jid
from xmppctl.model.occupant import Moderated
from xmppctl.model.payload.reference import Fallback, Retract, Retracted
from xmppctl.protocol import message, outgoing
from xmppctl.protocol.payload import Context, retraction
from xmppctl.session.xml import parse

ROOM = "room@muc.example.com"
RETRACT = "<retract id='wrong-recipient-1' xmlns='urn:xmpp:message-retract:1'/>"
RETRACT_OLD = (
    "<apply-to id='origin-id-1' xmlns='urn:xmpp:fasten:0'>"
    "<retract xmlns='urn:xmpp:message-retract:0'/></apply-to>"
)
MODERATED = (
    "<retract id='stanza-id-1' xmlns='urn:xmpp:message-retract:1'>"
    "<moderated by='room@muc.example.com/macbeth' xmlns='urn:xmpp:message-moderate:1'>"
    "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='dd72603deec90a38ba552f7c68cbcc61bca202cd'/>"
    "</moderated><reason>This message contains inappropriate content</reason></retract>"
)
TOMBSTONE = (
    "<retracted stamp='2019-09-20T23:09:32Z' id='retract-message-1'"
    " xmlns='urn:xmpp:message-retract:1'/>"
)
TOMBSTONE_OLD = (
    "<retracted stamp='2019-09-20T23:09:32Z' xmlns='urn:xmpp:message-retract:0'>"
    "<origin-id xmlns='urn:xmpp:sid:0' id='origin-id-1'/></retracted>"
)
TOMBSTONE_MODERATED = (
    "<retracted stamp='2019-09-20T23:19:12Z' xmlns='urn:xmpp:message-retract:1'>"
    "<moderated by='witch@shakespeare.example' xmlns='urn:xmpp:message-moderate:1'/>"
    "<reason>inappropriate</reason></retracted>"
)
TOMBSTONE_MODERATED_OLD = (
    "<moderated by='room@muc.example.com/macbeth' xmlns='urn:xmpp:message-moderate:0'>"
    "<retracted stamp='2019-09-20T23:19:12Z' xmlns='urn:xmpp:message-retract:0'/>"
    "<reason>inappropriate</reason></moderated>"
)
AT = datetime(2019, 9, 20, 23, 9, 32, tzinfo=UTC)
LATER = datetime(2019, 9, 20, 23, 19, 12, tzinfo=UTC)


# --- wishes -------------------------------------------------------------------------------------


def test_a_retraction():
    found = read(
        "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/>"
        f"<body>/me retracted a previous message</body>{RETRACT}"
    )
    assert found.retract == Retract("wrong-recipient-1")
    assert found.fallback == [Fallback("urn:xmpp:message-retract:1")]
    assert (found.retracted, found.moderated, found.fastening) == (None, None, None)
    assert found.extensions == []


def test_one_of_the_earlier_version():
    found = read(RETRACT_OLD)
    assert found.retract == Retract("origin-id-1")
    assert (found.fastening, found.moderated, found.extensions) == (None, None, [])
    # who writes both means the same message, by the id of the newer version
    assert read(RETRACT_OLD + RETRACT).retract == Retract("wrong-recipient-1")


@pytest.mark.parametrize(
    ("inside", "tag"),
    [
        (RETRACT.replace("id=", "no="), "{urn:xmpp:message-retract:1}retract"),
        (RETRACT.replace("wrong-recipient-1", ""), "{urn:xmpp:message-retract:1}retract"),
        (RETRACT_OLD.replace("id=", "no="), "{urn:xmpp:fasten:0}apply-to"),
    ],
)
def test_a_retraction_of_nothing_is_none(inside, tag):
    found = read(inside)
    assert (found.retract, found.extensions) == (None, [tag])


def test_a_moderation_is_no_retraction_of_its_sender():
    found = read(MODERATED, sender=ROOM, kind="groupchat", room=ROOM)
    assert found.retract is None
    assert found.moderated == Moderated(
        "stanza-id-1", f"{ROOM}/macbeth", "This message contains inappropriate content"
    )
    assert found.extensions == []


@pytest.mark.parametrize(
    ("sender", "kind", "room"),
    [
        (f"{ROOM}/macbeth", "groupchat", ROOM),
        (ROOM, "chat", ROOM),
        (ROOM, "groupchat", None),
        ("juliet@capulet.example", "chat", None),
    ],
)
def test_who_else_moderates_is_not_believed(sender, kind, room):
    notes = []
    found = read(MODERATED, sender=sender, kind=kind, room=room, note=notes.append)
    assert (found.moderated, found.retract) == (None, None)
    assert found.extensions == ["{urn:xmpp:message-retract:1}retract"]
    assert notes == [f"ignored word of a moderator: {sender} is not the room"]


def test_what_is_sent():
    made = outgoing.compose(jid("lord@capulet.example"), id="retract-message-1")
    retraction.attach(made.stanza, "wrong-recipient-1")
    stanza = made.stanza
    assert stanza.find("{urn:xmpp:message-retract:1}retract").get("id") == "wrong-recipient-1"
    marked = stanza.find("{urn:xmpp:fallback:0}fallback")
    assert (marked.get("for"), len(marked)) == ("urn:xmpp:message-retract:1", 0)
    assert stanza.find("{urn:xmpp:hints}store") is not None
    assert stanza.findtext("{jabber:client}body")


def test_who_says_how_to_store_it_is_not_contradicted():
    for name in ("store", "no-store", "no-permanent-store"):
        stanza = parse(f"<message xmlns='jabber:client'><{name} xmlns='urn:xmpp:hints'/></message>")
        retraction.attach(stanza, "1")
        hints = [child.tag for child in stanza if child.tag.startswith("{urn:xmpp:hints}")]
        assert hints == [f"{{urn:xmpp:hints}}{name}"]


# --- what is left -------------------------------------------------------------------------------


def archived(inside, *, room=ROOM, notes=None):
    stanza = parse(
        f"<message xmlns='jabber:client' type='groupchat' from='{ROOM}/oldhag' id='m1'>"
        f"{inside}</message>"
    )
    note = (lambda text: None) if notes is None else notes.append
    return message.read(stanza, Context(OWN, room, trusted=frozenset({room or OWN}), note=note))


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (TOMBSTONE, Retracted(AT, id="retract-message-1")),
        (TOMBSTONE_OLD, Retracted(AT)),
        (TOMBSTONE_MODERATED, Retracted(LATER, "witch@shakespeare.example", "inappropriate")),
        (TOMBSTONE_MODERATED_OLD, Retracted(LATER, f"{ROOM}/macbeth", "inappropriate")),
        (TOMBSTONE.replace("stamp='2019", "stamp='x"), Retracted(id="retract-message-1")),
        (TOMBSTONE.replace("stamp=", "by='a@b.example' no="),
         Retracted(by="a@b.example", id="retract-message-1")),
    ],
)  # fmt: skip
def test_a_tombstone(inside, expected):
    found = archived(inside)
    assert found.retracted == expected
    assert (found.retract, found.moderated, found.extensions) == (None, None, [])


def test_a_tombstone_has_no_text():
    notes = []
    found = archived(f"<body>still here</body>{TOMBSTONE_MODERATED}", notes=notes)
    assert (found.retracted, found.body) == (None, "still here")
    assert found.extensions == ["{urn:xmpp:message-retract:1}retracted"]
    assert notes == ["ignored that a message was taken back: no archive says so"]


def test_nobody_moderates_outside_of_rooms():
    notes = []
    for inside in (TOMBSTONE_MODERATED, TOMBSTONE_MODERATED_OLD):
        assert archived(inside, room=None, notes=notes).retracted == Retracted(LATER)
    assert len(notes) == 2
    assert archived(TOMBSTONE, room=None).retracted == Retracted(AT, id="retract-message-1")


def test_moderated_but_not_taken_back_is_no_tombstone():
    old = "<moderated by='x' xmlns='urn:xmpp:message-moderate:0'/>"
    notes = []
    found = archived(old, notes=notes)
    assert (found.retracted, notes) == (None, [])
    assert found.extensions == ["{urn:xmpp:message-moderate:0}moderated"]


def test_a_new_message_is_no_tombstone():
    for room in (None, ROOM):
        found = read(TOMBSTONE, sender=f"{ROOM}/oldhag", kind="groupchat", room=room)
        assert found.retracted is None
    past = f"<delay xmlns='urn:xmpp:delay' stamp='2019-09-20T23:18:41Z' from='{ROOM}'/>"
    found = read(past + TOMBSTONE, sender=f"{ROOM}/oldhag", kind="groupchat", room=ROOM)
    assert found.retracted == Retracted(AT, id="retract-message-1")
    forged = past.replace(f"from='{ROOM}'", "from='mallory@example.org'")
    assert read(forged + TOMBSTONE, kind="groupchat", room=ROOM).retracted is None
