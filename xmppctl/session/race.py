"""Several attempts at one thing, started one after the other; the first success wins.

The staggered start is RFC 8305 §5 (connection attempts) and serves DNS servers as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class AllFailedError(Exception):
    """No attempt succeeded; ``errors`` are their reasons in the order of the attempts."""

    def __init__(self, errors: Sequence[Exception]) -> None:
        super().__init__(f"all {len(errors)} attempts failed")
        self.errors = tuple(errors)


async def race(
    attempts: Sequence[Callable[[], Awaitable[T]]],
    *,
    delay: float,
    discard: Callable[[T], object] | None = None,
) -> T:
    """The result of the attempt that succeeds first.

    The next attempt starts ``delay`` seconds after the one before it, or at once when one failed.
    When one has won, and also when the race itself is cancelled, the others are cancelled;
    ``discard`` gets the result of any that succeeded at the same moment.
    Raises AllFailedError.
    """
    running: dict[asyncio.Task[T], int] = {}
    errors: dict[int, Exception] = {}
    winner: asyncio.Task[T] | None = None
    started = 0
    try:
        while len(errors) < len(attempts):
            if started < len(attempts):
                running[asyncio.ensure_future(_run(attempts[started]))] = started
                started += 1
            waiting = {task for task, number in running.items() if number not in errors}
            done, _ = await asyncio.wait(
                waiting,
                timeout=delay if started < len(attempts) else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in sorted(done, key=running.__getitem__):
                error = task.exception()
                if error is None:
                    winner = task
                    return task.result()
                if not isinstance(error, Exception):
                    raise error
                errors[running[task]] = error
        raise AllFailedError([errors[number] for number in sorted(errors)])
    finally:
        for task in running:
            task.cancel()
        for outcome, task in zip(
            await asyncio.gather(*running, return_exceptions=True), running, strict=True
        ):
            if task is not winner and discard and not isinstance(outcome, BaseException):
                discard(outcome)


async def _run(attempt: Callable[[], Awaitable[T]]) -> T:
    return await attempt()
