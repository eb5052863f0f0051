"""`xmppctl disco` against real servers and fakes."""

import json
import re
import time

import pytest

from tests.peers.rawxml import RawComponent
from tests.peers.stream import StreamClosed

pytestmark = pytest.mark.in_turn

INFO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"
RSM = "http://jabber.org/protocol/rsm"


def test_info_of_the_own_server_with_its_forms(xmppctl, alice, server):
    record = xmppctl("disco", "info", "--json", account=alice).expect(0).json()
    assert list(record) == ["jid", "node", "identities", "features", "forms"]
    assert record["jid"] == server.domain
    identity = next(i for i in record["identities"] if i["category"] == "server")
    assert list(identity) == ["category", "type", "name", "lang"]
    assert identity["type"] == "im"
    assert {INFO, ITEMS, "urn:xmpp:ping"} <= set(record["features"])
    assert record["features"] == sorted(record["features"])
    forms = {form["form_type"]: form["fields"] for form in record["forms"]}
    fields = {f["var"]: f["values"] for f in forms["http://jabber.org/network/serverinfo"]}
    assert fields["abuse-addresses"] == [f"mailto:abuse@{server.domain}"]
    assert "FORM_TYPE" not in fields


def test_info_of_a_service_and_of_the_own_account(xmppctl, alice, server):
    record = xmppctl("disco", "info", server.conference, "--json", account=alice).expect(0).json()
    assert ("conference", "text") in {(i["category"], i["type"]) for i in record["identities"]}
    record = xmppctl("disco", "info", alice.jid, "--json", account=alice).expect(0).json()
    assert "urn:xmpp:mam:2" in record["features"]


def test_info_that_is_refused(xmppctl, alice, server):
    room = f"missing@{server.conference}"
    error = xmppctl("disco", "info", room, "--json", account=alice).expect(6).error()
    assert (error["condition"], error["step"]) == ("item-not-found", "disco#info")


def test_items_and_their_formats(xmppctl, alice, server):
    records = xmppctl("disco", "items", "--json", account=alice).expect(0).json()
    assert all(list(record) == ["jid", "node", "name"] for record in records)
    jids = [record["jid"] for record in records]
    assert {server.conference, server.upload, server.pubsub} <= set(jids)
    plain = xmppctl("-o", "plain", "disco", "items", account=alice).expect(0).out
    assert sorted(plain.split()) == sorted(jids)
    table = xmppctl("disco", "items", account=alice).expect(0).out
    assert table.splitlines()[0].split() == ["JID", "NODE", "NAME"]


def test_find_by_feature_and_by_identity(xmppctl, alice, server):
    run = xmppctl("-o", "plain", "disco", "find", "urn:xmpp:http:upload:0", account=alice)
    assert run.expect(0).out == f"{server.upload}\n"
    run = xmppctl(
        *("disco", "find", "--json", "--category", "conference", "--type", "text"),
        account=alice,
    )
    assert server.conference in {record["jid"] for record in run.expect(0).json()}
    run = xmppctl("disco", "find", "--fail-empty", "urn:example:none", account=alice)
    assert run.expect(10).out == ""
    assert "FEATURE" in xmppctl("disco", "find", "--json", account=alice).expect(2).error()["text"]


def test_a_tree(xmppctl, alice, server):
    run = xmppctl("disco", "tree", "--json", "--timeout", "2s", account=alice)
    records = run.json()
    assert run.code in (0, 9)  # where the component's name is listed, nobody answers for it
    assert (records[0]["jid"], records[0]["depth"]) == (server.domain, 0)
    assert {record["depth"] for record in records[1:]} == {1}
    dead = [record["jid"] for record in records if record["error"]]
    assert set(dead) <= {server.component}
    keys = [(record["jid"], record["node"]) for record in records]
    assert len(set(keys)) == len(keys)


@pytest.mark.servers("prosody")
def test_a_silent_component_costs_its_own_timeout(xmppctl, alice, server):
    with RawComponent.attach(server):
        begin = time.monotonic()
        run = xmppctl("--timeout", "1s", "disco", "tree", "--json", account=alice)
        assert time.monotonic() - begin < 4
    errors = {record["jid"]: record["error"] for record in run.expect(9).json()}
    assert errors.pop(server.component)["code"] == 8
    assert not any(errors.values())


@pytest.mark.servers("ejabberd")
def test_hundreds_of_rooms_come_page_by_page(xmppctl, alice, server):
    many = alice.jid.partition("@")[0]  # of this run alone: it may be tried again
    names = {f"{many}{number:03d}" for number in range(260)}
    for name in names:
        server.api("create_room", name=name, service=server.conference, host=server.domain)
    run = xmppctl("-o", "plain", "disco", "items", server.conference, account=alice)
    found = run.expect(0).out.split()
    assert len(found) == len(set(found))
    assert names <= {jid.partition("@")[0] for jid in found}
    run = xmppctl("-o", "plain", "disco", "items", server.conference, "--count", account=alice)
    assert int(run.expect(0).out) >= len(found)  # it counts hidden ones too
    page = xmppctl("-v", "-o", "plain", "disco", "items", server.conference, "--max", "7",
                   account=alice).expect(0)  # fmt: skip
    last = re.findall(r"last=(\S+)", page.err)[-1]
    following = xmppctl("-o", "plain", "disco", "items", server.conference, "--after", last,
                        "--max", "7", account=alice).expect(0)  # fmt: skip
    assert page.out.split() + following.out.split() == found[:14]
    for name in names:
        server.api("destroy_room", name=name, service=server.conference)


# --- what a real server does not do -------------------------------------------------------------


@pytest.fixture
def against(against_fake):
    """Run against a server that answers each request as ``respond(conn, request)`` does."""

    def run(respond, *args):
        async def script(conn):
            await conn.login()
            while True:
                try:
                    request = await conn.recv(20)
                except StreamClosed:
                    return
                respond(conn, request)

        return against_fake(script, *args)

    return run


def info(conn, request, *features):
    listed = "".join(f"<feature var='{feature}'/>" for feature in features)
    conn.result(request, f"<query xmlns='{INFO}'><identity category='x' type='y'/>{listed}</query>")


def items(conn, request, *entries, page=""):
    nodes = {"": ""} | {node: f" node='{node}'" for _, node in entries if node}
    listed = "".join(f"<item jid='{jid}'{nodes[node]}/>" for jid, node in entries)
    conn.result(request, f"<query xmlns='{ITEMS}'>{listed}{page}</query>")


def test_loops_end_and_nodes_tell_entities_apart(against):
    def respond(conn, request):
        if request.find(f"{{{INFO}}}query") is not None:
            info(conn, request)
        else:
            items(conn, request, ("fake.test", ""), ("fake.test", "a"), ("fake.test", "b"))

    run = against(respond, "disco", "tree", "--depth", "10", "--json")
    keys = [(r["jid"], r["node"], r["depth"]) for r in run.expect(0).json()]
    assert keys == [("fake.test", None, 0), ("fake.test", "a", 1), ("fake.test", "b", 1)]


def test_several_silent_entities_cost_one_timeout(against):
    def respond(conn, request):
        if request.get("to") == "fake.test":
            if request.find(f"{{{INFO}}}query") is not None:
                info(conn, request)
            else:
                items(conn, request, *((f"dead{n}.test", "") for n in range(8)), ("ok.test", ""))
        elif request.get("to") == "ok.test":
            info(conn, request, "urn:example:f")

    begin = time.monotonic()
    run = against(respond, "--timeout", "1s", "disco", "tree", "--json")
    assert time.monotonic() - begin < 4
    errors = {r["jid"]: r["error"] and r["error"]["code"] for r in run.expect(9).json()}
    assert errors == {"fake.test": None, "ok.test": None} | {f"dead{n}.test": 8 for n in range(8)}
    run = against(respond, "--timeout", "1s", "disco", "find", "urn:example:f", "-o", "jsonl")
    assert [record["jid"] for record in run.expect(0).jsonl()] == ["ok.test"]
    assert run.err.count("cannot be asked") == 8


def test_an_entity_without_items_is_no_failure(against):
    def respond(conn, request):
        if request.find(f"{{{INFO}}}query") is not None:
            info(conn, request)
        else:
            conn.error(request, "feature-not-implemented")

    assert against(respond, "disco", "tree", "--json").expect(0).json()[0]["error"] is None
    assert against(respond, "disco", "items", "--json").expect(6).out == ""


def test_pages(against):
    def respond(conn, request):
        after = request.findtext(f".//{{{RSM}}}after")
        begin = 0 if after is None else int(after) + 1
        page = [(f"i{n}.test", "") for n in range(begin, min(begin + 3, 8))]
        last = f"<first>{begin}</first><last>{begin + 2}</last>" if page else ""
        items(conn, request, *page, page=f"<set xmlns='{RSM}'>{last}</set>")

    run = against(respond, "disco", "items", "-o", "plain")
    assert run.expect(0).out.split() == [f"i{n}.test" for n in range(8)]


def paged(conn, request):
    """Eight items, three to a page at most; UIDs are numbers."""
    asked = request.find(f".//{{{RSM}}}set")
    if asked is None:
        items(conn, request, *((f"i{n}.test", "") for n in range(8)))
        return
    size = min(3, int(asked.findtext(f"{{{RSM}}}max")))
    after, before = asked.findtext(f"{{{RSM}}}after"), asked.find(f"{{{RSM}}}before")
    index = asked.findtext(f"{{{RSM}}}index")
    begin = int(index or 0) if after is None else int(after) + 1
    if before is not None:
        size = min(size, int(before.text or 8))
        begin = int(before.text or 8) - size
    page = list(range(begin, min(begin + size, 8)))
    ends = f"<first index='{page[0]}'>{page[0]}</first><last>{page[-1]}</last>" if page else ""
    entries = [(f"i{n}.test", "") for n in page]
    items(conn, request, *entries, page=f"<set xmlns='{RSM}'>{ends}<count>8</count></set>")


def test_one_page_of_it(against):
    def ask(*args):
        run = against(paged, "-o", "plain", "-v", "disco", "items", *args).expect(0)
        return [int(jid[1]) for jid in run.out.split()], run.err

    assert ask("--max", "2")[0] == [0, 1]
    found, told = ask("--after", "2", "--max", "2")
    assert found == [3, 4]
    assert "* page: 2 items, count=8, index=3, first=3, last=4" in told
    assert ask("--before", "", "--max", "2")[0] == [6, 7]
    assert ask("--before", "4", "--max", "3")[0] == [1, 2, 3]
    assert ask("--before", "4")[0] == [0, 1, 2, 3]
    assert ask("--index", "5", "--max", "2")[0] == [5, 6]
    # more than it gives at once
    assert ask("--max", "7")[0] == list(range(7))
    assert ask("--before", "", "--max", "5")[0] == [3, 4, 5, 6, 7]
    assert ask("--index", "2", "--max", "5")[0] == [2, 3, 4, 5, 6]
    assert ask("--after", "4", "--all")[0] == [5, 6, 7]
    assert ask("--limit", "5", "--page-size", "2")[0] == [0, 1, 2, 3, 4]
    assert ask("--after", "1", "--limit", "2")[0] == [2, 3]
    assert ask("--all")[0] == list(range(8))


def test_a_page_of_which_nothing_is_shown(against):
    """As of a service whose first rooms are hidden: they are counted, and fill pages."""

    def respond(conn, request):
        size = int(request.findtext(f".//{{{RSM}}}max"))
        after = request.findtext(f".//{{{RSM}}}after")
        begin = 0 if after is None else int(after) + 1
        page = [n for n in range(begin, min(begin + size, 8)) if n > 2]
        ends = f"<first>{page[0]}</first><last>{page[-1]}</last>" if page else ""
        entries = [(f"i{n}.test", "") for n in page]
        items(conn, request, *entries, page=f"<set xmlns='{RSM}'>{ends}<count>8</count></set>")

    for words in (("--max", "2"), ("--limit", "2"), ("--limit", "2", "--page-size", "1")):
        run = against(respond, "disco", "items", "-o", "plain", *words)
        assert run.expect(0).out.split() == ["i3.test", "i4.test"], words


def test_how_many(against):
    def respond(conn, request):
        assert request.findtext(f".//{{{RSM}}}max") in ("0", "100")
        paged(conn, request)

    run = against(respond, "--json", "disco", "items", "--count", "--node", "n").expect(0)
    assert run.json() == {"jid": "fake.test", "node": "n", "count": 8}
    assert against(respond, "-o", "plain", "disco", "items", "--count").out == "8\n"

    def untold(conn, request):
        text = request.findtext(f".//{{{RSM}}}max")
        page = [("a.test", ""), ("b.test", "")] if text != "0" else []
        items(conn, request, *page, page=f"<set xmlns='{RSM}'/>")

    assert against(untold, "-o", "plain", "disco", "items", "--count").expect(0).out == "2\n"


def test_pages_of_an_entity_that_has_none(against):
    def respond(conn, request):
        items(conn, request, ("a.test", ""), ("b.test", ""), ("c.test", ""))

    def ask(*args, code=0):
        return against(respond, "-o", "plain", "disco", "items", *args).expect(code).out.split()

    assert ask("--max", "2") == ask("--limit", "2") == ["a.test", "b.test"]
    assert ask("--count") == ["3"]
    for place in (("--after", "a"), ("--before", ""), ("--index", "1"), ("--after", "a", "--all")):
        assert ask(*place, code=7) == []


def test_an_index_that_is_not_heeded(against):
    def respond(conn, request):
        page = f"<set xmlns='{RSM}'><first>a</first><last>a</last></set>"
        items(conn, request, ("a.test", ""), page=page)

    run = against(respond, "disco", "items", "--index", "1", "--json")
    assert "--index" in run.expect(7).error()["text"]


def test_what_excludes_each_other(xmppctl):
    for words in (
        ("--all", "--max", "1"), ("--after", "a", "--before", ""), ("--index", "0", "--all"),
        ("--limit", "1", "--max", "1"), ("--recurse", "1", "--after", "a"), ("--count", "--all"),
        ("--count", "--recurse", "1"), ("--before", "", "--index", "0"),
    ):  # fmt: skip
        run = xmppctl("disco", "items", *words, jid="a@x.test", password="x")
        assert "exclude each other" in run.expect(2).err, words


def test_what_is_no_jid_is_not_asked(against):
    def respond(conn, request):
        assert request.get("to") in ("fake.test", "ok.test")
        if request.find(f"{{{INFO}}}query") is not None:
            info(conn, request)
        else:
            items(conn, request, ("@@", ""), ("ok.test", ""))

    errors = {r["jid"]: r["error"] for r in against(respond, "disco", "tree", "--json").json()}
    assert errors.pop("@@")["condition"] == "jid-malformed"
    assert errors == {"fake.test": None, "ok.test": None}


def test_a_tree_that_never_ends_is_bounded(against):
    def respond(conn, request):
        if request.find(f"{{{INFO}}}query") is not None:
            info(conn, request, "urn:f")
        else:
            name = request.get("to").partition(".")[0]
            number = 0 if name == "fake" else int(name.removeprefix("n"))
            items(conn, request, *((f"n{4 * number + k}.test", "") for k in range(1, 5)))

    run = against(respond, "disco", "tree", "--depth", "20", "--limit", "9", "--json").expect(9)
    assert len(run.json()) == 9
    assert "--limit" in run.error()["hint"]
    run = against(respond, "disco", "find", "urn:f", "--depth", "20", "--limit", "9", "-o", "jsonl")
    assert len(run.expect(9).jsonl()) == 9


def test_find_below_what_does_not_answer(xmppctl, alice):
    run = xmppctl("--json", "disco", "find", "urn:f", "--below", "no.such.host.invalid",
                  account=alice)  # fmt: skip
    assert run.expect(6).error()["condition"] == "remote-server-not-found"


def test_a_page_that_repeats_ends_it(against):
    def respond(conn, request):
        page = f"<set xmlns='{RSM}'><first>a</first><last>b</last></set>"
        items(conn, request, ("a.test", ""), ("b.test", ""), page=page)

    run = against(respond, "disco", "items", "-o", "jsonl")
    assert run.expect(6).error()["condition"] == "page-repeated"
    assert [record["jid"] for record in run.jsonl()] == ["a.test", "b.test"]


def test_who_refuses_pages_is_asked_without(against):
    def respond(conn, request):
        if request.find(f".//{{{RSM}}}set") is not None:
            conn.error(request, "bad-request")
        else:
            items(conn, request, ("a.test", ""))

    assert against(respond, "disco", "items", "-o", "plain").expect(0).out == "a.test\n"


@pytest.mark.parametrize("payload", ["", "<x xmlns='urn:x'/>", f"<query xmlns='{ITEMS}'/>"])
def test_odd_answers(against, payload):
    run = against(lambda conn, request: conn.result(request, payload), "disco", "info", "--json")
    assert run.expect(6).error()["condition"] == "malformed-answer"


def test_what_the_network_says_cannot_drive_a_terminal(against):
    def respond(conn, request):
        conn.result(
            request,
            f"<query xmlns='{INFO}'>"
            "<identity category='a' type='b' name='&#x9b;31m\u202e'/></query>",
        )

    out = against(respond, "disco", "info").expect(0).out
    assert "\x9b" not in out
    assert "\u202e" not in out
    record = json.loads(against(respond, "disco", "info", "--json").expect(0).out)
    assert record["identities"][0]["name"] == "\x9b31m\u202e"


def test_items_of_items(server, alice, xmppctl):
    flat = {item["jid"] for item in xmppctl("disco", "items", "--json", account=alice).json()}
    deep = xmppctl("disco", "items", "--json", "--recurse", "1", account=alice).expect(0)
    assert flat <= {item["jid"] for item in deep.json()}
    assert set(deep.json()[0]) == {"jid", "node", "name"}
    nowhere = xmppctl("disco", "items", "nobody@nowhere.invalid", "--recurse", "1", account=alice)
    nowhere.expect(6)
