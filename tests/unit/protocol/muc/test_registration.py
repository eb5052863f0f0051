"""Registering a nickname: the forms of XEP-0045 §7.10 and what servers make of them."""

import pytest

from tests.unit.protocol.muc.answering import Answering
from xmppctl.errors import RefusedError, UnsupportedError, UsageError
from xmppctl.model.jid import parse as jid
from xmppctl.protocol.muc import registration

ROOM = jid("coven@chat.shakespeare.lit")
MUC = "http://jabber.org/protocol/muc"
INFO = "http://jabber.org/protocol/disco#info"
NS = "jabber:iq:register"
# §7.10, example 74
FORM = (
    f"<query xmlns='{NS}'><instructions>x</instructions><x xmlns='jabber:x:data' type='form'>"
    f"<field type='hidden' var='FORM_TYPE'><value>{MUC}#register</value></field>"
    "<field label='Given Name' type='text-single' var='muc#register_first'/>"
    "<field label='Desired Nickname' type='text-single' var='muc#register_roomnick'><required/>"
    "</field></x></query>"
)
DONE = f"<query xmlns='{NS}'><registered/><username>thirdwitch</username></query>"


class Room(Answering):
    """A room with registration; the states are answered one after the other."""

    def __init__(self, *states, reserved="", features=(MUC, NS)):
        super().__init__(self._answer)
        self.states = list(states)
        self.reserved = reserved
        self.features = features

    def _answer(self, iq):
        info = iq.find(f"{{{INFO}}}query")
        if info is not None and info.get("node") == "x-roomuser-item":
            return self.reserved
        if info is not None:
            features = "".join(f"<feature var='{each}'/>" for each in self.features)
            return f"<query xmlns='{INFO}'>{features}</query>"
        return "" if iq.get("type") == "set" else self.states.pop(0)

    @property
    def submitted(self):
        return {
            field.get("var"): field.findtext("{jabber:x:data}value")
            for iq in self.sent
            if iq.get("type") == "set"
            for field in iq.iter("{jabber:x:data}field")
        }


def register(room, nick=None, **answers):
    given = {name: [value] for name, value in answers.items()}
    return room.run(lambda s: registration.register(s, ROOM, nick, given))


def test_the_form_is_filled():
    room = Room(FORM, DONE)
    record = register(room, "thirdwitch", first="Brunhilde")
    assert room.submitted == {
        "FORM_TYPE": f"{MUC}#register",
        "muc#register_first": "Brunhilde",
        "muc#register_roomnick": "thirdwitch",
    }
    assert (record.registered, record.nick) == (True, "thirdwitch")


def test_the_localpart_is_the_default():
    room = Room(FORM, DONE)
    register(room)
    assert room.submitted["muc#register_roomnick"] == "alice"
    room = Room(FORM, DONE)
    register(room, roomnick="x")
    assert room.submitted["muc#register_roomnick"] == "x"


def test_another_nickname_where_the_form_is_not_given_again():
    room = Room(DONE, DONE)
    register(room, "other")
    assert room.submitted == {"FORM_TYPE": f"{MUC}#register", "muc#register_roomnick": "other"}


def test_the_nickname_that_is_registered_already_is_not_submitted():
    room = Room(DONE)
    assert register(room, "thirdwitch").nick == "thirdwitch"
    assert room.submitted == {}


def test_an_unknown_field():
    room = Room(FORM)
    with pytest.raises(UsageError, match="'email'"):
        register(room, email="x")
    assert room.submitted == {}


def test_a_registration_that_did_not_happen():
    with pytest.raises(RefusedError) as caught:
        register(Room(FORM, FORM), "thirdwitch")
    assert caught.value.condition == "not-applied"


def test_registration_that_is_not_offered():
    with pytest.raises(UnsupportedError):
        register(Room("!service-unavailable", features=(MUC,)))


def test_an_answer_that_is_none():
    with pytest.raises(RefusedError) as caught:
        register(Room("<query xmlns='evil'/>"))
    assert caught.value.condition == "malformed-answer"


def test_a_nickname_that_stays_registered():
    with pytest.raises(RefusedError) as caught:
        Room(DONE, DONE).run(lambda s: registration.unregister(s, ROOM, if_exists=False))
    assert caught.value.condition == "not-applied"


def reserved(answer, *states, features=(MUC, NS)):
    room = Room(*states, reserved=answer, features=features)
    return room.run(lambda s: registration.reserved(s, ROOM))


def test_the_reserved_nickname_as_in_the_xep():
    # §7.12, example 82
    identity = "<identity category='conference' name='thirdwitch' type='text'/>"
    found = reserved(f"<query xmlns='{INFO}' node='x-roomuser-item'>{identity}</query>")
    assert (found.jid, found.registered, found.nick) == (str(ROOM), True, "thirdwitch")
    found = reserved(f"<query xmlns='{INFO}' node='x-roomuser-item'/>")
    assert (found.registered, found.nick) == (False, None)


def test_the_service_is_asked_where_rooms_know_nothing():
    found = reserved("!item-not-found", DONE)
    assert (found.jid, found.nick) == (ROOM.domain, "thirdwitch")
    found = reserved("!item-not-found", features=(MUC,))
    assert (found.jid, found.registered) == (str(ROOM), False)
    with pytest.raises(RefusedError):
        reserved("!forbidden")
