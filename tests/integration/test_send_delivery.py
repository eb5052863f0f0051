"""Hints, headers, expiry, attention and states: as others get them, and as they send them."""

import pytest

pytestmark = pytest.mark.in_turn

HINTS, CARBONS, SHIM = "urn:xmpp:hints", "urn:xmpp:carbons:2", "http://jabber.org/protocol/shim"
NGX = "ngxchat:contactmessagestates"
BODY, THREAD = "{jabber:client}body", "{jabber:client}thread"
# what a server adds
ADDED = {"{urn:xmpp:sid:0}stanza-id", "{urn:xmpp:mam:tmp}archived"}


@pytest.fixture
def peer(slix, bob):
    """bob as another client has him, online, with that client's own plugins."""
    client = slix(bob)
    for name in ("xep_0085", "xep_0131", "xep_0224", "xep_0334"):
        client.run(client.client.register_plugin, name)
    client.send_presence()
    client.wait_presence(lambda p: p["from"] == client.jid)
    return client


@pytest.fixture
def listening(xmppctl, alice):
    def start(*args, account=alice):
        run = xmppctl.start("-o", "jsonl", "listen", *args, account=account)
        run.wait_line(r"^listening as ", "err")
        return run

    return start


def say(peer, to, body=None, kind="chat", **values):
    """Let slixmpp compose and send a message."""

    def work():
        message = peer.client.make_message(mto=to, mbody=body, mtype=kind)
        for name, value in values.items():
            message[name] = value
        message.send()

    peer.run(work)


def only(result):
    (record,) = result.expect(0).jsonl()
    return record


def confirmed(run):
    (record,) = run.expect(0).json()
    assert (record["acked"], record["confirmed"], record["error"]) == (True, True, None)
    return record


def tags(stanza):
    """The children of a stanza, of which a server may change the order."""
    return sorted(child.tag for child in stanza.xml if child.tag not in ADDED)


# --- chat states --------------------------------------------------------------------------------


def test_a_chat_state_alone(xmppctl, alice, peer):
    to = peer.account.jid
    for state in ("composing", "paused", "inactive", "gone", "active"):
        run = xmppctl("--json", "send", "--chat-state", state, "--thread", "t", to, account=alice)
        assert confirmed(run)["origin_id"] is None
        message = peer.wait_message(lambda m, s=state: m["chat_state"] == s)
        assert (message["type"], message["thread"]) == ("chat", "t")
        found = f"{{http://jabber.org/protocol/chatstates}}{state}"
        assert tags(message) == sorted([THREAD, found])


def test_a_text_that_is_active(xmppctl, alice, peer):
    run = xmppctl("--json", "send", "--chat-state", "active", peer.account.jid, "hi", account=alice)
    confirmed(run)
    assert peer.wait_message()["chat_state"] == "active"


def test_a_chat_state_of_another_client(listening, xmppctl, alice, peer):
    run = listening("--count", "2")
    say(peer, alice.jid, chat_state="composing")
    say(peer, alice.jid, "hi", chat_state="active")
    first, second = xmppctl.finish(run).expect(0).jsonl()
    assert (first["chat_state"], "extensions" in first) == ("composing", False)
    assert (second["chat_state"], second["body"]) == ("active", "hi")


def test_chat_states_in_a_room(xmppctl, alice, peer, room):
    peer.create_muc(room, "host")
    run = xmppctl("--json", "muc", "send", room, "--chat-state", "composing", account=alice)
    confirmed(run)
    message = peer.wait_message(lambda m: m["chat_state"] == "composing")
    assert message["type"] == "groupchat"
    run = xmppctl.start("-o", "jsonl", "listen", "--room", room, "--nick", "ear", "--count", "2",
                        account=alice)  # fmt: skip
    run.wait_line(r"^listening as ", "err")
    say(peer, room, kind="groupchat", chat_state="paused")
    say(peer, room, kind="groupchat", chat_state="gone")
    first, second = xmppctl.finish(run).expect(0).jsonl()
    assert first["chat_state"] == "paused"
    assert "chat_state" not in second


# --- hints and copies ---------------------------------------------------------------------------


def test_hints_reach_the_recipient(xmppctl, alice, peer):
    run = xmppctl("--json", "send", "--hint", "no-permanent-store", "--hint", "no-copy", peer.jid,
                  "x", account=alice)  # fmt: skip
    confirmed(run)
    message = peer.wait_message()
    assert message.xml.find(f"{{{HINTS}}}no-permanent-store") is not None
    assert message.xml.find(f"{{{HINTS}}}no-copy") is not None


def test_hints_of_another_client(listening, xmppctl, alice, peer):
    run = listening("--count", "1")

    def work():
        message = peer.client.make_message(mto=alice.jid, mbody="x", mtype="chat")
        for name in ("no-store", "no-copy"):
            message.enable(name)
        message.send()

    peer.run(work)
    record = only(xmppctl.finish(run))
    assert (record["hints"], "extensions" in record) == (["no-store", "no-copy"], False)


def test_what_is_not_to_be_stored_is_in_no_archive(xmppctl, alice, bob, peer):
    for args in (["--hint", "no-store", bob.jid, "secret"], [bob.jid, "kept"]):
        xmppctl("send", *args, account=alice).expect(0)
    peer.wait_message(lambda m: m["body"] == "kept")
    for account in (alice, bob):
        run = xmppctl("-o", "jsonl", "mam", "query", account=account)
        assert [record["body"] for record in run.expect(0).jsonl()] == ["kept"]


def test_no_copies_for_other_clients(xmppctl, alice, raw, peer, listening):
    other = raw(alice, "desk")
    other.send("<presence/>")
    other.iq(f"<enable xmlns='{CARBONS}'/>", type="set")
    for args in (["--no-copy", peer.jid, "private"], [peer.jid, "public"]):
        xmppctl("send", *args, account=alice).expect(0)
    message = peer.wait_message(lambda m: m["body"] == "private")
    assert message.xml.find(f"{{{HINTS}}}no-copy") is not None
    copy = other.expect(lambda e: e.find(f"{{{CARBONS}}}sent") is not None)
    assert copy.findtext(f".//{BODY}") == "public"


@pytest.mark.servers("ejabberd")  # the other one takes the element out on the way
def test_a_private_message_of_another_client(listening, xmppctl, alice, peer):
    run = listening("--count", "1")
    peer.send_raw(
        f"<message to='{alice.jid}' type='chat'><body>x</body><private xmlns='{CARBONS}'/>"
        "</message>"
    )
    record = only(xmppctl.finish(run))
    assert (record["private"], "extensions" in record) == (True, False)


# --- headers ------------------------------------------------------------------------------------


def test_headers_reach_the_recipient(xmppctl, alice, peer):
    run = xmppctl("--json", "send", "--header", "Urgency=high", "--header", "Keywords=a,<b/>&",
                  peer.account.jid, "x", account=alice)  # fmt: skip
    confirmed(run)
    assert peer.wait_message()["headers"] == {"Urgency": "high", "Keywords": "a,<b/>&"}


def test_headers_of_another_client(listening, xmppctl, alice, peer):
    run = listening("--count", "1")
    say(peer, alice.jid, "x", headers={"Urgency": "low", "X-Job": "<nightly> & more"})
    record = only(xmppctl.finish(run))
    assert record["headers"] == {"Urgency": "low", "X-Job": "<nightly> & more"}
    assert "extensions" not in record


def test_headers_that_have_to_be_understood(xmppctl, alice, peer):
    command = ["send", "--header", "Store=false", "--header", "Classification=internal"]
    for to in (peer.jid, peer.account.jid):
        run = xmppctl(*command, to, "x", account=alice).expect(0)
        warning = f"{to} does not say that it understands the header Store and Classification"
        assert warning in run.err

    def understand():
        disco = peer.client.plugin["xep_0030"]
        for name in ("Store", "Classification"):
            disco.static.add_feature(
                peer.client.boundjid, SHIM, None, {"feature": f"{SHIM}#{name}"}
            )

    peer.run(understand)
    run = xmppctl(*command, peer.jid, "x", account=alice).expect(0)
    assert "understands" not in run.err
    assert peer.wait_message(lambda m: m["headers"])["headers"]["Store"] == "false"


# --- expiry -------------------------------------------------------------------------------------


def test_expiry_with_a_text_and_without(xmppctl, alice, bob, peer):
    ephemeral = "{urn:xmpp:ephemeral:0}ephemeral"
    confirmed(xmppctl("--json", "send", "--expire-in", "7d", bob.jid, "x", account=alice))
    message = peer.wait_message()
    assert message.xml.find(ephemeral).get("timer") == "604800"
    assert message.xml.find(f"{{{HINTS}}}store") is None
    confirmed(xmppctl("--json", "send", "--expire-in", "5d", bob.jid, account=alice))
    message = peer.wait_message(lambda m: m.xml.find(f"{{{HINTS}}}store") is not None)
    assert message.xml.find(ephemeral).get("timer") == "432000"
    assert message.xml.find(BODY) is None
    # both are archived, the second for the sake of the hint alone
    run = xmppctl("-o", "jsonl", "mam", "query", account=bob)
    assert [record["expire_in_s"] for record in run.expect(0).jsonl()] == [604800, 432000]


# --- attention ----------------------------------------------------------------------------------


def test_attention_is_asked_for(xmppctl, alice, bob, peer):
    confirmed(xmppctl("--json", "send", "--attention", bob.jid, account=alice))
    message = peer.wait_message(lambda m: m["attention"])
    assert (message["type"], message["body"]) == ("headline", "")
    confirmed(xmppctl("--json", "send", "--attention", bob.jid, "wake up", account=alice))
    message = peer.wait_message()
    assert (message["type"], message["attention"]) == ("chat", True)


def test_a_wish_for_attention_that_was_stored_does_not_ring(xmppctl, alice, peer):
    say(peer, alice.jid, "then", attention=True)
    peer.run(peer.plugin("xep_0199").ping, alice.domain)
    run = xmppctl("-o", "jsonl", "listen", "--bell", "--count", "1", "--for", "9s", account=alice)
    record = only(run)
    assert (record["attention"], record["body"], "extensions" in record) == (True, "then", False)
    assert "delay" in record
    assert "\a" not in run.err


# --- what became of another message -------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "tag"),
    [
        ("received", "{urn:xmpp:receipts}received"),
        ("seen", "{urn:xmpp:chat-markers:0}displayed"),
    ],
)
def test_the_state_of_another_message(xmppctl, alice, bob, peer, state, tag):
    run = xmppctl("--json", "send", "--state", state, "--id", "m7", bob.jid, account=alice)
    told = confirmed(run)
    message = peer.wait(lambda s: s.xml.find(tag) is not None)
    assert tags(message) == [tag]
    assert message.xml.find(tag).get("id") == "m7"
    assert message["id"] == told["id"] != "m7"


def test_the_state_of_another_message_in_the_way_of_one_client(
    xmppctl, alice, bob, peer, listening, raw
):
    run = xmppctl("--json", "send", "--state", "seen", "--state-of", "m7", "--ngx", bob.jid,
                  account=alice)  # fmt: skip
    confirmed(run)
    element = peer.wait_xml(f"{{{NGX}}}message-state")
    assert (element.get("messageId"), element.get("state")) == ("m7", "recipientSeen")
    # it is nothing to keep
    run = xmppctl("-o", "jsonl", "mam", "query", account=alice)
    assert run.expect(0).out == ""
    run = listening("--count", "1")
    raw(bob).send(
        f"<message to='{alice.jid}' type='chat'><message-state xmlns='{NGX}' messageId='m8' "
        "date='2021-03-04T05:06:07.008Z' state='recipientReceived'/></message>"
    )
    record = only(xmppctl.finish(run))
    assert record["message_state"] == {
        "id": "m8",
        "state": "recipientReceived",
        "date": "2021-03-04T05:06:07.008000Z",
    }
    assert "extensions" not in record


def test_word_of_the_sender_is_enough_for_who_waits_for_it(xmppctl, alice, bob, raw):
    peer = raw(bob, "phone")
    peer.send("<presence/>")
    peer.iq("<ping xmlns='urn:xmpp:ping'/>")
    run = xmppctl.start("--json", "send", "--wait", "received", bob.jid, "x", account=alice)
    message = peer.wait_message()
    xmppctl("send", "--state", "received", "--state-of", message.get("id"), message.get("from"),
            account=bob).expect(0)  # fmt: skip
    assert xmppctl.finish(run).expect(0).json()[0]["received_at"]


# --- delays of old ------------------------------------------------------------------------------


def test_a_delay_in_the_old_form(listening, xmppctl, alice, bob, raw):
    run = listening("--count", "2")
    peer = raw(bob)
    for by in (alice.domain, bob.jid):
        peer.send(
            f"<message to='{alice.jid}' type='chat'><body>{by}</body>"
            f"<x xmlns='jabber:x:delay' from='{by}' stamp='20020910T23:08:25'/></message>"
        )
    old, forged = xmppctl.finish(run).expect(0).jsonl()
    assert old["delay"]["stamp"] == old["timestamp"] == "2002-09-10T23:08:25Z"
    assert "extensions" not in old
    assert "delay" not in forged
    assert forged["extensions"] == ["{jabber:x:delay}x"]
