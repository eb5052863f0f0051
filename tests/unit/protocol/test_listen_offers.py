"""Which offers of files a listener takes."""

from __future__ import annotations

import re

import pytest

from xmppctl.model.jid import parse as jid
from xmppctl.model.payload.file import Oob
from xmppctl.model.stanza import Stanza
from xmppctl.protocol import listen

OFFER = Stanza(
    stanza="iq",
    type="set",
    from_="bob@x.test/1",
    oob=[Oob("https://x.test/report.pdf", "The figures")],
)


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        ({}, True),
        ({"types": frozenset({"chat"})}, True),
        ({"delayed": False}, True),
        ({"senders": (jid("bob@x.test"),)}, True),
        ({"senders": (jid("x.test"),)}, True),
        ({"senders": (jid("bob@x.test/2"),)}, False),
        ({"senders": (jid("alice@x.test"), jid("y.test"))}, False),
        ({"matching": re.compile("figures")}, True),
        ({"matching": re.compile(r"\.pdf$")}, True),
        ({"matching": re.compile("secret")}, False),
    ],
)
def test_the_filter(wanted, taken):
    assert listen.Filter(**wanted).accepts(OFFER) is taken


@pytest.mark.parametrize(
    ("rooms", "sender", "taken"),
    [
        ((), "bob@x.test/1", True),
        ((), None, True),
        (("room@muc.test",), "bob@x.test/1", False),
        (("room@muc.test",), None, False),
        (("other@muc.test", "room@muc.test"), "room@muc.test/bob", True),
    ],
)
def test_in_rooms_only_from_there(rooms, sender, taken):
    options = listen.Options(rooms=tuple(map(jid, rooms)))
    assert listen._may_offer(Stanza(stanza="iq", from_=sender), options) is taken


def test_messages_are_not_searched_for_their_urls():
    message = Stanza(body="x", oob=[Oob("https://x.test/report.pdf")])
    assert not listen.Filter(matching=re.compile("report")).accepts(message)
