"""The JIDs that a verb is about: arguments, and lines of standard input for ``-``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

import click

from xmppctl.cli.app import App
from xmppctl.cli.params import BARE_JID, JID, NONEMPTY, JidType
from xmppctl.errors import ErrorInfo, UsageError
from xmppctl.model.jid import Jid


class _Record(Protocol):
    @property
    def jid(self) -> str | None: ...


R = TypeVar("R", bound=_Record)

argument = click.argument("words", metavar="JID...|-", nargs=-1, required=True, type=NONEMPTY)
"""What ``Targets`` reads."""


class Targets(Generic[R]):
    """Each JID once, and a record made by ``failed`` for each line that is none.

    All is read before anything is connected: a bad argument is refused then. ``bare``: a JID with
    a resource is none. ``type``: what a target looks like, in place of that.
    """

    def __init__(
        self,
        app: App,
        words: tuple[str, ...],
        failed: Callable[[str, ErrorInfo], R],
        *,
        bare: bool = True,
        type: JidType | None = None,
    ) -> None:
        if words.count("-") > 1:
            raise UsageError("standard input can be read only once")
        self._type = type or (BARE_JID if bare else JID)
        self._failed = failed
        self._order: list[Jid | R] = []
        context = click.get_current_context()
        given = [None if word == "-" else self._type.convert(word, None, context) for word in words]
        for jid in given:
            if jid is not None:
                self._order.append(jid)
                continue
            for line in app.read_lines():
                if line.error is not None or line.text.strip():
                    self._order.append(self._line(line.number, line.text.strip(), line.error))
        self.jids = list(dict.fromkeys(each for each in self._order if isinstance(each, Jid)))

    def records(self, found: Iterable[R]) -> Iterator[R]:
        """All records in the order of the targets; ``found``: those of ``jids``, in their order."""
        by_jid = dict(zip(self.jids, found, strict=True))
        told: set[Jid] = set()
        for each in self._order:
            if not isinstance(each, Jid):
                yield each
            elif each not in told:
                told.add(each)
                yield by_jid[each]

    def _line(self, number: int, text: str, error: ErrorInfo | None) -> Jid | R:
        if error is None:
            try:
                return self._type.convert(text, None, None)
            except click.UsageError as reason:
                error = UsageError(
                    f"line {number} of standard input: {reason.message}",
                    step="input",
                    condition="jid-malformed",
                ).info()
        return self._failed(text, error)
