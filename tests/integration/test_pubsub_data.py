"""`xmppctl pubsub`, its data half: another client reads what was published, and the other way."""

from __future__ import annotations

import json
import secrets

import pytest

from tests.servers.quirks import Quirk

pytestmark = pytest.mark.in_turn

PS = "http://jabber.org/protocol/pubsub"
EVENT = f"{PS}#event"
NOTE = "<note xmlns='urn:example:note'>buy <b>milk</b></note>"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"


def fields(kind, values):
    rows = "".join(
        f"<field var='pubsub#{name}'><value>{value}</value></field>"
        for name, value in values.items()
    )
    return (
        f"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
        f"<value>{PS}#{kind}</value></field>{rows}</x>"
    )


def create(peer, node, to=None, **values):
    """Make a node as another client."""
    form = fields("node_config", values)
    query = f"<pubsub xmlns='{PS}'><create node='{node}'/><configure>{form}</configure></pubsub>"
    assert peer.iq(query, type="set", to=to).get("type") == "result"


def put(peer, node, *names, to=None):
    """Publish items as another client; each name is the id and the text."""
    for name in names:
        item = f"<item id='{name}'><x xmlns='urn:x'>{name}</x></item>"
        query = f"<pubsub xmlns='{PS}'><publish node='{node}'>{item}</publish></pubsub>"
        assert peer.iq(query, type="set", to=to).get("type") == "result"


def stored(peer, node, to=None):
    """The payloads of a node by their ids; the condition where they are refused."""
    answer = peer.iq(f"<pubsub xmlns='{PS}'><items node='{node}'/></pubsub>", to=to)
    if answer.get("type") == "error":
        error = next(each for each in answer if each.tag.endswith("error"))
        return next(each.tag for each in error if each.tag.startswith(STANZAS))[len(STANZAS) :]
    return {item.get("id"): item[0] for item in answer.iter(f"{{{PS}}}item")}


def configuration(peer, node, to=None):
    answer = peer.iq(f"<pubsub xmlns='{PS}#owner'><configure node='{node}'/></pubsub>", to=to)
    return {
        field.get("var").removeprefix("pubsub#"): field.findtext("{jabber:x:data}value")
        for field in answer.iter("{jabber:x:data}field")
    }


def event(peer, node):
    """What the next notification of a node is about: the names of its elements and their ids."""
    message = peer.expect(
        lambda element: (
            any(each.get("node") == node for each in element.iter())
            and element.find(f"{{{EVENT}}}event") is not None
        )
    )
    (what,) = message.find(f"{{{EVENT}}}event")
    return what.tag.rpartition("}")[2], [
        (each.tag.rpartition("}")[2], each.get("id")) for each in what
    ]


@pytest.fixture
def owner(server):
    """Who may make nodes at the service."""
    return server.admin()


@pytest.fixture
def node():
    return f"urn:example:{secrets.token_hex(4)}"


@pytest.fixture
def run(xmppctl, alice):
    """``run("items", "self", node)``: the JSON of a verb of pubsub, or its error."""

    def call(*args, code=0, account=None, input=None):
        done = xmppctl("--json", "pubsub", *args, account=account or alice, input=input)
        done.expect(code)
        return done.json() if code == 0 else done.error()

    return call


def test_private_data(run, raw, alice, bob, server, node):
    (record,) = run("publish", "self", node, "--profile", "private", "--id", "current", input=NOTE)
    assert record == {"service": alice.jid, "node": node, "id": "current", "error": None}
    peer = raw(alice)
    found = stored(peer, node)
    assert "".join(found["current"].itertext()) == "buy milk"
    assert configuration(peer, node)["access_model"] == "whitelist"
    hidden = "not-allowed" if Quirk.PEP_WHITELIST_NOT_ALLOWED in server.quirks else "forbidden"
    assert stored(raw(bob), node, to=alice.jid) == hidden
    error = run("items", alice.jid, node, code=6, account=bob)
    assert (error["condition"], error["by"]) == (hidden, alice.jid)
    # without SVC the own account
    assert run("items", node) == [
        {
            "id": "current",
            "publisher": None,
            "xml": NOTE,
            "text": "buy milk",
            "payload_ns": "urn:example:note",
            "error": None,
        }
    ]


def test_what_is_public_is_not_made_private_by_the_way(run, raw, alice, node):
    peer = raw(alice)
    create(peer, node, access_model="open", max_items="4", persist_items="1")
    put(peer, node, "a")
    before = configuration(peer, node)
    private = ("publish", "self", node, "--profile", "private", "--id", "b")
    assert run(*private, code=6, input=NOTE)["condition"] == "precondition-not-met"
    error = run("publish", "self", node, "--option", "max_items=5", code=6, input=NOTE)
    assert error["condition"] == "precondition-not-met"
    assert "max_items 4, not 5" in error["text"]
    error = run("publish", "self", node, "--option", "foo=5", code=2, input=NOTE)
    assert "foo" in error["text"]
    assert configuration(peer, node) == before
    assert list(stored(peer, node)) == ["a"]
    run(*private, "--reconfigure", input=NOTE)
    after = configuration(peer, node)
    assert (after["access_model"], after["send_last_published_item"]) == ("whitelist", "never")
    assert set(stored(peer, node)) == {"a", "b"}


def test_a_stranger_reads_public_data(run, raw, alice, bob, node):
    for name in ("1", "2"):
        run("publish", "self", node, "--profile", "public", "--id", name, input=NOTE)
    assert set(stored(raw(bob), node, to=alice.jid)) == {"1", "2"}
    assert [each["id"] for each in run("items", alice.jid, node, account=bob)] == ["1", "2"]
    error = run("publish", alice.jid, node, account=bob, code=6, input=NOTE)
    assert error["condition"] == "forbidden"


def test_no_such_node(run, server):
    for args in (("items", "no:such"), ("info", "no:such"), ("purge", "self", "no:such", "--yes")):
        assert run(*args, code=6)["condition"] == "item-not-found"
    error = run("delete", server.pubsub, "no:such", "--yes", code=6)
    assert error["condition"] == "item-not-found"
    assert not run("delete", server.pubsub, "no:such", "--yes", "--if-exists")["existed"]


def test_items(run, raw, alice, node):
    names = [f"i{number}" for number in range(12)]
    peer = raw(alice)
    create(peer, node, max_items="20", persist_items="1", access_model="open")
    put(peer, node, *names)

    def ids(*args):
        return [each["id"] for each in run("items", "self", node, *args)]

    assert ids("--page-size", "5") == names
    assert ids("--last", "2", "--ids-only") == names[-2:]
    assert ids("--before", "", "--max", "7", "--page-size", "3") == names[-7:]
    assert run("items", "self", node, "--count")["count"] == 12
    wanted = ("--id", "i7", "--id", "none", "--id", "i3")
    error = run("items", "self", node, *wanted, code=9)
    assert error["condition"] == "item-not-found"
    assert ids("--id", "i7", "--id", "i3") == ["i7", "i3"]


def test_a_place_in_the_pages(xmppctl, run, raw, alice, node):
    peer = raw(alice)
    create(peer, node, max_items="20", persist_items="1")
    put(peer, node, *"abcde")
    first = xmppctl("-v", "-o", "plain", "pubsub", "items", node, "--max", "2", account=alice)
    assert first.expect().out.split() == ["a", "b"]
    # the service tells where its page ended, or takes the ids of items
    told = [line for line in first.err.splitlines() if "page:" in line]
    place = told[0].rpartition("last=")[2] if told else "b"
    assert [each["id"] for each in run("items", node, "--after", place)] == ["c", "d", "e"]
    assert run("items", node, "--after", "x", code=6)["condition"] == "item-not-found"
    assert run("items", node, "--before", "x", code=6)["condition"] == "item-not-found"


def test_many_items(xmppctl, raw, alice, node):
    lines = [
        {"id": "a", "xml": NOTE},
        "nonsense",
        {"id": "b", "json": {"t": 21.5}},
        {"xml": "<x xmlns='u'/>"},
        {"id": "c", "xml": "<x>"},
    ]
    text = "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in lines)
    options = ("--option", "max_items=10", "--jsonl", "-")
    done = xmppctl("--json", "pubsub", "publish", "self", node, *options, account=alice, input=text)
    records = done.expect(9).json()
    assert [bool(each["error"]) for each in records] == [False, True, False, False, True]
    assert "line 2" in records[1]["error"]["text"]
    found = stored(raw(alice), node)
    assert list(found) == ["a", "b", records[3]["id"]]
    assert json.loads(found["b"].text) == {"t": 21.5}
    # what items prints is what publish reads
    first = xmppctl("-o", "jsonl", "pubsub", "items", "self", node, account=alice).expect()
    again = ("publish", "self", f"{node}2", *options)
    xmppctl("pubsub", *again, account=alice, input=first.out).expect()
    assert list(stored(raw(alice), f"{node}2")) == list(found)


def test_a_node_that_keeps_one(xmppctl, raw, alice, node):
    create(raw(alice), node, max_items="1", persist_items="1")
    text = "".join(json.dumps({"id": name, "json": {}}) + "\n" for name in "ab")
    done = xmppctl("pubsub", "publish", "self", node, "--jsonl", "-", account=alice, input=text)
    assert "keeps 1 at most" in done.expect().err
    assert list(stored(raw(alice), node)) == ["b"]


def test_an_entry_of_a_feed(run, raw, alice, node):
    text = ("--atom", "Release 2.0,It is out.", "--atom-link", "https://example.org/2.0")
    (record,) = run("publish", "self", node, *text)
    (entry,) = stored(raw(alice), node).values()
    atom = "{http://www.w3.org/2005/Atom}"
    assert entry.findtext(f"{atom}title") == "Release 2.0"
    assert entry.findtext(f"{atom}content") == "It is out."
    assert entry.findtext(f"{atom}id").endswith(record["id"])
    assert entry.findtext(f"{atom}author/{atom}uri") == f"xmpp:{alice.jid}"
    run("publish", "self", node, "--atom", "Yes, we can", "--atom-body", "-", input="and\nmore")
    (found,) = run("items", node, "--last", "1")
    assert found["text"] == "Yes, we can\nand\nmore"


def test_a_node_of_a_service(run, raw, bob, owner, server, node):
    service = server.pubsub
    values = ("--config", "access_model=open", "--field", "max_items=7")
    made = run("create", service, node, *values, account=owner)
    assert (made["service"], made["node"], made["type"]) == (service, node, "leaf")
    peer = raw(owner)
    found = configuration(peer, node, to=service)
    assert (found["access_model"], found["max_items"]) == ("open", "7")
    error = run("create", service, node, account=owner, code=6)
    assert error["condition"] == "conflict"
    told = run("info", service, node)
    assert (told["type"], told["access_model"], told["configuration"]) == ("leaf", "open", None)
    # bob follows what happens to it
    listener = raw(bob)
    subscribe = f"<subscribe node='{node}' jid='{listener.jid}'/>"
    query = f"<pubsub xmlns='{PS}'>{subscribe}</pubsub>"
    assert listener.iq(query, type="set", to=service).get("type") == "result"
    listener.send("<presence/>")
    done = run("config", service, node, "--config", "notify_delete=1", account=owner)
    shown = {each["var"]: each["values"] for each in done["fields"]}
    assert shown["pubsub#notify_delete"] == ["1"]
    assert configuration(peer, node, to=service)["max_items"] == "7"
    for name in ("one", "two"):
        run("publish", service, node, "--id", name, account=owner, input=NOTE)
        assert event(listener, node) == ("items", [("item", name)])
    error = run("publish", service, node, account=bob, code=6, input=NOTE)
    assert error["condition"] == "forbidden"
    run("retract", service, node, "one", account=owner)
    assert event(listener, node) == ("items", [("retract", "one")])
    assert list(stored(peer, node, to=service)) == ["two"]
    run("purge", service, node, "--yes", account=owner)
    assert event(listener, node)[0] == "purge"
    assert stored(peer, node, to=service) == {}
    run("delete", service, node, "--yes", account=owner)
    assert event(listener, node)[0] == "delete"
    assert stored(peer, node, to=service) == "item-not-found"


def test_making_nodes(run, raw, alice, server, node):
    named = run("create", "self", "--config", "access_model=whitelist")
    assert configuration(raw(alice), named["node"])["access_model"] == "whitelist"
    assert run("create", "self", node, "--config", "foo=1", code=2)["step"] == "form"
    assert run("create", "self", node, "--type", "collection", code=7)["name"] == "UNSUPPORTED"
    assert node not in [each["node"] for each in run("nodes", "self")]
    default = run("config", server.pubsub)
    assert "pubsub#access_model" in [each["var"] for each in default["fields"]]


def test_retracting(xmppctl, raw, alice, node):
    peer = raw(alice)
    create(peer, node, max_items="9", persist_items="1")
    put(peer, node, "a", "b")
    words = ("--json", "pubsub", "retract", "self", node)
    done = xmppctl(*words, "a", "none", account=alice).expect(9)
    assert [each["error"] and each["error"]["condition"] for each in done.json()] == [
        None, "item-not-found",
    ]  # fmt: skip
    assert list(stored(peer, node)) == ["b"]
    done = xmppctl(*words, "--if-exists", "--no-notify", "none", "b", account=alice).expect()
    assert [each["error"] for each in done.json()] == [None, None]
    assert stored(peer, node) == {}


def test_what_has_no_nodes(run, server):
    for args in (("nodes", server.conference), ("publish", server.conference, "x")):
        error = run(*args, code=7, input=NOTE)
        assert error["by"] == server.conference
        assert "publish-subscribe (XEP-0060)" in error["text"]
