"""A proxy that is as far away as it is told, and counts how often a client waited.

    python -m benchmarks._delay HOST PORT SECONDS

Prints its port; then, for each line of its standard input and as soon as no connection is open,
the *flights* of all since the line before. A flight is what the client sends before it hears
something new; one that nobody answered before the client was gone is none, for nothing was waited
for. Every piece is held back half of SECONDS in each direction. Connections themselves are not: on
a real way TCP's handshake takes one round trip more, and the DNS what it takes, of every client.

It is a process of its own, without threads, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress


class _Flights:
    """Counts on the client's side."""

    def __init__(self) -> None:
        self.count = 0
        self.done = False
        self._speaking = False
        self._gone = False

    def spoke(self) -> None:
        self._speaking = True

    def heard(self) -> None:
        if self._speaking and not self._gone:
            self.count += 1
        self._speaking = False

    def left(self) -> None:
        self._gone = True


async def _carry(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    seconds: float,
    came: Callable[[], None],
    went: Callable[[], None],
    ended: Callable[[], None],
) -> None:
    """One direction to its end; ``came`` and ``went`` are called for each piece."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def write() -> None:
        while True:
            due, data = await queue.get()
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            if not data:
                break
            went()
            writer.write(data)
        with suppress(OSError):
            writer.write_eof()

    writing = asyncio.ensure_future(write())
    data = b"-"
    while data:
        try:
            data = await reader.read(65536)
        except OSError:
            data = b""
        (came if data else ended)()
        queue.put_nowait((loop.time() + seconds, data))
    await writing


def _nothing() -> None:
    pass


async def serve(host: str, port: int, seconds: float) -> None:
    """Until the end of the standard input."""
    opened: list[_Flights] = []
    nobody = asyncio.Event()
    nobody.set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flights = _Flights()
        opened.append(flights)
        nobody.clear()
        far_reader, far_writer = await asyncio.open_connection(host, port)
        up = _carry(reader, far_writer, seconds / 2, flights.spoke, _nothing, flights.left)
        down = _carry(far_reader, writer, seconds / 2, _nothing, flights.heard, _nothing)
        await asyncio.gather(up, down)
        far_writer.close()
        writer.close()
        flights.done = True
        if all(each.done for each in opened):
            nobody.set()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    questions: asyncio.Queue[str] = asyncio.Queue()
    asyncio.get_running_loop().add_reader(
        sys.stdin, lambda: questions.put_nowait(sys.stdin.readline())
    )
    while await questions.get():
        await nobody.wait()
        print(sum(each.count for each in opened), flush=True)
        opened.clear()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
