"""Markers and messages: the XEP's own example, what is nonsense, what counts."""

import asyncio
from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.session.streams import make_session
from xmppctl.errors import RefusedError
from xmppctl.model.jid import parse
from xmppctl.model.mam import ArchivedMessage
from xmppctl.model.payload.content import Encryption
from xmppctl.model.unread import Displayed
from xmppctl.protocol import mam, mds, ngx
from xmppctl.protocol.unread import Marker, Tally, chat_of, counts, locate
from xmppctl.session.xml import serialise

OWN = "juliet@capulet.lit"
ROMEO = parse("romeo@montegue.lit")
ID = "0f710f2b-52ed-4d52-b928-784dad74a52b"
EXAMPLE = (
    "<displayed xmlns='urn:xmpp:mds:displayed:0'>"
    f"<stanza-id xmlns='urn:xmpp:sid:0' by='{OWN}' id='{ID}'/></displayed>"
)
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_the_example():
    marker = mds.read(fromstring(EXAMPLE), OWN)
    assert marker == Displayed(id=ID, by=OWN)
    assert mds.read(fromstring(serialise(mds.element(marker), "")), OWN) == marker


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<stanza-id xmlns='urn:xmpp:sid:0'/>",
        "<stanza-id xmlns='urn:xmpp:sid:0' id=''/>",
        "<stanza-id xmlns='other' id='1' by='a'/>",
        "<stanza-id xmlns='urn:xmpp:sid:0' id='1'/><stanza-id xmlns='urn:xmpp:sid:0' id='2'/>",
    ],
)
def test_no_marker(inside):
    text = f"<displayed xmlns='urn:xmpp:mds:displayed:0'>{inside}</displayed>"
    assert mds.read(fromstring(text), OWN) is None


def test_an_id_that_does_not_tell_by_whom():
    text = EXAMPLE.replace(f"by='{OWN}'", "")
    assert mds.read(fromstring(text), OWN) == Displayed(id=ID, by=OWN)
    assert mds.read(fromstring(EXAMPLE.replace("mds:displayed", "other")), OWN) is None


@pytest.mark.parametrize(
    "text", [None, "", "0", "-1", "1.5", "1e3", "²", "253402300800000", "9" * 99]
)
def test_no_time(text):
    assert ngx.moment(text) is None


def test_times_in_milliseconds():
    assert ngx.moment("1500") == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)
    assert ngx.moment("253402300799999").year == 9999


def test_entries_of_others_stay():
    entries = fromstring(
        f"<entries xmlns='{ngx.READ}'><last-read jid='{ROMEO}' date='1' x='y'/><other/>"
        f"<last-read jid='@@'/><last-read jid='ROMEO@montegue.lit' date='2'/></entries>"
    )
    other = parse("a@x.test")
    made = ngx.changed(entries, {ROMEO: Displayed(at=NOON), other: Displayed(at=NOON)})
    date = str(int(NOON.timestamp()) * 1000)
    assert [dict(child.attrib) for child in made] == [
        {"jid": str(ROMEO), "date": date, "x": "y"},
        {},
        {"jid": "@@"},
        {"jid": "a@x.test", "date": date},
    ]
    assert len(entries) == 4


def message(number=1, **more):
    known = {
        "archive_id": f"m{number}",
        "from_": f"{ROMEO}/orchard",
        "to": OWN,
        "type": "chat",
        "timestamp": NOON + timedelta(seconds=number),
        "body": "text",
    }
    return ArchivedMessage(**{**known, **more})


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, True),
        ({"type": "normal"}, True),
        ({"body": ""}, True),
        ({"body": None}, False),
        ({"body": None, "encryption": Encryption(ns="x")}, True),
        ({"type": "headline"}, False),
        ({"type": "error"}, False),
        ({"direction": "out"}, False),
    ],
)
def test_what_is_to_be_read(more, expected):
    assert counts(message(**more)) is expected


def test_no_text_is_shown_for_an_encrypted_message():
    tally = Tally(ROMEO, None)
    tally.see(message(body="instead", encryption=Encryption(ns="x")))
    assert tally.record.unread == 1 and tally.record.last_message.body is None


def test_whose_conversation_a_message_is_of():
    assert chat_of(message(), {}) == ROMEO
    assert chat_of(message(from_=OWN, to=f"{ROMEO}/x", direction="out"), {}) == ROMEO
    full = parse("room@muc.test/nick")
    private = {"from_": str(full), "extensions": ["{http://jabber.org/protocol/muc#user}x"]}
    assert chat_of(message(**private), {}) == full
    assert chat_of(message(from_=str(full)), {}) == full.bare
    assert chat_of(message(from_=str(full)), {full: None}) == full
    assert chat_of(message(type="groupchat"), {}) is None
    assert chat_of(message(from_=None), {}) is None


def tally(displayed, *messages):
    found = Tally(ROMEO, Marker(displayed, "mds"))
    for each in messages:
        found.see(each)
    return found.record


def test_what_stands_behind_the_marker_is_unread():
    three = [message(1), message(2), message(3)]
    record = tally(Displayed(id="m1"), *three)
    assert (record.unread, record.first_unread_at) == (2, NOON + timedelta(seconds=2))
    assert record.last_message.id == "m3"
    assert tally(Displayed(id="lost"), *three).unread == 3
    assert tally(Displayed(id="m3"), *three).last_message is None
    assert tally(Displayed(at=NOON + timedelta(seconds=1)), *three).unread == 2
    assert tally(Displayed(at=NOON + timedelta(seconds=3)), *three).unread == 0


def test_the_own_messages_are_neutral_but_may_be_marked():
    mine = message(2, direction="out", from_=OWN, to=str(ROMEO))
    assert tally(Displayed(id="m1"), message(1), mine).unread == 0
    assert tally(Displayed(id="m0"), message(1), mine, message(3)).unread == 2
    assert tally(Displayed(id="m2"), message(1), mine, message(3)).unread == 1


def test_parts_of_a_millisecond_do_not_count():
    late = message(timestamp=NOON + timedelta(microseconds=900))
    assert tally(Displayed(at=NOON), late).unread == 0
    assert tally(Displayed(at=NOON - timedelta(milliseconds=1)), late).unread == 1


@pytest.mark.parametrize("kind", [None, "cancel"])
def test_an_id_that_an_archive_does_not_have(monkeypatch, kind):
    async def refuse(archive, uid):
        raise RefusedError("no", condition="item-not-found", type=kind)

    monkeypatch.setattr(mam, "locate", refuse)
    session = make_session()[0]
    assert asyncio.run(locate(mam.Archive(session), "x")) is None
    room = mam.Archive(session, parse("room@muc.test"))
    if kind is None:
        assert asyncio.run(locate(room, "x")) is None
        return
    with pytest.raises(RefusedError):  # there may be no such room
        asyncio.run(locate(room, "x"))
