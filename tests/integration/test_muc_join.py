"""`xmppctl muc join` on real servers: what is said in a room, who comes and goes, how it ends."""

import re
import signal

import pytest

pytestmark = pytest.mark.in_turn

NS = "http://jabber.org/protocol/muc"


@pytest.fixture
def joining(xmppctl, alice, room):
    """Start a join of alice as "ear", and wait until it is in."""

    def start(*args, account=alice, form="jsonl"):
        run = xmppctl.start(
            "-o", form, "muc", "join", room, "--nick", "ear", *args, account=account
        )
        run.jid = run.wait_line(r"^listening as (\S+)$", "err")[1]
        return run

    return start


def admin(host, room, attributes, reason):
    """Have the owner of the room change somebody."""
    item = f"<item {attributes}><reason>{reason}</reason></item>"
    host.send_raw(
        f"<iq type='set' id='a1' to='{room}'><query xmlns='{NS}#admin'>{item}</query></iq>"
    )


def configure(host, room, name, value):
    """Have the owner of the room change its configuration, and wait until that is done."""
    fields = f"<field var='FORM_TYPE'><value>{NS}#roomconfig</value></field>"
    fields += f"<field var='{name}'><value>{value}</value></field>"
    form = f"<x xmlns='jabber:x:data' type='submit'>{fields}</x>"
    host.send_raw(
        f"<iq type='set' id='c1' to='{room}'><query xmlns='{NS}#owner'>{form}</query></iq>"
    )
    host.wait(lambda s: s.name == "iq" and s["id"] == "c1")


def test_what_is_said_and_who_comes_and_goes(joining, xmppctl, alice, bob, host, slix, room):
    host.create_muc(room, "host")
    run = joining("--count", "3")
    guest = slix(alice, "guest")
    guest.join_muc(room, "guest")
    guest.send_raw(
        f"<presence to='{room}/guest'><show>away</show><status>lunch</status></presence>"
    )
    guest.send_raw(f"<presence to='{room}/visitor'/>")
    run.wait_line('"new_nick"')
    host.send_message(room, "hello", "groupchat")
    run.wait_line("hello")  # a room may send what is for one occupant before what is for all
    host.send_message(f"{room}/ear", "psst")
    run.wait_line("psst")
    guest.send_raw(f"<presence to='{room}/visitor' type='unavailable'/>")
    run.wait_line('"nick":"visitor".*"unavailable"|"unavailable".*"nick":"visitor"')
    host.send_raw(f"<message to='{room}' type='groupchat'><subject>Tea</subject></message>")
    records = xmppctl.finish(run).expect().jsonl()
    events = [(r["stanza"], r["type"], r["muc"]["nick"]) for r in records]
    assert events == [
        ("presence", "available", "guest"),
        ("presence", "available", "guest"),
        ("presence", "unavailable", "guest"),
        ("presence", "available", "visitor"),
        ("message", "groupchat", "host"),
        ("message", "chat", "host"),
        ("presence", "unavailable", "visitor"),
        ("message", "groupchat", "host"),
    ]
    assert (records[1]["show"], records[1]["status"]) == ("away", "lunch")
    assert records[2]["muc"]["new_nick"] == "visitor"
    assert records[2]["muc"]["status_codes"] == [303]
    assert records[2]["muc"]["status"][0]["condition"] == "new-nick"
    assert (records[4]["body"], records[5]["body"]) == ("hello", "psst")
    assert (records[7]["subject"], "body" in records[7]) == ("Tea", False)
    # it left, and the room said so before the end
    left = host.wait_presence(lambda p: p["type"] == "unavailable" and p["from"].resource == "ear")
    assert left is not None


def test_occupants_learn_what_the_client_is(joining, xmppctl, alice, host, room):
    """XEP-0115 in the join, checked by another client; XEP-0153: who does not know the avatar."""
    host.create_muc(room, "host")
    run = joining("--debug-xml")
    seen = host.wait_presence(lambda p: p["from"].full == f"{room}/ear").xml
    caps = seen.find("{http://jabber.org/protocol/caps}c")
    info = host.run(host.plugin("xep_0030").get_info, jid=f"{room}/ear",
                    node=f"{caps.get('node')}#{caps.get('ver')}")["disco_info"]  # fmt: skip
    assert host.plugin("xep_0115").generate_verstring(info, "sha-1") == caps.get("ver")
    assert caps.get("hash") == "sha-1"
    assert "http://jabber.org/protocol/caps" in info["features"]
    run.signal(signal.SIGTERM)
    listener = xmppctl.finish(run).expect(143)
    # who comes for a moment answers nobody
    run = xmppctl("--debug-xml", "muc", "send", room, "--nick", "brief", "x", account=alice)
    brief = host.wait_presence(lambda p: p["from"].full == f"{room}/brief").xml
    assert brief.find("{http://jabber.org/protocol/caps}c") is None
    # a server may say more about the avatar in the place of the client
    for presence, result in ((seen, listener), (brief, run.expect())):
        assert len(list(presence.iter("{vcard-temp:x:update}x"))) == 1
        (join,) = [line for line in result.err.splitlines()
                   if line.startswith("> <presence") and f"<x xmlns='{NS}'>" in line]  # fmt: skip
        assert "<x xmlns='vcard-temp:x:update'/>" in join


def test_ids_of_occupants_count_where_the_room_announces_them(joining, xmppctl, host, room):
    host.create_muc(room, "host")
    query = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    host.send_raw(f"<iq type='get' id='d1' to='{room}'>{query}</iq>")
    found = host.wait(lambda s: s.name == "iq" and s["id"] == "d1").xml
    announced = any(each.get("var") == "urn:xmpp:occupant-id:0" for each in found.iter())
    run = joining("--count", "1")
    forged = "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/>"
    host.send_raw(f"<message to='{room}' type='groupchat'><body>x</body>{forged}</message>")
    (record,) = xmppctl.finish(run).expect().jsonl()
    assert ("occupant_id" in record) is announced
    assert record.get("occupant_id") != "forged"


def test_the_past(joining, xmppctl, host, room):
    host.create_muc(room, "host")
    for text in ("one", "two", "three"):
        host.send_message(room, text, "groupchat")
        host.wait_message(lambda m, t=text: m["body"] == t)
    host.send_raw(f"<message to='{room}' type='groupchat'><subject>Tea</subject></message>")
    host.wait_message(lambda m: m["subject"] == "Tea")
    # the subject of the day is shown and not counted
    run = joining("--history", "2", "--count", "3")
    host.send_message(room, "now", "groupchat")
    records = xmppctl.finish(run).expect().jsonl()
    bodies = [record["body"] for record in records if "body" in record]
    assert bodies == ["two", "three", "now"]
    assert [record["subject"] for record in records if "subject" in record] == ["Tea"]
    assert ["delay" in r for r in records if "body" in r] == [True, True, False]
    run = joining("--since", "2h", "--count", "3", "--type", "groupchat", "--matching", "o")
    assert [r.get("body") for r in xmppctl.finish(run).expect().jsonl()][:2] == ["one", "two"]
    run = joining("--for", "200ms", "--since", "2030-01-01")
    assert [r.get("body") for r in xmppctl.finish(run).expect().jsonl()] == [None]


def test_too_few(joining, xmppctl, host, room):
    host.create_muc(room, "host")
    run = joining("--count", "1", "--for", "300ms")
    host.send_raw(f"<presence to='{room}/host'><show>away</show></presence>")
    error = xmppctl.finish(run).expect(8).error()
    assert (error["name"], error["step"]) == ("TIMEOUT", "listen")
    run = joining("--count", "1", "--type", "available")
    host.send_raw(f"<presence to='{room}/host'><show>dnd</show></presence>")
    (record,) = xmppctl.finish(run).expect().jsonl()
    assert (record["show"], record["from"]) == ("dnd", f"{room}/host")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_the_room(joining, xmppctl, host, room, number, code):
    host.create_muc(room, "host")
    run = joining("-v", "--debug-xml")
    run.signal(number)
    result = xmppctl.finish(run, 5).expect(code)
    left = host.wait_presence(lambda p: p["type"] == "unavailable" and p["from"].resource == "ear")
    # not by the end of the stream: it said good-bye and heard the room confirm it
    assert left["from"].bare == room
    leave = result.err.index("type='unavailable'")
    confirmed = result.err.index("unavailable", leave + 20)
    closed = re.compile(r"</stream:stream>|<close |<body [^>]*type='terminate'")
    assert leave < confirmed < [match.start() for match in closed.finditer(result.err)][-1]


# --- put out --------------------------------------------------------------------------------------


def test_a_kick_as_its_victim_sees_it(joining, xmppctl, host, room):
    host.create_muc(room, "host")
    run = joining()
    admin(host, room, "nick='ear' role='none'", "out")
    result = xmppctl.finish(run).expect(6)
    (record,) = result.jsonl()
    assert (record["type"], record["from"]) == ("unavailable", f"{room}/ear")
    assert record["muc"]["status_codes"] == [110, 307]
    assert [s["condition"] for s in record["muc"]["status"]] == ["self-presence", "kicked"]
    assert (record["muc"]["actor"], record["muc"]["reason"]) == ("host", "out")
    error = result.error()
    assert (error["condition"], error["by"]) == ("forbidden", room)
    assert "307 kicked" in error["text"]
    assert "by host: out" in error["text"]


def test_a_ban(joining, xmppctl, alice, host, room):
    host.create_muc(room, "host")
    run = joining()
    admin(host, room, f"jid='{alice.jid}' affiliation='outcast'", "spam")
    error = xmppctl.finish(run).expect(6).error()
    assert (error["condition"], "301 banned" in error["text"]) == ("forbidden", True)
    again = xmppctl("--json", "muc", "join", room, account=alice).expect(6).error()
    assert (again["condition"], again["hint"]) == ("forbidden", "you are banned from this room")


def test_a_room_that_becomes_one_for_members(joining, xmppctl, host, room):
    host.create_muc(room, "host")
    run = joining()
    configure(host, room, "muc#roomconfig_membersonly", "1")
    error = xmppctl.finish(run).expect(6).error()
    assert error["condition"] == "registration-required"
    assert "322 removed-membership" in error["text"]


def test_a_room_that_is_destroyed(joining, xmppctl, host, room, server):
    host.create_muc(room, "host")
    run = joining()
    other = f"new@{server.conference}"
    host.send_raw(
        f"<iq type='set' id='d1' to='{room}'><query xmlns='{NS}#owner'><destroy jid='{other}'>"
        "<reason>done</reason></destroy></query></iq>"
    )
    result = xmppctl.finish(run).expect(6)
    (record,) = [r for r in result.jsonl() if r["type"] == "unavailable"]
    told = record["muc"]
    assert (told["destroyed"], told["alternate"], told["reason"]) == (True, other, "done")
    error = result.error()
    assert (error["condition"], error["hint"]) == ("gone", f"go to {other}")
    assert "it was destroyed: done" in error["text"]


def test_what_a_table_shows(joining, xmppctl, host, room):
    host.create_muc(room, "host")
    run = joining(form="table")
    host.send_message(room, "hi \x1b[31m".replace("\x1b", "\u202e"), "groupchat")
    run.wait_line("hi ")
    admin(host, room, "nick='ear' role='none'", "out")
    result = xmppctl.finish(run).expect(6)
    assert "307 kicked, by host, out" in result.out
    assert "\u202e" not in result.out


def test_an_occupant_is_told_what_it_should_know(joining, xmppctl, host, room, server):
    """Of its own entering, on standard error: that others see its JID (XEP-0045 §7.2.3)."""
    host.create_muc(room, "host", whois="anyone")
    run = joining("--for", "100ms")
    result = xmppctl.finish(run).expect()
    assert "100 realjid-public" in result.err
    assert result.out == ""


@pytest.mark.servers("ejabberd")
def test_a_captcha_is_told(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    configure(host, room, "captcha_protected", "1")
    error = xmppctl("--json", "muc", "join", room, account=alice).expect(6).error()
    assert (error["step"], "XEP-0158" in error["text"]) == ("join", True)
    assert "http" in error["hint"]


# --- a room that a test writes -------------------------------------------------------------------

ROOM = "r@conference.fake.test"


def test_the_service_goes_down_and_a_nick_that_the_room_chose(against_fake):
    async def script(conn):
        await conn.login()
        while not (stanza := await conn.recv()).tag.endswith("presence"):
            conn.send(f"<iq type='result' id='{stanza.get('id')}'/>")
        conn.send(
            f"<presence from='{ROOM}/ear-2' to='{conn.jid}'><x xmlns='{NS}#user'>"
            "<item affiliation='none' role='participant'/><status code='110'/>"
            "<status code='210'/></x></presence>"
        )
        for _ in range(2):  # what the room is, and what it can do
            stanza = await conn.recv()
            conn.send(f"<iq type='result' id='{stanza.get('id')}' from='{ROOM}'>"
                      f"<query xmlns='{stanza[0].tag[1:].partition('}')[0]}'/></iq>")  # fmt: skip
        conn.send(
            f"<presence type='unavailable' from='{ROOM}/someone' to='{conn.jid}'>"
            f"<x xmlns='{NS}#user'><status code='332'/></x></presence>"
            f"<presence type='unavailable' from='{ROOM}/ear-2' to='{conn.jid}'>"
            f"<x xmlns='{NS}#user'><status code='110'/><status code='332'/></x></presence>"
        )
        await conn.until_closed()

    run = against_fake(script, "-o", "jsonl", "muc", "join", ROOM, "--nick", "ear")
    error = run.expect(6).error()
    assert (error["condition"], "332 removed-shutdown" in error["text"]) == (
        "service-unavailable", True
    )  # fmt: skip
    assert "210 nick-assigned" in run.err
    assert [each["muc"]["nick"] for each in run.jsonl()] == ["someone", "ear-2"]


def test_it_listens_by_that_name_as_well(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    run = xmppctl.start(
        "--json", "muc", "listen", room, "--nick", "ear", "--count", "1", account=alice
    )
    run.wait_line(r"^listening as (\S+)$", "err")
    host.send_message(room, "hello", "groupchat")
    assert [r["body"] for r in xmppctl.finish(run).expect().json()] == ["hello"]
    assert "xmppctl muc listen ops@" in xmppctl("muc", "listen", "--help").expect().out
