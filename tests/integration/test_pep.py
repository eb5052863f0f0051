"""`xmppctl pep`: what is told is read by another client, and what others tell is shown."""

from __future__ import annotations

import pytest

from tests.servers.quirks import Quirk

pytestmark = pytest.mark.in_turn

PS = "http://jabber.org/protocol/pubsub"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
MOOD = "http://jabber.org/protocol/mood"
TUNE = "http://jabber.org/protocol/tune"
BLOG = "urn:xmpp:microblog:0"
ATOM = "http://www.w3.org/2005/Atom"


@pytest.fixture
def pep(xmppctl, alice):
    def run(*args, code=0, account=alice, **more):
        return xmppctl("--json", "pep", *args, account=account, **more).expect(code)

    return run


@pytest.fixture
def peer(raw, bob):
    return raw(bob, "peer")


def items(peer, jid, node):
    """The payloads of a node, as another client gets them; a text is the condition instead."""
    answer = peer.iq(f"<pubsub xmlns='{PS}'><items node='{node}'/></pubsub>", to=jid)
    if answer.get("type") == "error":
        found = [each.tag for each in answer.find("{jabber:client}error")]
        return next(tag for tag in found if tag.startswith(STANZAS))[len(STANZAS) :]
    return [item[0] for item in answer.iter(f"{{{PS}}}item")]


def publish(peer, node, payload):
    query = f"<publish node='{node}'><item id='x'>{payload}</item></publish>"
    assert peer.iq(f"<pubsub xmlns='{PS}'>{query}</pubsub>", type="set").get("type") == "result"


def test_a_mood(pep, alice, bob, peer):
    assert pep("mood", code=6).error()["condition"] == "item-not-found"
    record = pep("mood", "--set", "happy", "--text", "a <b> & c", "--access", "open").json()
    assert record.pop("at")
    assert record == {"jid": alice.jid, "mood": "happy", "text": "a <b> & c"}
    (found,) = items(peer, alice.jid, MOOD)
    assert [each.tag for each in found] == [f"{{{MOOD}}}happy", f"{{{MOOD}}}text"]
    assert found[1].text == "a <b> & c"
    publish(peer, MOOD, f"<mood xmlns='{MOOD}'><in_love><x xmlns='y'/></in_love></mood>")
    run = pep("mood", bob.jid, account=bob)
    assert run.json() == {"jid": bob.jid, "mood": "in_love", "text": None, "at": None}
    assert pep("mood", "--clear").json()["mood"] is None
    (found,) = items(peer, alice.jid, MOOD)
    assert (found.tag, len(found)) == (f"{{{MOOD}}}mood", 0)
    assert pep("mood", alice.jid, account=bob).json()["mood"] is None


def test_who_may_see_it(pep, alice, bob, peer, server):
    pep("tune", "--set", "--title", "Fragile", "--length", "686", "--rating", "8")
    refused = pep("tune", alice.jid, account=bob, code=6).error()
    assert refused["by"] == alice.jid
    assert f"roster subscribe {alice.jid}" in refused["hint"]
    assert isinstance(items(peer, alice.jid, TUNE), str)
    error = pep("tune", "--title", "x", "--access", "open", code=6).error()
    assert error["condition"] == "precondition-not-met"
    assert pep("tune").json()["title"] == "Fragile"
    pep("tune", "--title", "Roundabout", "--track", "1", "--access", "open", "--reconfigure")
    (found,) = items(peer, alice.jid, TUNE)
    assert {each.tag.partition("}")[2]: each.text for each in found} == {
        "title": "Roundabout", "track": "1",
    }  # fmt: skip
    pep("nick", "--set", "Ishmael", "--access", "whitelist")
    closed = items(peer, alice.jid, "http://jabber.org/protocol/nick")
    told = Quirk.PEP_WHITELIST_NOT_ALLOWED in server.quirks
    assert closed == ("not-allowed" if told else "forbidden")


def test_contacts_are_told(pep, alice, bob, raw, peer):
    """Who sees the presence of the account sees what it tells."""
    client = raw(alice, "friend")
    for one, kind, jid in ((peer, "subscribe", alice.jid), (client, "subscribed", bob.jid)):
        one.send(f"<presence type='{kind}' to='{jid}'/>")
        one.iq("<ping xmlns='urn:xmpp:ping'/>", to=jid)  # what came before it is processed
    record = pep("activity", "--set", "working/coding").json()
    assert (record["general"], record["specific"]) == ("working", "coding")
    shown = pep("activity", alice.jid, account=bob).json()
    assert (shown["general"], shown["specific"], shown["jid"]) == ("working", "coding", alice.jid)


def test_a_place(pep, alice, peer):
    given = ("--lat", "45.44", "--lon", "12.33", "--accuracy", "0.0000001", "--country", "Italy")
    record = pep(
        "location", *given, "--timestamp", "2026-01-02T03:04:05Z", "--access", "open"
    ).json()
    assert (record["lat"], record["lon"], record["accuracy"]) == (45.44, 12.33, 1e-7)
    assert (record["timestamp"], record["street"]) == ("2026-01-02T03:04:05Z", None)
    (found,) = items(peer, alice.jid, "http://jabber.org/protocol/geoloc")
    assert {each.tag.partition("}")[2]: each.text for each in found} == {
        "accuracy": "0.0000001", "country": "Italy", "lat": "45.44", "lon": "12.33",
        "timestamp": "2026-01-02T03:04:05Z",
    }  # fmt: skip


def test_a_microblog(pep, alice, bob, peer):
    short = pep("post", "--access", "open", input="hello -- world\n").json()
    assert (short["title"], short["text"], short["author"]) == ("hello -- world", None, alice.local)
    long = pep(
        "post", "the content", "--title", "News", "--tag", "ci", "--link", "https://x.test/"
    ).json()
    found = items(peer, alice.jid, BLOG)
    entry = next(e for e in found if e.findtext(f"{{{ATOM}}}title") == "News")
    assert entry.findtext(f"{{{ATOM}}}content") == "the content"
    assert entry.findtext(f"{{{ATOM}}}author/{{{ATOM}}}uri") == f"xmpp:{alice.jid}"
    assert entry.findtext(f"{{{ATOM}}}id") == long["atom_id"]
    assert entry.findtext(f"{{{ATOM}}}updated") == entry.findtext(f"{{{ATOM}}}published")
    assert entry.find(f"{{{ATOM}}}link").get("href") == "https://x.test/"
    assert len(found) == 2
    listed = pep("post", "--list", alice.jid, account=bob).json()
    assert {each["id"] for each in listed} == {short["id"], long["id"]}
    assert [each["tags"] for each in listed if each["id"] == long["id"]] == [["ci"]]
    assert len(pep("post", "--list", "--last", "1").json()) == 1


def test_any_node(pep, alice, bob, peer, tmp_path):
    file = tmp_path / "game.xml"
    file.write_text(
        "<?xml version='1.0'?>\n<game xmlns='urn:xmpp:gaming:0'><name>Chess</name></game>"
    )
    (record,) = pep("raw", "urn:xmpp:gaming:0", "--set", str(file), "--access", "open").json()
    assert (record["id"], record["jid"]) == ("current", alice.jid)
    (found,) = items(peer, alice.jid, "urn:xmpp:gaming:0")
    assert found.findtext("{urn:xmpp:gaming:0}name") == "Chess"
    (shown,) = pep("raw", "urn:xmpp:gaming:0", alice.jid, account=bob).json()
    assert "<name>Chess</name>" in shown["xml"]
    pep("raw", "urn:xmpp:gaming:0", "--clear")
    (found,) = items(peer, alice.jid, "urn:xmpp:gaming:0")
    assert (found.tag, len(found)) == ("{urn:xmpp:gaming:0}game", 0)
    missing = pep("raw", "urn:xmpp:gaming:0", "--id", "nope", code=6).error()
    assert missing["condition"] == "item-not-found"
    # a node for private data is whitelisted without being asked for
    private = "<x xmlns='urn:example:private'/>"
    pep("raw", "storage:test", "--set", "-", input=private)
    assert isinstance(items(peer, alice.jid, "storage:test"), str)
