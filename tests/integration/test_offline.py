"""`xmppctl offline`: what waits is counted, read and removed, and else waits for other clients."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.in_turn

PING = "<ping xmlns='urn:xmpp:ping'/>"
OFFLINE = "http://jabber.org/protocol/offline"
TEXTS = ["one", "two", "three"]

there = pytest.mark.servers("ejabberd")


@pytest.fixture
def waiting(raw, alice, bob):
    """Three messages of bob's wait for alice; ``waiting("more")`` adds some."""
    writer = raw(bob, "writer")

    def write(*bodies):
        for body in bodies:
            writer.message(alice.jid, body, ident=f"id-{body}")
        assert writer.iq(PING, to=alice.jid).get("type") == "result"

    write(*TEXTS)
    return write


def received(slix, account):
    """What a client gets that comes online."""
    peer = slix(account)
    peer.send_presence()
    peer.wait_presence(lambda p: p["from"] == peer.jid)
    assert peer.run(peer.plugin("xep_0199").send_ping, account.domain) is not None
    return [str(each["body"]) for each in peer.stanzas if each.name == "message"]


def nodes(xmppctl, alice):
    return xmppctl("-o", "plain", "offline", "list", account=alice).expect().out.split()


@there
def test_looking_leaves_all_where_it_is(xmppctl, alice, bob, waiting, slix):
    run = xmppctl("--json", "offline", "count", account=alice)
    assert run.expect().json() == {"count": 3}
    listed = xmppctl("--json", "offline", "list", account=alice).expect().json()
    assert [set(each) for each in listed] == [{"node", "from", "jid"}] * 3
    assert {(each["from"], each["jid"]) for each in listed} == {(f"{bob.jid}/writer", alice.jid)}
    assert len({each["node"] for each in listed}) == 3
    run = xmppctl("--json", "offline", "get", "--all", account=alice).expect()
    records = run.json()
    assert [each["body"] for each in records] == TEXTS
    assert [each["node"] for each in records] == [each["node"] for each in listed]
    assert records[0]["id"] == "id-one"
    assert records[0]["from"] == f"{bob.jid}/writer"
    assert records[0]["timestamp"]
    assert "{http://jabber.org/protocol/offline}offline" not in records[0].get("extensions", [])
    wanted = [listed[2]["node"], listed[0]["node"]]
    run = xmppctl("-o", "jsonl", "offline", "get", *wanted, account=alice).expect()
    assert [each["body"] for each in run.jsonl()] == ["three", "one"]
    table = xmppctl("offline", "get", wanted[0], account=alice).expect().out
    assert table.splitlines()[0].split() == ["TIMESTAMP", "NODE", "FROM", "BODY"]
    assert xmppctl("-o", "plain", "offline", "count", account=alice).expect().out == "3\n"
    assert received(slix, alice) == TEXTS


@there
def test_what_is_purged_is_gone(xmppctl, alice, bob, waiting, slix):
    names = nodes(xmppctl, alice)
    xmppctl("offline", "purge", names[1], account=alice).expect(2)
    assert nodes(xmppctl, alice) == names
    run = xmppctl("--json", "offline", "purge", names[1], "--yes", account=alice)
    assert run.expect().json() == [
        {"node": names[1], "from": f"{bob.jid}/writer", "removed": True, "error": None}
    ]
    assert received(slix, alice) == ["one", "three"]


@there
def test_all_that_waits_is_purged(xmppctl, alice, waiting, slix):
    run = xmppctl("--json", "offline", "purge", "--all", "--yes", account=alice).expect()
    assert [each["removed"] for each in run.json()] == [True] * 3
    assert xmppctl("--json", "offline", "count", account=alice).expect().json() == {"count": 0}
    run = xmppctl("--json", "offline", "purge", "--all", "--yes", account=alice)
    assert run.expect().json() == []
    assert xmppctl("--json", "offline", "get", "--all", account=alice).expect().json() == []
    assert xmppctl("offline", "list", "--fail-empty", account=alice).code == 10
    waiting("four")
    assert received(slix, alice) == ["four"]


@there
def test_names_that_are_not_there(xmppctl, alice, waiting):
    names = nodes(xmppctl, alice)
    for verb in (["get"], ["purge", "--yes"]):
        for name in ("nope", "99999999", ""):
            run = xmppctl("--json", "offline", *verb, name, account=alice)
            if not name:
                run.expect(2)
                continue
            assert run.expect(6).error()["condition"] == "item-not-found"
            assert [each["node"] for each in run.json()] == [name]
    run = xmppctl("--json", "offline", "get", names[0], "nope", account=alice).expect(9)
    assert {each["node"]: each.get("body") for each in run.json()} == {
        names[0]: "one",
        "nope": None,
    }
    run = xmppctl("--json", "offline", "purge", "nope", names[0], "--yes", account=alice).expect(9)
    assert {each["node"]: each["removed"] for each in run.json()} == {names[0]: True, "nope": False}
    assert nodes(xmppctl, alice) == names[1:]


@there
def test_more_than_one_question_is_needed(xmppctl, alice, waiting):
    waiting(*map(str, range(120)))
    run = xmppctl("-o", "jsonl", "offline", "get", "--all", account=alice).expect()
    assert [each["body"] for each in run.jsonl()] == [*TEXTS, *map(str, range(120))]
    run = xmppctl("--json", "offline", "purge", "--all", "--yes", account=alice).expect()
    assert len(run.json()) == 123
    assert nodes(xmppctl, alice) == []


@pytest.mark.servers("prosody")
@pytest.mark.parametrize(
    "args", [["count"], ["list"], ["get", "--all"], ["get", "x"], ["purge", "--all", "--yes"]]
)
def test_a_server_without_it(xmppctl, alice, args):
    run = xmppctl("--json", "offline", *args, account=alice).expect(7)
    assert "XEP-0013" in run.error()["text"]


@pytest.mark.parametrize(
    "args",
    [
        ["get"],
        ["get", "x", "--all"],
        ["get", "\x07"],
        ["purge", "--yes"],
        ["purge", "x", "--all", "--yes"],
        ["purge", "--all"],
    ],
)
def test_bad_arguments_are_refused_without_a_connection(xmppctl, args):
    xmppctl("offline", *args, jid="a@no.such.host.invalid", password="x").expect(2)


DISCO = "http://jabber.org/protocol/disco"


def answer(conn, iq, *, sent="x@x.test/r"):
    """What a server says that keeps one message; ``sent``: who the message comes from."""
    payload = iq[0]
    if payload.tag == f"{{{DISCO}#info}}query":
        conn.result(iq, f"<query xmlns='{DISCO}#info'><feature var='{OFFLINE}'/></query>")
    elif payload.tag == f"{{{DISCO}#items}}query":
        item = "<item jid='alice@fake.test' node='n1' name='x@x.test/r'/>"
        conn.result(iq, f"<query xmlns='{DISCO}#items' node='{OFFLINE}'>{item}</query>")
    else:
        if iq.get("type") == "get":
            conn.send(
                f"<message from='{sent}' to='alice@fake.test'><body>b\u202e</body>"
                f"<offline xmlns='{OFFLINE}'><item node='n1'/></offline></message>"
            )
        conn.result(iq)


def test_a_message_of_somebody_else_is_none_of_those_that_wait(against_fake):
    async def script(conn):
        await conn.login()
        while True:
            answer(conn, await conn.recv(), sent="mallory@x.test/r")

    run = against_fake(script, "-v", "--json", "offline", "get", "--all").expect(6)
    assert run.error()["condition"] == "item-not-found"
    assert "body" not in run.json()[0]
    assert "dropped a forged offline message" in run.err


def test_hostile_text_is_escaped(against_fake):
    async def script(conn):
        await conn.login()
        while True:
            answer(conn, await conn.recv())

    run = against_fake(script, "offline", "get", "n1").expect()
    assert "\u202e" not in run.out


def test_a_server_that_only_says_yes(against_fake):
    async def script(conn):
        await conn.login()
        while True:
            answer(conn, await conn.recv())

    run = against_fake(script, "--json", "offline", "purge", "n1", "--yes").expect(6)
    assert run.error()["condition"] == "not-applied"
    assert run.json()[0]["removed"] is False


def test_a_number_is_missing(against_fake):
    async def script(conn):
        await conn.login()
        while True:
            answer(conn, await conn.recv())

    run = against_fake(script, "--json", "offline", "count").expect(6)
    assert run.error()["condition"] == "malformed-answer"
