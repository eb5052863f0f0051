"""Hearing an answer while speaking."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator

import pytest

from xmppctl.session.ear import Ear, Response

Pair = tuple[Ear, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    here, there = socket.socketpair()
    with here, there:
        yield Ear(here, 5.0), there


def test_nothing_said(pair: Pair) -> None:
    ear, there = pair
    assert not ear.answered()
    ear.sendall(b"block")
    assert there.recv(10) == b"block"


def test_an_answer_in_pieces(pair: Pair) -> None:
    ear, there = pair
    there.sendall(b"HTTP/1.1")
    assert not ear.answered()
    there.sendall(b" 413 No\r\n\r\n")
    assert ear.answered()
    with ear.makefile("rb") as answer:
        assert answer.readline() == b"HTTP/1.1 413 No\r\n"


def test_interim_answers_are_dropped(pair: Pair) -> None:
    ear, there = pair
    there.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Proc")
    assert not ear.answered()
    there.sendall(b"essing\r\nX: y\r\n\r\n")
    assert not ear.answered()
    there.sendall(b"HTTP/1.1 403 No\r\n\r\n")
    assert ear.answered()


def test_a_head_without_end(pair: Pair) -> None:
    ear, there = pair
    there.sendall(b"HTTP/1.1 100 Continue\r\n")
    for _ in range(20):
        there.sendall(b"X: " + b"y" * 4000 + b"\r\n")
        if ear.answered():
            return
    pytest.fail("it would listen for ever")


def test_who_has_gone(pair: Pair) -> None:
    ear, there = pair
    there.close()
    assert ear.answered()


def response(sock: socket.socket) -> http.client.HTTPResponse:
    found = Response(sock, method="GET")
    found.begin()
    return found


def test_the_final_answer_counts() -> None:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 Done\r\nA: b\r\n\r\n")
        with response(here) as found:
            assert (found.status, found.headers["A"], found.headers["Link"]) == (204, "b", None)


def test_interim_answers_without_end() -> None:
    here, there = socket.socketpair()
    with here, there:
        there.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 30)
        with pytest.raises(http.client.HTTPException, match="without end"):
            response(here)
