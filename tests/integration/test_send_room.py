"""`xmppctl send --muc` to rooms of real servers, with another client as the other occupant."""

import re

import pytest
import slixmpp

from tests.peers.stream import StreamClosed
from tests.servers.fake import FakeServer

pytestmark = pytest.mark.in_turn

NS = "http://jabber.org/protocol/muc"


def exists(peer, room):
    query = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    return peer.iq(query, to=room).get("type") == "result"


def test_the_reflection_is_the_proof(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    run = xmppctl("send", "--json", "--muc", "--id", "m1", room, "hello room", account=alice)
    (record,) = run.expect(0).json()
    assert (record["acked"], record["confirmed"]) == (True, True)
    message = host.wait_message(lambda m: m["body"] == "hello room")
    assert message["from"].full == f"{room}/{alice.local}"
    ids = [e.get("id") for e in message.xml.iter("{urn:xmpp:sid:0}stanza-id")]
    assert record["stanza_id"] in ids
    left = host.wait_presence(lambda p: p["from"] == message["from"] and p["type"] == "unavailable")
    assert left is not None


def test_nick_and_hostile_text(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    for text in ("--muc", "/kick host", "xmpp:x@y?join", "\u202e"):
        xmppctl("send", "--muc", "--nick", "Cron ☃", room, "--", text, account=alice).expect(0)
        message = host.wait_message(lambda m, t=text: m["body"] == t)
        assert message["from"].resource == "Cron ☃"


def test_a_branch_of_a_thread(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    args = ("muc", "send", room, "--thread", "t2", "--parent", "t1", "branch")
    xmppctl(*args, account=alice).expect(0)
    said = host.wait_message(lambda m: m["body"] == "branch").xml
    thread = said.find("{jabber:client}thread")
    assert (thread.text, thread.get("parent")) == ("t2", "t1")
    xmppctl("muc", "send", room, "--parent", "t1", "x", account=alice).expect(2)


def test_a_marker_in_a_room_is_for_the_id_that_the_room_gave(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    host.send_message(room, "seen?", "groupchat")
    said = host.wait_message(lambda m: m["body"] == "seen?")
    ident = said.xml.find("{urn:xmpp:sid:0}stanza-id").get("id")
    run = xmppctl("--json", "send", "--muc", "--displayed", ident, room, account=alice).expect(0)
    assert run.json()[0]["confirmed"] is True
    marker = host.wait_xml("{urn:xmpp:chat-markers:0}displayed")
    assert marker.get("id") == ident


def test_several_lines_arrive_in_order_with_one_join(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    lines = [f"line {n}" for n in range(50)]
    run = xmppctl("-o", "jsonl", "send", "--muc", "--stdin-lines", room, account=alice,
                  input="\n".join(lines))  # fmt: skip
    records = run.expect(0).jsonl()
    host.wait_message(lambda m: m["body"] == lines[-1])
    bodies = [s["body"] for s in host.stanzas if s.name == "message" and s["body"]]
    assert bodies == lines
    assert len({record["stanza_id"] for record in records}) == 50
    joins = [s for s in host.stanzas if s.name == "presence" and alice.local in str(s["from"])]
    assert sum(s["type"] != "unavailable" for s in joins) == 1


def refused(run, code=6):
    (record,) = run.expect(code).json()
    assert record["confirmed"] is False
    return record["error"]


def configure(host, room, **wanted):
    """A room with those of the fields that its service has: some exist on one server only."""
    host.join_muc(room, "host")
    muc = host.plugin("xep_0045")

    async def work():
        form = await muc.get_room_config(slixmpp.JID(room))
        form["type"] = "submit"
        for var, field in form.get_fields().items():
            name = var.removeprefix("muc#roomconfig_")
            if name in wanted:
                field.set_value(wanted[name])
        await muc.set_room_config(slixmpp.JID(room), form)

    host.run(work)


def test_a_nick_that_is_taken(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    run = xmppctl("send", "--json", "--muc", "--nick", "host", room, "x", account=alice)
    error = refused(run)
    assert (error["condition"], error["step"]) == ("conflict", "join")
    assert "--nick" in error["hint"]


def test_a_room_with_a_password(xmppctl, alice, host, room, tmp_path):
    configure(host, room, passwordprotectedroom="1", roomsecret="s3 cret")
    error = refused(xmppctl("send", "--json", "--muc", room, "x", account=alice))
    assert error["condition"] == "not-authorized"
    secret = tmp_path / "pw"
    secret.write_text("s3 cret\n")
    secret.chmod(0o600)
    option = ("--room-password-file", str(secret))
    xmppctl("send", "--muc", *option, room, "by file", account=alice).expect(0)
    env = {"XMPPCTL_ROOM_PASSWORD": "s3 cret"}
    run = xmppctl("--debug-xml", "send", "--muc", room, "by env", account=alice, env=env)
    assert "s3 cret" not in run.expect(0).out + run.err
    host.wait_message(lambda m: m["body"] == "by env")
    env = {"XMPPCTL_ROOM_PASSWORD": "wrong"}
    run = xmppctl("send", "--json", "--muc", room, "x", account=alice, env=env)
    assert refused(run)["condition"] == "not-authorized"
    assert "wrong" not in run.out + run.err


def test_a_members_only_room(xmppctl, alice, host, room):
    host.create_muc(room, "host", membersonly="1")
    error = refused(xmppctl("send", "--json", "--muc", room, "x", account=alice))
    assert error["condition"] == "registration-required"
    assert "members" in error["hint"]


def test_no_voice_in_a_moderated_room(xmppctl, alice, host, room, server):
    configure(host, room, moderatedroom="1", defaultrole="visitor", members_by_default="0")
    error = refused(xmppctl("send", "--json", "--muc", room, "x", account=alice))
    assert (error["condition"], error["step"]) == ("forbidden", "send")


def test_a_room_that_does_not_exist_is_refused_and_not_left_behind(xmppctl, alice, room, raw, bob):
    error = refused(xmppctl("send", "--json", "--muc", room, "x", account=alice))
    assert (error["condition"], error["by"]) == ("item-not-found", room)
    assert not exists(raw(bob), room)


def test_several_rooms_with_different_fates(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    missing = f"no-{room}"
    run = xmppctl("send", "--json", "--muc", missing, room, "x", account=alice)
    assert [r["error"] and r["error"]["code"] for r in run.expect(9).json()] == [6, None]
    host.wait_message(lambda m: m["body"] == "x")


def test_a_service_that_is_no_room_service(xmppctl, alice, server):
    error = refused(xmppctl("send", "--json", "--muc", f"r@{server.component}", "x", account=alice))
    assert error["step"] == "join"


@pytest.mark.parametrize(
    ("args", "told"),
    [(["--nick", "n"], "--muc"), (["--muc", "--type", "chat"], "groupchat"),
     (["--muc", "--nick", "a\x07"], "U+0007")],
)  # fmt: skip
def test_options_that_do_not_fit(xmppctl, args, told):
    run = xmppctl("send", "--json", *args, "r@x.test", "--", "x", jid="a@x.test")
    assert told in run.expect(2).error()["text"]


# --- a room that a test writes ------------------------------------------------------------------

ROOM = "r@conference.fake.test"


def fake(authority, xmppctl, script, *args, timeout=30.0):
    """Run against a fake room; what the script got, and the result."""
    with FakeServer("fake.test", authority.issue("fake.test"), script) as server:
        run = xmppctl(
            *args,
            jid="alice@fake.test",
            password="x",
            connect=server.address,
            ca_file=authority.ca_file,
            timeout=timeout,
        )
        return run, server.received


def own(conn, nick, *codes, kind=""):
    status = "".join(f"<status code='{code}'/>" for code in codes)
    conn.send(
        f"<presence from='{ROOM}/{nick}' to='{conn.jid}'{kind}><x xmlns='{NS}#user'>"
        f"<item affiliation='none' role='participant'/>{status}</x></presence>"
    )


async def received(conn):
    """The next element; None when the client closed the stream, which is then closed here too."""
    try:
        return await conn.recv()
    except StreamClosed:
        return None


async def stanza(conn, name):
    while True:
        element = await conn.recv()
        if element.tag == f"{{jabber:client}}{name}":
            return element


def reflect(conn, message, nick):
    conn.send(
        f"<message type='groupchat' id='{message.get('id')}' from='{ROOM}/{nick}' "
        f"to='{conn.jid}'><body>x</body></message>"
    )


def test_the_room_may_change_the_nick_and_leaving_waits_for_its_word(authority, xmppctl):
    async def script(conn):
        await conn.login()
        join = await stanza(conn, "presence")
        assert join.find(f"{{{NS}}}x/{{{NS}}}history").get("maxstanzas") == "0"
        own(conn, "someone")  # another occupant, and then the own presence with another name
        own(conn, "alice-2", 110, 210)
        message = await stanza(conn, "message")
        reflect(conn, message, "alice")  # somebody else with the same text and id
        reflect(conn, message, "alice-2")
        leave = await stanza(conn, "presence")
        assert (leave.get("to"), leave.get("type")) == (f"{ROOM}/alice-2", "unavailable")
        own(conn, "someone", kind=" type='unavailable'")
        own(conn, "alice-2", 110, kind=" type='unavailable'")
        await conn.until_closed()

    run, _ = fake(authority, xmppctl, script, "send", "--json", "--muc", ROOM, "x")
    assert run.expect(0).json()[0]["confirmed"] is True


@pytest.mark.parametrize("step", ["join", "send", "leave"])
def test_a_room_that_keeps_silent(authority, xmppctl, step):
    async def script(conn):
        await conn.login("<sm xmlns='urn:xmpp:sm:3'/>")
        if step != "join":
            await stanza(conn, "presence")
            own(conn, "alice", 110)
        if step == "leave":
            reflect(conn, await stanza(conn, "message"), "alice")
        count = 1
        while (element := await received(conn)) is not None:
            if re.search("sm:3}enable", element.tag):
                conn.send("<enabled xmlns='urn:xmpp:sm:3'/>")
            elif re.search("sm:3}r$", element.tag):
                conn.send(f"<a xmlns='urn:xmpp:sm:3' h='{count}'/>")

    run, _ = fake(
        authority, xmppctl, script, "--timeout", "1s", "send", "--json", "--muc", ROOM, "x"
    )
    error = run.expect(8).error()
    assert (error["step"], error["by"]) == (step, ROOM)
    (record,) = run.json()
    assert record["acked"] is (step != "join")
    assert record["confirmed"] is (step == "leave")


def test_an_interrupt_does_not_wait_for_a_silent_room(authority, xmppctl):
    import signal

    async def script(conn):
        await conn.login()
        await stanza(conn, "presence")
        own(conn, "alice", 110)
        await conn.until_closed(20)

    with FakeServer("fake.test", authority.issue("fake.test"), script) as server:
        run = xmppctl.start(
            *("-o", "jsonl", "-v", "--debug-xml", "send", "--muc", "--stdin-lines", ROOM),
            jid="alice@fake.test",
            password="x",
            connect=server.address,
            ca_file=authority.ca_file,
        )
        run.write("x\n")
        run.wait_line("<body>x</body>", "err")
        run.signal(signal.SIGINT)
        result = xmppctl.finish(run, 5)
    assert result.code == 130
    assert "unavailable" in result.err
