"""What a room tells about itself, and errors in place of it."""

import pytest

from tests.unit.protocol.muc.answering import Answering
from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.disco import DiscoInfo, Identity, InfoField, InfoForm
from xmppctl.model.jid import parse as jid
from xmppctl.model.paging import Part
from xmppctl.protocol.muc import rooms

NS = "http://jabber.org/protocol/muc"
ROOM = jid("coven@chat.shakespeare.lit")
INFO = "http://jabber.org/protocol/disco#info"


def room(fields, features=(NS,), identities=()):
    forms = [
        InfoForm("http://jabber.org/network/serverinfo", [InfoField("abuse-addresses", ["x"])]),
        InfoForm(f"{NS}#roominfo", [InfoField(var, values) for var, values in fields.items()]),
    ]
    return rooms.describe(DiscoInfo(str(ROOM), None, list(identities), list(features), forms))


def test_the_room_of_xep_0045():
    # §6.4, example 9
    found = room(
        {
            "muc#roominfo_description": ["The place for all good witches!"],
            "muc#roominfo_contactjid": ["crone1@shakespeare.lit", "crone2@shakespeare.lit"],
            "muc#roominfo_subject": ["Spells"],
            "muc#roominfo_occupants": ["3"],
            "muc#roomconfig_changesubject": ["true"],
        },
        identities=[Identity("conference", "text", "A Dark Cave", None)],
    )
    assert (found.jid, found.name, found.occupants) == (str(ROOM), "A Dark Cave", 3)
    assert found.description == "The place for all good witches!"
    assert found.roominfo["contactjid"] == "crone1@shakespeare.lit\ncrone2@shakespeare.lit"
    assert found.roominfo["changesubject"] == "true"
    assert "abuse-addresses" not in found.roominfo


def test_two_fields_with_one_short_name():
    found = room({"muc#roominfo_lang": ["en"], "muc#roomconfig_lang": ["de"]})
    assert found.roominfo == {"lang": "en", "muc#roomconfig_lang": "de"}


def test_activity_of_xep_0502():
    field = "{urn:xmpp:muc-activity}message-activity"
    assert room({field: ["42.5"]}).message_activity == 42.5
    for odd in ("", "x", "-1", "nan", "inf"):
        assert room({field: [odd]}).message_activity is None


def test_avatar_hashes_of_xep_0486():
    found = room({"muc#roominfo_avatarhash": ["A31C", "b42d", ""]})
    assert found.avatar_hashes == ["a31c", "b42d"]


@pytest.mark.parametrize("odd", ["", "x", "-3", "٣", "1" * 4000])
def test_a_number_of_occupants_that_is_none(odd):
    assert room({"muc#roominfo_occupants": [odd]}).occupants is None


def test_a_room_that_tells_nothing():
    found = room({})
    assert (found.name, found.description, found.occupants, found.roominfo) == (
        None, None, None, {},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "kind", "condition"),
    [
        ("!item-not-found", RefusedError, "item-not-found"),
        ("!gone", RefusedError, "gone"),
        ("!forbidden", RefusedError, "forbidden"),
        ("!service-unavailable", UnsupportedError, "service-unavailable"),
        ("!subscription-required", UnsupportedError, "subscription-required"),
        (f"<query xmlns='{INFO}'/>", UnsupportedError, "feature-not-implemented"),
    ],
)
def test_what_is_no_room(answer, kind, condition):
    with pytest.raises(kind) as caught:
        Answering(lambda iq: answer).run(lambda session: rooms.facts(session, ROOM))
    assert caught.value.condition == condition


def test_a_list_that_repeats_itself_and_its_limit():
    items = "".join(f"<item jid='r{n % 3}@c.lit' name='R'/>" for n in range(9))

    def answer(iq):
        if iq.find(f"{{{INFO}}}query") is not None:
            return f"<query xmlns='{INFO}'><feature var='{NS}'/></query>"
        return f"<query xmlns='http://jabber.org/protocol/disco#items'>{items}</query>"

    async def listed(session, limit):
        return [item.jid async for item in rooms.rooms(session, jid("c.lit"), Part(limit=limit))]

    assert Answering(answer).run(lambda s: listed(s, None)) == ["r0@c.lit", "r1@c.lit", "r2@c.lit"]
    assert Answering(answer).run(lambda s: listed(s, 2)) == ["r0@c.lit", "r1@c.lit"]
