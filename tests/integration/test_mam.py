"""`xmppctl mam query` against real archives, and against one that a test writes."""

import re
from datetime import datetime, timedelta

import pytest

from tests.peers.stream import StreamClosed

pytestmark = pytest.mark.in_turn

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture
def archive(raw, alice, bob):
    """Fill alice's archive: ``archive("a", "b")`` writes to bob; the client stays there."""
    writer = raw(alice, "writer")

    def fill(*bodies, to=bob.jid):
        for body in bodies:
            writer.message(to, body, ident=f"id-{body}")
        # the answer comes when all before it was processed
        assert writer.iq("<ping xmlns='urn:xmpp:ping'/>", to=bob.jid).get("type") == "result"

    fill.writer = writer
    return fill


def bodies(run, code=0):
    return [record["body"] for record in run.expect(code).jsonl()]


def numbers(begin, end):
    return [f"m{number:03d}" for number in range(begin, end)]


def test_the_last_fifty_by_default_oldest_first(xmppctl, alice, archive):
    archive(*numbers(0, 60))
    assert bodies(xmppctl("-o", "jsonl", "mam", "query", account=alice)) == numbers(10, 60)
    run = xmppctl("-o", "jsonl", "mam", "query", "--last", "3", account=alice)
    assert bodies(run) == numbers(57, 60)


def test_a_message_nested_absurdly_hides_no_other(xmppctl, raw, alice, bob):
    run = xmppctl.start("-o", "jsonl", "listen", "--matching", "^after$", "--count", "1",
                        account=alice)  # fmt: skip
    run.wait_line(r"^listening as (\S+)$", "err")
    writer = raw(bob, "deep")
    deep = "<x xmlns='urn:x:deep'>" + "<y>" * 150 + "</y>" * 150 + "</x>"
    for text, inside in (("before", ""), ("deep", deep), ("after", "")):
        writer.send(f"<message to='{alice.jid}' type='chat'><body>{text}</body>{inside}</message>")
    assert bodies(xmppctl.finish(run)) == ["after"]
    found = bodies(xmppctl("-o", "jsonl", "mam", "query", account=alice))
    # one server drops the message itself
    assert [text for text in found if text != "deep"] == ["before", "after"]


def test_last_goes_over_the_servers_page_limit(xmppctl, alice, archive):
    archive(*numbers(0, 130))
    command = ("-o", "jsonl", "mam", "query", "--last", "120", "--page-size", "1000")
    assert bodies(xmppctl(*command, account=alice)) == numbers(10, 130)
    command = ("-o", "jsonl", "mam", "query", "--last", "500", "--page-size", "7")
    assert bodies(xmppctl(*command, account=alice)) == numbers(0, 130)


def test_all_of_it_in_small_pages(xmppctl, alice, archive):
    archive(*numbers(0, 25))
    run = xmppctl("-o", "jsonl", "mam", "query", "--all", "--page-size", "5", account=alice)
    assert bodies(run) == numbers(0, 25)
    assert len({record["archive_id"] for record in run.jsonl()}) == 25


def test_all_while_more_comes(xmppctl, alice, archive):
    archive(*numbers(0, 40))
    run = xmppctl.start("-o", "jsonl", "mam", "query", "--all", "--page-size", "2", account=alice)
    run.wait_line("m001")
    archive(*numbers(40, 45))
    found = bodies(xmppctl.finish(run))
    assert found[:40] == numbers(0, 40)
    assert found == numbers(0, len(found))


def test_times_and_correspondent(xmppctl, alice, bob, server, archive):
    carol = server.account("carol")
    archive("to bob")
    archive("to carol", to=carol.jid)
    whole = xmppctl("-o", "jsonl", "mam", "query", account=alice).expect(0).jsonl()
    assert [record["body"] for record in whole] == ["to bob", "to carol"]
    first = datetime.fromisoformat(whole[0]["timestamp"])

    def query(*args):
        return bodies(xmppctl("-o", "jsonl", "mam", "query", *args, account=alice))

    assert query("--with", carol.jid) == ["to carol"]
    assert query("--with", f"xmpp:{bob.jid}") == ["to bob"]
    assert query("--with", f"nobody@{server.domain}") == []
    later = (first + timedelta(minutes=1)).isoformat()
    earlier = (first - timedelta(minutes=1)).isoformat()
    assert query("--start", later) == []
    assert query("--end", earlier) == []
    assert query("--start", earlier, "--end", later) == ["to bob", "to carol"]
    assert query("--all", "--start", earlier, "--with", bob.jid) == ["to bob"]
    assert query("--start", "1h") == ["to bob", "to carol"]
    run = xmppctl("mam", "query", "--json", "--start", later, "--end", earlier, account=alice)
    assert "--end is before --start" in run.expect(2).error()["text"]


def test_a_record_is_the_same_on_every_server(xmppctl, alice, bob, archive):
    archive.writer.send(
        f"<message type='chat' to='{bob.jid}' id='own-id' xml:lang='en'><subject>S</subject>"
        "<body>text\u202e</body><body xml:lang='de'>Text</body><thread>t1</thread>"
        "<origin-id xmlns='urn:xmpp:sid:0' id='own-id'/><x xmlns='urn:example:own'/></message>"
    )
    archive()
    (record,) = xmppctl("--json", "mam", "query", account=alice).expect(0).json()
    assert record.pop("archive_id")
    assert STAMP.fullmatch(record.pop("timestamp"))
    assert STAMP.fullmatch(record.pop("delay")["stamp"])
    record.pop("stanza_ids", None)
    assert record == {
        "id": "own-id",
        "origin_id": "own-id",
        "from": f"{alice.jid}/writer",
        "to": bob.jid,
        "type": "chat",
        "direction": "out",
        "lang": "en",
        "subject": "S",
        "body": "text\u202e",
        "bodies": {"en": "text\u202e", "de": "Text"},
        "thread": "t1",
        "extensions": ["{urn:example:own}x"],
    }
    (received,) = xmppctl("--json", "mam", "query", account=bob).expect(0).json()
    assert received["direction"] == "in"
    table = xmppctl("mam", "query", account=alice).expect(0).out
    assert "\u202e" not in table
    (raw,) = xmppctl("--json", "mam", "query", "--raw-xml", account=alice).expect(0).json()
    assert "<thread>t1</thread>" in raw["raw_xml"]
    for form in ("table", "plain"):
        found = xmppctl("-o", form, "mam", "query", "--raw-xml", account=alice).expect(0).out
        assert "<thread>t1</thread>" in found
        assert (found.startswith("<message"), found.count("\n")) == (True, 1)


def test_a_bounced_message_in_the_archive_is_no_failure(xmppctl, alice, archive, server):
    archive("x", to=f"nobody@{server.domain}")
    archive("last")
    records = xmppctl("-o", "jsonl", "mam", "query", account=alice).expect(0).jsonl()
    assert records[-1]["body"] == "last"
    assert [r["error"]["code"] for r in records if r["type"] == "error"] in ([], [6])


def test_an_empty_archive(xmppctl, alice):
    assert xmppctl("--json", "mam", "query", account=alice).expect(0).json() == []
    run = xmppctl("--json", "mam", "query", "--all", "--fail-empty", account=alice)
    assert run.expect(10).error()["name"] == "EMPTY"


def test_the_facts_of_a_page_are_told_with_v(xmppctl, alice, archive):
    archive(*numbers(0, 3))
    run = xmppctl("-v", "-o", "jsonl", "mam", "query", account=alice).expect(0)
    assert "archive page: 3 messages" in run.err


# --- an archive that a test writes --------------------------------------------------------------

MAM = "urn:xmpp:mam:2"
RSM = "http://jabber.org/protocol/rsm"


class Archive:
    """Answers one query after the other: ``page(conn, request, queryid, after, before)``."""

    def __init__(self, page):
        self.page = page

    async def __call__(self, conn):
        await conn.login()
        while True:
            try:
                request = await conn.recv(20)
            except StreamClosed:
                return
            query = request.find(f"{{{MAM}}}query")
            after, before = query.findtext(f".//{{{RSM}}}after"), query.find(f".//{{{RSM}}}before")
            self.page(conn, request, query.get("queryid"), after, before)


def put(conn, queryid, ident, body="x", *, sender=" from='alice@fake.test'", inner=None):
    if inner is None:
        inner = (
            "<forwarded xmlns='urn:xmpp:forward:0'>"
            "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>"
            "<message xmlns='jabber:client' from='b@x.test' to='alice@fake.test' type='chat'>"
            f"<body>{body}</body></message></forwarded>"
        )
    conn.send(
        f"<message to='{conn.jid}'{sender}>"
        f"<result xmlns='{MAM}' queryid='{queryid}' id='{ident}'>{inner}</result></message>"
    )


def fin(conn, request, first="", last="", complete="false", count=None):
    ends = f"<first>{first}</first><last>{last}</last>" if first else ""
    ends += f"<count>{count}</count>" if count is not None else ""
    conn.result(
        request,
        f"<fin xmlns='{MAM}' complete='{complete}'><set xmlns='{RSM}'>{ends}</set></fin>",
    )


@pytest.fixture
def against(against_fake):
    def run(page, *args):
        return against_fake(Archive(page), "-o", "jsonl", *args)

    return run


@pytest.mark.parametrize("verb", [("--all",), ("--last", "50")])
def test_a_page_that_repeats_ends_it_after_what_came_before(against, verb):
    def page(conn, request, queryid, after, before):
        for ident in ("a", "b"):
            put(conn, queryid, ident, ident)
        fin(conn, request, "a", "b")

    run = against(page, "mam", "query", *verb)
    assert bodies(run, 6) == ["a", "b"]
    assert run.error()["condition"] == "page-repeated"


def test_an_archive_that_begins_anew_gives_nothing_twice(against):
    """Where the id after which it is asked has vanished meanwhile."""

    def page(conn, request, queryid, after, before):
        names = {None: "ab", "b": "cd", "d": "ab"}[after]
        for ident in names:
            put(conn, queryid, ident, ident)
        fin(conn, request, *names)

    run = against(page, "mam", "query", "--all")
    assert bodies(run, 6) == ["a", "b", "c", "d"]


def test_overlapping_pages_and_doubles_are_given_once(against):
    def page(conn, request, queryid, after, before):
        names = "abbc" if after is None else "cde"
        for ident in names:
            put(conn, queryid, ident, ident)
        fin(conn, request, names[0], names[-1], "false" if after is None else "true")

    assert bodies(against(page, "mam", "query", "--all")) == list("abcde")


def test_an_archive_that_ends_before_the_number_it_told_is_asked_again(against):
    asked = []

    def page(conn, request, queryid, after, before):
        asked.append(after)
        names = {None: "ab", "b": "" if asked.count("b") == 1 else "cde"}[after]
        for ident in names:
            put(conn, queryid, ident, ident)
        ends = (names[0], names[-1]) if names else ("", "")
        fin(conn, request, *ends, complete="true" if after else "false", count=5 if names else 0)

    assert bodies(against(page, "mam", "query", "--all")) == list("abcde")
    assert asked == [None, "b", "b"]


def test_a_number_that_is_only_an_estimate_ends_it_all_the_same(against):
    asked = []

    def page(conn, request, queryid, after, before):
        asked.append(after)
        if after is None:
            put(conn, queryid, "a", "a")
            fin(conn, request, "a", "a", complete="true", count=7)
        else:
            fin(conn, request, complete="true", count=7)

    assert bodies(against(page, "mam", "query", "--all")) == ["a"]
    assert asked == [None, "a"]


def test_results_of_somebody_else_are_dropped(against):
    def page(conn, request, queryid, after, before):
        put(conn, queryid, "1", "evil", sender=" from='evil.test'")
        put(conn, queryid, "2", "own domain", sender=" from='fake.test'")
        put(conn, "guessed", "3", "other query")
        put(conn, queryid, "4", "bare")
        put(conn, queryid, "5", "without from", sender="")
        fin(conn, request, "1", "5", "true")

    for verb in (("--all",), ()):
        assert bodies(against(page, "mam", "query", *verb)) == ["bare", "without from"]


ODD = [
    "",
    "<forwarded xmlns='urn:xmpp:forward:0'/>",
    "<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client'/></forwarded>",
    "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'/></forwarded>",
    "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='never'/>"
    "<message xmlns='jabber:client' from='@@' to='' type='odd' id=''><body/>"
    "<error/><x xmlns='http://jabber.org/protocol/muc#user'><status code='x'/></x>"
    "</message></forwarded>",
    "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' type='error'>"
    "<body>b</body></message></forwarded>",
]


def test_odd_stanzas_are_no_crash_and_no_end(against):
    def page(conn, request, queryid, after, before):
        if after is None:
            put(conn, queryid, "o", inner=ODD[0])
            fin(conn, request, "o", "o")
            return
        for number, inner in enumerate(ODD):
            put(conn, queryid, f"i{number}", inner=inner)
        put(conn, queryid, "z", "last")
        fin(conn, request, "i0", "z", "true")

    run = against(page, "mam", "query", "--all").expect(0)
    records = run.jsonl()
    assert records[-1]["body"] == "last"
    assert records[-2]["error"]["condition"] == "undefined-condition"
    assert len(records) == 4


@pytest.mark.parametrize("verb", [("--all",), ("--last", "10")])
def test_more_that_cannot_be_asked_for_is_an_error(against, verb):
    def page(conn, request, queryid, after, before):
        put(conn, queryid, "a", "a")
        fin(conn, request)

    run = against(page, "mam", "query", *verb)
    assert bodies(run, 6) == ["a"]
    assert run.error()["condition"] == "malformed-answer"


@pytest.mark.parametrize("condition", ["service-unavailable", "feature-not-implemented"])
def test_a_server_without_an_archive(against, condition):
    def page(conn, request, queryid, after, before):
        conn.error(request, condition)

    error = against(page, "mam", "query").expect(7).error()
    assert (error["name"], error["step"]) == ("UNSUPPORTED", "mam")
    assert "XEP-0313" in error["text"]


def test_an_error_on_a_later_page_leaves_what_came_before(against):
    def page(conn, request, queryid, after, before):
        if after is None and (before is None or not before.text):
            put(conn, queryid, "k", "known")
            fin(conn, request, "k", "k")
        else:
            conn.error(request, "item-not-found")

    for verb in (("--all",), ("--last", "10")):
        run = against(page, "mam", "query", *verb)
        assert bodies(run, 6) == ["known"]
        assert run.error()["condition"] == "item-not-found"


def test_silence_between_results_is_a_timeout_and_progress_is_not(against):
    def page(conn, request, queryid, after, before):
        put(conn, queryid, "k", "known")

    error = against(page, "--timeout", "1s", "mam", "query").expect(8).error()
    assert error["step"] == "mam"
