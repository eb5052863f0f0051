"""OpenPGP for XMPP: go-sendxmpp reads what is sent, and writes what is read; keys on the server."""

from __future__ import annotations

import base64
import re

import pytest

from tests.peers import gosendxmpp

PS = "http://jabber.org/protocol/pubsub"
OX = "urn:xmpp:openpgp:0"
KEYS = f"{OX}:public-keys"
SECRET = f"{OX}:secret-key"


@pytest.fixture
def go(bob, tmp_path):
    """bob as another client has him, with a key that it made and announced."""
    return gosendxmpp.Ox(bob, tmp_path / "go")


@pytest.fixture
def own_key(xmppctl, alice):
    """alice's key, announced."""
    (record,) = xmppctl("--json", "openpgp", "publish", account=alice).expect().json()
    return record


def read(peer, node, of=None):
    """The answer to a request for the items of a node."""
    return peer.iq(f"<pubsub xmlns='{PS}'><items node='{node}'/></pubsub>", to=of)


def conditions(answer):
    assert answer.get("type") == "error"
    return {each.tag.rpartition("}")[2] for each in answer.find("{jabber:client}error")}


def access(peer, node):
    """Who may read a node, as its owner is told."""
    answer = peer.iq(f"<pubsub xmlns='{PS}#owner'><configure node='{node}'/></pubsub>")
    (found,) = [
        field.findtext("{jabber:x:data}value")
        for field in answer.iter("{jabber:x:data}field")
        if field.get("var") == "pubsub#access_model"
    ]
    return found


def test_another_client_reads_it_and_answers(xmppctl, alice, bob, go, own_key):
    text = "for bob \u2014 <&> \U0001f512"
    sent = xmppctl("--json", "send", "--openpgp", bob.jid, text, account=alice).expect()
    (theirs,) = re.findall(f"new OpenPGP key of {bob.jid}: ([0-9A-F]{{40}})", sent.err)
    heard = go.hear(alice.jid, until=text)
    assert "[OX]" in heard[-1]

    go.send(alice.jid, "for alice")
    run = xmppctl("-o", "jsonl", "listen", "--count", "1", "--for", "15s", account=alice)
    (found,) = run.expect().jsonl()
    assert found["body"] == "for alice"
    told = found["encryption"]
    assert told.pop("time").endswith("Z")
    assert told == {
        "ns": OX, "name": "ox", "state": "decrypted", "mode": "signcrypt", "trust": "blind",
        "trusted": True, "signer": theirs, "valid": True,
    }  # fmt: skip


def test_keys_and_backup_until_they_are_removed(xmppctl, alice, bob, raw, own_key, tmp_path):
    name = own_key["fingerprint"]
    assert (own_key["secret"], own_key["trust"], own_key["announced"]) == (True, "own", True)
    stranger, owner = raw(bob), raw(alice)
    (entry,) = read(stranger, KEYS, alice.jid).iter(f"{{{OX}}}pubkey-metadata")
    assert entry.get("v4-fingerprint") == name == name.upper()
    answer = read(stranger, f"{KEYS}:{name}", alice.jid)
    (data,) = answer.iter(f"{{{OX}}}data")
    assert base64.b64decode(data.text)[0] & 0x80  # binary
    assert f"xmpp:{alice.jid}".encode() in base64.b64decode(data.text)
    for node in (KEYS, f"{KEYS}:{name}"):
        assert access(owner, node) == "open"

    # the account alone can read the backup
    made = xmppctl("--json", "openpgp", "backup", account=alice).expect().json()
    assert (made["fingerprints"], made["replaced"]) == ([name], False)
    assert access(owner, SECRET) == "whitelist"
    (secret,) = read(owner, SECRET).iter(f"{{{OX}}}secretkey")
    assert base64.b64decode(secret.text)
    refused = conditions(read(stranger, SECRET, alice.jid))
    assert refused & {"forbidden", "not-allowed"}
    run = xmppctl(
        "--json", "openpgp", "restore",
        account=alice,
        env={
            "XMPPCTL_STATE_DIR": str(tmp_path / "elsewhere"),
            "XMPPCTL_CODE": made["code"].lower(),
        },
    )  # fmt: skip
    (found,) = run.expect().json()
    assert (found["fingerprint"], found["secret"]) == (name, True)

    # what another client of the account announces stays
    other = "A" * 40
    listing = (
        f"<public-keys-list xmlns='{OX}'><pubkey-metadata v4-fingerprint='{other}' "
        f"date='2020-01-01T00:00:00Z'/><pubkey-metadata v4-fingerprint='{name}' "
        "date='2020-01-01T00:00:00Z'/></public-keys-list>"
    )
    publish = f"<publish node='{KEYS}'><item id='current'>{listing}</item></publish>"
    assert owner.iq(f"<pubsub xmlns='{PS}'>{publish}</pubsub>", type="set").get("type") == "result"
    remove = ("--json", "openpgp", "remove", name, "--backup", "--yes")
    removed = xmppctl(*remove, account=alice).expect().json()
    assert (removed["existed"], removed["backup_removed"]) == (True, True)
    found = read(stranger, KEYS, alice.jid).iter(f"{{{OX}}}pubkey-metadata")
    assert [each.get("v4-fingerprint") for each in found] == [other]
    assert read(stranger, f"{KEYS}:{name}", alice.jid).get("type") == "error"
    assert "item-not-found" in conditions(read(owner, SECRET))


@pytest.mark.in_turn
def test_without_a_key_nothing_is_sent(xmppctl, alice, bob, raw):
    peer = raw(bob)
    peer.send("<presence/>")
    run = xmppctl("--json", "send", "--openpgp", bob.jid, "secret", account=alice).expect(12)
    assert run.error()["name"] == "UNTRUSTED"
    assert run.json()[0]["error"]["condition"] == "no-key"
    raw(alice).send(f"<message to='{bob.jid}'><body>in clear</body></message>")
    assert peer.wait_message().findtext("{jabber:client}body") == "in clear"


@pytest.mark.in_turn
def test_an_answer_that_is_waited_for_and_what_the_archive_has(xmppctl, alice, bob, go, own_key):
    ask = xmppctl.start(
        "--json", "send", "--openpgp", "--wait-reply", "--wait-timeout", "20s", bob.jid, "tea?",
        account=alice,
    )  # fmt: skip
    go.hear(alice.jid, until="tea?")
    go.send(alice.jid, "yes, please")
    answer = xmppctl.finish(ask).expect().json()
    assert (answer["body"], answer["encryption"]["state"]) == ("yes, please", "decrypted")

    # what is there, and what comes in behind it
    run = xmppctl.start(
        "-o", "jsonl", "mam", "query", "--follow", "--for", "10s", "--raw-xml", account=alice
    )
    run.wait_line(r"^listening as", "err")
    go.send(alice.jid, "live")
    run.wait_line("live")
    run.kill()
    mine, theirs, live = [each for each in run.result_so_far().jsonl() if each.get("body")]
    assert (mine["body"], mine["encryption"]["signer"]) == ("tea?", own_key["fingerprint"])
    assert (theirs["body"], theirs["encryption"]["valid"]) == ("yes, please", True)
    assert live["body"] == "live"
    for each in (mine, theirs, live):
        assert each["archive_id"]
        assert each["encryption"]["state"] == "decrypted"
        assert each["body"] not in each["raw_xml"]
