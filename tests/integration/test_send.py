"""`xmppctl send` to people, against real servers; the recipient is a client of another project."""

import json
import time

import pytest

from tests.servers.quirks import Feature

pytestmark = pytest.mark.in_turn

HOSTILE = [
    "--jid=evil@example.org",
    "-o",
    "carol@example.org",
    "xmpp:carol@example.org?message;body=x",
    "\u202edlrow\u2066 <b>&amp; ]]> 👩‍👩‍👧 ẞ\ttab",
    "two\nlines\n",
    "  spaces around  ",
    "-",
    "'; rm -rf / #",
]

KEYS = [
    "to",
    "id",
    "origin_id",
    "stanza_id",
    "acked",
    "confirmed",
    "received_at",
    "displayed_at",
    "error",
]


def sent(result):
    """The one record of a run that succeeded."""
    (record,) = result.expect(0).json()
    assert list(record) == KEYS
    assert (record["acked"], record["confirmed"], record["error"]) == (True, True, None)
    return record


@pytest.fixture
def peer(slix, bob):
    client = slix(bob)
    client.send_presence()
    client.wait_presence(lambda p: p["from"] == client.jid)
    return client


# --- where the text comes from ------------------------------------------------------------------


def test_every_hostile_text_arrives_as_it_is_behind_dashes_and_by_stdin(xmppctl, alice, peer):
    for text in HOSTILE:
        sent(xmppctl("send", "--json", peer.account.jid, "--", text, account=alice))
        assert peer.wait_message(lambda m, t=text: m["body"] == t)["from"].bare == alice.jid
        peer.stanzas.clear()
        run = xmppctl("send", "--json", peer.account.jid, "-", account=alice, input=text + "\n")
        sent(run)
        peer.wait_message(lambda m, t=text: m["body"] == t)
        peer.stanzas.clear()


def test_missing_text_is_read_from_a_pipe_and_loses_one_newline(xmppctl, alice, peer):
    sent(xmppctl("send", "--json", peer.account.jid, account=alice, input="a\r\n\n\n"))
    assert peer.wait_message()["body"] in ("a\n\n", "a\r\n\n")


def test_a_very_long_text_arrives_whole(xmppctl, alice, peer):
    text = "".join(f"{n:07d} ü\n" for n in range(20_000))[:200_000]
    sent(xmppctl("send", "--json", peer.account.jid, account=alice, input=text + "\n"))
    assert peer.wait_message()["body"] == text


@pytest.mark.parametrize(
    ("text", "told"),
    [(b"\xff\xfe", "not UTF-8"), (b"a\x1b[31mb", "U+001B"), (b"\n", "empty"), (b"", "empty")],
)
def test_text_that_cannot_be_sent_is_refused_before_connecting(xmppctl, text, told):
    run = xmppctl("send", "--json", "bob@x.test", "-", input=text, jid="a@x.test", password="x")
    assert told in run.expect(2).error()["text"]
    assert run.out == ""


# --- what the recipient sees --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["chat", "normal", "headline"])
def test_type_subject_thread_and_language_reach_the_recipient(xmppctl, alice, peer, kind):
    options = ["--type", kind, "--subject", "Disk", "--thread", "t-1", "--lang", "de"]
    sent(xmppctl("send", "--json", *options, peer.account.jid, "voll", account=alice))
    message = peer.wait_message()
    assert (message["type"], message["subject"], message["thread"]) == (kind, "Disk", "t-1")
    assert message["lang"] == "de"


def test_a_text_in_two_languages(xmppctl, alice, peer):
    sent(xmppctl("send", "--json", "--body-lang", "de=Hallo", "--thread", "t2", "--parent", "t1",
                 peer.account.jid, "Hello", account=alice))  # fmt: skip
    message = peer.wait_message().xml
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    bodies = {e.text: e.get(lang) for e in message.iter("{jabber:client}body")}
    assert bodies.keys() == {"Hello", "Hallo"}
    assert bodies["Hallo"] == "de"
    thread = message.find("{jabber:client}thread")
    assert (thread.text, thread.get("parent")) == ("t2", "t1")


def test_id_and_origin_id_are_one_and_told(xmppctl, alice, peer):
    record = sent(xmppctl("send", "--json", "--id", "own-1", peer.account.jid, "x", account=alice))
    message = peer.wait_message()
    origin = message.xml.find("{urn:xmpp:sid:0}origin-id")
    assert origin.get("id") == message["id"] == record["id"] == record["origin_id"] == "own-1"
    first = sent(xmppctl("send", "--json", peer.account.jid, "x", account=alice))
    again = sent(xmppctl("send", "--json", peer.account.jid, "x", account=alice))
    assert first["id"] != again["id"]


def test_another_resource_gets_a_carbon(xmppctl, alice, peer, slix):
    other = slix(alice, "desk")
    other.run(other.plugin("xep_0280").enable)
    other.send_presence()
    sent(xmppctl("send", "--json", peer.account.jid, "to the desk too", account=alice))
    carbon = other.wait_xml("{urn:xmpp:carbons:2}sent")
    assert carbon.findtext(".//{jabber:client}body") == "to the desk too"


def test_an_offline_recipient_gets_it_later_in_order(xmppctl, alice, bob, slix):
    for text in ("one", "two", "three"):
        sent(xmppctl("send", "--json", bob.jid, text, account=alice))
    late = slix(bob)
    late.send_presence()
    late.wait_message(lambda m: m["body"] == "three")
    bodies = [s["body"] for s in late.stanzas if s.name == "message" and s["body"]]
    assert bodies == ["one", "two", "three"]


def test_a_full_jid_gets_it_and_no_other_client_of_the_account(xmppctl, alice, peer, slix, bob):
    second = slix(bob, "second")
    second.send_presence()
    sent(xmppctl("send", "--json", second.jid, "for you", account=alice))
    assert second.wait_message()["to"] == second.jid
    sent(xmppctl("send", "--json", peer.jid, "last", account=alice))
    peer.wait_message(lambda m: m["body"] == "last")
    assert [s["body"] for s in peer.stanzas if s.name == "message"] == ["last"]


def test_the_own_account_gets_it(xmppctl, alice, slix):
    other = slix(alice, "desk")
    other.send_presence()
    sent(xmppctl("send", "--json", alice.jid, "note to self", account=alice))
    assert other.wait_message()["body"] == "note to self"


# --- the truth about the fate -------------------------------------------------------------------


def refused(run, code=6):
    (record,) = run.expect(code).json()
    assert list(record) == KEYS
    assert record["confirmed"] is False
    assert run.error() == record["error"]
    return record["error"]


def test_an_account_that_does_not_exist(xmppctl, alice, server):
    nobody = f"nobody@{server.domain}"
    error = refused(xmppctl("send", "--json", nobody, "x", account=alice))
    assert (error["condition"], error["by"]) == ("service-unavailable", nobody)
    assert error["step"] == "send"


def test_a_domain_that_does_not_exist(xmppctl, alice):
    error = refused(xmppctl("send", "--json", "bob@nowhere.invalid", "x", account=alice))
    assert error["condition"] in ("remote-server-not-found", "remote-server-timeout")


def test_a_component_that_is_not_there(xmppctl, alice, server):
    error = refused(xmppctl("send", "--json", f"x@{server.component}", "x", account=alice))
    assert error["condition"] in ("remote-server-timeout", "remote-server-not-found")


def test_the_domain_itself_says_no(xmppctl, alice, server):
    error = refused(xmppctl("send", "--json", server.domain, "x", account=alice))
    assert error["by"] == server.domain


def test_a_groupchat_message_without_being_there(xmppctl, alice, slix, bob, server):
    room = f"r-{bob.local}@{server.conference}"
    slix(bob).create_muc(room, "host")
    run = xmppctl("send", "--json", "--type", "groupchat", room, "x", account=alice)
    error = refused(run)
    assert error["condition"] == "not-acceptable"
    assert "--muc" in error["hint"]
    run = xmppctl("send", "--json", f"{room}/host", "psst", account=alice)
    assert "muc pm" in refused(run)["hint"]


def test_a_recipient_that_the_sender_blocked(xmppctl, alice, bob, raw):
    block = f"<block xmlns='urn:xmpp:blocking'><item jid='{bob.jid}'/></block>"
    assert raw(alice).iq(block, type="set").get("type") == "result"
    error = refused(xmppctl("send", "--json", bob.jid, "x", account=alice))
    assert error["condition"] == "not-acceptable"
    assert "blocked" in error["hint"]


def test_a_recipient_that_blocks_the_sender(xmppctl, alice, bob, raw):
    block = f"<block xmlns='urn:xmpp:blocking'><item jid='{alice.jid}'/></block>"
    assert raw(bob).iq(block, type="set").get("type") == "result"
    assert refused(xmppctl("send", "--json", bob.jid, "x", account=alice))["condition"] == (
        "service-unavailable"
    )


def test_a_component_that_bounces_and_one_that_keeps_silent(xmppctl, alice, server):
    from tests.peers.rawxml import RawComponent

    with RawComponent.attach(server) as component:
        run = xmppctl.start("send", "--json", f"x@{server.component}", "x", account=alice)
        message = component.expect(lambda e: e.tag.endswith("}message"))
        component.send(
            f"<message type='error' id='{message.get('id')}' from='x@{server.component}' "
            f"to='{message.get('from')}'><error type='modify'><not-acceptable "
            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
        )
        ping = component.expect(lambda e: e.tag.endswith("}iq"))
        component.send(
            f"<iq type='result' id='{ping.get('id')}' from='x@{server.component}' "
            f"to='{ping.get('from')}'/>"
        )
        assert refused(xmppctl.finish(run))["condition"] == "not-acceptable"
        run = xmppctl(
            *("--timeout", "1s", "send", "--json", f"y@{server.component}", "x"), account=alice
        )
        error = refused(run, 8)
        assert (error["name"], error["step"]) == ("TIMEOUT", "send")
        assert run.json()[0]["acked"] is True
        run = xmppctl(
            *("send", "--json", "--wait", "acked", f"y@{server.component}", "x"), account=alice
        )
        record = run.expect(0).json()[0]
        assert (record["acked"], record["confirmed"]) == (True, False)


def test_several_recipients_with_different_fates(xmppctl, alice, bob, server):
    missing = [f"nobody@{server.domain}", f"noone@{server.domain}"]
    run = xmppctl("send", "--json", missing[0], bob.jid, missing[1], "x", account=alice)
    assert run.expect(9).error()["name"] == "PARTIAL"
    records = run.json()
    assert [r["to"] for r in records] == [missing[0], bob.jid, missing[1]]
    assert [r["error"] and r["error"]["code"] for r in records] == [6, None, 6]
    run = xmppctl("send", "--json", *missing, "x", account=alice)
    assert run.expect(6).error()["condition"] == "service-unavailable"
    assert len(run.json()) == 2


@pytest.mark.servers("prosody")
def test_a_recipient_that_the_sender_denies_by_a_privacy_list(xmppctl, server):
    assert Feature.PRIVACY_LISTS in server.features
    from tests.peers.rawxml import RawClient

    host = server.hosts["privacy"]
    alice, bob = server.account("alice", host), server.account("bob", host)
    with RawClient.login_as(alice) as peer:
        deny = (
            "<query xmlns='jabber:iq:privacy'><list name='no'>"
            f"<item type='jid' value='{bob.jid}' action='deny' order='1'/></list></query>"
        )
        assert peer.iq(deny, type="set").get("type") == "result"
        default = "<query xmlns='jabber:iq:privacy'><default name='no'/></query>"
        assert peer.iq(default, type="set").get("type") == "result"
    error = refused(xmppctl("send", "--json", bob.jid, "x", account=alice))
    assert error["condition"] in ("not-acceptable", "service-unavailable")


# --- formats ------------------------------------------------------------------------------------


def test_every_format_tells_the_same(xmppctl, alice, bob, server):
    def out(name, *args):
        command = ("-o", name, "send", *args, "--id", "i1", bob.jid, "x")
        return xmppctl(*command, account=alice).expect(0).out

    assert out("plain") == "i1\n"
    assert out("csv", "--fields", "to,acked,id") == f"to,acked,id\n{bob.jid},true,i1\n"
    assert out("tsv", "--fields", "id,confirmed") == "id\tconfirmed\ni1\ttrue\n"
    assert json.loads(out("jsonl", "--fields", "id,error")) == {"id": "i1", "error": None}
    header, row = out("table").splitlines()
    assert header.split() == ["TO", "ID", "ACKED", "CONFIRMED", "ERROR"]
    assert row.split() == [bob.jid, "i1", "yes", "yes"]


def test_dry_run_shows_what_stanza_takes_and_sends_nothing(xmppctl, alice, peer):
    show = ("send", "--dry-run", "--subject", "S", "--id", "d1", peer.account.jid, "--", "a<b\n&")
    run = xmppctl(*show, jid="nobody@nowhere.invalid").expect(0)
    assert run.out.count("\n") == 1
    sent(xmppctl("send", "--json", "--stanza", "-", peer.account.jid, account=alice, input=run.out))
    message = peer.wait_message()
    assert (message["body"], message["subject"], message["id"]) == ("a<b\n&", "S", "d1")


def test_a_stanza_from_a_file(xmppctl, alice, peer, tmp_path):
    path = tmp_path / "m.xml"
    path.write_text(
        "<?xml version='1.0'?>\n<message type='normal' from='forged@x.test' to='x@x.test'>"
        "<body xml:lang='fr'>été</body><x xmlns='urn:example:own' a='1'><y/></x></message>\n"
    )
    run = xmppctl("send", "--json", "--stanza", str(path), peer.account.jid, account=alice)
    assert sent(run)["origin_id"] is None
    message = peer.wait_message()
    assert message.xml.find("{urn:example:own}x/{urn:example:own}y") is not None
    assert (message["from"].bare, message["body"]) == (alice.jid, "été")


@pytest.mark.parametrize(
    "text",
    ["", "hello", "<message>", "<presence/>", "<message xmlns='urn:x'/>", "<a/><b/>",
     "<!DOCTYPE m [<!ENTITY a 'b'>]><message><body>&a;</body></message>"],
)  # fmt: skip
def test_what_is_no_message_stanza_is_a_usage_error(xmppctl, text):
    run = xmppctl("send", "--json", "--stanza", "-", "b@x.test", jid="a@x.test", input=text)
    assert run.expect(2).error()["text"].startswith("--stanza")


# --- many lines ---------------------------------------------------------------------------------


def test_a_thousand_lines_arrive_in_order_one_result_each(xmppctl, alice, peer):
    lines = [f"line {n} ü" for n in range(1000)]
    text = "\n\n".join(lines) + "\n"
    run = xmppctl("-o", "jsonl", "send", "--stdin-lines", peer.account.jid, account=alice,
                  input=text, timeout=60)  # fmt: skip
    records = run.expect(0).jsonl()
    assert len(records) == 1000
    assert all(record["confirmed"] for record in records)
    peer.wait_message(lambda m: m["body"] == lines[-1])
    messages = [s for s in peer.stanzas if s.name == "message" and s["body"]]
    assert [m["body"] for m in messages] == lines
    assert [m["id"] for m in messages] == [record["id"] for record in records]


def test_bad_lines_are_records_of_their_own(xmppctl, alice, peer):
    run = xmppctl("-o", "jsonl", "send", "--stdin-lines", peer.account.jid, account=alice,
                  input=b"good\n\xff\xfe\n\n\nbell\x07\nlast")  # fmt: skip
    errors = [record["error"] for record in run.expect(9).jsonl()]
    assert [error and error["name"] for error in errors] == [None, "USAGE", "USAGE", None]
    assert "line 2" in errors[1]["text"]
    assert "U+0007" in errors[2]["text"]
    peer.wait_message(lambda m: m["body"] == "last")
    bodies = [s["body"] for s in peer.stanzas if s.name == "message" and s["body"]]
    assert bodies == ["good", "last"]


def test_a_slow_pipe_shows_each_result_as_it_comes(xmppctl, alice, peer):
    run = xmppctl.start("-o", "jsonl", "send", "--stdin-lines", peer.account.jid, account=alice)
    for number in range(3):
        run.write(f"tick {number}\n")
        peer.wait_message(lambda m, n=number: m["body"] == f"tick {n}")
        run.wait_line(f'"id":"{peer.stanzas[-1]["id"]}".*"confirmed":true')
        # while it waits for the next line it still answers
        ping = peer.plugin("xep_0199").ping
        peer.run(ping, peer.stanzas[-1]["from"], timeout=5)
    begin = time.monotonic()
    result = xmppctl.finish(run)
    assert len(result.expect(0).jsonl()) == 3
    assert time.monotonic() - begin < 5
