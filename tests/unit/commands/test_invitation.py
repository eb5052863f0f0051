"""Invitations in xmpp: URIs."""

import pytest

from xmppctl.commands.roster._invitation import Invitation, of
from xmppctl.errors import UsageError


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (
            "xmpp:romeo@montague.net?roster;preauth=1tMFqYDdKhfe2pwp;name=Romeo+Montague",
            Invitation("1tMFqYDdKhfe2pwp", "Romeo Montague"),
        ),
        ("XMPP:r@m.net?subscribe;preauth=t%3D;name=R%20%C3%A4#x", Invitation("t=", "R ä")),
        ("xmpp:r@m.net?roster", Invitation()),
        ("xmpp:r@m.net", Invitation()),
        ("xmpp:r@m.net?message;preauth=t", Invitation()),
        ("xmpp:r@m.net?roster;preauth=;;=x", Invitation()),
        ("r@m.net?roster;preauth=t", Invitation()),
    ],
)
def test_what_a_uri_says(word, expected):
    assert of(word) == expected


def test_what_is_no_text():
    with pytest.raises(UsageError):
        of("xmpp:r@m.net?roster;preauth=%ff")
