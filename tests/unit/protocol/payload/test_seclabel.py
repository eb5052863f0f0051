"""XEP-0258: the label of a message."""

from xml.etree.ElementTree import Element

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.model.payload.content import SecurityLabel
from xmppctl.protocol.payload import seclabel
from xmppctl.session.stream import MESSAGE
from xmppctl.session.xml import parse, serialise

NS = "urn:xmpp:sec-label:0"
ESS = "<esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'>MQYCAQIGASk=</esssecuritylabel>"
EXAMPLE = (
    f"<securitylabel xmlns='{NS}'><displaymarking fgcolor='black' bgcolor='#ff0000'>SECRET"
    f"</displaymarking><label>{ESS}</label><equivalentlabel>{ESS}</equivalentlabel></securitylabel>"
)


def test_the_example_of_the_xep():
    found = read(f"<body>This content is classified.</body>{EXAMPLE}")
    assert found.security_label == SecurityLabel(
        "SECRET", "black", "#ff0000", f"<label xmlns='{NS}'>{ESS}</label>"
    )
    assert found.extensions == []


def test_a_label_without_marking_is_one():
    found = read(f"<securitylabel xmlns='{NS}'><label/></securitylabel>")
    assert found.security_label == SecurityLabel(label=f"<label xmlns='{NS}'/>")


@pytest.mark.parametrize("colour", ["", "url(x)", "#12345", "red; x", "#1234567", "rgb(1,2,3)"])
def test_colours_that_are_none_are_left_out(colour):
    found = read(
        f"<securitylabel xmlns='{NS}'><displaymarking fgcolor='{colour}'>{'x' * 2000}"
        f"</displaymarking><label>{'y' * 70000}</label></securitylabel>"
    )
    assert found.security_label == SecurityLabel()


@pytest.mark.parametrize(
    "inside",
    ["", "<label xmlns='other'/>", "<label/><label/>", "<displaymarking>x</displaymarking>"],
)
def test_without_one_label_it_is_none(inside):
    found = read(f"<securitylabel xmlns='{NS}'>{inside}</securitylabel>")
    assert found.security_label is None
    assert found.extensions == [f"{{{NS}}}securitylabel"]


def test_an_error_has_no_label():
    assert read(EXAMPLE, kind="error").security_label is None


def test_it_goes_out_as_it_is():
    label = parse(EXAMPLE)
    stanza, second = Element(MESSAGE), Element(MESSAGE)
    seclabel.attach(stanza, label)
    seclabel.attach(second, label)
    assert serialise(stanza) == serialise(second) == f"<message>{EXAMPLE}</message>"
    assert stanza[0] is not second[0]
