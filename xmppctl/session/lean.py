"""aioxmpp without its start-up cost: the XSO layer alone (docs/design/002-lean-aioxmpp.md).

``import aioxmpp`` runs every service module, OpenSSL, babel and the resolver: over 250 ms that a
one-shot command does not use. ``install()`` sees to it that the first import of aioxmpp makes
packages whose ``__init__`` runs only when something is asked of them that their submodules do not
have, and stands in for four heavy modules until they are touched. All of it is the real code, only
later; what uses no class of aioxmpp loads nothing of it.

``XMPPCTL_STOCK_AIOXMPP=1`` imports aioxmpp as it is; the tests run every command that way too.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import sys
import types
from typing import TYPE_CHECKING, Any, TypeVar, cast

from xmppctl import standins
from xmppctl.errors import UsageError, missing_aioxmpp

if TYPE_CHECKING:
    from importlib.abc import Loader

_Package = TypeVar("_Package", bound="_Bare")

_PACKAGES = ("adhoc", "blocking", "disco", "ibr", "muc", "ping", "pubsub", "roster", "vcard")
_DEFERRED = ("aioxmpp.i18n", "lxml.etree", "lxml.sax", "pytz")
# the order in which aioxmpp's circular modules can be imported, as in its own __init__
_CORE = ("errors", "stanza", "structs")


def stock() -> bool:
    """Whether the user asked for the plain ``import aioxmpp``."""
    return os.environ.get("XMPPCTL_STOCK_AIOXMPP", "") not in ("", "0")


def install() -> None:
    """Make ``aioxmpp.*`` importable at little cost. Cheap to call again.

    Raises UsageError with the command that completes the installation where aioxmpp is missing.
    """
    if "aioxmpp" in sys.modules or any(isinstance(each, _Finder) for each in sys.meta_path):
        return
    spec = importlib.machinery.PathFinder.find_spec("aioxmpp")
    if spec is None or spec.loader is None:
        raise missing_aioxmpp()
    if not stock():
        sys.meta_path.insert(0, _Finder(spec))
        return
    try:
        importlib.import_module("aioxmpp")
    except ModuleNotFoundError as error:
        raise UsageError(
            f"XMPPCTL_STOCK_AIOXMPP needs all that aioxmpp depends on: {error}",
            step="start",
            condition="missing-dependency",
        ) from None


class _Finder:
    """Finds the package ``aioxmpp``, and is its loader: the arrangement begins with its import."""

    def __init__(self, real: importlib.machinery.ModuleSpec) -> None:
        self._real = real

    def find_spec(
        self, name: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module spec of ``aioxmpp``; None for all else."""
        if name != "aioxmpp":
            return None
        real, loader = self._real, cast("Loader", self)
        spec = importlib.machinery.ModuleSpec(name, loader, origin=real.origin, is_package=True)
        spec.submodule_search_locations = real.submodule_search_locations
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> _Root:
        """The bare package."""
        return _bare(self._real, _Root)

    def exec_module(self, root: types.ModuleType) -> None:
        """Put the other bare packages below it, and import what has to come first."""
        # its own __init__ runs by this one when it has to
        root.__spec__, root.__loader__ = self._real, self._real.loader
        for name in _PACKAGES:
            sub = importlib.machinery.PathFinder.find_spec(f"aioxmpp.{name}", root.__path__)
            assert sub is not None
            package = _bare(sub, _Bare)
            sys.modules[sub.name] = package
            setattr(root, name, package)
        for name in _DEFERRED:
            standins.defer(name)
        # aioxmpp.errors makes one at import time, which alone would load babel and tzlocal
        sys.modules["aioxmpp.i18n"].__dict__["LocalizingFormatter"] = _Formatter
        for name in _CORE:
            importlib.import_module(f"aioxmpp.{name}")


class _Bare(types.ModuleType):
    """A package whose ``__init__`` runs when something is asked that is not there yet."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        full = f"{self.__name__}.{name}"
        if importlib.machinery.PathFinder.find_spec(full, self.__path__) is not None:
            return importlib.import_module(full)
        if not self.__dict__.get("_complete"):
            self.__dict__["_complete"] = True
            spec = self.__spec__
            assert spec is not None and spec.loader is not None
            spec.loader.exec_module(self)
            return getattr(self, name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


class _Root(_Bare):
    """The package ``aioxmpp``: public names come from the core modules that define them."""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__"):
            for core in _CORE:
                module = sys.modules.get(f"aioxmpp.{core}")
                if module is not None and name in module.__dict__:
                    return module.__dict__[name]
        return super().__getattr__(name)


def _bare(spec: importlib.machinery.ModuleSpec, kind: type[_Package]) -> _Package:
    module = kind(spec.name)
    module.__spec__ = spec
    module.__loader__ = spec.loader
    module.__package__ = spec.name
    module.__path__ = list(spec.submodule_search_locations or [])
    module.__file__ = spec.origin
    return module


class _Formatter:
    """A LocalizingFormatter that is made when it formats for the first time."""

    def __getattr__(self, name: str) -> Any:
        return getattr(standins.real("aioxmpp.i18n").LocalizingFormatter(), name)
