"""Requests of a session and their answers (RFC 6120 §8)."""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar, overload
from xml.etree.ElementTree import Element

from xmppctl.errors import DeadlineError, RefusedError
from xmppctl.model.account import Account
from xmppctl.model.jid import Jid
from xmppctl.session.conditions import stanza_error
from xmppctl.session.inbox import Inbox, Pending
from xmppctl.session.payload import from_element, to_element
from xmppctl.session.trace import Trace
from xmppctl.session.wire import Wire
from xmppctl.session.xml import NS_CLIENT

T = TypeVar("T")

IQ = f"{{{NS_CLIENT}}}iq"


class Requests(ABC):
    """The part of a session that asks; ``_pending`` holds what is not answered yet, by id."""

    account: Account
    jid: Jid
    trace: Trace
    _wire: Wire

    def __init__(self) -> None:
        self._pending: dict[str, Pending] = {}
        self._requests: dict[str, int] = {}

    @abstractmethod
    def send(self, *items: Element | str) -> None:
        """Send stanzas (elements) and stream-level elements (text), all in one write."""

    @property
    def bare(self) -> str:
        """The own bare JID."""
        return str(self.jid.bare)

    @property
    def domain(self) -> str:
        """The own server's domain."""
        return self.jid.domain

    @staticmethod
    def new_id() -> str:
        """An id for a stanza; unguessable, so that nobody else can answer in time.

        Hexadecimal: an id is an argument of other commands, and must not look like an option.
        """
        return os.urandom(12).hex()

    def ask(self, payload: Any, *, to: Jid | str | None = None, type: str = "get") -> Pending:
        """Make a request ready, without sending it yet: ``payload`` is an element or an XSO."""
        iq = Element(IQ, {"type": type, "id": self.new_id()})
        target = None if to is None else str(to)
        if target is not None:
            iq.set("to", target)
        iq.append(payload if isinstance(payload, Element) else to_element(payload))
        future: asyncio.Future[Element] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_retrieve)
        pending = Pending(iq, target, future)
        self._pending[iq.get("id", "")] = pending
        return pending

    async def answer(
        self,
        pending: Pending,
        *,
        step: str,
        timeout: float | None = None,
        progress: Inbox | None = None,
    ) -> Element:
        """The answering iq, result or error.

        Raises DeadlineError after ``timeout`` seconds (default: the account's) in which neither
        the answer nor, with ``progress``, a stanza for that inbox came.
        """
        self.trace.enter(step)
        limit = self.account.timeout if timeout is None else timeout
        try:
            while True:
                seen = progress.count if progress is not None else 0
                done, _ = await asyncio.wait({pending.future}, timeout=limit)
                if done:
                    return pending.future.result()
                if progress is None or progress.count == seen:
                    peer = pending.to or self._wire.peer
                    raise DeadlineError(
                        f"no answer from {peer} within {limit:g} s",
                        step=step,
                        condition="timeout",
                        by=peer,
                        hint="--timeout gives it longer",
                    )
        finally:
            self.forget(pending)

    def ask_aside(
        self, payload: Element, *, to: Jid | str, answered: Callable[[Element], None]
    ) -> None:
        """Ask for something that no operation waits for; a result that comes is given."""
        pending = self.ask(payload, to=to)

        def done(future: asyncio.Future[Element]) -> None:
            told = not future.cancelled() and future.exception() is None
            if told and future.result().get("type") == "result":
                answered(future.result())

        pending.future.add_done_callback(done)
        self.send(pending.element)

    def forget(self, pending: Pending) -> None:
        """Nobody waits for this answer any more."""
        identifier = pending.element.get("id", "")
        self._pending.pop(identifier, None)
        self._requests.pop(identifier, None)
        pending.future.cancel()

    @overload
    async def request(
        self,
        payload: Any,
        *,
        expect: type[T],
        to: Jid | str | None = ...,
        type: str = ...,
        step: str = ...,
        what: str | None = ...,
        feature: str | None = ...,
        timeout: float | None = ...,
        progress: Inbox | None = ...,
    ) -> T: ...

    @overload
    async def request(
        self,
        payload: Any,
        *,
        expect: None = ...,
        to: Jid | str | None = ...,
        type: str = ...,
        step: str = ...,
        what: str | None = ...,
        feature: str | None = ...,
        timeout: float | None = ...,
        progress: Inbox | None = ...,
    ) -> Element | None: ...

    async def request(
        self,
        payload: Any,
        *,
        expect: Any = None,
        to: Jid | str | None = None,
        type: str = "get",
        step: str = "request",
        what: str | None = None,
        feature: str | None = None,
        timeout: float | None = None,
        progress: Inbox | None = None,
    ) -> Any:
        """Send an iq and give the payload of its result.

        ``payload`` is an element or an XSO. With ``expect`` (an XSO class) the result's payload
        is given as such an object, without it as an element, None where the result is empty.
        ``what`` says in words what is asked (for the error), ``feature`` what the peer lacks if
        it does not know the request.

        Raises RefusedError, UnsupportedError (stanza errors), DeadlineError, ConnectError.
        """
        pending = self.ask(payload, to=to, type=type)
        self.send(pending.element)
        iq = await self.answer(pending, step=step, timeout=timeout, progress=progress)
        subject = what or f"the request to {pending.to or self.bare}"
        if iq.get("type") == "error":
            error = stanza_error(iq, subject, feature=feature)
            error.step = step
            error.by = error.by or pending.to or self.domain
            raise error
        result = next(iter(iq), None)
        if expect is None:
            return result
        if result is None:
            raise RefusedError(
                f"{subject}: the answer is empty",
                step=step,
                condition="malformed-answer",
                by=pending.to or self.domain,
            )
        try:
            return from_element(result, expect, by=pending.to or self.domain)
        except RefusedError as error:
            error.step = step
            raise


def _retrieve(future: asyncio.Future[Element]) -> None:
    """Errors of answers that nobody waits for are not worth a warning at exit."""
    if not future.cancelled():
        future.exception()
