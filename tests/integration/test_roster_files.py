"""`roster export`, `import`, `diff` against real servers; another client reads the list."""

import json
import os
import pty
import stat
import subprocess

import pytest

from tests.peers.process import EXECUTABLE, way_options
from tests.servers.fake import FakeServer

pytestmark = pytest.mark.in_turn

ROSTER = "<query xmlns='jabber:iq:roster'/>"
ITEM = ".//{jabber:iq:roster}item"
GROUP = "{jabber:iq:roster}group"
FILE = """juliet@x.test,"Capulet, Juliet",friends,"a, b"
romeo@x.test

gate.x.test,,transports
"""


def listed(peer):
    """The contacts as another client gets them: name and groups by JID."""
    return {
        item.get("jid"): (item.get("name"), sorted(group.text for group in item.findall(GROUP)))
        for item in peer.iq(ROSTER).findall(ITEM)
    }


def actions(run):
    return {record["jid"]: record["action"] for record in run.json()}


WANTED = {
    "juliet@x.test": ("Capulet, Juliet", ["a, b", "friends"]),
    "romeo@x.test": (None, []),
    "gate.x.test": (None, ["transports"]),
}


def test_import_is_idempotent_and_changes_only_what_differs(xmppctl, alice, raw):
    run = xmppctl("--json", "roster", "import", "-", "--dry-run", account=alice, input=FILE)
    assert actions(run.expect()) == dict.fromkeys(WANTED, "added")
    peer = raw(alice)
    assert listed(peer) == {}
    run = xmppctl("--json", "roster", "import", "-", account=alice, input=FILE).expect()
    assert run.json()[0] == {
        "jid": "juliet@x.test",
        "action": "added",
        "asked": None,
        "error": None,
    }
    assert listed(peer) == WANTED
    again = FILE.replace("romeo@x.test", "romeo@x.test,Romeo")
    run = xmppctl("--json", "roster", "diff", "-", account=alice, input=again).expect()
    assert run.json() == [
        {
            "jid": "romeo@x.test",
            "change": "change",
            "name": "Romeo",
            "old_name": None,
            "groups": [],
            "old_groups": [],
            "error": None,
        }
    ]
    run = xmppctl("--json", "roster", "import", "-", account=alice, input=again).expect()
    assert list(actions(run).values()) == ["unchanged", "changed", "unchanged"]
    assert peer.recv().find(ITEM).get("jid") == "romeo@x.test"
    peer.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert peer.recv().get("id") == "p"  # and no push of what was so already
    assert listed(peer)["romeo@x.test"] == ("Romeo", [])


@pytest.mark.parametrize("form", ["json", "csv", "list"])
def test_from_one_server_to_the_other_and_back(xmppctl, prosody, ejabberd, raw, form, tmp_path):
    one, two, three = prosody.account("a"), ejabberd.account("b"), prosody.account("c")
    xmppctl("roster", "import", "-", account=one, input=FILE).expect()
    out = xmppctl("-o", "plain", "roster", "export", "--as", form, account=one).expect().out
    xmppctl("roster", "import", "-", account=two, input=out).expect()
    assert listed(raw(two)) == WANTED
    path = tmp_path / f"contacts.{form}"
    xmppctl("roster", "export", "--as", form, "--out", str(path), account=two).expect()
    xmppctl("roster", "import", str(path), "--as", form, account=three).expect()
    assert listed(raw(three)) == WANTED
    assert xmppctl("--json", "roster", "diff", str(path), account=three).expect().json() == []
    assert sorted(path.read_text().splitlines()) == sorted(out.splitlines())


def test_export_into_a_file(xmppctl, alice, tmp_path):
    path = tmp_path / "contacts.json"
    xmppctl("roster", "import", "-", account=alice, input=FILE).expect()
    run = xmppctl("-o", "csv", "roster", "export", "--out", str(path), account=alice).expect()
    assert (run.out, run.err) == ("", "3 contacts exported\n")
    assert [record["jid"] for record in json.loads(path.read_text())] == sorted(WANTED)
    assert {each.name for each in tmp_path.iterdir()} == {path.name, "home"}
    run = xmppctl("roster", "export", "--out", "-", account=alice).expect()
    assert json.loads(run.out) == json.loads(path.read_text())
    xmppctl("roster", "remove", *sorted(WANTED)[1:], account=alice).expect()
    run = xmppctl("roster", "export", "--as", "list", account=alice).expect()
    assert run.err == "1 contact exported\n"
    path.write_text("kept")
    path.chmod(0o600)
    bad = xmppctl("roster", "export", "--out", str(path), account=alice, password="wrong")
    bad.expect(4)
    assert path.read_text() == "kept"
    run = xmppctl("--json", "roster", "export", "--out", "no/such/dir", account=alice).expect(11)
    assert run.error()["by"] == "no/such/dir"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_bad_line_is_a_record_of_its_own(xmppctl, alice, raw):
    text = b"a@x.test\nnot a jid@@\n\xff@x.test\nb@x.test/r\nb@x.test\n" + alice.jid.encode()
    run = xmppctl("--json", "roster", "import", "-", account=alice, input=text).expect(9)
    records = run.json()
    assert [r["action"] for r in records] == ["added", None, None, None, "added", None]
    assert "line 2" in records[1]["error"]["text"]
    assert sorted(listed(raw(alice))) == ["a@x.test", "b@x.test"]
    # a file that cannot be read whole must not cost a contact
    for given in (text, b"", b"[]"):
        run = xmppctl("roster", "import", "-", "--prune", "--yes", account=alice, input=given)
        run.expect(2)
    assert sorted(listed(raw(alice))) == ["a@x.test", "b@x.test"]


def test_prune(xmppctl, alice, raw):
    xmppctl("roster", "import", "-", account=alice, input=FILE).expect()
    text = "romeo@x.test\nnew@x.test\n"
    args = ["--json", "roster", "import", "-", "--prune"]
    run = xmppctl(*args, "--dry-run", account=alice, input=text).expect()
    assert actions(run) == {
        "romeo@x.test": "unchanged",
        "new@x.test": "added",
        "gate.x.test": "removed",
        "juliet@x.test": "removed",
    }
    xmppctl(*args, account=alice, input=text).expect(2)
    peer = raw(alice)
    assert listed(peer) == WANTED
    run = xmppctl("--json", "roster", "diff", "-", account=alice, input=text).expect()
    assert {r["jid"]: r["change"] for r in run.json()} == {
        "new@x.test": "add",
        "gate.x.test": "remove",
        "juliet@x.test": "remove",
    }
    xmppctl(*args, "--yes", account=alice, input=text).expect()
    assert sorted(listed(peer)) == ["new@x.test", "romeo@x.test"]


def test_presence_is_asked_for(xmppctl, alice, bob, raw):
    bobs = raw(bob)
    bobs.iq(ROSTER)
    bobs.send("<presence/>")
    carol = alice.server.account("carol")
    text = json.dumps(
        [{"jid": bob.jid, "subscription": "both"}, {"jid": carol.jid, "subscription": "from"}]
    )
    args = ["--json", "roster", "import", "-", "--subscribe"]
    run = xmppctl(*args, account=alice, input=text).expect()
    assert [record["asked"] for record in run.json()] == [True, None]
    request = bobs.expect(lambda e: e.get("type") == "subscribe")
    assert request.get("from") == alice.jid
    states = {i.get("jid"): i.get("ask") for i in raw(alice).iq(ROSTER).findall(ITEM)}
    assert states == {bob.jid: "subscribe", carol.jid: None}
    run = xmppctl(*args, account=alice, input=text).expect()  # it is asked for already
    assert [(r["action"], r["asked"]) for r in run.json()] == [("unchanged", None)] * 2


def test_hundreds(xmppctl, alice, raw):
    text = "".join(f"c{n:04}@x.test,C {n},g{n % 7}\n" for n in range(200))
    args = ["-o", "jsonl", "roster", "import", "-"]
    run = xmppctl(*args, account=alice, input=text, timeout=120).expect()
    assert len(run.out.splitlines()) == 200
    assert len(listed(raw(alice))) == 200
    run = xmppctl(*args, account=alice, input=text).expect()
    assert {json.loads(line)["action"] for line in run.out.splitlines()} == {"unchanged"}


def test_how_far_it_is_on_a_terminal(xmppctl, alice, tmp_path):
    path = tmp_path / "contacts.txt"
    path.write_text("a@x.test\nb@x.test\n")
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [
                *(EXECUTABLE, "-j", alice.jid, *way_options(alice.server)),
                *("-o", "plain", "roster", "import", path),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=theirs,
            env={**xmppctl.environment(), "XMPPCTL_PASSWORD": alice.password},
            timeout=30,
        )
        told = os.read(ours, 4096)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (done.returncode, done.stdout) == (0, b"a@x.test\nb@x.test\n")
    assert b"\rcontacts: 2 of 2" in told
    assert told.rpartition(b"contacts: 2 of 2")[2].strip(b"\r ") == b""  # nothing of it remains


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["import", "/no/such/file"], 11),
        (["diff", "/no/such/file"], 11),
        (["import", "-", "--as", "json"], 2),
        (["import", "-", "--as", "csv"], 2),
        (["import"], 2),
        (["export", "--as", "xml"], 2),
    ],
)
def test_bad_arguments_are_refused_without_a_connection(xmppctl, args, code):
    run = xmppctl("roster", *args, jid="a@no.such.host.invalid", password="x", input="nonsense")
    run.expect(code)


def test_hostile_names_on_a_terminal_and_in_tables(xmppctl, alice):
    text = json.dumps([{"jid": "a@x.test", "name": "\x9b31m\u202e", "groups": ["\u2066"]}])
    xmppctl("roster", "import", "-", account=alice, input=text).expect()
    out = xmppctl("roster", "diff", "-", account=alice, input="b@x.test").expect().out
    assert not {"\x9b", "\u202e", "\u2066"} & set(out)
    out = xmppctl("roster", "export", account=alice).expect().out
    assert not {"\x9b", "\u202e", "\u2066"} & set(out)  # JSON has its own escapes
    assert json.loads(out)[0]["name"] == "\x9b31m\u202e"


def test_what_was_done_before_the_stream_ended_is_told(authority, xmppctl):
    async def script(conn):
        await conn.login()
        conn.result(await conn.recv(), ROSTER)
        conn.result(await conn.recv())
        await conn.recv()
        conn.send("<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>")
        conn.send("</stream:error></stream:stream>")

    with FakeServer("fake.test", authority.issue("fake.test"), script) as server:
        run = xmppctl(
            *("--json", "roster", "import", "-"),
            jid="alice@fake.test",
            password="x",
            connect=server.address,
            ca_file=authority.ca_file,
            input="a@x.test\nb@x.test\nc@x.test\n",
        ).expect(9)
    records = run.json()
    assert [r["action"] for r in records] == ["added", None, None]
    assert [r["error"] and r["error"]["name"] for r in records] == [None, "CONNECT", "CONNECT"]
