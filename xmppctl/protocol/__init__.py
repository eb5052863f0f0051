"""The operations: XSO classes and ``async def`` functions that take a session and give records.

Each module is named by its function and declares what it implements in ``XEPS``; the XEP table of
the documentation and the DOAP file come from there. Payloads are aioxmpp's XSO classes where it
has them, own XSO classes where it has none.
"""

from __future__ import annotations

import importlib

from xmppctl.model.xep import Xep
from xmppctl.session import lean

__all__ = ["Xep", "implemented"]

lean.install()

_DECLARING = ("xmppctl.model", "xmppctl.output", "xmppctl.session", "xmppctl.protocol")


def implemented() -> list[tuple[Xep, str]]:
    """All declared XEPs with the module that declares each, by number, then module."""
    import pkgutil

    found: list[tuple[Xep, str]] = []
    for package in _DECLARING:
        root = importlib.import_module(package)
        for info in pkgutil.walk_packages(root.__path__, f"{package}."):
            module = importlib.import_module(info.name)
            found.extend((xep, info.name) for xep in getattr(module, "XEPS", ()))
    return sorted(found, key=lambda pair: (pair[0].number, pair[1]))
