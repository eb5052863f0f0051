"""Steps and times, and a trace of the stanzas that holds no secret."""

from __future__ import annotations

import pytest

from xmppctl.session.trace import REDACTED, Trace, redacted
from xmppctl.session.xml import header, parse

S = "S3CRET"


@pytest.mark.parametrize(
    "xml",
    [
        f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{S}</auth>",
        f"<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{S}</response>",
        f"<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{S}</challenge>",
        f"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{S}</success>",
        f"<authenticate xmlns='urn:xmpp:sasl:2'><initial-response>{S}</initial-response>"
        "</authenticate>",
        f"<success xmlns='urn:xmpp:sasl:2'><additional-data>{S}</additional-data>"
        f"<token xmlns='urn:xmpp:fast:0' token='{S}'/></success>",
        f"<iq><query xmlns='jabber:iq:register'><username>u</username><password>{S}</password>"
        "</query></iq>",
        f"<iq><x xmlns='jabber:x:data'><field var='muc#roomconfig_roomsecret'><value>{S}</value>"
        "</field></x></iq>",
        f"<iq><query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'>"
        f"<field var='old_password'><value>{S}</value></field></x></query></iq>",
        f"<iq type='set'><preauth xmlns='urn:xmpp:pars:0' token='{S}'/></iq>",
        f"<iq><x xmlns='jabber:x:data'><field var='odd' type='text-private'><value>{S}</value>"
        "</field></x></iq>",
        f"<presence><x xmlns='http://jabber.org/protocol/muc'><password>{S}</password></x></presence>",
        f"<iq><slot xmlns='urn:xmpp:http:upload:0'><put url='https://x'>"
        f"<header name='Authorization'>{S}</header></put></slot></iq>",
        f"<iq><x xmlns='jabber:x:data'><field var='uri'>"
        f"<value>xmpp:a.test?register;preauth={S};ibr=y</value></field></x></iq>",
        f"<iq><x xmlns='jabber:x:data'><field var='landing-url'><value>https://a.test/i/{S}</value>"
        "</field></x></iq>",
        f"<iq><item><secretkey xmlns='urn:xmpp:openpgp:0'>{S}</secretkey></item></iq>",
        f"<iq><services xmlns='urn:xmpp:extdisco:2'><service username='u' password='{S}'/>"
        "</services></iq>",
    ],
)
def test_redacted(xml: str) -> None:
    for shown in (redacted(parse(xml)), redacted(xml)):
        assert S not in shown
        assert REDACTED in shown


def test_the_element_itself_is_left_alone() -> None:
    element = parse(f"<password>{S}</password>")
    redacted(element)
    assert element.text == S


def test_text_that_is_no_element() -> None:
    assert redacted(header("a.test")) == header("a.test")
    assert redacted("<body>words</body>") == "<body>words</body>"


def test_steps_round_trips_and_facts() -> None:
    notes: list[str] = []
    shown: list[tuple[str, str]] = []
    trace = Trace(notes.append, lambda direction, text: shown.append((direction, text)))
    trace.enter("tls")
    trace.enter("auth")
    assert trace.step == "auth"
    assert set(trace.milliseconds) == {"start", "tls"}
    trace.sent(parse("<a/>"))
    trace.sent("<b/>")
    trace.received(parse("<c/>"))
    trace.received(parse("<d/>"))
    trace.sent(parse("<e/>"))
    trace.received(parse("<f/>"))
    assert trace.round_trips == 2
    assert [direction for direction, _ in shown] == ["out", "out", "in", "in", "out", "in"]
    trace.note("hello")
    trace.fact("peer", "h:1")
    assert (notes, trace.facts) == (["hello"], {"peer": "h:1"})


def test_a_trace_that_nobody_reads() -> None:
    trace = Trace()
    trace.note("x")
    trace.sent(parse("<a/>"))
    trace.received("<stream:stream>")
    assert trace.round_trips == 1


def test_the_way_in_words() -> None:
    trace = Trace()
    assert trace.way() == ""
    trace.fact("peer", "xmpp.x.test:5223")
    trace.fact("cipher", "")
    assert trace.way() == "xmpp.x.test:5223"
    for name, value in {
        "address": "::1",
        "transport": "websocket",
        "tls": "TLSv1.3",
        "mechanism": "SCRAM-SHA-1-PLUS",
        "channel_binding": "tls-exporter",
        "sasl": "sasl2",
    }.items():
        trace.fact(name, value)
    assert trace.way() == (
        "xmpp.x.test:5223 (::1) by WebSocket over TLSv1.3"
        " with SCRAM-SHA-1-PLUS bound by tls-exporter (SASL2)"
    )
    trace.fact("channel_binding", "")
    trace.fact("sasl", "sasl1")
    assert trace.way().endswith(" with SCRAM-SHA-1-PLUS")
