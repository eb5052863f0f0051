"""Content elements (XEP-0373 §3): what counts of them, and what goes into them."""

import base64
from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element, fromstring

import pytest

from xmppctl.protocol.openpgp import content

NS = "urn:xmpp:openpgp:0"
ROMEO, JULIET = "romeo@example.org", "juliet@example.org"
WHEN = datetime(2014, 7, 10, 15, 6, tzinfo=UTC)

EXAMPLE = f"""
<signcrypt xmlns='{NS}'>
  <to jid='juliet@example.org'/>
  <time stamp='2014-07-10T17:06:00+02:00'/>
  <rpad>
    f0rm1l4n4-mT8y33j!Y%fRSrcd^ZE4Q7VDt1L%WEgR!kv
  </rpad>
  <payload>
    <body xmlns='jabber:client'>
      This is a secret message.
    </body>
  </payload>
</signcrypt>"""


def check(found, **more):
    facts = {"to": JULIET, "own": JULIET, "sent": False, "when": WHEN, **more}
    content.check(found, **facts)


def test_the_example_of_the_xep():
    found = content.read(EXAMPLE.encode())
    assert (found.mode, found.to, found.time) == ("signcrypt", {JULIET}, WHEN)
    (body,) = found.payload
    assert body.tag == "{jabber:client}body"
    assert body.text.strip() == "This is a secret message."
    check(found)


@pytest.mark.parametrize("mode", ["signcrypt", "sign", "crypt"])
def test_what_is_made_can_be_read(mode):
    body = Element("{jabber:client}body")
    body.text = "a <b> & \U0001f512"
    text = content.compose(mode, [JULIET], [body, Element("{urn:x}y", {"z": "1"})])
    found = content.read(text)
    assert found.mode == mode
    assert found.to == (set() if mode == "crypt" else {JULIET})  # crypt has none
    assert abs(found.time - datetime.now(UTC)) < timedelta(seconds=5)
    assert [each.tag for each in found.payload] == ["{jabber:client}body", "{urn:x}y"]
    assert found.payload[0].text == body.text
    assert (fromstring(text).find(f"{{{NS}}}rpad") is None) == (mode == "sign")


def test_padding_hides_the_length():
    lengths = {len(content.compose("crypt", [], [])) for _ in range(40)}
    assert len(lengths) > 5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no element"),
        ("<a/><b/>", "no element"),
        ("<!DOCTYPE x [<!ENTITY e 'x'>]><x/>", "no element"),
        ("\udcff", "no element"),
        (f"<other xmlns='{NS}'/>", "neither signcrypt nor sign nor crypt"),
        ("<signcrypt xmlns='urn:other'/>", "neither signcrypt nor sign nor crypt"),
        (f"<crypt xmlns='{NS}'><time stamp='2014-07-10T17:06:00Z'/></crypt>", "exactly one"),
        (f"<crypt xmlns='{NS}'><payload/></crypt>", "exactly one"),
        (EXAMPLE.replace("<rpad>", "<time stamp='2014-07-10T17:06:00Z'/><rpad>"), "exactly one"),
        (EXAMPLE.replace("<payload>", "<payload/><payload>"), "exactly one"),
        (EXAMPLE.replace("2014-07", "soon"), "time cannot be read"),
        (EXAMPLE.replace(" jid='juliet@example.org'", ""), "for whom"),
        (EXAMPLE.replace("signcrypt", "sign").replace("<to", "<too"), "for whom"),
    ],
)
def test_what_breaks_a_rule(text, reason):
    with pytest.raises(ValueError, match=reason):
        content.read(text.encode("utf-8", "surrogateescape"))


def test_who_passes_on_what_somebody_else_wrote_to_him():
    """Surreptitious forwarding: signed for one, sent on to another."""
    found = content.read(EXAMPLE.replace("juliet", "romeo").encode())
    with pytest.raises(ValueError, match=f"not written to {JULIET}"):
        check(found)
    with pytest.raises(ValueError, match="not written to"):
        check(found, to=ROMEO)  # the outer address is forged too: it came to juliet


def test_what_oneself_sent_is_for_somebody_else():
    found = content.read(EXAMPLE.encode())
    check(found, own=ROMEO, sent=True)
    with pytest.raises(ValueError, match="not written to nurse@example"):
        check(found, own=ROMEO, sent=True, to="nurse@example.org/x")


def test_addresses_are_compared_in_their_normal_form():
    found = content.read(EXAMPLE.replace("juliet@example.org", "JULIET@Example.org/x").encode())
    check(found)


@pytest.mark.parametrize("days", [-2, 2])
def test_a_time_that_cannot_be(days):
    found = content.read(EXAMPLE.encode())
    check(found, when=WHEN + timedelta(hours=23))
    with pytest.raises(ValueError, match="and came at"):
        check(found, when=WHEN + timedelta(days=days))


def test_a_body_of_the_namespace_of_servers():
    found = content.read(EXAMPLE.replace("jabber:client", "jabber:server").encode())
    assert found.payload[0].tag == "{jabber:client}body"


def test_base64_in_lines():
    assert content.decode("\n  aGVs\n  bG8=\n") == b"hello"
    for bad in (None, "", "!!!!", "aGVsbG8", "-----BEGIN PGP MESSAGE-----"):
        with pytest.raises(ValueError, match="it is"):
            content.decode(bad)
    wrapped = content.wrap(b"\x00\xff")
    assert base64.b64decode(wrapped.text) == b"\x00\xff"  # binary, no armor
