"""`xmppctl mam query --collapse` against real archives; clients of slixmpp say things too."""

import signal

import pytest

pytestmark = pytest.mark.in_turn

STANZA_ID = "{urn:xmpp:sid:0}stanza-id"
REACTION = (
    "<message to='{}' type='groupchat' id='{}'><reactions xmlns='urn:xmpp:reactions:0' id='{}'>"
    "<reaction>{}</reaction></reactions><store xmlns='urn:xmpp:hints'/></message>"
)
RETRACTION = (
    "<message to='{}' type='groupchat' id='{}'><body>gone</body>"
    "<retract id='{}' xmlns='urn:xmpp:message-retract:1'/></message>"
)


@pytest.fixture
def peer(equipped, bob):
    return equipped(bob)


def send(xmppctl, account, *args):
    xmppctl("--json", "send", *args, account=account).expect(0)


def settled(peer, to):
    """What was sent before was processed."""
    peer.run(peer.plugin("xep_0199").ping, to)


def collapsed(xmppctl, account, *args):
    run = xmppctl("--json", "mam", "query", "--collapse", *args, account=account)
    return run.expect(0).json()


def correct(peer, ident, to, body, kind="chat"):
    fix = peer.plugin("xep_0308").build_correction(ident, to, mbody=body, mtype=kind)
    peer.run(fix.send)


def by_id(records):
    return {record["id"]: record for record in records if "id" in record}


def test_a_conversation_as_it_is_now(xmppctl, alice, bob, peer):
    send(xmppctl, alice, "--id", "mine", "--subject", "s", bob.jid, "yonder airlock")
    send(xmppctl, alice, "--replace", "mine", bob.jid, "yonder widow")
    send(xmppctl, alice, "--replace", "mine", bob.jid, "yonder window")
    said = peer.send_message(alice.jid, "it is the esat")
    correct(peer, said, alice.jid, "it is the east")
    secret = peer.send_message(alice.jid, "secret")
    peer.run(peer.plugin("xep_0424").send_retraction, alice.jid, secret)
    react = peer.plugin("xep_0444").send_reactions
    peer.run(react, alice.jid, "mine", ["🐢"])
    peer.run(react, alice.jid, "mine", ["👍", "☀️"])
    settled(peer, alice.jid)
    send(xmppctl, alice, "--react-to", said, "--emoji", "👍", bob.jid)
    send(xmppctl, alice, "--react-to", "mine", "--emoji", "☀️", bob.jid)
    for account in (alice, bob):
        plain = xmppctl("--json", "mam", "query", account=account).expect(0).json()
        first, second, third = collapsed(xmppctl, account)
        assert (first["id"], first["body"], first["edited"]) == ("mine", "yonder window", True)
        assert "subject" not in first  # a correction has all that remains
        assert "replace_id" not in first
        original = plain[0]
        for name in ("archive_id", "timestamp", "from", "to", "direction"):
            assert first[name] == original[name]
        assert [(v["body"], v["subject"]) for v in first["history"]] == [
            ("yonder airlock", "s"),
            ("yonder widow", None),
        ]
        assert first["history"][0]["id"] == "mine"
        assert first["reacted"] == [
            {"emoji": "👍", "by": [bob.jid]},
            {"emoji": "☀️", "by": [bob.jid, alice.jid]},
        ]
        assert (second["body"], len(second["history"])) == ("it is the east", 1)
        assert second["reacted"] == [{"emoji": "👍", "by": [alice.jid]}]
        assert (third["id"], third["from"]) == (secret, peer.jid)
        assert third["retracted"]["stamp"].endswith("Z")
        assert "secret" not in str(third.values())
        assert "body" not in third
    shown = xmppctl("mam", "query", "--collapse", account=alice).expect(0).out
    assert "yonder window" in shown
    assert "airlock" not in shown
    assert "☀️ 2" in shown
    found = collapsed(xmppctl, alice, "--flip")
    assert [each["id"] for each in found] == [third["id"], second["id"], first["id"]]


def test_what_others_say_about_a_message(xmppctl, alice, bob, peer, equipped, server):
    carol = server.account("carol")
    stranger = equipped(carol)
    send(xmppctl, alice, "--id", "mine", bob.jid, "true")
    said = peer.send_message(alice.jid, "honest")
    settled(peer, alice.jid)
    correct(stranger, said, alice.jid, "evil")
    stranger.run(stranger.plugin("xep_0424").send_retraction, alice.jid, said)
    settled(stranger, alice.jid)
    correct(peer, "mine", alice.jid, "forged")
    peer.run(peer.plugin("xep_0424").send_retraction, alice.jid, "mine")
    settled(peer, alice.jid)
    run = xmppctl("-v", "--json", "mam", "query", "--collapse", account=alice).expect(0)
    records = run.json()
    assert [r["body"] for r in records if "replace_id" in r] == ["evil", "forged"]
    assert [r["retract"]["id"] for r in records if "retract" in r] == [said, "mine"]
    found = by_id(records)
    assert (found["mine"]["body"], found[said]["body"]) == ("true", "honest")
    assert not {"edited", "retracted"} & (found["mine"].keys() | found[said].keys())
    assert f"ignored a correction of mine by {peer.jid}: it is not theirs" in run.err
    assert f"ignored a retraction of mine by {peer.jid}: it is not theirs" in run.err


def test_what_is_fetched_is_what_counts(xmppctl, alice, bob):
    send(xmppctl, alice, "--id", "mine", bob.jid, "frist")
    send(xmppctl, alice, "--replace", "mine", bob.jid, "first")
    (found,) = collapsed(xmppctl, alice, "--last", "1")
    assert (found["replace_id"], found["body"]) == ("mine", "first")
    assert "edited" not in found
    (found,) = collapsed(xmppctl, alice, "--all", "--page-size", "1")
    assert (found["body"], found["edited"]) == ("first", True)
    assert collapsed(xmppctl, alice, "--fields", "id,edited") == [{"id": "mine", "edited": True}]


def test_what_comes_in_later_is_shown_as_it_comes(xmppctl, alice, bob, peer):
    said = peer.send_message(alice.jid, "frist")
    correct(peer, said, alice.jid, "frst")
    settled(peer, alice.jid)
    run = xmppctl.start("-o", "jsonl", "mam", "query", "--collapse", "--follow", account=alice)
    run.wait_line("frst")
    correct(peer, said, alice.jid, "first")
    run.wait_line("first")
    run.signal(signal.SIGTERM)
    one, two = xmppctl.finish(run).expect(143).jsonl()
    assert (one["body"], one["edited"], len(one["history"])) == ("frst", True, 1)
    assert (two["body"], two["replace_id"]) == ("first", said)


# --- rooms --------------------------------------------------------------------------------------


@pytest.fixture
def host(equipped, bob):
    return equipped(bob, "host")


def said_in(host, body):
    """Id of the message with this text, and the one that the room gave it."""
    stanza = host.wait_message(lambda m: m["body"] == body).xml
    return stanza.get("id"), stanza.find(STANZA_ID).get("id")


def test_a_room(xmppctl, alice, host, room, equipped, server):
    host.create_muc(room, "host", whois="anyone")
    other = equipped(server.account("carol"), "other")
    other.join_muc(room, "carol")
    host.send_message(room, "frist", "groupchat")
    ident, by_room = said_in(host, "frist")
    host.send_message(room, "secret", "groupchat")
    _, secret = said_in(host, "secret")
    correct(host, ident, room, "first", "groupchat")
    said_in(host, "first")
    # somebody else, and somebody else by ids of the other kind
    correct(other, ident, room, "evil", "groupchat")
    said_in(host, "evil")
    other.send_raw(REACTION.format(room, "r1", by_room, "👍"))
    other.send_raw(REACTION.format(room, "r2", ident, "👎"))
    other.send_raw(RETRACTION.format(room, "x1", by_room))
    other.wait_message(lambda m: m["id"] == "x1")
    host.send_raw(RETRACTION.format(room, "x2", secret))
    host.wait_message(lambda m: m["id"] == "x2")
    records = collapsed(xmppctl, alice, "--room", room, "--all")
    found = {record["archive_id"]: record for record in records}
    assert (found[by_room]["body"], found[by_room]["edited"]) == ("first", True)
    assert found[by_room]["reacted"] == [{"emoji": "👍", "by": [f"{room}/carol"]}]
    assert "retracted" not in found[by_room]
    assert found[secret]["retracted"]["id"] == "x2"
    assert "body" not in found[secret]
    left = {record.get("id"): record for record in records}
    assert left["r2"]["reactions"]["id"] == ident
    assert left["x1"]["retract"]["id"] == by_room
    assert not {"r1", "x2"} & left.keys()
    assert [r["body"] for r in records if r.get("replace_id") == ident] == ["evil"]


def test_who_speaks_is_known_by_what_the_room_announces(xmppctl, alice, host, room):
    """The ids of occupants count where the room announces them."""
    host.create_muc(room, "host")
    host.send_message(room, "by bob", "groupchat")
    ident, _ = said_in(host, "by bob")
    info = xmppctl("--json", "disco", "info", room, account=alice).expect(0).json()
    knows = "urn:xmpp:occupant-id:0" in info["features"]
    (record,) = [r for r in collapsed(xmppctl, alice, "--room", room) if r.get("id") == ident]
    assert ("occupant_id" in record) == knows
    forged = (
        f"<message to='{room}' type='groupchat' id='o'><body>o</body>"
        "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/></message>"
    )
    host.send_raw(forged)
    host.wait_message(lambda m: m["id"] == "o")
    (record,) = [r for r in collapsed(xmppctl, alice, "--room", room) if r.get("id") == "o"]
    assert record.get("occupant_id") != "forged"


@pytest.mark.servers("prosody")  # the other one has no moderation
def test_what_a_moderator_took_back(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    host.send_message(room, "spam", "groupchat")
    _, spam = said_in(host, "spam")
    host.send_raw(
        f"<iq type='set' to='{room}' id='mod'><apply-to xmlns='urn:xmpp:fasten:0' id='{spam}'>"
        "<moderate xmlns='urn:xmpp:message-moderate:0'><retract "
        "xmlns='urn:xmpp:message-retract:0'/><reason>not here</reason></moderate></apply-to></iq>"
    )
    host.wait(lambda s: s["id"] == "mod" and s["type"] == "result")
    records = collapsed(xmppctl, alice, "--room", room)
    assert not [record for record in records if "moderated" in record]
    (found,) = [record for record in records if record.get("archive_id") == spam]
    assert found["retracted"]["by"] == f"{room}/host"
    assert found["retracted"]["reason"] == "not here"
    assert "body" not in found
