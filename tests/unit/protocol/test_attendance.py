"""Rooms of a listener without a server: what is of the past, who is put out, who is forgotten."""

import asyncio
from xml.etree.ElementTree import Element, SubElement

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.errors import RefusedError
from xmppctl.model.jid import parse as jid
from xmppctl.protocol import listen, presence, selfping
from xmppctl.protocol.attendance import Attendance
from xmppctl.protocol.payload import Context
from xmppctl.protocol.room import Joined
from xmppctl.session.xml import parse

ROOM = "darkcave@chat.shakespeare.lit"
ME = f"{ROOM}/thirdwitch"
USER = "http://jabber.org/protocol/muc#user"
OWN = "crone1@shakespeare.lit"


def stanza(text):
    return parse(text.replace(">", " xmlns='jabber:client'>", 1))


def entered(*, everything=True, others=(), features=frozenset()):
    rooms = Attendance(everything=everything)
    own = stanza(f"<presence from='{ME}'></presence>")
    rooms.enter(Joined(jid(ROOM), jid(ME), frozenset({110}), own=own, others=[*others]), features)
    return rooms, own


def look(rooms, element):
    record = listen.read(element, rooms.context(element, OWN, print))
    return rooms.look(record, element)


def said(inner, *, sender="firstwitch", late=False):
    delay = f"<delay xmlns='urn:xmpp:delay' from='{ROOM}' stamp='2002-10-13T23:58:37Z'/>"
    return stanza(
        f"<message type='groupchat' from='{ROOM}/{sender}' to='{OWN}'>{inner}"
        f"{delay if late else ''}</message>"
    )


@pytest.mark.parametrize("everything", [True, False])
def test_the_subject_upon_entering_is_of_the_past(everything):
    rooms, _ = entered(everything=everything)
    shown = "past" if everything else "nothing"
    assert look(rooms, said("<body>old</body>", late=True)) == "news"
    assert look(rooms, said("<subject>old</subject>", late=True)) == shown
    assert look(rooms, said("<subject>now</subject>")) == "news"
    assert look(rooms, said("<subject>again</subject><body>x</body>")) == "news"


def test_no_subject_upon_entering():
    rooms, _ = entered()
    assert look(rooms, said("<subject/>")) == "nothing"
    assert look(rooms, said("<subject>new</subject>")) == "news"
    rooms, _ = entered()
    assert look(rooms, said("<body>hi</body>")) == "news"
    assert look(rooms, said("<subject>new</subject>")) == "news"  # behind something of today


def test_who_was_there_already_is_no_news():
    other = stanza(f"<presence from='{ROOM}/firstwitch'></presence>")
    rooms, own = entered(others=[other])
    assert [look(rooms, each) for each in (other, own)] == ["nothing", "nothing"]
    again = stanza(f"<presence from='{ROOM}/firstwitch'></presence>")
    assert look(rooms, again) == "news"
    picture = stanza(f"<presence from='{ROOM}'></presence>")
    assert look(rooms, picture) == "nothing"
    assert (
        look(rooms, stanza("<presence from='hag66@shakespeare.lit/pda'></presence>")) == "nothing"
    )


def test_hats_and_ids_count_where_the_room_announces_them():
    element = stanza(
        f"<presence from='{ROOM}/firstwitch'>"
        "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='dd72603d'/>"
        "<hats xmlns='urn:xmpp:hats:0'><hat title='Host' uri='http://x.test/#h' hue='327.255249'/>"
        "<hat title='no uri'/></hats></presence>"
    )
    record = listen.read(element, Context(OWN))
    rooms, _ = entered()
    nothing = rooms.complete(record, element)
    assert (nothing.hats, nothing.occupant_id) == ([], None)
    rooms, _ = entered(features=frozenset({"urn:xmpp:hats:0", "urn:xmpp:occupant-id:0"}))
    found = rooms.complete(record, element)
    assert [(hat.uri, hat.title, hat.hue) for hat in found.hats] == [
        ("http://x.test/#h", "Host", 327.255249)
    ]
    assert found.occupant_id == "dd72603d"


def gone(user, *, sender=ME, kind="unavailable"):
    return stanza(
        f"<presence type='{kind}' from='{sender}'><x xmlns='{USER}'>{user}</x></presence>"
    )


@pytest.mark.parametrize(
    ("user", "condition", "words"),
    [
        ("<item role='none'><actor nick='Fluellen'/><reason>Avaunt!</reason></item>"
         "<status code='307'/>", "forbidden", "(307 kicked), by Fluellen: Avaunt!"),
        ("<item affiliation='outcast'/><status code='301'/>", "forbidden", "301 banned"),
        ("<status code='321'/>", "registration-required", "321 removed-affiliation"),
        ("<status code='322'/>", "registration-required", "322 removed-membership"),
        ("<status code='332'/>", "service-unavailable", "332 removed-shutdown"),
        ("<status code='333'/><status code='307'/>", "forbidden", "333"),
        ("<item/><destroy jid='coven@x.test'><reason>Macbeth doth come.</reason></destroy>",
         "gone", "it was destroyed: Macbeth doth come."),
        ("", "forbidden", "it does not say why"),
    ],
)  # fmt: skip
def test_being_put_out(user, condition, words):
    rooms, _ = entered()
    error = rooms.removal(gone(user))
    assert isinstance(error, RefusedError)
    assert (error.condition, error.by, words in error.text) == (condition, ROOM, True)


def test_what_is_no_removal():
    rooms, _ = entered()
    kicked = "<status code='307'/>"
    assert rooms.removal(gone(kicked, sender=f"{ROOM}/secondwitch")) is None
    assert rooms.removal(gone(kicked, sender="thirdwitch@evil.test/thirdwitch")) is None
    assert rooms.removal(stanza(f"<message from='{ME}'></message>")) is None
    renamed = "<item nick='oldhag'/><status code='303'/><status code='110'/>"
    assert rooms.removal(gone(renamed)) is None
    assert rooms.removal(gone(kicked)) is None  # that is nobody any more
    assert rooms.removal(gone(kicked, sender=f"{ROOM}/oldhag")) is not None


# --- XEP-0410 -----------------------------------------------------------------------------------


def answer(condition):
    iq = Element("{jabber:client}iq", {"type": "error" if condition else "result"})
    if condition:
        error = SubElement(iq, "{jabber:client}error", {"type": "cancel"})
        SubElement(error, f"{{urn:ietf:params:xml:ns:xmpp-stanzas}}{condition}")
    return iq


@pytest.mark.parametrize(
    ("condition", "means"),
    [
        (None, True),
        ("service-unavailable", True),
        ("feature-not-implemented", True),
        ("item-not-found", True),
        ("remote-server-not-found", None),
        ("remote-server-timeout", None),
        ("not-acceptable", False),
        ("not-allowed", False),
        ("bad-request", False),
    ],
)
def test_what_the_answer_to_a_self_ping_means(condition, means):
    assert selfping.still_joined(answer(condition)) is means


@pytest.mark.parametrize("condition", [None, "not-acceptable"])
def test_a_room_that_is_silent_for_long_is_asked(monkeypatch, condition):
    monkeypatch.setattr(listen, "SILENCE", 0.02)
    monkeypatch.setattr(presence, "KEEPALIVE", 60.0)
    rooms, _ = entered()

    async def run():
        session, wire, transport = make_session()
        asked = []
        with session.inbox(lambda each: True) as box:

            async def other_side():
                while True:
                    await asyncio.sleep(0.001)
                    text = transport.text
                    if "urn:xmpp:ping" in text:
                        iq = parse(text)
                        asked.append(iq.get("to"))
                        error = (
                            f"<error type='cancel'><{condition} "
                            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
                        )
                        kind, inner = ("error", error) if condition else ("result", "")
                        ident = iq.get("id")
                        come(wire, f"<iq type='{kind}' id='{ident}' from='{ME}'>{inner}</iq>")

            task = asyncio.ensure_future(other_side())
            options = listen.Options(seconds=0.2)
            try:
                async for _ in listen._incoming(session, box, options, rooms):
                    pass
            finally:
                task.cancel()
        return asked

    if condition:
        with pytest.raises(RefusedError, match="does not know the client any more"):
            asyncio.run(run())
    else:
        assert set(asyncio.run(run())) == {ME}
