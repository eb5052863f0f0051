"""`xmppctl bookmark`: other clients of the account read what it writes, and the other way round."""

from __future__ import annotations

import json

import pytest

from tests.integration.test_unread import configuration, create

pytestmark = pytest.mark.in_turn

NS = "urn:xmpp:bookmarks:1"
LEGACY = "storage:bookmarks"
PS = "http://jabber.org/protocol/pubsub"
STORAGE = f"{{{LEGACY}}}storage"
PRIVATE = {
    "persist_items": "1",
    "max_items": "max",
    "send_last_published_item": "never",
    "access_model": "whitelist",
}
FOREIGN = (
    "<extensions><state xmlns='http://myclient.example/bookmark/state' minimized='true'/>"
    "<notify xmlns='urn:xmpp:notification-settings:1'><never identity-category='client'/>"
    "<always><advanced><x xmlns='custom'/></advanced></always></notify></extensions>"
    "<odd xmlns='o'/>"
)


@pytest.fixture
def bookmark(xmppctl, alice):
    """``bookmark("list")``: the records; with another ``code`` the error object."""

    def run(*args, code=0, account=alice, **more):
        result = xmppctl("--json", "bookmark", *args, account=account, **more).expect(code)
        return result.error() if code else result.json()

    return run


@pytest.fixture
def peer(raw, alice):
    return raw(alice)


def publish(peer, ident, payload, node=NS):
    item = f"<publish node='{node}'><item id='{ident}'>{payload}</item></publish>"
    answer = peer.iq(f"<pubsub xmlns='{PS}'>{item}</pubsub>", type="set")
    assert answer.get("type") == "result"


def items(peer, node=NS):
    """The payloads of the items of a node by their ids."""
    answer = peer.iq(f"<pubsub xmlns='{PS}'><items node='{node}'/></pubsub>")
    return {item.get("id"): item[0] for item in answer.iter(f"{{{PS}}}item")}


def private(peer, content=None):
    """The stored element of private XML storage, behind storing ``content``."""
    if content is not None:
        stored = f"<storage xmlns='{LEGACY}'>{content}</storage>"
        query = f"<query xmlns='jabber:iq:private'>{stored}</query>"
        assert peer.iq(query, type="set").get("type") == "result"
    answer = peer.iq(f"<query xmlns='jabber:iq:private'><storage xmlns='{LEGACY}'/></query>")
    return answer.find(f".//{STORAGE}")


def jids(storage):
    return {each.get("jid") for each in storage if each.get("jid")}


def unified(peer, alice):
    """Whether the server shows in the legacy stores what is in the new one."""
    info = peer.iq("<query xmlns='http://jabber.org/protocol/disco#info'/>", to=alice.jid)
    return any(each.get("var") == f"{NS}#compat" for each in info.iter())


def test_add_list_edit_remove(bookmark, peer, server):
    rooms = [f"{name}@{server.conference}" for name in "abc"]
    assert bookmark("list") == []
    (record,) = bookmark("add", rooms[0], "--name", "A", "--nick", "al", "--autojoin")
    assert record == {
        "jid": rooms[0], "name": "A", "nick": "al", "autojoin": True, "password": None,
        "has_password": False, "pinned": False, "notify": None, "extensions": [],
        "source": "pep", "url": None, "action": "added", "error": None,
    }  # fmt: skip
    stored = items(peer)
    assert list(stored) == [rooms[0]]
    element = stored[rooms[0]]
    assert (element.tag, element.attrib) == (
        f"{{{NS}}}conference",
        {"name": "A", "autojoin": "true"},
    )
    assert [(each.tag, each.text) for each in element] == [(f"{{{NS}}}nick", "al")]
    assert PRIVATE.items() <= configuration(peer, NS).items()
    assert [each["action"] for each in bookmark("add", *rooms)] == ["unchanged", "added", "added"]
    assert [each["jid"] for each in bookmark("list")] == rooms
    error = bookmark("add", rooms[0], "--name", "B", code=6)
    assert (error["condition"], items(peer)[rooms[0]].get("name")) == ("conflict", "A")
    assert bookmark("add", rooms[0], "--name", "B", "--update")[0]["action"] == "changed"
    bookmark("edit", rooms[0], "--no-autojoin", "--clear", "nick", "--pinned")
    element = items(peer)[rooms[0]]
    assert (element.attrib, [each.tag for each in element.iter()]) == (
        {"name": "B", "autojoin": "false"},
        [
            f"{{{NS}}}conference",
            f"{{{NS}}}extensions",
            "{urn:xmpp:bookmarks-pinning:0}pinned",
        ],
    )
    assert bookmark("list")[0]["pinned"] is True
    assert bookmark("edit", f"z@{server.conference}", "--name", "x", code=6)["condition"] == (
        "item-not-found"
    )
    removed = bookmark("remove", rooms[1], rooms[2])
    assert [each["removed"] for each in removed] == [True, True]
    assert list(items(peer)) == [rooms[0]]
    assert bookmark("remove", rooms[1], code=6)["condition"] == "item-not-found"
    assert bookmark("remove", rooms[1], "--if-exists")[0]["removed"] is False


def test_what_other_clients_keep_is_kept(bookmark, peer, alice, server):
    room = f"a@{server.conference}"
    create(peer, NS)
    publish(
        peer, room, f"<conference xmlns='{NS}' name='A' x='1'><nick>al</nick>{FOREIGN}</conference>"
    )
    (before,) = bookmark("list")
    assert before["notify"] == "always"
    (record,) = bookmark("edit", room, "--name", "B", "--notify", "never")
    assert record["extensions"][0] == before["extensions"][0]
    element = items(peer)[room]
    assert element.attrib == {"name": "B", "x": "1"}
    assert element.findtext(f"{{{NS}}}nick") == "al"
    assert element.find("{o}odd") is not None
    state, notify = element.find(f"{{{NS}}}extensions")
    assert state.get("minimized") == "true"
    assert [each.tag.rpartition("}")[2] for each in notify.iter()] == [
        "notify", "never", "never", "advanced", "x",
    ]  # fmt: skip
    if unified(peer, alice):  # the server itself would lose them
        (record,) = bookmark("edit", room, "--name", "C", "--store", "private")
        assert record["source"] == "pep"
        assert items(peer)[room].find(f"{{{NS}}}extensions/*[@minimized]") is not None
        assert private(peer)[0].get("name") == "C"


def test_stores_of_one_server(bookmark, peer, alice, server):
    """What a legacy client wrote is found, changed where it is, and nothing else of it is lost."""
    old, new = f"old@{server.conference}", f"new@{server.conference}"
    left = f"rest@{server.conference}"
    rest = f"<conference jid='{left}'><x xmlns='u'/></conference><f xmlns='foreign'/>"
    private(
        peer, f"<conference jid='{old}' name='Old' autojoin='1'><nick>n</nick></conference>{rest}"
    )
    found = {each["jid"]: each for each in bookmark("list")}
    assert (found[old]["name"], found[old]["nick"], found[old]["autojoin"]) == ("Old", "n", True)
    bookmark("add", new)
    together = unified(peer, alice)
    assert found[old]["source"] == ("pep" if together else "private")
    for store in ("private", "pep-legacy"):
        expected = set(found) | ({new} if together else set())
        assert {each["jid"] for each in bookmark("list", "--store", store)} == expected
    bookmark("edit", old, "--name", "Newer")
    stored = private(peer)
    assert jids(stored) == set(found) | ({new} if together else set())
    assert {each.get("name") for each in stored} >= {"Newer"}
    if not together:
        assert list(items(peer)) == [new]
        assert stored.find("{foreign}f") is not None and stored.find(".//{u}x") is not None
        assert jids(items(peer, LEGACY)["current"]) == jids(stored)
        assert bookmark("edit", old, "--pinned", code=7)["code"] == 7
    bookmark("remove", old)
    assert old not in jids(private(peer))
    records = bookmark("convert")
    assert [(each["jid"], each["action"]) for each in records] == (
        [] if together else [(left, "added")]
    )
    assert set(items(peer)) == {new, left}


def test_two_at_once_lose_nothing(xmppctl, alice, peer, server):
    private(peer, f"<conference jid='first@{server.conference}'/><f xmlns='foreign'/>")
    rooms = [f"r{number}@{server.conference}" for number in range(3)]
    stores = ("private", "pep-legacy", "private")  # which the server keeps the same
    runs = [
        xmppctl.start("bookmark", "add", room, "--store", store, account=alice)
        for room, store in zip(rooms, stores, strict=True)
    ]
    for run in runs:
        xmppctl.finish(run).expect()
    stored = private(peer)
    assert jids(stored) == {f"first@{server.conference}", *rooms}
    assert unified(peer, alice) or stored.find("{foreign}f") is not None


def test_web_pages(bookmark, peer, alice):
    url = "https://example.org/wiki?a=1&b"
    if unified(peer, alice):  # in a store that has no place for them
        error = bookmark("add", "--url", url, "--name", "Wiki", code=7)
        assert "XEP-0402" in error["text"]
        return
    (record,) = bookmark("add", "--url", url, "--name", "Wiki")
    assert (record["jid"], record["url"], record["source"]) == (None, url, "private")
    (stored,) = private(peer)
    assert (stored.tag, stored.attrib) == (f"{{{LEGACY}}}url", {"url": url, "name": "Wiki"})
    bookmark("edit", "--url", url, "--name", "W")
    assert [(each["url"], each["name"]) for each in bookmark("list")] == [(url, "W")]
    bookmark("remove", "--url", url)
    assert len(private(peer)) == 0


def test_passwords(xmppctl, bookmark, alice, peer, server, tmp_path):
    room, secret = f"a@{server.conference}", "s3cr3t <&>"
    file = tmp_path / "secret"
    file.write_text(f"{secret}\n")
    file.chmod(0o600)
    arguments = (
        "--debug-xml",
        "--json",
        "bookmark",
        "add",
        room,
        "--room-password-file",
        str(file),
    )
    run = xmppctl(*arguments, account=alice).expect()
    assert "s3cr3t" not in run.out + run.err
    assert items(peer)[room].findtext(f"{{{NS}}}password") == secret
    (record,) = bookmark("list")
    assert (record["password"], record["has_password"]) == (None, True)
    assert bookmark("list", "--show-passwords")[0]["password"] == secret
    run = xmppctl("bookmark", "export", account=alice).expect()
    assert "s3cr3t" not in run.out and "--show-passwords" in run.err
    out = tmp_path / "out.xml"
    options = ("--as", "xml", "--show-passwords", "--out", str(out))
    xmppctl("bookmark", "export", *options, account=alice).expect()
    assert "s3cr3t &lt;&amp;" in out.read_text()
    assert out.stat().st_mode & 0o777 == 0o600
    bookmark("edit", room, "--clear", "password", env={"XMPPCTL_ROOM_PASSWORD": "other"})
    assert items(peer)[room].find(f"{{{NS}}}password") is None


def test_to_another_account(xmppctl, bookmark, peer, alice, bob, server):
    room = f"a@{server.conference}"
    create(peer, NS)
    publish(
        peer,
        room,
        f"<conference xmlns='{NS}' name='A &amp; \x85Z' autojoin='1'><nick>n</nick>"
        f"<password>p</password>{FOREIGN}</conference>",
    )
    export = ("-o", "csv", "bookmark", "export", "--as", "xml", "--show-passwords")
    text = xmppctl(*export, account=alice).expect().out
    records = bookmark("import", "-", account=bob, input=text)
    assert [each["action"] for each in records] == ["added"]
    before, after = (bookmark("list", "--show-passwords", account=a) for a in (alice, bob))
    assert before == after
    assert bookmark("import", "-", account=bob, input=text)[0]["action"] == "unchanged"


def test_odd_items_hide_nothing(xmppctl, alice, peer, server):
    create(peer, NS)
    for ident in ("@@", server.conference, f"a@{server.conference}/nick"):
        publish(peer, ident, f"<conference xmlns='{NS}'/>")
    publish(peer, f"b@{server.conference}", "<other xmlns='u'/>")
    publish(
        peer,
        f"C@{server.conference}",
        f"<conference xmlns='{NS}' name='&#133;'/>",
    )
    run = xmppctl("-v", "-o", "tsv", "--fields", "jid", "bookmark", "list", account=alice).expect()
    assert run.out.splitlines()[1:] == [f"c@{server.conference}"]
    assert "left out: 4 entries" in run.err and "'@@'" in run.err
    xmppctl("bookmark", "remove", f"c@{server.conference}", account=alice).expect()
    assert f"C@{server.conference}" not in items(peer)


def test_nothing_goes_to_a_node_that_others_can_read(bookmark, peer, server):
    create(peer, NS, access_model="open")
    error = bookmark("add", f"a@{server.conference}", code=6)
    assert error["condition"] == "precondition-not-met"
    assert items(peer) == {}
    assert bookmark("add", f"a@{server.conference}", "--reconfigure")[0]["action"] == "added"
    assert configuration(peer, NS)["access_model"] == "whitelist"


def test_a_bad_line_of_a_file(xmppctl, alice, peer, server, tmp_path):
    good = f"a@{server.conference}"
    file = tmp_path / "in.json"
    file.write_text(
        json.dumps([{"jid": good, "name": "A"}, {"jid": "x"}, {"jid": good, "name": "B"}])
    )
    run = xmppctl("--json", "bookmark", "import", str(file), account=alice).expect(9)
    assert [each["error"] and each["error"]["condition"] for each in run.json()] == [
        None, "bad-input", "bad-input",
    ]  # fmt: skip
    assert list(items(peer)) == [good]
    xmppctl("bookmark", "import", "-", account=alice, input=b"{").expect(2)
