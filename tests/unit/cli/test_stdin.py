"""Standard input as it comes: lines whose pieces arrive in any way."""

import asyncio
from types import SimpleNamespace

import pytest

from xmppctl.cli import stdin
from xmppctl.errors import LocalError


class Pipe:
    """A raw stream that gives these pieces; an error is raised."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)

    def read(self, size):
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece


def come(*pieces):
    async def collect():
        stream = SimpleNamespace(buffer=SimpleNamespace(raw=Pipe(*pieces)), closed=False)
        return [found async for found in stdin.lines_as_they_come(stream)]

    return asyncio.run(collect())


def texts(found):
    return [[line.text for line in lines] for lines in found]


def test_lines_that_come_together_are_given_together():
    assert texts(come(b"1\n2\r\n3\n", b"4\n")) == [["1", "2", "3"], ["4"]]


def test_a_line_in_pieces_is_one_line():
    assert texts(come(b"a", b"b", b"c\nd", b"\n", b"e")) == [["abc"], ["d"], ["e"]]


def test_a_character_in_pieces_is_one_character():
    assert texts(come(b"\xc3", b"\xbc\n")) == [["ü"]]


def test_empty_lines_are_left_out_and_counted():
    (first, second) = come(b"1\n\n\r\n2\n", b"\n\xff\n")
    assert [(line.number, line.text) for line in first] == [(1, "1"), (4, "2")]
    assert [(line.number, line.error.name) for line in second] == [(6, "USAGE")]
    assert "line 6" in second[0].error.text


def test_what_cannot_be_read_is_an_error():
    with pytest.raises(LocalError, match="standard input"):
        come(b"1\n", OSError(5, "Input/output error"))
