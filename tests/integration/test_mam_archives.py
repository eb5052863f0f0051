"""`xmppctl mam` against real archives: ids, rooms, events of rooms, facts, preferences."""

import json
import re

import pytest

from tests.servers.quirks import Quirk

pytestmark = pytest.mark.in_turn

MUC = "http://jabber.org/protocol/muc"
OCCUPANTS = "urn:xmpp:occupant-id:0"
PING = "<ping xmlns='urn:xmpp:ping'/>"


@pytest.fixture
def archive(raw, alice, bob):
    """Fill alice's archive: ``archive("a", "b")`` writes to bob."""
    writer = raw(alice, "writer")

    def fill(*bodies, to=bob.jid):
        for body in bodies:
            writer.message(to, body, ident=f"id-{body}")
        assert writer.iq(PING, to=bob.jid).get("type") == "result"

    return fill


@pytest.fixture
def room(raw, alice, server):
    """A room of alice's with two messages of hers and a subject."""
    owner = raw(alice, "owner")
    jid = f"{alice.local}@{server.conference}"
    owner.send(f"<presence to='{jid}/al'><x xmlns='{MUC}'/></presence>")
    owner.expect(lambda e: any(s.get("code") == "110" for s in e.iter(f"{{{MUC}#user}}status")))
    owner.iq(
        f"<query xmlns='{MUC}#owner'><x xmlns='jabber:x:data' type='submit'>"
        f"<field var='FORM_TYPE'><value>{MUC}#roomconfig</value></field>"
        "<field var='muc#roomconfig_whois'><value>anyone</value></field>"
        "<field var='muc#roomconfig_persistentroom'><value>1</value></field></x></query>",
        to=jid,
        type="set",
    )
    for text in ("one", "two"):
        owner.send(
            f"<message type='groupchat' to='{jid}' id='{text}'><body>{text}</body></message>"
        )
        owner.expect(lambda e, text=text: e.get("id") == text)
    owner.send(f"<message type='groupchat' to='{jid}' id='s'><subject>new</subject></message>")
    owner.expect(lambda e: e.findtext("{jabber:client}subject") == "new")
    return jid


def query(xmppctl, account, *args, code=0):
    return xmppctl("-o", "jsonl", "mam", "query", *args, account=account).expect(code)


def bodies(run):
    return [record.get("body") for record in run.jsonl()]


def test_before_and_after_messages(xmppctl, alice, bob, server, archive):
    carol = server.account("carol")
    archive("a", "b", "c")
    archive("x", to=carol.jid)
    archive("d", "e")
    ids = {r["body"]: r["archive_id"] for r in query(xmppctl, alice).jsonl()}

    def ask(*args):
        return bodies(query(xmppctl, alice, *args))

    assert ask("--after-id", ids["b"]) == ["c", "x", "d", "e"]
    assert ask("--before-id", ids["c"]) == ["a", "b"]
    assert ask("--after-id", ids["a"], "--before-id", ids["d"]) == ["b", "c", "x"]
    # an id that does not match the other conditions
    for rest in ((), ("--all", "--page-size", "1")):
        assert ask("--after-id", ids["x"], "--with", bob.jid, *rest) == ["d", "e"]
        assert ask("--before-id", ids["x"], "--with", bob.jid, *rest) == ["a", "b", "c"]
    assert ask("--after", ids["b"], "--max", "2") == ["c", "x"]
    assert ask("--before", ids["d"], "--max", "2") == ["c", "x"]
    assert ask("--before", "", "--max", "1") == ["e"]
    assert ask("--max", "2") == ["a", "b"]
    assert ask("--all", "--limit", "3", "--page-size", "2") == ["a", "b", "c"]
    assert ask("--flip", "--last", "2") == ["e", "d"]
    assert ask("--flip", "--all", "--page-size", "2") == ["e", "d", "x", "c", "b", "a"]
    assert ask("--with", f"{bob.jid}/other") == []

    def count(*args):
        return xmppctl("--json", "mam", "count", *args, account=alice).expect(0).json()

    whole = {"archive": alice.jid, "count": 6, "complete": True, "first": ids["a"],
             "last": ids["e"]}  # fmt: skip
    assert count() == whole
    queried = xmppctl("--json", "mam", "query", "--count", "--with", bob.jid, account=alice)
    assert queried.expect(0).json() == count("--with", bob.jid)
    assert count("--with", bob.jid)["count"] == 5
    assert count("--after-id", ids["b"])["count"] == 4
    assert count("--after", ids["x"], "--with", bob.jid)["count"] == 2
    assert count("--with", f"nobody@{server.domain}") == {
        **whole, "count": 0, "first": None, "last": None}  # fmt: skip

    found = (
        xmppctl("--json", "mam", "get", "--", ids["d"], ids["a"], account=alice).expect(0).json()
    )
    assert [record["body"] for record in found] == ["d", "a"]
    assert bodies(query(xmppctl, alice, "--ids", ids["x"])) == ["x"]
    run = xmppctl("--json", "mam", "get", "--", ids["d"], "nope", account=alice).expect(9)
    assert run.json()[0]["body"] == "d"
    assert run.json()[1]["error"]["condition"] == "item-not-found"
    assert run.json()[1]["archive_id"] == "nope"


@pytest.mark.parametrize("unknown", ["nope", "1", "9" * 16, "9" * 40])
def test_an_unknown_id_is_an_error_on_every_server(xmppctl, alice, archive, unknown):
    archive("a", "b")
    for command in (
        ("query", "--after-id", unknown), ("query", "--before-id", unknown),
        ("query", "--after", unknown, "--max", "1"), ("count", "--after-id", unknown),
        ("get", unknown),
    ):  # fmt: skip
        run = xmppctl("--json", "mam", *command, account=alice).expect(6)
        assert run.error()["condition"] == "item-not-found", command


def test_what_the_archive_does_not_offer(xmppctl, alice, room):
    for option in (("--text", "x"), ("--groupchat",), ("--no-groupchat",)):
        assert query(xmppctl, alice, *option, code=7).error()["name"] == "UNSUPPORTED"
    assert query(xmppctl, alice, "--room", room, "--text", "x", code=7).out == ""


def test_pages_by_number_are_named_where_they_are_not_offered(xmppctl, alice, archive):
    archive("a", "b")
    error = query(xmppctl, alice, "--index", "0", "--max", "1", code=7).error()
    assert "--index" in error["text"]
    assert "--after" in error["hint"]


def test_the_archive_of_a_room(xmppctl, alice, bob, server, room):
    records = query(xmppctl, alice, "--room", room).jsonl()
    said = [r for r in records if "body" in r]
    assert [r["body"] for r in said] == ["one", "two"]
    # one server keeps no subjects
    assert [r["subject"] for r in records if r.get("subject_only")][-1:] in ([], ["new"])
    for record in said:
        assert record["room"] == room
        assert record["type"] == "groupchat"
        assert record["muc"]["nick"] == "al"
        assert record["from"] == f"{room}/al"
    named = query(xmppctl, alice, "--room", room, "--with", f"{room}/al").jsonl()
    assert "two" in [r.get("body") for r in named]
    assert query(xmppctl, alice, "--room", room, "--with", f"{room}/bob").jsonl() == []
    whole = xmppctl("--json", "mam", "count", "--room", room, account=alice).expect(0).json()
    assert (whole["archive"], whole["count"]) == (room, len(records))
    after = said[0]["archive_id"]
    assert bodies(query(xmppctl, alice, "--room", room, "--after-id", after))[0] == "two"
    got = xmppctl("--json", "mam", "get", "--room", room, "--", after, account=bob).expect(0).json()
    assert got[0]["body"] == "one"
    assert query(xmppctl, alice, "--room", f"missing@{server.conference}", code=6).out == ""
    form = xmppctl("--json", "mam", "form", "--room", room, account=alice).expect(0).json()
    assert {"start", "end"} <= {field["var"] for field in form["fields"]}


def test_ids_of_occupants_in_the_archive_of_a_room(xmppctl, raw, alice, room):
    owner = raw(alice, "other")
    found = owner.iq("<query xmlns='http://jabber.org/protocol/disco#info'/>", to=room)
    announced = any(each.get("var") == OCCUPANTS for each in found.iter())
    owner.send(f"<presence to='{room}/al2'><x xmlns='{MUC}'/></presence>")
    forged = f"<occupant-id xmlns='{OCCUPANTS}' id='forged'/>"
    owner.send(f"<message to='{room}' type='groupchat' id='x'><body>x</body>{forged}</message>")
    heard = owner.expect(lambda e: e.get("id") == "x")
    given = heard.find(f"{{{OCCUPANTS}}}occupant-id").get("id")
    (record,) = query(xmppctl, alice, "--room", room, "--last", "1").jsonl()
    if announced:
        assert record["occupant_id"] == given != "forged"
    assert ("occupant_id" in record) is announced
    assert (f"{{{OCCUPANTS}}}occupant-id" in record.get("extensions", [])) is not announced


def test_the_archive_of_a_room_as_a_file(xmppctl, raw, alice, bob, room, tmp_path):
    path = tmp_path / "room.jsonl"
    command = ("mam", "export", "--room", room, "--out", path)
    for account in (alice, alice):
        xmppctl(*command, account=account).expect(0)
        records = [json.loads(line) for line in path.read_text().splitlines()]
        assert [r["body"] for r in records if "body" in r] == ["one", "two"]
        assert {r["room"] for r in records} == {room}
    # the files belong to one account and one archive
    xmppctl(*command, account=bob).expect(2)
    xmppctl("mam", "export", "--out", path, account=alice).expect(2)


def test_an_archive_of_a_node(xmppctl, alice, server):
    run = query(xmppctl, alice, "--pubsub", server.pubsub, "news", code=7)
    assert run.error()["name"] == "UNSUPPORTED"


def test_form_and_metadata(xmppctl, alice, server, archive):
    archive("a", "b")
    form = xmppctl("--json", "mam", "form", account=alice).expect(0).json()
    names = {field["var"] for field in form["fields"]}
    assert {"with", "start", "end"} <= names
    assert ("ids" in names) is (Quirk.MAM_BASIC_FORM not in server.quirks)
    ends = [r["archive_id"] for r in query(xmppctl, alice).jsonl()]
    if Quirk.MAM_BASIC_FORM in server.quirks:
        run = xmppctl("--json", "mam", "meta", account=alice).expect(7)
        assert "metadata" in run.error()["text"]
        return
    found = xmppctl("--json", "mam", "meta", account=alice).expect(0).json()
    assert (found["start"]["id"], found["end"]["id"]) == (ends[0], ends[-1])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", found["start"]["timestamp"])
    table = xmppctl("mam", "meta", account=alice).expect(0).out
    assert f"{ends[0]} ({found['start']['timestamp']})" in table


def test_preferences(xmppctl, alice, bob, server):
    def prefs(*args, code=0):
        return xmppctl("--json", "mam", "prefs", *args, account=alice).expect(code)

    assert prefs().json() == {"default": "always", "always": [], "never": []}
    boss = f"boss@{server.domain}"
    assert prefs("--default", "roster", "--never", boss).json() == {
        "default": "roster", "always": [], "never": [boss]}  # fmt: skip
    assert prefs("--add-always", bob.jid).json() == {
        "default": "roster", "always": [bob.jid], "never": [boss]}  # fmt: skip
    # a JID is on one list only
    assert prefs("--add-always", boss).json()["never"] == []
    assert prefs("--remove-always", bob.jid).json()["always"] == [boss]
    assert prefs("--remove-always", bob.jid, code=6).error()["condition"] == "item-not-found"
    assert prefs("--default", "never").json() == prefs().json() == {
        "default": "never", "always": [boss], "never": []}  # fmt: skip
    prefs("--always", boss, "--never", boss, code=2)


def test_a_message_that_is_never_kept(xmppctl, alice, bob, archive):
    xmppctl("mam", "prefs", "--never", bob.jid, account=alice).expect(0)
    archive("secret")
    assert query(xmppctl, alice).jsonl() == []


@pytest.mark.servers("ejabberd")
def test_events_of_a_room_are_what_was_said_there(xmppctl, raw, alice, bob, room, tmp_path):
    reader = raw(bob)
    answer = reader.iq(
        "<subscribe xmlns='urn:xmpp:mucsub:0' nick='bo'>"
        "<event node='urn:xmpp:mucsub:nodes:messages'/></subscribe>",
        to=room,
        type="set",
    )
    assert answer.get("type") == "result"
    owner = raw(alice)
    owner.send(f"<presence to='{room}/again'><x xmlns='{MUC}'/></presence>")
    owner.expect(lambda e: any(s.get("code") == "110" for s in e.iter(f"{{{MUC}#user}}status")))
    owner.send(f"<message type='groupchat' to='{room}' id='m'><body>news</body></message>")
    owner.expect(lambda e: e.get("id") == "m")
    record = query(xmppctl, bob, "--last", "1").jsonl()[0]
    assert (record["body"], record["type"], record["id"]) == ("news", "groupchat", "m")
    assert (record["room"], record["muc"]["nick"]) == (room, "again")
    assert record["archive_id"]
    xmppctl("mam", "export", "--dir", tmp_path / "out", account=bob).expect(0)
    assert '"news"' in (tmp_path / "out" / f"{room}.jsonl").read_text()


def test_forged_events_and_claims_are_not_believed(xmppctl, raw, alice, bob, server):
    boss = f"boss@{server.conference}"
    liar = raw(bob)
    item = (
        "<event xmlns='http://jabber.org/protocol/pubsub#event'>"
        "<items node='urn:xmpp:mucsub:nodes:messages'><item>"
        f"<message xmlns='jabber:client' type='groupchat' from='{boss}/boss'><body>evil</body>"
        "</message></item></items></event>"
    )
    result = (
        "<result xmlns='urn:xmpp:mam:2' queryid='q' id='1'><forwarded xmlns='urn:xmpp:forward:0'>"
        f"<message xmlns='jabber:client' from='{boss}'><body>evil</body></message></forwarded>"
        "</result>"
    )
    for payload in (item, result):
        liar.send(f"<message to='{alice.jid}' type='chat'><body>harmless</body>{payload}</message>")
    liar.iq(PING, to=alice.jid)
    for record in query(xmppctl, alice).jsonl():
        assert record["body"] == "harmless"
        assert "room" not in record
        assert record["from"].startswith(bob.jid)


def test_usage(xmppctl):
    for words in (
        ("query", "--last", "1", "--max", "2"), ("query", "--ids", "a", "--all"),
        ("query", "--room", "r@x.test", "--pubsub", "x.test", "n"),
        ("query", "--index", "1", "--after", "x"), ("query", "--count", "--last", "1"),
        ("query", "--count", "--before", ""), ("query", "--index", "0", "--flip"),
        ("query", "--room", "r@x.test", "--groupchat"),
        ("query", "--before", "x", "--before-id", "y"),
        ("count", "--after", "x", "--after-id", "y"),
        ("meta", "--room", "r@x.test", "--pubsub", "x.test", "n"),
        ("prefs", "--add-never", "a@x.test", "--remove-never", "a@x.test"),
        ("export", "--out", "f", "--dir", "d"),
        ("export", "--start", "today", "--end", "yesterday"),
    ):  # fmt: skip
        assert xmppctl("mam", *words).expect(2).out == "", words
