"""``xmppctl server`` against real servers; what they do not have, a component or a script has."""

import ipaddress
import json
from contextlib import suppress

import pytest

from tests.integration.answering import INFO, form, info, serving
from tests.peers.stream import StreamClosed
from tests.servers.proxies import ProxyServer
from tests.servers.quirks import Feature
from tests.servers.web import WebServer

pytestmark = pytest.mark.in_turn

EXTDISCO = "urn:xmpp:extdisco:2"
SERVERINFO = "http://jabber.org/network/serverinfo"
SOS = "urn:xmpp:sos:0"
OUTAGE = {
    "planned": False,
    "beginning": "2026-01-12T01:01:01Z",
    "expected_end": None,
    "message": {"default": "Umzug", "en": "moving"},
    "x-unknown": [1],
}


@pytest.fixture
def run(xmppctl, alice):
    """Runs ``server --json`` with these words, which ends with ``code``."""

    def call(*words, code=0, **more):
        return xmppctl("--json", "server", *words, account=alice, **more).expect(code)

    return call


# --- what the servers have


def test_contacts(run, raw, alice, server):
    found = run("contacts").json()
    answer = raw(alice).iq(f"<query xmlns='{INFO[1:-6]}'/>", to=server.domain)
    told = {
        field.get("var"): [value.text for value in field]
        for field in answer.iter("{jabber:x:data}field")
    }
    assert found["jid"] == server.domain
    for purpose in ("abuse", "admin", "feedback", "sales", "security", "support", "status"):
        assert found[purpose] == told.get(f"{purpose}-addresses", [])
    assert found["abuse"] == [f"mailto:abuse@{server.domain}"]
    assert found["invalid"] == []


def test_external_services(run, xmppctl, raw, alice, server):
    assert Feature.EXTERNAL_SERVICES in server.features
    found = run("services").json()
    assert [(each["type"], each["restricted"]) for each in found] == [
        ("stun", False), ("turn", True),
    ]  # fmt: skip
    assert {(each["host"], each["port"], each["transport"]) for each in found} == {
        ("127.0.0.1", server.ports.stun, "udp")
    }
    assert [bool(each["password"]) for each in found] == [False, True]
    (turn,) = run("services", "--type", "turn").json()
    answer = raw(alice).iq(f"<services xmlns='{EXTDISCO}' type='turn'/>", to=server.domain)
    assert answer[0][0].get("host") == turn["host"]
    (given,) = run("services", "--credentials", f"turn:127.0.0.1:{server.ports.stun}").json()
    assert given["type"] == "turn"
    assert given["username"]
    assert given["password"]
    assert given["expires"].endswith("Z")
    assert run("services", "--credentials", "192.0.2.1", code=6).error()["condition"] == (
        "item-not-found"
    )


def test_passwords_in_a_table_where_they_are_asked_for(xmppctl, alice):
    table = xmppctl("server", "services", account=alice).expect().out
    assert "PASSWORD" not in table
    assert "turn" in table
    table = xmppctl("server", "services", "--credentials", "127.0.0.1", account=alice).expect().out
    assert "PASSWORD" in table


def test_labels(run, raw, alice, bob, server):
    if server.name != "prosody":
        assert run("labels", "--to", bob.jid, code=7).error()["condition"] == (
            "feature-not-implemented"
        )
        return
    ns = "urn:xmpp:sec-label:catalog:2"
    answer = raw(alice).iq(f"<catalog xmlns='{ns}' to='{bob.jid}'/>", to=server.domain)
    found = run("labels", "--to", bob.jid).json()
    assert [each["selector"] for each in found] == [item.get("selector") for item in answer[0]]
    assert [each["default"] for each in found].count(True) == 1
    secret = next(each for each in found if each["display"] == "SECRET")
    assert (secret["fg"], secret["bg"]) == ("black", "aqua")
    assert secret["label"].startswith("<securitylabel ")
    assert all(each["label"] for each in found)


@pytest.mark.servers("ejabberd")
def test_the_own_address_and_statistics(run, ejabberd):
    found = run("myip").json()
    assert ipaddress.ip_address(found["ip"]).is_loopback
    assert (found["port"] > 0, found["by"]) == (True, ejabberd.domain)
    stats = {each["name"]: each for each in run("stats").json()}
    assert stats["users/online"]["value"] >= 1
    assert stats["users/online"]["units"] == "users"
    partly = run("stats", "--name", "users/total", "--name", "users/none", code=9)
    total, none = partly.json()
    assert total["value"] >= stats["users/online"]["value"]
    assert (none["value"], none["error"]["condition"]) == (None, "item-not-found")


def test_what_they_lack(xmppctl, alice, server):
    lacking = ["limits", "policy", "peers", "status"]
    if server.name == "prosody":
        lacking += ["myip", "stats"]
    runs = [xmppctl.start("--json", "server", verb, account=alice) for verb in lacking]
    for each in runs:
        failed = xmppctl.finish(each).expect(7).error()
        assert (failed["condition"], failed["by"]) == ("feature-not-implemented", server.domain)
        assert "XEP-" in failed["text"]


def test_a_server_that_does_not_exist(run):
    assert run("contacts", "nosuch.invalid", code=6).error()["condition"] == (
        "remote-server-not-found"
    )


# --- what a component has


def test_policy_and_contacts_of_a_component(run, server):
    forms = form("urn:xmpp:data-policy:0", ("auth_data", ["plain"]), ("tos", ["https://x.test/t"]))
    forms += form(SERVERINFO, ("admin-addresses", ["xmpp:a@x.test", "call \u202e me"]))
    with serving(server, lambda iq: info(forms=forms)) as service:
        (policy,) = run("policy", service.jid).json()
        contacts = run("contacts", service.jid).json()
    assert (policy["jid"], policy["scope"]) == (service.jid, None)
    assert (policy["auth_data"], policy["tos"]) == ("plain", "https://x.test/t")
    assert (policy["data_deletion"], policy["data_retention"]) == (False, None)
    assert (contacts["admin"], contacts["invalid"]) == (["xmpp:a@x.test"], ["call \u202e me"])


def test_peers_of_a_component(run, xmppctl, alice, server):
    peers = (
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='serverinfo'><item id='1'>"
        f"<serverinfo xmlns='urn:xmpp:serverinfo:0'><domain name='{server.component}'><federation>"
        "<remote-domain name='denmark.lit'><connection type='bidi'/></remote-domain>"
        "<remote-domain><connection type='incoming'/></remote-domain>"
        "</federation></domain></serverinfo></item></items></pubsub>"
    )
    place = form(
        SERVERINFO, ("serverinfo-pubsub-node", [f"xmpp:pubsub.{server.component}?;node=x"])
    )
    place = place.replace(f"pubsub.{server.component}", server.component)

    def handle(iq):
        return info("urn:xmpp:serverinfo:0", forms=place) if iq[0].tag == INFO else peers

    with serving(server, handle) as service:
        found = run("peers", service.jid).json()
        plain = xmppctl("-o", "plain", "server", "peers", service.jid, account=alice).expect().out
    assert found == [
        {"domain": service.jid, "peer": "denmark.lit", "connections": ["bidi"]},
        {"domain": service.jid, "peer": None, "connections": ["incoming"]},
    ]
    assert plain.split() == ["denmark.lit"]


def test_limits_of_a_stream(against_fake):
    async def script(conn):
        await conn.login(
            "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>10000</max-bytes>"
            "<idle-seconds>1800</idle-seconds></limits>"
        )
        with suppress(StreamClosed):
            await conn.request("{urn:none}none")

    found = against_fake(script, "--json", "server", "limits").expect().json()
    assert found == {
        "jid": "fake.test", "max_bytes": 10000, "idle_seconds": 1800, "upload_max_bytes": None,
    }  # fmt: skip
    run = against_fake(script, "--json", "server", "limits", "other.test").expect(2)
    assert "other.test" in run.error()["text"]


# --- on the web


def test_an_outage_that_is_told_while_the_server_is_down(xmppctl, alice, server):
    told = OUTAGE

    def script(conn):
        assert conn.request().target == "/status.json"
        conn.respond(200, json.dumps(told).encode())

    with WebServer(script) as web:
        url = f"http://127.0.0.1:{web.port}/status.json"
        place = form(SOS, ("external-status-addresses", ["ftp://x.test/", url]))
        with serving(server, lambda iq: info(forms=place)) as service:
            args = ["--json", "server", "status", service.jid, "--lang", "en-GB"]
            found = xmppctl(*args, account=alice).expect().json()
            assert found == {
                "domain": service.jid,
                "outage": True,
                "active": True,
                "planned": False,
                "beginning": "2026-01-12T01:01:01Z",
                "expected_end": None,
                "message": "moving",
                "messages": OUTAGE["message"],
                "url": url,
                "cached": False,
            }
        # the server itself is down too, which is told, and what it told before is read
        down = {"jid": alice.jid, "password": "x", "connect": ("127.0.0.1", 1)}
        run = xmppctl(*args, **down).expect()
        assert (run.json()["outage"], run.json()["cached"]) == (True, True)
        assert "the server cannot be asked" in run.err
        told = {}
        found = xmppctl(*args, **down).expect().json()
        assert (found["outage"], found["active"], found["message"]) == (False, False, None)
        # of another one nothing is known
        other = xmppctl("--json", "server", "status", **down).expect(3)
        assert other.error()["condition"] == "connection-refused"
    # and now the web server is down too
    assert xmppctl(*args, **down).expect(3).error()["step"] == "status"


def test_a_status_at_a_url(xmppctl):
    def script(conn):
        target = conn.request().target
        conn.respond(404 if target == "/none" else 200, b"{}" if target == "/ok" else b"[]")

    with WebServer(script) as web:
        base = f"http://127.0.0.1:{web.port}"
        found = xmppctl("--json", "server", "status", "--url", f"{base}/ok").expect().json()
        assert (found["domain"], found["outage"], found["url"]) == (None, False, f"{base}/ok")
        run = xmppctl("--json", "server", "status", "--url", f"{base}/none").expect(6)
        assert run.error()["condition"] == "item-not-found"
        run = xmppctl("--json", "server", "status", "--url", f"{base}/list").expect(6)
        assert run.error()["condition"] == "malformed-answer"
    xmppctl("server", "status", "--url", "ftp://x.test/").expect(2)


@pytest.mark.servers("ejabberd")
def test_ways_to_connect_need_no_account(xmppctl, ejabberd):
    place = ("127.0.0.1", ejabberd.ports.https)
    with ProxyServer("http", places={(ejabberd.domain, 443): place}) as proxy:
        found = xmppctl(
            "--json", "server", "connections", ejabberd.domain,
            ca_file=ejabberd.ca_file, env={"https_proxy": proxy.url()},
        ).expect().json()  # fmt: skip
    assert found["domain"] == ejabberd.domain
    assert [each["url"] for each in found["websocket"]] == [ejabberd.websocket_url]
    assert [each["url"] for each in found["xbosh"]] == [ejabberd.bosh_url]
    assert (found["tls"], found["ttl"], found["pins"]) == ([], None, [])


def test_ways_to_connect_that_are_not_there(xmppctl, authority, https):
    with (
        WebServer(lambda conn: (conn.request(), conn.respond(404)), https) as web,
        ProxyServer("http", places={("web.test", 443): ("127.0.0.1", web.port)}) as proxy,
    ):
        env = {"https_proxy": proxy.url()}
        args = ("--json", "server", "connections", "web.test")
        xmppctl(*args, ca_file=authority.ca_file, env=env).expect(7)
        assert xmppctl(*args, env=env).expect(5).error()["step"] in ("tls", "host-meta")
