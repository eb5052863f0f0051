"""``xmppctl server compliance``: what real servers reach, and that nothing stays behind."""

from __future__ import annotations

import pytest

from tests.integration.answering import INFO
from tests.peers.process import TRANSPORT
from tests.servers.dns import NameServer
from tests.servers.proxies import ProxyServer

ITEMS = "http://jabber.org/protocol/disco#items"
BOOKMARKS = "urn:xmpp:bookmarks:1#compat"


def rows(found, *statuses):
    """The requirements that have one of these statuses."""
    return {
        each["requirement"]
        for each in found
        if each["level"] in ("server", "advanced") and each["status"] in statuses
    }


def left(peer, server, alice):
    """The rooms of the service, and the nodes of the account."""
    rooms = peer.iq(f"<query xmlns='{ITEMS}'/>", to=server.conference)
    nodes = peer.iq(f"<query xmlns='{ITEMS}'/>", to=alice.jid)
    return {each.get("jid") for each in rooms[0]}, {each.get("node") for each in nodes[0]}


def test_all_of_it_and_nothing_stays(xmppctl, raw, alice, server):
    peer = raw(alice)
    before = left(peer, server, alice)
    run = xmppctl(
        *("--json", "server", "compliance"),
        *("--websocket", server.websocket_url, "--bosh", server.bosh_url),
        account=alice,
    ).expect()
    found = run.json()
    rooms, nodes = left(peer, server, alice)
    assert nodes == before[1]
    assert not [room for room in rooms if room.startswith("xmppctl-compliance-")]

    told = peer.iq(f"<query xmlns='{INFO[1:-6]}'/>", to=alice.jid)
    features = {each.get("var") for each in told[0]}
    assert rows(found, "fail") == (set() if BOOKMARKS in features else {"XEP-0402"})
    # there is no DNS: where the connection is of another kind, no port for direct TLS is known
    assert rows(found, "unknown") == (set() if TRANSPORT == "direct" else {"XEP-0368"})
    live = {each["requirement"] for each in found if each["method"] == "live"}
    assert live >= {
        "RFC 6120", "RFC 7590", "XEP-0030", "XEP-0115", "XEP-0163", "RFC 7395", "XEP-0206",
        "RFC 6121", "XEP-0054", "XEP-0280", "XEP-0045", "XEP-0249", "XEP-0363", "XEP-0191",
        "XEP-0048", "XEP-0049", "XEP-0223", "XEP-0313", "XEP-0357", "XEP-0215", "XEP-0410",
    }  # fmt: skip
    assert {each["method"] for each in found if each["requirement"] == "XEP-0313"} == {"live"}
    noted = {each["requirement"]: each["status"] for each in found if each["level"] == "note"}
    assert (noted["XEP-0077"], noted["XEP-0157"]) == ("ok", "ok")
    assert {each["category"] for each in found if each["level"] == "future"} == {None}


@pytest.mark.in_turn
def test_a_host_with_little(xmppctl, server):
    """The exit code tells what is missing, and the records are there all the same."""
    account = server.account("alice", server.hosts["bare"])
    run = xmppctl(
        *("--json", "server", "compliance", "--summary"),
        *("--require", "core:server", "--require", "im:server", "--require", "mobile:server"),
        account=account,
    ).expect(6)
    error = run.error()
    assert (error["condition"], error["by"]) == ("not-compliant", account.domain)
    assert "core:server" not in error["text"]
    for requirement in ("XEP-0280", "XEP-0045", "XEP-0363", "XEP-0352"):
        assert f"{requirement} (" in error["text"]
    found = {each["category"]: each for each in run.json()}
    assert list(found) == ["core", "web", "im", "mobile", "av"]
    assert found["core"]["level"] in ("server", "advanced")
    assert found["im"]["level"] is None
    assert "XEP-0280" in found["im"]["missing"]


@pytest.mark.servers("ejabberd")
@pytest.mark.own_connection
def test_a_domain_as_the_world_finds_it(xmppctl, alice, server):
    """Direct TLS by its SRV record, WebSocket and BOSH by host-meta."""
    record = "SRV"
    zone = {
        "host.test": {"A": ["127.0.0.1"]},
        f"_xmpp-client._tcp.{server.domain}": {record: [f"0 0 {server.ports.starttls} host.test."]},
        f"_xmpps-client._tcp.{server.domain}": {
            record: [f"0 0 {server.ports.direct_tls} host.test."]
        },
    }
    places = {(server.domain, 443): ("127.0.0.1", server.ports.https)}
    with NameServer(zone) as names, ProxyServer("http", places=places) as proxy:
        run = xmppctl(
            *("--json", "server", "compliance"),
            *("--require", "core:advanced", "--require", "web:advanced", "--require", "av:server"),
            jid=alice.jid,
            password=alice.password,
            ca_file=server.ca_file,
            env={"XMPPCTL_NAMESERVER": names.nameserver, "https_proxy": proxy.url()},
        ).expect()
    found = {each["requirement"]: each for each in run.json() if each["level"] != "future"}
    assert rows(run.json(), "unknown") == set()
    for requirement in ("XEP-0368", "RFC 7395", "XEP-0206", "XEP-0156"):
        assert (found[requirement]["status"], found[requirement]["method"]) == ("ok", "live")
    assert server.websocket_url in found["RFC 7395"]["detail"]


@pytest.mark.in_turn
def test_another_domain(xmppctl, raw, alice, server):
    host = server.hosts["closed"]
    run = xmppctl("--json", "server", "compliance", host, account=alice).expect()
    found = {each["requirement"]: each for each in run.json() if each["level"] != "future"}
    assert found["XEP-0030"]["status"] == "ok"
    assert found["XEP-0198"]["status"] == "unknown"
    assert "live" not in {found[each]["method"] for each in ("XEP-0280", "XEP-0045", "XEP-0163")}
    run = xmppctl("--json", "server", "compliance", "no.such.host.invalid", account=alice)
    assert run.expect(6).error()["condition"] == "remote-server-not-found"
