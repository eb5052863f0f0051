"""`xmppctl roster list` with --cache, --online, --tree and filters."""

import json
import stat

import pytest

from tests.peers.stream import StreamClosed

pytestmark = pytest.mark.in_turn

ROSTER = "<query xmlns='jabber:iq:roster'/>"
PING = "<ping xmlns='urn:xmpp:ping'/>"
VERSIONING = "<ver xmlns='urn:xmpp:features:rosterver'/>"


def put(peer, jid, *groups, sub=""):
    listed = "".join(f"<group>{group}</group>" for group in groups)
    query = f"<query xmlns='jabber:iq:roster'><item jid='{jid}'{sub}>{listed}</item></query>"
    assert peer.iq(query, type="set").get("type") == "result"


def subscribed(one, other, jid_one, jid_other):
    """``one`` sees the presence of ``other``."""
    one.send(f"<presence to='{jid_other}' type='subscribe'/>")
    one.iq(PING, to=jid_other)
    other.send(f"<presence to='{jid_one}' type='subscribed'/>")
    other.iq(PING, to=jid_one)


def plain(xmppctl, account, *args):
    return xmppctl("-o", "plain", "roster", "list", *args, account=account).expect().out.split()


def cached(xmppctl):
    return list((xmppctl.home / "cache" / "roster").glob("*.json"))


def test_a_cache_follows_the_roster(xmppctl, alice, bob, raw):
    peer = raw(alice)
    put(peer, "a@x.test", "g")
    put(peer, "b@x.test")
    first = xmppctl("--json", "roster", "list", "--cache", account=alice).expect().json()
    assert [each["jid"] for each in first] == ["a@x.test", "b@x.test"]
    (file,) = cached(xmppctl)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700

    listing = ("--debug-xml", "--json", "roster", "list", "--cache")
    run = xmppctl(*listing, account=alice).expect()
    assert run.json() == first
    assert "a@x.test" not in run.err  # the server only said that nothing has changed
    put(peer, "b@x.test", sub=" subscription='remove'")
    put(peer, "c@x.test")
    put(peer, "a@x.test", "other")
    run = xmppctl(*listing, account=alice).expect()
    assert [(each["jid"], each["groups"]) for each in run.json()] == [
        ("a@x.test", ["other"]),
        ("c@x.test", []),
    ]
    assert run.json()[0]["ver"] != first[0]["ver"]
    whole = xmppctl("--debug-xml", "roster", "list", "--refresh", account=alice).expect()
    assert "a@x.test" in whole.err.partition("jabber:iq:roster")[2]

    for damage in (b"", b"{", b"[]", b'{"format":1}', b"\xff", file.read_bytes()[:-9]):
        file.write_bytes(damage)
        assert plain(xmppctl, alice, "--cache") == ["a@x.test", "c@x.test"]
        assert json.loads(file.read_bytes())["jid"] == alice.jid
    # another account has another file
    assert plain(xmppctl, bob, "--cache") == []
    assert len(cached(xmppctl)) == 2


def test_a_cache_that_cannot_be_written(xmppctl, alice, raw):
    put(raw(alice), "a@x.test")
    (xmppctl.home / "cache").write_text("not a directory")
    run = xmppctl("-o", "plain", "roster", "list", "--cache", account=alice).expect()
    assert run.out == "a@x.test\n"
    assert "warning: the roster is not kept" in run.err


def test_who_is_online(xmppctl, alice, bob, raw, server):
    mine, other = raw(alice), raw(bob)
    carol = server.account("carol")
    third = raw(carol)
    subscribed(mine, other, alice.jid, bob.jid)
    subscribed(mine, third, alice.jid, carol.jid)
    put(mine, "stranger@x.test")
    mine.close()
    assert plain(xmppctl, alice, "--online") == []
    other.send("<presence><show>away</show></presence>")
    other.iq(PING)
    assert plain(xmppctl, alice, "--online") == [bob.jid]
    third.send("<presence><priority>-5</priority></presence>")
    third.iq(PING)
    assert plain(xmppctl, alice, "--online") == sorted([bob.jid, carol.jid])
    other.send("<presence type='unavailable'/>")
    other.iq(PING)
    assert plain(xmppctl, alice, "--online") == [carol.jid]
    assert plain(xmppctl, alice, "--online", "--group", "g") == []
    run = xmppctl("roster", "list", "--online", "--subscription", "none", account=alice)
    assert run.expect().out == ""


def test_the_tree_of_groups(xmppctl, alice, raw):
    peer = raw(alice)
    put(peer, "both@x.test", "Work::Lab", "Home")
    put(peer, "lab@x.test", "Work::Lab")
    put(peer, "work@x.test", "Work")
    put(peer, "alone@x.test")
    tree = ["--json", "roster", "list", "--tree"]

    def paths(*more):
        records = xmppctl(*tree, *more, account=alice).expect().json()
        return [(each["path"], each["jid"]) for each in records]

    flat = [
        ([], "alone@x.test"),
        (["Home"], "both@x.test"),
        (["Work"], "work@x.test"),
        (["Work::Lab"], "both@x.test"),
        (["Work::Lab"], "lab@x.test"),
    ]
    assert paths() == flat
    store = "<query xmlns='jabber:iq:private'><roster xmlns='roster:delimiter'>{}</roster></query>"
    peer.iq(store.format("::"), type="set")
    nested = [(path[0].split("::") if path else [], jid) for path, jid in flat]
    assert paths() == nested
    assert paths("--group", "Home") == [(["Home"], "both@x.test")]
    table = xmppctl("roster", "list", "--tree", account=alice).expect().out.splitlines()
    assert [line.rstrip()[:15].rstrip() for line in table] == [
        "JID",
        "alone@x.test",
        "Home",
        "  both@x.test",
        "Work",
        "  work@x.test",
        "  Lab",
        "    both@x.test",
        "    lab@x.test",
    ]
    peer.iq(store.format("o"), type="set")  # a single letter would take names apart
    assert paths() == flat


def test_the_metacontact_of_each(xmppctl, alice, raw):
    peer = raw(alice)
    put(peer, "a@x.test")
    put(peer, "b@x.test")
    store = (
        "<query xmlns='jabber:iq:private'><storage xmlns='storage:metacontacts'>"
        "<meta jid='a@x.test' tag='ju'/></storage></query>"
    )
    peer.iq(store, type="set")

    def tags(*more):
        records = xmppctl("--json", "roster", "list", *more, account=alice).expect().json()
        return {each["jid"]: each["meta"] for each in records}

    assert tags("--meta") == {"a@x.test": "ju", "b@x.test": None}
    assert tags() == {"a@x.test": None, "b@x.test": None}  # nobody asked
    assert tags("--meta", "--tree") == tags("--meta")


def test_filters(xmppctl, alice, bob, raw):
    mine, other = raw(alice), raw(bob)
    put(mine, "a@x.test", "g")
    subscribed(mine, other, alice.jid, bob.jid)
    assert plain(xmppctl, alice, "--subscription", "to") == [bob.jid]
    assert plain(xmppctl, alice, "--subscription", "none") == ["a@x.test"]
    both = ["--subscription", "none", "--subscription", "to"]
    assert plain(xmppctl, alice, *both) == sorted(["a@x.test", bob.jid])
    xmppctl("roster", "list", "--subscription", "nonsense", account=alice).expect(2)
    run = xmppctl("roster", "list", "--group", "h", "--fail-empty", account=alice)
    assert run.code == 10


@pytest.fixture
def fake(against_fake):
    """Runs ``roster list --cache`` against a server that answers by ``respond(conn, iq, ver)``."""

    def run(respond, *, features=VERSIONING):
        asked = []

        async def script(conn):
            await conn.login(features)
            while True:
                try:
                    iq = await conn.recv()
                except StreamClosed:
                    return
                if iq.get("type") in ("result", "error"):
                    asked.append((iq.get("id"), iq.get("type")))
                    continue
                query = iq.find("{jabber:iq:roster}query")
                if query is None:
                    conn.result(iq)
                else:
                    asked.append(query.get("ver"))
                    respond(conn, iq)

        done = against_fake(script, "--json", "roster", "list", "--cache")
        return done, asked

    return run


def whole(conn, iq, ver="v1"):
    items = "<item jid='a@x.test'/><item jid='b@x.test' name='B'/>"
    conn.result(iq, f"<query xmlns='jabber:iq:roster' ver='{ver}'>{items}</query>")


def push(conn, ident, ver, item, sender=""):
    conn.send(
        f"<iq type='set' id='{ident}'{sender}>"
        f"<query xmlns='jabber:iq:roster' ver='{ver}'>{item}</query></iq>"
    )


def test_interim_pushes(fake):
    _, asked = fake(whole)
    assert asked == [""]

    def changes(conn, iq):
        conn.result(iq)
        push(conn, "p1", "v2", "<item jid='a@x.test' subscription='remove'/>")
        own = " from='alice@fake.test'"
        push(conn, "p2", "v3", "<item jid='c@x.test' subscription='both'/>", own)
        push(conn, "p3", "v4", "<item jid='b@x.test' name='Bob'/>", own)

    run, asked = fake(changes)
    assert [(each["jid"], each["name"], each["ver"]) for each in run.expect().json()] == [
        ("b@x.test", "Bob", "v4"),
        ("c@x.test", None, "v4"),
    ]
    assert asked == ["v1", ("p1", "result"), ("p2", "result"), ("p3", "result")]
    run, asked = fake(lambda conn, iq: conn.result(iq))
    assert asked == ["v4"]
    assert [each["jid"] for each in run.json()] == ["b@x.test", "c@x.test"]


@pytest.mark.parametrize("sender", ["evil@x.test", "fake.test", "alice@fake.test.evil"])
def test_forged_pushes(fake, sender):
    fake(whole)

    def forged(conn, iq):
        conn.result(iq)
        push(conn, "p1", "v9", "<item jid='evil@x.test'/>", f" from='{sender}'")

    run, asked = fake(forged)
    assert [each["jid"] for each in run.expect().json()] == ["a@x.test", "b@x.test"]
    assert asked == ["v1", ("p1", "error")]
    _, asked = fake(lambda conn, iq: conn.result(iq))
    assert asked == ["v1"]


def test_without_versions_nothing_is_kept(fake, xmppctl):
    run, asked = fake(whole, features="")
    assert len(run.expect().json()) == 2
    assert asked == [None]
    assert cached(xmppctl) == []


def test_an_empty_result_to_who_has_nothing(fake):
    run, _ = fake(lambda conn, iq: conn.result(iq))
    assert run.expect(6).error()["condition"] == "malformed-answer"


def test_the_stream_ends_while_contacts_are_asked(against_fake):
    async def script(conn):
        await conn.login()
        item = "<item jid='a@x.test' subscription='to'/>"
        conn.result(
            await conn.request("{jabber:iq:roster}query"),
            f"<query xmlns='jabber:iq:roster'>{item}</query>",
        )
        await conn.expect("{jabber:client}presence")
        conn.stream_error("system-shutdown")

    run = against_fake(script, "--json", "roster", "list", "--online").expect(3)
    assert run.error()["condition"] == "system-shutdown"
