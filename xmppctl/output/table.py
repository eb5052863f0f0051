"""Tables for people: one line per record, or one line per field of a single record.

Headings are the keys in capitals with spaces (``rtt_ms``: ``RTT MS``), so that ``--fields`` can be
read off them. No line is drawn, columns are two spaces apart, numbers stand to the right, and
nothing at all is printed where there is no record.

Without a terminal (``width`` None) every cell is whole. On one, the longest cells end in an
ellipsis until the line fits; never those that one copies or compares: the identifying field,
numbers, times. A single record is never cut.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TextIO

from xmppctl import standins
from xmppctl.output import color as _color
from xmppctl.output import fields as _fields
from xmppctl.output import values
from xmppctl.output.cells import human
from xmppctl.output.escape import safe
from xmppctl.output.fields import Field
from xmppctl.output.width import clip, columns

CHUNK = 200
"""Records of a stream that are kept before they are printed, unless ``flush`` comes first."""

SHORT = 20
"""Lines that are laid out here; from there on tabulate does it."""

_GAP = 2
_NARROWEST = 8  # no column is cut to less

_JIDS = frozenset(("by", "from", "inviter", "jid", "nick", "real_jid", "room", "to"))

_PLACE = "\x1b\\[([0-9]+)zx*"


class Cell(NamedTuple):
    """A text to show, escaped already, and the name whose colour it has, if any.

    ``styles``: the pieces that it consists of, and how each is styled (``styling.segments``).
    """

    text: str
    name: str | None = None
    bold: bool = False
    styles: tuple[tuple[str, tuple[str, ...]], ...] = ()


class _Table(ABC):
    """What both kinds share."""

    def __init__(
        self,
        record: type,
        selected: tuple[Field, ...] | None,
        stream: TextIO,
        *,
        live: bool,
        color: bool,
        width: int | None,
        spoilers: bool = False,
        styling: bool = False,
    ) -> None:
        self.record = record
        self.selected = selected
        self.stream = stream
        self.live = live
        self.color = color
        self.width = width
        self._spoilers = spoilers
        self._styling = styling
        self._told = getattr(record, "TOLD", None)
        self._true = _color.truecolor(os.environ)
        # XEP-0392 colours: the class variable JIDS names the fields, or their usual keys do.
        jids = getattr(record, "JIDS", None)
        self._jids = _JIDS if jids is None else frozenset(jids)

    @abstractmethod
    def write(self, record: object) -> None:
        """Print ``record``, or keep it."""

    @abstractmethod
    def flush(self) -> None:
        """Print what is kept."""

    def close(self) -> None:
        """Print what is kept."""
        self.flush()

    def abort(self) -> None:
        """Print what is kept: those records are known all the same."""
        self.flush()

    def of(self, field: Field, record: Any) -> Cell:
        """The cell of ``field`` in the line of a record.

        Two things concern records that are messages (``TOLD`` names the field with the text): what
        is shown in the place of the text, and that an occupant of a room has the colour of the
        nickname.
        """
        value = getattr(record, field.attribute)
        if self._told is None:
            return self.cell(field, value)
        if field.attribute == self._told:
            before, text, styled = record.told(spoilers=self._spoilers)
            if styled and self._styling:
                return _styled(before, text)
            return Cell(safe(before + text))
        cell = self.cell(field, value)
        if cell.name is not None and field.key == "from" and record.muc is not None:
            return cell._replace(name=record.muc.nick or cell.name)
        return cell

    def cell(self, field: Field, value: object) -> Cell:
        """The cell of a ``value`` of ``field``."""
        text = safe(human(value, local=self.width is not None))
        if self.color and isinstance(value, str) and field.key in self._jids:
            return Cell(text, value.partition("/")[0])
        return Cell(text)

    def heading(self, field: Field) -> Cell:
        """The heading of ``field``."""
        return Cell(field.key.replace("_", " ").upper(), bold=self.color)

    def print(self, rows: Sequence[Sequence[Cell]], widths: Sequence[int], right: set[int]) -> None:
        """Lay out ``rows`` in columns of at least ``widths``, numbered ones to the right."""
        lines = self._short if len(rows) <= SHORT else self._long
        for line in lines(rows, widths, right):
            self.stream.write(f"{line.rstrip()}\n")
        self.stream.flush()

    def _short(
        self, rows: Sequence[Sequence[Cell]], widths: Sequence[int], right: set[int]
    ) -> Iterator[str]:
        """What ``_long`` gives, without tabulate: its import takes longer than a short run."""
        sizes = [[columns(cell.text) for cell in row] for row in rows]
        wide = [max(width, *(size[i] for size in sizes)) for i, width in enumerate(widths)]
        for row, size in zip(rows, sizes, strict=True):
            cells = []
            for i, cell in enumerate(row):
                text, rest = self._painted(cell), " " * (wide[i] - size[i])
                cells.append(rest + text if i in right else text + rest)
            yield (" " * _GAP).join(cells)

    def _long(
        self, rows: Sequence[Sequence[Cell]], widths: Sequence[int], right: set[int]
    ) -> Iterator[str]:
        """The lines as tabulate lays them out.

        It counts characters, not columns of a terminal, and strips white space: it lays out
        stand-ins of the right width, into whose places the texts are put afterwards.
        """
        with standins.metadata_unasked():
            from tabulate import tabulate

        cells: list[Cell] = []

        def stand_in(cell: Cell) -> str:
            cells.append(cell)
            return f"\x1b[{len(cells) - 1}z" + "x" * columns(cell.text)

        ruler = ["x" * width for width in widths]
        laid_out: str = tabulate(
            [ruler, *([stand_in(cell) for cell in row] for row in rows)],
            tablefmt="plain",
            disable_numparse=True,
            colalign=["right" if number in right else "left" for number in range(len(widths))],
        )
        _, *lines = laid_out.split("\n")
        for line in lines:
            yield re.sub(_PLACE, lambda match: self._painted(cells[int(match[1])]), line)

    def _painted(self, cell: Cell) -> str:
        if cell.bold:
            return f"{_color.BOLD}{cell.text}{_color.NORMAL}"
        if cell.name is not None and cell.text:
            return _color.ansi(cell.name, cell.text, true=self._true)
        return _color.styled(cell.text, cell.styles) if cell.styles else cell.text


class ObjectTable(_Table):
    """One record as two columns, key and value; a list or dict has one line per element.

    Unless they were chosen, all fields that say something are shown (``TABLE`` is for lines).
    """

    def write(self, record: object) -> None:
        """Print ``record``."""
        shown = _fields.of(self.record) if self.selected is None else self.selected
        rows: list[tuple[Cell, Cell]] = []
        for field in shown:
            value = getattr(record, field.attribute)
            if self.selected is None and values.absent(value):
                continue
            items = self._elements(value) or [value]
            rows.append((self.heading(field), self.cell(field, items[0])))
            rows.extend((Cell(""), self.cell(field, item)) for item in items[1:])
        if rows:
            self.print(rows, (0, 0), set())

    def _elements(self, value: object) -> list[Any]:
        if isinstance(value, dict):
            local = self.width is not None
            return [f"{key}={human(item, local=local)}" for key, item in value.items()]
        return list(value) if isinstance(value, list | tuple) else []

    def flush(self) -> None:
        """Nothing is kept."""


class ArrayTable(_Table):
    """One line per record under a line of headings.

    The lines of a stream are printed in portions, the columns of all as wide as the first
    portion made them, or wider where a later one needs it.

    Two class variables of a record concern those tables alone whose columns nobody chose:
    ``OPTIONAL`` names columns that are left out where all of their cells are empty, ``TREE`` a
    field with a list of names: records stand indented below the names of theirs, where it is not
    None.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fields = _fields.columns(self.record) if self.selected is None else self.selected
        identifying = _fields.identifying(self.record)
        kinds = [set(_fields.members(field.type)) - {type(None)} for field in self._fields]
        self._right = {i for i, kind in enumerate(kinds) if kind and kind <= {int, float}}
        self._whole = {
            i
            for i, field in enumerate(self._fields)
            if i in self._right or kinds[i] == {datetime} or field == identifying
        }
        self._widths = [0] * len(self._fields)
        self._rows: list[list[Cell]] = []
        self._begun = False
        chosen = self.selected is not None
        self._optional = () if chosen or self.live else tuple(getattr(self.record, "OPTIONAL", ()))
        self._tree = None if chosen else getattr(self.record, "TREE", None)
        self._path: list[str] = []

    def write(self, record: object) -> None:
        """Keep ``record``."""
        row = [self.of(field, record) for field in self._fields]
        path = None if self._tree is None else getattr(record, self._tree)
        if path is not None:
            self._branch(path)
            row[0] = _indented(row[0], len(path))
        self._rows.append(row)
        if self.live and len(self._rows) >= CHUNK:
            self.flush()

    def _branch(self, path: list[str]) -> None:
        """Keep lines with the names of ``path`` that the record before has not got."""
        common = 0
        for here, before in zip(path, self._path, strict=False):
            if here != before:
                break
            common += 1
        rest = [Cell("")] * (len(self._fields) - 1)
        for depth in range(common, len(path)):
            name = Cell(safe(path[depth]), bold=self.color)
            self._rows.append([_indented(name, depth), *rest])
        self._path = path

    def flush(self) -> None:
        """Print the records that are kept."""
        if not self._rows:
            return
        rows, self._rows = self._rows, []
        if not self._begun:
            rows = self._without_empty(rows)
            rows.insert(0, [self.heading(field) for field in self._fields])
            self._begun = True
        self._widths = [
            max(width, *(columns(row[i].text) for row in rows))
            for i, width in enumerate(self._widths)
        ]
        self._fit()
        rows = [
            [
                cell if i in self._whole else cell._replace(text=clip(cell.text, self._widths[i]))
                for i, cell in enumerate(row)
            ]
            for row in rows
        ]
        self.print(rows, self._widths, self._right)

    def _without_empty(self, rows: list[list[Cell]]) -> list[list[Cell]]:
        """Leave out, for good, the optional columns in which nothing stands."""
        kept = [
            i
            for i, field in enumerate(self._fields)
            if field.attribute not in self._optional or any(row[i].text for row in rows)
        ]
        if len(kept) == len(self._fields):
            return rows
        self._fields = tuple(self._fields[i] for i in kept)
        self._widths = [self._widths[i] for i in kept]
        self._right = {new for new, old in enumerate(kept) if old in self._right}
        self._whole = {new for new, old in enumerate(kept) if old in self._whole}
        return [[row[i] for i in kept] for row in rows]

    def _fit(self) -> None:
        """Narrow the widest columns that may be cut until a line fits, as far as it can."""
        if self.width is None:
            return
        room = self.width - _GAP * (len(self._widths) - 1)
        cut = [i for i in range(len(self._widths)) if i not in self._whole]
        while (excess := sum(self._widths) - room) > 0:
            widest = max(cut, key=lambda i: self._widths[i], default=None)
            if widest is None or self._widths[widest] <= _NARROWEST:
                return
            others = [self._widths[i] for i in cut if i != widest]
            # down to the next widest at once, then column by column
            step = max(self._widths[widest] - max([_NARROWEST, *others]), 1)
            self._widths[widest] -= min(step, excess)


def _styled(before: str, text: str) -> Cell:
    from xmppctl.output.styling import segments

    pieces = [(safe(before), ()), *((safe(piece), styles) for piece, styles in segments(text))]
    return Cell("".join(piece for piece, _ in pieces), styles=tuple(pieces))


def _indented(cell: Cell, depth: int) -> Cell:
    return Cell("  " * depth + cell.text, cell.name, cell.bold)
