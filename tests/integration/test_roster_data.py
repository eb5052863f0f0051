"""`roster note`, `notes`, `meta`, `delimiter`: another client reads and writes what they keep."""

import json
from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.in_turn

NOTES = "storage:rosternotes"
META = "storage:metacontacts"


def stored(peer, ns, name="storage"):
    answer = peer.iq(f"<query xmlns='jabber:iq:private'><{name} xmlns='{ns}'/></query>")
    assert answer.get("type") == "result"
    return answer[0][0]


def store(peer, xml):
    answer = peer.iq(f"<query xmlns='jabber:iq:private'>{xml}</query>", type="set")
    assert answer.get("type") == "result"


def notes(peer):
    found = stored(peer, NOTES).findall(f"{{{NOTES}}}note")
    return {note.get("jid"): note.text for note in found}


def test_a_note_is_written_shown_changed_and_removed(xmppctl, alice, raw):
    peer = raw(alice)
    run = xmppctl("--json", "roster", "note", "Juliet@x.test", "met at the ball", account=alice)
    made = run.expect().json()
    assert (made["jid"], made["note"]) == ("juliet@x.test", "met at the ball")
    (note,) = stored(peer, NOTES)
    assert (note.get("jid"), note.text) == ("juliet@x.test", "met at the ball")
    written = datetime.fromisoformat(note.get("cdate"))
    assert note.get("cdate") == note.get("mdate")
    assert note.get("cdate").endswith("Z")
    assert abs(written - datetime.now(UTC)) < timedelta(minutes=1)
    changed = "two\nlines <&> '\" Zoë"
    run = xmppctl("--json", "roster", "note", "juliet@x.test", "-", account=alice, input=changed)
    run.expect()
    assert notes(peer) == {"juliet@x.test": changed}
    # without text it is shown; what is there already is not written again
    shown = xmppctl("--json", "roster", "note", "juliet@x.test", account=alice).expect().json()
    assert shown == run.json()
    assert shown["created"] == made["created"]
    piped = xmppctl("roster", "note", "romeo@x.test", account=alice, input="piped\n")
    piped.expect()
    assert notes(peer)["romeo@x.test"] == "piped"
    table = xmppctl("roster", "notes", account=alice).expect().out
    assert table.splitlines()[0].split() == ["JID", "NOTE", "CREATED", "MODIFIED"]
    out = xmppctl("-o", "plain", "roster", "notes", account=alice).expect().out
    assert out == "juliet@x.test\nromeo@x.test\n"
    run = xmppctl("--json", "roster", "note", "romeo@x.test", "--delete", account=alice)
    assert run.expect().json()["note"] is None
    assert list(notes(peer)) == ["juliet@x.test"]


def test_a_note_that_is_not_there(xmppctl, alice):
    for more in ((), ("--delete",)):
        run = xmppctl("--json", "roster", "note", "a@x.test", *more, account=alice).expect(6)
        assert run.error()["condition"] == "item-not-found"
    run = xmppctl("--json", "roster", "note", "a@x.test", "--delete", "--if-exists", account=alice)
    assert run.expect().json()["note"] is None
    assert xmppctl("--json", "roster", "notes", account=alice).expect().json() == []
    assert xmppctl("roster", "notes", "--fail-empty", account=alice).code == 10


@pytest.mark.parametrize(
    "args",
    [
        ["a@x.test", ""],
        ["a@x.test", " \n"],
        ["a@x.test", "-"],
        ["a@x.test/r", "x"],
        ["@@", "x"],
        ["a@x.test", "\x1b[31m"],
        ["a@x.test", "x", "--delete"],
        ["a@x.test", "x", "--if-exists"],
    ],
)
def test_bad_notes_are_refused_without_a_connection(xmppctl, args):
    xmppctl("roster", "note", *args, jid="a@no.such.host.invalid", password="x").expect(2)


def test_what_other_clients_store_stays(xmppctl, alice, raw):
    peer = raw(alice)
    other = "<o:mine xmlns:o='other' o:a='1'>text</o:mine>"
    store(
        peer,
        f"<storage xmlns='{NOTES}'><note jid='b@x.test' color='red'>old</note>{other}"
        "<note jid='b@x.test' cdate='2001-01-01T00:00:00Z'>older</note></storage>",
    )
    xmppctl("roster", "note", "a@x.test", "new", account=alice).expect()
    found = stored(peer, NOTES)
    assert [child.tag for child in found].count("{other}mine") == 1
    assert found.find("{other}mine").text == "text"
    assert len(found.findall(f"{{{NOTES}}}note")) == 3
    xmppctl("roster", "note", "b@x.test", "--delete", account=alice).expect()
    assert notes(peer) == {"a@x.test": "new"}
    assert stored(peer, NOTES).find("{other}mine") is not None


@pytest.mark.servers("prosody")  # which handles one flight in one go; nothing else is atomic
def test_notes_at_the_same_time_are_all_kept(xmppctl, alice, raw):
    runs = [
        xmppctl.start("roster", "note", f"c{n}@x.test", f"note {n}", account=alice)
        for n in range(4)
    ]
    for run in runs:
        xmppctl.finish(run).expect()
    assert notes(raw(alice)) == {f"c{n}@x.test": f"note {n}" for n in range(4)}


def test_hostile_notes_are_escaped(xmppctl, alice, raw):
    store(
        raw(alice),
        f"<storage xmlns='{NOTES}'><note jid='a@x.test'>&#x9b;31m\u202e</note></storage>",
    )
    out = xmppctl("roster", "notes", account=alice).expect().out
    assert not {"\x9b", "\u202e"} & set(out)


def metas(peer):
    found = stored(peer, META).findall(f"{{{META}}}meta")
    return {meta.get("jid"): (meta.get("tag"), meta.get("order")) for meta in found}


def test_metacontacts(xmppctl, alice, raw):
    peer = raw(alice)
    assert xmppctl("--json", "roster", "meta", "list", account=alice).expect().json() == []
    store(peer, f"<storage xmlns='{META}'><meta jid='z@x.test' tag='alone' x='1'/><o/></storage>")
    run = xmppctl(
        *("--json", "roster", "meta", "set", "ju", "a@x.test", "b@x.test", "--order", "1"),
        account=alice,
    )
    assert run.expect().json() == {
        "tag": "ju",
        "members": [{"jid": "a@x.test", "order": 2}, {"jid": "b@x.test", "order": 1}],
    }
    assert metas(peer) == {
        "z@x.test": ("alone", None),
        "a@x.test": ("ju", "2"),
        "b@x.test": ("ju", "1"),
    }
    # in one only
    xmppctl("roster", "meta", "set", "other", "b@x.test", account=alice).expect()
    assert metas(peer)["b@x.test"] == ("other", None)
    found = xmppctl("--json", "roster", "meta", "list", account=alice).expect().json()
    assert [(each["tag"], len(each["members"])) for each in found] == [
        ("alone", 1),
        ("ju", 1),
        ("other", 1),
    ]
    run = xmppctl("--json", "roster", "meta", "remove", "a@x.test", account=alice)
    assert run.expect().json() == {"jid": "a@x.test", "tag": "ju"}
    run = xmppctl("--json", "roster", "meta", "remove", "a@x.test", account=alice).expect(6)
    assert run.error()["condition"] == "item-not-found"
    xmppctl("roster", "meta", "remove", "a@x.test", "--if-exists", account=alice).expect()
    left = stored(peer, META)
    assert [child.get("x") for child in left if child.get("jid") == "z@x.test"] == ["1"]
    assert any(child.tag.endswith("}o") for child in left)


@pytest.mark.parametrize(
    "args",
    [
        ["set", "t"],
        ["set", "", "a@x.test"],
        ["set", "\x07", "a@x.test"],
        ["set", "t", "a@x.test/r"],
        ["set", "t", "a@x.test", "--order", "-1"],
        ["set", "t", "a@x.test", "b@x.test", "--order", "4294967295"],
        ["remove"],
        ["frobnicate"],
    ],
)
def test_bad_metacontacts_are_refused_without_a_connection(xmppctl, args):
    xmppctl("roster", "meta", *args, jid="a@no.such.host.invalid", password="x").expect(2)


def test_the_delimiter(xmppctl, alice, raw):
    peer = raw(alice)

    def kept():
        return stored(peer, "roster:delimiter", "roster").text or None

    run = xmppctl("--json", "roster", "delimiter", account=alice)
    assert run.expect().json() == {"delimiter": None}
    run = xmppctl("--json", "roster", "delimiter", "--set", "::", account=alice)
    assert run.expect().json() == {"delimiter": "::"}
    assert "warning" not in run.err
    assert kept() == "::"
    run = xmppctl("--json", "roster", "delimiter", "--set", "e", account=alice).expect()
    assert "groups are not nested" in run.err
    assert kept() == "e"
    run = xmppctl("--json", "roster", "delimiter", "--clear", account=alice)
    assert run.expect().json() == {"delimiter": None}
    assert kept() is None
    for args in (["--set", ""], ["--set", "a", "--clear"], ["--set", "\x07"]):
        xmppctl("roster", "delimiter", *args, account=alice).expect(2)


@pytest.mark.parametrize(
    "args",
    [
        ["notes"],
        ["note", "a@x.test", "x"],
        ["meta", "list"],
        ["meta", "set", "t", "a@x.test"],
        ["delimiter"],
        ["delimiter", "--set", "::"],
    ],
)
def test_a_server_without_private_storage(against_fake, args):
    async def script(conn):
        await conn.login()
        while True:
            conn.error(await conn.recv(), "service-unavailable")

    run = against_fake(script, "--json", "roster", *args).expect(7)
    assert "XEP-0049" in run.error()["text"]
    assert json.loads(run.out or "[]") == []
