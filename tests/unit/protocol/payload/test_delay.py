"""XEP-0203 and its forerunner XEP-0091, by their own examples."""

from datetime import UTC, datetime

import pytest

from tests.unit.protocol.payload.common import ROOM, read
from xmppctl.model.message import Delay

LEGACY = "{jabber:x:delay}x"


def legacy(by="montague.example", stamp="20020910T23:08:25"):
    return f"<x xmlns='jabber:x:delay' from='{by}' stamp='{stamp}'> Offline Storage </x>"


def test_a_legacy_delay_of_the_own_server():
    found = read(legacy())
    when = datetime(2002, 9, 10, 23, 8, 25, tzinfo=UTC)
    assert found.delay == Delay(when, "montague.example", "Offline Storage")
    assert (found.timestamp, found.extensions) == (when, [])


def test_a_legacy_delay_of_the_room():
    found = read(legacy(ROOM, "20020910T23:05:37"), kind="groupchat", room=ROOM)
    assert found.timestamp == datetime(2002, 9, 10, 23, 5, 37, tzinfo=UTC)


@pytest.mark.parametrize("first", [True, False])
def test_the_newer_form_counts_where_both_are_there(first):
    newer = "<delay xmlns='urn:xmpp:delay' from='montague.example' stamp='2003-01-02T03:04:05Z'/>"
    found = read(newer + legacy() if first else legacy() + newer)
    assert (found.timestamp.year, found.extensions) == (2003, [])


@pytest.mark.parametrize(
    "newer",
    [
        "<delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='2003-01-02T03:04:05Z'/>",
        "<delay xmlns='urn:xmpp:delay' from='montague.example' stamp='yesterday'/>",
        "<delay xmlns='urn:xmpp:delay' stamp='2003-01-02T03:04:05Z'/>",
    ],
)
def test_the_older_form_counts_where_the_newer_one_says_nothing(newer):
    assert read(newer + legacy()).timestamp.year == 2002


@pytest.mark.parametrize(
    ("by", "stamp"),
    [
        ("capulet.example", "20020910T23:08:25"),
        ("juliet@capulet.example/balcony", "20020910T23:08:25"),
        ("montague.example", ""),
        ("montague.example", "20021310T23:08:25"),
        ("montague.example", "2002-09-10"),
        ("montague.example", "9" * 4000),
    ],
)
def test_what_is_not_believed_is_named_among_the_extensions(by, stamp):
    told = []
    found = read(legacy(by, stamp), note=told.append)
    assert (found.delay, found.timestamp, found.extensions) == (None, None, [LEGACY])
    assert len(told) == (by != "montague.example")
