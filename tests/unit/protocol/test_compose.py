"""From what is to be sent to the stanza."""

from xml.etree.ElementTree import fromstring

from xmppctl.errors import RefusedError
from xmppctl.model.jid import parse
from xmppctl.protocol import send
from xmppctl.session.xml import serialise

TO = parse("juliet@capulet.example")


def test_a_message_with_everything():
    made = send.compose(
        TO, id="i1", body="<b>\n", type="normal", subject="S", thread="T", lang="cs"
    )
    again = fromstring(serialise(made.stanza, ""))
    assert dict(again.attrib) == {
        "to": str(TO),
        "id": "i1",
        "type": "normal",
        "{http://www.w3.org/XML/1998/namespace}lang": "cs",
    }
    assert [(child.tag, child.text) for child in again] == [
        ("{jabber:client}subject", "S"),
        ("{jabber:client}body", "<b>\n"),
        ("{jabber:client}thread", "T"),
        ("{urn:xmpp:sid:0}origin-id", None),
    ]
    assert again[-1].get("id") == "i1"


def test_the_result_as_long_as_nothing_is_known():
    result = send.compose(TO, id="i1", body="x").result
    assert (result.to, result.id, result.origin_id) == (str(TO), "i1", "i1")
    assert not (result.acked or result.confirmed or result.error)
    error = RefusedError("no").info()
    assert send.compose(TO, id="i1", body="x").refused(error).error == error


def test_an_adopted_stanza_keeps_its_id_and_loses_its_sender():
    text = "<message xmlns='jabber:client' id='mine' from='forged@x.example' to='x@x.example'/>"
    adopted = send.adopt(fromstring(text), TO, id="new")
    assert adopted.stanza.attrib == {"id": "mine", "to": str(TO)}
    assert adopted.result.origin_id is None
    assert send.adopt(fromstring("<message xmlns='jabber:client'/>"), TO, id="new").id == "new"
