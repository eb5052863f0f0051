"""What was said about a message goes into it, where the one who says so may."""

import asyncio
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from xmppctl.errors import ErrorInfo, RefusedError
from xmppctl.model.mam import ArchivedMessage, CollapsedMessage, Reacted, Version
from xmppctl.model.message import Occupant, StanzaId
from xmppctl.model.occupant import Moderated
from xmppctl.model.payload.file import Oob
from xmppctl.model.payload.reference import Reactions, Retract, Retracted
from xmppctl.protocol.mam.collapse import Collapse, collapsed

OWN, BOB, EVE = "me@x.test", "bob@x.test", "eve@x.test"
ROOM = "r@rooms.test"
PRIVATE = ["{http://jabber.org/protocol/muc#user}x"]
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def when(second):
    return BEGIN + timedelta(seconds=second)


def said(id, body=None, *, by=BOB, to=OWN, **more):
    """A message between the own account and somebody, by one of several clients."""
    out = by == OWN
    sender = by if "/" in by else f"{by}/{id}"
    more = {"type": "chat", "archive_id": f"archive-{id}", **more}
    return ArchivedMessage(
        id=id, from_=sender, to=to, body=body, direction="out" if out else "in", **more
    )


def spoken(id, body=None, *, nick="bob", occupant=None, real=None, **more):
    """A message in a room, out of its archive; there its id is ``s-ID``."""
    more = {"type": "groupchat", "archive_id": f"s-{id}", "room": ROOM, **more}
    return ArchivedMessage(
        id=id,
        from_=f"{ROOM}/{nick}" if nick else ROOM,
        body=body,
        occupant_id=occupant,
        muc=Occupant(nick=nick, real_jid=real),
        **more,
    )


def collapse(*messages, room=None, notes=None):
    seconds = range(len(messages))
    table = Collapse(OWN, room, (notes if notes is not None else []).append)
    for second, message in zip(seconds, messages, strict=True):
        given = message.timestamp is not None
        table.add(message if given else replace(message, timestamp=when(second)))
    return table.result()


def in_room(*messages, notes=None):
    return collapse(*messages, room=ROOM, notes=notes)


def reacts(id, *emojis):
    return Reactions(id, list(emojis))


def test_a_message_of_which_nothing_is_said_stays_what_it_is():
    one, *rest = collapse(
        said("1", "hi", subject="s", thread="t", extensions=["{urn:x}x"]), said("2"), said(None)
    )
    assert isinstance(one, CollapsedMessage)
    assert (one.body, one.subject, one.thread, one.extensions) == ("hi", "s", "t", ["{urn:x}x"])
    assert (one.edited, one.history, one.reacted, one.retracted) == (None, [], [], None)
    assert set(vars(one)) == {field.name for field in fields(CollapsedMessage)}
    assert [each.id for each in rest] == ["2", None]


# --- corrections (XEP-0308) ---------------------------------------------------------------------


def test_the_last_correction_stands_where_the_message_stood():
    found, between = collapse(
        said("1", "frist", subject="a", lang="en", origin_id="o1", oob=[Oob("https://x.test/1")]),
        said("x", "between"),
        said("2", "frst", by=f"{BOB}/other", replace_id="1"),
        # a correction of a correction names the first version (§4)
        said("3", "first", replace_id="1", lang="de", thread="t", oob=[Oob("https://x.test/2")]),
    )
    assert between.body == "between"
    assert (found.id, found.archive_id, found.origin_id) == ("1", "archive-1", "o1")
    assert (found.from_, found.timestamp) == (f"{BOB}/1", when(0))
    assert (found.body, found.lang, found.thread) == ("first", "de", "t")
    # all payloads are replaced, also by their absence
    assert (found.subject, found.oob) == (None, [Oob("https://x.test/2")])
    assert (found.edited, found.replace_id) == (True, None)
    assert found.history == [
        Version("1", when(0), "frist", "a"),
        Version("2", when(2), "frst", None),
    ]


def test_a_correction_without_its_message_is_shown_as_it_is():
    found = collapse(said("2", "new", replace_id="1"), said("1", "too late"))
    assert [(each.body, each.replace_id, each.edited) for each in found] == [
        ("new", "1", None),
        ("too late", None, None),
    ]


@pytest.mark.parametrize(
    "forged",
    [
        said("2", "evil", by=EVE, replace_id="1"),
        said("2", "evil", by=f"{BOB}.evil", replace_id="1"),
        # the id of the archive is not the id of the message
        said("2", "evil", replace_id="archive-1"),
        said("2", "evil", replace_id="stanza-1"),
        said("2", "evil", by=OWN, to=BOB, replace_id="1"),
        # to somebody else
        said("2", "evil", by=OWN, to=EVE, replace_id="mine"),
        spoken("2", "evil", replace_id="1", room=None),
        said("2", "bounced", replace_id="1", type="error"),
    ],
)
def test_nobody_else_corrects_a_message(forged):
    found = collapse(
        said("1", "true", stanza_ids=[StanzaId("stanza-1", OWN)]),
        said("mine", "true", by=OWN, to=BOB),
        forged,
    )
    assert [each.body for each in found] == ["true", "true", forged.body]
    assert [each.edited for each in found] == [None] * 3
    assert found[2].replace_id == forged.replace_id


def test_what_is_not_believed_is_told():
    notes = []
    collapse(
        said("1", "hi", by=OWN, to=BOB), said("2", "evil", replace_id="1"),
        said("3", retract=Retract("1")), notes=notes,
    )  # fmt: skip
    assert notes == [
        f"ignored a correction of 1 by {BOB}/2: it is not theirs",
        f"ignored a retraction of 1 by {BOB}/3: it is not theirs",
    ]


def test_own_messages_are_corrected_from_any_client():
    (found,) = collapse(
        said("1", "a", by=OWN, to=f"{BOB}/home"),
        replace(said("2", "b", by=OWN, to=BOB, replace_id="1"), from_=f"{OWN}/phone"),
    )
    assert (found.body, found.to) == ("b", f"{BOB}/home")


def test_a_note_to_oneself_is_archived_twice_and_corrected_twice():
    note, correction = said("1", "a", by=OWN, to=OWN), said("2", "b", by=OWN, replace_id="1")
    found = collapse(note, note, correction, correction)
    assert [(each.body, len(each.history)) for each in found] == [("b", 1), ("b", 1)]


def test_where_an_id_was_used_twice_the_last_message_is_meant():
    found = collapse(said("1", "a"), said("1", "b"), said("2", "c", replace_id="1"))
    assert [each.body for each in found] == ["a", "c"]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({"occupant": "o"}, {"occupant": "o", "nick": "robert"}, True),
        ({"occupant": "o"}, {"occupant": "p"}, False),
        ({"occupant": "o"}, {}, False),
        ({}, {"occupant": "o"}, False),
        ({"real": f"{BOB}/a"}, {"real": f"{BOB}/b", "nick": "robert"}, True),
        ({"real": f"{BOB}/a"}, {"real": f"{EVE}/a"}, False),
        ({"real": f"{BOB}/a"}, {}, False),
        ({"occupant": "o", "real": BOB}, {"occupant": "p", "real": BOB}, False),
        ({}, {}, True),
        ({}, {"nick": "eve"}, False),
    ],
)
def test_who_speaks_in_a_room(first, second, same):
    found = in_room(spoken("1", "a", **first), spoken("2", "b", replace_id="1", **second))
    assert [each.body for each in found] == (["b"] if same else ["a", "b"])
    # a nickname is not enough to take something back (XEP-0424 §5)
    surely = same and bool(first)
    found = in_room(spoken("1", "a", **first), spoken("2", retract=Retract("s-1"), **second))
    assert [each.body for each in found] == ([None] if surely else ["a", None])
    assert (found[0].retracted is not None) == surely


def test_in_a_room_a_correction_names_the_id_of_the_message_and_not_that_of_the_room():
    found = in_room(spoken("1", "a", occupant="o"), spoken("2", "b", occupant="o",
                                                           replace_id="s-1"))  # fmt: skip
    assert [each.body for each in found] == ["a", "b"]


def test_occupants_who_write_privately_are_not_one_another():
    def private(id, body, nick, **more):
        return said(id, body, by=f"{ROOM}/{nick}", extensions=PRIVATE, **more)

    found = collapse(
        private("1", "a", "bob"), private("2", "evil", "eve", replace_id="1"),
        private("3", None, "eve", reactions=reacts("1", "X")),
        private("4", None, "eve", retract=Retract("1")),
        private("5", "b", "bob", replace_id="1"),
    )  # fmt: skip
    assert [each.body for each in found] == ["b", "evil", None, None]
    assert found[0].reacted == []
    # also where only the room itself tells that it is one
    found = collapse(
        spoken("0", "hello", room=None), said("1", "a", by=f"{ROOM}/bob"),
        said("2", "evil", by=f"{ROOM}/eve", replace_id="1"),
    )  # fmt: skip
    assert [each.body for each in found] == ["hello", "a", "evil"]


# --- retractions (XEP-0424) and moderation (XEP-0425) -------------------------------------------


def test_nothing_is_left_of_what_was_taken_back():
    (found,) = collapse(
        said("1", "secret", subject="s", bodies={"": "secret", "de": "geheim"}, thread="t",
             oob=[Oob("https://x.test/secret")], extensions=["{urn:x}x"], raw_xml="<secret/>"),
        said("2", "still secret", replace_id="1"),
        said("3", reactions=reacts("1", "X"), by=OWN, to=BOB),
        said("4", "This person took it back", retract=Retract("1")),
    )  # fmt: skip
    assert found == CollapsedMessage(
        id="1",
        archive_id="archive-1",
        from_=f"{BOB}/1",
        to=OWN,
        type="chat",
        timestamp=when(0),
        retracted=Retracted(stamp=when(3), id="4"),
    )


@pytest.mark.parametrize("id", ["1", "o1", "2"])
def test_by_which_id_it_is_taken_back(id):
    (found,) = collapse(
        said("1", "a", origin_id="o1"), said("2", "b", replace_id="1"),
        said("3", retract=Retract(id)),
    )  # fmt: skip
    assert (found.id, found.body) == ("1", None)
    assert found.retracted == Retracted(stamp=when(2), id="3")


@pytest.mark.parametrize(
    "edit",
    [
        said("2", by=EVE, retract=Retract("1")),
        said("2", by=OWN, to=BOB, retract=Retract("1")),
        said("2", retract=Retract("archive-1")),
        said("2", moderated=Moderated("1")),
        spoken("2", nick=None, moderated=Moderated("1"), room=None),
    ],
)
def test_nobody_else_takes_it_back(edit):
    found = collapse(said("1", "a"), edit)
    assert [each.body for each in found] == ["a", None]
    assert found[0].retracted is None


def test_a_correction_behind_the_retraction_does_not_bring_it_back():
    notes = []
    found = collapse(
        said("1", "a"), said("2", retract=Retract("1")), said("3", "b", replace_id="1"), notes=notes
    )
    assert [(each.body, each.retracted is not None) for each in found] == [
        (None, True),
        ("b", False),
    ]
    assert notes == ["ignored a correction of 1: it was taken back before"]


def test_a_tombstone_takes_the_corrections_before_it_along():
    tombstone = spoken("1", occupant="o", retracted=Retracted(when(5), f"{ROOM}/boss", "spam"))
    found = in_room(
        tombstone,
        spoken("2", "b", occupant="o", replace_id="1"),
        spoken("3", nick=None, moderated=Moderated("s-1", f"{ROOM}/boss", "spam")),
        spoken("9", "c", occupant="o", replace_id="1", timestamp=when(9)),
    )
    assert [(each.body, each.retracted) for each in found] == [
        (None, tombstone.retracted),
        ("c", None),
    ]


@pytest.mark.parametrize("by", [f"{ROOM}/boss", None])
def test_the_room_takes_messages_back(by):
    (found,) = in_room(
        spoken("1", "spam", occupant="o"),
        spoken("2", nick=None, moderated=Moderated("s-1", by, "no spam")),
    )
    assert (found.body, found.occupant_id) == (None, "o")
    assert found.retracted == Retracted(when(1), by or ROOM, "no spam", "2")


@pytest.mark.parametrize(
    "edit",
    [
        spoken("2", nick="boss", moderated=Moderated("s-1")),
        spoken("2", nick=None, moderated=Moderated("1")),
        spoken("2", nick=None, moderated=Moderated("s-1"), room="other@rooms.test"),
        spoken("2", occupant="p", retract=Retract("s-1")),
        spoken("2", occupant="o", retract=Retract("1")),
    ],
)
def test_and_nobody_but_the_room_and_the_sender_does(edit):
    found = in_room(spoken("1", "a", occupant="o"), edit)
    assert [each.body for each in found] == ["a", None]
    assert found[0].retracted is None


def test_events_of_a_room_have_the_ids_that_the_room_gave():
    ids = [StanzaId("s-1", ROOM)]
    found = collapse(
        spoken("1", "a", occupant="o", archive_id="mine", stanza_ids=ids),
        spoken("2", occupant="o", retract=Retract("mine")),
        spoken("3", occupant="o", retract=Retract("s-1")),
    )
    assert [each.retracted for each in found] == [Retracted(when(2), id="3"), None]


# --- reactions (XEP-0444) -----------------------------------------------------------------------


def test_the_latest_set_of_everybody_counts():
    found, other = collapse(
        said("1", "hi", by=OWN, to=BOB),
        said("2", reactions=reacts("1", "A", "B")),
        said("x", "other"),
        said("3", by=OWN, to=BOB, reactions=reacts("1", "C", "B")),
        said("4", by=f"{BOB}/phone", reactions=reacts("1", "B", "D", "B")),
    )
    assert other.body == "other"
    assert found.reacted == [Reacted("B", [BOB, OWN]), Reacted("C", [OWN]), Reacted("D", [BOB])]
    (found,) = collapse(
        said("1", "hi"), said("2", reactions=reacts("1", "A")), said("3", reactions=reacts("1"))
    )
    assert found.reacted == []


def test_reactions_to_a_correction_are_to_the_message():
    (found,) = collapse(
        said("1", "a"), said("2", "b", replace_id="1"), said("3", reactions=reacts("2", "A")),
        said("4", reactions=reacts("1", "B"), by=OWN, to=BOB),
    )  # fmt: skip
    assert found.reacted == [Reacted("A", [BOB]), Reacted("B", [OWN])]


def test_reactions_in_a_room():
    found = in_room(
        spoken("1", "hi", occupant="o"),
        spoken("2", nick="eve", occupant="e", reactions=reacts("s-1", "A")),
        spoken("3", nick="zoe", occupant="z", reactions=reacts("s-1", "A", "B")),
        # the same one by another name, and another one by the same name
        spoken("4", nick="eva", occupant="e", reactions=reacts("s-1", "B")),
        spoken("5", nick="eve", occupant="y", reactions=reacts("s-1", "A")),
        # the id of the message is not to be used (§4.2)
        spoken("6", nick="eve", occupant="e", reactions=reacts("1", "C")),
    )
    assert [each.id for each in found] == ["1", "6"]
    assert found[0].reacted == [
        Reacted("A", [f"{ROOM}/zoe", f"{ROOM}/eve"]),
        Reacted("B", [f"{ROOM}/eva", f"{ROOM}/zoe"]),
    ]


def test_occupants_may_use_the_same_ids():
    (found,) = in_room(
        spoken("1", "hi", occupant="o"),
        spoken("1", nick="eve", occupant="e", archive_id="s-2", reactions=reacts("s-1", "A")),
        spoken("1", nick="zoe", occupant="z", archive_id="s-3", reactions=reacts("s-1", "A")),
    )
    assert found.reacted == [Reacted("A", [f"{ROOM}/eve", f"{ROOM}/zoe"])]


def test_reactions_without_their_message_and_by_strangers():
    found = collapse(
        said("1", "hi"), said("2", reactions=reacts("nothing", "A")),
        said("3", by=EVE, reactions=reacts("1", "A")),
    )  # fmt: skip
    assert [each.reactions for each in found] == [None, reacts("nothing", "A"), reacts("1", "A")]
    assert found[0].reacted == []


def test_reactions_that_were_refused_are_as_before():
    def bounced(id, by=BOB):
        return said(id, by=by, type="error", error_=ErrorInfo("not-acceptable", "x"))

    found = collapse(
        said("1", "hi"),
        said("2", by=OWN, to=BOB, reactions=reacts("1", "A")),
        said("3", by=OWN, to=BOB, reactions=reacts("1", "A", "B")),
        bounced("2", by=EVE),
        bounced("3"),
        said("4", reactions=reacts("1", "C")),
        bounced("4"),
    )
    assert found[0].reacted == [Reacted("A", [OWN]), Reacted("C", [BOB])]
    assert [each.type for each in found] == ["chat", "error", "error", "error"]


# --- a whole archive ----------------------------------------------------------------------------


def ran(*messages, failure=None, **options):
    async def archive():
        for message in messages:
            yield message
        if failure is not None:
            raise failure

    async def work():
        found = []
        try:
            async for each in collapsed(archive(), Collapse(OWN, None, print), **options):
                found.append(each.body)
        except RefusedError as error:
            found.append(error.text)
        return found

    return asyncio.run(work())


def test_newest_first_and_up_to_a_failure():
    messages = [said("1", "a"), said("2", "b"), said("3", "c", replace_id="1")]
    assert ran(*messages) == ["c", "b"]
    assert ran(*reversed(messages), newest_first=True) == ["b", "c"]
    assert ran(*messages, failure=RefusedError("gone")) == ["c", "b", "gone"]


def test_a_long_archive_takes_no_longer_for_each_message():
    table = Collapse(OWN, None, print)
    for number in range(20_000):
        table.add(said(f"{number}", "x"))
        table.add(said(f"c{number}", "y", replace_id=f"{number}"))
    found = table.result()
    assert len(found) == 20_000
    assert {each.body for each in found} == {"y"}
