"""Somebody who is online, gets what is sent, and counts it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from benchmarks._measure import expect
from tests.peers.rawxml import RawClient
from tests.peers.stream import CLIENT, StreamClosed
from tests.servers.base import Account

_PATIENCE = 30.0


class Reader:
    """Counts the messages that come."""

    def __init__(self, client: RawClient) -> None:
        self._client = client
        self._came = threading.Semaphore(0)

    def serve(self) -> None:
        """Until the stream ends."""
        with suppress(OSError, ValueError, StreamClosed):
            while True:
                if self._client.recv(3600).find(f"{{{CLIENT}}}body") is not None:
                    self._came.release()

    def expect(self, name: str, count: int) -> None:
        """Wait for ``count`` messages."""
        for number in range(count):
            if not self._came.acquire(timeout=_PATIENCE):
                expect(f"messages of {name}", number, count)


@contextmanager
def reading(account: Account) -> Iterator[Reader]:
    """A client of ``account`` that is there meanwhile."""
    with RawClient.login_as(account) as client:
        client.send("<presence/>")
        reader = Reader(client)
        threading.Thread(target=reader.serve, daemon=True).start()
        yield reader
