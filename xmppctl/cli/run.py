"""The one place that runs an event loop, and what may end a run early.

SIGINT, SIGTERM and ``--deadline`` are one mechanism, all of them signals: inside the loop the
task is cancelled, so that every ``async with`` closes what it opened, for at most one second;
outside of it, or while something blocks (a prompt, standard input), ``Interrupted`` is raised.
A second signal ends the process at once.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from xmppctl.errors import DeadlineError, Exit, SignalError, XmppctlError

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

CLOSING_SECONDS = 1.0
# What is left over when that second is gone only gets the chance to see its cancellation.
_LAST_SECONDS = 0.1

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """The run is to end; ``reason`` tells why. No ``except Exception`` may swallow it."""

    def __init__(self, reason: XmppctlError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Guard:
    """Watches one run; a context manager that holds the signal handlers.

    ``step`` names what the run is doing, for the error of ``--deadline``. ``meanwhile`` is called
    between imports that take long.
    """

    def __init__(self, deadline: float | None, step: Callable[[], str]) -> None:
        self.deadline = deadline
        self.meanwhile: Callable[[], None] = _nothing
        self.reason: XmppctlError | None = None
        self._step = step
        self._blocked = 0
        self._unwinding = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Guard:
        # Signal handlers belong to the main thread.
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._before[number] = signal.signal(number, self._on_signal)
            if self.deadline is not None:
                self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._on_signal)
                # 0 would switch the timer off.
                signal.setitimer(signal.ITIMER_REAL, max(self.deadline, 1e-6))
        return self

    def __exit__(self, *_: object) -> None:
        if signal.SIGALRM in self._before:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    @contextmanager
    def blocking(self) -> Iterator[None]:
        """Mark code that waits without the event loop: a signal ends it by Interrupted."""
        self._blocked += 1
        try:
            if self.reason is not None:
                # The signal came just before: its cancellation waits for a loop that waits for us.
                self._interrupt(self.reason)
            yield
        finally:
            self._blocked -= 1

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.reason is not None:
            if number == signal.SIGALRM:
                return
            os._exit(128 + number)
        self.reason = self._why(number)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._end, self._loop, self._task)
        if self._loop is None or self._blocked:
            self._interrupt(self.reason)

    def _interrupt(self, reason: XmppctlError) -> NoReturn:
        self._unwinding = True
        raise Interrupted(reason)

    def _why(self, number: int) -> XmppctlError:
        if number == signal.SIGALRM:
            text = f"the run took longer than --deadline ({self.deadline:g} s)"
            return DeadlineError(text, step=self._step())
        if number == signal.SIGINT:
            return SignalError(Exit.SIGINT, "interrupted")
        return SignalError(Exit.SIGTERM, "terminated")

    def _end(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any] | None) -> None:
        loop.call_later(CLOSING_SECONDS, loop.stop)
        # What Interrupted unwinds is closing the stream already: that must not be cancelled.
        if task is not None and not self._unwinding:
            task.cancel()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run ``main`` to its end and return its result.

        Raises what it raises, or the reason for which it was ended.
        """
        try:
            import asyncio

            self.meanwhile()
            loop = asyncio.new_event_loop()
        except BaseException:
            main.close()  # a signal came before there was a loop to run it
            raise
        try:
            _use_daemons(loop)
            loop.set_exception_handler(_forget)
            task = loop.create_task(main)
            task.add_done_callback(lambda _: loop.stop())
            self._task, self._loop = task, loop
            if self.reason is not None:
                self._end(loop, task)
            with suppress(Interrupted):
                loop.run_forever()
            if self.reason is not None:
                task.cancel()
            self._finish(loop, CLOSING_SECONDS if self.reason is None else _LAST_SECONDS)
        finally:
            self._loop = self._task = None
            loop.close()
        if self.reason is not None:
            # The result of the task is looked at in every case: otherwise it is complained about.
            if task.done() and not task.cancelled():
                task.exception()
            raise self.reason
        return task.result()

    @staticmethod
    def _finish(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        """Cancel what is left over and let it end, for a bounded time."""
        import asyncio

        async def settle() -> None:
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            if rest:
                await asyncio.wait(rest, timeout=seconds)
            with suppress(TimeoutError):
                await asyncio.wait_for(loop.shutdown_asyncgens(), seconds)

        with suppress(Interrupted, RuntimeError):
            loop.run_until_complete(settle())


def _nothing() -> None:
    """There is nothing to be done meanwhile."""


def _forget(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a left-over task still has to say is of no use to the user of a run that has ended."""


def _use_daemons(loop: asyncio.AbstractEventLoop) -> None:
    """Give ``loop`` its executor for blocking calls when there is the first of them."""
    original = loop.run_in_executor
    known = False

    def run_in_executor(executor: Any, func: Any, *args: Any) -> Any:
        nonlocal known
        if executor is None and not known:
            loop.set_default_executor(_executor())
            known = True
        return original(executor, func, *args)

    loop.run_in_executor = run_in_executor  # type: ignore[assignment,method-assign]


def _executor() -> Any:
    """An executor whose threads never hold up the end of the process.

    Those of the standard one are joined at exit, however long a look-up still takes.
    """
    from concurrent.futures import Future, ThreadPoolExecutor

    class DaemonExecutor(ThreadPoolExecutor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()

            def work() -> None:
                if not future.set_running_or_notify_cancel():
                    return
                try:
                    result = fn(*args, **kwargs)
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)

            threading.Thread(target=work, daemon=True).start()
            return future

    return DaemonExecutor(max_workers=1)
