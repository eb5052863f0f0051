"""The operations: XSO classes and ``async def`` functions that take a session and give records.

Each module is named by its function and declares what it implements in ``XEPS``; the XEP table of
the documentation and the DOAP file come from there. Payloads are aioxmpp's XSO classes where it
has them, own XSO classes where it has none.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import Literal

from xmppctl.session import lean

lean.install()


@dataclass(frozen=True)
class Xep:
    """One XEP that is implemented: ``status`` in the words of XEP-0453."""

    number: str
    version: str
    status: Literal["complete", "partial", "planned", "deprecated", "removed"]
    note: str = ""


def implemented() -> list[tuple[Xep, str]]:
    """All declared XEPs with the module that declares each, by number."""
    found: list[tuple[Xep, str]] = []
    for package in ("xmppctl.protocol", "xmppctl.session"):
        root = importlib.import_module(package)
        for info in pkgutil.walk_packages(root.__path__, f"{package}."):
            module = importlib.import_module(info.name)
            found.extend((xep, info.name) for xep in getattr(module, "XEPS", ()))
    return sorted(found, key=lambda pair: pair[0].number)
