"""`xmppctl mam`: what is asked, and of whom the answers are believed."""

import re
import time

import pytest

from tests.peers.stream import StreamClosed

pytestmark = pytest.mark.in_turn

PING = "<ping xmlns='urn:xmpp:ping'/>"
MAM, RSM = "urn:xmpp:mam:2", "http://jabber.org/protocol/rsm"
DATA = "{jabber:x:data}"
EVENT = "http://jabber.org/protocol/pubsub#event"


def pages(run):
    return re.findall(r"^\* archive page: (\d+) messages", run.err, re.M)


@pytest.fixture
def writer(raw, alice, bob):
    """Writes into alice's archive: ``writer("a")``."""
    client = raw(alice, "writer")

    def write(*bodies, to=bob.jid):
        for body in bodies:
            client.message(to, body)
        assert client.iq(PING, to=bob.jid).get("type") == "result"

    return write


def test_no_more_requests_than_pages(xmppctl, alice, bob, writer):
    writer(*(str(n) for n in range(25)))
    run = xmppctl("-v", "-o", "jsonl", "mam", "query", "--all", "--page-size", "5", account=alice)
    assert [record["body"] for record in run.expect(0).jsonl()] == [str(n) for n in range(25)]
    assert len({record["archive_id"] for record in run.jsonl()}) == 25
    assert len(pages(run)) in (5, 6)  # one server does not say that a full page is the last
    run = xmppctl("-v", "--json", "mam", "count", "--with", bob.jid, account=alice).expect(0)
    assert run.json()["count"] == 25
    # three questions under way at once, none of whose answers is taken for a forged one
    assert len(pages(run)) == 3
    assert "forged" not in run.err


def test_only_the_span_of_time(xmppctl, alice, bob, writer):
    for body in ("before", "inside", "after"):
        writer(body)
        second = int(time.time())
        # archives may tell whole seconds, by a clock that is some milliseconds behind this one
        while time.time() < second + 1.1:
            time.sleep(0.02)

    def query(*args):
        run = xmppctl("-o", "jsonl", "mam", "query", "--with", bob.jid, *args, account=alice)
        return [record["body"] for record in run.expect(0).jsonl()]

    whole = xmppctl("-o", "jsonl", "mam", "query", account=alice).jsonl()
    stamps = {record["body"]: record["timestamp"] for record in whole}
    assert query("--start", stamps["inside"], "--end", stamps["inside"]) == ["inside"]
    assert query("--start", stamps["inside"]) == ["inside", "after"]
    assert query("--all", "--end", stamps["inside"]) == ["before", "inside"]
    assert query("--last", "1", "--end", stamps["inside"]) == ["inside"]
    counted = xmppctl("--json", "mam", "count", "--start", stamps["inside"], account=alice)
    assert counted.expect(0).json()["count"] == 2


def test_notes_to_oneself(xmppctl, alice, writer):
    writer("to bob")
    writer("to me", to=alice.jid)
    run = xmppctl("-o", "jsonl", "mam", "query", "--with", alice.jid, account=alice).expect(0)
    assert {record["body"] for record in run.jsonl()} == {"to me"}


def test_preferences_without_what_is_not_there(xmppctl, alice, bob):
    command = ("--json", "mam", "prefs", "--remove-never", bob.jid, "--remove-always", bob.jid)
    assert xmppctl(*command, account=alice).expect(6).error()["condition"] == "item-not-found"
    record = xmppctl(*command, "--if-exists", "--default", "roster", account=alice).expect(0).json()
    assert record == {"default": "roster", "always": [], "never": []}


# --- an archive that a test writes --------------------------------------------------------------


def put(conn, query, ident, inner, *, sender="alice@fake.test", queryid=None):
    conn.send(
        f"<message to='{conn.jid}' from='{sender}'><result xmlns='{MAM}' id='{ident}' "
        f"queryid='{queryid or query.get('queryid')}'><forwarded xmlns='urn:xmpp:forward:0'>"
        "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>"
        f"{inner}</forwarded></result></message>"
    )


def said(text, sender="b@x.test"):
    return (
        f"<message xmlns='jabber:client' from='{sender}' type='chat'><body>{text}</body></message>"
    )


def event(node, items):
    return (
        f"<message xmlns='jabber:client'><event xmlns='{EVENT}'><items node='{node}'>{items}"
        "</items></event></message>"
    )


def fin(conn, request, *attributes):
    conn.result(request, f"<fin xmlns='{MAM}' complete='true' {' '.join(attributes)}/>")


def form(conn, request, *names):
    fields = "".join(f"<field type='text-single' var='{name}'/>" for name in names)
    head = f"<field type='hidden' var='FORM_TYPE'><value>{MAM}</value></field>"
    conn.result(
        request,
        f"<query xmlns='{MAM}'><x xmlns='jabber:x:data' type='form'>{head}{fields}</x></query>",
    )


@pytest.fixture
def against(against_fake):
    """Run against a server that answers each request as ``respond(conn, request, query)`` does."""

    def run(respond, *args):
        async def script(conn):
            await conn.login()
            while True:
                try:
                    request = await conn.recv(20)
                except StreamClosed:
                    return
                respond(conn, request, request.find(f"{{{MAM}}}query"))

        return against_fake(script, "-o", "jsonl", "-v", "mam", *args)

    return run


def test_forged_results_are_dropped_and_counted(against):
    def respond(conn, request, query):
        put(conn, query, "1", said("true"))
        for sender in ("boss@fake.test", "fake.test", "alice@fake.test.evil", "rooms.fake.test"):
            put(conn, query, "2", said("evil", "boss@fake.test"), sender=sender)
        put(conn, query, "3", said("evil"), queryid="other")
        fin(conn, request)

    for args in (("query",), ("query", "--all"), ("export",)):
        run = against(respond, *args).expect(0)
        assert [record["body"] for record in run.jsonl()] == ["true"]
        assert "* dropped 5 forged archive results so far" in run.err
        assert "it came from boss@fake.test" in run.err


def fields(query):
    return {
        field.get("var"): [value.text for value in field.findall(f"{DATA}value")]
        for field in query.iter(f"{DATA}field")
    }


@pytest.mark.parametrize("name", ["{urn:xmpp:fulltext:0}fulltext", "withtext"])
def test_a_search_for_text_where_it_is_offered(against, name):
    asked = []

    def respond(conn, request, query):
        if request.get("type") == "get":
            form(conn, request, "with", name, "include-groupchat")
        else:
            asked.append(fields(query))
            put(conn, query, "1", said("needle"))
            fin(conn, request)

    against(respond, "query", "--text", "needle", "--with", "b@x.test").expect(0)
    assert asked[-1] == {"FORM_TYPE": [MAM], name: ["needle"], "with": ["b@x.test"]}
    against(respond, "query", "--no-groupchat").expect(0)
    assert asked[-1]["include-groupchat"] == ["false"]
    against(respond, "count", "--groupchat").expect(0)
    assert asked[-1]["include-groupchat"] == ["true"]


def test_what_is_not_offered_is_not_sent(against):
    def respond(conn, request, query):
        assert request.get("type") == "get"
        form(conn, request, "with", "start", "end")

    for option in (("--text", "x"), ("--groupchat",)):
        assert against(respond, "query", *option).expect(7).error()["name"] == "UNSUPPORTED"


def test_the_archive_of_a_node(against):
    who = {"s.fake.test": "s.fake.test", None: "alice@fake.test"}

    def respond(conn, request, query):
        assert query.get("node") == "news"
        sender = who[request.get("to")]
        put(
            conn, query, "1", event("news", "<item id='i'><a xmlns='urn:a'/></item>"), sender=sender
        )
        put(conn, query, "2", event("news", "<retract id='i'/>"), sender=sender)
        put(conn, query, "3", event("news", "<item id='evil'/>"), sender="evil.test")
        fin(conn, request)

    for service in ("s.fake.test", "self"):
        run = against(respond, "query", "--pubsub", service, "news").expect(0)
        records = run.jsonl()
        assert [r["archive_id"] for r in records] == ["1", "2"]
        assert records[0]["item"] == {
            "node": "news", "id": "i", "payload": "<a xmlns='urn:a'/>"}  # fmt: skip
        assert records[1]["item"] == {"node": "news", "id": "i", "retracted": True}
        assert "dropped 1 forged" in run.err


def test_a_service_that_answers_with_something_else(against):
    def respond(conn, request, query):
        put(conn, query, "1", said("no item"), sender="s.fake.test")
        fin(conn, request)

    run = against(respond, "query", "--pubsub", "s.fake.test", "news").expect(7)
    assert run.error()["name"] == "UNSUPPORTED"


def test_results_that_may_still_change(against):
    def respond(conn, request, query):
        put(conn, query, "1", said("x"))
        fin(conn, request, "stable='false'")

    run = against(respond, "query").expect(0)
    assert len(run.jsonl()) == 1
    assert "warning: the archive of alice@fake.test says that what it gave may still" in run.err
