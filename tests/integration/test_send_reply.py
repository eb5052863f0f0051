"""`xmppctl send --wait-reply`: the answer to a message, and nothing else."""

import signal
from contextlib import suppress

import pytest

from tests.peers.process import TRANSPORT
from tests.peers.stream import StreamClosed
from tests.servers.quirks import Feature

pytestmark = pytest.mark.in_turn

BODY, THREAD = "{jabber:client}body", "{jabber:client}thread"
CARBONS = "urn:xmpp:carbons:2"

keeps_unacknowledged = pytest.mark.skipif(
    TRANSPORT == "bosh",
    reason="over BOSH what was not acknowledged is lost when the session ends (BOSH_UNACKED_LOST)",
)


@pytest.fixture
def peer(raw, bob):
    client = raw(bob, "phone")
    client.send("<presence/>")
    client.iq("<ping xmlns='urn:xmpp:ping'/>")
    return client


@pytest.fixture
def asked(xmppctl, alice, bob, peer):
    """Ask bob something: the run, and the question as his client got it."""

    def ask(*args, form="json", to=bob.jid):
        run = xmppctl.start("-o", form, "send", "--wait-reply", *args, to, "Well?", account=alice)
        return run, peer.wait_message()

    return ask


def say(client, to, body, inside="", kind="chat"):
    client.send(f"<message to='{to}' type='{kind}'><body>{body}</body>{inside}</message>")


def test_the_answer_is_the_record(asked, xmppctl, alice, peer):
    run, question = asked()
    assert question.findtext(BODY) == "Well?"
    peer.send(
        f"<message to='{alice.jid}' type='chat'>"
        "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>"
    )
    say(peer, alice.jid, "yes", "<active xmlns='http://jabber.org/protocol/chatstates'/>")
    record = xmppctl.finish(run).expect(0).json()
    assert (record["from"], record["body"], record["direction"]) == (peer.jid, "yes", "in")
    assert (record["stanza"], record["chat_state"]) == ("message", "active")
    # it was taken over: it does not come a second time
    assert xmppctl("listen", "--for", "300ms", account=alice).expect(0).out == ""


@pytest.mark.parametrize("to_client", [True, False])
def test_plain_output_is_the_text(asked, xmppctl, alice, peer, to_client):
    run, question = asked(form="plain", to=peer.jid)
    say(peer, question.get("from") if to_client else alice.jid, "yes &amp; no", kind="normal")
    assert xmppctl.finish(run).expect(0).out == "yes & no\n"


@keeps_unacknowledged
def test_what_others_say_stays_for_other_clients(asked, xmppctl, alice, peer, raw, server):
    run, _ = asked("--matching", "^(yes|no)$")
    carol = raw(server.account("carol"))
    say(carol, alice.jid, "yes")
    carol.iq("<ping xmlns='urn:xmpp:ping'/>", to=alice.jid)
    say(peer, alice.jid, "let me see")
    say(peer, alice.jid, "no")
    record = xmppctl.finish(run).expect(0).json()
    assert (record["from"], record["body"]) == (peer.jid, "no")
    run = xmppctl("-o", "jsonl", "listen", "--count", "2", "--for", "9s", account=alice)
    assert [each["body"] for each in run.expect(0).jsonl()] == ["yes", "let me see"]


@keeps_unacknowledged
def test_what_was_said_before_is_no_answer(xmppctl, alice, bob, raw):
    early = raw(bob)
    say(early, alice.jid, "before")
    early.iq("<ping xmlns='urn:xmpp:ping'/>", to=alice.jid)
    early.send("<presence/>")
    run = xmppctl.start("-o", "plain", "send", "--wait-reply", bob.jid, "Well?", account=alice)
    early.wait_message()
    say(early, alice.jid, "after")
    assert xmppctl.finish(run).expect(0).out == "after\n"
    run = xmppctl("-o", "plain", "listen", "--count", "1", "--for", "9s", account=alice)
    assert run.expect(0).out == "before\n"


def test_the_thread_is_that_of_the_question(asked, xmppctl, alice, peer):
    run, question = asked("--thread", "t1", form="plain")
    assert question.findtext(THREAD) == "t1"
    say(peer, alice.jid, "of another", "<thread>t2</thread>")
    say(peer, alice.jid, "of this", "<thread>t1</thread>")
    assert xmppctl.finish(run).expect(0).out == "of this\n"
    run, _ = asked("--thread", "t1", form="plain")
    say(peer, alice.jid, "of none")
    assert xmppctl.finish(run).expect(0).out == "of none\n"


def test_an_answer_that_another_client_of_the_account_gets(
    asked, xmppctl, alice, peer, raw, server
):
    assert Feature.CARBONS in server.features
    desk = raw(alice, "desk")
    desk.send("<presence><priority>20</priority></presence>")
    desk.iq("<ping xmlns='urn:xmpp:ping'/>")
    run, _ = asked()
    say(peer, desk.jid, "to the desk")
    record = xmppctl.finish(run).expect(0).json()
    assert (record["body"], record["carbon"], record["to"]) == ("to the desk", "received", desk.jid)
    assert desk.wait_message().findtext(BODY) == "to the desk"


def test_no_answer(asked, xmppctl, peer, alice):
    run, question = asked("--wait-timeout", "500ms")
    peer.send(
        f"<message to='{question.get('from')}' type='chat'>"
        f"<received xmlns='urn:xmpp:receipts' id='{question.get('id')}'/></message>"
    )
    result = xmppctl.finish(run).expect(8)
    error = result.error()
    assert (error["name"], error["step"], error["condition"]) == ("TIMEOUT", "reply", "timeout")
    assert result.out == ""


def test_a_signal_ends_the_wait(asked, xmppctl):
    run, _ = asked("--wait-timeout", "1h")
    run.signal(signal.SIGINT)
    assert xmppctl.finish(run, 5).expect(130).out == ""


def test_a_bounce_is_refused_at_once(xmppctl, alice, server):
    nobody = f"nobody@{server.domain}"
    run = xmppctl("--json", "send", "--wait-reply", "--wait-timeout", "20s", nobody, "x",
                  account=alice)  # fmt: skip
    error = run.expect(6).error()
    assert (error["condition"], error["step"], error["by"]) == (
        "service-unavailable",
        "send",
        nobody,
    )
    assert run.seconds < 15


def test_a_question_to_the_own_account(xmppctl, alice, raw):
    desk = raw(alice, "desk")
    desk.send("<presence/>")
    desk.iq("<ping xmlns='urn:xmpp:ping'/>")
    run = xmppctl.start("-o", "plain", "send", "--wait-reply", alice.jid, "Well?", account=alice)
    question = desk.wait_message()
    say(desk, question.get("from"), "yes")
    assert xmppctl.finish(run).expect(0).out == "yes\n"


# --- odd servers --------------------------------------------------------------------------------


def served(seen, answer):
    """A server without carbons: ``answer`` gives what comes upon a message."""

    async def script(conn):
        await conn.login()
        with suppress(StreamClosed):
            while True:
                stanza = await conn.recv(20)
                name = stanza.tag.rpartition("}")[2]
                seen.append(stanza)
                if name == "iq" and stanza.find(f"{{{CARBONS}}}enable") is not None:
                    conn.error(stanza, "service-unavailable")
                elif name == "iq":
                    conn.result(stanza)
                elif name == "message":
                    conn.send(answer(stanza))

    return script


def test_without_carbons_only_other_clients_are_not_heard(against_fake):
    seen = []
    script = served(
        seen, lambda m: "<message from='b@far.test/x' type='chat'><body>yes</body></message>"
    )
    run = against_fake(script, "-o", "plain", "send", "--wait-reply", "b@far.test", "Well?")
    assert run.expect(0).out == "yes\n"
    (message,) = [each for each in seen if each.tag.endswith("}message")]
    presence = [each for each in seen if each.tag.endswith("}presence")]
    assert seen.index(presence[0]) < seen.index(message)
    assert presence[0].find("{jabber:client}priority") is None  # which is 0


@pytest.mark.parametrize(
    "sender", ["b@far.test.evil/x", "bb@far.test/x", "far.test", "alice@fake.test"]
)
def test_only_who_was_asked_can_answer(against_fake, sender):
    forged = f"<message from='{sender}' type='chat'><body>no</body></message>"
    true = "<message from='B@far.test/x' type='normal'><body>yes</body></message>"
    other = "<message from='b@far.test/x' type='groupchat'><body>no</body></message>"
    old = (
        "<message from='b@far.test/x' type='chat'><body>no</body>"
        "<delay xmlns='urn:xmpp:delay' from='fake.test' stamp='2020-01-01T00:00:00Z'/></message>"
    )
    script = served([], lambda m: forged + other + old + true)
    run = against_fake(script, "-o", "plain", "send", "--wait-reply", "b@far.test", "Well?")
    assert run.expect(0).out == "yes\n"


def test_an_answer_is_proof_enough_where_nothing_else_comes(against_fake):
    """The recipient's server does not answer the barrier."""

    async def script(conn):
        await conn.login("<sm xmlns='urn:xmpp:sm:3'/>")
        count = 0
        with suppress(StreamClosed):
            while True:
                stanza = await conn.recv(20)
                name = stanza.tag.rpartition("}")[2]
                count += name in ("iq", "message", "presence")
                if name == "iq" and stanza.get("to") != "b@far.test":
                    conn.result(stanza)
                elif name == "enable":
                    count = 0
                    conn.send("<enabled xmlns='urn:xmpp:sm:3'/>")
                elif name == "r":
                    conn.send(f"<a xmlns='urn:xmpp:sm:3' h='{count}'/>")
                elif name == "iq":
                    conn.send("<message from='b@far.test/x'><body>yes</body></message>")

    run = against_fake(script, "-o", "plain", "send", "--wait-reply", "b@far.test", "Well?")
    assert run.expect(0).out == "yes\n"
    assert run.seconds < 20


def test_a_bounce_behind_the_proof_of_delivery(against_fake):
    """It comes when nothing is waited for any more but the answer."""

    async def script(conn):
        await conn.login()
        ident = None
        with suppress(StreamClosed):
            while True:
                try:
                    stanza = await conn.recv(20 if ident is None else 1)
                except TimeoutError:  # all pings are answered
                    conn.send(
                        f"<message type='error' from='b@far.test' id='{ident}'><error "
                        "type='cancel'><item-not-found "
                        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
                    )
                    return await conn.until_closed()
                if stanza.tag.endswith("}iq"):
                    conn.result(stanza)
                elif stanza.tag.endswith("}message"):
                    ident = stanza.get("id")

    run = against_fake(script, "--json", "send", "--wait-reply", "b@far.test", "Well?")
    error = run.expect(6).error()
    assert (error["condition"], error["step"], error["by"]) == (
        "item-not-found",
        "send",
        "b@far.test",
    )
    assert run.seconds < 20
