"""XEP-0444: reactions, and what can be one."""

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.model.jid import parse as jid
from xmppctl.model.payload.reference import Reactions
from xmppctl.protocol import outgoing
from xmppctl.protocol.payload import reactions

ID = "744f6e18-a57a-11e9-a656-4889e7820c76"


def reacted(*texts, attributes=f"id='{ID}'"):
    inside = "".join(f"<reaction>{text}</reaction>" for text in texts)
    return f"<reactions {attributes} xmlns='urn:xmpp:reactions:0'>{inside}</reactions>"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["👋"], ["👋"]),
        (["👋", "🐢"], ["👋", "🐢"]),
        ([], []),
        (["👋", "🐢", " 👋\n", ""], ["👋", "🐢"]),
        (["👋", "x" * 33], ["👋"]),
    ],
)
def test_reading(texts, expected):
    found = read(reacted(*texts))
    assert (found.reactions, found.extensions) == (Reactions(ID, expected), [])


def test_nonsense_does_not_take_reactions_back():
    notes = []
    found = read(reacted("", "x" * 10000), note=notes.append)
    assert found.reactions is None
    assert found.extensions == ["{urn:xmpp:reactions:0}reactions"]
    assert notes == ["ignored reactions that are no emojis"]


@pytest.mark.parametrize("attributes", ["", "id=''"])
def test_reactions_to_nothing(attributes):
    found = read(reacted("👋", attributes=attributes))
    assert found.reactions is None
    assert found.extensions == ["{urn:xmpp:reactions:0}reactions"]


def test_one_element_and_not_too_many_in_it():
    notes = []
    many = [chr(0x1F300 + number) for number in range(500)]
    found = read(reacted(*many) + reacted("👋"), note=notes.append)
    assert found.reactions.emojis == many[:64]
    assert len(notes) == 2


@pytest.mark.parametrize("emojis", [["👋", "❤️"], []])
def test_what_is_sent(emojis):
    made = outgoing.compose(jid("romeo@capulet.net"), id="1")
    reactions.attach(made.stanza, ID, emojis)
    (element,) = made.stanza.findall("{urn:xmpp:reactions:0}reactions")
    assert element.get("id") == ID
    assert [e.text for e in element] == emojis
    assert made.stanza.find("{urn:xmpp:hints}store") is not None
    assert made.stanza.find("{jabber:client}body") is None


@pytest.mark.parametrize(
    "text",
    ["👍", "👍🏽", "❤️", "❤", "👨‍👨‍👦‍👦", "🇺🇳", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "#⃣", "ℹ️", "©", "‼️", "〰️", "🏳️‍🌈", "🧛🏾",
     "\U0001fadf"],
)  # fmt: skip
def test_an_emoji(text):
    assert reactions.is_emoji(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "a", "ok", "1", "+1", ":)", "é", "👍👍", "👍 ", " 👍", "🇺🇳🇺🇳", "🇺🇳🇺",
     "👍\u200d", "\u200d👍", "👨\u200d\u200d👦", "\u202e", "\x07", "\n", "\ufe0f", "👍a", "字",
     "👍" + "\ufe0f" * 40, "\ue000"],
)  # fmt: skip
def test_what_is_not_one_emoji(text):
    assert not reactions.is_emoji(text)
