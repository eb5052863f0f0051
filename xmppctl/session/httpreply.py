"""HTTP/1.1 responses without input or output (RFC 9112): bytes in, whole replies out."""

from __future__ import annotations

import re
from typing import NamedTuple

_STATUS = re.compile(rb"HTTP/1\.([01]) ([0-9]{3})(?: ([^\r\n]*))?\r?\n")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*?)[ \t]*\r?\n")
_LONGEST_HEAD = 64 * 1024
_LARGEST_BODY = 32 * 1024 * 1024
_MOST_INTERIM = 20


class NoHttpError(ValueError):
    """What arrived is no HTTP response."""


class Reply(NamedTuple):
    """A response; ``keep``: the connection may serve another request."""

    status: int
    reason: str
    body: bytes
    keep: bool


class ReplyParser:
    """Reads one response at a time; ``feed`` and ``end`` give it when it is whole."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._head: Reply | None = None
        self._length: int | None = None
        self._chunked = False
        self._body = bytearray()
        self._interim = 0

    def feed(self, data: bytes) -> Reply | None:
        """Take bytes. Raises NoHttpError, also for what comes behind a response."""
        self._data += data
        if self._head is None and not self._read_head():
            return None
        whole = self._read_chunks() if self._chunked else self._read_plain()
        if len(self._body) > _LARGEST_BODY or len(self._data) > _LARGEST_BODY:
            raise NoHttpError("the response is too large")
        return self._finish() if whole else None

    def end(self) -> Reply | None:
        """The connection ended; a response may end with it."""
        if self._head is None or self._chunked or self._length is not None:
            return None
        return self._finish()

    def _finish(self) -> Reply:
        assert self._head is not None
        if self._data:
            raise NoHttpError("more comes than was asked for")
        reply = self._head._replace(body=bytes(self._body))
        self._head, self._length, self._chunked = None, None, False
        self._body = bytearray()
        return reply

    def _read_head(self) -> bool:
        while True:
            match = re.search(rb"\r?\n\r?\n", self._data)
            if match is None:
                start = bytes(self._data[:5])
                if not b"HTTP/".startswith(start) or len(self._data) > _LONGEST_HEAD:
                    raise NoHttpError("the answer is no HTTP")
                return False
            head = bytes(self._data[: match.end()])
            del self._data[: match.end()]
            status = _STATUS.match(head)
            if status is None:
                raise NoHttpError("the answer is no HTTP")
            if not 100 <= int(status[2]) < 200:
                break
            self._interim += 1
            if self._interim > _MOST_INTERIM:
                raise NoHttpError("interim answers without end")
        headers: dict[str, str] = {}
        for name, value in _HEADER.findall(head, status.end()):
            headers[name.decode().lower()] = value.decode("latin-1")
        self._chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        length = headers.get("content-length")
        if int(status[2]) in (204, 304):
            self._length, self._chunked = 0, False
        elif length is not None and not self._chunked:
            if not length.isdecimal() or len(length) > 12:
                raise NoHttpError("its length is no number")
            self._length = int(length)
        options = {each.strip() for each in headers.get("connection", "").lower().split(",")}
        keep = "keep-alive" in options or (status[1] == b"1" and "close" not in options)
        framed = self._chunked or self._length is not None
        reason = (status[3] or b"").decode("latin-1")
        self._head = Reply(int(status[2]), reason, b"", keep and framed)
        return True

    def _read_plain(self) -> bool:
        most = len(self._data) if self._length is None else self._length - len(self._body)
        self._body += self._data[:most]
        del self._data[:most]
        return self._length is not None and len(self._body) >= self._length

    def _read_chunks(self) -> bool:
        while True:
            line, found, _ = self._data.partition(b"\n")
            if not found:
                if len(line) > _LONGEST_HEAD:
                    raise NoHttpError("its chunks are malformed")
                return False
            digits = line.partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", digits):
                raise NoHttpError("its chunks are malformed")
            size, begin = int(digits, 16), len(line) + 1
            if size == 0:
                return self._read_trailer(begin)
            rest = self._data[begin + size : begin + size + 2]
            if not rest or rest == b"\r":
                return False
            if rest != b"\r\n" and rest[:1] != b"\n":
                raise NoHttpError("its chunks are malformed")
            self._body += self._data[begin : begin + size]
            del self._data[: begin + size + (2 if rest == b"\r\n" else 1)]

    def _read_trailer(self, begin: int) -> bool:
        match = re.match(rb"(?:[^\r\n]+\r?\n)*\r?\n", self._data[begin:])
        if match is None:
            if len(self._data) > _LONGEST_HEAD:
                raise NoHttpError("its chunks are malformed")
            return False
        del self._data[: begin + match.end()]
        return True
