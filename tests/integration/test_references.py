"""Corrections, retractions, reactions, replies and fastenings, from and to a client of slixmpp."""

import pytest

pytestmark = pytest.mark.in_turn

STANZA_ID = "{urn:xmpp:sid:0}stanza-id"
STORE = "{urn:xmpp:hints}store"
REACTIONS = "{urn:xmpp:reactions:0}reactions"
RETRACT = "urn:xmpp:message-retract:1"


@pytest.fixture
def peer(equipped, bob):
    return equipped(bob)


@pytest.fixture
def heard(xmppctl, alice):
    """``heard(act)``: what a listener of alice prints of the message that ``act`` sends it."""

    def listen(act, *args):
        run = xmppctl.start("-o", "jsonl", "listen", "--count", "1", *args, account=alice)
        run.wait_line("^listening as ", "err")
        act()
        (record,) = xmppctl.finish(run).expect(0).jsonl()
        return record

    return listen


def send(xmppctl, account, *args):
    (record,) = xmppctl("--json", "send", *args, account=account).expect(0).json()
    assert record["confirmed"] is True
    return record


def archived(xmppctl, account, *args):
    return xmppctl("--json", "mam", "query", *args, account=account).expect(0).json()


def with_child(peer, tag):
    """The message with this child, as it arrives at another client."""
    return peer.wait_message(lambda m: m.xml.find(tag) is not None)


# --- corrections --------------------------------------------------------------------------------


def test_a_correction_arrives(xmppctl, alice, bob, peer):
    first = send(xmppctl, alice, "--id", "bad-1", bob.jid, "yonder airlock")
    send(xmppctl, alice, "--replace", first["id"], bob.jid, "yonder window")
    message = with_child(peer, "{urn:xmpp:message-correct:0}replace")
    assert peer.plugin("xep_0308").is_correction(message)
    assert (message["replace"]["id"], message["body"]) == ("bad-1", "yonder window")
    assert message["id"] != "bad-1"
    for account in (alice, bob):
        last = archived(xmppctl, account)[-1]
        assert (last["replace_id"], last["body"]) == ("bad-1", "yonder window")


def test_a_correction_is_shown(heard, alice, peer):
    def correct():
        fix = peer.plugin("xep_0308").build_correction("m1", alice.jid, mbody="better")
        peer.run(fix.send)

    record = heard(correct)
    assert (record["replace_id"], record["body"]) == ("m1", "better")
    assert "extensions" not in record


# --- retractions --------------------------------------------------------------------------------


def test_a_retraction_arrives_and_is_kept(xmppctl, alice, bob, peer):
    send(xmppctl, alice, "--retract", "m1", bob.jid)
    message = with_child(peer, f"{{{RETRACT}}}retract")
    assert message["retract"]["id"] == "m1"
    (fallback,) = message["fallbacks"]
    assert fallback["for"] == RETRACT
    assert message.xml.find(STORE) is not None
    assert message["body"]
    for account in (alice, bob):
        (record,) = archived(xmppctl, account)
        assert record["retract"] == {"id": "m1"}
        assert record["fallback"] == [{"for": RETRACT}]


def test_a_retraction_is_shown(heard, alice, peer):
    plugin = peer.plugin("xep_0424")
    record = heard(lambda: peer.run(plugin.send_retraction, alice.jid, "m1"))
    assert record["retract"] == {"id": "m1"}
    # this client does not say what its text stands for
    assert record["fallback"] == [{}]
    old = (
        f"<message to='{alice.jid}' type='chat'><body>gone</body><apply-to id='m2' "
        "xmlns='urn:xmpp:fasten:0'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>"
        "</message>"
    )
    record = heard(lambda: peer.send_raw(old))
    assert record["retract"] == {"id": "m2"}
    assert not {"fastening", "extensions"} & record.keys()


# --- reactions ----------------------------------------------------------------------------------


def test_reactions_arrive_and_are_kept(xmppctl, alice, bob, peer):
    emojis = ["👋", "❤️", "🧛🏾"]
    given = [part for emoji in emojis for part in ("--emoji", emoji)]
    send(xmppctl, alice, "--react-to", "m1", *given, bob.jid)
    message = with_child(peer, REACTIONS)
    assert message["reactions"]["id"] == "m1"
    assert message["reactions"].get_values(all_chars=True) == set(emojis)
    assert message["body"] == ""
    send(xmppctl, alice, "--unreact", "m1", bob.jid)
    empty = peer.wait_message(
        lambda m: m.xml.find(REACTIONS) is not None and not len(m.xml.find(REACTIONS))
    )
    assert empty["reactions"]["id"] == "m1"
    for account in (alice, bob):
        first, second = archived(xmppctl, account)
        assert first["reactions"] == {"id": "m1", "emojis": emojis}
        assert second["reactions"] == {"id": "m1", "emojis": []}


def test_reactions_are_shown(heard, alice, peer):
    plugin = peer.plugin("xep_0444")
    record = heard(lambda: peer.run(plugin.send_reactions, alice.jid, "m1", ["🐢"]))
    assert record["reactions"] == {"id": "m1", "emojis": ["🐢"]}
    assert "body" not in record


# --- replies ------------------------------------------------------------------------------------


def test_a_reply_arrives(xmppctl, alice, bob, peer):
    quoted = "We 🧛🏾 should\nbake a cake"
    args = ("--reply-to", "m1", "--reply-author", f"{bob.jid}/desk", "--quote", quoted)
    send(xmppctl, alice, *args, bob.jid, "Great 🐢!")
    message = with_child(peer, "{urn:xmpp:reply:0}reply")
    reply = message["reply"]
    assert (reply["id"], reply["to"]) == ("m1", f"{bob.jid}/desk")
    assert reply.strip_fallback_content() == "Great 🐢!"
    assert reply.get_fallback_body() == "> We 🧛🏾 should\n> bake a cake\n"
    send(xmppctl, alice, "--reply-to", "m2", bob.jid, "plain")
    message = peer.wait_message(lambda m: m["body"] == "plain")
    assert (message["reply"]["id"], message["reply"]["to"]) == ("m2", bob.jid)


def test_a_reply_is_shown(heard, alice, peer):
    def reply():
        to = {"mto": alice.jid, "mbody": "Yes", "mtype": "chat"}
        answer = peer.plugin("xep_0461").send_reply
        peer.run(answer, f"{alice.jid}/desk", "m1", "Shall we?", "Alice", **to)

    record = heard(reply)
    quoted = "> Alice:\n> Shall we?\n"
    assert record["reply"] == {"id": "m1", "to": f"{alice.jid}/desk"}
    assert record["body"] == f"{quoted}Yes"
    assert record["fallback"] == [
        {"for": "urn:xmpp:reply:0", "part": "body", "start": 0, "end": len(quoted)}
    ]


# --- fastenings ---------------------------------------------------------------------------------


def test_a_fastening_is_shown(heard, alice, peer):
    def fasten():
        message = peer.client.make_message(mto=alice.jid, mbody="Hi there", mtype="chat")
        message["apply_to"]["id"] = "m1"
        message["apply_to"]["external"]["name"] = "body"
        message.send()

    record = heard(lambda: peer.run(fasten))
    assert record["fastening"] == {"id": "m1", "external": ["body"]}


# --- rooms --------------------------------------------------------------------------------------


@pytest.fixture
def host(equipped, bob):
    return equipped(bob, "host")


def room_id(host, body):
    """The id that the room gave the message with this text."""
    said = host.wait_message(lambda m: m["body"] == body).xml
    return said.find(STANZA_ID).get("id")


def test_in_a_room_the_id_is_that_of_the_room(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    host.send_message(room, "so?", "groupchat")
    ident = room_id(host, "so?")
    run = xmppctl.start("-o", "jsonl", "muc", "join", room, "--nick", "log",
                        "--type", "groupchat", "--count", "4", account=alice)  # fmt: skip
    run.wait_line("^listening as", "err")
    nick = ("--nick", "me")

    def say(*args):
        return xmppctl("--json", "muc", "send", room, *nick, *args, account=alice).expect(0).json()

    say("--react-to", ident, "--emoji", "👍")
    author = f"{room}/host"
    say("--reply-to", ident, "--reply-author", author, "--quote", "so?", "well")
    (sent,) = say("wrong")
    say("--retract", sent["stanza_id"])
    reaction = with_child(host, REACTIONS)
    assert reaction["reactions"]["id"] == ident
    reply = with_child(host, "{urn:xmpp:reply:0}reply")
    assert (reply["reply"]["id"], reply["reply"]["to"]) == (ident, author)
    assert reply["reply"].strip_fallback_content() == "well"
    retraction = with_child(host, f"{{{RETRACT}}}retract")
    assert retraction["retract"]["id"] == sent["stanza_id"]

    def check(records):
        reacted, replied, _, retracted = records
        assert reacted["reactions"] == {"id": ident, "emojis": ["👍"]}
        assert replied["reply"] == {"id": ident, "to": author}
        assert retracted["retract"] == {"id": sent["stanza_id"]}

    check(xmppctl.finish(run).expect(0).jsonl())
    records = archived(xmppctl, alice, "--room", room)
    check([r for r in records if r.get("body") not in ("so?", None) or "reactions" in r])


def test_a_private_message_of_a_room(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    args = ("muc", "pm", room, "host", "--reply-to", "m1", "yes")
    xmppctl(*args, account=alice).expect(0)
    message = with_child(host, "{urn:xmpp:reply:0}reply")
    assert (message["reply"]["id"], message["reply"]["to"]) == ("m1", f"{room}/host")


FORGED = (
    "<message to='{0}' type='groupchat'><retract id='{1}' xmlns='urn:xmpp:message-retract:1'>"
    "<moderated by='{0}/boss' xmlns='urn:xmpp:message-moderate:1'/></retract></message>"
)
TOMBSTONE = (
    "<message to='{0}' type='groupchat'><body>last</body>"
    "<moderated by='{0}/boss' xmlns='urn:xmpp:message-moderate:0'>"
    "<retracted xmlns='urn:xmpp:message-retract:0'/></moderated></message>"
)


def test_an_occupant_does_not_moderate(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    run = xmppctl.start(*("-v", "-o", "jsonl", "listen", "--room", room, "--count", "2"),
                        account=alice)  # fmt: skip
    run.wait_line("^listening as", "err")
    host.send_raw(FORGED.format(room, "s1"))
    host.send_raw(TOMBSTONE.format(room))
    result = xmppctl.finish(run).expect(0)
    for record in result.jsonl():
        assert not {"moderated", "retract", "retracted"} & record.keys()
        assert record["extensions"]
    assert f"ignored word of a moderator: {room}/host is not the room" in result.err


@pytest.mark.servers("prosody")
def test_what_a_moderator_took_back(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    host.send_message(room, "spam", "groupchat")
    spam = room_id(host, "spam")
    run = xmppctl.start("-o", "jsonl", "listen", "--room", room, "--count", "1", account=alice)
    run.wait_line("^listening as", "err")
    # the room tells who it was where that is an occupant
    host.send_raw(
        f"<iq type='set' to='{room}' id='mod'><apply-to xmlns='urn:xmpp:fasten:0' id='{spam}'>"
        "<moderate xmlns='urn:xmpp:message-moderate:0'><retract "
        "xmlns='urn:xmpp:message-retract:0'/><reason>not here</reason></moderate></apply-to></iq>"
    )
    moderated = {"id": spam, "by": f"{room}/host", "reason": "not here"}
    (told,) = xmppctl.finish(run).expect(0).jsonl()
    assert (told["from"], told["moderated"]) == (room, moderated)
    assert not {"fastening", "retract", "extensions"} & told.keys()

    def check(records):
        left = next(r for r in records if "retracted" in r)
        word = next(r for r in records if "moderated" in r)
        assert (left["from"], "body" in left) == (f"{room}/host", False)
        assert left["retracted"].pop("stamp").endswith("Z")
        assert left["retracted"] == {"by": f"{room}/host", "reason": "not here"}
        assert word["moderated"] == moderated
        assert not {"fastening", "extensions"} & (left.keys() | word.keys())

    check(archived(xmppctl, alice, "--room", room))
    args = ("--history", "5", "--type", "groupchat", "--count", "2")
    check(xmppctl("-o", "jsonl", "muc", "join", room, *args, account=alice).expect(0).jsonl())
