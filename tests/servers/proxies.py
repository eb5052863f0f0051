"""Proxies of the tests: HTTP (CONNECT, and whole URLs) and SOCKS5, with and without a password.

    with ProxyServer("socks5", user="u", password="p") as proxy:
        xmppctl("ping", account=alice, env={"all_proxy": proxy.url()})
    assert proxy.asked == [("127.0.0.1", 12345)]

``asked`` lists the places that were asked for, in order, and ``connections`` counts those who came.
``places`` says where a place really is: ``{("fake.test", 5222): ("127.0.0.1", 12345)}``, which is
how this proxy looks up names. ``answer`` is sent instead of any protocol, b"" is silence.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
from collections.abc import Mapping
from contextlib import suppress
from typing import Literal
from urllib.parse import quote, urlsplit

from tests.servers.ca import Certificate
from tests.servers.listen import Listener, close
from tests.servers.loop import LoopThread
from tests.servers.ports import LOOPBACK

Place = tuple[str, int]


class ProxyServer:
    """Listens on ``address``, with TLS where there is a certificate; see the module's example."""

    def __init__(
        self,
        kind: Literal["http", "socks5"],
        *,
        user: str | None = None,
        password: str = "",
        certificate: Certificate | None = None,
        places: Mapping[Place, Place] | None = None,
        answer: bytes | None = None,
    ) -> None:
        self.kind = kind
        self.user = user
        self.password = password
        self.certificate = certificate
        self.places = dict(places or {})
        self.answer = answer
        self.asked: list[Place] = []
        self.heads: list[str] = []
        self.connections = 0
        self.address = (LOOPBACK, 0)

    def __enter__(self) -> ProxyServer:
        self._loop = LoopThread("proxy")
        context = self.certificate.server_context() if self.certificate is not None else None
        listener = Listener(self._accept, context)
        self.address = listener.address
        self._loop.spawn(listener.accept())
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.stop()

    def url(self, scheme: str = "", *, user: str | None = None, password: str | None = None) -> str:
        """What a variable names it by, with its user and password or with others."""
        scheme = scheme or (self.kind if self.certificate is None else "https")
        user = self.user if user is None else user
        password = self.password if password is None else password
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
        return f"{scheme}://{login}{LOOPBACK}:{self.address[1]}"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if self.answer is not None:
                await reader.read(65536)
                writer.write(self.answer)
                while not self.answer and await reader.read(65536):
                    pass
            elif self.kind == "http":
                await self._http(reader, writer)
            else:
                await self._socks(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            await close(writer)

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.heads.append(head)
        first, *lines = head.split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        if self.user is not None:
            login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            if headers.get("proxy-authorization") != f"Basic {login}":
                writer.write(
                    b"HTTP/1.1 407 Who are you?\r\nProxy-Authenticate: Basic realm=x\r\n"
                    b"Content-Length: 5\r\n\r\nnope\n"
                )
                return
        method, target, _ = first.split(" ")
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            try:
                there = await self._connect(host.strip("[]"), int(port))
            except OSError:
                writer.write(b"HTTP/1.1 502 Cannot reach it\r\n\r\n")
                return
            writer.write(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")
        else:
            url = urlsplit(target)
            assert url.hostname is not None
            assert headers["host"] == url.netloc
            there = await self._connect(url.hostname, url.port or 80)
            rest = [x for x in lines if not x.lower().startswith("proxy-")]
            path = target.partition(url.netloc)[2]
            there[1].write("\r\n".join([f"{method} {path} HTTP/1.1", *rest]).encode("latin-1"))
        await _pipe((reader, writer), there)

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        version, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        wanted = 0 if self.user is None else 2
        if version != 5 or wanted not in methods:
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, wanted]))
        if wanted:
            _, size = await reader.readexactly(2)
            user = (await reader.readexactly(size)).decode()
            (size,) = await reader.readexactly(1)
            password = (await reader.readexactly(size)).decode()
            right = (user, password) == (self.user, self.password)
            writer.write(bytes([1, 0 if right else 1]))
            if not right:
                return
        _, command, _, kind = await reader.readexactly(4)
        assert command == 1
        if kind == 3:
            (size,) = await reader.readexactly(1)
            host = (await reader.readexactly(size)).decode()
        else:
            host = str(ipaddress.ip_address(await reader.readexactly(4 if kind == 1 else 16)))
        port = int.from_bytes(await reader.readexactly(2), "big")
        try:
            there = await self._connect(host, port)
        except OSError:
            writer.write(b"\x05\x05\x00\x01" + bytes(6))
            return
        writer.write(b"\x05\x00\x00\x03\x04here" + bytes(2))  # a bound address that is a name
        await _pipe((reader, writer), there)

    async def _connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.asked.append((host, port))
        place = self.places.get((host, port), (host, port))
        if place[0] != LOOPBACK:
            raise OSError("only what a test puts there")
        return await asyncio.open_connection(*place)


async def _pipe(
    here: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    there: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()

    ways = [
        asyncio.ensure_future(carry(here[0], there[1])),
        asyncio.ensure_future(carry(there[0], here[1])),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await close(there[1])
