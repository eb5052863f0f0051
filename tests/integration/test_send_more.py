"""What `xmppctl send` can do beyond a message: receipts, markers, many recipients, retries."""

from contextlib import suppress

import pytest

from tests.peers.stream import StreamClosed
from tests.servers.fake import FakeServer
from tests.servers.quirks import Feature

pytestmark = pytest.mark.in_turn

RECEIPTS, MARKERS = "urn:xmpp:receipts", "urn:xmpp:chat-markers:0"
ADDRESSES = "http://jabber.org/protocol/address"


@pytest.fixture
def peer(raw, bob):
    client = raw(bob, "phone")
    client.send("<presence/>")
    client.iq("<ping xmlns='urn:xmpp:ping'/>")
    return client


def asked(run_args, xmppctl, alice, peer):
    """Start sending and give the run and the message that arrived."""
    run = xmppctl.start("--json", "send", *run_args, "x", account=alice)
    return run, peer.wait_message()


def confirm(client, message, name="received", ns=RECEIPTS, ident=None):
    client.send(
        f"<message to='{message.get('from')}' type='chat'>"
        f"<{name} xmlns='{ns}' id='{ident or message.get('id')}'/></message>"
    )


def test_waits_for_the_receipt(xmppctl, alice, bob, peer):
    run, message = asked(["--wait", "received", bob.jid], xmppctl, alice, peer)
    assert message.find(f"{{{RECEIPTS}}}request") is not None
    assert message.find(f"{{{MARKERS}}}markable") is None
    confirm(peer, message, ident="another")
    confirm(peer, message, "displayed", MARKERS, "another")
    confirm(peer, message)
    (record,) = xmppctl.finish(run).expect(0).json()
    assert (record["acked"], record["confirmed"], record["displayed_at"]) == (True, True, None)
    assert record["received_at"]


def test_waits_for_the_marker(xmppctl, alice, bob, peer):
    run, message = asked(["--wait", "displayed", bob.jid], xmppctl, alice, peer)
    assert message.find(f"{{{MARKERS}}}markable") is not None
    confirm(peer, message)
    confirm(peer, message, "displayed", MARKERS)
    (record,) = xmppctl.finish(run).expect(0).json()
    assert record["received_at"] <= record["displayed_at"]


def test_a_receipt_of_somebody_else_does_not_count(xmppctl, alice, bob, peer, raw, server):
    options = ["--wait", "received", "--wait-timeout", "1s", bob.jid]
    run, message = asked(options, xmppctl, alice, peer)
    confirm(raw(server.account("mallory")), message)
    result = xmppctl.finish(run).expect(8)
    (record,) = result.json()
    assert (record["acked"], record["confirmed"], record["received_at"]) == (True, True, None)
    assert record["error"]["step"] == "received"


def test_the_listener_gives_the_receipt_that_the_sender_waits_for(xmppctl, alice, bob):
    run = xmppctl.start("listen", "--send-receipts", "--count", "1", account=bob)
    run.wait_line("^listening as ", "err")
    sent = xmppctl("--json", "send", "--wait", "received", bob.jid, "x", account=alice)
    assert sent.expect(0).json()[0]["received_at"]
    xmppctl.finish(run).expect(0)


def test_a_bounce_is_refused_at_once(xmppctl, alice, server):
    nobody = f"nobody@{server.domain}"
    run = xmppctl("--json", "send", "--wait", "received", nobody, "x", account=alice)
    assert run.expect(6).error()["condition"] == "service-unavailable"
    assert run.seconds < 10


def test_asking_without_waiting_and_answering(xmppctl, alice, bob, peer):
    xmppctl("--json", "send", "--receipt", "--markable", bob.jid, "x", account=alice).expect(0)
    message = peer.wait_message()
    assert {message.find(t) is not None
            for t in (f"{{{RECEIPTS}}}request", f"{{{MARKERS}}}markable")} == {True}  # fmt: skip
    xmppctl("--json", "send", "--displayed", "m-7", bob.jid, account=alice).expect(0)
    marker = peer.expect(lambda e: e.find(f"{{{MARKERS}}}displayed") is not None)
    assert marker.find(f"{{{MARKERS}}}displayed").get("id") == "m-7"
    assert marker.find("{jabber:client}body") is None


@pytest.mark.parametrize(
    "args",
    [
        ["--wait", "received", "--muc"],
        ["--wait-timeout", "1s"],
        ["--bcc", "c@x.test"],
        ["--no-reply"],
        ["--multicast", "--wait", "received"],
        ["--displayed", "1", "--receipt"],
        ["--displayed", "1", "--multicast"],
    ],
)
def test_what_does_not_go_together(xmppctl, args):
    xmppctl("send", *args, "b@x.test", "x", jid="a@x.test", password="x").expect(2)


# --- many ---------------------------------------------------------------------------------------


def test_recipients_from_a_file(xmppctl, alice, bob, peer, server, tmp_path):
    others = [server.account(f"u{n}") for n in range(40)]
    path = tmp_path / "to.txt"
    lines = [bob.jid, "", "not a jid@@", *(o.jid for o in others), bob.jid]
    path.write_text("\n".join(lines) + "\n")
    run = xmppctl("--json", "send", "--to-file", str(path), "to all", account=alice)
    records = run.expect(9).json()
    failed = [r for r in records if r["error"]]
    assert [r["to"] for r in failed] == ["not a jid@@"]
    assert "line 3" in failed[0]["error"]["text"]
    assert [r["to"] for r in records if r["confirmed"]] == [bob.jid, *(o.jid for o in others)]
    assert peer.wait_message().findtext("{jabber:client}body") == "to all"
    xmppctl("send", "--to-file", str(tmp_path / "none"), "x", account=alice).expect(11)


def test_multicast_shows_the_others_and_hides_the_hidden(xmppctl, alice, bob, peer, raw, server):
    carol, dave = (server.account(name) for name in ("carol", "dave"))
    clients = {bob.jid: peer}
    for account in (carol, dave):
        client = clients[account.jid] = raw(account)
        client.send("<presence/>")
        client.iq("<ping xmlns='urn:xmpp:ping'/>")
    nobody = f"nobody@{server.domain}"
    run = xmppctl("-v", "--json", "send", "--multicast", "--bcc", dave.jid, "--no-reply",
                  bob.jid, carol.jid, nobody, "hello all", account=alice)  # fmt: skip
    records = {r["to"]: r for r in run.expect(9).json()}
    assert list(records) == [bob.jid, carol.jid, nobody, dave.jid]
    assert {jid for jid, r in records.items() if r["confirmed"]} == {bob.jid, carol.jid, dave.jid}
    assert records[nobody]["error"]["condition"] == "service-unavailable"
    assert ("multicast by" in run.err) is (Feature.MULTICAST in server.features)
    for jid, client in clients.items():
        message = client.wait_message()
        assert message.get("from", "").startswith(alice.jid)
        found = {(a.get("type"), a.get("jid")) for a in message.iter(f"{{{ADDRESSES}}}address")}
        assert ("noreply", None) in found
        assert {("to", bob.jid), ("to", carol.jid)} <= found
        assert (("bcc", dave.jid) in found) is (jid == dave.jid)


# --- again --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "retry", "sent", "code"),
    [("wait", "2", 2, 0), ("wait", "0", 1, 6), ("cancel", "2", 1, 6)],
)
def test_only_a_bounce_for_the_time_being_is_tried_again(
    authority, xmppctl, kind, retry, sent, code
):
    """The first message comes back; what comes after it is taken."""
    ids = []

    async def script(conn):
        await conn.login()
        with suppress(StreamClosed):
            while True:
                stanza = await conn.recv(20)
                name = stanza.tag.rpartition("}")[2]
                if name == "iq":
                    conn.result(stanza)
                elif name == "message":
                    ids.append(stanza.get("id"))
                    if len(ids) == 1:
                        conn.send(
                            f"<message type='error' from='b@far.test' id='{ids[0]}'>"
                            f"<error type='{kind}'><resource-constraint "
                            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
                        )

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = xmppctl(
            "--retry", retry, "send", "--json", "b@far.test", "x",
            jid="alice@fake.test", password="x", connect=fake.address, ca_file=authority.ca_file,
        )  # fmt: skip
    (record,) = run.expect(code).json()
    assert ids == [record["id"]] * sent
    assert record["confirmed"] is (code == 0)
