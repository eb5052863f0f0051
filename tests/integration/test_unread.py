"""`xmppctl unread`: other clients read the markers, and write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration import muc

pytestmark = pytest.mark.in_turn

PS = "http://jabber.org/protocol/pubsub"
MDS = "urn:xmpp:mds:displayed:0"
READ = "ngxchat:unreadmessagedate"
STATES = "ngxchat:contactmessagestates"
PING = "<ping xmlns='urn:xmpp:ping'/>"
PRIVATE = {
    "persist_items": "1",
    "max_items": "max",
    "send_last_published_item": "never",
    "access_model": "whitelist",
}


@pytest.fixture
def write(raw):
    """``write(bob, alice, "a", "b")``: bob writes to alice, and all is in her archive then."""
    clients = {}

    def send(sender, to, *bodies, inside=""):
        if sender.jid not in clients:
            clients[sender.jid] = raw(sender, "writer")
        client = clients[sender.jid]
        for body in bodies:
            client.send(
                f"<message type='chat' to='{to.jid}' id='id-{body}'><body>{body}</body>{inside}"
                "</message>"
            )
        assert client.iq(PING, to=to.jid).get("type") == "result"
        return client

    return send


@pytest.fixture
def unread(xmppctl, alice):
    """``unread("--all")``: the records of unread list by JID."""

    def ask(*args):
        run = xmppctl("--json", "unread", "list", *args, account=alice).expect()
        return {record["jid"]: record for record in run.json()}

    return ask


@pytest.fixture
def mark(xmppctl, alice):
    """``mark(bob.jid)``: the only record of unread mark."""

    def ask(*args, code=0):
        known = ("--all", "--force", "--marker", "--reconfigure", "--since", "--store")
        options = [each for each in args if each.startswith(known)]
        words = [each for each in args if each not in options]  # an id may begin with dashes
        command = ("--json", "unread", "mark", *options, "--", *words)
        run = xmppctl(*command, account=alice).expect(code)
        return run.json()[0] if code == 0 else run.error()

    return ask


def ids(xmppctl, alice, who):
    """The archive ids of alice's messages from somebody, by their text."""
    run = xmppctl("--json", "mam", "query", "--with", who.jid, "--all", account=alice).expect()
    return {record["body"]: record["archive_id"] for record in run.json()}


def fields(kind, values):
    rows = "".join(
        f"<field var='pubsub#{name}'><value>{value}</value></field>"
        for name, value in values.items()
    )
    return (
        f"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
        f"<value>{PS}#{kind}</value></field>{rows}</x>"
    )


def create(peer, node, **values):
    """Make a node as another client of the account."""
    form = fields("node_config", {**PRIVATE, **values})
    query = f"<pubsub xmlns='{PS}'><create node='{node}'/><configure>{form}</configure></pubsub>"
    assert peer.iq(query, type="set").get("type") == "result"


def put(peer, node, ident, payload):
    """Publish an item as another client of the account."""
    item = f"<publish node='{node}'><item id='{ident}'>{payload}</item></publish>"
    answer = peer.iq(f"<pubsub xmlns='{PS}'>{item}</pubsub>", type="set")
    assert answer.get("type") == "result"


def displayed(ident, by):
    return (
        f"<displayed xmlns='{MDS}'><stanza-id xmlns='urn:xmpp:sid:0' id='{ident}' by='{by}'/>"
        "</displayed>"
    )


def stored(peer, node=MDS):
    """The payloads of the items of a node by their ids."""
    answer = peer.iq(f"<pubsub xmlns='{PS}'><items node='{node}'/></pubsub>")
    return {item.get("id"): item[0] for item in answer.iter(f"{{{PS}}}item")}


def markers(peer):
    return {
        jid: (payload[0].get("id"), payload[0].get("by")) for jid, payload in stored(peer).items()
    }


def configuration(peer, node=MDS):
    answer = peer.iq(f"<pubsub xmlns='{PS}#owner'><configure node='{node}'/></pubsub>")
    return {
        field.get("var").removeprefix("pubsub#"): field.findtext("{jabber:x:data}value")
        for field in answer.iter("{jabber:x:data}field")
    }


def test_without_markers_all_since_a_time_is_unread(xmppctl, alice, bob, server, write, unread):
    assert unread() == {}
    assert xmppctl("unread", "list", "--fail-empty", account=alice).code == 10
    carol = server.account("carol")
    write(bob, alice, "one", "two", "three")
    write(carol, alice, "hello")
    write(alice, bob, "mine")
    found = unread()
    assert list(found) == sorted([bob.jid, carol.jid])
    record = found[bob.jid]
    known = ids(xmppctl, alice, bob)
    stamp = record["last_message"].pop("timestamp")
    assert abs(datetime.fromisoformat(stamp) - datetime.now(UTC)) < timedelta(minutes=1)
    assert record.pop("first_unread_at") <= stamp
    assert record == {
        "jid": bob.jid,
        "unread": 3,
        "store": None,
        "last_displayed": None,
        "last_message": {"id": known["three"], "body": "three"},
    }
    assert list(unread("--with", carol.jid)) == [carol.jid]
    assert unread("--since", "now") == {}
    run = xmppctl("-o", "plain", "unread", "list", "--with", bob.jid, account=alice)
    assert run.expect().out == f"{bob.jid}\n"
    table = xmppctl("unread", "list", "--with", bob.jid, account=alice).expect().out
    assert table.splitlines()[1].split()[:2] == [bob.jid, "3"]


def test_what_has_no_text_is_nothing_to_read(alice, bob, raw, write, unread):
    client = write(bob, alice, "one")
    client.send(
        f"<message type='chat' to='{alice.jid}'><active xmlns='{'http://jabber.org/protocol/chatstates'}'/>"
        "<received xmlns='urn:xmpp:receipts' id='x'/><store xmlns='urn:xmpp:hints'/></message>"
        f"<message type='headline' to='{alice.jid}'><body>news</body></message>"
    )
    assert client.iq(PING, to=alice.jid).get("type") == "result"
    assert unread()[bob.jid]["unread"] == 1


def test_mark_is_seen_by_another_client(xmppctl, alice, bob, slix, raw, write, unread, mark):
    write(bob, alice, "one", "two")
    write(alice, bob, "mine")
    known = ids(xmppctl, alice, bob)
    record = mark(bob.jid)
    assert record.pop("at")
    assert record == {
        "jid": bob.jid,
        "store": "mds",
        "id": known["two"],
        "by": alice.jid,
        "changed": True,
        "told": False,
        "error": None,
    }
    peer = slix(alice)
    peer.run(peer.client.register_plugin, "xep_0490")
    items = peer.run(peer.plugin("xep_0490").catch_up)["pubsub"]["items"]
    (item,) = items["substanzas"]
    assert item["id"] == bob.jid
    assert item["displayed"]["stanza_id"]["id"] == known["two"]
    other = raw(alice)
    assert markers(other) == {bob.jid: (known["two"], alice.jid)}
    assert PRIVATE.items() <= configuration(other).items()
    assert unread() == {}
    assert unread("--all")[bob.jid]["last_displayed"]["id"] == known["two"]
    assert mark(bob.jid)["changed"] is False
    write(bob, alice, "three")
    found = unread()[bob.jid]
    assert (found["unread"], found["store"]) == (1, "mds")
    assert found["last_message"]["body"] == "three"
    # also where the marker is older than what is looked through
    assert unread("--since", "now")[bob.jid]["unread"] == 1


def test_markers_move_forwards(xmppctl, alice, bob, raw, write, mark, unread):
    write(bob, alice, "one", "two", "three")
    known = ids(xmppctl, alice, bob)
    assert mark(bob.jid, known["two"])["id"] == known["two"]
    assert unread()[bob.jid]["unread"] == 1
    error = mark(bob.jid, known["one"], code=6)
    assert error["condition"] == "not-newer"
    peer = raw(alice)
    assert markers(peer)[bob.jid][0] == known["two"]
    assert mark(bob.jid, known["one"], "--force")["changed"] is True
    assert markers(peer)[bob.jid][0] == known["one"]
    assert unread()[bob.jid]["unread"] == 2
    assert mark(bob.jid, known["three"])["changed"] is True
    assert unread() == {}


def test_an_id_of_no_message_is_refused(xmppctl, alice, bob, server, raw, write, mark):
    carol = server.account("carol")
    write(bob, alice, "one")
    write(carol, alice, "two")
    other = ids(xmppctl, alice, carol)["two"]
    for ident in ("1", "nope", other):
        assert mark(bob.jid, ident, code=6)["condition"] == "item-not-found"
    assert mark(f"nobody@{server.domain}", code=6)["condition"] == "item-not-found"
    assert stored(raw(alice)) == {}


def test_all_conversations_at_once(xmppctl, alice, bob, server, raw, write, unread):
    carol = server.account("carol")
    write(bob, alice, "one", "two")
    write(carol, alice, "three")
    run = xmppctl("--json", "unread", "mark", "--all", account=alice).expect()
    assert {each["jid"]: each["changed"] for each in run.json()} == {bob.jid: True, carol.jid: True}
    expected = {
        bob.jid: (ids(xmppctl, alice, bob)["two"], alice.jid),
        carol.jid: (ids(xmppctl, alice, carol)["three"], alice.jid),
    }
    assert markers(raw(alice)) == expected
    assert unread() == {}
    assert xmppctl("--json", "unread", "mark", "--all", account=alice).expect().json() == []


def test_markers_of_another_client(xmppctl, alice, bob, server, raw, write, unread):
    carol, dave = server.account("carol"), server.account("dave")
    write(bob, alice, "one", "two", "three")
    write(carol, alice, "four")
    write(alice, dave, "mine")
    write(dave, alice, "five")
    peer = raw(alice)
    create(peer, MDS)
    put(peer, MDS, bob.jid, displayed(ids(xmppctl, alice, bob)["one"], alice.jid))
    # a message that the account sent is a point in the conversation too
    put(peer, MDS, dave.jid, displayed(ids(xmppctl, alice, dave)["mine"], alice.jid))
    put(peer, MDS, carol.jid, displayed("lost", alice.jid))
    put(peer, MDS, "@@", displayed("x", alice.jid))
    put(peer, MDS, "e@x.test", displayed("x", bob.jid))
    put(peer, MDS, "f@x.test", f"<displayed xmlns='{MDS}'/>")
    found = unread()
    assert {jid: each["unread"] for jid, each in found.items()} == {
        bob.jid: 2,
        carol.jid: 1,
        dave.jid: 1,
    }
    run = xmppctl("-v", "unread", "list", account=alice).expect()
    assert "the archive has no message lost" in run.err
    assert "about '@@': it is no JID" in run.err
    # of another conversation: ignored as well
    put(peer, MDS, carol.jid, displayed(ids(xmppctl, alice, bob)["three"], alice.jid))
    assert unread()[carol.jid]["unread"] == 1


@pytest.mark.servers("prosody")  # slixmpp insists on the options that the other one refuses
def test_a_marker_of_slixmpp(xmppctl, alice, bob, slix, write, unread):
    write(bob, alice, "one", "two")
    peer = slix(alice)
    peer.run(peer.client.register_plugin, "xep_0490")
    peer.run(peer.plugin("xep_0490").flag_chat, bob.jid, ids(xmppctl, alice, bob)["one"])
    assert unread()[bob.jid]["unread"] == 1


def test_nothing_goes_to_a_node_that_others_can_read(alice, bob, raw, write, mark):
    write(bob, alice, "one")
    peer, stranger = raw(alice), raw(bob)
    create(peer, MDS, access_model="open")
    put(peer, MDS, "x@x.test", displayed("x", alice.jid))
    read = f"<pubsub xmlns='{PS}'><items node='{MDS}'/></pubsub>"
    assert stranger.iq(read, to=alice.jid).get("type") == "result"
    error = mark(bob.jid, code=6)
    assert error["condition"] == "precondition-not-met"
    assert "--reconfigure" in error["hint"]
    assert list(stored(peer)) == ["x@x.test"]
    assert configuration(peer)["access_model"] == "open"
    assert mark(bob.jid, "--reconfigure")["changed"] is True
    assert PRIVATE.items() <= configuration(peer).items()
    assert set(stored(peer)) == {"x@x.test", bob.jid}
    assert stranger.iq(read, to=alice.jid).get("type") == "error"


def test_a_node_for_one_item_is_made_large(alice, bob, raw, write, mark):
    write(bob, alice, "one")
    peer = raw(alice)
    create(peer, MDS, max_items="1")
    put(peer, MDS, "x@x.test", displayed("x", alice.jid))
    mark(bob.jid)
    assert set(stored(peer)) == {"x@x.test", bob.jid}
    assert configuration(peer)["max_items"] == "max"


def test_the_sender_is_told_who_asked_for_it(alice, bob, raw, write, mark):
    client = write(bob, alice, "one", inside="<markable xmlns='urn:xmpp:chat-markers:0'/>")
    client.send("<presence/>")
    assert mark(bob.jid, "--marker")["told"] is True
    told = client.expect(lambda e: e.find("{urn:xmpp:chat-markers:0}displayed") is not None)
    assert told.find("{urn:xmpp:chat-markers:0}displayed").get("id") == "id-one"
    assert told.get("type") == "chat"
    write(bob, alice, "two")
    record = mark(bob.jid, "--marker")
    assert (record["changed"], record["told"]) == (True, False)


def test_a_room(xmppctl, alice, bob, room, raw, mark, unread):
    speaker = raw(bob, "speaker")
    muc.make(speaker, room, whois="anyone")
    muc.enter(speaker, room, "bob")
    error = mark(room, code=6)
    assert error["condition"] == "item-not-found"

    def say(*bodies):
        for body in bodies:
            speaker.send(
                f"<message type='groupchat' to='{room}' id='{body}'><body>{body}</body></message>"
            )
            speaker.expect(lambda e, body=body: e.findtext("{jabber:client}body") == body)

    say("one", "two")
    run = xmppctl("--json", "mam", "query", "--room", room, "--all", account=alice).expect()
    known = {each.get("body"): each["archive_id"] for each in run.json()}
    assert unread() == {}
    record = mark(room)
    assert (record["id"], record["by"]) == (known["two"], room)
    assert markers(raw(alice)) == {room: (known["two"], room)}
    say("three")
    found = unread()[room]
    assert (found["unread"], found["last_message"]["body"]) == (1, "three")
    assert mark(room, known["one"], code=6)["condition"] == "not-newer"
    run = xmppctl("--json", "unread", "mark", "--all", account=alice).expect()
    assert [each["jid"] for each in run.json()] == [room]
    assert unread() == {}


def test_a_room_that_is_gone_does_not_hide_the_rest(xmppctl, alice, bob, room, raw, write):
    write(bob, alice, "one")
    peer = raw(alice)
    create(peer, MDS)
    put(peer, MDS, room, displayed("1", room))
    run = xmppctl("--json", "unread", "list", account=alice).expect()
    assert [each["jid"] for each in run.json()] == [bob.jid]
    assert f"left out: the archive of {room}" in run.err
    xmppctl("unread", "list", "--with", room, account=alice).expect(6)


def test_private_messages_in_a_room(xmppctl, alice, bob, room, raw, unread, mark):
    speaker, listener = raw(bob, "speaker"), raw(alice, "listener")
    muc.make(speaker, room)
    muc.enter(speaker, room, "bob")
    muc.enter(listener, room, "alice")

    def whisper(body):
        speaker.send(
            f"<message type='chat' to='{room}/alice' id='{body}'><body>{body}</body>"
            f"<x xmlns='{muc.NS}#user'/></message>"
        )
        listener.expect(lambda e: e.findtext("{jabber:client}body") == body)

    whisper("one")
    whisper("two")
    who = f"{room}/bob"
    assert {jid: each["unread"] for jid, each in unread().items()} == {who: 2}
    assert list(unread("--with", who)) == [who]
    assert unread("--with", f"{room}/other") == {}
    # nothing was said in the room itself
    assert mark(room, code=6)["condition"] == "item-not-found"
    assert (mark(who)["jid"], unread()) == (who, {})
    whisper("three")
    assert unread("--since", "now")[who]["unread"] == 1
    assert list(markers(raw(alice))) == [who]


def test_markers_of_ngx_chat(xmppctl, alice, bob, server, raw, write, mark, unread):
    carol = server.account("carol")
    write(bob, alice, "one")
    record = mark(bob.jid, "--store=ngx")
    assert (record["store"], record["changed"]) == ("ngx", True)
    peer = raw(alice)
    (ident,) = stored(peer, READ)
    assert ident == "current"
    assert PRIVATE.items() <= configuration(peer, READ).items()
    entry = stored(peer, READ)["current"][0]
    date = datetime.fromtimestamp(int(entry.get("date")) / 1000, UTC)
    assert (entry.tag, entry.get("jid")) == (f"{{{READ}}}last-read", bob.jid)
    assert abs(date - datetime.fromisoformat(record["at"])) < timedelta(milliseconds=2)
    assert stored(peer) == {}
    assert unread() == {}
    assert mark(bob.jid, "--store=ngx")["changed"] is False
    put(
        peer,
        READ,
        "current",
        f"<entries xmlns='{READ}' a='1'><last-read jid='{bob.jid}' date='1000' x='y'/><other/>"
        f"<last-read jid='{carol.jid}' date='999999999999999999999'/></entries>",
    )
    write(carol, alice, "two")
    assert {jid: each["unread"] for jid, each in unread().items()} == {bob.jid: 1, carol.jid: 1}
    # older than what is looked through
    assert unread("--since", "now", "--store", "ngx")[bob.jid]["unread"] == 1
    mark(bob.jid, "--store=ngx")
    entries = stored(peer, READ)["current"]
    assert entries.get("a") == "1"
    assert [child.get("x") for child in entries] == ["y", None, None]
    assert int(entries[0].get("date")) > 1000
    assert entries[2].get("date") == "999999999999999999999"
    assert list(unread()) == [carol.jid]
    # the standard one counts where both are there
    mark(carol.jid)
    assert unread() == {}


def test_the_state_of_conversations(xmppctl, alice, raw):
    peer = raw(alice)
    assert xmppctl("--json", "unread", "state", account=alice).expect().json() == []
    create(peer, STATES)
    create(peer, MDS)
    put(
        peer,
        STATES,
        "current",
        f"<entries xmlns='{STATES}'><contact-message-state jid='a@x.test' lastSent='3000'"
        " lastRecipientReceived='2000' lastRecipientSeen='0'/>"
        "<contact-message-state jid='b@x.test' lastSent='-5' lastRecipientReceived='soon'/>"
        "<contact-message-state/></entries>",
    )
    put(peer, MDS, "b@x.test", displayed("x1", alice.jid))
    run = xmppctl("--json", "unread", "state", account=alice).expect()
    nothing = dict.fromkeys(
        (
            "displayed_id",
            "displayed_by",
            "last_read_at",
            "last_received_at",
            "last_seen_at",
            "last_sent_at",
        )
    )
    first = {
        **nothing,
        "jid": "a@x.test",
        "last_received_at": "1970-01-01T00:00:02Z",
        "last_sent_at": "1970-01-01T00:00:03Z",
    }
    second = {**nothing, "jid": "b@x.test", "displayed_id": "x1", "displayed_by": alice.jid}
    assert run.json() == [first, second]
    run = xmppctl("--json", "unread", "state", "b@x.test", account=alice).expect()
    assert run.json() == [second]


@pytest.mark.parametrize(
    "args",
    [
        ["mark"],
        ["mark", "a@x.test", "--all"],
        ["mark", "--all", "--force"],
        ["mark", "a@x.test", ""],
        ["mark", "a@x.test", "\x07"],
        ["mark", "@@"],
        ["mark", "a@x.test", "--store", "other"],
        ["list", "--since", "soon"],
        ["state", "a@x.test/r"],
    ],
)
def test_bad_arguments_are_refused_without_a_connection(xmppctl, args):
    xmppctl("unread", *args, jid="a@no.such.host.invalid", password="x").expect(2)


def test_a_server_without_personal_eventing(against_fake):
    async def script(conn):
        await conn.login()
        while True:
            conn.error(await conn.recv(), "service-unavailable")

    for args in (["list"], ["state"], ["mark", "a@x.test"]):
        run = against_fake(script, "--json", "unread", *args).expect(7)
        assert "XEP-0163" in run.error()["text"]
