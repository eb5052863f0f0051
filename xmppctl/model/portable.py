"""An account's data as a file (XEP-0227): what is in it, what became of it in another account."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass

Part = Literal["roster", "vcard", "private", "bookmarks", "blocking", "pep", "offline", "mam"]

PARTS: tuple[Part, ...] = (
    "roster",
    "vcard",
    "private",
    "bookmarks",
    "blocking",
    "pep",
    "offline",
    "mam",
)

BOOKMARKS = frozenset({"storage:bookmarks", "urn:xmpp:bookmarks:1"})
"""Where rooms are kept: a namespace of private storage, and nodes."""


@dataclass(frozen=True)
class Wanted:
    """Which parts of an account are meant; ``without`` are those that were excluded by name.

    Bookmarks are a part of the private storage and of the nodes, unless they are excluded.
    """

    parts: frozenset[str] = frozenset(PARTS)
    without: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        """Whether nothing was named, but perhaps excluded."""
        return self.parts | self.without == frozenset(PARTS)

    def has(self, part: Part) -> bool:
        """Whether a part is meant, if only a piece of it."""
        if part in ("private", "pep"):
            return part in self.parts or "bookmarks" in self.parts
        return part in self.parts

    def private(self, namespace: str) -> bool:
        """Whether what the private storage has of this namespace is meant."""
        return self._kept("private", namespace)

    def node(self, name: str) -> bool:
        """Whether this node is meant."""
        return self._kept("pep", name)

    def _kept(self, part: str, name: str) -> bool:
        if name not in BOOKMARKS:
            return part in self.parts
        return "bookmarks" not in self.without and bool({part, "bookmarks"} & self.parts)


@dataclass(frozen=True)
class ImportedPart:
    """What an import did about one part of a file."""

    PLAIN: ClassVar[str] = "part"
    TABLE: ClassVar[tuple[str, ...]] = (
        "part",
        "target",
        "total",
        "done",
        "skipped",
        "reason",
        "error",
    )

    part: Annotated[
        str,
        "roster, subscriptions, vcard, private, blocking, pep, offline, requests, mam, or other",
    ]
    target: Annotated[str | None, "the node, or the stored element as {namespace}name"] = None
    total: Annotated[int, "how many things of this kind the file has"] = 0
    done: Annotated[int, "how many of them were written; with --dry-run: would be"] = 0
    skipped: Annotated[int, "how many were left out: they are there already, or cannot be"] = 0
    reason: Annotated[str | None, "why something was left out or is different"] = None
    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None


@dataclass(frozen=True)
class Exported:
    """What an export has of one part, for the summary; ``absent``: the server does not offer it."""

    part: Part
    number: int = 0
    absent: bool = False
    errors: tuple[ErrorInfo, ...] = field(default_factory=tuple)
