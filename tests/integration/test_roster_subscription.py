"""`xmppctl roster subscribe | approve | deny | cancel | list --pending`, with the other side."""

import pytest

from tests.peers.process import TRANSPORT
from tests.servers.quirks import Feature, Quirk

pytestmark = pytest.mark.in_turn

PING = "<ping xmlns='urn:xmpp:ping'/>"
ROSTER = "<query xmlns='jabber:iq:roster'/>"
NICK = "{http://jabber.org/protocol/nick}nick"
PREAUTH = "{urn:xmpp:pars:0}preauth"


def state(peer, jid):
    """(subscription, ask) of a contact as another client of the account sees it."""
    for item in peer.iq(ROSTER).iter("{jabber:iq:roster}item"):
        if item.get("jid") == jid:
            return item.get("subscription"), item.get("ask")
    return None


def ask(peer, jid, extra=""):
    peer.send(f"<presence to='{jid}' type='subscribe'>{extra}</presence>")
    peer.iq(PING, to=jid)  # what came before it is processed


def grant(peer, jid):
    peer.send(f"<presence to='{jid}' type='subscribed'/>")
    peer.iq(PING, to=jid)


def mutual(one, other, jid_one, jid_other):
    """A subscription in both directions, made by two other clients."""
    ask(one, jid_other)
    grant(other, jid_one)
    ask(other, jid_one)
    grant(one, jid_other)


def changed(run):
    (record,) = run.json()
    return record["subscription"], record["ask"]


def is_subscribe(element):
    return element.get("type") == "subscribe"


def test_add_until_both(xmppctl, alice, bob, raw, slix):
    other = raw(bob)
    other.send("<presence/>")
    add = ["--json", "roster", "add", bob.jid, "--name", "Bob", "--group", "G"]
    run = xmppctl(*add, "--nick", "Al", "--message", "hi", "--token", "t<1>", account=alice)
    assert changed(run.expect()) == ("none", "subscribe")
    request = other.expect(is_subscribe)
    assert request.get("from") == alice.jid
    assert request.findtext(NICK) == "Al"
    assert request.findtext("{jabber:client}status") == "hi"
    assert request.find(PREAUTH).get("token") == "t<1>"
    assert changed(xmppctl(*add, account=alice).expect()) == ("none", "subscribe")
    grant(other, alice.jid)
    ask(other, alice.jid)
    (record,) = xmppctl(*add, account=alice).expect().json()  # the third time
    assert (record["subscription"], record["ask"]) == ("both", None)
    mine = slix(alice).get_roster()
    assert list(mine) == [bob.jid]
    assert (mine[bob.jid]["name"], mine[bob.jid]["groups"]) == ("Bob", ["G"])
    assert state(other, alice.jid) == ("both", None)
    assert changed(xmppctl(*add, account=alice).expect()) == ("both", None)


def test_a_request_that_comes_in(xmppctl, alice, bob, raw):
    other = raw(bob)
    extra = (
        "<status>please</status><preauth xmlns='urn:xmpp:pars:0' token='tok'/>"
        "<nick xmlns='http://jabber.org/protocol/nick'>Bobby</nick>"
    )
    ask(other, alice.jid, extra)
    pending = ["--json", "roster", "list", "--pending"]
    (record,) = xmppctl(*pending, account=alice).expect().json()
    assert (record["jid"], record["subscription"], record["ask"]) == (bob.jid, "none", None)
    assert record["request"]["message"] == "please"
    if Quirk.SUBSCRIBE_STORED_BARE not in alice.server.quirks:
        assert record["request"] == {"nick": "Bobby", "message": "please", "token": "tok"}
    table = xmppctl("roster", "list", "--pending", account=alice).expect().out
    assert "please" in table.splitlines()[1]
    assert xmppctl("--json", "roster", "list", account=alice).expect().json() == []

    run = xmppctl("--json", "roster", "approve", bob.jid, account=alice).expect()
    assert changed(run) == ("from", None)
    assert state(other, alice.jid) == ("to", None)
    assert xmppctl(*pending, account=alice).expect().json() == []
    # again: that is so already
    run = xmppctl("--json", "roster", "approve", bob.jid, account=alice).expect()
    assert changed(run) == ("from", None)

    run = xmppctl("--json", "roster", "deny", bob.jid, account=alice).expect()
    assert changed(run) == ("none", None)
    assert state(other, alice.jid) == ("none", None)


@pytest.mark.parametrize("verb", ["add", "subscribe"])
def test_an_invitation_is_accepted(xmppctl, alice, bob, raw, verb):
    other = raw(bob)
    other.send("<presence/>")
    uri = f"xmpp:{bob.jid}?roster;preauth=1tMFqYDdKhfe2pwp;name=Bob%20B."
    xmppctl("roster", verb, uri, account=alice).expect()
    assert other.expect(is_subscribe).find(PREAUTH).get("token") == "1tMFqYDdKhfe2pwp"
    found = xmppctl("--json", "roster", "get", bob.jid, account=alice).expect().json()
    assert found["name"] == ("Bob B." if verb == "add" else None)


def test_requests_in_both_directions(xmppctl, alice, bob, raw):
    run = xmppctl("--json", "roster", "subscribe", bob.jid, account=alice).expect()
    assert (run.json()["subscription"], run.json()["ask"]) == ("none", "subscribe")
    other = raw(bob)
    ask(other, alice.jid)
    pending = ["--json", "roster", "list", "--pending"]
    (record,) = xmppctl(*pending, account=alice).expect().json()
    assert record["ask"] == "subscribe"
    assert record["request"] is not None
    assert xmppctl(*pending, "--group", "g", account=alice).expect().json() == []


def test_deny_a_request(xmppctl, alice, bob, raw):
    other = raw(bob)
    other.iq(ROSTER)
    ask(other, alice.jid)
    xmppctl("roster", "deny", bob.jid, account=alice).expect()
    assert state(other, alice.jid) == ("none", None)
    assert xmppctl("--json", "roster", "list", "--pending", account=alice).expect().json() == []
    run = xmppctl("--json", "roster", "deny", bob.jid, account=alice).expect(6)
    assert run.error()["condition"] == "item-not-found"
    xmppctl("roster", "deny", bob.jid, "--if-exists", account=alice).expect()


def test_what_is_denied_in_advance(xmppctl, alice, bob, raw):
    xmppctl("roster", "add", bob.jid, account=alice).expect()  # allows it in advance, if it can
    run = xmppctl("--json", "roster", "deny", bob.jid, account=alice)
    run.expect(0 if Feature.PRE_APPROVAL in alice.server.features else 6)
    other = raw(bob)
    ask(other, alice.jid)
    assert state(other, alice.jid) == ("none", "subscribe")
    assert state(raw(alice), bob.jid) == ("none", "subscribe")


def test_approval_in_advance(xmppctl, alice, bob, raw):
    run = xmppctl("--json", "roster", "approve", bob.jid, account=alice)
    (record,) = run.json()
    if Feature.PRE_APPROVAL not in alice.server.features:
        assert run.expect(6).error()["condition"] == "item-not-found"
        assert record["approved"] is False
        return
    assert record["approved"] is True
    shown = xmppctl("--json", "roster", "get", bob.jid, account=alice).expect().json()
    assert shown["approved"] is (Quirk.ROSTER_APPROVED_HIDDEN not in alice.server.quirks)
    other = raw(bob)
    ask(other, alice.jid)
    told = Quirk.ROSTER_APPROVED_UNTOLD not in alice.server.quirks
    assert state(other, alice.jid) == (("to", None) if told else ("none", "subscribe"))
    run = xmppctl("--json", "roster", "approve", bob.jid, account=alice).expect()
    assert changed(run) == ("from", None)
    assert state(other, alice.jid) == ("to", None)


def test_one_direction_ends(xmppctl, alice, bob, raw):
    mine, other = raw(alice), raw(bob)
    mutual(mine, other, alice.jid, bob.jid)
    assert state(mine, bob.jid) == ("both", None)
    run = xmppctl("--json", "roster", "deny", bob.jid, account=alice).expect()
    assert changed(run) == ("to", None)
    assert state(mine, bob.jid) == ("to", None)
    assert state(other, alice.jid) == ("from", None)

    run = xmppctl("--json", "roster", "cancel", bob.jid, account=alice).expect()
    assert changed(run) == ("none", None)
    assert state(other, alice.jid) == ("none", None)
    run = xmppctl("--json", "roster", "cancel", bob.jid, account=alice).expect(6)
    assert run.error()["condition"] == "item-not-found"
    xmppctl("roster", "cancel", bob.jid, "--if-exists", account=alice).expect()


def test_cancel_keeps_the_other_direction(xmppctl, alice, bob, raw):
    mine, other = raw(alice), raw(bob)
    mutual(mine, other, alice.jid, bob.jid)
    run = xmppctl("--json", "roster", "cancel", bob.jid, account=alice).expect()
    assert changed(run) == ("from", None)
    assert state(other, alice.jid) == ("to", None)


def test_a_request_taken_back(xmppctl, alice, bob, raw):
    xmppctl("roster", "add", bob.jid, account=alice).expect()
    run = xmppctl("--json", "roster", "cancel", bob.jid, "no@x.test", account=alice).expect(9)
    assert [record["ask"] for record in run.json()] == [None, None]
    other = raw(bob)
    other.send("<presence/>")
    other.iq(PING)  # behind it would have been the request
    assert xmppctl("--json", "roster", "list", "--pending", account=bob).expect().json() == []


def test_the_roster_forgets_both_directions(xmppctl, alice, bob, raw):
    mine, other = raw(alice), raw(bob)
    mutual(mine, other, alice.jid, bob.jid)
    xmppctl("roster", "remove", bob.jid, account=alice).expect()
    assert state(mine, bob.jid) is None
    assert state(other, alice.jid) == ("none", None)


def test_somebody_who_is_blocked_is_not_asked(xmppctl, alice, bob):
    xmppctl("block", "add", bob.jid, account=alice).expect()
    for verb in ("subscribe", "add"):
        run = xmppctl("--json", "roster", verb, bob.jid, account=alice).expect(6)
        assert run.error()["condition"] == "not-acceptable"


def test_a_domain_that_does_not_exist(xmppctl, alice):
    run = xmppctl("--json", "roster", "subscribe", "a@no.such.host.invalid", account=alice)
    assert run.expect(6).error()["condition"] == "remote-server-not-found"
    assert "roster cancel" in run.error()["hint"]


def test_pending_swallows_no_message(xmppctl, alice, bob, raw):
    other = raw(bob)
    ask(other, alice.jid)
    other.message(alice.jid, "kept for alice")
    other.iq(PING, to=alice.jid)
    for _ in range(2):
        (record,) = xmppctl("--json", "roster", "list", "--pending", account=alice).expect().json()
        assert record["request"] is not None
    xmppctl("roster", "deny", "nobody@x.test", account=alice).expect(6)
    mine = raw(alice)
    mine.send("<presence/>")
    assert mine.wait_message().findtext("{jabber:client}body") == "kept for alice"


def test_only_what_needs_presence_is_seen(xmppctl, alice, bob, raw):
    mine, other = raw(alice), raw(bob)
    mutual(mine, other, alice.jid, bob.jid)
    mine.close()
    other.send("<presence/>")
    other.iq(PING)
    online = ["-o", "plain", "roster", "list", "--online"]
    assert xmppctl(*online, account=alice).expect().out == f"{bob.jid}\n"
    xmppctl("roster", "subscribe", bob.jid, account=alice).expect()
    xmppctl("roster", "approve", bob.jid, account=alice).expect()
    xmppctl("roster", "list", "--pending", account=alice).expect()
    full = []
    other.expect(lambda e: full.append(e) or (is_of(e, alice) and e.get("type") == "unavailable"))
    seen = [e for e in full if is_of(e, alice) and "/" in e.get("from")]
    if TRANSPORT == "bosh":
        # what a server still has for a session that ends there comes back to its sender
        seen = [e for e in seen if e.get("type") != "error"]
    # a coming and a going, which are those of --pending
    assert {e.get("type") for e in seen[:-1]} == {None}
    assert len(seen) <= 3
    assert seen[-2].findtext("{jabber:client}priority") == "-1"


def is_of(element, account):
    return element.tag == "{jabber:client}presence" and element.get("from", "").startswith(
        account.jid
    )


def test_a_server_that_ends_both_directions(alice, bob, raw):
    """Why ``deny`` looks at the other direction."""
    mine, other = raw(alice), raw(bob)
    mutual(mine, other, alice.jid, bob.jid)
    mine.send(f"<presence to='{bob.jid}' type='unsubscribed'/>")
    mine.iq(PING, to=bob.jid)
    ended = state(mine, bob.jid) == ("none", None)
    assert ended == (Quirk.UNSUBSCRIBED_ENDS_BOTH in alice.server.quirks)


@pytest.mark.parametrize("verb", ["approve", "deny", "cancel"])
def test_many(xmppctl, alice, verb):
    text = "a@x.test\n@@\nb@x.test\n"
    run = xmppctl("--json", "roster", verb, "-", account=alice, input=text)
    records = run.json()
    assert [record["jid"] for record in records] == ["a@x.test", "@@", "b@x.test"]
    assert records[1]["error"]["code"] == 2
    assert run.code in (6, 9)
