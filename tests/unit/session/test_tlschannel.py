"""TLS without a socket: what goes in, what comes out, and how it ends, at both sides of memory."""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path

import pytest

from tests.servers.ca import Authority, Certificate
from xmppctl.session.tlschannel import TlsChannel

NAME = "example.org"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Certificate:
    return authority.issue(NAME)


class Peer:
    """The server's side."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def hear(self, data: bytes) -> None:
        self._incoming.write(data)

    def shake(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            self.object.do_handshake()

    def say(self, data: bytes) -> bytes:
        """``data`` as records."""
        view = memoryview(data)
        while view:
            view = view[self.object.write(view) :]
        return self._outgoing.read()

    def pending(self) -> bytes:
        return self._outgoing.read()

    def read(self) -> bytes:
        """All that came in, in clear."""
        pieces = []
        try:
            while piece := self.object.read(65536):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            pass
        return b"".join(pieces)

    def close(self) -> bytes:
        """The closing alert."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.object.unwrap()
        return self._outgoing.read()


def client(ca_file: Path, name: str = NAME) -> TlsChannel:
    return TlsChannel(ssl.create_default_context(cafile=ca_file), name)


def pair(
    authority: Authority, certificate: Certificate, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> tuple[TlsChannel, Peer]:
    """Both sides behind the handshake; what the server says at its end is not delivered yet."""
    context = certificate.server_context()
    context.maximum_version = version
    channel, peer = client(authority.ca_file), Peer(context)
    over = channel.handshake()
    while not over:
        peer.hear(channel.pending())
        peer.shake()
        over = channel.handshake(peer.pending())
    peer.hear(channel.pending())
    peer.shake()
    return channel, peer


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_directions(
    authority: Authority, certificate: Certificate, version: ssl.TLSVersion
) -> None:
    channel, peer = pair(authority, certificate, version)
    channel.receive(peer.pending())
    assert channel.object.version() == version.name.replace("v1_", "v1.")
    assert channel.receive(peer.say(b"hello")) == b"hello"
    channel.send(b"who ")
    channel.send(b"is there?")
    peer.hear(channel.pending())
    assert peer.read() == b"who is there?"
    assert not channel.ended


@pytest.mark.parametrize(
    ("version", "flights"), [(ssl.TLSVersion.TLSv1_2, 2), (ssl.TLSVersion.TLSv1_3, 1)]
)
def test_how_often_the_handshake_waits(
    authority: Authority, certificate: Certificate, version: ssl.TLSVersion, flights: int
) -> None:
    assert pair(authority, certificate, version)[0].flights == flights


def test_a_handshake_in_single_bytes(authority: Authority, certificate: Certificate) -> None:
    channel, peer = client(authority.ca_file), Peer(certificate.server_context())
    assert channel.handshake() is False
    peer.hear(channel.pending())
    peer.shake()
    answer = peer.pending()
    states = [channel.handshake(answer[at : at + 1]) for at in range(len(answer))]
    assert states == [False] * (len(answer) - 1) + [True]
    assert channel.established
    assert channel.flights == 1


def test_tickets_say_nothing(authority: Authority, certificate: Certificate) -> None:
    channel, peer = pair(authority, certificate)
    tickets = peer.pending()
    assert tickets, "TLS 1.3 sends them behind the handshake"
    assert channel.receive(tickets) == b""
    assert not channel.ended


def test_what_comes_with_the_end_of_the_handshake_is_not_lost(
    authority: Authority, certificate: Certificate
) -> None:
    context = certificate.server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    channel, peer = client(authority.ca_file), Peer(context)
    channel.handshake()
    peer.hear(channel.pending())
    peer.shake()
    channel.handshake(peer.pending())
    peer.hear(channel.pending())
    peer.shake()
    assert channel.handshake(peer.pending() + peer.say(b"early")) is True
    assert channel.receive() == b"early"


def test_pieces_of_records(authority: Authority, certificate: Certificate) -> None:
    channel, peer = pair(authority, certificate)
    channel.receive(peer.pending())
    text = bytes(range(256)) * 4096
    record = peer.say(text)
    middle = len(record) // 2 + 7
    first, second = channel.receive(record[:middle]), channel.receive(record[middle:])
    assert first
    assert first + second == text
    channel.send(text)
    peer.hear(channel.pending())
    assert peer.read() == text


def test_the_peer_closes(authority: Authority, certificate: Certificate) -> None:
    channel, peer = pair(authority, certificate)
    channel.receive(peer.pending())
    assert channel.receive(peer.say(b"bye") + peer.close()) == b"bye"
    assert channel.ended


def test_the_own_close(authority: Authority, certificate: Certificate) -> None:
    channel, peer = pair(authority, certificate)
    channel.receive(peer.pending())
    channel.send(b"bye")
    channel.close()
    channel.close()
    peer.hear(channel.pending())
    assert peer.object.read(100) == b"bye"
    assert peer.object.read(100) == b"", "an end, not a cut"


@pytest.mark.parametrize("how", ["flipped", "not TLS"])
def test_what_somebody_changed_on_the_way(
    authority: Authority, certificate: Certificate, how: str
) -> None:
    channel, peer = pair(authority, certificate)
    channel.receive(peer.pending())
    record = bytearray(peer.say(b"hello"))
    if how == "flipped":
        record[-1] ^= 1
    with pytest.raises(ssl.SSLError):
        channel.receive(bytes(record) if how == "flipped" else b"<stream:error/>")
    assert channel.pending(), "the peer is told"


def test_a_certificate_that_is_not_the_servers(
    authority: Authority, certificate: Certificate
) -> None:
    channel, peer = client(authority.ca_file, "another.test"), Peer(certificate.server_context())
    channel.handshake()
    peer.hear(channel.pending())
    peer.shake()
    with pytest.raises(ssl.SSLCertVerificationError):
        channel.handshake(peer.pending())
    assert not channel.established
    peer.hear(channel.pending())
    with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
        peer.object.do_handshake()


def test_a_client_certificate_that_is_wanted(
    authority: Authority, certificate: Certificate
) -> None:
    """Under TLS 1.3 the refusal comes behind a handshake that is over for the client."""
    context = certificate.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    channel, peer = client(authority.ca_file), Peer(context)
    channel.handshake()
    peer.hear(channel.pending())
    peer.shake()
    assert channel.handshake(peer.pending()) is True
    peer.hear(channel.pending())
    with pytest.raises(ssl.SSLError):
        peer.object.do_handshake()
    with pytest.raises(ssl.SSLError) as caught:
        channel.receive(peer.pending())
    assert caught.value.reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED"


class Renegotiating:
    """A TLS object that wants to read before it writes, once."""

    def __init__(self) -> None:
        self.asked = False
        self.written: list[bytes] = []

    def write(self, data: bytes) -> int:
        if not self.asked:
            self.asked = True
            raise ssl.SSLWantReadError
        self.written.append(data)
        return len(data)

    def read(self, size: int) -> bytes:
        raise ssl.SSLWantReadError


def test_what_has_to_wait_goes_out_in_order(authority: Authority) -> None:
    channel = client(authority.ca_file)
    renegotiating = Renegotiating()
    channel.object = renegotiating  # type: ignore[assignment]
    channel.send(b"one")
    assert renegotiating.written == []
    assert channel.receive(b"") == b""
    channel.send(b"two")
    assert renegotiating.written == [b"one", b"two"]
