"""What `xmppctl send` says when the way back is broken: fake servers and a faulty line."""

import json
import time

import pytest

from tests.peers.stream import StreamClosed
from tests.servers.fake import FakeServer
from tests.servers.faults import FaultProxy, Flow

SM = "<sm xmlns='urn:xmpp:sm:3'/>"
NOT_ACCEPTABLE = (
    "<error type='modify'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
)


class Peer:
    """The server's side of one run: counts, acknowledges, and leaves the rest to the test."""

    def __init__(self, conn, *, acks=True):
        self.conn = conn
        self.acks = acks
        self.count = 0

    async def stanzas(self):
        """Messages and requests; ends when the client closes its stream."""
        while True:
            try:
                element = await self.conn.recv(20)
            except StreamClosed:
                return
            name = element.tag.rpartition("}")[2]
            if name == "enable" and self.acks:
                self.conn.send("<enabled xmlns='urn:xmpp:sm:3'/>")
            elif name == "enable":
                self.conn.send("<failed xmlns='urn:xmpp:sm:3'/>")
            elif name == "r" and self.acks:
                self.conn.send(f"<a xmlns='urn:xmpp:sm:3' h='{self.count}'/>")
            elif name in ("message", "iq", "presence"):
                self.count += 1
                yield name, element


@pytest.fixture
def against(authority, xmppctl):
    """Run a command against a script; ``start=True`` gives the running process."""
    servers = []

    def run(script, *args, start=False, **more):
        server = FakeServer("fake.test", authority.issue("fake.test"), script)
        servers.append(server)
        server.__enter__()
        call = xmppctl.start if start else xmppctl
        return call(
            *args,
            jid="alice@fake.test",
            password="x",
            connect=server.address,
            ca_file=authority.ca_file,
            **more,
        )

    yield run
    for server in servers:
        server.__exit__(None, None, None)


def test_the_barriers_answer_is_swallowed(against):
    async def script(conn):
        await conn.login(SM)
        async for _ in Peer(conn).stanzas():
            pass

    run = against(script, "--timeout", "1s", "send", "--json", "b@far.test", "x")
    error = run.expect(8).error()
    assert (error["name"], error["step"], error["by"]) == ("TIMEOUT", "send", "b@far.test")
    assert "whether it arrived" in error["hint"]
    assert [run.json()[0][key] for key in ("acked", "confirmed")] == [True, False]


@pytest.mark.parametrize("features", ["", SM], ids=["not offered", "refused"])
@pytest.mark.parametrize("wait", [(), ("--wait", "acked")], ids=["confirmed", "acked"])
def test_without_acknowledgements_a_ping_to_the_own_server_tells(against, features, wait):
    async def script(conn):
        await conn.login(features)
        async for name, stanza in Peer(conn, acks=False).stanzas():
            if name == "iq" and stanza.get("to") == "fake.test":
                conn.result(stanza)

    run = against(script, "--timeout", "1s", "send", "--json", *wait, "b@far.test", "x")
    (record,) = run.expect(0 if wait else 8).json()
    # where the offer was refused afterwards, only --wait acked asks once more
    assert record["acked"] is (bool(wait) or not features)
    assert record["confirmed"] is False


def test_a_silent_server_has_taken_nothing(against):
    async def script(conn):
        await conn.login(SM)
        await conn.until_closed(20)

    for wait in ((), ("--wait", "acked")):
        run = against(script, "--timeout", "1s", "send", "--json", *wait, "b@far.test", "x")
        (record,) = run.json()
        assert (record["acked"], record["confirmed"]) == (False, False)
        assert run.code in (3, 8)


def bounce(conn, stanza, sender, ident=None):
    conn.send(
        f"<message type='error' from='{sender}' to='{conn.jid}' "
        f"id='{ident or stanza.get('id')}'>{NOT_ACCEPTABLE}</message>"
    )


@pytest.mark.parametrize(
    ("sender", "code"),
    [
        ("b@far.test", 6),
        ("B@FAR.test", 6),
        ("b@far.test/phone", 6),
        ("fake.test", 6),
        ("mallory@evil.test", 0),
        ("far.test", 0),
        ("b@far.test.evil.test", 0),
    ],
)
def test_only_who_may_bounce_bounces(against, sender, code):
    async def script(conn):
        await conn.login(SM)
        async for name, stanza in Peer(conn).stanzas():
            if name == "message":
                bounce(conn, stanza, "b@far.test", "some-other-id")
                bounce(conn, stanza, sender)
            else:
                conn.result(stanza)

    run = against(script, "send", "--json", "b@far.test", "x")
    (record,) = run.expect(code).json()
    assert record["confirmed"] is (code == 0)
    assert record["acked"] is True


@pytest.mark.parametrize(("sender", "code"), [("b@far.test", 6), ("mallory@evil.test", 0)])
def test_a_bounce_a_moment_behind_the_barrier(against, sender, code):
    """As of a server where a client's own process bounces, side by side with the account's."""

    async def script(conn):
        await conn.login(SM)
        message = None
        async for name, stanza in Peer(conn).stanzas():
            if name == "message":
                message = stanza
                continue
            if stanza.get("to") == "fake.test":
                bounce(conn, message, sender)
            conn.result(stanza)

    run = against(script, "send", "--json", "b@far.test", "x")
    assert run.expect(code).json()[0]["confirmed"] is (code == 0)


@pytest.mark.parametrize(
    ("to", "account", "client", "code"),
    [
        ("b@far.test/r", "service-unavailable", "service-unavailable", 6),
        ("b@far.test/r", "service-unavailable", "feature-not-implemented", 0),
        ("b@far.test/r", "service-unavailable", None, 0),
        ("b@far.test/r", None, "service-unavailable", 0),
        ("b@far.test", "service-unavailable", None, 0),
    ],
)
def test_where_nobody_answers_for_the_account(against, to, account, client, code):
    async def script(conn):
        await conn.login(SM)
        async for name, stanza in Peer(conn).stanzas():
            conditions = {"b@far.test": account, "b@far.test/r": client}
            condition = conditions.get(stanza.get("to"))
            if name == "iq" and condition is not None:
                conn.error(stanza, condition)
            elif name == "iq":
                conn.result(stanza)

    run = against(script, "send", "--json", to, "x")
    assert run.expect(code).json()[0]["confirmed"] is (code == 0)


def test_an_unreachable_domain_that_only_answers_the_barrier(against):
    async def script(conn):
        await conn.login(SM)
        async for name, stanza in Peer(conn).stanzas():
            if name == "iq":
                conn.error(stanza, "remote-server-not-found")

    run = against(script, "send", "--json", "b@far.test", "x")
    assert run.expect(6).error()["condition"] == "remote-server-not-found"
    assert run.json()[0]["confirmed"] is False


def test_an_answer_to_the_barrier_by_somebody_else_proves_nothing(against):
    async def script(conn):
        await conn.login(SM)
        async for name, stanza in Peer(conn).stanzas():
            if name == "iq":
                conn.result(stanza, from_="evil.test")

    run = against(script, "--timeout", "1s", "send", "--json", "b@far.test", "x")
    assert run.expect(8).json()[0]["confirmed"] is False


def test_the_stream_ends_in_the_middle(against):
    async def script(conn):
        await conn.login(SM)
        seen = 0
        async for name, stanza in Peer(conn).stanzas():
            seen += name == "message"
            if name == "iq" and seen == 1:
                conn.result(stanza)
            elif name == "iq" and seen == 3:
                conn.stream_error("system-shutdown")
                return

    to = [f"b{n}@far.test" for n in range(5)]
    run = against(script, "send", "--json", *to, "x")
    records = run.expect(9).json()
    assert [record["to"] for record in records] == to
    assert [record["confirmed"] for record in records] == [True, False, False, False, False]
    assert [record["acked"] for record in records[:3]] == [True, True, True]
    assert {record["error"]["code"] for record in records[1:]} == {3}
    assert records[4]["error"]["condition"] == "system-shutdown"


def test_a_stream_that_ends_while_the_pipe_keeps_silent(against):
    async def script(conn):
        await conn.login(SM)
        async for name, stanza in Peer(conn).stanzas():
            if name == "iq":
                conn.result(stanza)
                conn.stream_error("system-shutdown")
                return

    command = ("-o", "jsonl", "send", "--stdin-lines", "b@far.test")
    run = against(script, *command, start=True)
    run.write("only\n")
    run.wait_line('"confirmed":true')
    run.process.wait(5)  # standard input is still open
    result = run.wait()
    assert result.expect(3).error()["condition"] == "system-shutdown"
    assert len(result.jsonl()) == 1


def test_results_come_in_the_order_of_the_messages(against):
    async def script(conn):
        await conn.login(SM)
        held = []
        async for name, stanza in Peer(conn).stanzas():
            if name == "iq":
                held.append(stanza)
            if len(held) == 4:
                for request in reversed(held):
                    conn.result(request)
                held = []

    to = [f"b{n}@far.test" for n in range(4)]
    run = against(script, "send", "--json", *to, "x")
    assert [record["to"] for record in run.expect(0).json()] == to


def test_silent_recipients_cost_one_timeout_together(against):
    async def script(conn):
        await conn.login(SM)
        async for name, stanza in Peer(conn).stanzas():
            if name == "iq" and "good" in stanza.get("to"):
                conn.result(stanza)

    to = [f"b{n}@far.test" for n in range(6)]
    begin = time.monotonic()
    run = against(script, "--timeout", "1s", "send", "--json", "good@far.test", *to, "x")
    assert time.monotonic() - begin < 5
    assert [bool(r["error"]) for r in run.expect(9).json()] == [False] + 6 * [True]


def test_a_line_that_is_cut(xmppctl, alice, bob, server, raw):
    """The connection is reset where the server acknowledges; nothing is sent a second time."""
    peer = raw(bob)
    peer.send("<presence/>")
    peer.iq("<ping xmlns='urn:xmpp:ping'/>")
    with FaultProxy.intercept(server, down=Flow(cut_at=b"<a ")) as proxy:
        run = xmppctl("--tls", "direct", "--retry", "3", "send", "--json", bob.jid, "x",
                      account=alice, connect=proxy.address)  # fmt: skip
    (record,) = run.expect(3).json()
    assert (record["acked"], record["confirmed"]) == (False, False)
    assert json.loads(run.err)["error"]["name"] == "CONNECT"
    xmppctl("send", bob.jid, "end", account=alice).expect(0)
    bodies = []
    while "end" not in bodies:
        bodies.append(peer.wait_message().findtext("{jabber:client}body"))
    assert bodies.count("x") <= 1


def test_lines_share_a_barrier_and_only_the_one_that_came_back_failed(against):
    barriers = []

    async def script(conn):
        await conn.login(SM)
        async for name, stanza in Peer(conn).stanzas():
            if name == "message":
                if stanza.findtext("{jabber:client}body") in ("line 7", "line 90"):
                    bounce(conn, stanza, "b@far.test")
                continue
            if stanza.get("to") == "b@far.test":
                barriers.append(stanza)
            conn.result(stanza)

    text = "".join(f"line {n}\n" for n in range(100))
    run = against(script, "-o", "jsonl", "send", "--stdin-lines", "b@far.test", input=text)
    records = run.expect(9).jsonl()
    assert [n for n, record in enumerate(records) if record["error"]] == [7, 90]
    assert [n for n, record in enumerate(records) if not record["confirmed"]] == [7, 90]
    assert all(record["acked"] for record in records)
    assert 1 <= len(barriers) < 10


def test_a_barrier_stands_behind_the_last_message_to_its_recipient(against):
    """Lines go to two recipients in turn; one of them answers, the other keeps silent."""
    seen = []

    async def script(conn):
        await conn.login(SM)
        async for name, stanza in Peer(conn).stanzas():
            seen.append((name, stanza.get("to")))
            if name == "iq" and stanza.get("to") != "c@far.test":
                conn.result(stanza)

    command = ("--timeout", "1s", "-o", "jsonl", "send", "b@far.test", "c@far.test")
    run = against(script, *command, "--stdin-lines", input="1\n2\n3\n")
    records = run.expect(9).jsonl()
    assert [(r["to"][0], r["confirmed"], r["acked"]) for r in records] == [
        ("b", True, True), ("c", False, True)
    ] * 3  # fmt: skip
    for to in ("b@far.test", "c@far.test"):
        *messages, last = [name for name, jid in seen if jid == to]
        assert (messages, last) == (["message"] * 3, "iq")


@pytest.mark.parametrize(
    ("node", "to", "asked"),
    [
        ("http://prosody.im", "b@fake.test", False),
        ("http://prosody.im", "b@far.test", True),
        ("http://www.process-one.net/en/ejabberd/", "b@fake.test", True),
        ("", "b@fake.test", True),
    ],
)
def test_a_server_that_works_in_order_is_not_asked_for_late_bounces(against, node, to, asked):
    own = []

    async def script(conn):
        caps = f"<c xmlns='http://jabber.org/protocol/caps' node='{node}' hash='sha-1' ver='x'/>"
        await conn.login(SM + caps)
        async for name, stanza in Peer(conn).stanzas():
            if name == "iq":
                own.append(stanza.get("to") == "fake.test")
                conn.result(stanza)

    against(script, "send", "--json", to, "x").expect(0)
    assert any(own) is asked
