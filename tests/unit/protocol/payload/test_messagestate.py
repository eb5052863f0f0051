"""What became of a message, as another client tells."""

from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element, SubElement

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.model.payload.delivery import MessageState
from xmppctl.protocol.dates import parse_datetime
from xmppctl.protocol.payload import messagestate

NGX = "ngxchat:contactmessagestates"


def state(attributes, kind="chat"):
    return read(f"<message-state xmlns='{NGX}' {attributes}/>", kind=kind)


def test_states_of_the_other_client():
    found = state("messageId='m7' date='2021-03-04T05:06:07.008Z' state='recipientSeen'")
    date = datetime(2021, 3, 4, 5, 6, 7, 8000, UTC)
    assert found.message_state == MessageState("m7", "recipientSeen", date)
    assert found.extensions == []
    assert str(found.message_state) == "recipientSeen m7"
    dateless = state("messageId='m7' date='soon' state='recipientReceived'")
    assert dateless.message_state == MessageState("m7", "recipientReceived", None)


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ("state='recipientSeen'", "chat"),
        ("messageId='' state='recipientSeen'", "chat"),
        ("messageId='m7'", "chat"),
        ("messageId='m7' state='seen'", "chat"),
        ("messageId='m7' state='recipientSeen'", "groupchat"),
        ("messageId='m7' state='recipientSeen'", "error"),
    ],
)
def test_what_is_no_state(attributes, kind):
    found = state(attributes, kind)
    assert (found.message_state, found.extensions) == (None, [f"{{{NGX}}}message-state"])


@pytest.mark.parametrize(
    ("told", "tag"),
    [
        ("received", "{urn:xmpp:receipts}received"),
        ("seen", "{urn:xmpp:chat-markers:0}displayed"),
    ],
)
def test_a_state_goes_out_by_the_standards(told, tag):
    stanza = Element("message", {"id": "own"})
    SubElement(stanza, "{urn:xmpp:sid:0}origin-id", {"id": "own"})
    messagestate.attach(stanza, told, "m7")
    assert [(child.tag, child.attrib) for child in stanza] == [(tag, {"id": "m7"})]


def test_a_state_goes_out_in_the_way_of_the_other_client():
    stanza = Element("message")
    messagestate.attach(stanza, "received", "m7", ngx=True)
    (element,) = stanza
    date = element.attrib.pop("date")
    assert element.tag == f"{{{NGX}}}message-state"
    assert element.attrib == {"messageId": "m7", "state": "recipientReceived"}
    assert datetime.now(UTC) - parse_datetime(date) < timedelta(seconds=30)
    assert date.endswith("Z")
