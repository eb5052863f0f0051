"""Mentions, references, nicknames and forwarded messages, to and from clients of others."""

import pytest
import slixmpp

pytestmark = pytest.mark.in_turn

NS_REFERENCE, NS_MENTION = "urn:xmpp:reference:0", "urn:xmpp:mentions:0"
FORWARDED = "{urn:xmpp:forward:0}forwarded"
CLIENT = "{jabber:client}"
PLUGINS = ("xep_0172", "xep_0249", "xep_0297", "xep_0372", "xep_0513")


def knowing(client):
    """The same client with the plugins of these XEPs."""
    for plugin in PLUGINS:
        client.run(client.client.register_plugin, plugin)
    return client


@pytest.fixture
def peer(slix, bob):
    client = knowing(slix(bob))
    client.send_presence()
    return client


@pytest.fixture
def host(slix, bob):
    return knowing(slix(bob, "host"))


@pytest.fixture
def listening(xmppctl, alice):
    """Start a listener on alice and wait until it listens."""

    def start(*args, account=alice):
        run = xmppctl.start("-o", "jsonl", "listen", *args, account=account)
        run.jid = run.wait_line(r"^listening as (\S+)$", "err")[1]
        return run

    return start


def only(result):
    (record,) = result.expect(0).jsonl()
    return record


# --- mentions and references --------------------------------------------------------------------


def test_a_mention_reaches_another_client(xmppctl, alice, bob, peer):
    text = f"😀 dear {bob.local.upper()}!"
    xmppctl("send", bob.jid, "--mention", bob.jid, "--", text, account=alice).expect(0)
    message = peer.wait_message()
    mention, reference = message["mention"], message["reference"]
    assert (mention["jid"], reference["type"]) == (bob.jid, "mention")
    assert text[mention["begin"] : mention["end"]] == bob.local.upper()
    assert reference["uri"] == f"xmpp:{bob.jid}"
    assert (reference["begin"], reference["end"]) == (str(mention["begin"]), str(mention["end"]))


def test_a_mention_in_a_room(xmppctl, alice, host, room):
    host.create_muc(room, "The Host")
    args = ("muc", "send", room, "--mention", f"{room}/The Host", "ask The Host")
    xmppctl(*args, account=alice).expect(0)
    message = host.wait_message(lambda m: m["body"] == "ask The Host")
    mention = message.xml.find("{urn:xmpp:mentions:0}mention")
    own = host.wait_presence(lambda p: p["from"] == f"{room}/The Host").xml
    occupant = own.find("{urn:xmpp:occupant-id:0}occupant-id")
    who = {"jid": f"{room}/The Host"} if occupant is None else {"occupantid": occupant.get("id")}
    assert dict(mention.attrib) == {**who, "begin": "4", "end": "12"}
    assert message["reference"]["uri"] == f"xmpp:{room}/The%20Host"
    args = ("muc", "pm", room, "The Host", "--reference", "uri=urn:x,begin=0,end=4", "psst")
    xmppctl(*args, account=alice).expect(0)
    found = host.wait_message(lambda m: m["body"] == "psst")["reference"]
    assert (found["type"], found["uri"], found["end"]) == ("data", "urn:x", "4")


def test_what_another_client_mentions_is_shown(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    run = xmppctl.start("-o", "jsonl", "muc", "join", room, "--nick", "ear", "--count", "1",
                        account=alice)  # fmt: skip
    run.wait_line("^listening as ", "err")

    def say():
        message = host.client.make_message(mto=room, mbody="Hello, ear!", mtype="groupchat")
        message["mention"]["begin"], message["mention"]["end"] = 7, 10
        message["mention"]["occupantid"] = "ear@occupant-id"
        group = slixmpp.plugins.xep_0513.stanza.Mention()
        group.mention_group("moderators")
        group.enable("noping")
        message.append(group)
        message["reference"]["type"] = "data"
        message["reference"]["uri"] = "https://x.test/"
        message.send()

    host.run(say)
    record = only(xmppctl.finish(run))
    expected = [
        {"occupant_id": "ear@occupant-id", "begin": 7, "end": 10},
        {"mentions": f"{NS_MENTION}#moderators", "noping": True},
    ]
    assert record["mentions"] == expected
    assert record["references"] == [{"type": "data", "uri": "https://x.test/"}]
    assert not {f"{{{NS_MENTION}}}mention", f"{{{NS_REFERENCE}}}reference"} & {
        *record.get("extensions", ())
    }
    archived = xmppctl("-o", "jsonl", "mam", "query", "--room", room, account=alice).expect(0)
    (record,) = [each for each in archived.jsonl() if each.get("body") == "Hello, ear!"]
    assert record["mentions"] == expected


def test_a_range_that_does_not_fit_sends_nothing(xmppctl, alice, bob, raw):
    peer = raw(bob)
    peer.send("<presence/>")
    peer.iq("<ping xmlns='urn:xmpp:ping'/>")
    args = ("send", bob.jid, "--mention", f"{bob.jid}:0-9", "-")
    assert "outside the text" in xmppctl(*args, account=alice, input="short").expect(2).err
    xmppctl("send", bob.jid, "after it", account=alice).expect(0)
    assert peer.wait_message().findtext(f"{CLIENT}body") == "after it"


# --- /me and nicknames --------------------------------------------------------------------------


def test_me_and_a_nickname_out_and_in(listening, xmppctl, alice, bob, peer):
    run = listening("--count", "2")
    args = ("send", bob.jid, "--nick-name", "Ishmael", "--me", "waves")
    xmppctl(*args, account=alice).expect(0)
    message = peer.wait_message()
    assert (message["body"], message["nick"]["nick"]) == ("/me waves", "Ishmael")

    def answer():
        for body in ("/me waves back", " /me does not"):
            reply = peer.client.make_message(mto=alice.jid, mbody=body)
            reply["nick"]["nick"] = "Queequeg"
            reply.send()

    peer.run(answer)
    first, second = xmppctl.finish(run).expect(0).jsonl()
    assert (first["body"], first["me"], first["nick"]) == ("/me waves back", True, "Queequeg")
    assert "me" not in second


# --- forwarded messages -------------------------------------------------------------------------


def archive_id(xmppctl, account, body, *args):
    run = xmppctl("-o", "jsonl", "mam", "query", *args, account=account).expect(0)
    (found,) = [each["archive_id"] for each in run.jsonl() if each.get("body") == body]
    return found


def test_a_message_of_the_archive_is_passed_on(listening, xmppctl, alice, bob, peer, server, raw):
    carol = server.account("carol")
    writer = raw(carol, "phone")
    writer.send(
        f"<message to='{alice.jid}' type='chat' id='m1'><body>the original</body>"
        "<mood xmlns='http://jabber.org/protocol/mood'><amorous/></mood></message>"
    )
    writer.iq("<ping xmlns='urn:xmpp:ping'/>", to=alice.jid)
    ident = archive_id(xmppctl, alice, "the original")
    run = listening("--count", "1", account=bob)
    args = ("--json", "send", bob.jid, "--forward", ident, "look at this")
    (result,) = xmppctl(*args, account=alice).expect(0).json()
    assert result["confirmed"] is True
    message = peer.wait_message()
    assert message["body"] == "look at this"
    inner = message["forwarded"]["stanza"]
    assert (str(inner["from"]), inner["id"], inner["body"]) == (writer.jid, "m1", "the original")
    assert inner.xml.find("{http://jabber.org/protocol/mood}mood") is not None
    assert inner.xml.find("{urn:xmpp:sid:0}stanza-id") is None
    assert message["forwarded"]["delay"]["stamp"]
    record = only(xmppctl.finish(run))
    assert record["body"] == "look at this"
    (forwarded,) = record["forwarded"]
    assert (forwarded["message"]["from"], forwarded["message"]["body"]) == (
        writer.jid,
        "the original",
    )
    stored = xmppctl("-o", "jsonl", "mam", "get", "--", ident, account=alice).expect(0).jsonl()
    assert forwarded["delay"]["stamp"] == stored[0]["timestamp"]
    # without a text, and again, out of the archive in which it is then
    xmppctl("send", bob.jid, "--forward", ident, account=alice).expect(0)
    alone = peer.wait_message(lambda m: m.xml.find(FORWARDED) is not None and not m["body"])
    assert alone.xml.find(f"{CLIENT}body") is not None
    again = archive_id(xmppctl, bob, "look at this")
    xmppctl("send", alice.jid, "--forward", again, "yours", account=bob).expect(0)
    (record,) = xmppctl("-o", "jsonl", "mam", "query", "--last", "1", account=alice).jsonl()
    assert record["forwarded"][0]["message"]["forwarded"][0]["message"]["id"] == "m1"


def test_an_id_that_is_not_there_sends_nothing(xmppctl, alice, bob, raw):
    peer = raw(bob)
    peer.send("<presence/>")
    peer.iq("<ping xmlns='urn:xmpp:ping'/>")
    run = xmppctl("--json", "send", bob.jid, "--forward", "nope", "x", account=alice).expect(6)
    assert (run.error()["condition"], run.out) == ("item-not-found", "")
    xmppctl("send", bob.jid, "after it", account=alice).expect(0)
    assert peer.wait_message().findtext(f"{CLIENT}body") == "after it"


def test_a_message_of_a_room(xmppctl, alice, bob, host, peer, room, server):
    host.create_muc(room, "host")
    xmppctl("muc", "send", room, "--nick", "al", "said here", account=alice).expect(0)
    ident = archive_id(xmppctl, alice, "said here", "--room", room)
    args = ("--forward", ident, "--forward-room", room)
    xmppctl("send", bob.jid, *args, account=alice).expect(0)
    inner = peer.wait_message(lambda m: m.xml.find(FORWARDED) is not None)["forwarded"]["stanza"]
    assert (str(inner["from"]), inner["body"]) == (f"{room}/al", "said here")
    # the room may have told who that is, which is not for everybody
    assert inner.xml.find("{http://jabber.org/protocol/muc#user}x") is None
    xmppctl("muc", "send", room, *args, account=alice).expect(0)
    there = host.wait_message(lambda m: m.xml.find(FORWARDED) is not None and m["type"] != "chat")
    assert there["forwarded"]["stanza"]["body"] == "said here"


def test_forwarded_by_another_client_and_from_a_file(listening, xmppctl, alice, bob, peer):
    run = listening("--count", "1")

    def forward():
        original = peer.client.make_message(mto=bob.jid, mbody="claimed", mfrom=alice.jid)
        original["delay"]["stamp"] = "2020-01-01T00:00:00Z"
        peer.plugin("xep_0297").forward(
            original, alice.jid, "fyi", delay="2010-07-10T23:08:25Z", mfrom=peer.jid
        )

    peer.run(forward)
    record = only(xmppctl.finish(run))
    assert (record["body"], record["direction"], record["from"]) == ("fyi", "in", peer.jid)
    (forwarded,) = record["forwarded"]
    assert forwarded["delay"] == {"stamp": "2010-07-10T23:08:25Z", "from": None, "reason": None}
    # whatever its sender says: it was not sent by the own account
    assert (forwarded["message"]["from"], forwarded["message"]["direction"]) == (alice.jid, "in")
    assert "timestamp" not in forwarded["message"]
    stanza = f"<message from='x@y.test/z' to='{alice.jid}'><body>from a file</body></message>"
    args = ("send", bob.jid, "--forward-file", "-")
    xmppctl(*args, account=alice, input=stanza).expect(0)
    inner = peer.wait_message(lambda m: m.xml.find(FORWARDED) is not None)["forwarded"]["stanza"]
    assert (str(inner["from"]), inner["body"]) == ("x@y.test/z", "from a file")
