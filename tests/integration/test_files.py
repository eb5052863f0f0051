"""Files and URLs of messages: sent, shown, kept and fetched; the other side is slixmpp."""

import base64
import hashlib

import pytest

from tests.integration.failing import failure
from tests.integration.uploading import look
from xmppctl.errors import Exit

pytestmark = pytest.mark.in_turn

URL = "https://upload.example.org/4a77/summit.jpg"
DATA = b"\x89PNG\r\n\x1a\n of a kind"
NAME = f"{hashlib.sha256(DATA).hexdigest()}.png"
CID = f"sha1+{hashlib.sha1(DATA).hexdigest()}@bob.xmpp.org"
OOB = "{jabber:x:oob}"
SHARING = "{urn:xmpp:sfs:0}file-sharing"
FILE = "{urn:xmpp:file:metadata:0}"
BOB = "{urn:xmpp:bob}data"


def data_element(content=DATA, cid=CID):
    text = base64.b64encode(content).decode()
    return f"<data xmlns='urn:xmpp:bob' cid='{cid}' type='image/png' max-age='0'>{text}</data>"


@pytest.fixture
def peer(slix, bob):
    """bob with slixmpp's own plugins for files."""
    client = slix(bob)
    for name in ("xep_0066", "xep_0231", "xep_0447", "xep_0385"):
        client.run(client.client.register_plugin, name)
    client.send_presence()
    client.wait_presence(lambda p: str(p["from"]) == client.jid)
    return client


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "dot.png"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def listening(xmppctl, alice):
    def start(*args):
        run = xmppctl.start("-v", "-o", "jsonl", "listen", *args, account=alice)
        run.wait_line(r"^listening as (\S+)$", "err")
        return run

    return start


# --- out ----------------------------------------------------------------------------------------


def test_a_file_is_uploaded_and_sent(xmppctl, alice, bob, peer, picture, server):
    other = server.account("carol").jid
    args = ("send", bob.jid, other, "--file", str(picture), "hi")
    run = xmppctl("--json", *args, account=alice)
    assert [each["confirmed"] for each in run.expect().json()] == [True, True]
    url = peer.wait_message()["oob"]["url"]
    assert look(url, server.ca_file)[0] == DATA
    xmppctl("--json", "send", bob.jid, "--file", str(picture), account=alice).expect()
    message = peer.wait_message(lambda m: m["body"].endswith("/dot.png"))
    assert message["oob"]["url"] == message["body"]
    assert message.xml.find(SHARING) is None
    args = ("--file", str(picture), "--sfs", "look at this")
    xmppctl("--json", "send", bob.jid, *args, account=alice).expect()
    message = peer.wait_message(lambda m: m["body"] == "look at this")
    described = message.xml.find(f"{SHARING}/{FILE}file")
    assert described.findtext(f"{FILE}name") == "dot.png"
    assert described.findtext(f"{FILE}size") == str(len(DATA))
    assert message.xml.find("{urn:xmpp:fallback:0}fallback") is None


def test_a_file_that_cannot_be_uploaded_is_not_sent(xmppctl, alice, bob, server, tmp_path):
    big = tmp_path / "big"
    big.write_bytes(bytes(server.upload_limit + 1))
    run = xmppctl("--json", "send", bob.jid, "--file", str(big), "look", account=alice)
    error = failure(run, Exit.REFUSED, "slot", "file-too-large")
    assert (error["limit"], error["by"]) == (server.upload_limit, server.upload)


def test_a_url_with_its_description(xmppctl, alice, bob, peer):
    args = ("--oob-url", URL, "--oob-desc", "from the summit")
    xmppctl("--json", "send", bob.jid, *args, account=alice).expect(0)
    message = peer.wait_message()
    assert (message["body"], message["oob"]["url"], message["oob"]["desc"]) == (
        URL, URL, "from the summit"
    )  # fmt: skip
    xmppctl("--json", "send", bob.jid, "look", *args, account=alice).expect(0)
    message = peer.wait_message(lambda m: m["body"] == "look")
    assert message["oob"]["url"] == URL


def test_a_file_that_is_somewhere(xmppctl, alice, bob, peer):
    digest = hashlib.sha256(DATA).hexdigest()
    xmppctl("--json", "send", bob.jid, "--file-url", URL, "--file-name", "summit.jpg",
            "--file-size", str(len(DATA)), "--file-type", "image/jpeg",
            "--file-hash", f"sha-256:{digest}", account=alice).expect(0)  # fmt: skip
    message = peer.wait_message()
    assert (message["body"], message["oob"]["url"]) == (URL, URL)
    (source,) = message["sfs"]["sources"]["substanzas"]
    assert source["target"] == URL
    file = message["sfs"]["file"]
    assert (file["name"], file["size"], file["media-type"]) == (
        "summit.jpg", len(DATA), "image/jpeg"
    )  # fmt: skip
    assert base64.b64decode(file.xml.findtext("{urn:xmpp:hashes:2}hash")).hex() == digest


def test_data_within_a_message(xmppctl, alice, bob, peer, picture):
    run = xmppctl("--json", "send", bob.jid, "--bob", str(picture), "a dot", account=alice)
    run.expect(0)
    message = peer.wait_message()
    assert (message["body"], message["bob"]["type"]) == ("a dot", "image/png")
    assert message["bob"]["data"] == DATA
    assert message["bob"]["cid"] == CID
    xmppctl("--json", "send", bob.jid, "--bob", str(picture), account=alice).expect(0)
    message = peer.wait_message(lambda m: m.xml.find(BOB) is not None and not m["body"])
    assert message["bob"]["data"] == DATA


def test_in_a_room_and_to_one_in_it(xmppctl, alice, room, peer, picture):
    peer.create_muc(room, "host")
    args = ("--nick", "alice", "--oob-url", URL, "--bob", str(picture))
    xmppctl("--json", "muc", "send", room, *args, account=alice).expect(0)
    xmppctl("--json", "muc", "pm", room, "host", *args, account=alice).expect(0)
    for kind in ("groupchat", "chat"):
        message = peer.wait_message(lambda m, kind=kind: m["type"] == kind and m["body"])
        assert (message["body"], message["oob"]["url"]) == (URL, URL)
        assert message["bob"]["data"] == DATA


# --- in -----------------------------------------------------------------------------------------


def test_what_another_client_shares(xmppctl, alice, peer, listening):
    run = listening("--count", "3")

    def share():
        message = peer.client.make_message(mto=alice.jid, mbody=URL, mtype="chat")
        message["oob"]["url"] = URL
        message.send()
        message = peer.client.make_message(mto=alice.jid, mbody=URL, mtype="chat")
        message["oob"]["url"] = URL
        sfs = peer.plugin("xep_0447").get_sfs(
            data=DATA, uris=[URL], media_type="image/jpeg", desc="summit", disposition="inline"
        )
        message.append(sfs)
        message.send()
        message = peer.client.make_message(mto=alice.jid, mbody="view", mtype="chat")
        sims = peer.plugin("xep_0385").get_sims(data=DATA, uris=[URL], media_type="image/png")
        message.append(sims)
        message.send()

    peer.run(share)
    plain, sfs, sims = xmppctl.finish(run).expect(0).jsonl()
    assert plain["oob"] == sfs["oob"] == [{"url": URL}]
    assert plain["files"] == [{"source": "oob", "urls": [URL]}]
    facts = {"size": len(DATA), "urls": [URL]}
    hashes = {"sha-256": hashlib.sha256(DATA).hexdigest()}
    (found,) = sfs["files"]
    assert hashes.items() <= found.pop("hashes").items()
    assert found == {
        "source": "sfs", "media_type": "image/jpeg", "desc": "summit", "disposition": "inline",
        **facts,
    }  # fmt: skip
    (found,) = sims["files"]
    assert hashes.items() <= found.pop("hashes").items()
    assert found == {"source": "sims", "media_type": "image/png", **facts}


def test_data_within_messages_are_kept(xmppctl, alice, bob, peer, listening, tmp_path):
    media = tmp_path / "media"
    run = listening("--count", "2", "--matching", "dot", "--media-dir", str(media))
    forged = data_element(b"something else")
    for body, inside in (
        ("not wanted", data_element(b"", f"sha1+{hashlib.sha1().hexdigest()}@bob.xmpp.org")),
        ("a dot", data_element()),
        ("a forged dot", forged + data_element()),
    ):
        peer.send_raw(
            f"<message to='{alice.jid}' type='chat'><body>{body}</body>{inside}</message>"
        )
    result = xmppctl.finish(run).expect(0)
    path = str(media / NAME)
    for record in result.jsonl():
        assert record["files"] == [
            {
                "source": "bob",
                "size": len(DATA),
                "media_type": "image/png",
                "hashes": {"sha-1": hashlib.sha1(DATA).hexdigest()},
                "urls": [f"cid:{CID}"],
                "path": path,
            }
        ]
    assert "ignored data within a message" in result.err
    assert [each.name for each in media.iterdir()] == [NAME]
    assert (media / NAME).read_bytes() == DATA


def test_a_directory_for_them_that_cannot_be(xmppctl, alice, tmp_path):
    (tmp_path / "file").touch()
    directory = str(tmp_path / "file" / "media")
    for command in (["listen", "--for", "1s"], ["mam", "query"]):
        run = xmppctl("--json", *command, "--media-dir", directory, account=alice)
        assert run.expect(11).error()["step"] == "output"


def test_from_an_archive(xmppctl, alice, bob, peer, tmp_path):
    peer.send_raw(
        f"<message to='{alice.jid}' type='chat'><body>{URL}</body>{data_element()}"
        f"<x xmlns='jabber:x:oob'><url>{URL}</url></x></message>"
    )
    # the answer comes when the message was processed
    peer.run(peer.plugin("xep_0199").ping, alice.jid)
    media = tmp_path / "media"
    run = xmppctl("--json", "mam", "query", "--media-dir", str(media), account=alice)
    (record,) = run.expect(0).json()
    embedded, shared = record["files"]
    assert shared == {"source": "oob", "urls": [URL]}
    assert embedded["path"] == str(media / NAME)
    assert (media / NAME).read_bytes() == DATA
    # once more, and without: nothing is written
    one = xmppctl("--json", "mam", "query", "--ids", record["archive_id"],
                  "--media-dir", str(media), account=alice)  # fmt: skip
    assert one.expect(0).json()[0]["files"] == record["files"]
    (record,) = xmppctl("--json", "mam", "query", account=alice).expect(0).json()
    assert "path" not in record["files"][0]
    run = xmppctl("mam", "query", "--count", "--media-dir", str(media), account=alice)
    assert "--media-dir" in run.expect(2).err


def test_a_room_shows_them(xmppctl, alice, room, peer):
    peer.create_muc(room, "host")
    run = xmppctl.start("-o", "jsonl", "muc", "join", room, "--nick", "ear", "--count", "1",
                        account=alice)  # fmt: skip
    run.wait_line(r"^listening as (\S+)$", "err")
    peer.send_raw(
        f"<message to='{room}' type='groupchat'><body>{URL}</body>"
        f"<x xmlns='jabber:x:oob'><url>{URL}</url></x></message>"
    )
    records = xmppctl.finish(run).expect(0).jsonl()
    (said,) = [record for record in records if record.get("body") == URL]
    assert said["files"] == [{"source": "oob", "urls": [URL]}]


# --- fetched ------------------------------------------------------------------------------------


def test_data_are_asked_of_who_has_them(xmppctl, alice, peer, tmp_path):
    cid = peer.run(peer.plugin("xep_0231").set_bob, DATA, "image/png")
    assert cid == CID
    run = xmppctl("--json", "fetch", f"cid:{cid}", "--from", peer.jid, account=alice)
    record = run.expect(0).json()
    assert record == {
        "url": f"cid:{CID}",
        "file": NAME,
        "size": len(DATA),
        "type": "image/png",
        "sha256": hashlib.sha256(DATA).hexdigest(),
        "verified": "sha-1",
    }
    assert (xmppctl.home / NAME).read_bytes() == DATA
    # what is there already stays, without a question
    path = tmp_path / "mine"
    path.write_bytes(b"mine")
    args = ("fetch", "--from", peer.jid, "--out", str(path), f"cid:{cid}")
    run = xmppctl("--json", *args, account=alice)
    assert run.expect(11).error()["condition"] == "file-exists"
    xmppctl(*args, "--force", "--verify", f"sha-256:{record['sha256']}", account=alice).expect(0)
    assert path.read_bytes() == DATA
    run = xmppctl("fetch", "--from", peer.jid, "--out", "-", "-", account=alice,
                  input=f"cid:{cid.replace('+', '%2B')}\n")  # fmt: skip
    assert run.expect(0).raw_out == DATA


def test_data_that_cannot_be_had(xmppctl, alice, peer, server, tmp_path):
    cid = peer.run(peer.plugin("xep_0231").set_bob, DATA, "image/png")

    def refused(*args, cid=cid, to=peer.jid):
        run = xmppctl("--json", "fetch", f"cid:{cid}", "--from", to, "--out",
                      str(tmp_path / "x"), *args, account=alice)  # fmt: skip
        return run.expect(6).error()["condition"]

    assert refused(cid=f"sha1+{'0' * 40}@bob.xmpp.org") == "item-not-found"
    assert refused("--max-size", "10") == "file-too-large"
    assert refused("--verify", "sha-256:" + "00" * 32) == "hash-mismatch"
    # other data under the same name
    peer.run(peer.plugin("xep_0231").set_bob, b"something else", "image/png", cid)
    assert refused() == "malformed-answer"
    assert not (tmp_path / "x").exists()
    run = xmppctl("--json", "fetch", f"cid:{cid}", "--from", f"nobody@{server.domain}/x",
                  account=alice)  # fmt: skip
    assert run.code in (6, 7)


@pytest.mark.parametrize(
    "args",
    [
        [f"cid:{CID}"],
        ["cid:x@example.org", "--from", "a@x.test/r"],
        [f"cid:md5+{'0' * 32}@bob.xmpp.org", "--from", "a@x.test/r"],
        [f"cid:sha1+{'0' * 39}@bob.xmpp.org", "--from", "a@x.test/r"],
        [URL, "--from", "a@x.test/r"],
        [f"cid:{CID}", "--from", "a@x.test/r", "--insecure-http"],
        [f"cid:{CID}", "--from", "not a jid@@"],
    ],
)
def test_what_cannot_be_meant(xmppctl, args):
    xmppctl("fetch", *args, jid="a@x.test", password="x").expect(2)
