"""Presence from the stream into records and back; XEP-0115's own hash."""

from datetime import UTC, datetime
from xml.etree.ElementTree import fromstring

import pytest

from xmppctl.model.jid import parse
from xmppctl.model.presence import Caps
from xmppctl.protocol import caps_own, presence
from xmppctl.session.xml import serialise

OWN = "romeo@example.net"


def read(inside="", attributes="from='juliet@example.com/b'"):
    text = f"<presence xmlns='jabber:client' {attributes}>{inside}</presence>"
    return presence.read(fromstring(text), own=OWN)


def test_everything():
    found = read(
        "<show>xa</show><status>away</status><priority>7</priority>"
        "<idle xmlns='urn:xmpp:idle:1' since='1969-07-21T02:56:15Z'/>"
        "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://x' ver='v='/>"
        "<nick xmlns='http://jabber.org/protocol/nick'>Julie</nick>"
        "<delay xmlns='urn:xmpp:delay' from='juliet@example.com/b' stamp='2002-09-10T23:08:25Z'/>"
    )
    assert (found.jid, found.type, found.show) == ("juliet@example.com/b", "available", "xa")
    assert (found.status, found.priority, found.nick) == ("away", 7, "Julie")
    assert found.idle_since == datetime(1969, 7, 21, 2, 56, 15, tzinfo=UTC)
    assert found.timestamp == datetime(2002, 9, 10, 23, 8, 25, tzinfo=UTC)
    assert found.caps == Caps("http://x", "v=", "sha-1")


@pytest.mark.parametrize(
    ("inside", "show", "priority"),
    [
        ("", "available", 0),
        ("<show>odd</show><priority>many</priority>", "available", 0),
        ("<show/><priority>999999999999999999999</priority>", "available", 127),
        ("<idle xmlns='urn:xmpp:idle:1' since='today'/>", "available", 0),
        ("<c xmlns='http://jabber.org/protocol/caps'/>", "available", 0),
    ],
)
def test_what_does_not_fit_is_left_out(inside, show, priority):
    found = read(inside)
    assert (found.show, found.priority) == (show, priority)
    assert (found.idle_since, found.caps) == (None, None)


def test_other_types():
    gone = read("<status>bye</status>", "from='j@e.com/b' type='unavailable'")
    assert (gone.type, gone.show, gone.priority, gone.status) == ("unavailable", None, None, "bye")
    error = read("<error type='cancel'><x/></error>", "from='j@e.com' type='error'")
    assert (error.type, error.error_.by) == ("error", "j@e.com")


def test_a_delay_by_a_stranger_does_not_count():
    found = read("<delay xmlns='urn:xmpp:delay' from='evil.example' stamp='2002-09-10T23:08:25Z'/>")
    assert found.timestamp.year > 2020


def test_what_is_sent_can_be_read():
    since = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    made = presence.compose(show="dnd", status="<b>", priority=-5, idle_since=since)
    found = presence.read(fromstring(serialise(made, "")), own=OWN)
    assert (found.show, found.status, found.priority, found.idle_since) == ("dnd", "<b>", -5, since)
    assert found.caps == Caps(caps_own.NODE, caps_own.verification(caps_own.FEATURES), "sha-1")


def test_the_hash_is_over_the_sorted_features():
    one = caps_own.verification(["b", "a"])
    assert one == caps_own.verification(["a", "b"]) != caps_own.verification(["a"])
    # printf 'client/console//xmppctl<a<b<' | openssl sha1 -binary | base64
    assert len(one) == 28


@pytest.mark.parametrize(
    ("wanted", "jid", "covered"),
    [
        ("a@x.test", "a@x.test/r", True),
        ("a@x.test", "b@x.test", False),
        ("a@x.test/r", "a@x.test/s", False),
        ("a@x.test/r", "A@X.test/r", True),
        ("x.test", "a@x.test/r", True),
        ("x.test", "a@y.x.test", False),
    ],
)
def test_whom_a_jid_covers(wanted, jid, covered):
    assert presence.covers(parse(wanted), jid) is covered
