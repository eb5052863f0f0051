"""Blocks inside of the stream: their order, their form, their end (XEP-0047)."""

from __future__ import annotations

import asyncio
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmppctl.errors import RefusedError
from xmppctl.protocol.jingle import ibb
from xmppctl.protocol.jingle.transports import Ibb
from xmppctl.session.responder import RefusalError

TRANSPORT = Ibb("i781hf64", 4)


def opening(size: str = "4", **more: str) -> Element:
    return Element(ibb.OPEN, {"block-size": size, "sid": "i781hf64", **more})


def block(seq: int | str, text: str = "YWJj") -> Element:
    element = Element(ibb.DATA, {"seq": str(seq), "sid": "i781hf64"})
    element.text = text
    return element


def opened() -> ibb.Incoming:
    stream = ibb.Incoming(TRANSPORT)
    stream.open(opening())
    return stream


async def whole(stream: ibb.Incoming) -> bytes:
    data = b""
    while piece := await stream.read():
        data += piece
    return data


def test_blocks_in_their_order() -> None:
    async def main() -> None:
        stream = opened()
        stream.data(block(0))
        stream.data(block(1, "ZA=="))
        stream.close()
        assert await whole(stream) == b"abcd"

    asyncio.run(main())


def test_the_number_begins_anew() -> None:
    async def main() -> None:
        stream = opened()
        for number in range(65536):
            stream.data(block(number, ""))
        stream.data(block(0))
        stream.close()
        assert await whole(stream) == b"abc"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("element", "condition"),
    [
        (block(1), "unexpected-request"),
        (block("00"), "unexpected-request"),
        (block("x"), "unexpected-request"),
        (block(0, "YWJj\n"), "bad-request"),
        (block(0, "YW=j"), "bad-request"),
        (block(0, "=AAA"), "bad-request"),
        (block(0, "YW"), "bad-request"),
        (block(0, "\u00e4"), "bad-request"),
        (block(0, "YWJjZGU="), "bad-request"),
    ],
)
def test_what_does_not_fit_ends_it(element: Element, condition: str) -> None:
    async def main() -> None:
        stream = opened()
        with pytest.raises(RefusalError) as caught:
            stream.data(element)
        assert caught.value.condition == condition
        with pytest.raises(RefusalError):
            stream.data(block(0))
        with pytest.raises(RefusedError, match="broke"):
            await whole(stream)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("element", "condition"),
    [
        (opening("5"), "resource-constraint"),
        (opening("0"), "bad-request"),
        (opening("70000"), "bad-request"),
        (opening("x"), "bad-request"),
        (opening(stanza="message"), "not-acceptable"),
    ],
)
def test_how_it_may_not_be_opened(element: Element, condition: str) -> None:
    async def main() -> None:
        stream = ibb.Incoming(TRANSPORT)
        with pytest.raises(RefusalError) as caught:
            stream.open(element)
        assert caught.value.condition == condition
        with pytest.raises(RefusalError) as caught:
            stream.data(block(0))
        assert caught.value.condition == "item-not-found"

    asyncio.run(main())


@given(st.binary(max_size=200), st.integers(1, 70))
def test_there_and_back(data: bytes, size: int) -> None:
    async def main() -> None:
        transport = Ibb("s", size)
        stream = ibb.Incoming(transport)

        async def ask(element: Element) -> None:
            {ibb.OPEN: stream.open, ibb.DATA: stream.data}.get(
                element.tag, lambda _: stream.close()
            )(element)

        out = ibb.Outgoing(transport, ask)
        await out.open()
        await out.write(data)
        await out.close()
        assert await whole(stream) == data

    asyncio.run(main())
