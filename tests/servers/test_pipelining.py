"""What the servers take in one write, asked by a raw client: what the fast login stands on.

XMPP does not say how far a client may run ahead (XEP-0305 only proposes some of it). Each server
is held here to what docs/design/009-login.md tells of it; another version that does otherwise
fails here first.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from xml.etree.ElementTree import Element

import pytest

from tests.peers.mechanisms import Scram, b64
from tests.peers.rawsasl2 import REQUEST_TOKEN, Sasl2Client, bind2
from tests.peers.rawweb import RawBosh, RawWebSocket
from tests.peers.rawxml import RawClient
from tests.peers.stream import BIND, CLIENT, SASL, SASL2, SM, STANZAS, STREAMS, TLS, StreamClosed
from tests.servers.base import Account, Server
from tests.servers.prosody import Prosody
from tests.servers.quirks import Quirk

PING = "<ping xmlns='urn:xmpp:ping'/>"
ENABLE = f"<enable xmlns='{SM}'/>"
REQUEST = f"<r xmlns='{SM}'/>"
# how long to listen for what is not to come
SILENCE = 0.5

Connect = Callable[..., RawClient]
both_ways = pytest.mark.parametrize("direct", [True, False], ids=["direct", "starttls"])


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A client of an account, up to the end of the TLS handshake."""
    with ExitStack() as clients:

        def connect(account: Account, direct: bool = True) -> RawClient:
            server = account.server
            address = server.direct_tls if direct else server.starttls
            client = RawClient(account.domain, address, server.ca_file, direct=direct)
            clients.enter_context(client)
            client.secure()
            return client

        yield connect


def auth(mechanism: str, first: bytes) -> str:
    return f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{b64(first)}</auth>"


def plain(account: Account, password: str | None = None) -> str:
    secret = f"\0{account.local}\0{password or account.password}"
    return auth("PLAIN", secret.encode())


def bind(resource: str | None = None) -> str:
    wish = "" if resource is None else f"<resource>{resource}</resource>"
    return f"<iq type='set' id='bind'><bind xmlns='{BIND}'>{wish}</bind></iq>"


def message(to: str, ident: str = "m") -> str:
    return f"<message type='chat' to='{to}' id='{ident}'><body>{ident}</body></message>"


def ping(to: str, ident: str = "p") -> str:
    return f"<iq type='get' id='{ident}' to='{to}'>{PING}</iq>"


def tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def condition(element: Element) -> str:
    """Of a SASL failure, a stanza error or <failed/>."""
    parent = element.find(f"{{{CLIENT}}}error")
    return tag((element if parent is None else parent)[0])


def challenged(client: RawClient, scram: Scram) -> str:
    """<response/> to the challenge that comes next."""
    challenge = client.recv()
    assert tag(challenge) == "challenge"
    final = scram.final(base64.b64decode(challenge.text or ""))
    return f"<response xmlns='{SASL}'>{b64(final)}</response>"


def authenticated(connect: Connect, account: Account) -> RawClient:
    """A client with <success/>, its stream not yet opened anew."""
    client = connect(account)
    client.open_stream(plain(account))
    assert [tag(client.recv()), tag(client.recv())] == ["features", "success"]
    return client


def until(client: RawClient, ident: str) -> list[Element]:
    """What comes up to the answer of this request."""
    seen = [client.recv()]
    while seen[-1].get("id") != ident or seen[-1].tag != f"{{{CLIENT}}}iq":
        seen.append(client.recv())
    return seen


def nothing_comes(client: RawClient) -> None:
    with pytest.raises(TimeoutError):
        client.recv(SILENCE)


# --- before and during the authentication -------------------------------------------------------


def test_starttls_goes_right_behind_the_header(server: Server) -> None:
    with RawClient(server.domain, server.starttls, server.ca_file) as client:
        client.connect()
        client.open_stream(f"<starttls xmlns='{TLS}'/>")
        assert [tag(client.recv()), tag(client.recv())] == ["features", "proceed"]


@both_ways
@pytest.mark.parametrize("name", ["SHA-1", "SHA-256"])
def test_auth_goes_right_behind_the_header(
    server: Server, alice: Account, connect: Connect, name: str, direct: bool
) -> None:
    client = connect(alice, direct)
    scram = Scram(name, alice.local, alice.password)
    client.open_stream(auth(scram.mechanism, scram.first))
    assert tag(client.recv()) == "features"
    client.send(challenged(client, scram))
    success = client.recv()
    assert tag(success) == "success"
    assert scram.verify(base64.b64decode(success.text or ""))


@both_ways
def test_a_mechanism_that_is_not_offered_may_be_followed_by_one_that_is(
    server: Server, alice: Account, connect: Connect, direct: bool
) -> None:
    client = connect(alice, direct)
    scram = Scram("SHA-3", alice.local, alice.password)
    client.open_stream(auth(scram.mechanism, scram.first))
    assert tag(client.recv()) == "features"
    for _ in range(3):
        assert condition(client.recv()) == "invalid-mechanism"
        client.send(auth(scram.mechanism, scram.first))
    assert condition(client.recv()) == "invalid-mechanism"
    scram = Scram("SHA-256", alice.local, alice.password)
    client.send(auth(scram.mechanism, scram.first))
    client.send(challenged(client, scram))
    assert tag(client.recv()) == "success"


def test_a_wrong_password_may_be_followed_by_the_right_one(
    server: Server, alice: Account, connect: Connect
) -> None:
    client = connect(alice)
    client.open_stream(plain(alice, "wrong"))
    assert tag(client.recv()) == "features"
    for _ in range(3):
        assert condition(client.recv()) == "not-authorized"
        client.send(plain(alice, "wrong"))
    assert condition(client.recv()) == "not-authorized"
    client.send(plain(alice))
    assert tag(client.recv()) == "success"


@pytest.mark.parametrize("name", ["PLAIN", "SCRAM"])
def test_the_second_header_has_to_wait_for_success(
    server: Server, alice: Account, connect: Connect, name: str
) -> None:
    client = connect(alice)
    if name == "PLAIN":
        client.open_stream(plain(alice) + client.header + bind())
    else:
        scram = Scram("SHA-256", alice.local, alice.password)
        client.open_stream(auth(scram.mechanism, scram.first))
        assert tag(client.recv()) == "features"
        client.send(challenged(client, scram) + client.header + bind())
    _, success, second = client.raw_until_closed().partition("<success")
    assert success
    assert "not-well-formed" in second


# --- behind the authentication ------------------------------------------------------------------


@both_ways
def test_everything_goes_in_the_write_of_the_second_header(
    server: Server, alice: Account, bob: Account, connect: Connect, direct: bool
) -> None:
    with RawClient.login_as(bob) as peer:
        peer.send("<presence/>")
        peer.recv()
        client = connect(alice, direct)
        scram = Scram("SHA-256", alice.local, alice.password)
        client.open_stream(auth(scram.mechanism, scram.first))
        client.recv()
        client.send(challenged(client, scram))
        assert tag(client.recv()) == "success"
        client.open_stream(bind("here") + ENABLE + message(bob.jid) + REQUEST + ping(bob.jid))
        seen = until(client, "p")
        assert peer.wait_message().get("id") == "m"
    assert [tag(each) for each in seen[:3]] == ["features", "iq", "enabled"]
    assert seen[1].findtext(f".//{{{BIND}}}jid") == f"{alice.jid}/here"
    acks = [each.get("h") for each in seen if each.tag == f"{{{SM}}}a"]
    assert acks == ["1"]
    assert seen[-1].get("type") == "result"


def test_a_bounce_comes_before_the_answer_behind_it(
    server: Server, alice: Account, connect: Connect
) -> None:
    nobody = f"nobody@{server.domain}"
    client = authenticated(connect, alice)
    client.open_stream(bind() + ENABLE + message(nobody) + REQUEST + ping(nobody))
    stanzas = [each for each in until(client, "p") if each.get("id") in ("m", "p")]
    assert [each.get("id") for each in stanzas] == ["m", "p"]
    assert stanzas[0].get("type") == "error"


def test_stream_management_that_is_not_offered(
    server: Server, bob: Account, connect: Connect
) -> None:
    account = server.account("bare", server.hosts["bare"])
    with RawClient.login_as(bob) as peer:
        peer.send("<presence/>")
        peer.recv()
        client = authenticated(connect, account)
        client.open_stream(bind() + ENABLE + message(bob.jid) + REQUEST + ping(account.domain))
        features = client.recv()
        assert features.find(f"{{{SM}}}sm") is None
        assert client.recv().get("type") == "result"
        if Quirk.UNKNOWN_ELEMENT_ENDS_STREAM in server.quirks:
            # what stands behind is lost, and never came to the one that it was for
            with pytest.raises(StreamClosed, match="unsupported-stanza-type"):
                client.recv()
            assert peer.iq(PING).get("type") == "result"
            nothing_comes(peer)
        else:
            # no answer to what is about stream management; the rest is as ever
            assert [each.get("id") for each in until(client, "p")] == ["p"]
            assert peer.wait_message().get("id") == "m"


def test_a_request_for_an_ack_that_was_not_enabled(
    server: Server, bob: Account, connect: Connect
) -> None:
    account = server.account("bare", server.hosts["bare"])
    with RawClient.login_as(bob) as peer:
        peer.send("<presence/>")
        peer.recv()
        client = authenticated(connect, account)
        client.open_stream(bind() + message(bob.jid) + REQUEST + ping(account.domain))
        assert [tag(client.recv()), tag(client.recv())] == ["features", "iq"]
        if Quirk.UNKNOWN_ELEMENT_ENDS_STREAM in server.quirks:
            with pytest.raises(StreamClosed, match="unsupported-stanza-type"):
                client.recv()
        else:
            assert [each.get("id") for each in until(client, "p")] == ["p"]
        # sent in either case, although the one stream does not tell
        assert peer.wait_message().get("id") == "m"


def test_nothing_behind_a_refused_bind_takes_place(
    server: Server, bob: Account, connect: Connect
) -> None:
    account = server.account("strict", server.hosts["strict"])
    with RawClient.login_as(bob) as peer, RawClient.login_as(account, "taken"):
        peer.send("<presence/>")
        peer.recv()
        client = authenticated(connect, account)
        client.open_stream(bind("taken") + ENABLE + message(bob.jid) + ping(account.domain))
        assert tag(client.recv()) == "features"
        refused = client.recv()
        assert refused.get("id") == "bind"
        assert condition(refused) == "conflict"
        failed = client.recv()
        assert failed.tag == f"{{{SM}}}failed"
        if Quirk.UNBOUND_UNANSWERED in server.quirks:
            assert condition(failed) == "not-authorized"
            nothing_comes(client)
        else:
            assert condition(failed) == "unexpected-request"
            for ident in ("m", "p"):
                error = client.recv()
                assert error.get("id") == ident
                assert condition(error) == "service-unavailable"
                assert error.find(f".//{{{STANZAS}}}service-unavailable") is not None
        # another resource may be asked for on the same stream
        client.send(bind("free") + ping(account.domain, "second"))
        assert until(client, "second")[0].get("type") == "result"
        assert peer.iq(PING).get("type") == "result"
        nothing_comes(peer)


# --- SASL2 --------------------------------------------------------------------------------------


@both_ways
def test_authenticate_goes_right_behind_the_header(prosody: Prosody, direct: bool) -> None:
    account = prosody.account("fay", prosody.hosts["sasl2"])
    with Sasl2Client(account) as first:
        first.open()
        token = first.scram(bind2(), REQUEST_TOKEN).token
    with Sasl2Client(account, direct=direct, device=first.device) as client:
        client.secure()
        client.open_stream(client.fast_xml(token or "", bind2()))
        assert client.recv().tag == f"{{{STREAMS}}}features"
        assert client.outcome().bound is not None
        client.send(message(account.domain) + ping(account.domain))
        assert client.recv().tag == f"{{{STREAMS}}}features"
        assert until(client, "p")[-1].get("type") == "result"


def test_the_password_by_sasl2_goes_right_behind_the_header(prosody: Prosody) -> None:
    account = prosody.account("fay", prosody.hosts["sasl2"])
    scram = Scram("SHA-256", account.local, account.password)
    with Sasl2Client(account) as client:
        client.secure()
        client.open_stream(client.authenticate_xml(scram.mechanism, scram.first, bind2()))
        assert client.recv().tag == f"{{{STREAMS}}}features"
        challenge = client.recv()
        assert challenge.tag == f"{{{SASL2}}}challenge"
        final = scram.final(base64.b64decode(challenge.text or ""))
        client.send(f"<response xmlns='{SASL2}'>{b64(final)}</response>")
        assert client.outcome().bound is not None


def test_authenticate_where_it_is_not_known_ends_the_stream(server: Server, alice: Account) -> None:
    with Sasl2Client(alice) as client:
        client.secure()
        client.open_stream(client.fast_xml("x", bind2()))
        assert client.recv().tag == f"{{{STREAMS}}}features"
        if Quirk.UNKNOWN_ELEMENT_ENDS_STREAM in server.quirks:
            with pytest.raises(StreamClosed, match="unsupported-stanza-type"):
                client.recv()
        else:
            # not a word; the stream is as good as before
            nothing_comes(client)
            client.send(plain(alice))
            assert tag(client.recv()) == "success"


# --- WebSocket and BOSH -------------------------------------------------------------------------


def test_over_websocket_nothing_has_to_wait_for_success(server: Server, alice: Account) -> None:
    nobody = f"nobody@{server.domain}"
    scram = Scram("SHA-256", alice.local, alice.password)
    with RawWebSocket(server.domain, server.websocket_url, server.ca_file) as client:
        client.secure()
        client.open_stream(auth(scram.mechanism, scram.first))
        assert tag(client.recv()) == "features"
        response = challenged(client, scram)
        rest = (client.header, bind(), ENABLE, message(nobody), REQUEST, ping(nobody))
        for element in (response, *rest):
            client.send(element)
        seen = until(client, "p")
    assert [tag(each) for each in seen[:5]] == ["success", "open", "features", "iq", "enabled"]
    assert [each.get("id") for each in seen if each.get("id") in ("m", "p")] == ["m", "p"]


def test_over_bosh_auth_goes_with_the_creation_of_the_session(
    server: Server, alice: Account
) -> None:
    with RawBosh(server.domain, server.bosh_url, server.ca_file, timeout=1) as client:
        client.secure()
        client.open_stream(plain(alice))
        assert [tag(client.recv()), tag(client.recv())] == ["features", "success"]
        # the parser of a body is not that of the stream, but only one server looks at the rest
        client.open_stream(bind() + ping(server.domain))
        assert tag(client.recv()) == "features"
        if Quirk.BOSH_RESTART_DROPS_PAYLOAD in server.quirks:
            nothing_comes(client)
            client.send(bind() + ping(server.domain))
        assert until(client, "p")[0].get("id") == "bind"


def test_over_bosh_the_end_of_the_stream_proves_nothing(server: Server, alice: Account) -> None:
    remove = "<query xmlns='jabber:iq:register'><remove/></query>"
    with RawBosh(server.domain, server.bosh_url, server.ca_file) as client:
        client.open()
        client.login(alice.local, alice.password)
        client.send(f"{bind()}<iq type='set' id='remove'>{remove}</iq>")
        if Quirk.BOSH_END_DROPS_ANSWERS in server.quirks:
            # neither the answer to the bind nor that to what was done behind it
            with pytest.raises(StreamClosed, match="not-authorized"):
                client.recv()
        else:
            assert client.recv().get("id") == "bind"
            assert client.recv().get("id") == "remove"
    with pytest.raises(PermissionError):
        RawClient.login_as(alice)


def test_over_bosh_a_message_that_was_not_acknowledged(
    server: Server, alice: Account, bob: Account
) -> None:
    with RawClient.login_as(bob) as peer:
        peer.send(message(alice.jid))
        peer.send(ping(alice.jid))
        until(peer, "p")
    with RawBosh(server.domain, server.bosh_url, server.ca_file) as client:
        client.open()
        client.login(alice.local, alice.password)
        client.bind()
        client.send(ENABLE + "<presence/>")
        assert client.wait_message().get("id") == "m"
    with RawClient.login_as(alice) as client:
        client.send("<presence/>")
        if Quirk.BOSH_UNACKED_LOST in server.quirks:
            with pytest.raises(TimeoutError):
                client.wait_message(2 * SILENCE)
        else:
            assert client.wait_message().get("id") == "m"


# --- the end ------------------------------------------------------------------------------------


def test_what_was_sent_before_the_end_takes_place(
    server: Server, alice: Account, bob: Account
) -> None:
    """Nobody waits for the answer, neither to the message nor to the end of the stream."""
    with RawClient.login_as(bob) as peer:
        peer.send("<presence/>")
        peer.recv()
        for ident in ("m1", "m2", "m3"):
            with RawClient.login_as(alice, direct=True) as client:
                client.send(message(bob.jid, ident))
            assert peer.wait_message().get("id") == ident


def test_the_end_in_the_same_write_as_a_request(server: Server, alice: Account) -> None:
    lost = 0
    for to in (server.domain, alice.jid, server.domain):
        with RawClient.login_as(alice, direct=True) as client:
            client.send(ping(to) + "</stream:stream>")
            try:
                assert client.recv().get("id") == "p"
            except StreamClosed:
                lost += 1
    assert (lost > 0) == (Quirk.FOOTER_DROPS_ANSWERS in server.quirks)


def test_the_end_behind_the_last_answer_is_answered(server: Server, alice: Account) -> None:
    with RawClient.login_as(alice, direct=True) as client:
        client.iq(PING)
        start = time.monotonic()
        client.send("</stream:stream>")
        with pytest.raises(StreamClosed, match="stream was closed"):
            client.recv()
        assert time.monotonic() - start < 5
