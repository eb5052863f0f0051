"""`xmppctl listen` against real servers; the other side is a client of another project."""

import os
import signal
import time

import pytest

from tests.peers.process import keeps_unacknowledged
from tests.peers.rawxml import RawClient
from tests.servers.quirks import Feature

pytestmark = pytest.mark.in_turn

ATTENTION = "<attention xmlns='urn:xmpp:attention:0'/>"


@pytest.fixture
def listening(xmppctl, alice):
    """Start a listener on alice and wait until it listens; its full JID is ``run.jid``."""

    def start(*args, account=alice, form="jsonl", **more):
        run = xmppctl.start("-o", form, "listen", *args, account=account, **more)
        run.jid = run.wait_line(r"^listening as (\S+)$", "err")[1]
        return run

    return start


def only(result, code=0):
    (record,) = result.expect(code).jsonl()
    return record


# --- messages -----------------------------------------------------------------------------------


def test_a_message_is_printed_as_it_comes(listening, xmppctl, alice, bob, raw):
    run = listening("--count", "2")
    peer = raw(bob, "desk")
    peer.send(
        f"<message to='{alice.jid}' id='m1' type='chat' xml:lang='en'><body>hi &amp; bye</body>"
        "<thread>t</thread><active xmlns='http://jabber.org/protocol/chatstates'/>"
        "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>"
        "<x xmlns='urn:example:x'/></message>"
    )
    run.wait_line("hi & bye")  # while it goes on
    peer.send(f"<message to='{alice.jid}' type='headline'><subject>news</subject></message>")
    first, second = xmppctl.finish(run).expect(0).jsonl()
    assert first["from"] == peer.jid
    assert (first["id"], first["type"], first["direction"]) == ("m1", "chat", "in")
    assert (first["body"], first["thread"], first["chat_state"]) == ("hi & bye", "t", "active")
    assert first["receipt"] == {"requested": True}
    assert first["marker"] == {"type": "markable"}
    assert "{urn:example:x}x" in first["extensions"]
    assert "{urn:xmpp:receipts}request" not in first["extensions"]
    assert first["stanza"] == "message"
    assert "timestamp" in first
    assert (second["type"], second["subject"]) == ("headline", "news")
    assert "body" not in second


def test_every_format_prints_it(listening, xmppctl, alice, bob, raw):
    peer = raw(bob)
    for form in ("table", "json", "csv", "tsv", "plain"):
        run = listening("--count", "1", form=form)
        peer.message(alice.jid, f"for {form} \x7f\u202e")
        result = xmppctl.finish(run).expect(0)
        assert f"for {form}" in result.out
        if form != "json":
            assert "\u202e" not in result.out
    # acknowledged in every one of them: nothing comes again
    assert xmppctl("listen", "--for", "300ms", account=alice).expect(0).out == ""


def test_count_that_is_not_reached_is_a_timeout(xmppctl, alice):
    run = xmppctl("-o", "jsonl", "listen", "--count", "1", "--for", "200ms", account=alice)
    error = run.expect(8).error()
    assert (error["name"], error["step"]) == ("TIMEOUT", "listen")
    assert xmppctl("-o", "json", "listen", "--for", "100ms", account=alice).expect(0).json() == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_at_once(listening, xmppctl, bob, alice, raw, number, code):
    run = listening(form="json")
    raw(bob).message(alice.jid, "before the end")
    run.wait_line("before the end|^\\[$")
    deadline = time.monotonic() + 5
    while "before the end" not in run.out and time.monotonic() < deadline:
        run.process.poll()
    run.signal(number)
    result = xmppctl.finish(run, 5).expect(code)
    assert [r["body"] for r in result.json()] == ["before the end"]
    # it was printed, so it does not come again
    assert xmppctl("listen", "--for", "300ms", account=alice).expect(0).out == ""


def test_quiet_says_nothing(xmppctl, alice):
    assert xmppctl("-q", "listen", "--for", "100ms", account=alice).expect(0).err == ""


# --- what is stored -----------------------------------------------------------------------------


@keeps_unacknowledged
def test_offline_messages_come_once_with_their_delay(xmppctl, alice, bob, raw):
    peer = raw(bob)
    for text in ("one", "two", "three"):
        peer.message(alice.jid, text)
    peer.iq("<ping xmlns='urn:xmpp:ping'/>", to=alice.jid)
    first = only(xmppctl("-o", "jsonl", "listen", "--count", "1", account=alice))
    assert first["body"] == "one"
    assert first["delay"]["stamp"] == first["timestamp"]
    rest = xmppctl("-o", "jsonl", "listen", "--count", "2", "--for", "9s", account=alice)
    assert [r["body"] for r in rest.expect(0).jsonl()] == ["two", "three"]
    assert xmppctl("-o", "jsonl", "listen", "--for", "300ms", account=alice).expect(0).out == ""


@keeps_unacknowledged
def test_what_is_filtered_out_stays(xmppctl, alice, bob, raw):
    peer = raw(bob)
    peer.message(alice.jid, "kept")
    peer.iq("<ping xmlns='urn:xmpp:ping'/>", to=alice.jid)
    for args in (["--no-delayed"], ["--matching", "^other$"], ["--from", "carol@example.org"]):
        run = xmppctl("-o", "jsonl", "listen", *args, "--for", "300ms", account=alice)
        assert run.expect(0).out == ""
    found = only(xmppctl("-o", "jsonl", "listen", "--count", "1", "--for", "9s", account=alice))
    assert found["body"] == "kept"


@keeps_unacknowledged
def test_what_was_not_printed_when_it_was_killed_comes_again(listening, xmppctl, alice, bob, raw):
    run = listening()
    peer = raw(bob)
    peer.message(alice.jid, "seen")
    run.wait_line("seen")
    os.kill(run.process.pid, signal.SIGSTOP)
    peer.message(alice.jid, "unseen")
    peer.iq("<ping xmlns='urn:xmpp:ping'/>", to=alice.jid)
    run.kill()
    again = xmppctl("-o", "jsonl", "listen", "--matching", "^unseen", "--count", "1", "--for", "9s",
                    account=alice)  # fmt: skip
    # what was printed may come once more, where its acknowledgement was still on the way
    assert only(again)["body"] == "unseen"


# --- filters ------------------------------------------------------------------------------------


def test_filters(listening, xmppctl, alice, bob, raw, server):
    carol = server.account("carol")
    run = listening("--from", bob.jid, "--type", "chat", "--matching", "(?i)alert", "--count", "1")
    raw(carol).message(alice.jid, "ALERT by carol")
    peer = raw(bob)
    peer.message(alice.jid, "nothing")
    peer.send(f"<message to='{alice.jid}' type='headline'><body>alert</body></message>")
    peer.message(alice.jid, "Alert by bob")
    assert only(xmppctl.finish(run))["body"] == "Alert by bob"


def test_a_bad_expression_is_refused_before_connecting(xmppctl):
    run = xmppctl("--json", "listen", "--matching", "(", jid="a@x.test", password="x")
    assert "regular expression" in run.expect(2).error()["text"]


def test_presence_is_shown_on_demand(listening, xmppctl, alice, slix, raw):
    run = listening("--type", "available", "--count", "1")
    other = slix(alice, "desk")
    other.send_presence(pshow="dnd", pstatus="busy", ppriority=3)
    found = only(xmppctl.finish(run))
    assert (found["stanza"], found["from"], found["type"]) == ("presence", other.jid, "available")
    assert (found["show"], found["status"], found["priority"]) == ("dnd", "busy", 3)
    assert "ver" in found["caps"]


# --- carbons ------------------------------------------------------------------------------------


def test_carbons_of_both_directions(listening, xmppctl, alice, bob, slix):
    run = listening("--carbons", "--count", "2")
    desk, peer = slix(alice, "desk"), slix(bob)
    desk.send_presence()
    desk.wait_presence(lambda p: str(p["from"]) == desk.jid)
    peer.send_message(desk.jid, "to the desk")
    run.wait_line("to the desk")
    desk.send_message(peer.jid, "from the desk")
    first, second = xmppctl.finish(run).expect(0).jsonl()
    assert (first["carbon"], first["from"], first["direction"]) == ("received", peer.jid, "in")
    assert (second["carbon"], second["to"], second["direction"]) == ("sent", peer.jid, "out")


def test_a_message_that_xmppctl_sends_reaches_the_second_client(
    listening, xmppctl, alice, slix, bob
):
    first = slix(bob, "one")
    first.send_presence(ppriority=10)
    run = listening("--carbons", "--count", "1", account=bob)
    xmppctl("send", "--json", first.jid, "copied", account=alice).expect(0)
    found = only(xmppctl.finish(run))
    assert (found["carbon"], found["body"], found["to"]) == ("received", "copied", first.jid)


@pytest.mark.parametrize("kind", ["sent", "received"])
def test_forged_carbons_and_archive_results_are_never_shown(
    listening, xmppctl, alice, bob, raw, kind
):
    run = listening("--carbons", "--count", "2", "--for", "10s")
    peer = raw(bob)
    inner = (
        "<forwarded xmlns='urn:xmpp:forward:0'>"
        f"<message xmlns='jabber:client' type='chat' from='boss@{bob.domain}' to='{alice.jid}'>"
        "<body>transfer the money</body></message></forwarded>"
    )
    peer.send(
        f"<message to='{alice.jid}'><{kind} xmlns='urn:xmpp:carbons:2'>{inner}</{kind}></message>"
        f"<message to='{run.jid}'><{kind} xmlns='urn:xmpp:carbons:2'>{inner}</{kind}></message>"
        f"<message to='{run.jid}'><result xmlns='urn:xmpp:mam:2' id='1'>{inner}</result></message>"
    )
    peer.message(alice.jid, "honest")
    result = xmppctl.finish(run).expect(0)
    assert "boss" not in result.out
    assert "money" not in result.out
    assert result.jsonl()[-1]["body"] == "honest"


# --- receipts -----------------------------------------------------------------------------------


def test_receipts_are_given_on_demand_alone(listening, xmppctl, alice, bob, slix):
    peer = slix(bob)
    content = "<body>x</body><request xmlns='urn:xmpp:receipts'/>"

    def ask(ident, kind="chat"):
        peer.send_raw(f"<message to='{alice.jid}' type='{kind}' id='{ident}'>{content}</message>")

    run = listening("--count", "1")
    ask("r0")
    xmppctl.finish(run).expect(0)
    run = listening("--send-receipts", "--count", "3")
    peer.send_raw(f"<message to='{alice.jid}' type='chat'>{content}</message>")
    ask("r1")
    ask("r2", "normal")
    xmppctl.finish(run).expect(0)
    peer.wait_xml("{urn:xmpp:receipts}received")
    peer.wait(lambda s: any(c.get("id") == "r2" for c in s.xml))
    found = [(s.xml[0].get("id"), s["type"], len(s.xml)) for s in peer.stanzas
             if s.xml.find("{urn:xmpp:receipts}received") is not None]  # fmt: skip
    assert [(ident, kind) for ident, kind, _ in found] == [("r1", "chat"), ("r2", "normal")]


# --- questions ----------------------------------------------------------------------------------


def befriend(alice, bob, raw):
    """Bob may see alice's presence."""
    one, two = raw(alice), raw(bob)
    two.send(f"<presence type='subscribe' to='{alice.jid}'/>")
    two.iq("<ping xmlns='urn:xmpp:ping'/>", to=alice.jid)
    one.send("<presence/>")
    one.expect(lambda e: e.get("type") == "subscribe")
    one.send(f"<presence type='subscribed' to='{bob.jid}'/>")
    one.iq("<query xmlns='jabber:iq:roster'/>")
    one.close()
    return two


QUESTIONS = {
    "version": "<query xmlns='jabber:iq:version'/>",
    "time": "<time xmlns='urn:xmpp:time'/>",
    "ping": "<ping xmlns='urn:xmpp:ping'/>",
    "info": "<query xmlns='http://jabber.org/protocol/disco#info'/>",
}


def test_contacts_get_answers_and_strangers_none(listening, alice, bob, raw, server):
    friend = befriend(alice, bob, raw)
    run = listening("--for", "20s")
    stranger = raw(server.account("carol"))
    answers = {name: friend.iq(xml, to=run.jid) for name, xml in QUESTIONS.items()}
    assert {name: a.get("type") for name, a in answers.items()} == dict.fromkeys(
        QUESTIONS, "result"
    )
    assert answers["version"].findtext(".//{jabber:iq:version}name") == "xmppctl"
    features = {f.get("var") for f in answers["info"].iterfind(".//*[@var]")}
    assert {"urn:xmpp:time", "urn:xmpp:ping", "http://jabber.org/protocol/caps"} <= features
    for xml in QUESTIONS.values():
        answer = stranger.iq(xml, to=run.jid)
        assert answer.get("type") == "error"
        assert answer.find(".//{*}service-unavailable") is not None
    run.kill()


def test_the_own_software_can_be_verified(listening, alice, slix):
    """XEP-0115: the other client computes the same hash, or it would not keep it."""
    other = slix(alice, "desk")
    other.send_presence()
    run = listening("--for", "20s")
    presence = other.wait_presence(lambda p: str(p["from"]) == run.jid)
    caps = presence.xml.find("{http://jabber.org/protocol/caps}c")
    info = other.run(other.plugin("xep_0030").get_info, jid=run.jid,
                     node=f"{caps.get('node')}#{caps.get('ver')}")  # fmt: skip
    computed = other.plugin("xep_0115").generate_verstring(info["disco_info"], "sha-1")
    assert computed == caps.get("ver")
    run.kill()


# --- rooms --------------------------------------------------------------------------------------


def test_what_is_said_in_a_room(listening, xmppctl, alice, bob, slix, server, raw):
    room = f"r-{bob.local}@{server.conference}"
    host = slix(bob)
    host.create_muc(room, "host")
    run = listening("--room", room, "--nick", "ear", "--count", "1")
    raw(bob).message(alice.jid, "not in the room")
    host.send_message(room, "in the room", "groupchat")
    found = only(xmppctl.finish(run))
    assert (found["from"], found["type"], found["body"]) == (
        f"{room}/host",
        "groupchat",
        "in the room",
    )
    assert found["muc"]["nick"] == "host"
    # nothing else was taken from the account
    rest = only(xmppctl("-o", "jsonl", "listen", "--count", "1", "--for", "9s", account=alice))
    assert rest["body"] == "not in the room"


def test_a_room_that_does_not_exist_and_one_that_puts_us_out(
    listening, xmppctl, alice, bob, slix, server
):
    gone = xmppctl("--json", "listen", "--room", f"no-{bob.local}@{server.conference}",
                   "--for", "5s", account=alice)  # fmt: skip
    assert gone.expect(6).error()["condition"] == "item-not-found"
    room = f"k-{bob.local}@{server.conference}"
    host = slix(bob)
    host.create_muc(room, "host")
    run = listening("--room", room, "--nick", "ear")
    host.run(host.plugin("xep_0045").set_role, room, "ear", "none")
    error = xmppctl.finish(run).expect(6).error()
    assert (error["condition"], error["by"]) == ("forbidden", room)
    assert "kicked" in error["text"]


# --- odd things ---------------------------------------------------------------------------------


def test_no_stanza_whatever_ends_it(listening, xmppctl, alice, bob, raw):
    run = listening("--count", "1", "--matching", "^end$")
    peer = raw(bob)
    to = f"to='{alice.jid}'"
    for inner in (
        "",
        "<body/>",
        "<x xmlns=''/>",
        "<error/>",
        "<delay xmlns='urn:xmpp:delay' stamp='yesterday'/>",
        "<sent xmlns='urn:xmpp:carbons:2'/>",
        "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'/></received>",
        "<received xmlns='urn:xmpp:receipts'/>",
        "<addresses xmlns='http://jabber.org/protocol/address'><address/>"
        "<address type='x'/></addresses>",
        "<displayed xmlns='urn:xmpp:chat-markers:0'/>",
        "<event xmlns='http://jabber.org/protocol/pubsub#event'><items/></event>",
        "<deep>" * 60 + "</deep>" * 60,
    ):
        for kind in ("chat", "error", "groupchat", "odd"):
            peer.send(f"<message {to} type='{kind}'>{inner}</message>")
    peer.send(f"<presence {to} type='subscribe'><status>\u202e</status></presence>")
    peer.send(f"<iq {to.replace(alice.jid, run.jid)} type='set' id='1'><x xmlns='urn:x'/></iq>")
    peer.send(f"<iq {to.replace(alice.jid, run.jid)} type='result' id='2'/>")
    peer.message(alice.jid, "end")
    assert only(xmppctl.finish(run))["body"] == "end"


def test_the_bell_rings_for_attention_that_is_asked_for_now(listening, xmppctl, alice, bob, raw):
    run = listening("--bell", "--count", "2")
    peer = raw(bob)
    peer.message(alice.jid, "calm")
    run.wait_line("calm")
    assert "\a" not in run.err
    peer.send(f"<message to='{alice.jid}' type='headline'>{ATTENTION}</message>")
    result = xmppctl.finish(run).expect(0)
    assert result.jsonl()[-1]["attention"] is True
    assert "\a" in result.err


def test_inactive_clients_get_in_the_end_what_was_held_back(
    listening, xmppctl, alice, slix, server
):
    assert Feature.STREAM_MANAGEMENT in server.features
    other = slix(alice, "desk")
    run = listening("--inactive", "--type", "available", "--for", "2s")
    other.send_presence(pstatus="here")
    found = xmppctl.finish(run).expect(0).jsonl()
    assert [r["from"] for r in found if r.get("status") == "here"] == [other.jid]


def test_the_end_of_the_stream_is_told(listening, xmppctl, alice, server):
    run = listening()
    # another client takes the resource: the server ends the older stream
    with RawClient.login_as(alice, run.jid.partition("/")[2]):
        error = xmppctl.finish(run).expect(3).error()
    assert error["condition"] in ("conflict", "connection-closed")
