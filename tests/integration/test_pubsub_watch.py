"""`xmppctl pubsub watch` and `pep`: who publishes is a client with raw XML."""

from __future__ import annotations

import signal

import pytest

from tests.integration.nodes import EVENT, PING, Nodes
from tests.servers.quirks import Feature

pytestmark = pytest.mark.in_turn

NOTE = "urn:example:note"


@pytest.fixture
def nodes(server, raw):
    """The nodes of the service, as their owner has them."""
    return Nodes(raw(server.admin()), server.pubsub)


@pytest.fixture
def watching(xmppctl, alice):
    """Start a watch of alice and wait until it is in effect; its full JID is ``run.jid``."""

    def start(*args, account=alice, form="jsonl", group="pubsub"):
        run = xmppctl.start("-o", form, group, "watch", *args, account=account)
        run.jid = run.wait_line(r"^listening as (\S+)$", "err")[1]
        return run

    return start


def event_message(to, node):
    """What somebody sends who would like to be the service."""
    event = f"<event xmlns='{EVENT}'><items node='{node}'><item id='forged'/></items></event>"
    return f"<message to='{to}' type='headline'>{event}</message>"


def befriend(one, other):
    """Both see each other's presence afterwards."""
    pairs = ((one, other), (other, one))
    for client, _ in pairs:
        client.send("<presence/>")
        client.iq("<query xmlns='jabber:iq:roster'/>")
    for client, friend in pairs:
        client.send(f"<presence to='{bare(friend)}' type='subscribe'/>")
    for client, friend in pairs:
        client.expect(lambda e: e.get("type") == "subscribe")
        client.send(f"<presence to='{bare(friend)}' type='subscribed'/>")
    for client, friend in pairs:
        client.expect(lambda e, jid=friend.jid: e.get("from") == jid and e.get("type") is None)


def bare(client):
    return client.jid.partition("/")[0]


# --- nodes of a service -------------------------------------------------------------------------


def test_what_happens_at_a_node(watching, xmppctl, server, nodes, bob, raw):
    node = nodes.make(notify_delete="1")
    run = watching(server.pubsub, node, "--count", "4")
    assert nodes.subscribers(node) == {run.jid: "subscribed"}
    peer = raw(bob)
    peer.send(event_message(run.jid, node))
    assert peer.iq(PING, to=run.jid) is not None
    nodes.publish(node, "one", "a &lt; b")
    run.wait_line('"one"')  # while it goes on
    nodes.set(f"<retract node='{node}' notify='true'><item id='one'/></retract>")
    nodes.set(f"<purge node='{node}'/>", owner=True)
    nodes.set(f"<delete node='{node}'/>", owner=True)
    published, retracted, purged, deleted = xmppctl.finish(run).expect(0).jsonl()
    assert (published["service"], published["node"]) == (server.pubsub, node)
    assert (published["type"], published["retracted"], published["delayed"]) == ("items", [], False)
    (item,) = published["items"]
    assert (item["id"], item["text"], item["payload_ns"]) == ("one", "a < b", "urn:example")
    assert item["xml"] == "<note xmlns='urn:example'>a &lt; b</note>"
    assert (retracted["type"], retracted["retracted"], retracted["items"]) == ("items", ["one"], [])
    assert (purged["type"], deleted["type"]) == ("purge", "delete")


def test_the_subscription_ends_with_the_watch(watching, xmppctl, server, nodes, alice):
    first, second = nodes.make(), nodes.make()
    ended = xmppctl(
        "--json", "pubsub", "watch", server.pubsub, first, second, "--count", "1", "--for", "200ms",
        account=alice,
    ).expect(8)  # fmt: skip
    assert ended.error()["name"] == "TIMEOUT"
    assert nodes.subscribers(first) == nodes.subscribers(second) == {}
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        run = watching(server.pubsub, first, second)
        assert nodes.subscribers(second) == {run.jid: "subscribed"}
        run.signal(number)
        xmppctl.finish(run).expect(code)
        assert nodes.subscribers(first) == nodes.subscribers(second) == {}


def test_a_subscription_of_the_account_stays(watching, xmppctl, server, nodes, alice, raw):
    node = nodes.make()
    other = raw(alice, "other")
    mine = Nodes(other, server.pubsub)
    mine.set(f"<subscribe node='{node}' jid='{alice.jid}'/>")
    other.send("<presence/>")
    run = watching(server.pubsub, node, "--count", "2")
    nodes.publish(node, "one")
    nodes.publish(node, "two")
    found = xmppctl.finish(run).expect(0).jsonl()
    assert [item["id"] for event in found for item in event["items"]] == ["one", "two"]
    assert mine.own(node) == {alice.jid: "subscribed"}


def test_only_what_is_new(watching, xmppctl, server, nodes):
    node = nodes.make(send_last_published_item="on_sub_and_presence")
    nodes.publish(node, "old")
    run = watching(server.pubsub, node, "--count", "1")
    (event,) = xmppctl.finish(run).expect(0).jsonl()
    assert [item["id"] for item in event["items"]] == ["old"]
    run = watching(server.pubsub, node, "--count", "2", "--new-only")
    nodes.publish(node, "old")  # the same once more is new
    nodes.publish(node, "new")
    found = xmppctl.finish(run).expect(0).jsonl()
    assert [item["id"] for event in found for item in event["items"]] == ["old", "new"]


def test_every_format(watching, xmppctl, server, nodes):
    node = nodes.make()
    for form in ("table", "json", "csv", "plain"):
        run = watching(server.pubsub, node, "--count", "1", form=form)
        nodes.publish(node, "item\u202eid")
        result = xmppctl.finish(run).expect(0)
        assert node in result.out
        assert form == "json" or "\u202e" not in result.out


def test_a_node_that_owners_approve(watching, xmppctl, server, nodes, alice, raw):
    if Feature.PUBSUB_PENDING not in server.features:
        return
    node = nodes.make(access_model="authorize", send_last_published_item="on_sub_and_presence")
    watch = ("--json", "pubsub", "watch", server.pubsub, node)
    error = xmppctl(*watch, account=alice).expect(6).error()
    assert error["condition"] == "pending-subscription"
    mine = Nodes(raw(alice), server.pubsub)
    assert mine.own(node) == {}
    # with a subscription of the account it may be watched all the same
    nodes.set(
        f"<subscriptions node='{node}'><subscription jid='{alice.jid}' subscription='subscribed'/>"
        "</subscriptions>",
        owner=True,
    )
    nodes.publish(node, "old")
    run = watching(server.pubsub, node, "--count", "1", "--new-only")
    nodes.publish(node, "new")
    (event,) = xmppctl.finish(run).expect(0).jsonl()
    assert [item["id"] for item in event["items"]] == ["new"]
    assert mine.own(node) == {alice.jid: "subscribed"}


def test_a_node_of_the_own_account(watching, xmppctl, alice, raw):
    mine = Nodes(raw(alice), None)
    mine.publish(NOTE, "current", "old")
    run = watching("self", NOTE, "--count", "1", "--new-only")
    mine.publish(NOTE, "current", "new")
    (event,) = xmppctl.finish(run).expect(0).jsonl()
    assert (event["service"], event["items"][0]["text"]) == (alice.jid, "new")
    assert mine.own(NOTE) == {}


# --- personal eventing --------------------------------------------------------------------------


def test_what_contacts_publish(watching, xmppctl, server, alice, bob, raw):
    friend, me, stranger = raw(bob, "f"), raw(alice, "me"), raw(server.account("carol"))
    befriend(friend, me)
    theirs, mine = Nodes(friend, None), Nodes(me, None)
    theirs.publish(NOTE, "current", "old")
    mine.publish(NOTE, "current", "own old")
    run = watching("--node", NOTE, "--new-only", "--count", "2", group="pep")
    stranger.send(event_message(run.jid, NOTE))
    friend.send(event_message(run.jid, NOTE))  # a client of the contact is not its account
    assert stranger.iq(PING).get("type") == friend.iq(PING, to=run.jid).get("type") == "result"
    theirs.publish("urn:example:other", "1")
    theirs.publish(NOTE, "current", "new")
    run.wait_line('"new"')
    mine.publish(NOTE, "current", "own new")
    found = xmppctl.finish(run).expect(0).jsonl()
    assert [(event["service"], event["items"][0]["text"]) for event in found] == [
        (bob.jid, "new"),
        (alice.jid, "own new"),
    ]
    # what was there comes first without --new-only
    run = watching(bob.jid, "--node", NOTE, "--count", "1", group="pep")
    (event,) = xmppctl.finish(run).expect(0).jsonl()
    assert (event["service"], event["items"][0]["text"]) == (bob.jid, "new")
    listed = xmppctl("--json", "pep", "list", bob.jid, account=alice).expect().json()
    assert {"jid": bob.jid, "node": NOTE, "name": None} in listed


def test_a_node_that_nobody_was_interested_in_before(watching, xmppctl, alice, raw):
    """The server has to ask what this client wants, and has told last items before it knows."""
    node = f"urn:example:{alice.local}"
    Nodes(raw(alice, "me"), None).publish(node, "current", "old")
    run = watching("--node", node, "--count", "1", "--for", "20s", group="pep")
    (event,) = xmppctl.finish(run).expect(0).jsonl()
    assert event["items"][0]["text"] == "old"
    run = watching("--node", node, "--new-only", "--for", "1s", group="pep")
    assert xmppctl.finish(run).expect(0).out == ""


def test_the_nodes_of_the_own_account(xmppctl, alice, bob, raw):
    Nodes(raw(alice, "me"), None).publish(NOTE, "1")
    result = xmppctl("-o", "plain", "pep", "list", account=alice).expect()
    assert NOTE in result.out.splitlines()
    result = xmppctl("--json", "pep", "list", bob.jid, account=alice).expect(6)
    assert result.error()["by"] == bob.jid
    xmppctl("pep", "list", alice.domain, account=alice).expect(2)
    run = xmppctl("--json", "pep", "watch", bob.jid, "--node", NOTE, account=alice).expect(6)
    assert run.error()["condition"] == "subscription-required"
    xmppctl("pep", "watch", account=alice).expect(2)
