"""ClientHello messages made by hand, as OpenSSL takes them; answers, also hostile ones."""

from __future__ import annotations

import ssl
import warnings
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.ca import Authority
from xmppctl.session.probehello import (
    BROKEN,
    COMMON,
    SSL3,
    TLS11,
    TLS12,
    TLS13,
    Answer,
    hello,
    kind_of,
    read,
)


def asked(context: ssl.SSLContext, message: bytes) -> bytes:
    """What a server of OpenSSL answers to a hello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(message)
    with suppress(ssl.SSLError):
        server.do_handshake()
    return outgoing.read()


def context(
    authority: Authority, oldest: ssl.TLSVersion, newest: ssl.TLSVersion, ciphers: str = ""
) -> ssl.SSLContext:
    made = authority.issue("fake.test").server_context()
    if ciphers:
        made.set_ciphers(ciphers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version, made.maximum_version = oldest, newest
    return made


V = ssl.TLSVersion


def test_a_server_of_today_takes_1_2_and_refuses_1_1(authority: Authority) -> None:
    server = context(authority, V.TLSv1_2, V.TLSv1_3)
    message = hello(TLS12, COMMON, name="fake.test", alpn="xmpp-client")
    answer = read(asked(server, message))
    assert answer is not None and (answer.version, answer.refusal) == (TLS12, None)
    assert answer.suite in COMMON
    assert read(asked(server, hello(TLS11, COMMON))) == Answer(refusal="protocol version")


def test_a_server_that_stopped_at_1_1(authority: Authority) -> None:
    server = context(authority, V.TLSv1, V.TLSv1_1, "DEFAULT:@SECLEVEL=0")
    answer = read(asked(server, hello(TLS12, COMMON, name="fake.test")))
    assert answer is not None and answer.version == TLS11


def test_broken_suites(authority: Authority) -> None:
    every = [suite for suites in BROKEN.values() for suite in suites]
    healthy = context(authority, V.TLSv1_2, V.TLSv1_2)
    assert read(asked(healthy, hello(TLS12, every))) == Answer(refusal="handshake failure")
    anonymous = context(authority, V.TLSv1_2, V.TLSv1_2, "ADH:AECDH:@SECLEVEL=0")
    answer = read(asked(anonymous, hello(TLS12, every)))
    assert answer is not None and kind_of(answer.suite or 0) == "anonymous"
    without = context(authority, V.TLSv1_2, V.TLSv1_2, "eNULL:@SECLEVEL=0")
    answer = read(asked(without, hello(TLS12, every)))
    assert answer is not None and kind_of(answer.suite or 0) == "NULL"


def test_every_suite_is_broken_in_one_way_only_and_is_no_common_one() -> None:
    every = [suite for suites in BROKEN.values() for suite in suites]
    assert len(set(every)) == len(every)
    assert not set(every) & set(COMMON) - set(BROKEN["3DES"]) - set(BROKEN["RC4"])
    assert kind_of(0xC02F) == ""


def test_an_address_is_no_server_name() -> None:
    assert b"127.0.0.1" not in hello(TLS12, COMMON, name="127.0.0.1")
    assert b"fake.test" in hello(TLS12, COMMON, name="fake.test")
    assert b"fake.test" not in hello(SSL3, COMMON, name="fake.test")  # which has no extensions


def server_hello(version: int = TLS12, suite: int = 0xC02F, session: bytes = b"") -> bytes:
    body = version.to_bytes(2) + bytes(32) + bytes((len(session),)) + session
    body += suite.to_bytes(2) + b"\0"
    message = b"\x02" + len(body).to_bytes(3) + body
    return b"\x16\x03\x03" + len(message).to_bytes(2) + message


def test_an_answer_in_pieces() -> None:
    whole = server_hello(session=bytes(32))
    for end in range(len(whole)):
        assert read(whole[:end]) is None, end
    assert read(whole + b"\x16\x03\x03\x00\x04") == Answer(TLS12, 0xC02F)
    message = whole[5:]
    first, second = message[:10], message[10:]
    records = b"".join(b"\x16\x03\x03" + len(p).to_bytes(2) + p for p in (first, second))
    assert read(records) == Answer(TLS12, 0xC02F)


def test_a_warning_about_the_name_is_no_refusal() -> None:
    assert read(b"\x15\x03\x01\x00\x02\x01\x70" + server_hello()) == Answer(TLS12, 0xC02F)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"\x15\x03\x01\x00\x02\x02\x28", "handshake failure"),
        (b"\x15\x03\x01\x00\x02\x02\xfe", "alert 254"),
        (b"<stream:error/>", "no TLS came"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no TLS came"),
        (b"\x16\x03\x03\x00\x05\x0b\x00\x00\x01\x00", "no ServerHello came"),
        (server_hello(0x7F1C), "an unknown version"),
        (b"\x16\x03\x03\x00\x2a\x02\x00\x00\x26" + b"\x03\x03" + bytes(32) + b"\xff\x00\x00\x00",
         "a malformed ServerHello"),
    ],
)  # fmt: skip
def test_refusals(data: bytes, refusal: str) -> None:
    assert read(data) == Answer(refusal=refusal)


def test_the_end_is_an_answer() -> None:
    assert read(b"") is None
    assert read(b"", ended=True) == Answer(refusal="the connection was closed")
    assert read(b"\x16\x03", ended=True) == Answer(refusal="the answer breaks off")


@given(st.binary(max_size=200), st.booleans())
def test_nothing_that_a_server_sends_is_too_much(data: bytes, hopeful: bool) -> None:
    data = b"\x16\x03\x03" + data if hopeful else data
    answer = read(data, ended=True)
    assert answer is not None
    assert (answer.version is None) == (answer.refusal is not None)
    assert answer.version is None or answer.version <= TLS13
