"""XEP-0258: which label of a catalogue a selector means."""

import pytest

from xmppctl.errors import UsageError
from xmppctl.protocol import labels
from xmppctl.session.xml import parse, serialise

LABEL = "<securitylabel xmlns='urn:xmpp:sec-label:0'>{}</securitylabel>"
SECRET = LABEL.format("<displaymarking>S</displaymarking><label><x xmlns='y'>1</x></label>")
# the catalogue of the XEP in short, with items that cannot be used
CATALOGUE = parse(
    f"<catalog xmlns='{labels.NS}' to='example.com' restrict='true'>"
    f"<item selector='Classified|SECRET'>{SECRET}</item>"
    "<item selector='UNCLASSIFIED' default='true'/>"
    f"<item>{SECRET}</item>"
    f"<item selector='broken'>{LABEL.format('')}</item>"
    "<item selector='strange'><other xmlns='x'/></item></catalog>"
)


def test_the_label_of_a_selector_is_taken_as_it_is():
    found = labels._select(list(CATALOGUE), "Classified|SECRET", "a@x.example")
    assert found is not None
    assert serialise(found, "") == SECRET


def test_an_item_without_a_label_means_none():
    assert labels._select(list(CATALOGUE), "UNCLASSIFIED", "a@x.example") is None


@pytest.mark.parametrize("selector", ["SECRET", "Classified", "classified|secret", "broken",
                                      "strange", " "])  # fmt: skip
def test_what_is_not_there_is_refused_with_what_is(selector):
    with pytest.raises(UsageError) as caught:
        labels._select(list(CATALOGUE), selector, "a@x.example")
    assert "for a@x.example; nothing was sent" in caught.value.text
    assert "Classified|SECRET, UNCLASSIFIED" in caught.value.hint


def test_an_empty_catalogue():
    with pytest.raises(UsageError) as caught:
        labels._select([], "x", "a@x.example")
    assert caught.value.hint == "its labels: none"
