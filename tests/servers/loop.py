"""An asyncio loop in a thread of its own, for what runs beside a synchronous test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines from other threads; ``stop`` cancels what is left and waits for its end."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], timeout: float = 10.0) -> T:
        """The result of ``work``; raises TimeoutError after ``timeout`` seconds."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin ``work`` and do not wait for it."""
        asyncio.run_coroutine_threadsafe(work, self.loop)

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """The result of a plain function, called in the loop."""

        async def work() -> T:
            return function(*args)

        return self.run(work())

    def stop(self) -> None:
        """End the loop and the thread."""
        if self.loop.is_closed():
            return
        with suppress(TimeoutError):
            self.run(self._cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def _main(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    async def _cancel_all(self) -> None:
        quiet = 0
        while quiet < 3:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            if tasks:
                # asyncio.wait_for of Python 3.11 loses one that comes together with its result
                await asyncio.wait(tasks, timeout=0.5)
            # what was just accepted begins a turn later, and transports end a turn later
            quiet = 0 if tasks else quiet + 1
            await asyncio.sleep(0)
        await self.loop.shutdown_asyncgens()
