"""`xmppctl send` where a naive client would be wrong: late bounces, lost ones, second copies."""

import pytest

from tests.peers.rawxml import RawComponent
from tests.peers.stream import StreamClosed
from tests.servers.fake import FakeServer

pytestmark = pytest.mark.in_turn

PING = "<ping xmlns='urn:xmpp:ping'/>"
WAIT = (
    "<error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
)


def online(client, priority=0):
    client.send(f"<presence><priority>{priority}</priority></presence>")
    client.iq(PING)
    return client


@pytest.mark.parametrize("wait", [(), ("--wait", "received", "--wait-timeout", "5s")])
def test_a_recipient_who_is_online_and_blocks_the_sender(xmppctl, alice, bob, raw, wait):
    """One server lets the client's own process bounce, behind the answer to the barrier."""
    peer = online(raw(bob, "phone"))
    block = f"<block xmlns='urn:xmpp:blocking'><item jid='{alice.jid}'/></block>"
    assert peer.iq(block, type="set").get("type") == "result"
    for to in (bob.jid, peer.jid, bob.jid, peer.jid):
        run = xmppctl("--json", "send", *wait, to, "x", account=alice).expect(6)
        assert run.error()["condition"] == "service-unavailable"
        assert run.json()[0]["confirmed"] is False
    unblock = f"<unblock xmlns='urn:xmpp:blocking'><item jid='{alice.jid}'/></unblock>"
    peer.iq(unblock, type="set")
    xmppctl("--json", "send", peer.jid, "now", account=alice).expect(0)
    assert peer.wait_message().findtext("{jabber:client}body") == "now"


def test_a_resource_that_is_gone_is_no_failure_while_the_account_takes_it(xmppctl, alice, bob, raw):
    peer = online(raw(bob, "desk"))
    run = xmppctl("--json", "send", f"{bob.jid}/gone", "for whoever is there", account=alice)
    assert run.expect(0).json()[0]["confirmed"] is True
    assert peer.wait_message().findtext("{jabber:client}body") == "for whoever is there"


def test_a_client_that_answers_no_pings_gets_its_messages(xmppctl, alice, bob, raw):
    peer = online(raw(bob, "mute"))
    run = xmppctl("--json", "send", peer.jid, "hi", account=alice).expect(0)
    assert run.seconds < 10
    peer.wait_message()


def test_a_service_and_clients_of_the_own_account(xmppctl, alice, raw, server):
    with RawComponent.attach(server) as component:
        run = xmppctl.start("--json", "send", server.component, "to a service", account=alice)
        message = component.expect(lambda e: e.tag.endswith("}message"))
        assert message.get("to") == server.component
        assert message.findtext("{*}body") == "to a service"
        ping = component.expect(lambda e: e.tag.endswith("}iq"))
        component.send(f"<iq type='result' id='{ping.get('id')}' from='{server.component}' "
                       f"to='{ping.get('from')}'/>")  # fmt: skip
        assert xmppctl.finish(run).expect(0).json()[0]["confirmed"] is True
    desk = online(raw(alice, "desk"))
    for to in (alice.jid, desk.jid, f"{alice.jid}/gone"):
        run = xmppctl("--json", "send", to, f"note {to}", account=alice).expect(0)
        assert run.json()[0]["confirmed"] is True
        assert desk.wait_message().findtext("{jabber:client}body") == f"note {to}"


def test_a_second_resource_gets_the_carbon(xmppctl, alice, bob, slix):
    first, second = slix(bob, "first"), slix(bob, "second")
    for client in (first, second):
        client.run(client.plugin("xep_0280").enable)
        client.send_presence()
    xmppctl("send", first.jid, "for the first", account=alice).expect(0)
    assert first.wait_message()["body"] == "for the first"
    carbon = second.wait_xml("{urn:xmpp:carbons:2}received")
    assert carbon.findtext(".//{jabber:client}body") == "for the first"


def test_offline_once_with_a_delay_in_the_storage_and_in_the_archive(xmppctl, alice, bob, raw):
    record = xmppctl("--json", "send", bob.jid, "while away", account=alice).expect(0).json()[0]
    peer = raw(bob)
    peer.send("<presence/>")
    message = peer.wait_message()
    assert message.get("id") == record["id"]
    assert message.find("{urn:xmpp:sid:0}origin-id").get("id") == record["id"]
    assert message.find("{urn:xmpp:delay}delay").get("stamp")
    peer.send("<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>")
    results = []
    while (stanza := peer.recv()).get("id") != "q":
        results += stanza.findall("{urn:xmpp:mam:2}result")
    (found,) = results
    assert found.findtext(".//{jabber:client}body") == "while away"


def test_an_empty_text_is_not_sent(xmppctl, alice, bob, raw):
    peer = online(raw(bob))
    for text in ("", "\n"):
        xmppctl("send", bob.jid, "-", account=alice, input=text).expect(2)
    assert "empty" in xmppctl("--json", "send", bob.jid, "", account=alice).expect(2).err
    xmppctl("send", bob.jid, "something", account=alice).expect(0)
    assert peer.wait_message().findtext("{jabber:client}body") == "something"


# --- many ---------------------------------------------------------------------------------------


def test_lines_for_the_recipients_of_a_file(xmppctl, alice, bob, raw, server, tmp_path):
    carol = server.account("carol")
    peers = [online(raw(bob)), online(raw(carol))]
    path = tmp_path / "to.txt"
    path.write_text(f"{bob.jid}\r\n\r\n  xmpp:{carol.jid}\r\n@@\r\n")
    run = xmppctl("-o", "jsonl", "send", "--to-file", str(path), "--stdin-lines", account=alice,
                  input="one\n\ntwo\n")  # fmt: skip
    records = run.expect(9).jsonl()
    assert [(r["to"], bool(r["error"])) for r in records] == [
        ("@@", True), (bob.jid, False), (carol.jid, False), (bob.jid, False), (carol.jid, False)
    ]  # fmt: skip
    for peer in peers:
        texts = [peer.wait_message().findtext("{jabber:client}body") for _ in range(2)]
        assert texts == ["one", "two"]


def test_silent_recipients_hold_no_message_back(authority, xmppctl):
    """31 of 32 places are taken by recipients who keep silent until all others are served."""
    silent = [f"s{n}@far.test" for n in range(31)]
    good = [f"g{n}@far.test" for n in range(60)]

    async def script(conn):
        await conn.login()
        held, served = [], 0
        try:
            while True:
                stanza = await conn.recv(20)
                if not stanza.tag.endswith("}iq"):
                    continue
                if stanza.get("to").startswith("s"):
                    held.append(stanza)
                    continue
                conn.result(stanza)
                served += stanza.get("to").startswith("g")
                if served == len(good):
                    for request in held:
                        conn.result(request)
                    held = []
        except StreamClosed:
            return

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = xmppctl(
            "--timeout", "8s", "send", "--json", *silent, *good, "x",
            jid="alice@fake.test", password="x", connect=fake.address, ca_file=authority.ca_file,
        )  # fmt: skip
    assert [record["to"] for record in run.expect(0).json()] == silent + good


def test_no_more_than_32_are_on_their_way_at_once(authority, xmppctl):
    flights = []

    async def script(conn):
        await conn.login()
        held = []
        try:
            while True:
                try:
                    stanza = await conn.recv(0.5 if held else 20)
                except TimeoutError:
                    flights.append(len(held))
                    for request in held:
                        conn.result(request)
                    held = []
                    continue
                if stanza.tag.endswith("}iq"):
                    to_people = "@" in (stanza.get("to") or "")
                    held.append(stanza) if to_people else conn.result(stanza)
        except StreamClosed:
            return

    to = [f"r{n}@far.test" for n in range(70)]
    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = xmppctl(
            "-o", "plain", "send", *to, "x",
            jid="alice@fake.test", password="x", connect=fake.address, ca_file=authority.ca_file,
        )  # fmt: skip
    assert len(run.expect(0).out.split()) == 70
    assert flights == [32, 32, 6]


# --- again --------------------------------------------------------------------------------------


def test_a_bounce_for_the_time_being_is_tried_again_with_the_same_id(xmppctl, alice, server):
    me = f"x@{server.component}"
    with RawComponent.attach(server) as component:
        run = xmppctl.start("--retry", "3", "--json", "send", me, "x", account=alice)
        ids = []
        while len(ids) < 2:
            stanza = component.recv()
            reply = f"id='{stanza.get('id')}' from='{me}' to='{stanza.get('from')}'"
            if stanza.tag.endswith("}iq"):
                component.send(f"<iq type='result' {reply}/>")
            elif stanza.get("type") != "error":
                ids.append(stanza.get("id"))
                if len(ids) == 1:
                    component.send(f"<message type='error' {reply}>{WAIT}</message>")
        stanza = component.recv()
        component.send(f"<iq type='result' id='{stanza.get('id')}' from='{me}' "
                       f"to='{stanza.get('from')}'/>")  # fmt: skip
        (record,) = xmppctl.finish(run).expect(0).json()
    assert ids == [record["id"]] * 2


def test_what_one_client_sends_back_may_have_reached_another(xmppctl, alice, bob, raw):
    """So it is not sent again: the other client would get it twice."""
    grumpy, happy = online(raw(bob, "grumpy")), online(raw(bob, "happy"))
    run = xmppctl.start("--retry", "3", "--json", "send", "--wait", "received", bob.jid, "once",
                        account=alice)  # fmt: skip
    message = grumpy.wait_message()
    grumpy.send(f"<message type='error' id='{message.get('id')}' to='{message.get('from')}'>"
                f"{WAIT}</message>")  # fmt: skip
    assert xmppctl.finish(run).expect(6).error()["condition"] == "resource-constraint"
    happy.wait_message()
    xmppctl("send", happy.jid, "last", account=alice).expect(0)
    assert happy.wait_message().findtext("{jabber:client}body") == "last"


def test_a_room_that_is_too_busy_is_asked_again(authority, xmppctl):
    room = "r@conference.fake.test"
    ids = []

    async def script(conn):
        await conn.login()

        def own(kind=""):
            conn.send(f"<presence from='{room}/alice' to='{conn.jid}'{kind}>"
                      "<x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/></x>"
                      "</presence>")  # fmt: skip

        try:
            while True:
                stanza = await conn.recv(20)
                name = stanza.tag.rpartition("}")[2]
                if name == "presence":
                    own(" type='unavailable'" if stanza.get("type") else "")
                elif name == "iq":
                    conn.result(stanza)
                else:
                    ids.append(stanza.get("id"))
                    start = f"<message to='{conn.jid}' id='{ids[-1]}'"
                    if len(ids) == 1:
                        conn.send(f"{start} type='error' from='{room}'>{WAIT}</message>")
                    else:
                        conn.send(f"{start} type='groupchat' from='{room}/alice'/>")
        except StreamClosed:
            return

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = xmppctl(
            "--retry", "1", "send", "--json", "--muc", room, "x",
            jid="alice@fake.test", password="x", connect=fake.address, ca_file=authority.ca_file,
        )  # fmt: skip
    (record,) = run.expect(0).json()
    assert ids == [record["id"]] * 2
