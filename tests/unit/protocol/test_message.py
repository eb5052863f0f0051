"""Messages from the stream into records; the stanzas are the XEPs' own examples, shortened."""

from datetime import UTC, datetime
from xml.etree.ElementTree import fromstring

import pytest

from xmppctl.model.message import Delay, Occupant, StanzaId
from xmppctl.model.mucstatus import Status
from xmppctl.protocol import message
from xmppctl.protocol.payload import Context

OWN = "romeo@montague.example"


def read(inside="", *, attributes="", room=None, trusted=frozenset(), notes=None, **options):
    text = f"<message xmlns='jabber:client' {attributes}>{inside}</message>"
    note = (lambda text: None) if notes is None else notes.append
    context = Context(OWN, room=room, trusted=trusted, note=note)
    return message.read(fromstring(text), context, **options)


def test_addresses_and_direction():
    sent = read(attributes=f"from='{OWN}/orchard' to='juliet@capulet.example' type='chat' id='1'")
    assert (sent.id, sent.type, sent.direction) == ("1", "chat", "out")
    assert read(attributes="from='juliet@capulet.example/balcony'").direction == "in"
    assert read(attributes=f"from='{OWN.upper()}/x'").direction == "out"
    # RFC 6120 §10.3.1
    assert read(attributes=f"from='{OWN}/orchard'").to == OWN
    assert read(attributes="from='juliet@capulet.example'").to is None


def test_a_type_that_does_not_exist_is_normal():
    assert read(attributes="type='odd'").type == read().type == "normal"


def test_texts_by_language():
    both = read(
        "<subject>Imploring</subject><subject xml:lang='cs'>Úpěnlivá prosba</subject>"
        "<body>Wherefore?</body><body xml:lang='cs'>Pročež?</body><body>again</body>",
        attributes="xml:lang='en'",
    )
    assert (both.lang, both.subject, both.body) == ("en", "Imploring", "Wherefore?")
    assert both.bodies == {"en": "Wherefore?", "cs": "Pročež?"}
    assert read("<body xml:lang='cs'>Pročež?</body>").body == "Pročež?"
    assert read("<body>x</body>").bodies == {}
    assert (read("<body/>").body, read().body) == ("", None)


def test_only_ids_of_trusted_entities_count():
    stanza = (
        f"<stanza-id xmlns='urn:xmpp:sid:0' id='5f3dbc5e' by='{OWN}'/>"
        "<stanza-id xmlns='urn:xmpp:sid:0' id='forged' by='room@muc.example'/>"
        "<origin-id xmlns='urn:xmpp:sid:0' id='de305d54'/>"
    )
    found = read(stanza)
    assert found.stanza_ids == [StanzaId("5f3dbc5e", OWN)]
    assert (found.origin_id, found.extensions) == ("de305d54", [])
    trusted = read(stanza, trusted=frozenset({"room@muc.example"}))
    assert [s.id for s in trusted.stanza_ids] == ["5f3dbc5e", "forged"]


def test_only_delays_of_trusted_entities_count():
    def delay(by):
        return (
            f"<delay xmlns='urn:xmpp:delay' from='{by}' stamp='2002-09-10T23:08:25Z'>"
            "Offline Storage</delay>"
        )

    stamp = datetime(2002, 9, 10, 23, 8, 25, tzinfo=UTC)
    own = read(delay("montague.example"))
    assert own.delay == Delay(stamp, "montague.example", "Offline Storage")
    assert own.timestamp == stamp
    assert read(delay("capulet.example")).timestamp is None
    envelope = fromstring("<delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/>")
    assert read(delay(OWN), delay=envelope).timestamp.year == 2010


def test_an_occupant_of_a_room():
    found = read(
        "<x xmlns='http://jabber.org/protocol/muc#user'><status code='100'/><status code='x'/>"
        "<item affiliation='owner' role='moderator' jid='hag66@shakespeare.lit/pda'/></x>",
        attributes="type='groupchat' from='darkcave@chat.shakespeare.lit/firstwitch'",
        room="darkcave@chat.shakespeare.lit",
    )
    real = "hag66@shakespeare.lit/pda"
    known = Status(100, "realjid-public", "every occupant sees the real JIDs")
    assert found.muc == Occupant("firstwitch", real, "owner", "moderator", [100], [known])
    assert found.extensions == []


def test_a_bounce_is_told_but_is_no_failed_target():
    found = read(
        "<body>x</body><error type='cancel'><item-not-found "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
        attributes="type='error' from='nobody@capulet.example'",
    )
    assert (found.error_.condition, found.error_.by) == ("item-not-found", "nobody@capulet.example")
    assert not hasattr(found, "error")


def test_other_payloads_are_named():
    found = read("<active xmlns='urn:x:a'/><y xmlns='urn:x:b'><z/></y>", raw=True)
    assert found.extensions == ["{urn:x:a}active", "{urn:x:b}y"]
    assert "urn:x:a" in found.raw_xml


@pytest.mark.parametrize("attributes", ["from='@@//'", "from=''", "from='a@b@c/d/e' to='/'"])
def test_odd_addresses_are_no_failure(attributes):
    assert read("<body>x</body>", attributes=attributes).body == "x"


def test_a_change_by_somebody_is_told_with_what_it_was() -> None:
    assert str(Occupant(affiliation="none", role="visitor", actor="boss")) == (
        "none/visitor, by boss"
    )
    assert str(Occupant(affiliation="none", role="none", actor="boss", reason="r")) == "by boss, r"
