"""How far a server meets the XMPP Compliance Suites 2023 (XEP-0479)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Annotated, ClassVar, Literal, get_args

from xmppctl.records import dataclass

Category = Literal["core", "web", "im", "mobile", "av"]
Level = Literal["server", "advanced", "note", "future"]
Claim = Literal["server", "advanced"]
Status = Literal["ok", "fail", "unknown", "absent"]
Method = Literal["live", "stream", "disco", "software", "untested", "none"]

CATEGORIES: tuple[Category, ...] = get_args(Category)
CLAIMS: tuple[Claim, ...] = get_args(Claim)
"""The levels that a server can reach, the lower one first."""


@dataclass(frozen=True)
class Requirement:
    """What the suites ask of a server, or note, and whether it is there."""

    PLAIN: ClassVar[str] = "requirement"
    TABLE: ClassVar[tuple[str, ...]] = (
        "category", "level", "requirement", "title", "status", "method", "detail",
    )  # fmt: skip

    category: Annotated[Category | None, "category of the suite; null for what is of none yet"]
    level: Annotated[
        Level,
        "from which level on it is required: server or advanced; note and future are not required",
    ]
    feature: Annotated[str, "what it provides, in the words of the suite"]
    requirement: Annotated[str, "the specification, such as XEP-0280"]
    title: Annotated[str, "its title"]
    status: Annotated[
        Status,
        "ok, fail, or unknown where it could not be found out; absent: not there, nor required",
    ]
    method: Annotated[
        Method,
        "how that is known: live (it was used), stream (the stream offers it), disco (it is "
        "announced), software (the software implements it), untested (why, is in the detail), none "
        "(no client can know)",
    ]
    detail: Annotated[str, "what was found"]

    @property
    def required(self) -> bool:
        """Whether a level depends on it."""
        return self.level in CLAIMS

    @property
    def proven(self) -> bool:
        """Whether it keeps from no level: it is there, or no client can ever know."""
        return self.status == "ok" or self.method == "none"


@dataclass(frozen=True)
class Reached:
    """The level that a server reaches in one category."""

    PLAIN: ClassVar[str] = "category"

    category: Annotated[Category, "category of the suite"]
    level: Annotated[Claim | None, "the highest level for which all is there; null: none"]
    missing: Annotated[list[str], "what is missing for the next level"] = field(
        default_factory=list
    )
    unknown: Annotated[list[str], "what the next level needs and could not be found out"] = field(
        default_factory=list
    )


def needed(found: Iterable[Requirement], category: Category, level: Claim) -> Iterator[Requirement]:
    """What a level of a category needs: all of that level of the category core, too."""
    levels = CLAIMS[: CLAIMS.index(level) + 1]
    for each in found:
        if each.category in ("core", category) and each.level in levels:
            yield each


def reached(found: list[Requirement], category: Category) -> Reached:
    """The level that is reached in a category, and what keeps from the next one."""
    best: Claim | None = None
    for level in CLAIMS:
        lacking = [each for each in needed(found, category, level) if not each.proven]
        if lacking:
            missing = [each for each in lacking if each.status == "fail"]
            unknown = [each for each in lacking if each.status == "unknown"]
            return Reached(category, best, _names(missing), _names(unknown))
        best = level
    return Reached(category, best)


def _names(found: list[Requirement]) -> list[str]:
    return list(dict.fromkeys(each.requirement for each in found))
