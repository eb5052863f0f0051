"""HTTP/1.1 responses, however they are cut into pieces, and what is none."""

from __future__ import annotations

import pytest

from xmppctl.session.httpreply import NoHttpError, Reply, ReplyParser

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nhel\r\n2;name=value\r\nlo\r\n0\r\nTrailer: x\r\n\r\n"
)


def feed(data: bytes, piece: int = 100_000) -> list[Reply]:
    parser = ReplyParser()
    found = [parser.feed(data[at : at + piece]) for at in range(0, len(data), piece)]
    return [each for each in found if each is not None]


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("data", [PLAIN, CHUNKED])
def test_pieces(data: bytes, piece: int) -> None:
    assert feed(data, piece) == [Reply(200, "OK", b"hello", True)]
    assert feed(data + data, 1) == [Reply(200, "OK", b"hello", True)] * 2


def test_without_length_the_end_is_the_end_of_the_connection() -> None:
    parser = ReplyParser()
    assert parser.feed(b"HTTP/1.1 200 OK\r\n\r\nhel") is None
    assert parser.feed(b"lo") is None
    assert parser.end() == Reply(200, "OK", b"hello", False)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\n", PLAIN[:-1], CHUNKED[:-1]])
def test_what_was_cut_is_no_response(data: bytes) -> None:
    parser = ReplyParser()
    if data:
        assert parser.feed(data) is None
    assert parser.end() is None


@pytest.mark.parametrize(
    ("head", "keep"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\n", True),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
        (b"HTTP/1.1 200 OK\n", True),
    ],
)
def test_whether_it_may_serve_again(head: bytes, keep: bool) -> None:
    (reply,) = feed(head + b"Content-Length: 0\r\n\r\n")
    assert reply.keep is keep


def test_interim_answers_are_none() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert [each.status for each in feed(interim * 3 + PLAIN, 5)] == [200]
    with pytest.raises(NoHttpError):
        feed(interim * 100)


def test_some_have_no_body() -> None:
    assert feed(b"HTTP/1.1 204 No Content\r\n\r\n") == [Reply(204, "No Content", b"", True)]


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n",
        PLAIN + b"more than was asked for",
    ],
)
def test_what_is_none(data: bytes) -> None:
    with pytest.raises(NoHttpError):
        feed(data)


def test_a_response_without_end() -> None:
    parser = ReplyParser()
    parser.feed(b"HTTP/1.1 200 OK\r\n\r\n")
    with pytest.raises(NoHttpError):
        for _ in range(40):
            parser.feed(bytes(1024 * 1024))
