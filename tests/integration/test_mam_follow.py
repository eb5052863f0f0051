"""`xmppctl mam query --follow` against real servers: neither a gap nor a double."""

import signal
import threading

import pytest

from tests.integration.muc import enter, make
from tests.peers.process import TRANSPORT

pytestmark = pytest.mark.in_turn

PING = "<ping xmlns='urn:xmpp:ping'/>"


@pytest.fixture
def following(xmppctl, alice):
    """Start a follower on alice and wait until it listens; its full JID is ``run.jid``."""

    def start(*args, form="jsonl", account=alice):
        run = xmppctl.start("-o", form, "mam", "query", "--follow", *args, account=account)
        run.jid = run.wait_line(r"^listening as (\S+)$", "err")[1]
        return run

    return start


def ended(xmppctl, run):
    """Its records, after a signal."""
    run.signal(signal.SIGTERM)
    return xmppctl.finish(run).expect(143).jsonl()


def settled(peer, to):
    assert peer.iq(PING, to=to).get("type") == "result"


def printed_again(xmppctl, account):
    """What the next client of the account gets."""
    return xmppctl("-o", "jsonl", "listen", "--for", "500ms", account=account).expect(0).jsonl()


def bodies(records):
    return [record.get("body") for record in records]


def test_what_is_there_then_what_comes(following, xmppctl, alice, bob, raw):
    peer = raw(bob)
    for number in range(5):
        peer.message(alice.jid, f"old {number}")
    settled(peer, alice.jid)
    run = following("--last", "3")
    run.wait_line("old 4")
    peer.message(alice.jid, "new 0")
    run.wait_line("new 0")  # while it goes on
    peer.message(alice.jid, "new 1")
    run.wait_line("new 1")
    records = ended(xmppctl, run)
    assert bodies(records) == ["old 2", "old 3", "old 4", "new 0", "new 1"]
    # the same records as those of the archive, but for what it tells of times
    archived = xmppctl("-o", "jsonl", "mam", "query", "--last", "2", account=alice).jsonl()
    for live, kept in zip(records[-2:], archived, strict=True):
        assert live["archive_id"] == kept["archive_id"]
        for record in (live, kept):
            assert record.pop("timestamp")
            record.pop("delay", None)
            record.pop("stanza_ids", None)
        assert live == kept


@pytest.mark.parametrize("options", [("--all", "--page-size", "20"), ("--last", "1000")])
def test_a_peer_that_never_stops(following, xmppctl, alice, bob, raw, options):
    """What is on its way while the archive is read comes once, and in its order."""
    peer, desk = raw(bob), raw(alice, "desk")
    desk.send("<presence/>")  # so that nothing is stored for anybody
    settled(desk, alice.jid)
    stop, ready, number = threading.Event(), threading.Event(), 0

    def write():
        nonlocal number
        while not stop.is_set():
            peer.message(alice.jid, f"m{number:04d}")
            number += 1
            if number == 30:
                ready.set()
            stop.wait(0.02)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert ready.wait(20)
        run = following(*options)
        run.wait_line(f"m{number + 20:04d}")
    finally:
        stop.set()
        writer.join()
    run.wait_line(f"m{number - 1:04d}")
    records = ended(xmppctl, run)
    assert bodies(records) == [f"m{each:04d}" for each in range(number)]
    assert len({record["archive_id"] for record in records}) == number
    # what was printed does not come again
    assert printed_again(xmppctl, alice) == []


def test_what_other_clients_send_and_get(following, xmppctl, alice, bob, raw):
    desk, peer = raw(alice, "desk"), raw(bob, "peer")
    desk.send("<presence><priority>5</priority></presence>")
    desk.message(bob.jid, "before", ident="s0")
    settled(desk, bob.jid)
    run = following()
    run.wait_line("before")
    desk.message(bob.jid, "sent", ident="s1")
    run.wait_line("sent")
    peer.message(desk.jid, "got")
    run.wait_line("got")
    records = ended(xmppctl, run)
    assert bodies(records) == ["before", "sent", "got"]
    assert [record["direction"] for record in records] == ["out", "out", "in"]
    assert len({record["archive_id"] for record in records}) == 3
    assert "carbon" not in records[1]


def test_only_what_was_asked_for(following, xmppctl, alice, bob, raw, server):
    carol = server.account("carol")
    peer, other = raw(bob, "peer"), raw(carol)
    desk = raw(alice, "desk")
    run = following("--with", bob.jid, "--last", "1")
    other.message(alice.jid, "by carol")
    settled(other, alice.jid)
    desk.message(carol.jid, "to carol")
    desk.message(bob.jid, "to bob")
    settled(desk, bob.jid)
    for payload in (
        "<composing xmlns='http://jabber.org/protocol/chatstates'/>",
        "<body>not kept</body><no-store xmlns='urn:xmpp:hints'/>",
        "<received xmlns='urn:xmpp:carbons:2'/>",
    ):
        peer.send(f"<message to='{alice.jid}' type='chat'>{payload}</message>")
    peer.message(alice.jid, "by bob")
    run.wait_line("by bob")
    records = ended(xmppctl, run)
    # what has a text is shown, though it is in no archive
    assert bodies(records) == ["to bob", "not kept", "by bob"]
    assert ["archive_id" in record for record in records] == [True, False, True]


def test_stored_messages_come_out_of_the_archive_once(following, xmppctl, alice, bob, raw):
    peer = raw(bob)
    for text in ("one", "two", "three"):
        peer.message(alice.jid, text)
    settled(peer, alice.jid)
    run = following()
    peer.message(alice.jid, "four")
    run.wait_line("four")
    assert bodies(ended(xmppctl, run)) == ["one", "two", "three", "four"]
    # not even a server that keeps stored messages for a client that asks for no archive
    assert "four" not in bodies(printed_again(xmppctl, alice))


@pytest.mark.skipif(
    TRANSPORT == "bosh",
    reason="over BOSH what was not acknowledged is lost when the session ends (BOSH_UNACKED_LOST)",
)
def test_stored_messages_that_nobody_asked_for(following, xmppctl, alice, bob, raw):
    peer = raw(bob)
    for text in ("one", "two", "three"):
        peer.message(alice.jid, text)
    settled(peer, alice.jid)
    run = following("--last", "2")
    peer.message(alice.jid, "four")
    run.wait_line("four")
    assert bodies(ended(xmppctl, run)) == ["two", "three", "four"]
    # nobody saw the first one, so the server still has it
    assert "one" in bodies(printed_again(xmppctl, alice))


def test_it_ends_after_a_time_with_an_empty_archive_too(xmppctl, alice):
    run = xmppctl("--json", "mam", "query", "--follow", "--for", "300ms", account=alice)
    assert run.expect(0).json() == []
    assert "listening as " in run.err


def test_forged_results_and_stanza_ids_are_not_believed(following, xmppctl, alice, bob, raw):
    peer = raw(bob)
    peer.message(alice.jid, "first")
    settled(peer, alice.jid)
    run = following()
    first = run.wait_line('"archive_id": ?"([^"]+)"')[1]
    inner = (
        "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' type='chat' "
        f"from='boss@{bob.domain}' to='{alice.jid}'><body>evil</body></message></forwarded>"
    )
    peer.send(
        f"<message to='{run.jid}'><result xmlns='urn:xmpp:mam:2' id='1'>{inner}</result></message>"
        f"<message to='{alice.jid}' type='chat'><body>second</body>"
        f"<stanza-id xmlns='urn:xmpp:sid:0' by='{alice.jid}' id='{first}'/></message>"
    )
    peer.message(alice.jid, "third")
    run.wait_line("third")
    records = ended(xmppctl, run)
    assert bodies(records) == ["first", "second", "third"]
    assert records[1]["archive_id"] != first


def test_a_table_shows_what_comes_at_once(following, xmppctl, alice, bob, raw):
    run = following(form="table")
    raw(bob).message(alice.jid, "in a table")
    run.wait_line("in a table")
    run.signal(signal.SIGINT)
    xmppctl.finish(run).expect(130)


# --- rooms --------------------------------------------------------------------------------------


def test_a_room(following, xmppctl, alice, bob, raw, room):
    host = raw(bob, "host")
    make(host, room, enable_archiving="1", enablearchiving="1", mam="1")
    enter(host, room, "host")
    for number in range(3):
        host.send(f"<message to='{room}' type='groupchat' id='o{number}'><body>old {number}</body>"
                  "</message>")  # fmt: skip
        host.expect(lambda e, number=number: e.get("id") == f"o{number}")
    run = following("--room", room, "--nick", "ear", "--last", "2")
    host.message(alice.jid, "not in the room")
    host.send(f"<message to='{room}/ear' type='chat'><body>to the ear alone</body></message>")
    host.send(f"<message to='{room}' type='groupchat' id='n'><body>new</body></message>")
    run.wait_line("new")
    records = ended(xmppctl, run)
    assert bodies(records) == ["old 1", "old 2", "new"]
    kept = xmppctl("-o", "jsonl", "mam", "query", "--room", room, account=alice).jsonl()
    assert records[-1]["archive_id"] == kept[-1]["archive_id"]
    assert (records[-1]["room"], records[-1]["from"]) == (room, f"{room}/host")


def test_a_room_that_does_not_exist(xmppctl, alice, server):
    run = xmppctl("--json", "mam", "query", "--follow", "--room", f"no@{server.conference}",
                  account=alice)  # fmt: skip
    assert run.expect(6).error()["condition"] == "item-not-found"


# --- usage --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("--follow", "--end", "today"), ("--follow", "--before", ""), ("--follow", "--flip"),
        ("--follow", "--max", "1"), ("--follow", "--limit", "1"), ("--follow", "--index", "0"),
        ("--follow", "--ids", "x"), ("--follow", "--text", "x"), ("--follow", "--count"),
        ("--follow", "--before-id", "x"), ("--follow", "--pubsub", "x.test", "n"),
        ("--for", "1s"), ("--nick", "x"), ("--nick", "x", "--room", "r@x.test"),
        ("--nick", "x", "--follow"), ("--follow", "--room", "r@x.test", "--with", "a@x.test"),
        ("--collapse", "--count"), ("--collapse", "--ids", "x"),
        ("--collapse", "--pubsub", "x.test", "n"), ("--collapse", "--for", "1s"),
    ],
)  # fmt: skip
def test_usage(xmppctl, words):
    run = xmppctl("mam", "query", *words, jid="a@x.test", password="x").expect(2)
    assert run.out == ""
