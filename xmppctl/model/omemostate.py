"""What the operations of OMEMO need of a place that outlives the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol


class State(Protocol):
    """Texts (JSON) by key, of one account on this machine.

    What is changed inside ``transaction`` is there as a whole and for good when that ends without
    an exception, and not at all otherwise. No other run is in one meanwhile. Reading needs none.
    All methods raise LocalError.
    """

    def transaction(self) -> AbstractContextManager[None]:
        """Be the only run that changes something."""

    def load(self, key: str) -> str | None:
        """The value, None where there is none."""

    def store(self, key: str, value: str) -> None:
        """Keep a value; in a transaction alone."""

    def delete(self, key: str) -> None:
        """Keep it no more; in a transaction alone."""

    def items(self, prefix: str) -> Iterator[tuple[str, str]]:
        """All whose keys begin with ``prefix``."""
