"""`xmppctl entity` against real servers, clients and fakes."""

from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.in_turn


def test_the_clock_of_the_server(xmppctl, alice, server):
    record = xmppctl("entity", "time", "--json", account=alice).expect(0).json()
    assert list(record) == ["jid", "utc", "tzo", "local", "offset_ms", "rtt_ms"]
    assert (record["jid"], record["tzo"]) == (server.domain, "+00:00")
    assert record["utc"].endswith("Z")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(record["utc"])) < timedelta(seconds=30)
    assert -5000 < record["offset_ms"] < 5000
    assert record["rtt_ms"] > 0


def test_the_software_of_the_server(xmppctl, alice, server):
    record = xmppctl("entity", "version", "--json", account=alice).expect(0).json()
    assert list(record) == ["jid", "name", "version", "os"]
    assert record["name"].lower() == server.name
    assert record["version"][0].isdigit()
    assert xmppctl("-o", "plain", "entity", "version", account=alice).out == (
        record["version"] + "\n"
    )


def test_how_long_the_server_is_up(xmppctl, alice, server):
    record = xmppctl("entity", "last", "--json", account=alice).expect(0).json()
    assert list(record) == ["jid", "kind", "seconds", "since", "status"]
    assert (record["jid"], record["kind"]) == (server.domain, "uptime")
    assert 0 <= record["seconds"] < 3600


def test_a_client_tells_its_software(xmppctl, alice, bob, slix):
    peer = slix(bob)
    peer.plugin("xep_0092").software_name = "Peer"
    record = xmppctl("entity", "version", peer.jid, "--json", account=alice).expect(0).json()
    assert (record["jid"], record["name"]) == (peer.jid, "Peer")


@pytest.mark.parametrize("verb", ["time", "version"])
def test_a_client_that_does_not_know_the_question(xmppctl, alice, bob, raw, verb):
    peer = raw(bob, "old")
    run = xmppctl.start("entity", verb, peer.jid, "--json", account=alice)
    iq = peer.expect(lambda e: e.tag.endswith("}iq") and e.get("type") == "get")
    peer.send(
        f"<iq type='error' id='{iq.get('id')}' to='{iq.get('from')}'><error type='cancel'>"
        "<feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    )
    error = xmppctl.finish(run).expect(7).error()
    assert (error["name"], error["step"], error["by"]) == ("UNSUPPORTED", verb, peer.jid)


def test_a_client_that_is_not_online(xmppctl, alice, bob):
    run = xmppctl("entity", "version", f"{bob.jid}/gone", "--json", account=alice)
    error = run.expect(6).error()
    assert error["condition"] == "service-unavailable"
    assert "not online" in error["hint"]
    run = xmppctl("entity", "version", f"nobody@{alice.domain}", "--json", account=alice)
    error = run.expect(6).error()
    assert error["condition"] == "service-unavailable"
    assert "account that is not there" in error["hint"]  # it is no client


def test_last_activity_needs_a_subscription(xmppctl, alice, bob, slix):
    run = xmppctl("entity", "last", bob.jid, "--json", account=alice)
    error = run.expect(6).error()
    assert error["condition"] in ("forbidden", "subscription-required")
    assert "presence" in error["hint"]
    with_bob, with_alice = slix(bob), slix(alice)
    for client in (with_bob, with_alice):
        client.send_presence()
    with_alice.subscribe(bob.jid)
    # slixmpp grants what it is asked for
    with_alice.wait_presence(lambda p: p["from"] == with_bob.jid and p["type"] == "available")
    with_bob.send_presence(ptype="unavailable", pstatus="see you")
    with_alice.wait_presence(lambda p: p["type"] == "unavailable" and p["from"].bare == bob.jid)
    record = xmppctl("entity", "last", bob.jid, "--json", account=alice).expect(0).json()
    assert (record["jid"], record["kind"]) == (bob.jid, "last_seen")
    assert 0 <= record["seconds"] < 60


def test_the_own_account(xmppctl, alice):
    record = xmppctl("entity", "last", alice.jid, "--json", account=alice)
    assert record.code in (0, 6)


def test_a_table_for_people(xmppctl, alice):
    out = xmppctl("entity", "version", account=alice).expect(0).out
    # what a server does not tell, such as its system, has no line
    assert [line.split()[0] for line in out.splitlines()][:3] == ["JID", "NAME", "VERSION"]


def ask(against_fake, payload, *args):
    async def script(conn):
        await conn.login()
        request = await conn.recv()
        if payload is None:
            conn.error(request, "service-unavailable")
        else:
            conn.result(request, payload)
        await conn.until_closed()

    return against_fake(script, "entity", "--json", *args)


def clock(tzo, utc):
    return f"<time xmlns='urn:xmpp:time'><tzo>{tzo}</tzo><utc>{utc}</utc></time>"


def last(seconds):
    return f"<query xmlns='jabber:iq:last' seconds='{seconds}'/>"


@pytest.mark.parametrize(
    ("verb", "payload"),
    [
        ("time", clock("+25:00", "2026-01-01T00:00:00Z")),
        ("time", clock("Z", "yesterday")),
        ("time", clock("+02:00", "9999-12-31T23:59:59Z")),
        ("time", clock("Z", "0001-01-01T00:00:00+14:00")),
        ("time", "<time xmlns='urn:xmpp:time'/>"),
        ("last", last("-1")),
        ("last", last("soon")),
        ("last", last("9" * 30)),
        ("last", "<query xmlns='jabber:iq:last'/>"),
        ("version", "<query xmlns='jabber:iq:version'/>"),
        ("version", "<other xmlns='jabber:iq:version'/>"),
        ("version", ""),
    ],
)
def test_odd_answers_are_errors_and_no_crashes(against_fake, verb, payload):
    error = ask(against_fake, payload, verb).expect(6).error()
    assert (error["condition"], error["step"]) == ("malformed-answer", verb)
    assert error["by"] == "fake.test"


@pytest.mark.parametrize("verb", ["time", "version", "last"])
def test_a_server_that_does_not_know_the_question(against_fake, verb):
    assert ask(against_fake, None, verb).expect(7).error()["name"] == "UNSUPPORTED"


def test_the_status_of_an_account_that_went_offline(against_fake):
    payload = "<query xmlns='jabber:iq:last' seconds='903'>Heading Home\x09</query>"
    record = ask(against_fake, payload, "last", "b@fake.test").expect(0).json()
    assert (record["kind"], record["seconds"]) == ("last_seen", 903)
    assert record["status"] == "Heading Home"


def test_an_offset_from_utc(against_fake):
    record = ask(against_fake, clock("-06:30", "2006-12-19T17:58:35.123456789Z"), "time")
    record = record.expect(0).json()
    assert record["local"] == "2006-12-19T11:28:35.123456-06:30"
    assert (record["tzo"], record["utc"]) == ("-06:30", "2006-12-19T17:58:35.123456Z")


def test_the_offset_alone(server, alice, xmppctl):
    plain = xmppctl("-o", "plain", "entity", "time", "--offset", account=alice).expect(0)
    assert abs(float(plain.out)) < 60_000
    found = xmppctl("entity", "time", "--offset", "--json", account=alice).json()
    assert set(found) == {"offset_ms"}
