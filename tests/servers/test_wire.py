"""Certificates, the name server, the fault proxy and the fake server of the tests."""

from __future__ import annotations

import socket
import ssl
import time
from xml.etree.ElementTree import Element

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.peers.rawxml import RawClient
from tests.peers.stream import CLIENT, SASL, STANZAS, STREAMS, TLS, StreamClosed, StreamParser
from tests.servers.base import Account, Server
from tests.servers.ca import Authority, Certificate
from tests.servers.dns import Fault, NameServer
from tests.servers.fake import FakeConnection, FakeServer
from tests.servers.faults import SERVER_HELLO, FaultProxy, Flow, strip_starttls
from tests.servers.ports import LOOPBACK

PING = "<ping xmlns='urn:xmpp:ping'/>"


def mechanisms(features: Element) -> set[str | None]:
    return {m.text for m in features.iter(f"{{{SASL}}}mechanism")}


# --- certificates -------------------------------------------------------------------------------


async def _idle(conn: FakeConnection) -> None:
    await conn.stream_features("")
    await conn.until_closed()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Authority.expired, "certificate has expired"),
        (Authority.wrong_name, "Hostname mismatch"),
        (Authority.self_signed, "self-signed certificate"),
        (Authority.untrusted, "unable to get local issuer|self-signed certificate in"),
    ],
)
def test_bad_certificates_are_bad_in_their_own_way(
    authority: Authority, make: object, reason: str
) -> None:
    certificate = make(authority, "fake.test")  # type: ignore[operator]
    assert isinstance(certificate, Certificate)
    with FakeServer("fake.test", certificate, _idle, tls="direct") as fake:
        client = RawClient("fake.test", fake.address, authority.ca_file, direct=True)
        with client, pytest.raises(ssl.SSLCertVerificationError, match=reason):
            client.open()


def test_the_pin_is_the_hash_of_the_public_key(authority: Authority) -> None:
    pins = {authority.issue("fake.test").pin for _ in range(2)}
    assert len(pins) == 2
    assert {len(pin) for pin in pins} == {64}


# --- name server --------------------------------------------------------------------------------

ZONE: dict[str, dict[str, list[str]] | Fault] = {
    "_xmpp-client._tcp.a.test": {"SRV": ["0 5 5222 host.a.test.", "1 5 5223 other.a.test."]},
    "host.a.test": {"A": ["127.0.0.1"], "AAAA": ["::1"]},
    "alias.a.test": {"CNAME": ["host.a.test."]},
    "broken.test": Fault.SERVFAIL,
    "silent.test": Fault.SILENCE,
    "big.test": {"A": ["127.0.0.2"]},
}


def test_the_name_server_answers_from_its_zone() -> None:
    with NameServer(ZONE, large=frozenset({"big.test"})) as names:

        def ask(name: str, kind: str) -> dns.message.Message:
            query = dns.message.make_query(name, kind)
            return dns.query.udp_with_fallback(query, LOOPBACK, 1, names.port)[0]

        assert len(ask("_xmpp-client._tcp.a.test", "SRV").answer[0]) == 2
        assert "127.0.0.1" in ask("ALIAS.a.test", "A").to_text()
        assert ask("host.a.test", "TLSA").answer == []
        assert ask("nowhere.test", "A").rcode() == dns.rcode.NXDOMAIN
        assert ask("broken.test", "A").rcode() == dns.rcode.SERVFAIL
        assert "127.0.0.2" in ask("big.test", "A").to_text()
        assert names.queries[-1] == ("big.test", "A", "tcp")
        with pytest.raises(dns.exception.Timeout):
            dns.query.udp(dns.message.make_query("silent.test", "A"), LOOPBACK, 0.2, names.port)


# --- fault proxy --------------------------------------------------------------------------------


def test_the_proxy_is_transparent_and_counts_round_trips(server: Server, alice: Account) -> None:
    with FaultProxy(server.starttls) as proxy:
        with RawClient(server.domain, proxy.address, server.ca_file) as client:
            client.open()
            client.login(alice.local, alice.password)
            client.bind()
            before = proxy.flights
            for _ in range(5):
                client.iq(PING, to=server.domain)
        assert proxy.flights >= before + 5
        assert proxy.connections[0].up.startswith(b"<?xml")


def test_delays_are_waited_for(server: Server) -> None:
    slow = Flow(delay=0.1)
    with FaultProxy(server.direct_tls, up=slow, down=slow) as proxy:
        start = time.monotonic()
        with RawClient(server.domain, proxy.address, server.ca_file, direct=True) as client:
            client.open()
        # TCP to the proxy costs nothing; the handshake and the features are a round trip each
        assert time.monotonic() - start >= 0.4


def test_waits_are_counted_as_long_as_the_client_is_there(server: Server, alice: Account) -> None:
    slow = Flow(delay=0.05)
    with FaultProxy(server.direct_tls, up=slow, down=slow) as proxy:
        with RawClient(server.domain, proxy.address, server.ca_file, direct=True) as client:
            client.open()
            before = proxy.waits
            # the handshake, and the features
            assert before == 2
            client.login(alice.local, alice.password)
            client.bind()
            client.iq(PING, to=server.domain)
        assert proxy.connections[-1].ended.wait(5)
        # success, features, bind, ping; the end is not waited for
        assert proxy.waits == before + 4
        assert proxy.flights == before + 5


def test_starttls_can_be_stripped(server: Server) -> None:
    with (
        FaultProxy(server.starttls, down=strip_starttls()) as proxy,
        RawClient(server.domain, proxy.address, server.ca_file) as client,
    ):
        client.connect()
        client.open_stream()
        assert client.recv().find(f"{{{TLS}}}starttls") is None


@pytest.mark.parametrize(
    "down",
    [
        Flow(mute_after=0),
        Flow(mute_at=b"<stream:features"),
        Flow(mute_at=SERVER_HELLO),
    ],
    ids=["at once", "after the header", "in the handshake"],
)
def test_silence_at_a_step(server: Server, down: Flow) -> None:
    with (
        FaultProxy(server.starttls, down=down) as proxy,
        RawClient(server.domain, proxy.address, server.ca_file, timeout=0.3) as client,
        pytest.raises(TimeoutError),
    ):
        client.open()


@pytest.mark.parametrize("greeting", ["silent", "refuse", "garbage"])
def test_rude_greetings(server: Server, greeting: str) -> None:
    expected = {"silent": TimeoutError, "refuse": (StreamClosed, OSError), "garbage": SyntaxError}
    with (
        FaultProxy(server.starttls, greeting=greeting) as proxy,  # type: ignore[arg-type]
        RawClient(server.domain, proxy.address, server.ca_file, timeout=0.3) as client,
        pytest.raises(expected[greeting]),  # type: ignore[call-overload]
    ):
        client.open()


@pytest.mark.parametrize("down", [Flow(cut_after=2000), Flow(garble_after=2000)])
def test_cut_and_garbled_in_the_middle(server: Server, down: Flow, alice: Account) -> None:
    with (
        FaultProxy(server.direct_tls, down=down) as proxy,
        RawClient(server.domain, proxy.address, server.ca_file, direct=True) as client,
        pytest.raises((StreamClosed, OSError)),
    ):
        client.open()
        client.login(alice.local, alice.password)
        client.bind()
        for _ in range(50):
            client.iq(PING)


def test_an_answer_can_be_swallowed_inside_tls(server: Server, alice: Account) -> None:
    with FaultProxy.intercept(server, down=Flow(mute_at=b"raw-2")) as proxy:
        with RawClient(server.domain, proxy.address, server.ca_file, direct=True) as client:
            assert mechanisms(client.open()) == {"PLAIN"}
            client.login(alice.local, alice.password)
            client.bind()
            with pytest.raises(TimeoutError):
                client.timeout = 0.5
                client.iq(PING)
        assert b"urn:xmpp:ping" in proxy.connections[0].up


# --- fake server --------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", ["starttls", "direct"])
def test_a_fake_server_says_what_the_script_says(authority: Authority, tls: str) -> None:
    async def script(conn: FakeConnection) -> None:
        jid = await conn.login()
        assert jid == "alice@fake.test/r"
        assert (conn.username, conn.password) == ("alice", "secret")
        conn.result(await conn.request("{urn:xmpp:ping}ping"), from_="evil.test")
        conn.error(await conn.request("{urn:xmpp:ping}ping"), "gone", text="<moved>")
        conn.stream_error("conflict", "replaced")

    certificate = authority.issue("fake.test")
    with FakeServer("fake.test", certificate, script, tls=tls) as fake:  # type: ignore[arg-type]
        direct = tls == "direct"
        client = RawClient("fake.test", fake.address, authority.ca_file, direct=direct)
        with client:
            client.open()
            client.login("alice", "secret")
            client.bind("r")
            assert client.iq(PING).get("from") == "evil.test"
            error = client.iq(PING, to="x@fake.test")
            assert error.find(f".//{{{STANZAS}}}gone") is not None
            assert error.get("from") == "x@fake.test"
            with pytest.raises(StreamClosed, match="conflict"):
                client.recv()
    assert [e.tag for e in fake.received][-1] == f"{{{CLIENT}}}iq"


def test_a_failure_inside_the_script_is_not_lost(authority: Authority) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.header()
        raise ValueError("the script is wrong")

    fake = FakeServer("fake.test", authority.issue("fake.test"), script, tls="none")
    with (
        pytest.raises(ValueError, match="the script is wrong"),
        fake,
        RawClient("fake.test", fake.address, authority.ca_file) as client,
    ):
        client.connect()
        client.open_stream()
        with pytest.raises((StreamClosed, OSError)):
            client.recv()


def test_streams_that_follow_each_other_in_one_packet(authority: Authority) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.authenticate()
        await conn.bind()

    header = (
        f"<stream:stream to='fake.test' version='1.0' xmlns='{CLIENT}' xmlns:stream='{STREAMS}'>"
    )
    auth = f"<auth xmlns='{SASL}' mechanism='PLAIN'>AGEAYg==</auth>"
    bind = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
    with (
        FakeServer("fake.test", authority.issue("fake.test"), script, tls="none") as fake,
        socket.create_connection(fake.address, 5) as connection,
    ):
        connection.sendall((header + auth + header + bind).encode())
        answer = b""
        while b"a@fake.test/fake" not in answer:
            data = connection.recv(4096)
            assert data, answer
            answer += data


def test_the_parser_gives_whole_elements_only() -> None:
    parser = StreamParser()
    assert parser.feed(f"<stream:stream xmlns:stream='{STREAMS}' id='1'><a><b".encode()) == []
    assert parser.header == {"id": "1"}
    assert [e.tag for e in parser.feed(b"/></a><c/>")] == ["a", "c"]
    parser.feed(b"</stream:stream>")
    assert parser.closed
