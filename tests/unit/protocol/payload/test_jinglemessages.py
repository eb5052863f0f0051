"""Proposals of calls and files (XEP-0353), as a listener and an archive show them."""

from __future__ import annotations

import pytest

from xmppctl.model.jingle import JingleContent, JingleOffer
from xmppctl.protocol import message
from xmppctl.protocol.payload import Context
from xmppctl.session.xml import parse

NS = "urn:xmpp:jingle-message:0"


def read(inside, kind="chat"):
    stanza = parse(
        f"<message xmlns='jabber:client' from='romeo@montague.example/orchard' type='{kind}' "
        f"to='juliet@capulet.example'>{inside}</message>"
    )
    return message.read(stanza, Context("juliet@capulet.example"))


@pytest.mark.parametrize(
    ("inside", "action", "contents", "reason"),
    [
        (
            f"<propose xmlns='{NS}' id='ca3c'>"
            "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>",
            "propose",
            [JingleContent(description="urn:xmpp:jingle:apps:rtp:1", media="audio")],
            None,
        ),
        (f"<proceed xmlns='{NS}' id='ca3c'/>", "proceed", [], None),
        (f"<ringing xmlns='{NS}' id='ca3c'/>", "ringing", [], None),
        (
            f"<reject xmlns='{NS}' id='ca3c'><reason xmlns='urn:xmpp:jingle:1'><busy/>"
            "<text>Busy</text></reason></reject>",
            "reject",
            [],
            "busy",
        ),
        (
            f"<retract xmlns='{NS}' id='ca3c'><reason xmlns='urn:xmpp:jingle:1'><cancel/>"
            "</reason></retract>",
            "retract",
            [],
            "cancel",
        ),
    ],
)
def test_the_messages_of_the_xep(inside, action, contents, reason):
    found = read(inside)
    sender = "romeo@montague.example/orchard"
    assert found.jingle == JingleOffer(action, "ca3c", sender, contents, reason=reason)
    assert found.extensions == []


def test_a_file_that_is_proposed():
    found = read(
        f"<propose xmlns='{NS}' id='x'><description "
        "xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>a.txt</name><size>9</size>"
        "</file></description></propose>"
    )
    (content,) = found.jingle.contents
    assert (content.file.name, content.file.size) == ("a.txt", 9)
    assert found.told().whole == "(propose: file-transfer)"


@pytest.mark.parametrize(
    "inside",
    [f"<propose xmlns='{NS}'/>", f"<propose xmlns='{NS}' id=''/>", f"<dance xmlns='{NS}' id='x'/>"],
)
def test_what_says_nothing(inside):
    found = read(inside)
    assert found.jingle is None
    assert len(found.extensions) == 1


def test_a_proposal_that_came_back():
    assert read(f"<propose xmlns='{NS}' id='x'/>", kind="error").jingle is None
