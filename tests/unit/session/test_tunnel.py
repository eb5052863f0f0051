"""HTTP CONNECT and SOCKS5 without a network: what is sent, what is read, what is refused."""

from __future__ import annotations

import asyncio
import base64
import socket
import threading
from typing import Any

import pytest

from tests.servers.ca import Authority
from tests.servers.proxies import ProxyServer
from xmppctl.errors import ConnectError
from xmppctl.session import tunnel
from xmppctl.session.proxy import Proxy
from xmppctl.session.tunnel import Steps, connect, socks5, through

HTTP = Proxy("http", "p.example", 3128, "all_proxy")
SOCKS = Proxy("socks5h", "p.example", 1080, "all_proxy")
LOGIN = {"user": "mé", "password": "p:w"}


def drive(steps: Steps, answers: bytes, *, piece: int = 1000) -> tuple[bytes, bytes]:
    """Both sides of a conversation: what was sent, and what of ``answers`` was left unread.

    At most ``piece`` bytes arrive at once.
    """
    sent = b""
    try:
        out, most = next(steps)
        while True:
            sent += out
            data, answers = answers[: min(most, piece)], answers[min(most, piece) :]
            out, most = steps.send(data)
    except StopIteration:
        return sent, answers


def test_http() -> None:
    answer = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"
    for piece in (1, 7, 1000):
        sent, left = drive(connect(HTTP, "host.example", 5222), answer, piece=piece)
        assert left == b""
    assert sent == (
        b"CONNECT host.example:5222 HTTP/1.1\r\nHost: host.example:5222\r\n"
        b"User-Agent: xmppctl\r\n\r\n"
    )


def test_http_with_a_password_and_an_ipv6_address() -> None:
    proxy = Proxy("http", "p.example", 3128, "all_proxy", **LOGIN)
    sent, _ = drive(connect(proxy, "2001:db8::1", 443), b"HTTP/1.0 200\r\n\r\n")
    login = base64.b64encode("mé:p:w".encode())
    assert sent.startswith(b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n")
    assert b"\r\nProxy-Authorization: Basic " + login + b"\r\n" in sent


@pytest.mark.parametrize(
    ("answer", "condition"),
    [
        (b"", "connection-closed"),
        (b"HTTP/1.1 200 OK\r\n", "malformed-answer"),
        (b"HTTP/1.1 200 OK\r\n\r\nx", "malformed-answer"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000 + b"\r\n", "malformed-answer"),
        (b"HTTP/2 200\r\n\r\n", "malformed-answer"),
        (b"220 smtp.example\r\n", "malformed-answer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "proxy-failed"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere\r\n\r\n", "proxy-failed"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "forbidden"),
        (b"HTTP/1.1 407 Who?\r\n\r\n", "proxy-authentication-required"),
        (b"HTTP/1.1 503 Later\r\nContent-Length: 1\r\n\r\nx", "proxy-failed"),
    ],
)
def test_http_that_fails(answer: bytes, condition: str) -> None:
    with pytest.raises(ConnectError) as caught:
        drive(connect(HTTP, "host.example", 5222), answer)
    assert (caught.value.step, caught.value.condition) == ("proxy", condition)
    assert "http://p.example:3128" in caught.value.text


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("host.example", b"\x03\x0chost.example"),
        ("192.0.2.1", b"\x01\xc0\x00\x02\x01"),
        ("2001:db8::1", b"\x04\x20\x01\x0d\xb8" + bytes(11) + b"\x01"),
    ],
)
def test_socks(host: str, address: bytes) -> None:
    for bound in (b"\x01\x00\x00\x00\x00", b"\x04" + bytes(16), b"\x03\x03abc"):
        answer = b"\x05\x00" + b"\x05\x00\x00" + bound + b"\x00\x00"
        for piece in (1, 1000):
            sent, left = drive(socks5(SOCKS, host, 5222), answer + b"next", piece=piece)
            assert sent == b"\x05\x01\x00" + b"\x05\x01\x00" + address + b"\x14\x66"
            assert left == b"next"


def test_socks_with_a_password() -> None:
    proxy = Proxy("socks5h", "p.example", 1080, "all_proxy", **LOGIN)
    tail = b"\x05\x00\x00\x01" + bytes(6)
    sent, _ = drive(socks5(proxy, "h", 1), b"\x05\x02\x01\x00" + tail)
    assert sent.startswith(b"\x05\x02\x00\x02" + b"\x01\x03m\xc3\xa9\x03p:w" + b"\x05\x01\x00")
    # one that does not want it does not get it
    sent, _ = drive(socks5(proxy, "h", 1), b"\x05\x00" + tail)
    assert b"p:w" not in sent


@pytest.mark.parametrize(
    ("answer", "condition"),
    [
        (b"", "connection-closed"),
        (b"\x05", "connection-closed"),
        (b"\x04\x00", "malformed-answer"),
        (b"HT", "malformed-answer"),
        (b"\x05\x01", "malformed-answer"),
        (b"\x05\x02", "malformed-answer"),  # by password, which was not offered
        (b"\x05\xff", "proxy-authentication-required"),
        (b"\x05\x00\x04\x00\x00\x01", "malformed-answer"),
        (b"\x05\x00\x05\x00\x00\x01\x00", "connection-closed"),
        (b"\x05\x00\x05\x01\x00\x01", "proxy-failed"),
        (b"\x05\x00\x05\x02\x00\x01", "forbidden"),
        (b"\x05\x00\x05\x03\x00\x01", "unreachable"),
        (b"\x05\x00\x05\x04\x00\x01", "unreachable"),
        (b"\x05\x00\x05\x05\x00\x01", "connection-refused"),
        (b"\x05\x00\x05\x99\x00\x01", "proxy-failed"),
    ],
)
def test_socks_that_fails(answer: bytes, condition: str) -> None:
    with pytest.raises(ConnectError) as caught:
        drive(socks5(SOCKS, "host.example", 5222), answer)
    assert (caught.value.step, caught.value.condition) == ("proxy", condition)
    assert "socks5h://p.example:1080" in caught.value.text


def test_socks_and_a_name_that_is_too_long() -> None:
    with pytest.raises(ConnectError, match="too long"):
        drive(socks5(SOCKS, "x" * 256, 5222), b"\x05\x00")


# --- the pair of sockets in front of a proxy with TLS


def test_the_last_words_leave_although_the_run_ends(
    monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    words = b"x" * 50_000
    writers: list[asyncio.StreamWriter] = []
    real = asyncio.open_connection

    async def remembering(*args: Any, **more: Any) -> Any:
        reader, writer = await real(*args, **more)
        writers.append(writer)
        return reader, writer

    async def run(proxy: Proxy) -> None:
        sock = await through(proxy, "host.example", 5222)
        for _ in range(3):  # now the relay waits for both sides
            await asyncio.sleep(0)
        (relay,) = tunnel._relays
        sock.send(words)
        sock.close()  # and the relay has had no turn since
        relay.cancel()
        await asyncio.wait([relay])
        await asyncio.wait_for(writers[0].wait_closed(), 10)

    def sink() -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as stream:
            received.append(stream.read())

    received: list[bytes] = []
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    monkeypatch.setattr(asyncio, "open_connection", remembering)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=sink, daemon=True)
        thread.start()
        place = listening.getsockname()
        with ProxyServer(
            "http",
            certificate=authority.issue("proxy.test"),
            places={("host.example", 5222): place},
        ) as server:
            asyncio.run(run(Proxy("https", *server.address, "all_proxy")))
            thread.join(10)
    assert received == [words]
