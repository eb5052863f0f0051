"""`xmppctl account export` and `import`: all data of an account as a file, and into another one."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from tests.integration.portable import (
    PHOTO,
    PIE,
    PS,
    access,
    contacts,
    exported,
    fill,
    ids,
    stored,
    write,
)
from tests.servers.base import Account, Server

KNOWN = {"part", "target", "total", "done", "skipped", "reason", "error"}


@pytest.fixture
def other(server: Server, prosody: Server, ejabberd: Server) -> Server:
    """The server that an account is moved to."""
    return ejabberd if server is prosody else prosody


def test_an_account_moves_to_the_other_server(xmppctl, alice, bob, raw, server, other, tmp_path):
    old = raw(alice, "old")
    fill(old, bob.jid)
    write(old, bob.jid, "one", "two & <three>")
    path = tmp_path / "alice.xml"
    command = ("--private-element", "prefs", "example:prefs", "--page-size", "1")
    root = exported(xmppctl, alice, path, *command)
    assert path.stat().st_mode & 0o777 == 0o600
    (host,) = root
    (user,) = host
    assert (host.get("jid"), user.get("name")) == (server.domain, alice.local)
    assert alice.password not in path.read_text()
    bodies = [each.text for each in user.iter("{jabber:client}body")]
    assert bodies == ["one", "two & <three>"]
    stamps = [each.get("stamp") for each in user.iter("{urn:xmpp:delay}delay")]
    assert len(stamps) == 2
    assert stamps == sorted(stamps)
    results = list(user.iter("{urn:xmpp:mam:2}result"))
    assert [set(each.attrib) for each in results] == [{"id"}] * 2

    moved = other.account("moved")
    run = xmppctl("--json", "account", "import", str(path), "--dry-run", account=moved).expect()
    planned = {(each["part"], each["target"]): each["done"] for each in run.json()}
    new = raw(moved, "new")
    assert contacts(new) == {}
    run = xmppctl("--json", "account", "import", str(path), account=moved).expect()
    records = run.json()
    assert all(set(each) == KNOWN for each in records)
    found = {(each["part"], each["target"]): each for each in records}
    assert found["roster", None]["done"] == 2
    assert found["vcard", None]["done"] == 1
    assert found["blocking", None]["done"] == 1
    assert found["private", "{example:prefs}prefs"]["done"] == 1
    assert found["pep", "example:secret"]["done"] == 3
    assert (found["mam", None]["total"], found["mam", None]["skipped"]) == (2, 2)
    assert "archive" in found["mam", None]["reason"]
    assert planned["pep", "example:secret"] == 3
    # another client sees it
    roster = contacts(new)
    assert roster["romeo@montague.test"].get("name") == "Romeo"
    assert roster["romeo@montague.test"][0].text == "Friends"
    assert roster[bob.jid].get("name") == "Friend & co"
    assert stored(new, "<prefs xmlns='example:prefs'/>")[0].text == "d"
    notes = stored(new, "<storage xmlns='storage:rosternotes'/>")
    assert [(each.get("jid"), each.text) for each in notes] == [("romeo@montague.test", "a\nnote")]
    rooms = stored(new, "<storage xmlns='storage:bookmarks'/>")
    assert [each.get("jid") for each in rooms] == ["play@rooms.test"]
    card = new.iq("<vCard xmlns='vcard-temp'/>")[0]
    assert card.findtext("{vcard-temp}FN") == "Juliet"
    assert card.findtext("{vcard-temp}PHOTO/{vcard-temp}BINVAL") == PHOTO
    blocked = new.iq("<blocklist xmlns='urn:xmpp:blocking'/>")[0]
    assert [each.get("jid") for each in blocked] == ["tybalt@capulet.test"]
    assert ids(new, "example:secret") == ["i0", "i1", "i2"]
    assert ids(new, "example:public") == ["current"]
    assert access(new, "example:secret") == "whitelist"
    assert access(new, "example:public") == "open"
    answer = new.iq(f"<pubsub xmlns='{PS}#owner'><affiliations node='example:secret'/></pubsub>")
    found = {
        each.get("jid"): each.get("affiliation")
        for each in answer.iter(f"{{{PS}#owner}}affiliation")
    }
    assert found == {bob.jid: "member", moved.jid: "owner"}
    # once more: nothing is left to do
    run = xmppctl("--json", "account", "import", str(path), account=moved).expect()
    assert [each for each in run.json() if each["done"]] == []


@pytest.mark.servers("ejabberd")
def test_ejabberd_reads_an_export_and_is_read(xmppctl, alice, bob, raw, server, tmp_path):
    client = raw(alice, "x")
    fill(client, bob.jid)
    write(raw(bob, "y"), alice.jid, "it waits")
    path = tmp_path / "alice.xml"
    root = exported(xmppctl, alice, path)
    (waiting,) = root.iter(f"{PIE}offline-messages")
    (message,) = waiting
    assert message.findtext("{jabber:client}body") == "it waits"
    assert message.find("{http://jabber.org/protocol/offline}offline") is None
    # into another account of the server, by its own importer
    carol = server.account("carol")
    path.write_text(path.read_text().replace(f"'{alice.local}'", f"'{carol.local}'"))
    assert server.api("import_piefxis", file=str(path)) == 0
    new = raw(carol, "new")
    assert set(contacts(new)) == {"romeo@montague.test", bob.jid}
    assert new.iq("<vCard xmlns='vcard-temp'/>")[0].findtext("{vcard-temp}FN") == "Juliet"
    blocked = new.iq("<blocklist xmlns='urn:xmpp:blocking'/>")[0]
    assert [each.get("jid") for each in blocked] == ["tybalt@capulet.test"]
    # and what it writes: a file for each host, named by another one
    directory = tmp_path / "all"
    directory.mkdir()
    server.api("export_piefxis", dir=str(directory))
    (main,) = [each for each in directory.iterdir() if "_" not in each.name]
    dave = server.account("dave")
    run = xmppctl("--json", "account", "import", str(main), account=dave).expect(2)
    assert "--user" in run.error()["hint"]
    args = ("--json", "account", "import", str(main), "--user", alice.jid)
    run = xmppctl(*args, account=dave).expect()
    found = {(each["part"], each["target"]): each for each in run.json()}
    assert found["roster", None]["done"] == 2
    assert found["offline", None]["skipped"] == 1
    assert found["blocking", None]["done"] == 1
    other = raw(dave, "other")
    assert set(contacts(other)) == {"romeo@montague.test", bob.jid}


@pytest.mark.servers("prosody")
def test_prosody_works_with_an_export_and_is_read(xmppctl, alice, bob, raw, server, tmp_path):
    fill(raw(alice, "x"), bob.jid)
    path = tmp_path / "alice.xml"
    exported(xmppctl, alice, path, "--private-element", "prefs", "example:prefs")
    # the file is the account's whole storage
    juliet = Account(f"{alice.local}@{server.hosts['portable']}", "pw", server)
    kept = server.directory / "data" / f"{juliet.jid}.xml"
    kept.write_text(
        path.read_text()
        .replace(f"<host jid='{server.domain}'>", f"<host jid='{server.hosts['portable']}'>")
        .replace(f"<user name='{alice.local}'>", f"<user name='{alice.local}' password='pw'>")
    )
    client = raw(juliet, "y")
    assert set(contacts(client)) == {"romeo@montague.test", bob.jid}
    assert stored(client, "<prefs xmlns='example:prefs'/>")[0].text == "d"
    assert client.iq("<vCard xmlns='vcard-temp'/>")[0].findtext("{vcard-temp}FN") == "Juliet"
    assert access(client, "example:secret") == "whitelist"
    assert access(client, "example:public") == "open"
    item = "<item jid='new@x.test' name='New'/>"
    client.iq(f"<query xmlns='jabber:iq:roster'>{item}</query>", type="set")
    # it has written the file anew
    carol = server.account("carol")
    run = xmppctl("--json", "account", "import", str(kept), account=carol).expect()
    found = {(each["part"], each["target"]): each for each in run.json()}
    assert found["roster", None]["done"] == 3
    assert found["pep", "example:secret"]["done"] == 3
    new = raw(carol, "new")
    assert contacts(new)["new@x.test"].get("name") == "New"
    assert access(new, "example:secret") == "whitelist"


def test_the_archive_alone(xmppctl, alice, bob, raw, tmp_path):
    client = raw(alice, "x")
    write(client, bob.jid, *map(str, range(5)))
    command = ("mam", "export", "--as", "227", "--page-size", "2")
    run = xmppctl(*command, account=alice).expect()
    bodies = [each.text for each in fromstring(run.out).iter("{jabber:client}body")]
    assert bodies == list("01234")
    path = tmp_path / "a.xml"
    xmppctl(*command, "--out", str(path), "--with", "x@y.test", account=alice).expect()
    root = fromstring(path.read_text())
    assert root[0][0].get("name") == alice.local
    assert len(root[0][0]) == 0
    for more in (["--room", "r@x.test"], ["--dir", str(tmp_path)]):
        xmppctl(*command, *more, account=alice).expect(2)


# --- what a server may say, and files may hold ---------------------------------------------------

DISCO = "http://jabber.org/protocol/disco"


def refusing(*names):
    """A server that refuses what is asked in these namespaces, and has nothing else."""

    async def script(conn):
        await conn.login()
        while True:
            iq = await conn.recv()
            namespace = iq[0].tag[1:].partition("}")[0]
            if namespace in names:
                conn.error(iq, "internal-server-error")
            elif namespace == f"{DISCO}#items":
                conn.result(iq, f"<query xmlns='{DISCO}#items'/>")
            elif namespace == f"{DISCO}#info":
                feature = "<feature var='http://jabber.org/protocol/offline'/>"
                conn.result(iq, f"<query xmlns='{DISCO}#info'>{feature}</query>")
            elif namespace == "jabber:iq:roster":
                conn.result(iq, "<query xmlns='jabber:iq:roster'><item jid='a@x.test'/></query>")
            elif namespace == "urn:xmpp:blocking":
                conn.result(iq, "<blocklist xmlns='urn:xmpp:blocking'/>")
            elif namespace == "urn:xmpp:mam:2":
                conn.result(iq, "<fin xmlns='urn:xmpp:mam:2' complete='true'/>")
            elif namespace == "jabber:iq:private":
                conn.result(iq, "<query xmlns='jabber:iq:private'/>")
            else:
                conn.result(iq)

    return script


def test_what_could_not_be_read_is_told(against_fake, tmp_path):
    path = tmp_path / "f.xml"
    script = refusing("vcard-temp", "jabber:iq:private")
    run = against_fake(script, "--json", "account", "export", "--out", str(path)).expect(9)
    assert run.error()["condition"] == "internal-server-error"
    assert "the vCard" in run.err
    assert "the private storage" in run.err
    assert [each.get("jid") for each in fromstring(path.read_text()).iter("{jabber:iq:roster}item")]
    path.unlink()
    run = against_fake(script, "account", "export", "--vcard", "--out", str(path)).expect(6)
    assert list(tmp_path.glob("*.xml")) == []
    run = against_fake(refusing(), "account", "export").expect()
    assert "1 contact" in run.err


MAM, RSM = "urn:xmpp:mam:2", "http://jabber.org/protocol/rsm"


def test_an_archive_that_breaks_off(against_fake, tmp_path):
    """What came is a whole file, and that it is not all is told."""

    async def script(conn):
        await conn.login()
        pages = 0
        while True:
            iq = await conn.recv()
            pages += 1
            if pages == 2:
                conn.error(iq, "internal-server-error")
                continue
            name = iq[0].get("queryid")
            message = "<message xmlns='jabber:client'><body>one</body></message>"
            conn.send(
                f"<message to='alice@fake.test/r'><result xmlns='{MAM}' queryid='{name}' id='1'>"
                f"<forwarded xmlns='urn:xmpp:forward:0'>{message}</forwarded></result></message>"
            )
            page = f"<set xmlns='{RSM}'><first>1</first><last>1</last></set>"
            conn.result(iq, f"<fin xmlns='{MAM}'>{page}</fin>")

    run = against_fake(script, "--json", "account", "export", "--mam").expect(9)
    assert run.error()["condition"] == "internal-server-error"
    assert [each.text for each in fromstring(run.out).iter("{jabber:client}body")] == ["one"]


def test_silence_leaves_no_file(against_fake, tmp_path):
    async def script(conn):
        await conn.login()
        await conn.until_closed()

    path = tmp_path / "f.xml"
    command = ("account", "export", "--out", str(path), "--timeout", "500ms")
    against_fake(script, *command).expect(8)
    assert list(tmp_path.glob("*xml*")) == []
