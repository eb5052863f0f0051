"""Which entities `disco find` means, and what a form says."""

from xml.etree.ElementTree import fromstring

import pytest

from xmppctl.model.disco import DiscoEntry, Identity
from xmppctl.protocol import disco, implemented

ENTRY = DiscoEntry(
    "rooms.example",
    None,
    None,
    1,
    [Identity("conference", "text"), Identity("directory", "chatroom")],
    ["a", "b"],
)


@pytest.mark.parametrize(
    ("features", "category", "kind", "found"),
    [
        (("a", "b"), None, None, True),
        (("a", "c"), None, None, False),
        ((), "conference", None, True),
        ((), "conference", "text", True),
        ((), "conference", "chatroom", False),
        ((), None, "chatroom", True),
        (("a",), "server", None, False),
    ],
)
def test_features_and_identities_hold_together(features, category, kind, found):
    assert disco.matcher(features, category, kind)(ENTRY) is found


def info(inside, attributes=""):
    query = f"<query xmlns='http://jabber.org/protocol/disco#info' {attributes}>{inside}</query>"
    return disco.read_info(fromstring(query), "x.example", None)


def test_a_form_of_xep_0128():
    found = info(
        "<identity category='server' type='im'/><x xmlns='jabber:x:data' type='result'>"
        "<field var='FORM_TYPE' type='hidden'>"
        "<value>http://jabber.org/network/serverinfo</value></field>"
        "<field var='abuse-addresses' label='Abuse'><value>mailto:a@x.example</value>"
        "<value>xmpp:a@x.example</value></field></x>"
    )
    (form,) = found.forms
    assert form.form_type == "http://jabber.org/network/serverinfo"
    (field,) = form.fields
    assert (field.var, field.label) == ("abuse-addresses", "Abuse")
    assert field.values == ["mailto:a@x.example", "xmpp:a@x.example"]


def test_what_does_not_fit_hides_nothing_else():
    found = info(
        "<identity/><identity category='a' type='b'/><feature/><feature var='f'/>"
        "<feature var='f'/><other/><x xmlns='jabber:x:data'><field type='fixed'/>"
        "<field type='odd' var='v'><value>1</value></field></x>",
        "xml:lang='de'",
    )
    assert [(i.category, i.type, i.lang) for i in found.identities] == [
        ("", "", "de"), ("a", "b", "de")]  # fmt: skip
    assert found.features == ["f"]
    assert [(form.form_type, form.fields[0].values) for form in found.forms] == [(None, ["1"])]


def test_what_is_implemented_is_declared_by_these_modules():
    numbers = {xep.number for xep, _ in implemented()}
    assert {"0030", "0045", "0059", "0092", "0198", "0199", "0202", "0313", "0359"} <= numbers
