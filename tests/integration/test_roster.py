"""`xmppctl roster list` against real servers; the list is made by another client."""

import json

import pytest

pytestmark = pytest.mark.in_turn

KEYS = [
    *("jid", "name", "subscription", "ask", "approved", "groups", "ver"),
    *("request", "path", "meta"),
]


def put(peer, jid, name=None, groups=()):
    """A roster set by hand (RFC 6121 §2.1)."""
    listed = "".join(f"<group>{group}</group>" for group in groups)
    given = "" if name is None else f" name='{name}'"
    query = f"<query xmlns='jabber:iq:roster'><item jid='{jid}'{given}>{listed}</item></query>"
    assert peer.iq(query, type="set").get("type") == "result"


def contacts(run):
    records = run.expect(0).json()
    assert all(list(record) == KEYS for record in records)
    return {record["jid"]: record for record in records}


def test_an_empty_list(xmppctl, alice):
    assert xmppctl("roster", "list", "--json", account=alice).expect(0).json() == []
    assert xmppctl("roster", "list", "--fail-empty", account=alice).code == 10


def test_names_and_groups(xmppctl, alice, raw):
    peer = raw(alice)
    put(peer, "zoe@x.test", "Zoë", ["work", "cafe"])
    put(peer, "ann@x.test", groups=["work"])
    put(peer, "service.x.test")
    run = xmppctl("roster", "list", "--json", account=alice)
    found = contacts(run)
    assert list(found) == ["ann@x.test", "service.x.test", "zoe@x.test"]
    assert found["zoe@x.test"]["name"] == "Zoë"
    assert found["zoe@x.test"]["groups"] == ["cafe", "work"]
    assert found["ann@x.test"]["name"] is None
    assert found["ann@x.test"]["subscription"] == "none"
    assert len({record["ver"] for record in found.values()}) == 1
    assert found["ann@x.test"]["ver"]

    def plain(*groups):
        return xmppctl("-o", "plain", "roster", "list", *groups, account=alice).expect(0).out

    assert plain("--group", "cafe") == "zoe@x.test\n"
    assert plain("--group", "cafe", "--group", "work") == "ann@x.test\nzoe@x.test\n"
    assert plain("--group", "Work") == ""
    table = xmppctl("roster", "list", account=alice).expect(0).out
    assert table.splitlines()[0].split() == ["JID", "NAME", "SUBSCRIPTION", "ASK", "GROUPS"]
    assert "cafe, work" in table


def test_subscriptions_in_every_state(xmppctl, alice, bob, raw):
    with_alice, with_bob = raw(alice), raw(bob)
    for peer in (with_alice, with_bob):
        # subscriptions are told to who asked for the roster (RFC 6121 §2.2)
        assert peer.iq("<query xmlns='jabber:iq:roster'/>").get("type") == "result"
        peer.send("<presence/>")
    with_alice.send(f"<presence to='{bob.jid}' type='subscribe'/>")
    with_bob.expect(lambda e: e.get("type") == "subscribe")
    record = contacts(xmppctl("roster", "list", "--json", account=alice))[bob.jid]
    assert (record["subscription"], record["ask"]) == ("none", "subscribe")
    with_bob.send(f"<presence to='{alice.jid}' type='subscribed'/>")
    with_alice.expect(lambda e: e.get("type") == "subscribed")
    record = contacts(xmppctl("roster", "list", "--json", account=alice))[bob.jid]
    assert (record["subscription"], record["ask"]) == ("to", None)
    other = contacts(xmppctl("roster", "list", "--json", account=bob))[alice.jid]
    assert other["subscription"] == "from"
    with_bob.send(f"<presence to='{alice.jid}' type='subscribe'/>")
    with_alice.expect(lambda e: e.get("type") == "subscribe")
    with_alice.send(f"<presence to='{bob.jid}' type='subscribed'/>")
    with_bob.expect(lambda e: e.get("type") == "subscribed")
    record = contacts(xmppctl("roster", "list", "--json", account=alice))[bob.jid]
    assert record["subscription"] == "both"


def test_an_anonymous_account_has_an_empty_list_or_none(xmppctl, server):
    host = server.hosts["anon"]
    run = xmppctl(
        *("--anonymous", "roster", "list", "--json"),
        jid=host,
        server=server,
    )
    if run.code:
        assert run.code in (6, 7)
        assert run.error()["step"] == "roster"
    else:
        assert json.loads(run.out) == []


def test_hostile_names_are_escaped_in_a_table(xmppctl, alice, raw):
    put(raw(alice), "a@x.test", "&#x9b;31m\u202e", ["g\u2066"])
    out = xmppctl("roster", "list", account=alice).expect(0).out
    assert not {"\x9b", "\u202e", "\u2066"} & set(out)


def fake(authority, xmppctl, respond, features=""):
    from tests.servers.fake import FakeServer

    async def script(conn):
        await conn.login(features)
        respond(conn, await conn.recv())
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as server:
        run = xmppctl(
            *("roster", "list", "--json"),
            jid="alice@fake.test",
            password="x",
            connect=server.address,
            ca_file=authority.ca_file,
        )
        return run, server.received


def test_a_server_without_a_roster(authority, xmppctl):
    run, _ = fake(authority, xmppctl, lambda conn, iq: conn.error(iq, "service-unavailable"))
    assert run.expect(7).error()["step"] == "roster"


def test_the_version_is_asked_for_only_where_it_is_offered(authority, xmppctl):
    def respond(conn, iq):
        conn.result(iq, "<query xmlns='jabber:iq:roster'/>")

    query = "{jabber:iq:roster}query"
    _, received = fake(authority, xmppctl, respond)
    assert next(e for e in received if e.find(query) is not None).find(query).get("ver") is None
    offered = "<ver xmlns='urn:xmpp:features:rosterver'/>"
    _, received = fake(authority, xmppctl, respond, offered)
    assert next(e for e in received if e.find(query) is not None).find(query).get("ver") == ""


def test_an_answer_from_somebody_else_is_no_roster(authority, xmppctl):
    def respond(conn, iq):
        evil = "<query xmlns='jabber:iq:roster'><item jid='evil@x.test'/></query>"
        conn.result(iq, evil, from_="evil.test")
        conn.result(iq, "<query xmlns='jabber:iq:roster'><item jid='a@x.test'/></query>")

    run, _ = fake(authority, xmppctl, respond)
    assert list(contacts(run)) == ["a@x.test"]


def test_what_a_server_tells_of_a_contact(authority, xmppctl):
    def respond(conn, iq):
        conn.result(
            iq,
            "<query xmlns='jabber:iq:roster' ver='v7'><item jid='a@x.test' approved='true' "
            "ask='subscribe' name=''><group/><group>g</group><group>g</group></item></query>",
        )

    run, _ = fake(authority, xmppctl, respond)
    assert contacts(run)["a@x.test"] == {
        "jid": "a@x.test",
        "name": None,
        "subscription": "none",
        "ask": "subscribe",
        "approved": True,
        "groups": ["g"],
        "ver": "v7",
        "request": None,
        "path": None,
        "meta": None,
    }


def test_an_odd_item_spoils_no_list(authority, xmppctl):
    def respond(conn, iq):
        conn.result(
            iq,
            "<query xmlns='jabber:iq:roster'><item/><item jid=''/><x xmlns='y'/>"
            "<item jid='a@x.test' subscription='remove' ask='maybe' approved='perhaps'/></query>",
        )

    run, _ = fake(authority, xmppctl, respond)
    (record,) = contacts(run).values()
    assert (record["subscription"], record["ask"], record["approved"]) == ("none", None, False)
