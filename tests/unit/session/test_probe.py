"""Connections that look at a server: what they send, what they verify, and their bounds."""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.servers.ca import Authority
from tests.servers.fake import FakeConnection, FakeServer
from tests.unit.session.streams import HEADER, Transport
from xmppctl.errors import ConnectError, TlsError
from xmppctl.session import probe
from xmppctl.session.probe import ANY_ISSUER, ANY_TIME, ProbeWire
from xmppctl.session.resolve import Target
from xmppctl.session.trace import Trace
from xmppctl.session.xml import parse


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is a coroutine, run to its end."""

    @functools.wraps(test)
    def run(*args: Any, **more: Any) -> None:
        asyncio.run(test(*args, **more))

    return run


def wire(*, server: bool = False) -> tuple[ProbeWire, Transport]:
    made, transport = ProbeWire(Trace(), "host:1", server=server), Transport()
    made.link.connection_made(transport)
    return made, transport


@pytest.mark.parametrize("side", ["client", "server"])
def test_the_stream_of_either_side(side: str) -> None:
    made, transport = wire(server=side == "server")
    assert not made.opened
    made.open("jabber:client")
    assert made.opened
    text = transport.text
    assert f"xmlns='jabber:{side}'" in text
    assert "to='jabber:client'" in text


@in_a_loop
async def test_bytes_that_are_no_xml_end_with_the_connection() -> None:
    made, transport = wire()
    exchange = asyncio.ensure_future(made.exchange(b"hello", lambda data: b"!" in data))
    await asyncio.sleep(0)
    assert transport.text == "hello"
    made.link.data_received(b"ab")
    made.link.connection_lost(None)
    assert await exchange == b"ab"


@in_a_loop
async def test_a_flood_is_cut() -> None:
    made, transport = wire()
    exchange = asyncio.ensure_future(made.exchange(b"hello", lambda data: False))
    await asyncio.sleep(0)
    for _ in range(20):
        made.link.data_received(bytes(10_000))
    assert transport.aborted
    made.link.connection_lost(None)
    assert len(await exchange) == 64 * 1024


@in_a_loop
async def test_a_refusal_of_tls() -> None:
    made, _ = wire()
    made.open("fake.test")
    made.link.data_received(HEADER.encode())
    failure = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
    asking = asyncio.ensure_future(probe.request_tls(made, 1))
    await asyncio.sleep(0)
    made.link.data_received(failure.encode())
    with pytest.raises(TlsError) as caught:
        await asking
    assert caught.value.condition == "starttls-failure"


def test_what_features_say_of_tls() -> None:
    def features(inside: str) -> object:
        ns = "urn:ietf:params:xml:ns:xmpp-tls"
        element = parse(f"<f><starttls xmlns='{ns}'>{inside}</starttls></f>")
        return probe.offers_tls(element), probe.requires_tls(element)

    assert features("<required/>") == (True, True)
    assert features("") == (True, False)
    assert not probe.offers_tls(parse("<f/>"))
    assert not probe.requires_tls(parse("<f><required xmlns='urn:x'/></f>"))


# --- with a server


async def silent(conn: FakeConnection) -> None:
    await conn.until_closed()


async def through(authority: Authority, server: FakeServer, passed_over: set[str]) -> ProbeWire:
    target = Target(*server.address, True, "connect")
    made = await probe.connect((target, socket.AF_INET, target.host), Trace(), 5)
    try:
        channel = probe.channel(authority.ca_file, "fake.test", "xmpp-client", passed_over)
        await made.start_tls(channel)
    finally:
        await made.close(None)
    return made


Make = Callable[[Authority, str], object]


@pytest.mark.parametrize(
    ("make", "passed_over", "code"),
    [
        (Authority.issue, set(), None),
        (Authority.wrong_name, set(), None),  # which is judged elsewhere
        (Authority.expired, set(), 10),
        (Authority.expired, {ANY_TIME}, None),
        (Authority.self_signed, set(), 18),
        (Authority.self_signed, {ANY_TIME}, 18),
        (Authority.self_signed, {ANY_ISSUER}, None),
        (Authority.untrusted, {ANY_ISSUER}, None),
    ],
)
@in_a_loop
async def test_what_is_verified(
    authority: Authority, make: Make, passed_over: set[str], code: int | None
) -> None:
    certificate = make(authority, "fake.test")
    with FakeServer("fake.test", certificate, silent, tls="direct") as server:  # type: ignore[arg-type]
        if code is None:
            made = await through(authority, server, passed_over)
            assert made.milliseconds > 0
            return
        with pytest.raises(ssl.SSLCertVerificationError) as caught:
            await through(authority, server, passed_over)
    assert caught.value.verify_code == code


@in_a_loop
async def test_nobody_listens() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        target = Target(*sock.getsockname(), False, "connect")
        with pytest.raises(ConnectError) as caught:
            await probe.connect((target, socket.AF_INET, target.host), Trace(), 5)
    assert caught.value.condition == "connection-refused"


def test_routes() -> None:
    assert probe.has_route("127.0.0.1")
    assert not probe.has_route("::ffff:300.1.1.1")


@pytest.mark.parametrize(
    ("side", "came", "foreign"),
    [
        ("client", "xmlns='jabber:client'", False),
        ("client", 'xmlns = "jabber:server"', True),
        ("server", "xmlns='jabber:server'", False),
        ("server", "xmlns='jabber:client'", True),
        ("client", "xmlns='jabber:component:accept'", None),
        ("client", "", None),
    ],
)
def test_whose_stream_it_is(side: str, came: str, foreign: bool | None) -> None:
    made, _ = wire(server=side == "server")
    made.open("fake.test")
    assert made.is_foreign is None
    made.link.data_received(b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams' ")
    made.link.data_received(f"{came} version='1.0'>".encode())
    assert made.is_foreign is foreign
    made.open("fake.test")
    assert made.is_foreign is None


def test_a_stream_that_is_refused_for_its_kind() -> None:
    made, _ = wire()
    made.open("fake.test")
    error = "<invalid-namespace xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
    made.link.data_received(f"{HEADER}<stream:error>{error}</stream:error>".encode())
    assert made.is_foreign
