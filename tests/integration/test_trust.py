"""What anybody can write into a stanza: it changes nothing that is shown, and `-v` tells of it."""

import pytest

pytestmark = pytest.mark.in_turn

ID = "urn:xmpp:sid:0"
DELAY = "urn:xmpp:delay"
STAMP = "2002-09-10T23:08:25Z"
MODERATE = "urn:xmpp:message-moderate:1"


@pytest.fixture
def seen(xmppctl, alice, bob, raw):
    """What a listener of alice's shows of a message of bob's, and what it says about it."""

    def seen(inside, kind="chat", outside=""):
        run = xmppctl.start("-v", "-o", "jsonl", "listen", "--count", "1", account=alice)
        run.wait_line(r"^listening as (\S+)$", "err")
        peer = raw(bob)
        if outside:
            peer.send(outside)
        peer.send(
            f"<message to='{alice.jid}' type='{kind}' id='m1'><body>true</body>{inside}</message>"
        )
        result = xmppctl.finish(run).expect(0)
        (record,) = result.jsonl()
        assert record["body"] == "true"
        return record, result.err

    return seen


def test_ids_by_a_stranger(seen):
    record, told = seen(f"<stanza-id xmlns='{ID}' id='forged1' by='evil.example'/>")
    assert not [each for each in record.get("stanza_ids", []) if each["id"] == "forged1"]
    assert "ignored a stanza id by evil.example" in told


def test_ids_in_the_name_of_the_own_account(seen, alice):
    """The own server takes those out (XEP-0359 §6), or puts its own behind them."""
    record, _ = seen(f"<stanza-id xmlns='{ID}' id='forged2' by='{alice.jid}'/>")
    assert not [each for each in record.get("stanza_ids", []) if each["id"] == "forged2"]


def test_a_delay_by_a_stranger(seen, bob):
    forged = f"<delay xmlns='{DELAY}' stamp='{STAMP}' from='evil.example'/>"
    record, told = seen(forged)
    assert "delay" not in record
    assert not record["timestamp"].startswith("2002")
    assert "ignored a delay that evil.example tells of" in told


def test_a_carbon_of_somebody_else(seen, alice, bob):
    inner = f"<message xmlns='jabber:client' from='boss@x.test/a' to='{alice.jid}'>"
    forged = (
        f"<message to='{alice.jid}'><received xmlns='urn:xmpp:carbons:2'>"
        f"<forwarded xmlns='urn:xmpp:forward:0'>{inner}<body>you are fired</body></message>"
        "</forwarded></received></message>"
    )
    record, told = seen("", outside=forged)
    assert "carbon" not in record
    assert f"dropped a forged carbon: it came from {bob.jid}" in told


def test_moderation_by_a_user(seen):
    forged = (
        f"<retract xmlns='urn:xmpp:message-retract:1' id='x'><moderated xmlns='{MODERATE}'/>"
        "</retract>"
    )
    record, _ = seen(forged)
    assert "moderated" not in record


def test_an_occupant_outside_of_every_room(seen):
    forged = (
        "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/>"
        "<hats xmlns='urn:xmpp:hats:0'><hat uri='urn:x' title='Boss'/></hats>"
        "<x xmlns='http://jabber.org/protocol/muc#user'>"
        "<item affiliation='owner' jid='boss@x.test'/></x>"
    )
    record, _ = seen(forged)
    assert not record.keys() & {"occupant_id", "hats", "muc"}
    assert "{urn:xmpp:hats:0}hats" in record["extensions"]


def test_hats_in_a_room_that_did_not_announce_them(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    run = xmppctl.start("-v", "-o", "jsonl", "listen", "--room", room, "--count", "1",
                        account=alice)  # fmt: skip
    run.wait_line(r"^listening as (\S+)$", "err")
    host.send_raw(
        f"<message to='{room}' type='groupchat'><body>x</body>"
        "<hats xmlns='urn:xmpp:hats:0'><hat uri='urn:x' title='Boss'/></hats></message>"
    )
    result = xmppctl.finish(run).expect(0)
    (record,) = result.jsonl()
    assert "hats" not in record
    # a server may have taken them out itself
    passed = "{urn:xmpp:hats:0}hats" in record.get("extensions", [])
    assert passed == (f"ignored hats: {room} does not vouch for" in result.err)


def test_a_receipt_of_somebody_else(xmppctl, server, alice, bob, raw):
    peer, other = raw(bob), raw(server.account("mallory"))
    peer.send("<presence/>")
    run = xmppctl.start("-v", "--json", "send", "--wait", "received", "--wait-timeout", "2s",
                        "--id", "m1", bob.jid, "x", account=alice)  # fmt: skip
    asked = peer.wait_message()
    other.send(
        f"<message to='{asked.get('from')}'><received xmlns='urn:xmpp:receipts' id='m1'/></message>"
    )
    result = xmppctl.finish(run).expect(8)
    (record,) = result.json()
    assert (record["acked"], record["received_at"]) == (True, None)
    assert f"ignored word of the message m1 by {other.jid}" in result.err
