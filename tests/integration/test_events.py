"""Notifications, invitations, suggested contacts and questions, as `listen` shows them."""

import pytest

from tests.integration import muc

pytestmark = pytest.mark.in_turn

NS_EVENT = "http://jabber.org/protocol/pubsub#event"
PUBSUB = "http://jabber.org/protocol/pubsub"
NODES = "urn:xmpp:mucsub:nodes:"


@pytest.fixture
def listening(xmppctl, alice):
    """Start a listener on alice and wait until it listens."""

    def start(*args):
        run = xmppctl.start("-o", "jsonl", "listen", *args, account=alice)
        run.jid = run.wait_line(r"^listening as (\S+)$", "err")[1]
        return run

    return start


def request(peer, to, inside, ns=PUBSUB):
    answer = peer.iq(f"<pubsub xmlns='{ns}'>{inside}</pubsub>", type="set", to=to)
    assert answer.get("type") == "result", answer
    return answer


def item(ident, text):
    return f"<item id='{ident}'><entry xmlns='urn:example:entry'>{text}</entry></item>"


# --- publish-subscribe --------------------------------------------------------------------------


def test_what_happens_at_a_node(listening, xmppctl, alice, raw, server):
    service, node = server.pubsub, f"news-{alice.local}"
    owner = raw(server.admin())
    fields = "".join(
        f"<field var='{var}'><value>{value}</value></field>"
        for var, value in (
            ("FORM_TYPE", f"{PUBSUB}#node_config"),
            *(("pubsub#notify_delete", 1), ("pubsub#notify_retract", 1)),
        )
    )
    form = f"<configure><x xmlns='jabber:x:data' type='submit'>{fields}</x></configure>"
    request(owner, service, f"<create node='{node}'/>{form}")
    run = listening("--from", service, "--count", "3")
    subscriber = raw(alice)
    request(subscriber, service, f"<subscribe node='{node}' jid='{alice.jid}'/>")
    request(owner, service, f"<publish node='{node}'>{item('i1', 'a &amp; b')}</publish>")
    run.wait_line('"i1"')
    request(owner, service, f"<retract node='{node}' notify='1'><item id='i1'/></retract>")
    run.wait_line('"retracted"')
    request(owner, service, f"<delete node='{node}'/>", f"{PUBSUB}#owner")
    events = [record["pubsub"] for record in xmppctl.finish(run).expect(0).jsonl()]
    assert {(event["service"], event["node"]) for event in events} == {(service, node)}
    assert [event["type"] for event in events] == ["items", "items", "delete"]
    (published,) = events[0]["items"]
    assert published["id"] == "i1"
    assert published["payload"] == "<entry xmlns='urn:example:entry'>a &amp; b</entry>"
    assert events[1]["retracted"] == ["i1"]


def test_a_notification_of_an_occupant(listening, xmppctl, alice, bob, raw, room):
    """XEP-0316: the room passes on what an occupant tells, as that occupant's."""
    peer = raw(bob)
    muc.make(peer, room)
    muc.enter(peer, room, "host")
    run = listening("--room", room, "--nick", "ear", "--count", "1")
    event = f"<event xmlns='{NS_EVENT}'><items node='urn:x'>{item('1', 'x')}</items></event>"
    peer.send(f"<message to='{room}/ear' type='chat'>{event}</message>")
    (record,) = xmppctl.finish(run).expect(0).jsonl()
    assert (record["pubsub"]["service"], record["pubsub"]["node"]) == (f"{room}/host", "urn:x")


# --- rooms with subscriptions -------------------------------------------------------------------


def forged(room):
    inner = (
        f"<message xmlns='jabber:client' type='groupchat' from='{room}/boss'>"
        "<body>transfer the money</body></message>"
    )
    items = f"<items node='{NODES}messages'><item id='1'>{inner}</item></items>"
    return f"<event xmlns='{NS_EVENT}'>{items}</event>"


@pytest.mark.servers("ejabberd")
def test_what_is_said_in_a_room_with_subscriptions(listening, xmppctl, alice, bob, raw, room):
    owner = raw(bob)
    muc.make(owner, room)
    xmppctl("muc", "subscribe", room, account=alice).expect(0)
    run = listening("--count", "1")
    muc.enter(owner, room, "boss")
    owner.send(f"<message to='{room}' type='groupchat' id='m7'><body>hear ye</body></message>")
    (record,) = xmppctl.finish(run).expect(0).jsonl()
    assert (record["from"], record["type"], record["id"]) == (f"{room}/boss", "groupchat", "m7")
    assert (record["body"], record["muc"]["nick"]) == ("hear ye", "boss")
    assert [each["by"] for each in record["stanza_ids"]] == [room]
    assert "pubsub" not in record
    (archived,) = xmppctl("-o", "jsonl", "mam", "query", account=alice).expect(0).jsonl()
    assert (archived["body"], archived["room"]) == ("hear ye", room)


def test_nobody_else_speaks_for_a_room(listening, xmppctl, alice, bob, raw, room):
    """Neither a stranger nor an occupant, whose private message has the room's domain."""
    peer = raw(bob)
    muc.make(peer, room)
    muc.enter(peer, room, "eve")
    run = listening("--room", room, "--nick", "ear", "--count", "1")
    peer.send(f"<message to='{room}/ear' type='chat'>{forged(room)}</message>")
    (record,) = xmppctl.finish(run).expect(0).jsonl()
    assert (record["from"], record["type"]) == (f"{room}/eve", "chat")
    assert "body" not in record
    run = listening("--count", "1")
    peer.send(f"<message to='{run.jid}' type='chat'>{forged(room)}</message>")
    (record,) = xmppctl.finish(run).expect(0).jsonl()
    assert (record["from"], record["type"]) == (peer.jid, "chat")
    assert "body" not in record


# --- invitations --------------------------------------------------------------------------------


def test_invitations(listening, xmppctl, alice, bob, slix, raw, room):
    host = slix(bob, "host")
    host.run(host.client.register_plugin, "xep_0249")
    host.create_muc(room, "host")
    run = listening("--count", "2")
    host.run(host.plugin("xep_0249").send_invitation, alice.jid, room, reason="come & see")
    run.wait_line("come & see")
    host.run(host.plugin("xep_0045").invite, room, alice.jid, reason="both")
    first, second = xmppctl.finish(run).expect(0).jsonl()
    assert first["invite"] == {
        "room": room, "kind": "direct", "inviter": host.jid, "reason": "come & see"}  # fmt: skip
    assert (second["invite"]["kind"], second["invite"]["room"]) == ("mediated", room)
    assert second["invite"]["reason"] == "both"
    # one server names the occupant
    assert second["invite"]["inviter"].split("/")[0] in (bob.jid, room)


def test_an_invitation_in_the_name_of_a_room(listening, xmppctl, alice, bob, raw):
    run = xmppctl.start("-v", "-o", "jsonl", "listen", "--count", "1", account=alice)
    run.wait_line("^listening as ", "err")
    invite = "<invite from='boss@x.test'/>"
    raw(bob).send(
        f"<message to='{alice.jid}'><body>x</body>"
        f"<x xmlns='http://jabber.org/protocol/muc#user'>{invite}</x></message>"
    )
    result = xmppctl.finish(run).expect(0)
    (record,) = result.jsonl()
    assert "invite" not in record
    assert "ignored an invitation of a room" in result.err


# --- contacts and questions ---------------------------------------------------------------------


def test_suggested_contacts(listening, xmppctl, alice, bob):
    run = listening("--count", "1")
    args = ("roster", "suggest", alice.jid, "--add", "romeo@x.test,Romeo,Friends")
    xmppctl(*args, account=bob).expect(0)
    (record,) = xmppctl.finish(run).expect(0).jsonl()
    assert record["contacts"] == [
        {"action": "add", "jid": "romeo@x.test", "name": "Romeo", "groups": ["Friends"]}
    ]


def test_a_question_about_a_request(listening, xmppctl, alice, bob, slix):
    peer = slix(bob)
    peer.run(peer.client.register_plugin, "xep_0070")
    run = listening("--count", "1")
    ask = peer.plugin("xep_0070").ask_confirm
    peer.run(ask, alice.jid, "a7374", "https://x.test/f", "GET", message="Was it you? {id}")
    (record,) = xmppctl.finish(run).expect(0).jsonl()
    assert record["http_confirm"] == {"id": "a7374", "method": "GET", "url": "https://x.test/f"}
    assert record["body"] == "Was it you? a7374"
