"""Records: frozen dataclasses that are the public output of every command.

Rules of a record:

- ``@dataclass(frozen=True)``, standard library only, no behaviour beyond derived values;
- the class docstring is the schema's description; every field is ``Annotated[type, "what it
  is, with its unit"]``, the type being ``str int float bool datetime``, a ``Literal``, another
  record, ``dict[str, ...]``, ``list[...]``, or one of these ``| None``;
- a trailing underscore is dropped in the output (``from_`` is ``from`` there);
- JIDs are strings, times are aware ``datetime`` values, sizes are integers in bytes, durations
  carry their unit in the name (``rtt_ms``);
- class variables tell the output how to show it (all optional):
  ``TABLE``   names of the columns of a table (default: all fields),
  ``PLAIN``   name of the one identifying field (default: the first field),
  ``JIDS``    names of the fields that are coloured as JIDs (default: by their usual names),
  ``SPARSE``  True where absent fields (None, empty lists and dicts) are left out of JSON;
- a field named ``error`` (``ErrorInfo | None``) tells that the target of a record failed, and so
  does the exit code then; an error that is mere data, such as a bounce in the archive, is
  ``error_``;
- a record that stands inside another one may have a ``__str__`` for the cell of a table.
"""
