"""A listening socket for the fault proxy and the fake server.

Not ``asyncio.start_server``: when a TLS handshake fails, as it often has to here, that leaves a
transport behind unclosed, and its ResourceWarning fails some later test.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tests.servers.ports import LOOPBACK

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Calls ``handler`` for each connection, after the TLS handshake where there is a context.

    ``at``: host and port; 0 is any free port.
    """

    def __init__(
        self,
        handler: Handler,
        context: ssl.SSLContext | None = None,
        at: tuple[str, int] = (LOOPBACK, 0),
    ) -> None:
        self._handler = handler
        self._context = context
        self._socket = socket.create_server(at)
        self._socket.setblocking(False)
        self._tasks: set[asyncio.Task[None]] = set()
        host, port = self._socket.getsockname()
        self.address: tuple[str, int] = (host, port)

    async def accept(self) -> None:
        """Accept connections until cancelled, and close the socket then."""
        loop = asyncio.get_running_loop()
        with self._socket:
            while True:
                connection, _ = await loop.sock_accept(self._socket)
                task = loop.create_task(self._adopt(connection))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _adopt(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()

        def protocol() -> asyncio.StreamReaderProtocol:
            reader = asyncio.StreamReader(loop=loop)
            return asyncio.StreamReaderProtocol(reader, self._handler, loop=loop)

        with suppress(OSError):  # a handshake that the client broke off
            await loop.connect_accepted_socket(protocol, connection, ssl=self._context)


async def close(writer: asyncio.StreamWriter) -> None:
    """Close a connection, politely for two seconds, and in any case."""
    writer.close()
    try:
        with suppress(OSError, TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(writer.wait_closed(), 2)
    finally:
        writer.transport.abort()
