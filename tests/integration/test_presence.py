"""`xmppctl presence` against real servers."""

from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.in_turn


@pytest.fixture
def friends(alice, bob, raw):
    """Alice and bob see each other's presence."""
    one, two = raw(alice), raw(bob)
    for client in (one, two):
        client.send("<presence/>")
        client.iq("<query xmlns='jabber:iq:roster'/>")
    for client, other in ((one, bob), (two, alice)):
        client.send(f"<presence type='subscribe' to='{other.jid}'/>")
    for client, other in ((one, bob), (two, alice)):
        client.expect(lambda e: e.get("type") == "subscribe")
        client.send(f"<presence type='subscribed' to='{other.jid}'/>")
    for client, other in ((one, bob), (two, alice)):
        client.expect(lambda e, o=other: o.jid in (e.get("from") or "") and e.get("type") is None
                      and e.tag.endswith("presence"))  # fmt: skip
    one.close()
    two.close()


@pytest.fixture
def bobs(friends, slix, bob):
    """A client of bob."""

    def login(resource="phone", **presence):
        client = slix(bob, resource)
        client.send_presence(**presence)
        client.wait_presence(lambda p: p["from"] == client.jid)
        return client

    return login


# --- set ----------------------------------------------------------------------------------------


def test_contacts_see_it_while_it_is_held(xmppctl, alice, bobs):
    peer = bobs()
    since = "2026-01-02T03:04:05Z"
    run = xmppctl.start("--json", "presence", "set", "--show", "dnd", "--status", "im <Büro>",
                        "--idle-since", since, "--for", "1s", account=alice)  # fmt: skip
    full = run.wait_line(r"^present as (\S+)$", "err")[1]
    seen = peer.wait_presence(lambda p: str(p["from"]) == full)
    assert (seen["show"], seen["status"], seen["priority"]) == ("dnd", "im <Büro>", -1)
    assert seen.xml.find("{urn:xmpp:idle:1}idle").get("since") == since
    assert seen.xml.find("{vcard-temp:x:update}x") is not None
    result = xmppctl.finish(run).expect(0)
    record = result.json()
    assert (record["jid"], record["type"], record["show"]) == (full, "available", "dnd")
    assert record["idle_since"] == since
    assert result.seconds > 1
    gone = peer.wait_presence(lambda p: str(p["from"]) == full and p["type"] == "unavailable")
    assert gone["status"] == "im <Büro>"


def test_without_a_time_it_ends_at_once_and_the_status_remains(xmppctl, alice, bob, bobs):
    peer = bobs()
    xmppctl("presence", "set", "--status", "back on monday", account=alice).expect(0)
    peer.wait_presence(lambda p: p["status"] == "back on monday" and p["type"] == "unavailable")


def test_messages_are_not_taken_from_other_clients(xmppctl, alice, bob, raw):
    run = xmppctl.start("presence", "set", "--for", "1s", account=alice)
    run.wait_line("^present as ", "err")
    raw(bob).message(alice.jid, "for somebody who looks")
    xmppctl.finish(run).expect(0)
    again = xmppctl("-o", "jsonl", "listen", "--count", "1", "--for", "9s", account=alice)
    assert again.expect(0).jsonl()[0]["body"] == "for somebody who looks"


@pytest.mark.parametrize("args", [["--show", "gone"], ["--priority", "128"], ["--for", "soon"]])
def test_what_is_no_presence_is_refused(xmppctl, args):
    xmppctl("presence", "set", *args, jid="a@x.test", password="x").expect(2)


# --- watch --------------------------------------------------------------------------------------


def test_changes_as_they_come(xmppctl, alice, bob, bobs):
    first = bobs("first", pshow="away", pstatus="lunch", ppriority=5)
    run = xmppctl.start("-o", "jsonl", "presence", "watch", bob.jid, "--count", "4", account=alice)
    run.wait_line("^listening as ", "err")
    run.wait_line("lunch")
    second = bobs("second")
    run.wait_line("second")
    first.send_raw(
        "<presence><show>xa</show><idle xmlns='urn:xmpp:idle:1' since='2026-01-01T00:00:00Z'/>"
        "</presence>"
    )
    run.wait_line('idle_since":"2026')
    second.send_presence(ptype="unavailable")
    one, two, three, four = xmppctl.finish(run).expect(0).jsonl()
    assert (one["jid"], one["show"], one["status"], one["priority"]) == (
        first.jid, "away", "lunch", 5
    )  # fmt: skip
    assert one["caps"]["hash"] == "sha-1"
    assert "slixmpp" in one["caps"]["node"]
    assert (two["jid"], two["type"], two["show"]) == (second.jid, "available", "available")
    assert (three["show"], three["idle_since"]) == ("xa", "2026-01-01T00:00:00Z")
    assert (four["jid"], four["type"], four["show"]) == (second.jid, "unavailable", None)
    assert datetime.now(UTC) - datetime.fromisoformat(four["timestamp"]) < timedelta(minutes=1)


def test_watching_others_and_nobody(xmppctl, alice, bobs):
    bobs()
    nobody = xmppctl("--json", "presence", "watch", "carol@x.test", "--for", "300ms", account=alice)
    assert nobody.expect(0).json() == []
    late = xmppctl("--json", "presence", "watch", "carol@x.test", "--count", "1", "--for", "300ms",
                   account=alice)  # fmt: skip
    assert late.expect(8).error()["step"] == "listen"


def test_a_request_for_subscription_is_shown_and_not_answered(xmppctl, alice, bob, raw):
    run = xmppctl.start("-o", "jsonl", "presence", "watch", "--count", "1", account=alice)
    run.wait_line("^listening as ", "err")
    peer = raw(bob)
    peer.send(f"<presence type='subscribe' to='{alice.jid}'><status>it is me</status></presence>")
    (found,) = xmppctl.finish(run).expect(0).jsonl()
    assert (found["jid"], found["type"]) == (bob.jid, "subscribe")
    answer = peer.iq("<query xmlns='jabber:iq:roster'/>")
    assert answer.find(".//*[@jid]").get("subscription") == "none"


def test_a_listener_shows_presence_on_demand(xmppctl, alice, bob, raw):
    run = xmppctl.start("-o", "jsonl", "listen", "--type", "subscribe", "--type", "chat",
                        "--count", "2", account=alice)  # fmt: skip
    run.wait_line("^listening as ", "err")
    peer = raw(bob)
    peer.send(f"<presence type='subscribe' to='{alice.jid}'><status>it is me</status></presence>")
    run.wait_line("it is me")
    peer.message(alice.jid, "please")
    first, second = xmppctl.finish(run).expect(0).jsonl()
    assert (first["stanza"], first["type"], first["from"]) == ("presence", "subscribe", bob.jid)
    assert (second["stanza"], second["body"]) == ("message", "please")


# --- probe --------------------------------------------------------------------------------------


def test_the_clients_of_a_contact(xmppctl, alice, bob, bobs):
    one, two = bobs("one", pshow="chat"), bobs("two", pstatus="x")
    found = xmppctl("--json", "presence", "probe", bob.jid, account=alice).expect(0).json()
    assert {r["jid"]: (r["type"], r["show"], r["status"]) for r in found} == {
        one.jid: ("available", "chat", None),
        two.jid: ("available", "available", "x"),
    }
    (exact,) = xmppctl("--json", "presence", "probe", two.jid, account=alice).expect(0).json()
    assert exact["jid"] == two.jid


def test_a_contact_that_is_offline(xmppctl, alice, bob, friends):
    (found,) = xmppctl("--json", "presence", "probe", bob.jid, account=alice).expect(0).json()
    assert (found["jid"].partition("/")[0], found["type"]) == (bob.jid, "unavailable")
    assert found["show"] is None


def test_the_own_account(xmppctl, alice, slix):
    (none,) = xmppctl("--json", "presence", "probe", alice.jid, account=alice).expect(0).json()
    assert none["type"] == "unavailable"
    other = slix(alice, "desk")
    other.send_presence()
    other.wait_presence(lambda p: p["from"] == other.jid)
    (found,) = xmppctl("--json", "presence", "probe", alice.jid, account=alice).expect(0).json()
    assert found["jid"] == other.jid


def test_strangers_are_not_told(xmppctl, alice, bob, slix):
    slix(bob).send_presence()
    error = xmppctl("--json", "presence", "probe", bob.jid, account=alice).expect(6).error()
    assert (error["condition"], error["step"]) == ("subscription-required", "probe")
