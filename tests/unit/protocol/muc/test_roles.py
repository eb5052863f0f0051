"""Roles: who counts as being in the room, and what the room says of it."""

import pytest

from tests.unit.protocol.muc.answering import Answering
from xmppctl.errors import RefusedError
from xmppctl.model.jid import parse as jid
from xmppctl.protocol.muc import roles

ROOM = jid("coven@chat.shakespeare.lit")
NS = "http://jabber.org/protocol/muc"
ME = "alice@fake.test/r"


def presence(nick, role="participant", *codes, kind="", sender=ROOM, real=None):
    status = "".join(f"<status code='{code}'/>" for code in codes)
    real = f" jid='{real}'" if real else ""
    return (
        f"<presence from='{sender}/{nick}' to='{ME}'{kind}><x xmlns='{NS}#user'>"
        f"<item affiliation='none' role='{role}'{real}/>{status}</x></presence>"
    )


OUT = " type='unavailable'"


class Room(Answering):
    """A room with ``others`` in it; ``taken`` nicknames are refused."""

    def __init__(self, *others, taken=(), told=(), answer=""):
        super().__init__(self._answer)
        self.others = others
        self.taken = taken
        self.told = told
        self.reply = answer

    def _answer(self, stanza):
        if stanza.tag == "{jabber:client}presence":
            nick = stanza.get("to").partition("/")[2]
            if stanza.get("type") == "unavailable":
                self.come(presence(nick, "none", 110, kind=OUT))
            elif nick in self.taken:
                self.come(
                    f"<presence from='{ROOM}/{nick}' type='error'><error type='cancel'>"
                    "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>"
                )
            else:
                self.come(*self.others, presence(nick, "moderator", 110))
            return None
        self.come(*self.told)
        return self.reply

    def set_role(self, nick="pistol", role="none", entry=None):
        entry = entry or roles.Entry()
        return self.run(lambda s: roles.set_role(s, ROOM, nick, role, reason="Avaunt", entry=entry))

    @property
    def nicks(self):
        """The nicknames of the joins."""
        return [
            stanza.get("to").partition("/")[2]
            for stanza in self.sent
            if stanza.tag.endswith("presence") and stanza.get("type") is None
        ]


def test_a_kick_as_in_the_xep():
    # §8.2, examples 89 to 91
    gone = presence("pistol", "none", 307, kind=OUT, real="pistol@shakespeare.lit/harfleur")
    room = Room(presence("pistol"), told=[gone])
    record = room.set_role()
    (iq,) = [stanza for stanza in room.sent if stanza.tag.endswith("iq")]
    (item,) = iq.iter(f"{{{NS}#admin}}item")
    assert item.attrib == {"nick": "pistol", "role": "none"}
    assert item.findtext(f"{{{NS}#admin}}reason") == "Avaunt"
    assert (record.nick, record.role, record.jid) == ("pistol", "none", "pistol@shakespeare.lit")
    assert record.status_codes == [307]


@pytest.mark.parametrize(
    "others",
    [
        [],
        [presence("pistol", sender="other@chat.shakespeare.lit")],
        [presence("pistol"), presence("pistol", "none", kind=OUT)],
    ],
)
def test_who_is_not_in_the_room(others):
    room = Room(*others)
    with pytest.raises(RefusedError) as caught:
        room.set_role()
    assert caught.value.condition == "item-not-found"
    assert not [stanza for stanza in room.sent if stanza.tag.endswith("iq")]


def test_the_own_nickname_is_one_that_is_free():
    room = Room(presence("pistol"), taken=("alice",))
    room.set_role()
    assert room.nicks[0] == "alice"
    assert room.nicks[1].startswith("alice-")
    # who is to be kicked has the own localpart for a nickname
    room = Room(presence("alice"))
    room.set_role("alice")
    assert room.nicks[0].startswith("alice-")
    room = Room(presence("pistol"), taken=("boss",))
    with pytest.raises(RefusedError):
        room.set_role(entry=roles.Entry("boss"))


def request(room, wait=None):
    return room.run(lambda s: roles.request_voice(s, ROOM, wait=wait, entry=roles.Entry()))


INFO = "<query xmlns='http://jabber.org/protocol/disco#info'/>"


class Quiet(Room):
    """A room in which the account is a visitor."""

    def _answer(self, stanza):
        if stanza.tag == "{jabber:client}presence" and stanza.get("type") is None:
            self.come(presence("alice", "visitor", 110))
            return None
        if stanza.tag == "{jabber:client}message":
            self.come(*(each.replace("ID", stanza.get("id")) for each in self.told))
            return None
        return super()._answer(stanza) if stanza.tag.endswith("presence") else INFO


def test_voice_is_asked_for_as_in_the_xep():
    room = Quiet()
    assert request(room).role == "visitor"
    (message,) = [stanza for stanza in room.sent if stanza.tag.endswith("message")]
    values = {
        field.get("var"): field.findtext("{jabber:x:data}value")
        for field in message.iter("{jabber:x:data}field")
    }
    assert values == {"FORM_TYPE": f"{NS}#request", "muc#role": "participant"}


def test_voice_that_is_granted_or_not():
    assert request(Quiet(told=[presence("alice", "participant")]), 5).role == "participant"
    with pytest.raises(RefusedError) as caught:
        request(Quiet(told=[presence("alice", "none", 307, kind=OUT)]), 5)
    assert caught.value.step == "voice"
    refusal = (
        f"<message from='{ROOM}' type='error' id='ID'><error type='wait'><resource-constraint "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    )
    with pytest.raises(RefusedError) as caught:
        request(Quiet(told=[refusal]))
    assert caught.value.condition == "resource-constraint"
    forged = refusal.replace(str(ROOM), "evil@x.test")
    assert request(Quiet(told=[forged])).role == "visitor"
