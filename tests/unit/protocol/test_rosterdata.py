"""Notes, metacontacts and the delimiter: the examples of the XEPs, and what clients leave."""

from datetime import UTC, datetime

import pytest

from tests.unit.protocol.private import Storage
from xmppctl.errors import RefusedError
from xmppctl.model.jid import parse as jid
from xmppctl.protocol import metacontacts, rosterdelimiter, rosternotes

NOTES = """<storage xmlns='storage:rosternotes'>
  <note jid='hamlet@shakespeare.lit' cdate='2004-09-24T15:23:21Z'
        mdate='2004-09-24T15:23:21Z'>Seems to be a good writer</note>
  <note jid='juliet@capulet.com' cdate='2004-09-27T17:23:14Z'
        mdate='2004-09-28T12:43:12Z'>Oh my sweetest love ...</note>
</storage>"""
META = """<storage xmlns='storage:metacontacts'>
  <meta jid='mike.bolton@raplovers.org' tag='ae18f2' order='1'/>
  <meta jid='tom@jump-to-conclusions.com' tag='82a1a5' order='1'/>
  <meta jid='samir@initech.com' tag='283b94' order='2'/>
  <meta jid='mike@initech.com' tag='ae18f2' order='2'/>
</storage>"""
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_notes_of_the_xep():
    storage = Storage(NOTES)
    hamlet, juliet = storage.run(rosternotes.fetch(storage.session))
    assert (hamlet.jid, hamlet.note) == ("hamlet@shakespeare.lit", "Seems to be a good writer")
    assert juliet.created == datetime(2004, 9, 27, 17, 23, 14, tzinfo=UTC)
    assert juliet.modified == datetime(2004, 9, 28, 12, 43, 12, tzinfo=UTC)


def test_odd_notes_can_be_read():
    odd = (
        "<storage xmlns='storage:rosternotes'><note>nobody's</note><note jid='A@X.test'>new</note>"
        "<note jid='b@x.test' mdate='2020-01-01T00:00:00Z'>old</note><other/>"
        "<note jid='b@x.test' mdate='2021-01-01T00:00:00+02:00'>newer</note>"
        "<note jid='c@x.test' cdate='yesterday' mdate='20200101T00:00:00'/></storage>"
    )
    storage = Storage(odd)
    found = storage.run(rosternotes.fetch(storage.session))
    assert [(each.jid, each.note) for each in found] == [
        ("a@x.test", "new"),
        ("b@x.test", "newer"),
        ("c@x.test", ""),
    ]
    assert found[2].created is None
    assert found[2].modified == datetime(2020, 1, 1, tzinfo=UTC)


def test_a_note_is_changed_and_its_date_of_birth_stays():
    storage = Storage(NOTES.replace("mdate", "x:y='z' xmlns:x='other' mdate", 1))
    found = storage.run(
        rosternotes.put(storage.session, jid("hamlet@shakespeare.lit"), "mad?", now=NOW)
    )
    assert (found.note, found.modified) == ("mad?", NOW)
    assert found.created == datetime(2004, 9, 24, 15, 23, 21, tzinfo=UTC)
    first, second = storage.element
    assert first.get("{other}y") == "z"
    assert first.get("mdate") == "2026-01-02T03:04:05Z"
    assert second.text == "Oh my sweetest love ..."


def test_the_same_note_again_writes_nothing():
    storage = Storage(NOTES)
    text = "Seems to be a good writer"
    storage.run(rosternotes.put(storage.session, jid("hamlet@shakespeare.lit"), text))
    assert storage.asked == ["get"]


def test_two_notes_for_one_jid_become_one():
    two = NOTES.replace("juliet@capulet.com", "hamlet@shakespeare.lit")
    storage = Storage(two)
    storage.run(rosternotes.put(storage.session, jid("hamlet@shakespeare.lit"), "x", now=NOW))
    (note,) = storage.element
    assert (note.text, note.get("cdate")) == ("x", "2004-09-27T17:23:14Z")
    storage = Storage(two)
    storage.run(rosternotes.remove(storage.session, jid("hamlet@shakespeare.lit")))
    assert len(storage.element) == 0


def test_a_note_about_a_resource_is_another_one():
    storage = Storage(NOTES.replace("hamlet@shakespeare.lit", "hamlet@shakespeare.lit/r"))
    with pytest.raises(RefusedError) as caught:
        storage.run(rosternotes.remove(storage.session, jid("hamlet@shakespeare.lit")))
    assert caught.value.condition == "item-not-found"
    assert storage.asked == ["get"]


def test_metacontacts_of_the_xep():
    storage = Storage(META)
    found = storage.run(metacontacts.fetch(storage.session))
    assert [each.tag for each in found] == ["283b94", "82a1a5", "ae18f2"]
    assert [(m.jid, m.order) for m in found[2].members] == [
        ("mike@initech.com", 2),
        ("mike.bolton@raplovers.org", 1),
    ]


def test_odd_metacontacts_can_be_read():
    storage = Storage(
        "<storage xmlns='storage:metacontacts'><meta jid='a@x.test'/><meta tag='t'/>"
        "<meta jid='b@x.test' tag='t' order='-1'/><meta jid='C@x.test' tag='t' order='0'/>"
        "<meta jid='c@x.test' tag='u'/><meta jid='d@x.test' tag='t' order='many'/></storage>"
    )
    (found,) = storage.run(metacontacts.fetch(storage.session))
    assert [(m.jid, m.order) for m in found.members] == [
        ("c@x.test", 0),
        ("b@x.test", None),
        ("d@x.test", None),
    ]


def test_a_contact_is_in_one_metacontact_only():
    storage = Storage(META)
    jids = [jid("mike@initech.com"), jid("samir@initech.com"), jid("milton@hawaii.com")]
    found = storage.run(metacontacts.put(storage.session, "283b94", jids, 3))
    assert [(m.jid, m.order) for m in found.members] == [
        ("mike@initech.com", 5),
        ("samir@initech.com", 4),
        ("milton@hawaii.com", 3),
    ]
    tags = {meta.get("jid"): meta.get("tag") for meta in storage.element}
    assert tags["mike.bolton@raplovers.org"] == "ae18f2"  # alone there, and still there
    assert len(storage.element) == 5
    again = storage.run(metacontacts.put(storage.session, "283b94", jids[:1]))
    assert len(again.members) == 3
    assert again.members[0].order == 5


def test_metacontacts_lose_a_member():
    storage = Storage(META)
    gone = storage.run(metacontacts.remove(storage.session, jid("samir@initech.com")))
    assert gone.tag == "283b94"
    assert len(storage.element) == 3
    with pytest.raises(RefusedError) as caught:
        storage.run(metacontacts.remove(storage.session, jid("samir@initech.com")))
    assert caught.value.condition == "item-not-found"


def test_the_delimiter():
    storage = Storage("<roster xmlns='roster:delimiter'>::</roster>")
    assert storage.run(rosterdelimiter.get(storage.session)) == "::"
    assert storage.run(rosterdelimiter.put(storage.session, None)) is None
    assert storage.run(rosterdelimiter.get(storage.session)) is None


@pytest.mark.parametrize(
    ("stored", "holds"),
    [("::", "::"), ("/", "/"), ("e", None), ("7", None), ("ee", "ee"), ("é", "é"), (None, None)],
)
def test_which_delimiter_holds(stored, holds):
    assert rosterdelimiter.usable(stored) == holds
