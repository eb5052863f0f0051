"""The harness itself: without it, nothing that the other tests say could be believed."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from tests.peers.rawweb import RawBosh, RawWebSocket
from tests.peers.rawxml import RawClient, RawComponent
from tests.peers.stream import SASL, TLS
from tests.servers.base import Account, Server
from tests.servers.ca import Authority
from tests.servers.ejabberd import Ejabberd
from tests.servers.ports import LOOPBACK, Ports
from tests.servers.prosody import Prosody
from tests.servers.quirks import Feature, Quirk

PING = "<ping xmlns='urn:xmpp:ping'/>"
DISCO = "http://jabber.org/protocol/disco#info"
ROOT = Path(__file__).resolve().parents[2]


def mechanisms(features: Element) -> set[str | None]:
    return {m.text for m in features.iter(f"{{{SASL}}}mechanism")}


# --- servers ------------------------------------------------------------------------------------


def test_a_fresh_account_logs_in_both_ways(server: Server, alice: Account) -> None:
    for direct in (False, True):
        with RawClient.login_as(alice, "here", direct=direct) as client:
            assert client.jid == f"{alice.jid}/here"
            assert client.iq(PING, to=server.domain).get("type") == "result"


@pytest.mark.parametrize("purpose", [None, "closed", "plain"])
def test_every_host_is_reached_by_http(server: Server, purpose: str | None) -> None:
    account = server.account("web", server.hosts[purpose] if purpose else None)
    for client in (
        RawWebSocket(account.domain, server.websocket_url, server.ca_file),
        RawBosh(account.domain, server.bosh_url, server.ca_file),
    ):
        with client:
            client.open()
            client.login(account.local, account.password)
            assert client.bind("here") == f"{account.jid}/here"
            assert client.iq(PING, to=account.domain).get("type") == "result"


def test_a_wrong_password_is_refused(server: Server, alice: Account) -> None:
    with RawClient(server.domain, server.starttls, server.ca_file) as client:
        client.open()
        with pytest.raises(PermissionError, match="not-authorized"):
            client.login(alice.local, "wrong")


def test_the_server_stands_up_to_verification_and_the_check_is_real(
    server: Server, authority: Authority, tmp_path: Path
) -> None:
    with RawClient("elsewhere.test", server.starttls, server.ca_file, direct=False) as client:
        client.domain = server.domain
        assert mechanisms(client.open())
    stranger = Authority(tmp_path, "nobody's")
    client = RawClient(server.domain, server.direct_tls, stranger.ca_file, direct=True)
    with client, pytest.raises(ssl.SSLCertVerificationError):
        client.open()


def test_accounts_are_made_fast(server: Server) -> None:
    start = time.monotonic()
    accounts = {server.account().jid for _ in range(20)}
    assert len(accounts) == 20
    assert time.monotonic() - start < 2


def test_every_virtual_host_answers_as_its_purpose_says(server: Server) -> None:
    offers = {}
    for purpose, domain in server.hosts.items():
        with RawClient(domain, server.starttls, server.ca_file) as client:
            offers[purpose] = mechanisms(client.open())
    assert offers["plain"] == {"PLAIN"}
    assert "ANONYMOUS" in offers["anon"]
    assert {"SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN"} <= offers["closed"]
    assert (Feature.SCRAM_SHA_512 in server.features) == ("SCRAM-SHA-512" in offers["closed"])


def test_accounts_exist_on_other_hosts_too(server: Server) -> None:
    RawClient.login_as(server.account("dora", server.hosts["plain"])).close()


def test_anonymous_login(server: Server) -> None:
    with RawClient(server.hosts["anon"], server.starttls, server.ca_file) as client:
        client.open()
        client.login_anonymously()
        assert client.bind().partition("/")[0].endswith("@" + server.hosts["anon"])


def test_the_optional_port_offers_passwords_in_clear(server: Server) -> None:
    address = server.optional_tls
    with RawClient(server.hosts["optional_tls"], address, server.ca_file) as client:
        client.connect()
        client.open_stream()
        features = client.recv()
    assert "PLAIN" in mechanisms(features)
    assert features.find(f"{{{TLS}}}starttls") is not None


def test_the_usual_port_offers_no_password_in_clear(server: Server) -> None:
    with RawClient(server.domain, server.starttls, server.ca_file) as client:
        client.connect()
        client.open_stream()
        features = client.recv()
    assert not mechanisms(features)
    assert features.find(f"{{{TLS}}}starttls/{{{TLS}}}required") is not None


@pytest.mark.parametrize("service", ["conference", "upload", "pubsub", "proxy"])
def test_services_answer(server: Server, alice: Account, service: str) -> None:
    with RawClient.login_as(alice) as client:
        answer = client.iq(f"<query xmlns='{DISCO}'/>", to=server.services[service])
    assert answer.get("type") == "result"


FEATURE_VARS = {
    Feature.BLOCKING: "urn:xmpp:blocking",
    Feature.CARBONS: "urn:xmpp:carbons:2",
    Feature.REGISTRATION: "jabber:iq:register",
}
ACCOUNT_VARS = {Feature.MAM: "urn:xmpp:mam:2", Feature.PUSH: "urn:xmpp:push:0"}


def test_features_are_what_the_server_says(server: Server, alice: Account) -> None:
    with RawClient.login_as(alice) as client:
        for to, expected in ((server.domain, FEATURE_VARS), (alice.jid, ACCOUNT_VARS)):
            answer = client.iq(f"<query xmlns='{DISCO}'/>", to=to)
            said = {f.get("var") for f in answer.iter(f"{{{DISCO}}}feature")}
            for feature, namespace in expected.items():
                assert (feature in server.features) == (namespace in said), feature


def test_quirks_are_real(server: Server, alice: Account) -> None:
    absent = "<query xmlns='jabber:iq:roster'><item jid='x@y.test' subscription='remove'/></query>"
    with RawClient.login_as(alice) as client:
        removed = client.iq(absent, type="set").get("type") == "result"
        assert removed == (Quirk.ROSTER_REMOVE_ABSENT_OK in server.quirks)
        off = "<disable xmlns='urn:xmpp:push:0' jid='push.test' node='n'/>"
        refused = client.iq(off, type="set").get("type") == "error"
        assert refused == (Quirk.PUSH_DISABLE_UNKNOWN_REFUSED in server.quirks)


def test_a_component_attaches_and_is_reached(server: Server, alice: Account) -> None:
    with RawComponent.attach(server) as component, RawClient.login_as(alice) as client:
        client.message(f"push@{server.component}", "hello")
        message = component.expect(lambda e: e.tag.endswith("}message"))
        assert message.get("from") == client.jid


def test_admin_is_an_administrator(server: Server) -> None:
    commands = "http://jabber.org/protocol/commands"
    with RawClient.login_as(server.admin()) as client:
        items = client.iq(
            f"<query xmlns='http://jabber.org/protocol/disco#items' node='{commands}'/>",
            to=server.domain,
        )
    assert items.get("type") == "result"
    assert len(items[0]) > 1


@pytest.mark.servers("prosody")
def test_an_invitation_lets_one_account_in(server: Server) -> None:
    assert isinstance(server, Prosody)
    token = server.invite()
    with RawClient(server.hosts["invite"], server.starttls, server.ca_file) as client:
        client.open()
        register = (
            "<query xmlns='jabber:iq:register'>"
            "<username>guest</username><password>p4ss</password></query>"
        )
        assert client.iq(register, type="set").get("type") == "error"
        preauth = f"<preauth xmlns='urn:xmpp:pars:0' token='{token}'/>"
        assert client.iq(preauth, type="set", to=server.hosts["invite"]).get("type") == "result"
        assert client.iq(register, type="set").get("type") == "result"


@pytest.mark.servers("ejabberd")
def test_the_api_shows_the_other_side(server: Server, alice: Account) -> None:
    assert isinstance(server, Ejabberd)
    assert server.api("check_account", user=alice.local, host=alice.domain) == 0
    assert alice.local in server.api("registered_users", host=server.domain)


@pytest.mark.servers("ejabberd")
def test_the_answer_of_a_captcha_is_known(server: Server) -> None:
    assert isinstance(server, Ejabberd)
    with RawClient(server.hosts["captcha"], server.starttls, server.ca_file) as client:
        client.open()
        form = client.iq("<query xmlns='jabber:iq:register'/>")
    assert form.get("type") == "result"
    assert server.captcha_answer().isdigit()


def test_nothing_listens_beyond_loopback(server: Server) -> None:
    """Every socket of the server's process group, from /proc: 0100007F is 127.0.0.1."""
    assert server.pid is not None
    inodes = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(process.name)) == server.pid:
                inodes |= {str(fd.readlink()) for fd in process.glob("fd/*")}
        except (ProcessLookupError, FileNotFoundError):
            continue
    addresses = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            bound = table.startswith("udp") or fields[3] == "0A"
            if bound and f"socket:[{fields[9]}]" in inodes:
                addresses.add(fields[1].partition(":")[0])
    assert addresses == {"0100007F"}


@pytest.mark.parametrize("kind", [Prosody, Ejabberd])
def test_start_and_stop_leave_nothing(
    kind: type[Server], tmp_path: Path, authority: Authority, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(kind.name)  # skipped when that server is
    with kind(tmp_path / "server", authority) as server:
        group = server.pid
        assert group is not None
        RawClient.login_as(server.account()).close()
        address = server.starttls
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 5)


def test_a_server_dies_with_the_run_that_started_it(
    prosody: Prosody, tmp_path: Path, authority: Authority
) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from tests.servers.ca import Authority; from tests.servers.prosody import Prosody\n"
        "server = Prosody(Path(sys.argv[1]), Authority(Path(sys.argv[1]) / 'ca'))\n"
        "server.start(); print(server.ports.starttls, flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as run:
        assert run.stdout is not None
        address = LOOPBACK, int(run.stdout.readline())
        socket.create_connection(address, 5).close()
        run.send_signal(signal.SIGKILL)
        run.wait(10)
    # not by process id: a dead orphan that nobody waits for keeps its own
    deadline = time.monotonic() + 10
    with pytest.raises(OSError, match=r"refused|reset"):
        while time.monotonic() < deadline:
            socket.create_connection(address, 5).close()
            time.sleep(0.02)


def test_blocks_of_ports_do_not_collide() -> None:
    with ThreadPoolExecutor() as pool:
        blocks = list(pool.map(lambda _: Ports(), range(20)))
    try:
        assert len({block.starttls for block in blocks}) == 20
    finally:
        for block in blocks:
            block.release()
