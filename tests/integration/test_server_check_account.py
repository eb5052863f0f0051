"""``xmppctl server check`` with an account: what the servers really give, and what they do not."""

import signal
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.answering import INFO, info, serving
from tests.peers.process import own_connection
from xmppctl.model.check import CHECKS

ITEMS = "http://jabber.org/protocol/disco#items"
NAMED = list(CHECKS)
WITH_ACCOUNT = NAMED[NAMED.index("login.time") :]
ONLY = [word for name in WITH_ACCOUNT for word in ("--only", name)]


@pytest.fixture
def check(xmppctl):
    """Runs ``server check --json`` with these words: the findings by check and target."""

    def run(account, *words, code=0):
        found = xmppctl("--json", "server", "check", *words, account=account).expect(code).json()
        by = {(each["check"], each["target"]): each for each in found}
        assert len(by) == len(found)
        return by

    return run


def bad(found):
    return {key: each["status"] for key, each in found.items() if each["status"] != "ok"}


def nodes(client, account):
    """The nodes of an account, as it sees them."""
    answer = client.iq(f"<query xmlns='{ITEMS}'/>", to=account.jid)
    return {item.get("node") for item in answer[0]}


def test_a_healthy_server(check, raw, alice, bob, server):
    client = raw(alice)
    client.iq(f"<query xmlns='jabber:iq:roster'><item jid='{bob.jid}'/></query>", type="set")
    before = nodes(client, alice)
    with serving(server, lambda iq: info(identities="<identity category='gateway' type='irc'/>")):
        found = check(alice, *ONLY, "--peer", server.hosts["closed"])
    assert bad(found) == {}
    assert {each for each, _ in found} == set(WITH_ACCOUNT)
    at = {each: finding for (each, target), finding in found.items()
          if target in (alice.jid, server.domain)}  # fmt: skip
    software = client.iq("<query xmlns='jabber:iq:version'/>", to=server.domain)[0]
    told = {child.tag.rpartition("}")[2]: child.text for child in software}
    assert at["server.version"]["value"] == f"{told['name']} {told['version']}"
    assert at["server.contacts"]["value"] == f"mailto:abuse@{server.domain}"
    assert abs(at["server.clock"]["value"]) < 30
    assert (at["roster.get"]["value"], at["roster.get"]["unit"]) == (1, "contacts")
    assert (at["pep.publish"]["value"], at["push.offered"]["value"]) == (True, True)
    assert found["component.disco", server.component]["detail"].endswith(": gateway/irc")
    assert found["component.disco", server.upload]["status"] == "ok"
    assert ("upload.get", server.upload) in found
    turn = f"turn:127.0.0.1:{server.ports.stun}?transport=udp"
    assert 0 < found["turn.credentials", turn]["value"] <= 86400
    assert found["stun.binding", turn]["value"] > 0
    phases = [target for each, target in found if each == "login.time"]
    assert phases == [alice.jid, *(f"{alice.jid} {each}" for each in
                                   ("dns", "tcp", "tls", "auth", "bind"))]  # fmt: skip
    # nothing is left behind
    assert nodes(client, alice) == before


@pytest.mark.in_turn
def test_who_is_silent_costs_one_timeout_and_hides_nothing(check, alice, server):
    words = ("--only", "component", "--only", "upload", "--only", "s2s", "--timeout", "2")
    with serving(server, lambda iq: None):
        found = check(
            alice, *words, "--peer", "nosuch.invalid", "--peer", server.hosts["closed"], code=6
        )
    assert bad(found) == {
        ("component.disco", server.component): "fail",
        ("s2s.ping", "nosuch.invalid"): "fail",
    }
    assert "no answer from" in found["component.disco", server.component]["detail"]
    assert "remote-server-not-found" in found["s2s.ping", "nosuch.invalid"]["detail"]
    assert found["upload.cors", server.upload]["status"] == "ok"


@pytest.mark.servers("prosody")
def test_a_component_that_is_not_attached(check, alice, server):
    found = check(alice, "--only", "component", code=6)
    assert bad(found) == {("component.disco", server.component): "fail"}
    assert found["component.disco", server.component]["advice"]


@pytest.mark.in_turn
def test_a_server_with_little_more_than_messages(check, server):
    account = server.account("plain", server.hosts["bare"])
    words = [word for name in ("mam", "carbons", "roster", "upload") for word in ("--only", name)]
    found = check(account, *words, "--strict", code=6)
    assert bad(found) == {
        ("mam.archive", account.jid): "warn",
        ("carbons.enable", account.jid): "warn",
    }
    assert found["upload.slot", account.domain]["value"] is False


@pytest.mark.in_turn
def test_what_is_begun_is_cleared_away_by_a_signal_too(xmppctl, raw, alice, server):
    client = raw(alice)
    words = ("-o", "jsonl", "server", "check", "--only", "pep", "--only", "component")
    with serving(server, lambda iq: None):
        run = xmppctl.start(*words, account=alice)
        run.wait_line('"pep.publish"')
        run.signal(signal.SIGTERM)
        assert xmppctl.finish(run).code == 143
    assert not {each for each in nodes(client, alice) if each and "xmppctl:check" in each}


def test_a_clock_ten_minutes_off(against_fake):
    own_connection()

    async def script(conn):
        await conn.login()
        while True:
            iq = await conn.recv()
            tag = iq[0].tag if len(iq) else ""
            if tag == "{urn:xmpp:time}time":
                now = datetime.now(UTC) - timedelta(minutes=10)
                conn.result(iq, f"<time xmlns='urn:xmpp:time'><tzo>Z</tzo>"
                                f"<utc>{now:%Y-%m-%dT%H:%M:%SZ}</utc></time>")  # fmt: skip
            elif tag == INFO:
                conn.result(iq, info())
            elif tag:
                conn.result(iq)

    words = ("server", "check", "--only", "server.clock", "--only", "server.ping")
    found = against_fake(script, "--json", *words).expect(6).json()
    by = {each["check"]: each for each in found}
    assert (by["server.ping"]["status"], by["server.clock"]["status"]) == ("ok", "fail")
    assert -602 < by["server.clock"]["value"] < -598
    assert "behind the clock here" in by["server.clock"]["detail"]
