"""XEP-0184 and XEP-0333: what is asked, what is answered, what counts."""

from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.model.jid import parse
from xmppctl.model.payload.delivery import Marker, Receipt
from xmppctl.protocol import send
from xmppctl.protocol.payload import markers, receipts

OWN = "kingrichard@royalty.england.lit"
REQUEST = "<request xmlns='urn:xmpp:receipts'/>"


def message(inside, attributes="id='r2' from='n@shakespeare.lit/w'"):
    return fromstring(f"<message xmlns='jabber:client' {attributes}>{inside}</message>")


def test_a_receipt_has_one_child_and_the_type_of_the_message():
    given = receipts.answer(message(REQUEST, "id='r2' type='chat' from='n@s.lit/w'"), OWN)
    assert (given.get("to"), given.get("type"), len(given)) == ("n@s.lit/w", "chat", 1)
    assert given[0].tag == "{urn:xmpp:receipts}received"
    assert given[0].get("id") == "r2"
    assert given.get("id")


@pytest.mark.parametrize(
    ("inside", "attributes"),
    [
        ("<body/>", "id='1' from='n@s.lit/w'"),
        (REQUEST, "from='n@s.lit/w'"),
        (REQUEST, "id='1'"),
        (REQUEST, "id='1' type='groupchat' from='r@s.lit/w'"),
        (REQUEST, "id='1' type='error' from='n@s.lit/w'"),
        (REQUEST, f"id='1' from='{OWN}/other'"),
        (REQUEST + "<received xmlns='urn:xmpp:receipts' id='0'/>", "id='1' from='n@s.lit/w'"),
    ],
)
def test_what_gets_no_receipt(inside, attributes):
    assert receipts.answer(message(inside, attributes), OWN) is None


def test_reading():
    assert read(REQUEST).receipt == Receipt(requested=True)
    received = message("<received xmlns='urn:xmpp:receipts' id='x'/>")
    assert read("<received xmlns='urn:xmpp:receipts' id='x'/>").receipt == Receipt(received_id="x")
    assert read("<body/>").receipt is None
    assert receipts.confirms(received, "x")
    assert not receipts.confirms(received, "y")
    displayed = message("<displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>")
    marked = read("<displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>")
    assert (marked.marker, marked.extensions) == (Marker("displayed", "m"), [])
    assert markers.confirms(displayed, "m")
    assert not markers.confirms(displayed, "n")


def test_what_names_no_message_says_nothing():
    for name in ("displayed", "received", "acknowledged"):
        tag = f"{{urn:xmpp:chat-markers:0}}{name}"
        found = read(f"<{name} xmlns='urn:xmpp:chat-markers:0'/>")
        assert (found.marker, found.extensions) == (None, [tag])
    found = read("<received xmlns='urn:xmpp:receipts' id=''/>")
    assert (found.receipt, found.extensions) == (None, ["{urn:xmpp:receipts}received"])


def test_asking_once():
    made = send.compose(parse(OWN), id="1", body="x")
    for _ in range(2):
        receipts.request(made.stanza)
        markers.request(made.stanza)
    assert len(made.stanza.findall(receipts.REQUEST)) == 1
    assert len(made.stanza.findall(markers.MARKABLE)) == 1
