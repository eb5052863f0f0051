"""Pictures of rooms: their types, and the vCard that holds them."""

import base64
from xml.etree.ElementTree import tostring

import pytest

from tests.unit.protocol.muc.answering import Answering
from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.jid import parse as jid
from xmppctl.protocol.muc import avatar
from xmppctl.session.xml import parse

ROOM = jid("coven@chat.shakespeare.lit")
PNG = b"\x89PNG\r\n\x1a\nrest"
MUC = "http://jabber.org/protocol/muc"
INFO = "http://jabber.org/protocol/disco#info"


def photo(text):
    return avatar.photo(parse(f"<vCard xmlns='vcard-temp'>{text}</vCard>"), "by")


def test_the_picture_in_a_card():
    text = base64.encodebytes(PNG * 20).decode()
    assert photo(f"<PHOTO><TYPE>x</TYPE><BINVAL>\n {text} </BINVAL></PHOTO>") == PNG * 20
    for nothing in ("", "<PHOTO/>", "<PHOTO><BINVAL> </BINVAL></PHOTO>",
                    "<PHOTO><EXTVAL>http://x.test/</EXTVAL></PHOTO>"):  # fmt: skip
        assert photo(nothing) is None
    with pytest.raises(RefusedError):
        photo("<PHOTO><BINVAL>no base64!</BINVAL></PHOTO>")


class Room(Answering):
    """A room that keeps a card; ``deaf``: it says yes and does nothing."""

    def __init__(self, card="!item-not-found", *, deaf=False, features=(MUC, "vcard-temp")):
        super().__init__(self._answer)
        self.card = card
        self.deaf = deaf
        self.features = features

    def _answer(self, iq):
        if iq.find(f"{{{INFO}}}query") is not None:
            features = "".join(f"<feature var='{each}'/>" for each in self.features)
            return f"<query xmlns='{INFO}'>{features}</query>"
        if iq.get("type") == "get":
            return self.card
        if not self.deaf:
            self.card = tostring(iq[0], encoding="unicode")
        return ""


def test_a_room_without_a_card_gets_one():
    room = Room()
    record = room.run(lambda s: avatar.publish(s, ROOM, PNG))
    assert (record.present, record.type, record.size) == (True, "image/png", len(PNG))
    assert record.advertised is None
    assert room.run(lambda s: avatar.fetch(s, ROOM))[1] == PNG


def test_a_room_that_does_not_keep_it():
    for operation in (
        lambda s: avatar.publish(s, ROOM, b"GIF89a"),
        lambda s: avatar.remove(s, ROOM, if_exists=False),
    ):
        card = base64.b64encode(PNG).decode()
        room = Room(
            f"<vCard xmlns='vcard-temp'><PHOTO><BINVAL>{card}</BINVAL></PHOTO></vCard>", deaf=True
        )
        with pytest.raises(RefusedError) as caught:
            room.run(operation)
        assert caught.value.condition == "not-applied"


def test_a_room_without_avatars():
    with pytest.raises(UnsupportedError):
        Room("!service-unavailable", features=(MUC,)).run(lambda s: avatar.fetch(s, ROOM))


def test_a_card_that_may_not_be_seen():
    with pytest.raises(RefusedError) as caught:
        Room("!forbidden").run(lambda s: avatar.fetch(s, ROOM))
    assert caught.value.condition == "forbidden"
