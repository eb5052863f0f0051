"""`xmppctl pubsub`: subscriptions and affiliations; the other side is a client with raw XML."""

from __future__ import annotations

import pytest

from tests.integration.nodes import PS, Nodes
from tests.peers.process import keeps_unacknowledged
from tests.servers.quirks import Feature, Quirk

pytestmark = pytest.mark.in_turn


@pytest.fixture
def owner(server):
    """Who may make nodes at the service."""
    return server.admin()


@pytest.fixture
def nodes(server, owner, raw):
    """The nodes of the service, as their owner has them."""
    return Nodes(raw(owner), server.pubsub)


@pytest.fixture
def run(xmppctl, server):
    """``run(alice, "subscribe", "SVC", node)``: the JSON of a verb of pubsub; the error if one."""

    def call(account, verb, *args, code=0):
        words = [server.pubsub if each == "SVC" else each for each in args]
        result = xmppctl("--json", "pubsub", verb, *words, account=account).expect(code)
        return result.json() if code == 0 else result.error()

    return call


def test_subscribe_list_and_unsubscribe(run, alice, nodes, server, raw):
    node = nodes.make()
    made = run(alice, "subscribe", "SVC", node)
    assert (made["service"], made["node"], made["jid"]) == (server.pubsub, node, alice.jid)
    assert (made["state"], made["expiry"], made["error"]) == ("subscribed", None, None)
    desk = run(alice, "subscribe", "SVC", node, "--subscriber", f"{alice.jid}/desk")
    assert nodes.subscribers(node) == dict.fromkeys([alice.jid, f"{alice.jid}/desk"], "subscribed")
    assert bool(made["subid"]) == bool(desk["subid"]) == (Feature.PUBSUB_SUBIDS in server.features)

    assert sorted(run(alice, "subscriptions", "SVC", node), key=str) == sorted(
        [made, desk], key=str
    )
    assert [each["node"] for each in run(alice, "subscriptions")] == [node, node]

    gone = run(alice, "unsubscribe", "SVC", node)
    assert gone == {**made, "state": "none"}
    assert nodes.subscribers(node) == {f"{alice.jid}/desk": "subscribed"}
    again = run(alice, "unsubscribe", "SVC", node, code=6)
    assert again["condition"] == "item-not-found"
    assert f"{alice.jid}/desk" in again["hint"]
    same = run(alice, "unsubscribe", "SVC", node, "--if-exists")
    assert (same["state"], same["jid"]) == ("none", alice.jid)
    assert nodes.subscribers(node) == {f"{alice.jid}/desk": "subscribed"}


def test_what_is_not_there(run, alice, bob, nodes, xmppctl, server):
    for verb in ("subscriptions", "unsubscribe", "affiliations"):
        if verb == "affiliations" and Feature.PUBSUB_AFFILIATIONS not in server.features:
            continue
        assert run(alice, verb, "SVC", "no:such", code=6)["condition"] == "item-not-found"
    error = run(alice, "subscribe", "SVC", "x", "--subscriber", bob.jid, code=2)
    assert bob.jid in error["text"]
    assert run(alice, "subscribe", server.conference, "x", code=7)["name"] == "UNSUPPORTED"
    error = run(alice, "subscriptions", "SVC", nodes.make(), "--owner", code=6)
    assert error["condition"] == "forbidden"
    assert run(alice, "subscriptions", "--owner", code=2)["name"] == "USAGE"
    bad = ("--set", f"{bob.jid}=king")
    assert "king" in run(alice, "affiliations", "SVC", "x", *bad, code=2)["text"]
    empty = xmppctl("pubsub", "subscriptions", server.pubsub, "--fail-empty", account=alice)
    empty.expect(10)


def test_a_whitelist_does_not_let_in(run, alice, nodes):
    error = run(alice, "subscribe", "SVC", nodes.make(access_model="whitelist"), code=6)
    assert error["condition"] in ("forbidden", "not-allowed")


def test_options(run, alice, nodes, server):
    node = nodes.make()
    if Feature.PUBSUB_SUBSCRIPTION_OPTIONS not in server.features:
        for verb in ("options", "subscribe"):
            error = run(alice, verb, "SVC", node, "--option", "include_body=1", code=7)
            assert "subscription-options" in error["text"]
        assert nodes.subscribers(node) == {}
        return
    assert run(alice, "options", "SVC", node, code=6)["condition"] == "item-not-found"
    error = run(alice, "subscribe", "SVC", node, "--option", "nope=1", code=2)
    assert "nope" in error["text"]
    assert nodes.subscribers(node) == {}
    run(alice, "subscribe", "SVC", node, "--option", "include_body=1")
    (field,) = run(alice, "options", "SVC", node, "--show-form")["fields"]
    assert (field["var"], field["values"]) == ("pubsub#include_body", ["1"])
    (field,) = run(alice, "options", "SVC", node, "--field", "pubsub#include_body=0")["fields"]
    assert field["values"] in ([], ["0"])


def test_owners_see_and_set_subscriptions(run, alice, bob, owner, nodes):
    node = nodes.make()
    nodes_args = ("SVC", node)
    run(alice, "subscribe", *nodes_args)
    assert [
        (s["jid"], s["state"]) for s in run(owner, "subscriptions", *nodes_args, "--owner")
    ] == [(alice.jid, "subscribed")]
    changes = ("--set", f"{bob.jid}=subscribed", "--set", f"{alice.jid}=none")
    found = run(owner, "subscriptions", *nodes_args, *changes)
    assert [(s["jid"], s["state"], s["error"]) for s in found] == [
        (bob.jid, "subscribed", None),
        (alice.jid, "none", None),
    ]
    assert nodes.subscribers(node) == {bob.jid: "subscribed"}
    error = run(owner, "subscriptions", *nodes_args, "--set", f"{alice.jid}=none", code=6)
    assert error["condition"] == "item-not-found"
    run(owner, "subscriptions", *nodes_args, "--set", f"{alice.jid}=none", "--if-exists")


def test_owners_set_affiliations(run, alice, bob, owner, nodes, server, xmppctl):
    node = nodes.make()
    args = ("affiliations", server.pubsub, node)
    changes = ("--set", f"{bob.jid}=publisher", "--set", f"{alice.jid}=outcast")
    found = run(owner, *args, *changes)
    assert [(a["jid"], a["affiliation"], a["error"]) for a in found] == [
        (bob.jid, "publisher", None),
        (alice.jid, "outcast", None),
    ]
    assert nodes.affiliations(node) == {
        owner.jid: "owner",
        bob.jid: "publisher",
        alice.jid: "outcast",
    }
    listed = run(owner, *args, "--owner")
    assert {a["jid"]: a["affiliation"] for a in listed} == nodes.affiliations(node)
    mixed = ("--set", f"{bob.jid}=none", "--set", f"nobody@{bob.domain}=none")
    result = xmppctl("--json", "pubsub", *args, *mixed, account=owner).expect(9)
    first, second = result.json()
    assert (first["affiliation"], first["error"]) == ("none", None)
    assert second["error"]["condition"] == "item-not-found"
    assert nodes.affiliations(node) == {owner.jid: "owner", alice.jid: "outcast"}
    run(owner, *args, "--set", f"{bob.jid}=none", "--if-exists")
    if Feature.PUBSUB_AFFILIATIONS not in server.features:
        assert run(alice, "affiliations", server.pubsub, code=7)["name"] == "UNSUPPORTED"
    else:
        mine = [a for a in run(owner, "affiliations", server.pubsub) if a["node"] == node]
        assert [(a["jid"], a["affiliation"]) for a in mine] == [(owner.jid, "owner")]


def test_the_last_owner_stays_or_is_told(run, owner, nodes, server):
    """One server takes the last owner away, the other answers with success and does nothing."""
    node = nodes.make()
    args = ("affiliations", server.pubsub, node, "--set", f"{owner.jid}=none")
    if nodes.affiliations(node) and Feature.PUBSUB_AFFILIATIONS in server.features:
        assert run(owner, *args, code=6)["condition"] == "not-applied"
        assert nodes.affiliations(node) == {owner.jid: "owner"}
    else:
        assert run(owner, *args)[0]["affiliation"] == "none"
        assert nodes.affiliations(node) == {}


def test_affiliations_of_the_own_account(run, alice, bob, raw):
    mine = Nodes(raw(alice), None)
    mine.publish("urn:example:aff", "1")
    args = ("affiliations", "self", "urn:example:aff")
    (made,) = run(alice, *args, "--set", f"{bob.jid}=member")
    assert (made["service"], made["affiliation"]) == (alice.jid, "member")
    assert mine.affiliations("urn:example:aff")[bob.jid] == "member"
    run(alice, *args, "--set", f"{bob.jid}=none")
    assert bob.jid not in mine.affiliations("urn:example:aff")


def test_subscribers_of_the_own_account(run, alice, raw, server):
    mine = Nodes(raw(alice), None)
    mine.publish("urn:example:subs", "1")
    run(alice, "subscribe", "self", "urn:example:subs")
    assert mine.own("urn:example:subs") == {alice.jid: "subscribed"}
    if Quirk.PEP_OWN_SUBSCRIPTIONS_UNSUPPORTED not in server.quirks:
        (found,) = run(alice, "subscriptions", "self", "urn:example:subs", "--owner")
        assert found["jid"] == alice.jid
    else:
        error = run(alice, "subscriptions", "self", "urn:example:subs", "--owner", code=7)
        assert "manage-subscriptions" in error["text"]
    assert run(alice, "unsubscribe", "self", "urn:example:subs")["state"] == "none"
    assert mine.own("urn:example:subs") == {}


# --- requests that wait -------------------------------------------------------------------------


def test_pending_is_unsupported_where_nothing_waits(run, owner, nodes, server):
    if Feature.PUBSUB_PENDING in server.features:
        return  # the next tests
    for args in ((), (nodes.make(),), (nodes.make(), "--approve", f"x@{owner.domain}")):
        error = run(owner, "pending", "SVC", *args, code=7)
        assert "get-pending" in error["text"]


@keeps_unacknowledged
def test_requests_that_wait(run, xmppctl, alice, bob, owner, nodes, server, raw):
    if Feature.PUBSUB_PENDING not in server.features:
        return  # the test above
    node = nodes.make(access_model="authorize")
    run_one = xmppctl("--json", "pubsub", "subscribe", server.pubsub, node, account=alice)
    assert run_one.expect().json()["state"] == "pending"
    assert "approved" in run_one.err
    run(bob, "subscribe", "SVC", node)
    listed = run(owner, "pending", "SVC", node)
    assert [(p["jid"], p["node"], p["state"]) for p in listed] == sorted(
        (who.jid, node, "pending") for who in (alice, bob)
    )
    everywhere = run(owner, "pending", "SVC")
    assert [p for p in everywhere if p["node"] == node] == listed
    (own,) = run(alice, "subscriptions", "SVC", node)
    assert own["state"] == "pending"

    decided = run(owner, "pending", "SVC", node, "--approve", alice.jid, "--deny", bob.jid)
    assert [(d["jid"], d["state"], d["error"]) for d in decided] == [
        (alice.jid, "subscribed", None),
        (bob.jid, "none", None),
    ]
    assert nodes.subscribers(node) == {alice.jid: "subscribed"}
    assert Nodes(raw(bob), server.pubsub).own(node) == {}
    assert run(owner, "pending", "SVC", node) == []
    for option in ("--approve", "--deny"):
        error = run(owner, "pending", "SVC", node, option, bob.jid, code=6)
        assert error["condition"] == "item-not-found"
    run(owner, "pending", "SVC", node, "--deny", bob.jid, "--if-exists")
    assert run(alice, "pending", "SVC", node, code=6)["condition"] == "forbidden"


@keeps_unacknowledged
def test_messages_that_wait_stay_when_requests_are_listed(run, xmppctl, server, alice, bob, raw):
    """The list makes the owner available: what is stored for the owner is for another client."""
    if Feature.PUBSUB_PENDING not in server.features:
        return
    nodes = Nodes(raw(alice), server.pubsub)  # whoever wants makes nodes there
    node = nodes.make(access_model="authorize")
    peer = raw(bob, "desk")
    peer.send(f"<message to='{alice.jid}' type='chat'><body>for later</body></message>")
    assert peer.iq("<ping xmlns='urn:xmpp:ping'/>", to=alice.jid).get("type") == "result"
    request = f"<pubsub xmlns='{PS}'><subscribe node='{node}' jid='{bob.jid}'/></pubsub>"
    assert peer.iq(request, type="set", to=server.pubsub).get("type") == "result"
    (waits,) = run(alice, "pending", "SVC", node)
    assert waits["jid"] == bob.jid
    got = xmppctl("-o", "jsonl", "listen", "--count", "2", "--for", "10s", account=alice)
    bodies = [record.get("body") for record in got.expect().jsonl()]
    assert "for later" in bodies
