"""aioxmpp without its start-up cost: the XSO layer alone (docs/design/002-lean-aioxmpp.md).

``import aioxmpp`` runs every service module, OpenSSL, babel and the resolver: over 250 ms that a
one-shot command does not use. ``install()`` puts packages into ``sys.modules`` whose ``__init__``
runs only when something is asked of them that their submodules do not have, and stands in for
four heavy modules until they are touched. All of it is the real code, only later.

``XMPPCTL_STOCK_AIOXMPP=1`` imports aioxmpp as it is; the tests run every command that way too.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types
from typing import Any

from xmppctl.errors import UsageError, missing_aioxmpp

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
    if "aioxmpp" in sys.modules:
        return
    spec = importlib.util.find_spec("aioxmpp")
    if spec is None or spec.loader is None:
        raise missing_aioxmpp()
    if stock():
        try:
            importlib.import_module("aioxmpp")
        except ModuleNotFoundError as error:
            raise UsageError(
                f"XMPPCTL_STOCK_AIOXMPP needs all that aioxmpp depends on: {error}",
                step="start",
                condition="missing-dependency",
            ) from None
        return
    root = _bare(spec, _Root)
    for name in _PACKAGES:
        sub = importlib.util.find_spec(f"aioxmpp.{name}")
        assert sub is not None
        setattr(root, name, _bare(sub, _Bare))
    for name in _DEFERRED:
        _defer(name)
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
        if importlib.util.find_spec(full) is not None:
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


def _bare(spec: importlib.machinery.ModuleSpec, kind: type[_Bare]) -> _Bare:
    module = kind(spec.name)
    module.__spec__ = spec
    module.__loader__ = spec.loader
    module.__package__ = spec.name
    module.__path__ = list(spec.submodule_search_locations or [])
    module.__file__ = spec.origin
    sys.modules[spec.name] = module
    return module


class _Deferred(types.ModuleType):
    """Stands for a module until something is asked of it; then for the real one.

    importlib's LazyLoader does not serve: up to Python 3.11 a second ``import`` of the module
    already counts as a touch.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_real(self.__name__), name)


def _real(name: str) -> types.ModuleType:
    if isinstance(sys.modules.get(name), _Deferred):
        del sys.modules[name]
    return importlib.import_module(name)


class _Formatter:
    """A LocalizingFormatter that is made when it formats for the first time."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_real("aioxmpp.i18n").LocalizingFormatter(), name)


def _defer(name: str) -> None:
    if name in sys.modules:
        return
    module = _Deferred(name)
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(importlib.import_module(parent), child, module)
    sys.modules[name] = module
