"""XEP-0059: what is asked, what is understood, and the guard."""

from xml.etree.ElementTree import fromstring

import pytest

from xmppctl.errors import RefusedError
from xmppctl.protocol import rsm
from xmppctl.protocol.mam import Fin
from xmppctl.session.payload import from_element, to_element

NS = "{http://jabber.org/protocol/rsm}"


def asked(**what):
    return [(child.tag.removeprefix(NS), child.text) for child in to_element(rsm.request(**what))]


def test_questions():
    assert asked(maximum=10) == [("max", "10")]
    assert sorted(asked(maximum=10, after="09af3-cc343-b409f")) == [
        ("after", "09af3-cc343-b409f"),
        ("max", "10"),
    ]
    assert asked(before="") == [("before", None)]
    assert asked(before="u1") == [("before", "u1")]


def page(text):
    fin = f"<fin xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'>{text}</set></fin>"
    return rsm.read(from_element(fromstring(fin), Fin).page)


def test_answers():
    found = page("<first index='0'>stpeter</first><last>peterpan</last><count>800</count>")
    assert found == rsm.Page("stpeter", "peterpan", 800, 0)
    assert page("") == rsm.Page(None, None, None, None)
    assert rsm.read(None) is None


@pytest.mark.parametrize(
    ("index", "count", "received", "last"),
    [(0, 3, 3, True), (0, 4, 3, False), (2, 4, 2, True), (None, 3, 3, False), (0, None, 3, False)],
)
def test_whether_more_follows(index, count, received, last):
    assert rsm.Page("a", "b", count, index).is_last(received) is last


def test_the_guard_lets_pages_through_once():
    guard = rsm.Guard()
    guard.check(rsm.Page("a", "c", None, None), by="x")
    guard.check(rsm.Page("c", "d", None, None), by="x")  # overlapping is not repeating
    guard.check(rsm.Page(None, None, None, None), by="x")
    guard.check(rsm.Page(None, None, None, None), by="x")
    for again in (rsm.Page("a", "z", None, None), rsm.Page("y", "d", None, None)):
        with pytest.raises(RefusedError, match="before") as caught:
            guard.check(again, by="archive.example")
        assert (caught.value.condition, caught.value.by) == ("page-repeated", "archive.example")
