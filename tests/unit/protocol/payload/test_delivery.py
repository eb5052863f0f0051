"""XEP-0334, XEP-0280 §9, XEP-0131, XEP-0466 and XEP-0224, by their own examples."""

from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element, SubElement

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.protocol.dates import parse_datetime
from xmppctl.protocol.payload import attention, ephemeral, headers, hints, private

HINTS, CARBONS, SHIM = "urn:xmpp:hints", "urn:xmpp:carbons:2", "http://jabber.org/protocol/shim"
EPHEMERAL, ATTENTION = "urn:xmpp:ephemeral:0", "urn:xmpp:attention:0"


def message(to="juliet@capulet.lit", body=None):
    stanza = Element("{jabber:client}message", {"to": to})
    if body is not None:
        SubElement(stanza, "{jabber:client}body").text = body
    return stanza


def names(stanza):
    return [child.tag.rpartition("}")[2] for child in stanza]


# --- hints and copies


def test_hints():
    found = read(
        f"<body>V unir avtug'f pybnx</body><no-copy xmlns='{HINTS}'/><no-store xmlns='{HINTS}'/>"
        f"<no-store xmlns='{HINTS}'/>"
    )
    assert (found.hints, found.extensions) == (["no-store", "no-copy"], [])
    assert read(f"<no-permanent-store xmlns='{HINTS}'/>").hints == ["no-permanent-store"]
    assert read(f"<store xmlns='{HINTS}'/>").hints == ["store"]


def test_hints_of_a_bounce_and_unknown_ones():
    found = read(f"<no-store xmlns='{HINTS}'/>", kind="error")
    assert (found.hints, found.extensions) == ([], [f"{{{HINTS}}}no-store"])
    assert read(f"<no-storage xmlns='{HINTS}'/>").extensions == [f"{{{HINTS}}}no-storage"]


def test_a_hint_is_given_once():
    stanza = message()
    hints.attach(stanza, "store")
    hints.attach(stanza, "store")
    assert names(stanza) == ["store"]


def test_no_copies():
    found = read(f"<private xmlns='{CARBONS}'/><no-copy xmlns='{HINTS}'/>")
    assert (found.private, found.hints, found.extensions) == (True, ["no-copy"], [])
    assert read("<private xmlns='urn:xmpp:carbons:1'/>").private is None


def test_the_hint_goes_to_clients_alone():
    for to, hint, wanted in (
        ("juliet@capulet.example/home", True, ["private", "no-copy"]),
        ("juliet@capulet.example/home", False, ["private"]),
        ("juliet@capulet.example", True, ["private"]),
    ):
        stanza = message(to)
        private.attach(stanza, hint=hint)
        private.attach(stanza, hint=hint)
        assert names(stanza) == wanted


# --- headers


def test_headers():
    found = read(
        "<body>Neither, fair saint, if either thee dislike.</body>"
        f"<headers xmlns='{SHIM}'><header name='In-Reply-To'>123456789@capulet.com</header>"
        "<header name='Keywords'>shakespeare,&lt;xmpp/&gt;</header></headers>"
    )
    assert found.headers == {
        "In-Reply-To": "123456789@capulet.com",
        "Keywords": "shakespeare,<xmpp/>",
    }
    assert found.extensions == []


def test_headers_of_one_name_are_lines_of_one_value():
    one, two = (f"<header name='SubID'>{n}</header>" for n in (1, 2))
    assert read(f"<headers xmlns='{SHIM}'>{one}<header name='x'/>{two}</headers>").headers == {
        "SubID": "1\n2",
        "x": "",
    }


@pytest.mark.parametrize(
    "inside",
    ["", "<header>x</header>", "<header name=''>x</header>", "<x name='a'>b</x>",
     "<header xmlns='urn:x' name='a'>b</header>"],
)  # fmt: skip
def test_what_is_no_header(inside):
    found = read(f"<headers xmlns='{SHIM}'>{inside}</headers>")
    assert (found.headers, found.extensions) == ({}, [f"{{{SHIM}}}headers"])


def test_absurdly_many_headers():
    told = []
    many = "".join(f"<header name='h{n}'>{n}</header>" for n in range(5000))
    found = read(f"<headers xmlns='{SHIM}'>{many}</headers>", note=told.append)
    assert len(found.headers) == 100
    assert "5000" in told[0]


def test_headers_go_out():
    stanza = message()
    headers.attach(stanza, [("Urgency", "high")])
    headers.attach(stanza, [("Urgency", "low"), ("Keywords", "<a> & b")])
    (parent,) = stanza
    assert [(e.get("name"), e.text) for e in parent] == [
        ("Urgency", "high"),
        ("Urgency", "low"),
        ("Keywords", "<a> & b"),
    ]


def test_how_long_is_told_with_since_when():
    stanza = message()
    headers.attach(stanza, [("TTL", "3600")])
    found = {e.get("name"): e.text for e in stanza[0]}
    assert found["TTL"] == "3600"
    assert datetime.now(UTC) - parse_datetime(found["Created"]) < timedelta(seconds=30)
    own = message()
    headers.attach(own, [("TTL", "1"), ("Created", "2004-09-21T03:01:52Z")])
    assert [e.text for e in own[0]] == ["1", "2004-09-21T03:01:52Z"]


# --- expiry


def test_expiry():
    found = read(f"<body>Something</body><ephemeral xmlns='{EPHEMERAL}' timer='604800'/>")
    assert (found.expire_in_s, found.extensions) == (604800, [])
    assert read(f"<ephemeral xmlns='{EPHEMERAL}' timer=' 007 '/>").expire_in_s == 7
    assert read(f"<ephemeral xmlns='{EPHEMERAL}' timer='0'/>").expire_in_s == 0
    assert read(f"<ephemeral xmlns='{EPHEMERAL}' timer='4294967295'/>").expire_in_s == 2**32 - 1


@pytest.mark.parametrize(
    "timer", ["", "-1", "1.5", "1e3", "4294967296", "9" * 5000, "0x1", "١", "1 2", "soon"]
)
def test_what_is_no_timer(timer):
    found = read(f"<ephemeral xmlns='{EPHEMERAL}' timer='{timer}'/>")
    assert (found.expire_in_s, found.extensions) == (None, [f"{{{EPHEMERAL}}}ephemeral"])


def test_a_timer_without_a_text_is_stored():
    stanza = message(body="x")
    ephemeral.attach(stanza, 5)
    ephemeral.attach(stanza, 6)
    assert names(stanza) == ["body", "ephemeral"]
    assert stanza[1].get("timer") == "6"
    alone = message()
    ephemeral.attach(alone, 432000)
    assert names(alone) == ["ephemeral", "store"]
    unstored = message()
    hints.attach(unstored, "no-store")
    ephemeral.attach(unstored, 1)
    assert names(unstored) == ["no-store", "ephemeral"]


# --- attention


def test_attention():
    inside = f"<attention xmlns='{ATTENTION}'/><body>Why don't you answer, Herbie?</body>"
    found = read(inside, kind="headline")
    assert (found.attention, found.type, found.extensions) == (True, "headline", [])
    assert read(inside, kind="error").attention is None
    assert read("<attention xmlns='urn:x'/>").attention is None


def test_a_delayed_wish_is_told_with_its_delay():
    found = read(
        f"<attention xmlns='{ATTENTION}'/><delay xmlns='urn:xmpp:delay' from='montague.example' "
        "stamp='2002-09-10T23:08:25Z'/>"
    )
    assert found.attention
    assert found.delay is not None


def test_attention_is_asked_for_once():
    stanza = message()
    attention.attach(stanza)
    attention.attach(stanza)
    assert names(stanza) == ["attention"]
