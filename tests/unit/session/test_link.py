"""A connection of the event loop, in clear and under TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable

import pytest

from tests.servers.ca import Authority, Certificate
from tests.unit.session.streams import Transport
from tests.unit.session.test_tlschannel import Peer, client
from xmppctl.session.link import Link
from xmppctl.session.tlschannel import TlsChannel

NAME = "example.org"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Certificate:
    return authority.issue(NAME)


class Watched:
    """A link on a transport that keeps everything, and what it told."""

    def __init__(self) -> None:
        self.data = b""
        self.ends: list[Exception | None] = []
        self.link = Link(self._came, self.ends.append)
        self.transport = Transport()
        self.link.connection_made(self.transport)

    def _came(self, data: bytes) -> None:
        self.data += data

    def written(self) -> bytes:
        data, self.transport.written = self.transport.written, b""
        return data

    async def secured(
        self, ca_file: str, peer: Peer, *, behind: bytes = b"", name: str = NAME
    ) -> None:
        """TLS with ``peer``, which says ``behind`` in one piece with the end of its handshake."""
        context = ssl.create_default_context(cafile=ca_file)
        task = asyncio.ensure_future(self.link.start_tls(TlsChannel(context, name)))
        await asyncio.sleep(0)
        assert self.link.ssl_object is None, "not before the end of the handshake"
        peer.hear(self.written())
        peer.shake()
        self.link.data_received(peer.pending())
        await asyncio.sleep(0)
        peer.hear(self.written())
        if not task.done() or task.exception() is None:
            peer.shake()
        if not task.done():
            self.link.data_received(peer.pending() + (peer.say(behind) if behind else b""))
        await task


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await scenario()

    asyncio.run(main())


# --- in clear -----------------------------------------------------------------------------------


def test_in_clear() -> None:
    async def scenario() -> None:
        watched = Watched()
        watched.link.data_received(b"hello")
        watched.link.write(b"hi")
        assert (watched.data, watched.written()) == (b"hello", b"hi")
        assert watched.link.ssl_object is None

    run(scenario)


@pytest.mark.parametrize("error", [None, ConnectionResetError(104, "reset")])
def test_the_end_is_told_once(error: Exception | None) -> None:
    async def scenario() -> None:
        watched = Watched()
        watched.link.connection_lost(error)
        watched.link.connection_lost(ConnectionAbortedError())
        watched.link.eof_received()
        watched.link.data_received(b"late")
        watched.link.write(b"late")
        assert watched.ends == [error]
        assert watched.data == watched.written() == b""
        assert watched.link.lost.is_set()

    run(scenario)


def test_the_peer_closes_its_side() -> None:
    async def scenario() -> None:
        watched = Watched()
        assert watched.link.eof_received() is False
        assert watched.ends == [None]

    run(scenario)


def test_the_own_close_is_no_end_to_tell() -> None:
    async def scenario() -> None:
        watched = Watched()
        watched.link.close()
        watched.link.close()
        watched.link.connection_lost(None)
        assert watched.transport.closed
        assert watched.ends == []

    run(scenario)


def test_before_there_is_a_connection() -> None:
    async def scenario() -> None:
        link = Link(lambda data: None, lambda error: None)
        link.write(b"x")
        link.close()
        link.abort()
        assert link.unsent() == 0

    run(scenario)


# --- under TLS ----------------------------------------------------------------------------------


def test_tls_and_what_comes_in_one_piece_with_its_beginning(
    authority: Authority, certificate: Certificate
) -> None:
    async def scenario() -> None:
        watched = Watched()
        context = certificate.server_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        peer = Peer(context)
        await watched.secured(str(authority.ca_file), peer, behind=b"<early/>")
        assert watched.data == b"<early/>"
        assert watched.link.ssl_object is not None
        watched.link.write(b"hello")
        sent = watched.written()
        assert b"hello" not in sent
        peer.hear(sent)
        assert peer.read() == b"hello"

    run(scenario)


def test_close_notify(authority: Authority, certificate: Certificate) -> None:
    async def scenario() -> None:
        watched = Watched()
        peer = Peer(certificate.server_context())
        await watched.secured(str(authority.ca_file), peer)
        watched.link.data_received(peer.pending() + peer.say(b"bye") + peer.close())
        assert watched.data == b"bye"
        assert watched.ends == [None]
        watched.link.eof_received()
        assert watched.ends == [None]

    run(scenario)


def test_the_own_close_notify(authority: Authority, certificate: Certificate) -> None:
    async def scenario() -> None:
        watched = Watched()
        peer = Peer(certificate.server_context())
        await watched.secured(str(authority.ca_file), peer)
        watched.link.write(b"</stream:stream>")
        watched.link.close()
        peer.hear(watched.written())
        assert peer.read() == b"</stream:stream>"
        assert peer.object.read(10) == b"", "an end, not a cut"
        assert watched.transport.closed

    run(scenario)


def test_a_cut_under_tls(authority: Authority, certificate: Certificate) -> None:
    async def scenario() -> None:
        watched = Watched()
        peer = Peer(certificate.server_context())
        await watched.secured(str(authority.ca_file), peer)
        watched.link.data_received(peer.say(b"half a record")[:-3])
        watched.link.eof_received()
        assert watched.data == b""
        assert watched.ends == [None]

    run(scenario)


def test_an_alert_is_the_end(authority: Authority, certificate: Certificate) -> None:
    async def scenario() -> None:
        watched = Watched()
        peer = Peer(certificate.server_context())
        await watched.secured(str(authority.ca_file), peer)
        watched.link.data_received(b"no record at all")
        (error,) = watched.ends
        assert isinstance(error, ssl.SSLError)
        watched.link.write(b"behind the end")
        assert b"behind the end" not in watched.written()

    run(scenario)


def test_a_handshake_that_fails_sends_its_alert(
    authority: Authority, certificate: Certificate
) -> None:
    async def scenario() -> None:
        watched = Watched()
        peer = Peer(certificate.server_context())
        with pytest.raises(ssl.SSLCertVerificationError):
            await watched.secured(str(authority.ca_file), peer, name="another.test")
        assert watched.ends == [], "whoever waits for the handshake has been told"
        with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
            peer.object.do_handshake()

    run(scenario)


@pytest.mark.parametrize("error", [None, ConnectionResetError(104, "reset")])
def test_a_connection_that_ends_in_the_handshake(
    authority: Authority, error: Exception | None
) -> None:
    async def scenario() -> None:
        watched = Watched()
        context = ssl.create_default_context(cafile=authority.ca_file)
        task = asyncio.ensure_future(watched.link.start_tls(TlsChannel(context, NAME)))
        await asyncio.sleep(0)
        watched.link.connection_lost(error)
        with pytest.raises(ConnectionError):
            await task

    run(scenario)


# --- a connection that was made elsewhere -------------------------------------------------------


def test_tls_that_was_begun_elsewhere_goes_on(
    authority: Authority, certificate: Certificate
) -> None:
    async def scenario() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        channel, peer = client(authority.ca_file), Peer(certificate.server_context())
        shaken(channel, peer)
        channel.receive(peer.pending())
        # it came before the loop had the socket: in the same read as the end of the handshake
        channel._incoming.write(peer.say(b"early "))
        came = asyncio.Event()
        data = bytearray()
        expected = b"early late"

        def on_data(piece: bytes) -> None:
            data.extend(piece)
            if len(data) == len(expected):
                came.set()

        link = Link(on_data, lambda error: None)
        try:
            await link.connect(ours)
            await link.start_tls(channel)
            assert bytes(data) == b"early "
            theirs.sendall(peer.say(b"late"))
            await asyncio.wait_for(came.wait(), 5)
            assert bytes(data) == expected
            link.write(b"answer")
            peer.hear(theirs.recv(65536))
            assert peer.read() == b"answer"
        finally:
            link.close()
            theirs.close()
            await asyncio.wait_for(link.lost.wait(), 5)

    run(scenario)


def shaken(channel: TlsChannel, peer: Peer) -> None:
    channel.handshake()
    peer.hear(channel.pending())
    peer.shake()
    assert channel.handshake(peer.pending())
    peer.hear(channel.pending())
    peer.shake()


def test_a_socket_that_is_none_is_closed() -> None:
    async def scenario() -> None:
        closed = socket.socket()
        closed.setblocking(False)
        closed.close()
        with pytest.raises((OSError, ValueError)):
            await Link(lambda data: None, lambda error: None).connect(closed)

    run(scenario)
