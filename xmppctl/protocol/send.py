"""RFC 6121 §5: many messages over one stream, each with proof of what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import aclosing, suppress
from typing import Any, TypeVar

from xmppctl.model.sent import SendResult
from xmppctl.protocol.bulk import BACKLOG, WINDOW, deliver_all
from xmppctl.protocol.challenge import Solve, Watch
from xmppctl.protocol.delivery import Wait, deliver
from xmppctl.protocol.outgoing import NS_STANZA_ID, Outgoing, adopt, compose
from xmppctl.protocol.settling import Settling
from xmppctl.session import acks
from xmppctl.session.stream import Session

__all__ = ["NS_STANZA_ID", "Outgoing", "Wait", "adopt", "compose", "send", "until_ended"]

T = TypeVar("T")


async def until_ended(session: Session, source: AsyncIterable[Iterable[T]]) -> AsyncIterator[T]:
    """What ``source`` gives, one by one, while the stream is up.

    For a source that may keep silent for long: raises what ended the stream, instead of waiting
    for something that could not be sent any more.
    """
    iterator = aiter(source)
    with session.inbox(lambda stanza: False) as nothing:
        ended = asyncio.ensure_future(nothing.get())
        try:
            while True:
                following: asyncio.Future[Iterable[T]] = asyncio.ensure_future(anext(iterator))
                try:
                    either: set[asyncio.Future[Any]] = {following, ended}
                    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    following.cancel()  # does nothing to what is done
                if not following.done():
                    ended.result()
                try:
                    items = following.result()
                except StopAsyncIteration:
                    return
                for item in items:
                    if ended.done():
                        ended.result()
                    yield item
        finally:
            ended.cancel()


async def send(
    session: Session,
    messages: AsyncIterable[Outgoing | SendResult],
    *,
    wait: Wait = "confirmed",
    timeout: float | None = None,
    wait_timeout: float | None = None,
    solve: Solve | None = None,
) -> AsyncIterator[SendResult]:
    """Send messages over one stream; a result for each, in their order.

    ``wait`` "received" or "displayed" waits for the recipient's own word, ``wait_timeout`` seconds
    (default: the account's timeout) behind the proof of delivery to the server. A bounce that is
    temporary is tried again, with the same id, as often as the account's ``retry`` says. ``solve``
    answers challenges (XEP-0158); without, a message that meets one has an error.

    What fails for one recipient is in its record, also where the stream ended: a message whose
    fate is unknown is never sent again. Where ``messages`` gives a result instead of a message
    (one that was refused before it was sent) it comes out in its place. What ``messages`` raises
    is raised when the results of all messages before it are out.
    """
    if session.outbound is None and not session.offers(acks.FEATURE):
        session.trace.note("no acknowledgements (XEP-0198): the own server is asked by pings")
    watch = Watch(session, solve)
    messages = watch.over(messages)
    if wait == "confirmed" or wait == "acked":
        results = deliver_all(session, messages, wait=wait, timeout=timeout)
    else:
        results = _one_by_one(session, messages, wait, timeout, wait_timeout, watch)
    with session.inbox(watch.matches) as watch.inbox:
        async with aclosing(results):
            async for result in results:
                yield await watch.settle(result)


async def _one_by_one(
    session: Session,
    messages: AsyncIterable[Outgoing | SendResult],
    wait: Wait,
    timeout: float | None,
    wait_timeout: float | None,
    watch: Watch,
) -> AsyncGenerator[SendResult]:
    """Each message with a proof of its own, for each is waited for by itself afterwards."""
    limit = session.account.timeout if wait_timeout is None else wait_timeout
    settling = Settling(session)
    window = asyncio.Semaphore(WINDOW)
    # a recipient that keeps silent holds back the results of others, not their messages
    results: asyncio.Queue[asyncio.Task[SendResult] | Exception | None] = asyncio.Queue(BACKLOG)
    tasks: set[asyncio.Task[SendResult]] = set()

    async def one(message: Outgoing | SendResult) -> SendResult:
        place = _Place(window)
        try:
            if isinstance(message, SendResult):
                return message
            return await deliver(
                session, message, settling, place.leave,
                wait=wait, timeout=timeout, wait_timeout=limit, challenged=watch.settle,
            )  # fmt: skip
        finally:
            place.leave()

    async def read() -> None:
        end: Exception | None = None
        try:
            async for message in messages:
                await window.acquire()
                task = asyncio.ensure_future(one(message))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                await results.put(task)
                await asyncio.sleep(0)  # it goes out before the next one is read
        except Exception as error:
            end = error
        await results.put(end)

    reading = asyncio.ensure_future(read())
    try:
        while isinstance(item := await results.get(), asyncio.Task):
            yield await item
        if item is not None:
            raise item
    finally:
        reading.cancel()
        for task in list(tasks):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await reading  # whatever it reads from is closed then


class _Place:
    """One of the places for messages on their way, left once."""

    def __init__(self, window: asyncio.Semaphore) -> None:
        self._window: asyncio.Semaphore | None = window

    def leave(self) -> None:
        if self._window is not None:
            self._window.release()
            self._window = None
