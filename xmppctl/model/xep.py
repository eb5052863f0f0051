"""Which XEPs a module implements; it declares ``XEPS = (Xep("0199", "2.0.1", "complete"),)``."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Literal

from xmppctl.records import dataclass

Status = Literal["complete", "partial", "planned", "deprecated", "removed", "wontfix"]

_WEAKEST_LAST: tuple[Status, ...] = (
    "complete",
    "partial",
    "planned",
    "deprecated",
    "removed",
    "wontfix",
)


@dataclass(frozen=True)
class Xep:
    """One XEP that is implemented: ``status`` in the words of XEP-0453 §4.2."""

    number: str
    version: str
    status: Status
    note: str = ""


@dataclass(frozen=True)
class Support:
    """One XEP with all the modules that implement a part of it."""

    xep: Xep
    modules: tuple[str, ...]


def merge(declared: Iterable[tuple[Xep, str]]) -> list[Support]:
    """What is declared with the declaring modules, as one entry for each XEP, by number.

    The weakest status counts, notes are joined. Raises ValueError where two modules implement
    different versions of one XEP.
    """
    result = []
    ordered = sorted(declared, key=lambda pair: (pair[0].number, pair[1]))
    for number, group in groupby(ordered, key=lambda pair: pair[0].number):
        pairs = list(group)
        modules = tuple(dict.fromkeys(module for _, module in pairs))
        versions = {xep.version for xep, _ in pairs}
        if len(versions) > 1:
            raise ValueError(
                f"XEP-{number} is declared in the versions {' and '.join(sorted(versions))} "
                f"by {' and '.join(modules)}"
            )
        status = max((xep.status for xep, _ in pairs), key=_WEAKEST_LAST.index)
        note = "; ".join(dict.fromkeys(xep.note for xep, _ in pairs if xep.note))
        result.append(Support(Xep(number, versions.pop(), status, note), modules))
    return result
