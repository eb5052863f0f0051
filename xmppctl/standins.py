"""Modules that are imported by others on our way but used by nobody: loaded when they are touched.

Importing Click, dataclasses and asyncio loads ``inspect``, ``uuid``, ``logging``, ``subprocess``
and what these need in turn, 25 ms of a start, and none of it has a use in a run that goes well. In
the process of the command ``prepare()`` puts a stand-in for each into ``sys.modules``; whatever is
asked of one it asks of the real module (docs/design/007-start-up.md). Nothing that is loaded
already is replaced, and who imports the package in a process of his own sees nothing of this.
"""

from __future__ import annotations

import _thread
import importlib
import sys
import types
from contextlib import contextmanager

TYPE_CHECKING = False  # of ``typing``, which takes 3 ms that the first byte of a run waits for
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_LOCK = _thread.allocate_lock()


class Deferred(types.ModuleType):
    """Stands for a module until something is asked of it that is not among ``known``.

    importlib's LazyLoader does not serve: up to Python 3.11 a second ``import`` of the module
    already counts as a touch.
    """

    def __init__(self, name: str, known: dict[str, Any] | None = None) -> None:
        super().__init__(name)
        self.__dict__.update(known or {})

    def __getattr__(self, name: str) -> Any:
        # an import statement looks for names of this kind, but for two of them only to use it
        asked = name == "__all__" or (name == "__path__" and self.__name__ in _PACKAGES)
        if name.startswith("__") and not asked:
            raise AttributeError(name)
        return getattr(real(self.__name__), name)


def real(name: str) -> types.ModuleType:
    """The module itself."""
    with _LOCK:  # for the change of places only: two threads may be the first to ask
        if isinstance(sys.modules.get(name), Deferred):
            del sys.modules[name]
    return importlib.import_module(name)


def defer(name: str, known: dict[str, Any] | None = None) -> None:
    """Put a stand-in in the place of a module that is not loaded yet.

    ``known``: names that are used when others are imported, with what is as good for that.
    """
    if name in sys.modules:
        return
    module = Deferred(name, known)
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(importlib.import_module(parent), child, module)
    sys.modules[name] = module


_PACKAGES = frozenset({"concurrent.futures", "logging"})


def prepare() -> None:
    """Defer what the start of a command would load in vain; for its own process alone."""
    _datetime()
    defer("inspect", {"cleandoc": _cleandoc})
    defer("uuid", {"UUID": _Placeholder})
    # where nobody translated Click's messages, which are not ours to ship, this is what they do
    defer("gettext", {"gettext": str, "ngettext": _one_or_many})
    # Click takes every -x for a long option first, and looks for those that it may be a slip of
    defer("difflib", {"get_close_matches": _nothing_near})
    defer("copy", {name: _late("copy", name) for name in ("copy", "deepcopy")})
    temporary = ("TemporaryFile", "gettempdir")  # platformdirs
    defer("tempfile", {name: _late("tempfile", name) for name in temporary})
    defer("linecache")
    defer("fnmatch")
    defer("ntpath")
    defer("ipaddress")
    defer("urllib.parse", {"quote_from_bytes": _late("urllib.parse", "quote_from_bytes")})
    defer("traceback", {"extract_stack": _late("traceback", "extract_stack")})
    defer("logging", {"DEBUG": 10, "getLogger": _Logger})
    defer("subprocess", {"PIPE": -1, "STDOUT": -2, "DEVNULL": -3})
    waits = ("FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED")
    defer("concurrent.futures", {name: name for name in waits})


def settle() -> None:
    """Take the placeholders back that were only good for the import of Click."""
    uuid = sys.modules.get("uuid")
    if isinstance(uuid, Deferred):
        uuid.__dict__.pop("UUID", None)


class _Placeholder:
    """A class that stands for another one as the parameter of a generic type."""


def _cleandoc(doc: str) -> str:
    """``inspect.cleandoc``, which Click calls for every help text."""
    first, *rest = doc.expandtabs().split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=0)
    lines = [first.lstrip(), *(line[margin:] for line in rest)]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return "\n".join(lines)


@contextmanager
def metadata_unasked() -> Iterator[None]:
    """Import tabulate, which asks importlib.metadata (17 ms) for a version that nobody wants."""
    name = "importlib.metadata"
    if name in sys.modules:
        yield
        return
    defer(name, {"version": lambda name: "unknown", "PackageNotFoundError": LookupError})
    try:
        yield
    finally:
        if isinstance(sys.modules[name], Deferred):
            del sys.modules[name], importlib.metadata


def _datetime() -> None:
    """Python 3.11 runs the pure Python form of ``datetime`` and then throws it away."""
    if sys.version_info < (3, 12) and "datetime" not in sys.modules:
        import _datetime  # type: ignore[import-not-found]

        module = types.ModuleType("datetime", _datetime.__doc__)
        public = {name: vars(_datetime)[name] for name in vars(_datetime) if name[0] != "_"}
        module.__dict__.update(public)
        sys.modules["datetime"] = module


def _nothing_near(word: str, possibilities: object) -> list[str]:
    """``difflib.get_close_matches`` for Click alone, whose proposals are never shown: ours are."""
    return []


def _one_or_many(one: str, many: str, number: int) -> str:
    """``gettext.ngettext`` without a catalogue."""
    return one if number == 1 else many


def _late(module: str, name: str) -> Callable[..., Any]:
    """A function of a module, for who binds it when it is imported itself."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(real(module), name)(*args, **kwargs)

    return call


class _Logger:
    """A logger that is made when it is used: asyncio has one that keeps silent in a good run."""

    def __init__(self, name: str | None = None) -> None:
        self.__dict__["_name"] = name

    def debug(self, *args: Any, **kwargs: Any) -> None:
        """Nobody can have asked for it while the module is not loaded."""
        if not isinstance(sys.modules["logging"], Deferred):
            self.__getattr__("debug")(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(real("logging").getLogger(self.__dict__["_name"]), name)
