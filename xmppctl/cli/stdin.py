"""Text from standard input: strict UTF-8, one final newline removed, line modes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from xmppctl.cli.params import is_text
from xmppctl.errors import ErrorInfo, LocalError, UsageError
from xmppctl.records import dataclass

if TYPE_CHECKING:
    from typing import TextIO

_PIECE = 65536
"""Bytes that are read at once where many lines are waited for."""


@dataclass(frozen=True)
class Line:
    """A line of standard input; ``error`` is set where it is no UTF-8 (``text`` then shows it)."""

    number: int
    text: str
    error: ErrorInfo | None = None


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person sits at ``stream``; a closed one is None."""
    return stream is not None and not stream.closed and stream.isatty()


def check_text(text: str) -> str:
    """``text``, an argument; raises UsageError where it is not UTF-8."""
    if not is_text(text):
        raise UsageError("the text is not UTF-8", step="input")
    return text


def read_all(stream: TextIO | None) -> str:
    """The whole of ``stream`` without its final newline. Raises UsageError or LocalError."""
    try:
        data = _binary(stream).read()
    except OSError as error:
        raise _unreadable(error) from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"standard input is not UTF-8 (byte {error.start + 1})", step="input"
        ) from None
    return _without_newline(text)


def read_file(path: str, stream: TextIO | None) -> bytes:
    """The bytes of the file, of ``stream`` for ``-``. Raises LocalError."""
    if path == "-":
        try:
            return _binary(stream).read()
        except OSError as error:
            raise _unreadable(error) from None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise LocalError(f"cannot read {path}: {error.strerror}", step="input", by=path) from None


def lines(stream: TextIO | None) -> Iterator[Line]:
    """The lines of ``stream`` as they come, empty ones left out. Raises LocalError."""
    binary = _binary(stream)
    number = 0
    while True:
        try:
            data = binary.readline()
        except OSError as error:
            raise _unreadable(error) from None
        if not data:
            return
        number += 1
        line = line_of(number, data)
        if line.text:
            yield line


async def lines_as_they_come(stream: TextIO | None) -> AsyncIterator[list[Line]]:
    """As ``lines``, without keeping the event loop from its work: those that are there, together.

    Raises LocalError.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    source = _pieces(_binary(stream))
    number = 0
    while (piece := await loop.run_in_executor(None, next, source, None)) is not None:
        found = [line_of(number, data) for number, data in enumerate(piece, number + 1)]
        number += len(piece)
        yield [line for line in found if line.text]


def _pieces(binary: BinaryIO) -> Iterator[list[bytes]]:
    """Whole lines, as many as come at once. Raises LocalError."""
    begun: list[bytes] = []  # of a line whose end is still to come
    while True:
        try:
            data = _read_some(binary)
        except OSError as error:
            raise _unreadable(error) from None
        if not data:
            break
        if b"\n" not in data:
            begun.append(data)
            continue
        *whole, rest = b"".join([*begun, data]).split(b"\n")
        begun = [rest] if rest else []
        yield [line + b"\n" for line in whole]
    if begun:
        yield [b"".join(begun)]


def _read_some(binary: BinaryIO) -> bytes:
    """Wait for some bytes; none at the end."""
    # Not through the buffer: a thread that waits in there holds a lock at which Python would
    # die in the end.
    raw: Any = getattr(binary, "raw", binary)
    while (data := raw.read(_PIECE)) is None:  # it is in non-blocking mode
        import select

        select.select([raw], [], [])
    return bytes(data)


def line_of(number: int, data: bytes) -> Line:
    """One line from its bytes."""
    try:
        return Line(number, _without_newline(data.decode("utf-8")))
    except UnicodeDecodeError:
        text = _without_newline(data.decode("utf-8", "replace"))
        error = UsageError(f"line {number} of standard input is not UTF-8", step="input")
        return Line(number, text, error.info())


def _binary(stream: TextIO | None) -> BinaryIO:
    if stream is None or stream.closed:
        raise LocalError("standard input is closed", step="input")
    return stream.buffer


def _without_newline(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def _unreadable(error: OSError) -> LocalError:
    return LocalError(f"cannot read standard input: {error.strerror}", step="input")
