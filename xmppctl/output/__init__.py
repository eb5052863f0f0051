"""From records to what stands on standard output.

A writer knows records only as dataclasses; what it needs of their class is in
``xmppctl.model``'s rules of a record. Nothing heavy is imported before it is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TextIO

FORMATS = ("table", "json", "jsonl", "csv", "tsv", "plain")
MONITOR_FORMATS = ("nagios", "prometheus")

Shape = Literal["object", "array", "stream"]


class Writer(Protocol):
    """Takes the records of one run, in order, and ends with ``close`` or ``abort``."""

    def write(self, record: object) -> None:
        """Print ``record``, or keep it until the layout is known."""

    def flush(self) -> None:
        """Print what is kept: for the moments in which a stream has nothing to give."""

    def close(self) -> None:
        """Complete the document."""

    def abort(self) -> None:
        """Complete what was begun, after a failure; print nothing where nothing was begun."""


def writer(
    format: str,
    record: type,
    *,
    shape: Shape,
    stream: TextIO,
    fields: Sequence[str] | None = None,
    color: bool = False,
    width: int | None = None,
    spoilers: bool = False,
    styling: bool = False,
) -> Writer:
    """A writer of ``record`` instances in one of ``FORMATS``; it prints nothing yet.

    ``shape``: "object" for one record, "array" for a list, "stream" for records that come one
    after the other and are flushed each. ``fields``: the keys to print, in their order (None:
    all; in a table the class's ``TABLE``). ``color`` and ``width`` (columns of the terminal, None
    where there is none) concern the table alone. ``spoilers``: texts that give something away are
    shown; ``styling``: texts of messages are styled as they say, where people read them.
    ``stream`` has to take all of Unicode.
    Raises UsageError for an unknown field, ValueError for an unknown format.
    """
    from xmppctl.output.fields import select

    selected = None if fields is None else select(record, fields)
    if format == "table":
        from xmppctl.output.table import ArrayTable, ObjectTable

        table = ObjectTable if shape == "object" else ArrayTable
        return table(
            record,
            selected,
            stream,
            live=shape == "stream",
            color=color,
            width=width,
            spoilers=spoilers,
            styling=styling,
        )
    from xmppctl.output import lines

    live = shape == "stream"
    match format:
        case "json" if shape == "object":
            return lines.JsonObject(record, selected, stream)
        case "json":
            return lines.JsonArray(record, selected, stream, live=live)
        case "jsonl":
            return lines.JsonLines(record, selected, stream, live=True)
        case "csv":
            return lines.Csv(record, selected, stream, live=live)
        case "tsv":
            return lines.Tsv(record, selected, stream, live=live)
        case "plain":
            return lines.Plain(record, selected, stream, live=live, styling=styling)
    raise ValueError(f"{format!r} is no output format")
