"""What a package consists of."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def modules(path: Iterable[str]) -> list[str]:
    """The names of the modules and packages of a package with this ``__path__``, sorted.

    As ``pkgutil`` finds them; to import it takes longer than most commands do.
    """
    found: set[str] = set()
    for directory in path:
        try:
            entries = os.scandir(directory)
        except NotADirectoryError:  # inside a zip file
            from pkgutil import iter_modules

            found.update(module.name for module in iter_modules([directory]))
            continue
        with entries:
            for entry in entries:
                name, _, ending = entry.name.partition(".")
                if ending == "py" or (not ending and Path(entry.path, "__init__.py").is_file()):
                    found.add(name)
    return sorted(found - {"__init__"})
