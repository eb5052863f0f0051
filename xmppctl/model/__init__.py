"""Records: frozen dataclasses that are the public output of every command.

Rules of a record:

- ``@dataclass(frozen=True)``, standard library only, no behaviour beyond derived values;
- the class docstring is the schema's description; every field is ``Annotated[type, "what it
  is, with its unit"]``, the type being ``str int float bool datetime``, a ``Literal``, another
  record, ``dict[str, ...]``, ``list[...]``, or one of these ``| None``;
- JIDs are strings, times are aware ``datetime`` values, sizes are integers in bytes, durations
  carry their unit in the name (``rtt_ms``);
- class variables tell the output how to show it (all optional):
  ``TABLE``   names of the columns of a table (default: all fields),
  ``PLAIN``   name of the one identifying field (default: the first field),
  ``SPARSE``  True where absent (None, empty) fields are left out of JSON.
"""
