"""Hosts of bytestreams, and who calls them (XEP-0065)."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from xmppctl.errors import ConnectError
from xmppctl.session.socks5 import Host, Stream, dial, reachable

ADDRESS = "972b7bf47291ca609517f67f86b5081086052dad"


def test_both_ends() -> None:
    async def main() -> None:
        host = Host()
        await host.start()
        met: asyncio.Queue[Stream] = asyncio.Queue()
        host.expect(ADDRESS, met.put_nowait)
        there = await dial("127.0.0.1", host.port, ADDRESS)
        here = await met.get()
        await there.write(b"abc")
        assert await here.read() == b"abc"
        there.finish()
        assert await here.read() == b""
        await here.write(b"def")
        here.close()
        assert await there.read() + await there.read() == b"def"
        there.abort()
        # it was expected once
        with pytest.raises(ConnectError):
            await dial("127.0.0.1", host.port, ADDRESS)
        await host.stop()
        with pytest.raises(ConnectError):
            await dial("127.0.0.1", host.port, ADDRESS)

    asyncio.run(main())


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x05\x01\x02",
        b"\x04\x01\x00\x00",
        b"\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50",
        b"\x05\x01\x00\x05\x01\x00\x03\x04abcd\x00\x00",
        b"",
    ],
)
def test_strangers_are_sent_away(said: bytes) -> None:
    async def main() -> None:
        host = Host()
        await host.start()
        met: list[Stream] = []
        host.expect(ADDRESS, met.append)
        reader, writer = await asyncio.open_connection("127.0.0.1", host.port)
        writer.write(said)
        if not said:
            writer.write_eof()
        with suppress(ConnectionResetError):
            await reader.read()
        writer.close()
        assert met == []
        await host.stop()

    asyncio.run(main())


def test_the_own_addresses() -> None:
    assert reachable("127.0.0.1")[0] == "127.0.0.1"
    assert "127.0.0.1" not in reachable("nonsense")


def test_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host is called through the proxy of the environment, or not at all."""
    monkeypatch.setenv("ALL_PROXY", "socks5h://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    async def main() -> None:
        host = Host()
        await host.start()
        met: list[Stream] = []
        host.expect(ADDRESS, met.append)
        with pytest.raises(ConnectError):
            await dial("127.0.0.1", host.port, ADDRESS)
        assert met == []
        await host.stop()

    asyncio.run(main())
