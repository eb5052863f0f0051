"""`xmppctl file`: files from client to client, beside the stream and in it."""

from __future__ import annotations

import base64
import hashlib
import re
import signal
import socket

import pytest

from tests.integration.filing import FT, S5B, Filer, streamhost

# its last 7,936 bytes are what Prosody's proxy reads at once, of which it passes on the half
DATA = bytes(range(256)) * 287  # 73,472 bytes


def listening(run):
    """The full JID of a receiver that is ready."""
    return run.wait_line(r"^listening as (\S+)$", "err").group(1)


@pytest.fixture
def receiver(xmppctl, bob):
    """`file receive` of bob's, ready: ``run, jid = receiver("--count", "2")``."""

    def start(*args):
        run = xmppctl.start("-o", "jsonl", "file", "receive", "--dir", "in", *args, account=bob)
        return run, listening(run)

    return start


@pytest.fixture
def report(xmppctl):
    (xmppctl.home / "report.bin").write_bytes(DATA)
    return "report.bin"


def stored(xmppctl):
    """What was received, by name."""
    return {each.name: each.read_bytes() for each in (xmppctl.home / "in").iterdir()}


# --- between two runs


def test_both_ways(xmppctl, alice, bob, receiver, report):
    run, jid = receiver("--count", "2")
    for via, name in (("auto", "report.bin"), ("ibb", "again.bin")):
        sent = xmppctl(
            "--json", "file", "send", "--via", via, "--name", name, jid, report, account=alice
        )
        (record,) = sent.expect().json()
        assert record["state"] == "done"
        assert record["verified"] is True
        assert record["transport"] == ("s5b" if via == "auto" else "ibb")
    for received in xmppctl.finish(run).expect().jsonl():
        assert received["verified"] is True
        assert received["bytes"] == received["size"] == len(DATA)
        assert received["hashes"] == {"sha-256": hashlib.sha256(DATA).hexdigest()}
        assert received["from"].startswith(f"{alice.jid}/")
        assert received["path"] == f"in/{received['name']}"
    assert stored(xmppctl) == {"report.bin": DATA, "again.bin": DATA}


@pytest.mark.in_turn
def test_to_an_account_of_which_nothing_is_known(xmppctl, alice, bob, receiver, report):
    """By a proposal to all of its clients (XEP-0353); messages stay with the server."""
    run, jid = receiver()
    xmppctl("send", bob.jid, "for later", account=alice).expect()
    sent = xmppctl("--json", "file", "send", bob.jid, report, account=alice).expect()
    assert sent.json()[0]["to"] == jid
    xmppctl.finish(run).expect()
    assert stored(xmppctl) == {"report.bin": DATA}
    later = xmppctl("--json", "listen", "--count", "1", "--for", "5s", account=bob).expect()
    assert later.json()[0]["body"] == "for later"


@pytest.mark.in_turn
def test_to_a_contact_directly(xmppctl, alice, bob, raw, receiver, report):
    """Contacts tell each other their addresses, so no proxy is needed."""
    one, other = raw(alice), raw(bob)
    for first, second in ((one, bob), (other, alice)):
        first.send(f"<presence to='{second.jid}' type='subscribe'/>")
        first.iq("<ping xmlns='urn:xmpp:ping'/>")
    for first, second in ((one, bob), (other, alice)):
        first.send(f"<presence to='{second.jid}' type='subscribed'/>")
        first.iq("<ping xmlns='urn:xmpp:ping'/>")
    one.close()
    other.close()
    run, _ = receiver()
    found = xmppctl("--debug-xml", "file", "send", bob.jid, report, account=alice).expect()
    assert "direct" in found.err
    (received,) = xmppctl.finish(run).expect().jsonl()
    assert received["transport"] == "s5b"
    assert stored(xmppctl) == {"report.bin": DATA}


@pytest.mark.in_turn
def test_nothing_and_next_to_nothing(xmppctl, alice, receiver):
    run, jid = receiver("--count", "2")
    for name, data, part in (("empty", b"", "0-"), ("one", b"012", "1-1")):
        (xmppctl.home / name).write_bytes(data)
        xmppctl("file", "send", "--range", part, jid, name, account=alice).expect()
    records = xmppctl.finish(run).expect().jsonl()
    assert [each["verified"] for each in records] == [True, True]
    assert stored(xmppctl) == {"empty": b"", "one": b"1"}


@pytest.mark.in_turn
def test_a_file_that_is_too_large(xmppctl, alice, receiver, report):
    run, jid = receiver("--max-size", "1K")
    refused = xmppctl("--json", "file", "send", jid, report, account=alice).expect(6)
    assert refused.json()[0]["error"]["condition"] == "file-too-large"
    (record,) = xmppctl.finish(run).expect(6).jsonl()
    assert record["error"]["limit"] == 1024
    assert stored(xmppctl) == {}


# --- with clients that speak by hand


def test_sent_to_another_client(xmppctl, alice, bob, raw, report):
    """In band, with blocks of the size that the receiver wants, each waiting for its result."""
    peer = Filer(raw(bob, "hand"))
    run = xmppctl.start(
        "--json", "file", "send", "--via", "ibb", "--name", "x.bin", peer.jid, report,
        account=alice,
    )  # fmt: skip
    offered = peer.action("session-initiate")
    content = offered[0]
    assert (content.get("creator"), content.get("senders")) == ("initiator", "initiator")
    assert content.findtext(f".//{{{FT}}}name") == "x.bin"
    assert content.findtext(f".//{{{FT}}}size") == str(len(DATA))
    sid = content[1].get("sid")
    name = content.get("name")
    transport = (
        f"<transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='9000' sid='{sid}'/>"
    )
    peer.act(
        "session-accept",
        f"<content creator='initiator' name='{name}' senders='initiator'>"
        f"<description xmlns='{FT}'><file/></description>{transport}</content>",
    )
    opened = peer.block("open")
    assert (opened.get("block-size"), opened.get("sid")) == ("9000", sid)
    data, sequence = b"", []
    while len(data) < len(DATA):
        block = peer.block("data")
        sequence.append(block.get("seq"))
        data += base64.b64decode(block.text or "", validate=True)
    assert sequence == [str(number) for number in range(9)]
    peer.block("close")
    assert data == DATA
    assert run.process.poll() is None  # nobody has confirmed anything yet
    peer.act("session-terminate", "<reason><success/></reason>")
    (record,) = xmppctl.finish(run).expect().json()
    assert record["verified"] is True


@pytest.mark.in_turn
def test_taken_from_another_client(xmppctl, alice, raw, receiver):
    run, jid = receiver()
    peer = Filer(raw(alice, "hand"), jid)
    peer.offer(
        DATA,
        "<transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='8192' sid='b1'/>",
        name="../../etc/raw.bin",
    )
    peer.action("session-accept")
    peer.send_blocks(DATA, "b1", 8192)
    end = peer.action("session-terminate")
    assert end[0][0].tag.endswith("success")
    (record,) = xmppctl.finish(run).expect().jsonl()
    assert (record["name"], record["path"]) == ("../../etc/raw.bin", "in/raw.bin")
    assert stored(xmppctl) == {"raw.bin": DATA}


def test_taken_through_a_proxy(xmppctl, alice, raw, receiver, server):
    """The other client offers the proxy, and activates it."""
    run, jid = receiver()
    peer = Filer(raw(alice, "hand"), jid)
    proxy, port = server.services["proxy"], server.ports.proxy65
    peer.offer(
        DATA,
        f"<transport xmlns='{S5B}' sid='s1'><candidate cid='c1' host='127.0.0.1' jid='{proxy}' "
        f"port='{port}' priority='655360' type='proxy'/></transport>",
    )
    accepted = peer.action("session-accept")
    # a place that was offered already must not be offered again (XEP-0260 §2.2)
    assert accepted.findall(f".//{{{S5B}}}candidate") == []
    peer.info("s1", "<candidate-error/>")
    used = peer.action("transport-info").find(f".//{{{S5B}}}candidate-used")
    assert used is not None
    assert used.get("cid") == "c1"
    with streamhost("127.0.0.1", port, "s1", peer.jid, jid) as connection:
        activated = peer.raw.iq(
            "<query xmlns='http://jabber.org/protocol/bytestreams' sid='s1'>"
            f"<activate>{jid}</activate></query>",
            type="set",
            to=proxy,
        )
        assert activated.get("type") == "result"
        peer.info("s1", "<activated cid='c1'/>")
        connection.sendall(DATA)
        connection.shutdown(socket.SHUT_WR)
        end = peer.action("session-terminate")
    assert end[0][0].tag.endswith("success")
    (record,) = xmppctl.finish(run).expect().jsonl()
    assert (record["transport"], record["verified"]) == ("s5b", True)
    assert stored(xmppctl) == {"raw.bin": DATA}


# --- what does not work


@pytest.mark.in_turn
def test_nobody_is_there(xmppctl, alice, bob, report):
    gone = f"{bob.jid}/nowhere"
    refused = xmppctl("--json", "file", "send", gone, report, account=alice).expect(6)
    assert refused.json()[0]["error"]["condition"] == "service-unavailable"
    silent = xmppctl(
        "--json", "file", "send", "--wait-timeout", "1s", bob.jid, report, account=alice
    )
    assert silent.expect(8).json()[0]["error"]["step"] == "propose"


@pytest.mark.in_turn
def test_a_client_that_takes_no_files(xmppctl, alice, bob, slix, report):
    peer = slix(bob)
    refused = xmppctl("--json", "file", "send", peer.jid, report, account=alice).expect(7)
    assert "file transfer" in refused.json()[0]["error"]["text"]


@pytest.mark.in_turn
def test_a_sender_that_is_stopped(xmppctl, alice, bob, raw, report, receiver):
    """Who is stopped tells the other; nothing is left of the file."""
    peer = Filer(raw(bob, "hand"))
    run = xmppctl.start("file", "send", peer.jid, report, account=alice)
    peer.action("session-initiate")
    run.signal(signal.SIGTERM)
    end = peer.action("session-terminate")
    assert end[0][0].tag.endswith("cancel")
    xmppctl.finish(run).expect(143)

    run, jid = receiver()
    peer = Filer(raw(alice, "hand"), jid)
    transport = "<transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='99' sid='b1'/>"
    peer.offer(DATA, transport)
    peer.action("session-accept")
    peer.ask("<open xmlns='http://jabber.org/protocol/ibb' block-size='99' sid='b1'/>")
    peer.ask("<data xmlns='http://jabber.org/protocol/ibb' seq='0' sid='b1'>YWJj</data>")
    run.signal(signal.SIGINT)
    peer.action("session-terminate")
    xmppctl.finish(run).expect(130)
    assert stored(xmppctl) == {}


def test_proxies(xmppctl, alice, server):
    found = xmppctl("--json", "file", "proxies", account=alice).expect().json()
    proxy = server.services["proxy"]
    assert found == [
        {"jid": proxy, "host": "127.0.0.1", "port": server.ports.proxy65, "error": None}
    ]


@pytest.mark.in_turn
def test_what_is_no_proxy(xmppctl, alice, server):
    refused = xmppctl("file", "proxies", server.conference, account=alice).expect(7)
    assert re.search("offers no SOCKS5 bytestream proxy", refused.err)
