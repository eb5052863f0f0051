"""OMEMO with a client of another project, in chats and in rooms; and who may read what."""

from __future__ import annotations

import signal

import pytest

from tests.integration import muc

# slixmpp-omemo's own use of deprecated interfaces is no concern of these tests
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

OLD, NEW = "eu.siacs.conversations.axolotl", "urn:xmpp:omemo:2"
PS = "http://jabber.org/protocol/pubsub"


@pytest.fixture
def phone(slix):
    """``phone(bob)``: a slixmpp client of the account that encrypts, and its part for that."""
    # a second that a process without these tests need not spend
    from tests.peers.slixomemo import SlixOmemo

    def make(account):
        client = slix(account)
        return client, SlixOmemo(client)

    return make


def encrypted(client, known=()):
    """The next message that carries something encrypted."""
    return client.wait_message(
        lambda m: (
            m.xml.find(f"{{{OLD}}}encrypted/{{{OLD}}}payload") is not None
            and m["id"] not in known
            and m["type"] != "error"
        )
    )


def node(peer, jid, name):
    """The items of somebody's node, as ``peer`` sees them; the error's condition instead."""
    answer = peer.iq(f"<pubsub xmlns='{PS}'><items node='{name}'/></pubsub>", to=jid)
    if answer.get("type") == "error":
        return next(each.tag.rpartition("}")[2] for each in answer.iter() if "stanzas" in each.tag)
    return {item.get("id"): item[0] for item in answer.iter(f"{{{PS}}}item")}


def test_a_chat_with_another_client(xmppctl, alice, bob, phone, raw, server):
    client, other = phone(bob)
    # one server tells an account of what it has published itself
    listening = xmppctl.start("-o", "jsonl", "listen", "--type", "chat", "--count", "1", "--for",
                              "30s", account=alice)  # fmt: skip
    listening.wait_line("listening as", "err")
    run = xmppctl("--json", "send", "--omemo", bob.jid, "to the phone", account=alice).expect()
    assert run.json()[0]["confirmed"] is True
    assert other.fingerprint in run.err.replace(" ", "") and str(other.device) in run.err
    stanza = encrypted(client)
    assert "to the phone" not in str(stanza)
    assert stanza.xml.find("{urn:xmpp:eme:0}encryption").get("namespace") == OLD
    assert stanza.xml.find("{urn:xmpp:hints}store") is not None
    text, device = other.read(stanza)
    assert text == "to the phone"
    other.write(alice.jid, "back\nin two lines")
    record = listening.wait().expect().jsonl()[0]
    assert record["body"] == "back\nin two lines"
    told = record["encryption"]
    assert {name: told[name] for name in ("ns", "name", "state", "device", "trust")} == {
        "ns": OLD, "name": "OMEMO", "state": "decrypted", "device": other.device, "trust": "blind",
    }  # fmt: skip
    assert told["fingerprint"] == other.fingerprint
    # the second one has an answered session, and tells nothing new
    run = xmppctl("send", "--omemo", bob.jid, "once more", account=alice).expect()
    assert "new OMEMO device" not in run.err
    assert list(xmppctl.home.rglob("*.db")) and not list(xmppctl.home.rglob("*-wal"))
    assert other.read(encrypted(client, {stanza["id"]}))[0] == "once more"
    # a stranger may see the keys, as everybody has to
    stranger = raw(server.account("carol"))
    keys = node(stranger, alice.jid, f"{OLD}.bundles:{device}")["current"]
    assert len(keys.findall(f".//{{{OLD}}}preKeyPublic")) == 100
    for name in (f"{OLD}.devicelist", f"{NEW}:devices"):
        assert str(device) in [
            each.get("id") for each in node(stranger, alice.jid, name)["current"]
        ]
    assert set(node(stranger, alice.jid, f"{NEW}:bundles")) == {str(device)}


@pytest.mark.in_turn
def test_a_room_with_another_client(xmppctl, alice, bob, phone, raw, server):
    room = f"omemo-{alice.local}@{server.conference}"
    owner = raw(alice)
    muc.make(owner, room, membersonly="1", whois="anyone")
    item = f"<item jid='{bob.jid}' affiliation='member'/>"
    query = f"<query xmlns='{muc.NS}#admin'>{item}</query>"
    assert owner.iq(query, type="set", to=room).get("type") == "result"
    client, other = phone(bob)
    client.run(client.plugin("xep_0045").join_muc, room, "bob")
    client.wait_presence(lambda p: p["from"] == f"{room}/bob")
    listening = xmppctl.start("-o", "jsonl", "listen", "--room", room, "--count", "2", "--for",
                              "30s", "--nick", "log", account=alice)  # fmt: skip
    listening.wait_line("listening as", "err")
    run = xmppctl("--json", "muc", "send", "--omemo", room, "to all", account=alice).expect()
    assert run.json()[0]["confirmed"] is True
    stanza = encrypted(client)
    # the client asks its list of occupants, which does not have who has left
    stanza["type"], stanza["from"] = "chat", alice.jid
    assert other.read(stanza)[0] == "to all"
    other.write(room, "from the phone", alice.jid)
    own, theirs = listening.wait().expect().jsonl()
    assert "sent by this device" in own["encryption"]["reason"]
    assert theirs["body"] == "from the phone" and theirs["muc"]["nick"] == "bob"
    assert theirs["encryption"]["device"] == other.device
    # who joins the members without a device keeps the next message from all
    item = f"<item jid='{server.account('carol').jid}' affiliation='member'/>"
    query = f"<query xmlns='{muc.NS}#admin'>{item}</query>"
    assert owner.iq(query, type="set", to=room).get("type") == "result"
    known = len(client.stanzas)
    run = xmppctl("--json", "muc", "send", "--omemo", room, "secret", account=alice).expect(12)
    assert run.error()["condition"] == "no-device"
    assert not any("encrypted" in str(each) for each in client.stanzas[known:])


def test_nothing_goes_in_clear(xmppctl, alice, bob, raw, tmp_path):
    peer = raw(bob)
    peer.send("<presence/>")
    run = xmppctl("--json", "send", "--omemo", bob.jid, "secret", account=alice).expect(12)
    assert run.error()["condition"] == "no-device"
    assert run.json()[0]["acked"] is False
    arguments = ("--subject", "secret", bob.jid, "secret")
    run = xmppctl("--json", "send", "--omemo", *arguments, account=alice).expect(2)
    assert "in clear" in run.error()["text"]
    # a file is not even uploaded
    file = tmp_path / "secret.txt"
    file.write_text("secret")
    run = xmppctl("--json", "--debug-xml", "send", "--omemo", "--file", str(file), bob.jid,
                  account=alice).expect(12)  # fmt: skip
    assert "devicelist" in run.err and "urn:xmpp:http:upload" not in run.err
    xmppctl("send", bob.jid, "end", account=alice).expect()
    message = peer.expect(lambda e: e.tag == muc.MESSAGE and e.findtext("{*}body") is not None)
    assert message.findtext("{*}body") == "end"


@pytest.mark.in_turn
def test_offline_then_out_of_the_archive_each_once(xmppctl, alice, bob):
    made = xmppctl("--json", "omemo", "init", account=bob).expect().json()
    assert made["versions"] == ["0.3", "2"]
    lines = "".join(f"line {number}\n" for number in range(3))
    arguments = ("-q", "send", "--omemo", "--stdin-lines", bob.jid)
    xmppctl(*arguments, account=alice, input=lines).expect()
    arguments = ("--omemo-version", "2", "--subject", "all of it", bob.jid, "new")
    xmppctl("-q", "send", "--omemo", *arguments, account=alice).expect()
    found = xmppctl("-o", "jsonl", "mam", "query", "--last", "2", account=bob).expect().jsonl()
    assert [each["body"] for each in found] == ["line 2", "new"]
    assert found[1]["subject"] == "all of it" and found[1]["encryption"]["ns"] == NEW
    run = xmppctl("-o", "jsonl", "mam", "query", "--all", account=bob).expect()
    states = [(each["encryption"]["state"], each.get("body")) for each in run.jsonl()]
    assert states[:2] == [("decrypted", "line 0"), ("decrypted", "line 1")]
    assert [state for state, _ in states[2:]] == ["undecryptable", "undecryptable"]
    # what was read is no news any more
    run = xmppctl("-o", "jsonl", "listen", "--for", "1s", account=bob).expect()
    assert run.out == ""


@pytest.mark.in_turn
def test_whose_keys_are_used(xmppctl, alice, bob, phone):
    client, other = phone(bob)

    def send(*arguments, code=0):
        return xmppctl("--json", "send", "--omemo", *arguments, bob.jid, "x", account=alice).expect(
            code
        )

    assert send("--trust", "verified", code=12).error()["condition"] == "not-trusted"
    run = xmppctl("--json", "omemo", "verify", bob.jid, other.fingerprint, account=alice)
    assert run.expect().json()[0]["trust"] == "verified"
    send("--trust", "verified")
    # another device of the account is not trusted from now on, nor is it written to
    made = xmppctl("--json", "omemo", "init", account=bob).expect().json()
    assert str(made["device"]) in send().err
    headers = [
        {key.get("rid") for key in each.xml.iter(f"{{{OLD}}}key")}
        for each in client.stanzas
        if each.name == "message" and each.xml.find(f"{{{OLD}}}encrypted") is not None
    ]
    assert headers and all(each == {str(other.device)} for each in headers)
    listed = xmppctl("--json", "omemo", "devices", bob.jid, account=alice).expect().json()
    assert {each["device"]: each["trust"] for each in listed} == {
        other.device: "verified", made["device"]: "undecided",
    }  # fmt: skip
    xmppctl("omemo", "untrust", bob.jid, other.fingerprint, account=alice).expect()
    assert send(code=12).error()["condition"] == "not-trusted"


@pytest.mark.in_turn
def test_runs_at_once_and_one_that_is_killed(xmppctl, alice, bob, phone):
    client, other = phone(bob)
    xmppctl("-q", "send", "--omemo", bob.jid, "first", account=alice).expect()
    arguments = ("-q", "send", "--omemo", bob.jid)
    killed = xmppctl.start("-q", "send", "--omemo", "--stdin-lines", bob.jid, account=alice)
    killed.write("".join(f"killed {number}\n" for number in range(50)))
    encrypted(client)
    runs = [xmppctl.start(*arguments, f"at once {n}", account=alice) for n in range(3)]
    killed.signal(signal.SIGKILL)
    for run in runs:
        run.wait(30).expect()
    xmppctl(*arguments, "last", account=alice).expect()
    seen, texts = set(), []
    while "last" not in texts:
        stanza = encrypted(client, seen)
        seen.add(stanza["id"])
        texts.append(other.read(stanza)[0])  # raises where one cannot be read
    assert {"first", "at once 0", "at once 1", "at once 2"} <= set(texts)
    listed = xmppctl("--json", "omemo", "devices", account=alice).expect().json()
    assert [each["state"] for each in listed] == ["this"]


@pytest.mark.in_turn
def test_the_end_of_a_device(xmppctl, alice, raw, tmp_path):
    made = xmppctl("--json", "omemo", "init", account=alice).expect().json()
    file = tmp_path / "device.json"
    run = xmppctl("--yes", "omemo", "export", "--move", "--out", str(file), account=alice)
    run.expect()
    assert file.stat().st_mode & 0o777 == 0o600
    again = xmppctl("--json", "omemo", "import", str(file), account=alice).expect().json()
    assert again == made
    run = xmppctl("--json", "omemo", "import", str(file), account=alice).expect(11)
    assert run.error()["condition"] == "conflict"
    xmppctl("--json", "omemo", "purge", account=alice).expect(2)
    assert (
        xmppctl("--json", "--yes", "omemo", "purge", account=alice).expect().json()["device"]
        == made["device"]
    )
    peer = raw(alice)
    for name in (f"{OLD}.devicelist", f"{NEW}:devices"):
        assert len(node(peer, alice.jid, name)["current"]) == 0
    assert node(peer, alice.jid, f"{OLD}.bundles:{made['device']}") == "item-not-found"
    assert not node(peer, alice.jid, f"{NEW}:bundles")
    run = xmppctl("--json", "--yes", "omemo", "purge", account=alice).expect(11)
    assert run.error()["condition"] == "no-device"
