"""STUN and TURN: the vectors of RFC 5769, and a server that does what it should, or not."""

import asyncio
import errno
import socket
import struct
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.ca import Authority
from tests.servers.listen import Listener
from tests.servers.loop import LoopThread
from tests.servers.stun import StunServer
from tests.unit.session.streams import account
from xmppctl.errors import ConnectError, DeadlineError, RefusedError, TlsError
from xmppctl.session import stun, stunmessage
from xmppctl.session.stun import Place, StunError

LONG_TERM = bytes.fromhex(
    "000100602112a44278ad3433c6ad72c029da412e"
    "00060012e3839ee38388e383aae38383e382afe382b90000"
    "0015001c662f2f3439396b393534643 64f4c33346f4c39465354767936347341".replace(" ", "")
    + "0014000b6578616d706c652e6f726700"
    "00080014f67024656dd64a3e02b8e0712e85c9a28ca89666"
)  # RFC 5769 §2.4
RESPONSE = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)  # §2.2
RESPONSE_6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c"
)  # §2.3
NAME = "\u30de\u30c8\u30ea\u30c3\u30af\u30b9"


# --- messages


def test_the_request_of_rfc_5769_byte_for_byte():
    key = stunmessage.key_of(NAME, b"example.org", "TheMatrIX")
    made = stunmessage.encode(
        stunmessage.BINDING,
        bytes.fromhex("78ad3433c6ad72c029da412e"),
        [
            (stunmessage.USERNAME, NAME.encode()),
            (stunmessage.NONCE, b"f//499k954d6OL34oL9FSTvy64sA"),
            (stunmessage.REALM, b"example.org"),
        ],
        key,
    )
    assert made == LONG_TERM
    assert stunmessage.is_intact(stunmessage.decode(made), key)
    assert not stunmessage.is_intact(stunmessage.decode(made), bytes(16))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (RESPONSE, ("192.0.2.1", 32853)),
        (RESPONSE_6, ("2001:db8:1234:5678:11:2233:4455:6677", 32853)),
    ],
)
def test_the_responses_of_rfc_5769(data, expected):
    message = stunmessage.decode(data)
    assert (message.method, message.kind) == (stunmessage.BINDING, stunmessage.SUCCESS)
    assert stunmessage.address(message, stunmessage.XOR_MAPPED_ADDRESS) == expected
    # what stands behind MESSAGE-INTEGRITY is not protected by it
    assert stunmessage.is_intact(message, b"VOkJxbRl1RmTxUk/WvJxBt")
    changed = data[:30] + b"X" + data[31:]
    assert not stunmessage.is_intact(stunmessage.decode(changed), b"VOkJxbRl1RmTxUk/WvJxBt")


def test_an_answer_without_signature_is_not_intact():
    assert not stunmessage.is_intact(
        stunmessage.decode(stunmessage.encode(stunmessage.BINDING, bytes(12))), bytes(16)
    )


@pytest.mark.parametrize(
    "data",
    [
        b"", b"HTTP/1.1 400 Bad Request", RESPONSE[:-1], RESPONSE + bytes(4), RESPONSE[:19],
        RESPONSE[:4] + bytes(4) + RESPONSE[8:],
        b"\x80" + RESPONSE[1:],
        stunmessage.encode(1, bytes(12))[:2] + b"\0\4" + RESPONSE[4:20] + b"\0\6\0\xff",
    ],
)  # fmt: skip
def test_what_is_no_message(data):
    with pytest.raises(ValueError, match=r"STUN|cut off"):
        stunmessage.decode(data)


@pytest.mark.parametrize(
    "value", [b"", bytes(7), b"\0\3" + bytes(6), b"\0\1" + bytes(18), b"\0\2" + bytes(6)]
)
def test_addresses_that_are_none(value):
    data = stunmessage.encode(1, bytes(12), [(stunmessage.XOR_MAPPED_ADDRESS, value)])
    assert stunmessage.address(stunmessage.decode(data), stunmessage.XOR_MAPPED_ADDRESS) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"\0\0\4\x01Unauthorized", (401, "Unauthorized")),
        (b"\0\0\5\x08\xff", (508, "\ufffd")),
        (b"\0\0\2\x01", (0, "")), (b"\0\0\4\x64", (0, "")), (b"", (0, "")),
    ],
)  # fmt: skip
def test_errors(value, expected):
    data = stunmessage.encode(1, bytes(12), [(stunmessage.ERROR_CODE, value)])
    assert stunmessage.error_of(stunmessage.decode(data)) == expected


@given(st.binary(max_size=80), st.integers(0, 0xFFFF))
def test_whatever_comes_is_a_message_or_none(body, kind):
    body = body[: len(body) // 4 * 4]
    for data in (body, struct.pack("!HHI", kind, len(body), stunmessage.COOKIE) + bytes(12) + body):
        try:
            message = stunmessage.decode(data)
        except ValueError:
            continue
        stunmessage.is_intact(message, b"key")
        stunmessage.error_of(message)
        for wanted in (stunmessage.MAPPED_ADDRESS, stunmessage.XOR_MAPPED_ADDRESS):
            stunmessage.address(message, wanted)


def test_places_are_uris():
    assert str(Place("turns", "2001:db8::1", 5349, "tcp")) == (
        "turns:[2001:db8::1]:5349?transport=tcp"
    )


# --- servers


@pytest.fixture
def serve():
    with ExitStack() as stack:
        yield lambda *behaviour, **more: stack.enter_context(StunServer(*behaviour, **more))


def at(server, kind="stun", transport="udp", host=None):
    return Place(kind, host or server.address[0], server.port, transport)


def bind(place, limit=5.0, **more):
    return asyncio.run(stun.binding(account(**more), place, limit))


def allocate(place, credentials, limit=5.0):
    return asyncio.run(stun.allocate(account(), place, credentials, limit))


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_binding_request(serve, transport):
    found = bind(at(serve(), transport=transport))
    assert found.mapped is not None
    host, port = found.mapped
    assert host == "127.0.0.1"
    assert port > 0
    assert 0 < found.seconds < 5


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("behaviour", ["healthy", "stale"])
def test_a_relay_is_given_and_given_back(serve, transport, behaviour):
    there = serve(behaviour)
    found = allocate(at(there, "turn", transport), there.credentials())
    assert (found.open, found.relayed) == (False, ("127.0.0.1", 49152))
    assert there.asked[-1] == 0x004
    assert not there.relays


@pytest.mark.parametrize("credentials", [None, ("1:ended", "x"), ("9999999999:x", "wrong")])
def test_credentials_that_are_not_taken(serve, credentials):
    there = serve()
    with pytest.raises(StunError, match="401") as raised:
        allocate(at(there, "turn"), credentials)
    assert (raised.value.number, raised.value.condition) == (401, "401")
    # what was refused is not tried again
    assert there.asked.count(0x003) == (1 if credentials is None else 2)


def test_relays_for_anybody(serve):
    there = serve("open")
    assert allocate(at(there, "turn"), None).open
    assert not there.relays


def test_no_relays_left(serve):
    there = serve("full")
    with pytest.raises(StunError) as raised:
        allocate(at(there, "turn"), there.credentials())
    assert raised.value.number == 486


def test_an_answer_that_somebody_else_signed_is_none(serve):
    there = serve("forged")
    with pytest.raises(DeadlineError):
        allocate(at(there, "turn"), there.credentials(), limit=0.4)


@pytest.mark.parametrize(("behaviour", "transport"), [("silent", "udp"), ("silent", "tcp"),
                                                      ("garbage", "udp")])  # fmt: skip
def test_silence(serve, behaviour, transport):
    with pytest.raises(DeadlineError, match=r"silent for 0\.3 s"):
        bind(at(serve(behaviour), transport=transport), limit=0.3)


def test_a_datagram_that_is_lost_is_sent_again(serve):
    there = serve("silent")

    async def late():
        task = asyncio.ensure_future(stun.binding(account(), at(there), 5))
        while not there.asked:
            await asyncio.sleep(0.01)
        there.behaviour = "healthy"
        return await task

    assert asyncio.run(late()).seconds > 0.3


def test_another_protocol_over_tcp(serve):
    with pytest.raises(RefusedError, match="does not speak STUN") as raised:
        bind(at(serve("garbage"), transport="tcp"))
    assert raised.value.condition == "malformed-answer"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_nobody_listens(serve, transport):
    with StunServer() as gone:
        place = at(gone, transport=transport)
    with pytest.raises(ConnectError, match="nobody listens") as raised:
        bind(place)
    assert raised.value.condition == "connection-refused"


def test_a_host_that_does_not_exist():
    with pytest.raises(ConnectError, match=r"nosuch\.invalid"):
        bind(Place("stun", "nosuch.invalid", 3478, "udp"))


def test_an_address_that_this_machine_has_no_network_for(monkeypatch, serve):
    there = serve()

    async def addresses(host, **more):
        return [(socket.AF_INET6, "2001:db8::1"), (socket.AF_INET, "127.0.0.1")]

    async def refuse(loop, *args, remote_addr, **more):
        if ":" in remote_addr[0]:
            raise OSError(errno.ENETUNREACH, "no way")
        return await real(loop, *args, remote_addr=remote_addr, **more)

    loop_class = asyncio.SelectorEventLoop
    real = loop_class.create_datagram_endpoint
    monkeypatch.setattr(stun.resolve, "addresses", addresses)
    monkeypatch.setattr(loop_class, "create_datagram_endpoint", refuse)
    assert bind(at(there)).mapped
    with pytest.raises(ConnectError, match="nobody listens"):
        bind(Place("stun", "host.test", 1, "udp"))
    monkeypatch.setattr(stun, "_MOST_ADDRESSES", 1)
    with pytest.raises(ConnectError, match="network is unreachable") as raised:
        bind(at(there))
    assert raised.value.condition == stun.UNREACHABLE


def test_no_tls_behind_turns(serve):
    with pytest.raises((TlsError, ConnectError, DeadlineError)):
        bind(at(serve(), "stuns", "tcp"), limit=0.5)


def test_words_that_are_too_long():
    message = stunmessage.decode(
        stunmessage.encode(3, bytes(12), [
            (stunmessage.REALM, b"x" * 800), (stunmessage.NONCE, b"n"),
        ])
    )  # fmt: skip
    with pytest.raises(RefusedError, match="longer than allowed"):
        stun._signature(Place("turn", "h", 1, "udp"), message, "a", "b")
    no_nonce = stunmessage.decode(stunmessage.encode(3, bytes(12), [(stunmessage.REALM, b"x")]))
    with pytest.raises(RefusedError, match="names no realm and nonce"):
        stun._signature(Place("turn", "h", 1, "udp"), no_nonce, "a", "b")


def test_over_tls(tmp_path):
    authority = Authority(tmp_path)
    certificate = authority.issue("turn.test")

    async def answer(reader, writer):
        head = await reader.readexactly(20)
        # MAPPED-ADDRESS, as servers of RFC 3489 have it
        told = [(0x8022, b"x"), (0x0001, b"\0\1\0\x07\x7f\0\0\1")]
        writer.write(StunServer._message(0x101, head[8:], told))
        await reader.read()
        writer.transport.abort()

    loop = LoopThread("stuns")
    try:
        listener = Listener(answer, certificate.server_context())
        loop.spawn(listener.accept())
        place = Place("stuns", *listener.address, "tcp")
        assert bind(place, ca_file=authority.ca_file).mapped == ("127.0.0.1", 7)
        with pytest.raises(TlsError):
            bind(place)
    finally:
        loop.stop()
