"""`xmppctl private`: what is stored is read by another client of the account."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.in_turn

NS = "urn:example:prefs"
PREFS = f"<prefs xmlns='{NS}'><nick>A &amp; B</nick><o xmlns='other' a='1'/></prefs>"


@pytest.fixture
def private(xmppctl, alice):
    def run(*args, code=0, **more):
        return xmppctl("--json", "private", *args, account=alice, **more).expect(code)

    return run


def stored(peer):
    answer = peer.iq(f"<query xmlns='jabber:iq:private'><prefs xmlns='{NS}'/></query>")
    return answer.find(f"{{jabber:iq:private}}query/{{{NS}}}prefs")


def test_set_get_delete(private, alice, bob, raw, tmp_path, xmppctl):
    peer = raw(alice, "peer")
    assert private("get", "prefs", NS, code=6).error()["condition"] == "item-not-found"
    file = tmp_path / "prefs.xml"
    file.write_text(f"<?xml version='1.0' encoding='UTF-8'?>\n{PREFS}\n")
    record = private("set", str(file)).json()
    assert record == {"ns": NS, "name": "prefs", "xml": PREFS}
    found = stored(peer)
    assert found.findtext(f"{{{NS}}}nick") == "A & B"
    assert found.find("{other}o").get("a") == "1"
    newer = f"<query xmlns='jabber:iq:private'><prefs xmlns='{NS}'><nick>C</nick></prefs></query>"
    assert peer.iq(newer, type="set").get("type") == "result"
    assert (
        private("get", "prefs", NS).json()["xml"] == f"<prefs xmlns='{NS}'><nick>C</nick></prefs>"
    )
    other = xmppctl("--json", "private", "get", "prefs", NS, account=bob).expect(6)
    assert other.error()["condition"] == "item-not-found"
    assert private("delete", "prefs", NS).json() == {"ns": NS, "name": "prefs", "removed": True}
    assert not len(stored(peer))
    assert private("delete", "prefs", NS, code=6).error()["condition"] == "item-not-found"
    assert private("delete", "prefs", NS, "--if-exists").json()["removed"] is False


def test_from_standard_input(private, alice, raw):
    private("set", input=PREFS)
    assert stored(raw(alice, "peer")).findtext(f"{{{NS}}}nick") == "A & B"


@pytest.mark.parametrize(
    ("args", "given", "told"),
    [
        (("set", "-"), "<a/>", "no namespace"),
        (("set", "-"), "<a xmlns='b'/>", "is empty"),
        (("set", "-"), "<a xmlns='b'>", "no XML element"),
        (("set", "-"), "<!DOCTYPE a [<!ENTITY e 'x'>]><a xmlns='b'>&e;</a>", "no XML element"),
        (("get", "a b", "c"), "", "not the name"),
        (("get", "a/", "c"), "", "not the name"),
        (("get", "a", "c}d"), "", "not the name"),
        (("get", "1a", "c"), "", "not the name"),
        (("get", "a"), "", "NS"),
        (("delete", "a", "\x01"), "", "U+0001"),
    ],
)
def test_nothing_is_connected_for(xmppctl, args, given, told):
    line = ("-j", "a@b.test", "--connect", "127.0.0.1:1", "private", *args)
    assert told in xmppctl(*line, input=given).expect(2).err
