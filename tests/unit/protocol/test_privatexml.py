"""Private XML without a server: nobody's change is lost, and a yes is no proof."""

from xml.etree.ElementTree import Element, SubElement, fromstring

import pytest

from tests.unit.protocol.private import Storage
from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.protocol import privatexml

TAG = "{exodus:prefs}exodus"


def adding(name):
    def change(element):
        if element.find(f"{{exodus:prefs}}{name}") is not None:
            return False
        SubElement(element, f"{{exodus:prefs}}{name}")
        return True

    return change


async def update(session, change):
    base = await privatexml.get(session, TAG, step="x")
    return await privatexml.update(session, base, change, step="x")


def names(element):
    return [each.tag.partition("}")[2] for each in element]


def test_the_example():
    storage = Storage("<exodus xmlns='exodus:prefs'><defaultnick>Hamlet</defaultnick></exodus>")
    found = storage.run(privatexml.get(storage.session, TAG, step="x"))
    assert found.findtext("{exodus:prefs}defaultnick") == "Hamlet"


def test_an_element_that_is_too_large():
    storage = Storage()
    storage.session.features = fromstring(
        "<f><limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>2000</max-bytes></limits></f>"
    )
    element = Element("{urn:x}x")
    element.text = "y" * 1000
    with pytest.raises(RefusedError) as caught:
        storage.run(privatexml.store(storage.session, element))
    assert (caught.value.condition, caught.value.limit) == ("file-too-large", 2000)
    assert (caught.value.hint, storage.asked) == (None, [])


def test_nothing_stored_is_an_empty_element():
    storage = Storage()
    assert storage.run(privatexml.get(storage.session, TAG, step="x")).tag == TAG


def test_what_is_not_understood_stays():
    storage = Storage("<exodus xmlns='exodus:prefs' a='1'>t<o xmlns='other' b='2'>u</o>v</exodus>")
    storage.run(update(storage.session, adding("new")))
    found = storage.element
    assert (found.get("a"), found.text, found[0].tag) == ("1", "t", "{other}o")
    assert (found[0].get("b"), found[0].text, found[0].tail) == ("2", "u", "v")
    assert storage.asked == ["get", "get", "set", "get"]


def test_nothing_to_change_sends_nothing():
    storage = Storage("<exodus xmlns='exodus:prefs'><new/></exodus>")
    storage.run(update(storage.session, adding("new")))
    assert storage.asked == ["get"]


def test_what_another_client_wrote_in_between_is_kept():
    def meddle(storage, kind):
        if len(storage.asked) == 1:
            storage.stored = "<exodus xmlns='exodus:prefs'><old/><theirs/></exodus>"

    storage = Storage("<exodus xmlns='exodus:prefs'><old/></exodus>", meddle)
    found = storage.run(update(storage.session, adding("mine")))
    assert names(storage.element) == names(found) == ["old", "theirs", "mine"]


def test_another_client_that_made_the_same_change_loses_nothing_either():
    def meddle(storage, kind):
        if len(storage.asked) == 1:
            storage.stored = "<exodus xmlns='exodus:prefs'><mine/><theirs/></exodus>"

    storage = Storage(None, meddle)
    storage.run(update(storage.session, adding("mine")))
    assert names(storage.element) == ["mine", "theirs"]


def test_what_another_client_overwrote_is_written_again():
    def meddle(storage, kind):
        if len(storage.asked) == 3:  # right behind the set
            storage.stored = "<exodus xmlns='exodus:prefs'><theirs/></exodus>"

    storage = Storage(None, meddle)
    storage.run(update(storage.session, adding("mine")))
    assert names(storage.element) == ["theirs", "mine"]


def test_a_server_that_only_says_yes():
    storage = Storage(deaf=True)
    with pytest.raises(RefusedError) as caught:
        storage.run(update(storage.session, adding("mine")))
    assert caught.value.condition == "not-confirmed"
    storage = Storage(deaf=True)
    element = Element(TAG)
    element.text = "x"
    with pytest.raises(RefusedError) as caught:
        storage.run(privatexml.put(storage.session, element, step="x"))
    assert caught.value.condition == "not-confirmed"


@pytest.mark.parametrize(
    ("condition", "kind"),
    [("service-unavailable", UnsupportedError), ("not-acceptable", RefusedError)],
)
def test_a_refusal(condition, kind):
    storage = Storage(refuse=condition)
    with pytest.raises(kind) as caught:
        storage.run(privatexml.get(storage.session, TAG, step="x"))
    assert caught.value.step == "x"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("<a><b/> </a>", "<a>\n<b/></a>", True),
        ("<a>x</a>", "<a>x </a>", False),
        ("<a><b/><c/></a>", "<a><c/><b/></a>", False),
        ("<a b='1'/>", "<a/>", False),
    ],
)
def test_same(one, other, same):
    assert privatexml.same(fromstring(one), fromstring(other)) is same
