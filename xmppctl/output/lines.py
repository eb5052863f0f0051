"""The formats that need no layout: json, jsonl, csv, tsv, plain; each record is written at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from operator import attrgetter
from typing import Any, TextIO

from xmppctl.output import fields as _fields
from xmppctl.output import jsontext, values
from xmppctl.output.cells import machine
from xmppctl.output.escape import safe
from xmppctl.output.fields import Field


class _Lines(ABC):
    """What the formats share; ``live``: every record is flushed."""

    def __init__(
        self,
        record: type,
        selected: tuple[Field, ...] | None,
        stream: TextIO,
        *,
        live: bool = False,
    ) -> None:
        self.record = record
        self.selected = selected
        self.stream = stream
        self._live = live
        self.begun = False
        self.prepare()

    @abstractmethod
    def prepare(self) -> None:
        """Work out what is the same for all records."""

    @abstractmethod
    def text(self, record: object) -> str:
        """What is printed for ``record``."""

    def write(self, record: object) -> None:
        """Print ``record``: as a whole, or not at all where it cannot be rendered."""
        text = self.text(record)
        self.stream.write(text if self.begun else self.opening() + text)
        self.begun = True
        if self._live:
            self.stream.flush()

    def flush(self) -> None:
        """Hand on what the stream still buffers."""
        self.stream.flush()

    def close(self) -> None:
        """Complete the document."""
        if not self.begun:
            self.stream.write(self.opening())
        self.stream.write(self.ending())
        self.stream.flush()

    def abort(self) -> None:
        """Complete what was begun."""
        if self.begun:
            self.close()

    def opening(self) -> str:
        """What stands before the first record."""
        return ""

    def ending(self) -> str:
        """What stands after the last record."""
        return ""


class _Json(_Lines):
    def prepare(self) -> None:
        self.convert = values.converter(self.record, self.selected)


class JsonObject(_Json):
    """One JSON object over several lines."""

    def text(self, record: object) -> str:
        """``record`` indented."""
        return jsontext.indented(self.convert(record)) + "\n"


class JsonLines(_Json):
    """One compact JSON object per line."""

    def text(self, record: object) -> str:
        """``record`` as a line."""
        return jsontext.compact(self.convert(record)) + "\n"


class JsonArray(_Json):
    """A JSON array, one element per line, valid after ``close`` and after ``abort``."""

    def text(self, record: object) -> str:
        """``record`` as an element; no line end yet, for a comma may have to follow."""
        element = jsontext.spaced(self.convert(record))
        return f",\n  {element}" if self.begun else f"\n  {element}"

    def opening(self) -> str:
        """The bracket."""
        return "["

    def ending(self) -> str:
        """The other bracket, on a line of its own where there are elements."""
        return "\n]\n" if self.begun else "]\n"


class _Separated(_Lines):
    def prepare(self) -> None:
        self.fields = _fields.of(self.record) if self.selected is None else self.selected

    def cells(self, record: object) -> list[str]:
        return [machine(getattr(record, field.attribute)) for field in self.fields]


class Csv(_Separated):
    """RFC 4180 with a header line; lines end with a line feed alone, as Unix tools expect.

    Line feeds and tabs inside a value stay what they are, the value then being quoted.
    """

    def prepare(self) -> None:
        """Make a csv writer whose ``writerow`` returns the line."""
        import csv

        super().prepare()
        self._line = csv.writer(_Echo(), lineterminator="\n").writerow

    def text(self, record: object) -> str:
        """``record`` as a row."""
        return self._row([safe(cell, newlines=True) for cell in self.cells(record)])

    def opening(self) -> str:
        """The header."""
        return self._row([field.key for field in self.fields])

    def _row(self, cells: list[str]) -> str:
        line: Any = self._line(cells)
        return str(line)


class _Echo:
    """A file whose ``write`` gives back what it gets, which ``csv.writer`` hands on."""

    def write(self, text: str) -> str:
        return text


class Tsv(_Separated):
    r"""Values between tabs, with a header line; tab, line feed, backslash are ``\t \n \\``."""

    def text(self, record: object) -> str:
        r"""``record`` as a row. The backslash is doubled first: what follows can be read back."""
        return self._row([safe(cell.replace("\\", "\\\\")) for cell in self.cells(record)])

    def opening(self) -> str:
        """The header."""
        return self._row([field.key for field in self.fields])

    @staticmethod
    def _row(cells: list[str]) -> str:
        return "\t".join(cells) + "\n"


class Plain(_Lines):
    """The identifying value alone (of ``--fields``: the first), one per line, for ``xargs``.

    A list gives one line per element; what is absent gives none. XML stays XML: a line break in it
    is a reference. The text of a message is what it says (``Message.told``), styled where
    ``styling``.
    """

    def __init__(self, *args: Any, styling: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._styling = styling

    def prepare(self) -> None:
        """Find the field."""
        field = self.selected[0] if self.selected else _fields.identifying(self.record)
        self._read = attrgetter(field.attribute)
        self._is_xml = field.key in ("raw_xml", "xml")
        self._is_told = not self.selected and field.attribute == getattr(self.record, "TOLD", None)

    def text(self, record: object) -> str:
        """The lines of ``record``."""
        value = self._read(record)
        if self._is_told and value is not None:
            return self._told(record)
        if self._is_xml and value is not None:
            value = value.replace("\n", "&#10;").replace("\t", "&#9;")
        items = value if isinstance(value, list | tuple) else [value]
        return "".join(f"{safe(machine(item))}\n" for item in items if item is not None)

    def _told(self, record: Any) -> str:
        before, text, styled = record.told(spoilers=True)
        if not styled or not self._styling:
            return f"{safe(before + text)}\n"
        from xmppctl.output.color import styled as painted
        from xmppctl.output.styling import segments

        pieces = [(safe(piece), styles) for piece, styles in segments(text)]
        return f"{safe(before)}{painted(''.join(piece for piece, _ in pieces), pieces)}\n"
