"""The verbs of `xmppctl muc` that enter the room, with another client as the other occupant."""

import pytest

pytestmark = pytest.mark.in_turn


def test_sending_is_proven_by_the_reflection(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    (record,) = xmppctl("--json", "muc", "send", room, "hi", account=alice).expect().json()
    assert record["confirmed"] is True
    message = host.wait_message(lambda m: m["body"] == "hi")
    assert record["stanza_id"] in [
        e.get("id") for e in message.xml.iter("{urn:xmpp:sid:0}stanza-id")
    ]


def test_lines_and_a_bad_one(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    run = xmppctl(
        *("-o", "jsonl", "muc", "send", room, "--stdin-lines"),
        account=alice,
        input=b"one\n\x07\ntwo\n",
    )
    records = run.expect(9).jsonl()
    assert [record["confirmed"] for record in records] == [True, False, True]
    assert records[1]["error"]["name"] == "USAGE"
    host.wait_message(lambda m: m["body"] == "two")


@pytest.mark.parametrize(
    "verb", ["send", "subject", "occupants", "invite", "pm", "join", "ping", "hats", "moderate"]
)
def test_a_room_that_does_not_exist(xmppctl, alice, room, raw, bob, verb):
    rest = {"send": ["x"], "invite": [bob.jid], "pm": ["n", "x"], "moderate": ["id"]}
    error = (
        xmppctl("--json", "muc", verb, room, *rest.get(verb, []), account=alice).expect(6).error()
    )
    assert error["condition"] == "item-not-found"
    query = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    assert raw(bob).iq(query, to=room).get("type") == "error"


def test_a_private_message_reaches_one_occupant(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    (record,) = xmppctl("--json", "muc", "pm", room, "host", "psst", account=alice).expect().json()
    message = host.wait_message(lambda m: m["body"] == "psst")
    assert (message["type"], message["id"]) == ("chat", record["id"])
    assert message.xml.find("{http://jabber.org/protocol/muc#user}x") is not None


def test_a_room_that_cannot_be_entered(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    nick = ("--nick", "host")
    for verb in (["send", room], ["pm", room, "host"]):
        run = xmppctl("--json", "muc", *verb, *nick, "--", "x", account=alice)
        (record,) = run.expect(6).json()
        assert record["error"]["condition"] == run.error()["condition"] == "conflict"
        assert "--nick" in record["error"]["hint"]
    lines = xmppctl("--json", "muc", "send", room, *nick, "--stdin-lines", account=alice, input="x")
    assert (lines.expect(6).out, lines.error()["step"]) == ("", "join")


def test_who_is_kicked_while_speaking_is_told(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    run = xmppctl.start("-o", "jsonl", "muc", "send", room, "--nick", "s", "--stdin-lines",
                        account=alice)  # fmt: skip
    run.write("one\n")
    run.wait_line('"confirmed":true')
    host.run(host.plugin("xep_0045").set_role, room, "s", "none")
    run.write("two\n", close=True)
    result = xmppctl.finish(run, 15).expect(9)
    error = result.jsonl()[1]["error"]
    assert (error["condition"], error["step"]) == ("not-acceptable", "send")
    assert "in it any more" in error["hint"]


def test_a_dry_run_shows_the_stanza(xmppctl):
    args = ("muc", "send", "r@x.test", "--dry-run", "--id", "m1", "--", "a\nb")
    run = xmppctl(*args, jid="a@x.test", connect=("127.0.0.1", 1)).expect()
    (line,) = run.out.splitlines()
    for part in ("to='r@x.test'", "type='groupchat'", "id='m1'", "a&#10;b"):
        assert part in line
    args = ("muc", "pm", "r@x.test", "bob", "--dry-run", "--stdin-lines")
    run = xmppctl(*args, jid="a@x.test", input="one\n\ntwo\n").expect()
    assert ["to='r@x.test/bob'" in line for line in run.out.splitlines()] == [True, True]
    assert "muc#user" in run.out


def test_a_message_has_what_send_can_put_into_it(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    args = ("--markable", "--subject", "s", "--thread", "t", "--id", "m1", "--lang", "de")
    run = xmppctl("--json", "muc", "send", room, *args, "hallo", account=alice)
    assert run.expect().json()[0]["id"] == "m1"
    message = host.wait_message(lambda m: m["body"] == "hallo").xml
    assert message.find("{urn:xmpp:chat-markers:0}markable") is not None
    assert message.findtext("{jabber:client}thread") == "t"
    assert message.findtext("{jabber:client}subject") == "s"
    xmppctl("muc", "pm", room, "host", "--receipt", "psst", account=alice).expect()
    private = host.wait_message(lambda m: m["body"] == "psst").xml
    assert private.find("{urn:xmpp:receipts}request") is not None
    # a marker needs no text; a receipt cannot be asked of a whole room
    xmppctl("muc", "send", room, "--displayed", "x1", account=alice).expect()
    assert host.wait_xml("{urn:xmpp:chat-markers:0}displayed").get("id") == "x1"
    xmppctl("muc", "send", room, "--receipt", "x", account=alice).expect(2)


def test_hostile_text_arrives_as_it_is(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    text = "--nick $(id) <&>'\"\u202e"
    xmppctl("muc", "send", room, "--", text, account=alice).expect()
    host.wait_message(lambda m: m["body"] == text)
    xmppctl("muc", "send", room, "-", account=alice, input=f"{text} 2\n").expect()
    host.wait_message(lambda m: m["body"] == f"{text} 2")


@pytest.mark.parametrize(
    ("args", "told"),
    [(["send", "r@x.test", ""], "empty"), (["send", "r@x.test", "--", "\x07"], "U+0007"),
     (["send", "r@x.test", "--stdin-lines", "x"], "--stdin-lines"),
     (["send", "x.test", "x"], "domain"), (["pm", "r@x.test", "n\x07", "x"], "nickname"),
     (["subject", "r@x.test", "--", "\x07"], "U+0007"), (["ping", "x.test"], "domain"),
     (["ping", "r@x.test/a", "--nick", "a"], "visitor"), (["activity", "r@x.test"], "domain"),
     (["hat", "add", "r@x.test", "b@x.test", "--uri", "boss"], "URI"),
     (["join", "r@x.test", "--matching", "("], "regular expression"),
     (["kick", "r@x.test", "a\x07"], "nickname"), (["role", "r@x.test", "x", "king"], "king"),
     (["ban", "r@x.test", "a@x.test/r"], "resource"),
     (["register", "r@x.test", "--nick", "a\x07"], "nickname"),
     (["register", "r@x.test", "--show-form", "--nick", "x"], "--show-form"),
     (["avatar", "r@x.test", "--if-exists"], "--remove"),
     (["avatar", "r@x.test", "logo.png", "--remove"], "exclude each other")],
)  # fmt: skip
def test_what_is_refused_before_anything_is_sent(xmppctl, args, told):
    run = xmppctl("--json", "muc", *args, jid="a@x.test", password="x")
    assert told in run.expect(2).error()["text"]


def test_a_private_message_to_nobody(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    run = xmppctl("--json", "muc", "pm", room, "ghost", "x", account=alice)
    assert run.expect(6).json()[0]["error"]["condition"] == "item-not-found"


def test_occupants_without_who_asks(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    (found,) = xmppctl("--json", "muc", "occupants", room, account=alice).expect().json()
    assert (found["nick"], found["role"], found["affiliation"]) == ("host", "moderator", "owner")
    assert found["hats"] == []


def test_another_client_of_the_account_is_an_occupant_too(xmppctl, alice, slix, room):
    slix(alice, "bot").create_muc(room, alice.local)
    run = xmppctl("-o", "plain", "muc", "occupants", room, account=alice)
    assert run.expect().out.split() == [alice.local]


def test_forged_hats_are_not_shown(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    forged = "<hats xmlns='{}'><hat uri='urn:x' title='Boss'/></hats>"
    names = ("urn:xmpp:hats:0", "xmpp:prosody.im/protocol/hats:1")
    hats = "".join(forged.format(name) for name in names)
    host.send_raw(f"<presence to='{room}/host'><status>s</status>{hats}</presence>")
    host.wait_presence(lambda p: p["from"].full == f"{room}/host" and p["status"] == "s")
    (found,) = xmppctl("--json", "muc", "occupants", room, account=alice).expect().json()
    assert (found["status"], found["hats"]) == ("s", [])


def test_the_subject_is_read_set_and_removed(xmppctl, bob, host, room):
    host.create_muc(room, "host")

    def subject(*text):
        return xmppctl("--json", "muc", "subject", room, *text, "--nick", "own", account=bob)

    assert subject().expect().json()["subject"] is None
    assert subject("Tea").expect().json()["nick"] == "own"
    host.wait_message(lambda m: m["subject"] == "Tea")
    assert subject("Tea").expect().json()["subject"] == "Tea"  # no server tells that twice
    assert subject().expect().json()["subject"] == "Tea"
    assert subject("").expect().json()["subject"] is None
    assert subject().expect().json()["subject"] is None


def test_the_subject_by_who_may_not(xmppctl, alice, host, room, server):
    host.create_muc(room, "host", changesubject="0")
    run = xmppctl("--json", "muc", "subject", room, "mine", account=alice)
    error = run.expect(6).error()
    assert (error["condition"], error["step"]) == ("forbidden", "subject")


def test_an_invitation_opens_a_members_only_room(xmppctl, alice, bob, slix, room):
    owner, guest = slix(bob, "owner"), slix(alice, "guest")
    owner.create_muc(room, "owner", membersonly="1")
    guest.send_presence()
    (refused,) = xmppctl("--json", "muc", "send", room, "x", account=alice).expect(6).json()
    assert refused["error"]["condition"] == "registration-required"
    args = ("--nick", "inviter", "--reason", "come")
    (record,) = xmppctl("--json", "muc", "invite", room, alice.jid, *args, account=bob).json()
    assert record["ok"] is True
    reason = "{http://jabber.org/protocol/muc#user}reason"
    assert guest.wait_xml(reason).text == "come"
    xmppctl("muc", "send", room, "x", account=alice).expect()


def test_a_direct_invitation_gives_membership_first(xmppctl, alice, bob, slix, server, room):
    owner, guest = slix(bob, "owner"), slix(alice, "guest")
    owner.create_muc(room, "owner", membersonly="1")
    guest.send_presence()
    args = ("--json", "muc", "invite", room, "--direct")
    (refused,) = xmppctl(*args, bob.jid, account=alice).expect(6).json()
    assert "through the room" in refused["error"]["hint"]
    # who has more than membership keeps it
    both = xmppctl(*args, alice.jid, bob.jid, "--reason", "come", account=bob).expect().json()
    assert [record["ok"] for record in both] == [True, True]
    assert guest.wait_xml("{jabber:x:conference}x").get("jid") == room
    guest.join_muc(room, "guest")
    listed = xmppctl("--json", "muc", "affiliations", room, "owner", account=bob).expect().json()
    assert [entry["jid"] for entry in listed] == [bob.jid]


def test_an_invitation_where_nobody_comes_in(xmppctl, alice, bob, slix, room):
    slix(bob, "owner").create_muc(room, "owner", membersonly="1")
    run = xmppctl("--json", "muc", "invite", room, bob.jid, f"c-{bob.jid}", account=alice)
    records = run.expect(6).json()
    assert [r["error"]["condition"] for r in records] == ["registration-required"] * 2


def test_declining_tells_the_inviter(xmppctl, alice, bob, host, room):
    host.create_muc(room, "host")
    host.send_presence()
    args = ("muc", "decline", room, bob.jid, "--reason", "busy")
    record = xmppctl("--json", *args, account=alice).expect().json()
    assert (record["kind"], record["ok"]) == ("decline", True)
    told = host.wait_xml("{http://jabber.org/protocol/muc#user}decline")
    assert told.get("from").startswith(alice.jid)
    assert told.findtext("{http://jabber.org/protocol/muc#user}reason") == "busy"


def test_who_listens_sees_invitations_and_refusals(xmppctl, alice, bob, slix, host, room):
    host.create_muc(room, "host")
    run = xmppctl.start("-o", "jsonl", "listen", "--count", "2", "--for", "15s", account=alice)
    run.wait_line("^listening as", "err")
    xmppctl("muc", "invite", room, alice.jid, "--reason", "come", account=bob).expect()
    run.wait_line('"mediated"')
    xmppctl("muc", "invite", room, alice.jid, "--direct", "--reason", "r", account=bob).expect()
    first, second = (each["invite"] for each in xmppctl.finish(run).expect().jsonl())
    assert (first["room"], first["kind"], first["reason"]) == (room, "mediated", "come")
    assert (second["room"], second["kind"], second["reason"]) == (room, "direct", "r")
    assert second["inviter"].startswith(bob.jid)


def test_a_direct_invitation_and_its_words(xmppctl, alice, bob, host, slix, room):
    host.create_muc(room, "host")
    host.send_presence()
    guest = slix(alice, "guest")
    guest.send_presence()
    xmppctl("muc", "invite", room, alice.jid, "--direct", "--reason", "r", account=bob).expect()
    invitation = guest.wait_xml("{jabber:x:conference}x")
    assert (invitation.get("jid"), invitation.get("reason")) == (room, "r")
    assert invitation.get("password") is None


def test_invitations_that_contradict_themselves(xmppctl):
    args = ("muc", "invite", "r@x.test", "b@x.test")
    for more in (["--password"], ["--direct", "--password"], ["--thread", "t"]):
        xmppctl(*args, *more, jid="a@x.test").expect(2)


@pytest.fixture
def made(host, room):
    """The room, with its owner in it."""
    host.create_muc(room, "host")
    return room


@pytest.fixture
def moderate(xmppctl, alice, made):
    """Send a message as alice, to be moderated by whom a test says; its id by the room."""
    (sent,) = xmppctl("--json", "muc", "send", made, "spam", account=alice).expect().json()

    def run(account, id=sent["stanza_id"]):
        return xmppctl(
            "--json", "muc", "moderate", "--reason", "why", "--", made, id, account=account
        )

    run.sent = sent
    return run


@pytest.mark.servers("prosody")
def test_moderation(made, moderate, alice, bob, host):
    assert moderate(alice).expect(6).error()["condition"] == "forbidden"
    unknown = moderate(bob, moderate.sent["id"]).expect(6).error()
    assert (unknown["condition"], "the room gave" in unknown["hint"]) == ("item-not-found", True)
    id = moderate.sent["stanza_id"]
    assert moderate(bob).expect().json() == {"room": made, "id": id, "moderated": True}
    assert host.wait_xml("{urn:xmpp:fasten:0}apply-to").get("id") == id


@pytest.mark.servers("ejabberd")
def test_moderation_that_a_room_does_not_offer(made, moderate, bob):
    error = moderate(bob).expect(7).error()
    assert "XEP-0425" in error["text"]
    assert error["by"] == made


@pytest.mark.servers("prosody")
def test_a_moderated_message_is_told_to_listeners(xmppctl, alice, bob, host, made):
    run = xmppctl.start("-o", "jsonl", "muc", "join", made, "--count", "2", account=alice)
    run.wait_line("^listening as", "err")
    host.send_message(made, "spam", "groupchat")
    run.wait_line("spam")
    ids = host.wait_message(lambda m: m["body"] == "spam").xml.iter("{urn:xmpp:sid:0}stanza-id")
    spam = next(each.get("id") for each in ids)
    xmppctl("muc", "moderate", "--reason", "why", "--", made, spam, account=bob).expect()
    *_, last = xmppctl.finish(run).expect().jsonl()
    assert (last["moderated"]["id"], last["moderated"]["reason"]) == (spam, "why")
    assert last["from"] == made


# --- pings of occupants --------------------------------------------------------------------------


def test_an_occupant_is_pinged(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    found = xmppctl("--json", "muc", "ping", f"{room}/host", account=alice).expect().json()
    assert (found["room"], found["nick"], found["joined"]) == (room, "host", True)
    assert (found["rtt_ms"] > 0, found["error"]) == (True, None)
    gone = xmppctl("--json", "muc", "ping", f"{room}/ghost", account=alice).expect(10)
    assert (gone.json()["joined"], gone.json()["rtt_ms"]) == (False, None)
    assert gone.error()["condition"] == "item-not-found"


def test_the_own_nickname_of_another_client_is_pinged(xmppctl, bob, slix, room):
    slix(bob, "bot").create_muc(room, bob.local)
    found = xmppctl("--json", "muc", "ping", room, account=bob).expect().json()
    assert (found["nick"], found["joined"]) == (bob.local, True)


def test_an_occupant_that_does_not_answer(xmppctl, alice, bob, raw, room):
    owner = raw(bob)
    muc = "http://jabber.org/protocol/muc"
    owner.send(f"<presence to='{room}/mute'><x xmlns='{muc}'/></presence>")
    owner.expect(lambda e: e.find(f".//{{{muc}#user}}status[@code='110']") is not None)
    form = "<x xmlns='jabber:x:data' type='submit'/>"
    owner.iq(f"<query xmlns='{muc}#owner'>{form}</query>", type="set", to=room)
    run = xmppctl("--json", "--timeout", "1s", "muc", "ping", f"{room}/mute", account=alice)
    assert run.expect(8).json()["joined"] is None
