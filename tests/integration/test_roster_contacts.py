"""`xmppctl roster get | add | remove | rename | group` against real servers."""

import json

import pytest

pytestmark = pytest.mark.in_turn

ROSTER = "<query xmlns='jabber:iq:roster'/>"
ITEM = "{jabber:iq:roster}item"
KEYS = ["jid", "name", "subscription", "ask", "approved", "groups", "ver"]


def items(peer):
    """The roster as another client sees it: JID to (name, groups, subscription, ask)."""
    return {
        item.get("jid"): (
            item.get("name"),
            sorted(group.text for group in item),
            item.get("subscription"),
            item.get("ask"),
        )
        for item in peer.iq(ROSTER).iter(ITEM)
    }


def conditions(run):
    return [each["error"] and each["error"]["condition"] for each in run.json()]


def test_add_get_rename_group_remove(xmppctl, alice, raw):
    peer = raw(alice)
    jid = "ann@x.test"
    args = ["--no-subscribe", "--name", "Änn <&>", "--group", "work", "--group", "cafe"]
    (made,) = xmppctl("--json", "roster", "add", jid, *args, account=alice).expect().json()
    assert list(made) == [*KEYS, "error"]
    assert items(peer) == {jid: ("Änn <&>", ["cafe", "work"], "none", None)}
    found = xmppctl("--json", "roster", "get", jid, account=alice).expect().json()
    assert list(found) == KEYS
    assert found == {key: made[key] for key in KEYS}

    # again: what is not given stays as it is
    xmppctl("roster", "add", jid, "--no-subscribe", "--group", "third", account=alice).expect()
    assert items(peer) == {jid: ("Änn <&>", ["cafe", "third", "work"], "none", None)}

    changed = xmppctl("--json", "roster", "rename", jid, "Ann", account=alice).expect().json()
    assert (changed["name"], changed["groups"]) == ("Ann", ["cafe", "third", "work"])
    args = ["--add", "new", "--remove", "cafe", "--remove", "third"]
    changed = xmppctl("--json", "roster", "group", jid, *args, account=alice).expect().json()
    assert (changed["name"], changed["groups"]) == ("Ann", ["new", "work"])
    run = xmppctl("--json", "roster", "group", jid, "--remove", "cafe", account=alice).expect(6)
    assert run.error()["condition"] == "item-not-found"
    args = ["--remove", "cafe", "--if-exists"]
    xmppctl("--json", "roster", "group", jid, *args, account=alice).expect()
    xmppctl("roster", "group", jid, "--set", "one", "--set", "two", account=alice).expect()
    assert items(peer) == {jid: ("Ann", ["one", "two"], "none", None)}
    xmppctl("roster", "group", jid, "--clear", account=alice).expect()
    xmppctl("roster", "rename", jid, "--clear", account=alice).expect()
    assert items(peer) == {jid: (None, [], "none", None)}

    run = xmppctl("--json", "roster", "remove", jid, "zoe@x.test", account=alice).expect(9)
    assert [each["removed"] for each in run.json()] == [True, False]
    assert conditions(run) == [None, "item-not-found"]
    assert items(peer) == {}
    run = xmppctl("--json", "roster", "remove", jid, account=alice).expect(6)
    assert run.error()["condition"] == "item-not-found"
    run = xmppctl("--json", "roster", "remove", jid, "--if-exists", account=alice).expect()
    assert run.json() == [{"jid": jid, "removed": False, "error": None}]


@pytest.mark.parametrize(
    "args",
    [["get"], ["rename", "N"], ["group", "--add", "g"]],
    ids=lambda args: args[0],
)
def test_a_contact_that_is_not_there(xmppctl, alice, raw, args):
    run = xmppctl("--json", "roster", args[0], "no@x.test", *args[1:], account=alice).expect(6)
    assert run.error()["condition"] == "item-not-found"
    assert items(raw(alice)) == {}  # and changing it does not make it


@pytest.mark.parametrize(
    "args",
    [
        ["add", "ann@x.test/res"],
        ["add", "@@"],
        ["add", "a@x.test", "b@x.test", "--name", "N"],
        ["add", "a@x.test", "--no-subscribe", "--nick", "N"],
        ["add", "a@x.test", "--name", "\x1b[31m"],
        ["add", "a@x.test", "--group", ""],
        ["add", "-", "-"],
        ["rename", "a@x.test"],
        ["rename", "a@x.test", "N", "--clear"],
        ["group", "a@x.test"],
        ["group", "a@x.test", "--set", "g", "--clear"],
    ],
)
def test_bad_arguments_ask_no_server(xmppctl, args):
    xmppctl("roster", *args, jid="a@x.test", password="x", connect=("127.0.0.1", 1)).expect(2)


def test_the_own_account_is_no_contact(xmppctl, alice, raw):
    for args in ([], ["--no-subscribe"]):
        xmppctl("roster", "add", alice.jid, *args, account=alice).expect(2)
    xmppctl("roster", "subscribe", alice.jid, account=alice).expect(2)
    assert items(raw(alice)) == {}


def test_lines_of_standard_input(xmppctl, alice, raw):
    text = b"a@x.test\n\nnot a jid@@\nxmpp:b@x.test\n\xff\nc@x.test/res\na@x.test\n"
    args = ["--no-subscribe", "--group", "g", "-", "z@x.test"]
    run = xmppctl("--json", "roster", "add", *args, account=alice, input=text).expect(9)
    assert [each["jid"] for each in run.json()][:3] == ["a@x.test", "not a jid@@", "b@x.test"]
    assert conditions(run) == [None, "jid-malformed", None, None, "jid-malformed", None]
    assert [bool(each["error"]) for each in run.json()] == [False, True, False, True, True, False]
    assert "line 3" in run.json()[1]["error"]["text"]
    peer = raw(alice)
    assert set(items(peer)) == {"a@x.test", "b@x.test", "z@x.test"}
    assert all(each[1] == ["g"] for each in items(peer).values())
    xmppctl("roster", "remove", "-", account=alice, input="a@x.test\nb@x.test\nz@x.test").expect()
    assert items(peer) == {}


def test_more_contacts_than_go_at_once(xmppctl, alice, raw):
    jids = [f"contact-{number:03}@bulk.example" for number in range(150)]
    text = "\n".join(jids)
    args = ["roster", "add", "--no-subscribe", "-"]
    run = xmppctl("-o", "plain", *args, account=alice, input=text, timeout=60).expect()
    assert run.out.split() == jids
    assert sorted(items(raw(alice))) == jids
    # those that are there already are not sent again
    run = xmppctl("--debug-xml", "-o", "plain", *args, account=alice, input=text).expect()
    assert run.out.split() == jids
    assert "type='set'" not in run.err.partition("jabber:iq:roster")[2]


def test_another_client_gets_the_pushes(xmppctl, alice, raw):
    peer = raw(alice)
    peer.iq(ROSTER)
    xmppctl("roster", "add", "a@x.test", "--no-subscribe", account=alice).expect()
    push = peer.expect(lambda e: e.find(f"{{jabber:iq:roster}}query/{ITEM}") is not None)
    assert push[0][0].get("jid") == "a@x.test"


class Book:
    """A roster in a dict; ``refuse`` is a part of the JIDs that are refused."""

    def __init__(self, *, refuse="nothing", deaf=False):
        self.items = {}
        self.refuse = refuse
        self.deaf = deaf

    async def __call__(self, conn):
        await conn.login()
        while True:
            iq = await conn.request("{jabber:iq:roster}query")
            if iq.get("type") == "get":
                listed = "".join(f"<item jid='{jid}'/>" for jid in self.items)
                conn.result(iq, f"<query xmlns='jabber:iq:roster'>{listed}</query>")
                continue
            (item,) = iq.find("{jabber:iq:roster}query")
            if self.refuse in item.get("jid"):
                conn.error(iq, "not-acceptable", "modify")
                continue
            if not self.deaf:
                self.items[item.get("jid")] = item
            conn.result(iq)


@pytest.fixture
def on_fake(against_fake):
    def run(script, *args, **more):
        return against_fake(script, "--json", "roster", *args, **more)

    return run


def test_one_refused_contact_spoils_no_other(on_fake):
    book = Book(refuse="bad")
    jids = [f"{name}{n}@x.test" for n in range(50) for name in ("good", "bad")]
    run = on_fake(book, "add", "--no-subscribe", "-", input="\n".join(jids)).expect(9)
    assert conditions(run) == [None, "not-acceptable"] * 50
    assert len(book.items) == 50


def test_a_server_that_only_says_yes(on_fake):
    run = on_fake(Book(deaf=True), "add", "--no-subscribe", "a@x.test").expect(6)
    assert run.error()["condition"] == "not-confirmed"
    book = Book()
    book.items["a@x.test"] = None
    run = on_fake(book, "rename", "a@x.test", "N").expect(6)
    assert run.error()["condition"] == "not-confirmed"
    run = on_fake(book, "remove", "a@x.test").expect(6)  # the book never forgets
    assert json.loads(run.out)[0]["error"]["condition"] == "not-confirmed"


def test_a_server_without_a_roster_to_change(on_fake):
    async def script(conn):
        await conn.login()
        conn.result(await conn.request("{jabber:iq:roster}query"), ROSTER)
        conn.error(await conn.request("{jabber:iq:roster}query"), "service-unavailable")
        await conn.until_closed()

    on_fake(script, "add", "--no-subscribe", "a@x.test").expect(7)
