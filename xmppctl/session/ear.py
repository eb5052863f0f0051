"""An HTTP response that may begin while the request is still being sent (RFC 9112 §9.5)."""

from __future__ import annotations

import http.client
import io
import re
import select
import socket
import ssl
from typing import Any

_INTERIM = re.compile(rb"HTTP/1\.[01] 1[0-9][0-9]")
_STATUS_LINE = len("HTTP/1.1 200")
_CHUNK = 4096
_LONGEST_HEAD = 65536
_MOST_INTERIM = 20


class Ear:
    """A connected socket, for http.client, that hears an answer while it speaks.

    Read it through ``makefile`` only when all was sent or ``answered`` says so. ``timeout`` is in
    seconds, for everything but ``answered``.
    """

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        self._sock = sock
        self._timeout = timeout
        self._begun = bytearray()
        self._gone = False

    def sendall(self, data: Any) -> None:
        """Send."""
        self._sock.sendall(data)

    def answered(self) -> bool:
        """Whether the server has begun to answer, or has gone; without waiting for it.

        Interim answers such as 100 and 102 are none, and are dropped.
        """
        self._hear()
        while _INTERIM.match(self._begun):
            end = self._begun.find(b"\r\n\r\n")
            if end < 0:
                return self._gone or len(self._begun) > _LONGEST_HEAD
            del self._begun[: end + 4]
        return self._gone or len(self._begun) >= _STATUS_LINE

    def _hear(self) -> None:
        if not select.select([self._sock], [], [], 0)[0]:
            return
        self._sock.settimeout(0)
        try:
            data = self._sock.recv(_CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError):  # TLS's own messages, such as tickets
            return
        except ssl.SSLError:
            data = b""
        finally:
            self._sock.settimeout(self._timeout)
        self._gone = not data
        self._begun += data

    def makefile(self, mode: str) -> io.BufferedReader:
        """The file of the answer: what was heard already, then what the socket gives."""
        return io.BufferedReader(_Heard(self._sock, self._begun))

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


class _Heard(io.RawIOBase):
    """Bytes that were read already, and the rest of a socket, which stays open."""

    def __init__(self, sock: socket.socket, begun: bytearray) -> None:
        self._sock = sock
        self._begun = begun

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer`` with what comes next."""
        view = memoryview(buffer)
        if not self._begun:
            return self._sock.recv_into(view)
        count = min(len(view), len(self._begun))
        view[:count] = self._begun[:count]
        del self._begun[:count]
        return count


class Response(http.client.HTTPResponse):
    """A response without the interim ones before it (RFC 9110 §15.2), of which there may be few."""

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(_MOST_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200:
                return version, status, reason
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException("interim answers without end")
