"""XEP-0065 §5.3.2, §6.3.2: connections by SOCKS5 with a host that knows a bytestream by its hash.

``dial`` asks such a host, ``Host`` is one. Who has a proxy for TCP in the environment is nobody's
host, and dials through that proxy: it would not want to show its address.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from contextlib import suppress

from xmppctl.errors import ConnectError
from xmppctl.session.proxy import Proxy, for_stream
from xmppctl.session.tunnel import socks5, through

_BLOCK = 256 * 1024
_HANDSHAKE = 10.0  # seconds
_MOST = 32
"""Connections at once that have not said what they want."""

# addresses of documentation: nothing is sent there, only a route looked for
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


class Stream:
    """A connection whose bytes are those of the file."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, most: int = _BLOCK) -> bytes:
        """The next bytes, none at the end. Raises OSError."""
        return await self._reader.read(most)

    async def write(self, data: bytes) -> None:
        """Send bytes; returns when there is room for more. Raises OSError."""
        self._writer.write(data)
        await self._writer.drain()

    def finish(self) -> None:
        """Send what is left, and that it was all; bytes may still come. Raises OSError."""
        self._writer.write_eof()

    def close(self) -> None:
        """Send what is left, and end the connection."""
        self._writer.close()

    def abort(self) -> None:
        """End the connection."""
        self._writer.transport.abort()


async def dial(host: str, port: int, address: str) -> Stream:
    """A connection with ``host`` for the bytestream that ``address`` stands for.

    Its bytes may not reach the peer yet. The caller bounds the time. Raises ConnectError,
    UsageError (the proxy of the environment).
    """
    proxy = for_stream(host, port)
    target = Proxy("socks5", host, port, variable="", user=None, password="")
    if proxy is None:
        sock = await through(target, address, 0)
    else:
        sock = await through(proxy, host, port)
        try:
            await _ask(sock, target, address)
        except BaseException:
            sock.close()
            raise
    try:
        return Stream(*await asyncio.open_connection(sock=sock))
    except OSError as error:
        sock.close()
        raise ConnectError(f"{host}: {error.strerror}", step="s5b") from None


async def _ask(sock: socket.socket, target: Proxy, address: str) -> None:
    loop = asyncio.get_running_loop()
    steps = socks5(target, address, 0)
    asked = next(steps)
    try:
        with suppress(StopIteration):
            while True:
                await loop.sock_sendall(sock, asked[0])
                asked = steps.send(await loop.sock_recv(sock, asked[1]))
    except OSError as error:
        raise ConnectError(f"{target.host}: {error.strerror}", step="s5b") from None


def reachable(server: str | None) -> list[str]:
    """The own addresses that others may reach, the one that ``server`` sees first.

    ``server``: an IP address, or None. None at all where a proxy stands between.
    """
    places = list(_ELSEWHERE)
    with suppress(ValueError):
        found = ipaddress.ip_address((server or "").partition("%")[0])
        places.insert(0, (socket.AF_INET if found.version == 4 else socket.AF_INET6, str(found)))
    own: list[str] = []
    for family, place in places:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((place, 9))
            address = probe.getsockname()[0]
            if "%" not in address and address not in own:
                own.append(address)
    return own


class Host:
    """Takes connections for the bytestreams that are expected; ``port`` is where."""

    def __init__(self) -> None:
        self.port = 0
        self._server: asyncio.Server | None = None
        self._expected: dict[str, Callable[[Stream], None]] = {}
        self._strangers = 0

    async def start(self) -> None:
        """Listen, on a port that is free. Raises OSError."""
        self._server = await asyncio.start_server(self._met, None, 0, backlog=16)
        ports = {each.getsockname()[1] for each in self._server.sockets}
        if len(ports) > 1:  # the families got a port each: the first one's counts
            keep = self._server.sockets[0].getsockname()[1]
            await self.stop()
            self._server = await asyncio.start_server(self._met, None, keep, backlog=16)
            ports = {keep}
        (self.port,) = ports

    def expect(self, address: str, taken: Callable[[Stream], None]) -> None:
        """Give the connection for this bytestream to ``taken``, the first one alone."""
        self._expected[address] = taken

    def forget(self, address: str) -> None:
        """It is not expected any more."""
        self._expected.pop(address, None)

    async def stop(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._strangers >= _MOST:
            writer.transport.abort()
            return
        self._strangers += 1
        try:
            async with asyncio.timeout(_HANDSHAKE):
                taken = await self._greet(reader, writer)
        except (OSError, EOFError, TimeoutError):
            taken = None
        finally:
            self._strangers -= 1
        if taken is None:
            writer.transport.abort()
        else:
            taken(Stream(reader, writer))

    async def _greet(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Callable[[Stream], None] | None:
        version, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        if version != 5 or 0 not in methods:
            writer.write(b"\x05\xff")
            await writer.drain()
            return None
        writer.write(b"\x05\x00")
        version, command, _, kind = await reader.readexactly(4)
        length = (await reader.readexactly(1))[0] if kind == 3 else {1: 4, 4: 16}.get(kind, 0)
        name = await reader.readexactly(length)
        port = await reader.readexactly(2)
        address = name.decode("latin-1").lower()
        known = version == 5 and command == 1 and kind == 3
        taken = self._expected.pop(address, None) if known else None
        status = 0 if taken is not None else 2
        # both come back as they were asked for
        back = b"\x03" + bytes([len(name)]) + name + port if kind == 3 else b"\x01" + bytes(6)
        writer.write(bytes([5, status, 0]) + back)
        await writer.drain()
        return taken
