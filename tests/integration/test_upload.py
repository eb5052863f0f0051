"""`xmppctl upload` to real upload services, looked at with other clients, and to hostile ones."""

import base64
import hashlib
import os
import re
import ssl
import threading
import urllib.error
import urllib.request

import pytest

from tests.integration.failing import failure
from tests.integration.uploading import NS, look
from tests.servers.quirks import Quirk
from xmppctl.errors import Exit

pytestmark = pytest.mark.in_turn

URL_DATA = "{http://jabber.org/protocol/url-data}url-data"
OOB_URL = "{jabber:x:oob}url"
SFS = "{urn:xmpp:sfs:0}"
FILE = "{urn:xmpp:file:metadata:0}"


@pytest.fixture
def made(xmppctl):
    """Makes a file in the home directory, where xmppctl runs."""

    def make(name, data=b"hello\n"):
        (xmppctl.home / name).write_bytes(data)
        return name

    return make


# --- real services


def test_the_url_gives_the_same_bytes(xmppctl, alice, server, made):
    data = os.urandom(300_000)
    run = xmppctl("--json", "upload", made("f.bin", data), account=alice).expect()
    (record,) = run.json()
    assert record == {
        "file": "f.bin",
        "size": len(data),
        "type": "application/octet-stream",
        "get": record["get"],
        "put_status": 201,
        "sha256": hashlib.sha256(data).hexdigest(),
        "service": server.upload,
        "max_size": server.upload_limit,
        "delivery": None,
        "error": None,
    }
    assert look(record["get"], server.ca_file)[0] == data
    assert run.err == ""
    out = xmppctl("-o", "plain", "upload", "f.bin", account=alice).expect().out
    assert re.fullmatch(r"https://\S+/f\.bin\n", out)


@pytest.mark.servers("prosody")
def test_the_headers_of_the_slot_are_sent(xmppctl, alice, server, made, raw):
    assert Quirk.UPLOAD_PUT_AUTHORIZATION in server.quirks
    request = f"<request xmlns='{NS}' filename='f.txt' size='6' content-type='text/plain'/>"
    put = raw(alice).iq(request, to=server.upload).find(f".//{{{NS}}}put").get("url")
    with pytest.raises(urllib.error.HTTPError) as refused:
        put_without_headers(put, b"hello\n", server.ca_file)
    assert refused.value.code == 401
    refused.value.close()
    run = xmppctl("--debug-xml", "--json", "upload", made("f.txt"), account=alice).expect()
    assert run.json()[0]["put_status"] == 201
    assert "[redacted]" in run.err
    assert "Bearer" not in run.err


def put_without_headers(url, data, ca_file):
    request = urllib.request.Request(url, data, method="PUT")
    context = ssl.create_default_context(cafile=ca_file)
    urllib.request.urlopen(request, context=context, timeout=10)


def test_too_large_is_known_before(xmppctl, alice, server, made):
    limit = server.upload_limit
    name = made("big", bytes(limit + 1))
    run = xmppctl("--json", "--debug-xml", "upload", name, account=alice)
    error = failure(run, Exit.REFUSED, "slot", "file-too-large")
    assert (error["limit"], error["by"]) == (limit, server.upload)
    (record,) = run.json()
    assert (record["max_size"], record["put_status"], record["get"]) == (limit, None, None)
    assert record["error"]["limit"] == limit
    assert "<request" not in run.err
    exact = made("exact", bytes(limit))
    record = xmppctl("--json", "upload", exact, account=alice).expect().json()[0]
    assert record["put_status"] == 201


def test_an_empty_file(xmppctl, alice, server, made):
    run = xmppctl("--json", "upload", made("empty", b""), account=alice)
    if Quirk.UPLOAD_EMPTY_REFUSED in server.quirks:
        error = failure(run, Exit.REFUSED, "slot", "bad-request")
        assert "no empty files" in error["text"]
        assert run.json()[0]["put_status"] is None
    else:
        (record,) = run.expect().json()
        assert look(record["get"], server.ca_file)[0] == b""
        assert record["sha256"] == hashlib.sha256(b"").hexdigest()


def test_several_files_and_their_names(xmppctl, alice, server, made):
    names = [made(f"{n:02}.txt", f"text {n}".encode()) for n in range(20)]
    odd = made("a b ü & <'\">#?%41.png", b"picture")
    args = [*names, "no-such", odd, made("big", bytes(server.upload_limit + 1)), "."]
    run = xmppctl("--json", "upload", *args, account=alice).expect(9)
    records = run.json()
    assert [record["file"] for record in records] == args
    codes = [record["error"] and record["error"]["code"] for record in records]
    assert codes == [None] * 20 + [11, None, 6, 11]
    for n in (0, 19):
        assert look(records[n]["get"], server.ca_file)[0] == f"text {n}".encode()
        assert records[n]["type"] == "text/plain"
    assert records[21]["type"] == "image/png"
    assert look(records[21]["get"], server.ca_file)[0] == b"picture"
    assert re.fullmatch(r"[!-~]+", records[21]["get"])
    renamed = "a_b_" in records[21]["get"]
    assert renamed is (Quirk.UPLOAD_RENAMES_FILES in server.quirks)


def test_local_failures_connect_to_nobody(xmppctl, made):
    run = xmppctl("--json", "upload", "no-such", ".", jid="a@b.test", password="x",
                  connect=("127.0.0.1", 1))  # fmt: skip
    failure(run, Exit.LOCAL, "input")
    assert [record["error"]["code"] for record in run.json()] == [11, 11]


def test_standard_input_and_pipes(xmppctl, alice, server):
    data = os.urandom(200_000)
    run = xmppctl("--json", "upload", "--name", "dump.sql.gz", "-", account=alice, input=data)
    (record,) = run.expect().json()
    assert (record["file"], record["size"], record["type"]) == ("-", 200_000, "application/gzip")
    assert record["get"].endswith("/dump.sql.gz")
    assert look(record["get"], server.ca_file)[0] == data
    os.mkfifo(xmppctl.home / "pipe")
    writer = threading.Thread(target=(xmppctl.home / "pipe").write_bytes, args=(data,))
    writer.start()
    (record,) = xmppctl("--json", "upload", "pipe", account=alice).expect().json()
    writer.join(10)
    assert look(record["get"], server.ca_file)[0] == data


def test_the_type(xmppctl, alice, server, made):
    args = ["--content-type", "text/markdown; charset=utf-8", "--name", "x.txt", made("README")]
    (record,) = xmppctl("--json", "upload", *args, account=alice).expect().json()
    assert record["type"] == "text/markdown; charset=utf-8"
    assert record["get"].endswith("/x.txt")
    assert look(record["get"], server.ca_file)[0] == b"hello\n"


def test_info(xmppctl, alice, server):
    (record,) = xmppctl("--json", "upload", "--info", account=alice).expect().json()
    assert (record["service"], record["max_size"]) == (server.upload, server.upload_limit)
    assert record["purposes"] == []
    run = xmppctl("-o", "csv", "--fields", "service,max_size", "upload", "--info",
                  "--service", server.upload, account=alice).expect()  # fmt: skip
    assert run.out == f"service,max_size\n{server.upload},{server.upload_limit}\n"


def test_what_the_service_does_not_offer(xmppctl, alice, server, made):
    for purpose in ("message", "ephemeral=2h"):
        run = xmppctl("--json", "upload", "--purpose", purpose, made("f"), account=alice)
        error = failure(run, Exit.UNSUPPORTED, "slot")
        assert f"urn:xmpp:http:upload:purpose:0#{purpose.partition('=')[0]}" in error["text"]
    run = xmppctl("--json", "upload", "--service", server.conference, "f", account=alice)
    failure(run, Exit.UNSUPPORTED, "disco#info")
    assert run.json()[0]["error"]["code"] == 7


@pytest.mark.servers("prosody")
def test_a_quota_that_is_used_up(xmppctl, alice, server, made, raw):
    peer = raw(alice)
    request = f"<request xmlns='{NS}' filename='f' size='{server.upload_limit}'/>"
    while peer.iq(request, to=server.upload).get("type") == "result":
        pass
    run = xmppctl("--json", "upload", made("f", bytes(server.upload_limit)), account=alice)
    error = failure(run, Exit.REFUSED, "slot", "resource-constraint")
    assert (error["type"], "quota" in error["text"].lower()) == ("wait", True)


# --- sending it


def test_to_somebody(xmppctl, alice, bob, server, made, slix):
    peer = slix(bob)
    peer.send_presence()
    args = ["--to", bob.jid, made("photo.png", b"png"), made("b.txt")]
    records = xmppctl("--json", "upload", *args, account=alice).expect().json()
    for record in records:
        assert record["delivery"]["confirmed"] is True
        message = peer.wait_message(lambda m, r=record: m["id"] == r["delivery"]["id"])
        assert (message["type"], message["from"].bare) == ("chat", alice.jid)
        assert message["body"] == record["get"]
        assert message.xml.findtext(f".//{OOB_URL}") == record["get"]
        assert message.xml.find(f".//{SFS}file-sharing") is None
        assert look(message["body"], server.ca_file)[0] in (b"png", b"hello\n")


def test_to_somebody_with_a_description(xmppctl, alice, bob, server, made, slix):
    peer = slix(bob)
    peer.send_presence()
    args = ["--to", bob.jid, "--sfs", made("photo ü.png", b"png")]
    (record,) = xmppctl("--json", "upload", *args, account=alice).expect().json()
    message = peer.wait_message()
    url = record["get"]
    assert message["body"] == message.xml.findtext(f".//{OOB_URL}") == url
    facts = message.xml.find(f"{SFS}file-sharing/{FILE}file")
    told = {name: facts.findtext(f"{FILE}{name}") for name in ("name", "size", "media-type")}
    assert told == {"name": "photo ü.png", "size": "3", "media-type": "image/png"}
    hash_ = facts.find("{urn:xmpp:hashes:2}hash")
    assert hash_.get("algo") == "sha-256"
    assert hash_.text == base64.b64encode(hashlib.sha256(b"png").digest()).decode()
    source = message.xml.find(f"{SFS}file-sharing/{SFS}sources/{URL_DATA}")
    assert source.get("target") == url
    fallback = message.xml.find("{urn:xmpp:fallback:0}fallback")
    assert fallback.get("for") == "urn:xmpp:sfs:0"
    assert [child.tag for child in fallback] == ["{urn:xmpp:fallback:0}body"]


def test_to_nobody(xmppctl, alice, server, made):
    args = ["--to", f"nobody@{server.domain}", made("f")]
    run = xmppctl("--json", "upload", *args, account=alice)
    failure(run, Exit.REFUSED, "send", "service-unavailable")
    (record,) = run.json()
    assert record["delivery"]["confirmed"] is False
    assert look(record["get"], server.ca_file)[0] == b"hello\n"  # it is there all the same


def test_to_a_room(xmppctl, alice, bob, server, made, slix):
    room = f"room-{bob.local}@{server.conference}"
    run = xmppctl("--json", "upload", "--muc", room, made("f.txt"), account=alice)
    failure(run, Exit.REFUSED, "join", "item-not-found")
    assert run.json()[0]["get"] is None
    host = slix(bob)
    host.create_muc(room, "host")
    args = ["--muc", room, "--nick", "Cron", "f.txt", made("g.txt")]
    records = xmppctl("--json", "upload", *args, account=alice).expect().json()
    for record in records:
        message = host.wait_message(lambda m, r=record: m["body"] == r["get"])
        assert (message["type"], message["from"].full) == ("groupchat", f"{room}/Cron")
        assert message.xml.findtext(f".//{OOB_URL}") == record["get"]
        assert record["delivery"]["stanza_id"]
