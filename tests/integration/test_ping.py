"""`xmppctl ping` against real servers, clients, room occupants, and fakes."""

import re
import time

import pytest

from tests.servers.fake import FakeServer

pytestmark = pytest.mark.in_turn

KEYS = ["to", "seq", "ok", "rtt_ms", "answered_by", "error"]


def one(run, code=0):
    (record,) = run.expect(code).json()
    assert list(record) == KEYS
    assert record["ok"] is (code == 0)
    return record


def test_the_own_server_by_default(xmppctl, alice, server):
    record = one(xmppctl("ping", "--json", account=alice))
    assert (record["to"], record["seq"], record["answered_by"]) == (server.domain, 1, "server")
    assert 0 < record["rtt_ms"] < 10_000


def test_a_bare_jid_is_answered_by_its_server_online_or_not(xmppctl, alice, bob):
    assert one(xmppctl("ping", "--json", bob.jid, account=alice))["answered_by"] == "server"


def test_a_client(xmppctl, alice, bob, slix):
    peer = slix(bob)
    peer.send_presence()
    assert one(xmppctl("ping", "--json", peer.jid, account=alice))["answered_by"] == "client"


def test_a_client_that_does_not_know_ping_is_alive(xmppctl, alice, bob, raw):
    peer = raw(bob, "old")
    run = xmppctl.start("ping", "--json", peer.jid, account=alice)
    answer(peer, "feature-not-implemented")
    record = one(xmppctl.finish(run))
    assert (record["answered_by"], record["error"]) == ("client", None)


def answer(peer, condition):
    """Answer pings with an error; disco, which may come before, as well."""
    while True:
        iq = peer.expect(lambda e: e.tag.endswith("}iq") and e.get("type") == "get")
        peer.send(
            f"<iq type='error' id='{iq.get('id')}' to='{iq.get('from')}'><error type='cancel'>"
            f"<{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        )
        if iq.find("{urn:xmpp:ping}ping") is not None:
            return


def test_a_full_jid_that_is_not_online(xmppctl, alice, bob):
    run = xmppctl("ping", "--json", f"{bob.jid}/gone", account=alice)
    record = one(run, 10)
    assert record["error"]["condition"] == "service-unavailable"
    assert run.error()["name"] == "EMPTY"
    assert "not online" in run.error()["text"]


def test_a_domain_that_does_not_exist(xmppctl, alice):
    run = xmppctl("ping", "--json", "no.such.host.invalid", account=alice)
    assert one(run, 6)["error"]["condition"] == "remote-server-not-found"


def test_a_domain_that_only_says_no_is_alive(xmppctl, alice, server):
    from tests.peers.rawxml import RawComponent

    with RawComponent.attach(server) as component:
        run = xmppctl.start("ping", "--json", server.component, account=alice)
        iq = component.expect(lambda e: e.tag.endswith("}iq"))
        component.send(
            f"<iq type='error' id='{iq.get('id')}' to='{iq.get('from')}' from='{server.component}'>"
            "<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
            "</iq>"
        )
        assert one(xmppctl.finish(run))["answered_by"] == "server"
        run = xmppctl("--timeout", "1s", "ping", "--json", server.component, account=alice)
        assert one(run, 10)["rtt_ms"] is None
        assert run.error()["condition"] == "timeout"


def test_a_room_and_its_occupants(xmppctl, alice, bob, slix, server):
    peer = slix(bob)
    room = f"r-{bob.local}@{server.conference}"
    peer.create_muc(room, "host")
    assert one(xmppctl("ping", "--json", room, account=alice))["answered_by"] == "server"
    run = xmppctl("ping", "--json", f"{room}/host", account=alice)
    record = one(run, 6)
    assert record["error"]["condition"] == "not-acceptable"
    assert "join" in record["error"]["hint"]
    # XEP-0410 §3: whoever is in the room, with the same account, reaches the other occupants
    run = xmppctl("ping", "--json", f"{room}/nobody", account=alice)
    assert run.code in (6, 10)
    assert run.json()[0]["ok"] is False


def test_several_jids_are_pinged_side_by_side(xmppctl, alice, bob, server):
    from tests.peers.rawxml import RawComponent

    with RawComponent.attach(server):
        silent = [f"{name}@{server.component}" for name in "abc"]
        begin = time.monotonic()
        run = xmppctl(
            *("--timeout", "1s", "ping", "--json", *silent, bob.jid, f"{bob.jid}/x"), account=alice
        )
        assert time.monotonic() - begin < 3
    codes = [r["error"] and r["error"]["code"] for r in run.expect(9).json()]
    assert codes == [10, 10, 10, None, 10]


def test_count_and_interval_give_statistics_on_stderr(xmppctl, alice, server):
    begin = time.monotonic()
    run = xmppctl("-o", "jsonl", "ping", "-c", "3", "-i", "200ms", account=alice)
    assert [record["seq"] for record in run.expect(0).jsonl()] == [1, 2, 3]
    assert time.monotonic() - begin > 0.4
    assert f"{server.domain}: 3 sent, 3 answered, 0% lost" in run.err
    assert re.search(r"min/avg/max \d+\.\d/\d+\.\d/\d+\.\d ms", run.err)
    quiet = xmppctl("-q", "-o", "jsonl", "ping", "-c", "2", "-i", "1ms", account=alice)
    assert quiet.expect(0).err == ""


def test_endless_pings_end_by_a_signal_with_statistics(xmppctl, alice):
    import signal

    run = xmppctl.start("-o", "jsonl", "ping", "-c", "0", "-i", "10ms", account=alice)
    run.wait_line('"seq":5,')
    run.signal(signal.SIGINT)
    result = xmppctl.finish(run)
    assert result.code == 130
    assert "answered" in result.err


def test_nagios(xmppctl, alice, bob, server):
    run = xmppctl("-o", "nagios", "ping", account=alice).expect(0)
    assert re.fullmatch(
        rf"XMPP PING OK - {server.domain} answers in [\d.]+ ms "
        r"\| 'rtt'=[\d.]+ms;;;0 'loss'=0%;;;0;100\n",
        run.out,
    )
    run = xmppctl("-o", "nagios", "ping", f"{bob.jid}/gone", account=alice).expect(2)
    assert run.out.startswith("XMPP PING CRITICAL - ")
    several = ("ping", server.domain, bob.jid)
    run = xmppctl("-o", "nagios", *several, account=alice).expect(0)
    assert run.out.startswith("XMPP OK - 2 of 2 ok | ")
    names = re.findall(r"'([^']+)'=", run.out)
    assert len(names) == len(set(names)) == 4
    assert f"XMPP PING {bob.jid} rtt" in names
    run = xmppctl("-o", "nagios", "ping", "not a jid", account=alice).expect(3)


def test_prometheus(xmppctl, alice, bob, server):
    run = xmppctl("-o", "prometheus", "ping", server.domain, f"{bob.jid}/x", account=alice)
    lines = run.out.splitlines()
    assert f'xmpp_ping_success{{jid="{server.domain}"}} 1.0' in lines
    assert f'xmpp_ping_success{{jid="{bob.jid}/x"}} 0.0' in lines
    for line in lines:
        assert re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+\{jid="[^"]+"\} [\d.e-]+', line)


def fake(against_fake, answers, *args):
    """A server that answers pings as ``answers`` says: a result, a condition, or silence."""

    async def script(conn):
        await conn.login()
        for given in answers:
            request = await conn.request("{urn:xmpp:ping}ping")
            if given is None:
                continue
            if given == "result":
                conn.result(request)
            elif given == "forged":
                conn.result(request, from_="evil.test")
            else:
                conn.error(request, given)
        await conn.until_closed()

    return against_fake(script, *args)


@pytest.mark.parametrize(
    ("to", "given", "code", "who"),
    [
        ("fake.test", "service-unavailable", 0, "server"),
        ("far.test", "internal-server-error", 0, "server"),
        ("far.test", "remote-server-not-found", 6, None),
        ("far.test", "remote-server-timeout", 6, None),
        ("far.test", "forged", 10, None),
        ("far.test", None, 10, None),
        ("b@far.test", "service-unavailable", 0, "server"),
        ("b@far.test", "item-not-found", 0, "server"),
        ("b@far.test/r", "feature-not-implemented", 0, "client"),
        ("b@far.test/r", "recipient-unavailable", 10, None),
        ("b@far.test/r", "forbidden", 6, "server"),
    ],
)
def test_what_each_answer_means(against_fake, to, given, code, who):
    run = fake(against_fake, [given], "--timeout", "1s", "ping", "--json", to)
    assert one(run, code)["answered_by"] == who


@pytest.mark.parametrize(
    ("given", "code", "who", "condition"),
    [
        ("result", 0, "occupant", None),
        ("service-unavailable", 0, "occupant", None),
        ("feature-not-implemented", 0, "occupant", None),
        ("item-not-found", 10, None, "item-not-found"),
        ("not-acceptable", 6, "server", "not-acceptable"),
    ],
)
def test_what_a_room_says_of_its_occupants(authority, xmppctl, given, code, who, condition):
    """XEP-0410 §3.2: a client that does not know pings is in the room all the same."""

    async def script(conn):
        await conn.login()
        for _ in range(2):
            request = await conn.recv()
            if request.find("{urn:xmpp:ping}ping") is None:
                conn.result(request, "<query xmlns='http://jabber.org/protocol/disco#info'>"
                            "<identity category='conference' type='text'/></query>")  # fmt: skip
            elif given == "result":
                conn.result(request)
            else:
                conn.error(request, given)
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as server:
        run = xmppctl("--json", "ping", "r@rooms.fake.test/nick", jid="alice@fake.test",
                      password="x", connect=server.address, ca_file=authority.ca_file)  # fmt: skip
    record = one(run, code)
    assert record["answered_by"] == who
    assert (record["error"] or {}).get("condition") == condition


def test_loss(against_fake):
    command = ("--timeout", "300ms", "-o", "jsonl", "ping", "-c", "4", "-i", "1ms")
    run = fake(against_fake, ["result", None, "result", "result"], *command)
    assert [record["ok"] for record in run.expect(10).jsonl()] == [True, False, True, True]
    assert "1 of 4 pings" in run.error()["text"]
    assert "25% lost" in run.err
    nagios = tuple("nagios" if word == "jsonl" else word for word in command)
    run = fake(against_fake, ["result", None, "result", "result"], *nagios)
    assert run.expect(1).out.startswith("XMPP PING WARNING - ")
    assert "'loss'=25%" in run.out


def test_within_ends_the_run_however_many_pings_were_asked_for(server, alice, xmppctl):
    pongs = xmppctl("-o", "jsonl", "ping", "-c", "0", "-i", "200ms", "-w", "1", account=alice)
    seqs = [pong["seq"] for pong in pongs.expect(0).jsonl()]
    assert seqs == list(range(1, len(seqs) + 1))
    assert 4 <= len(seqs) <= 5


def test_the_summary_stands_below_the_records(server, alice, xmppctl):
    done = xmppctl("ping", "-c", "2", "-i", "10ms", account=alice).expect(0)
    assert f"{server.domain}: 2 sent, 2 answered, 0% lost" in done.err
