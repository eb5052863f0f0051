"""Loopback ports for one server, chosen so that runs at the same time do not collide."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"
_SIZE = 16
# below 32768, where Linux begins to hand out ports to outgoing connections
_BASES = range(16384, 32768, _SIZE)


class Ports:
    """A block of ports that this process holds until ``release``.

    The block's first port is a lock: it is bound here for the whole time and never served, so that
    another run that probes the same block sees it taken even while the server is still starting.
    """

    def __init__(self) -> None:
        self._lock, base = _reserve()
        self.starttls = base + 1
        self.direct_tls = base + 2
        self.s2s = base + 3
        self.http = base + 4
        self.https = base + 5
        self.proxy65 = base + 6
        self.component = base + 7
        self.optional_tls = base + 8
        self.client_certificate = base + 9
        self.stun = base + 10

    def release(self) -> None:
        """Let others use the block again."""
        self._lock.close()


def _reserve() -> tuple[socket.socket, int]:
    for base in random.SystemRandom().sample(_BASES, len(_BASES)):
        with ExitStack() as probes:
            try:
                lock = _bind(base)
            except OSError:
                continue
            try:
                for port in range(base + 1, base + _SIZE):
                    probes.enter_context(_bind(port))
            except OSError:
                lock.close()
                continue
            return lock, base
    raise RuntimeError("no block of free loopback ports found")


def _bind(port: int) -> socket.socket:
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # as servers do: a port whose last connection lingers in TIME_WAIT is free
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))
        probe.listen(1)
    except OSError:
        probe.close()
        raise
    return probe
