"""A bound session: requests and their answers, messages and presence, acknowledgements.

One ``Session`` is one resource on one stream. Stanzas are handled in the order of their arrival;
nothing is handled on behalf of an operation that did not ask for it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, overload
from xml.etree.ElementTree import Element

from xmppctl.errors import DeadlineError, RefusedError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.model.jid import Jid
from xmppctl.session import acks
from xmppctl.session.conditions import stanza_error
from xmppctl.session.inbox import Inbox, Pending
from xmppctl.session.payload import from_element, to_element
from xmppctl.session.responder import IqHandler, Responder
from xmppctl.session.trace import Trace
from xmppctl.session.wire import Wire
from xmppctl.session.xml import NS_CLIENT, split

__all__ = ["IQ", "MESSAGE", "PRESENCE", "Inbox", "IqHandler", "Pending", "Session"]

T = TypeVar("T")

MESSAGE = f"{{{NS_CLIENT}}}message"
PRESENCE = f"{{{NS_CLIENT}}}presence"
IQ = f"{{{NS_CLIENT}}}iq"

_STANZAS = (MESSAGE, PRESENCE, IQ)


class Session:
    """An authenticated stream with a bound resource."""

    def __init__(
        self, wire: Wire, account: Account, jid: Jid, features: Element, trace: Trace
    ) -> None:
        self.account = account
        self.jid = jid
        self.features = features
        self.trace = trace
        self.outbound: acks.Outbound | None = None
        self.inbound: acks.Inbound | None = None
        self._wire = wire
        self._pending: dict[str, Pending] = {}
        self._inboxes: list[Inbox] = []
        self._responder = Responder()
        self._acked: asyncio.Event = asyncio.Event()
        self._numbers: dict[int, tuple[Element, int]] = {}
        self._sent = 0
        self._proven = 0
        self._requests: dict[str, int] = {}
        self._end_told = False
        wire.deliver(self._arrived, self._ended)

    # --- facts

    @property
    def bare(self) -> str:
        """The own bare JID."""
        return str(self.jid.bare)

    @property
    def domain(self) -> str:
        """The own server's domain."""
        return self.jid.domain

    def offers(self, tag: str) -> bool:
        """Whether the stream features have the element ``{namespace}name``."""
        return self.features.find(tag) is not None

    @staticmethod
    def new_id() -> str:
        """An id for a stanza; unguessable, so that nobody else can answer in time.

        Hexadecimal: an id is an argument of other commands, and must not look like an option.
        """
        return secrets.token_hex(12)

    # --- out

    def send(self, *items: Element | str) -> None:
        """Send stanzas (elements) and stream-level elements (text), all in one write.

        Raises what ended the stream, and UsageError for text that XML cannot carry.
        """
        self._wire.send(*items)
        for item in items:
            if not isinstance(item, str) and item.tag in _STANZAS:
                self._sent += 1
                if self.outbound is not None:
                    self.outbound.count()
                if item.tag == IQ and item.get("id", "") in self._pending:
                    self._requests[item.get("id", "")] = self._sent

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

    # --- acknowledgements (XEP-0198)

    def enabling(self) -> tuple[str, ...]:
        """What to put before the first stanza so that acknowledgements are counted.

        Empty where the server does not offer them, or where they are on already.
        """
        if self.outbound is not None or not self.offers(acks.FEATURE):
            return ()
        self.outbound = acks.Outbound()
        return (acks.ENABLE,)

    async def acknowledged(self, number: int, *, step: str, timeout: float | None = None) -> bool:
        """Wait until the server acknowledged the stanza with this count; False without XEP-0198.

        Raises DeadlineError.
        """
        limit = self.account.timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(limit):
                while self.outbound is not None and self.outbound.acked < number:
                    if self._wire.error is not None:
                        self._end_told = True
                        raise self._wire.error
                    self._acked.clear()
                    await self._acked.wait()
        except TimeoutError:
            raise self._wire.silence(limit, step) from None
        return self.outbound is not None

    def handled(self, stanza: Element) -> None:
        """An inbox that does not ``keep`` on its own took this stanza over for good."""
        _, number = self._numbers.pop(id(stanza), (None, None))
        if number is not None and self.inbound is not None:
            self.inbound.handle(number)

    def settle(self) -> None:
        """What came in proves that the other side processed all that was sent until now."""
        self._proven = self._sent

    # --- in

    @contextmanager
    def inbox(self, matches: Callable[[Element], bool], *, keep: bool = True) -> Iterator[Inbox]:
        """Messages and presence that ``matches`` accepts, from now on.

        With ``keep`` (the usual case) they count as taken over at once, so that they may be
        acknowledged; without, only when ``handled`` is called for them.
        """
        box = Inbox(matches, keep)
        if self._wire.error is not None:
            box.queue.put_nowait(self._wire.error)
        self._inboxes.append(box)
        try:
            yield box
        finally:
            self._inboxes.remove(box)

    def handle_iq(self, tag: str, handler: IqHandler) -> None:
        """Answer incoming requests whose payload is ``{namespace}name``."""
        self._responder.handle(tag, handler)

    def _arrived(self, element: Element) -> None:
        if self._wire.closing:  # behind the footer nothing may be answered (RFC 6120 §4.4)
            return
        if element.tag not in _STANZAS:
            self._nonza(element)
            return
        number = self.inbound.arrive() if self.inbound is not None else None
        taken = self._iq(element) if element.tag == IQ else self._distribute(element, number)
        if taken and number is not None and self.inbound is not None:
            self.inbound.handle(number)

    def _nonza(self, element: Element) -> None:
        ns, name = split(element.tag)
        if ns != acks.NS:
            return
        if name == "enabled":
            self.inbound = acks.Inbound()
        elif name == "failed":
            self.outbound = None
            self._acked.set()
        elif name == "r" and self.inbound is not None:
            self._wire.send(self.inbound.answer())
        elif name == "a" and self.outbound is not None:
            try:
                self.outbound.acknowledge(int(element.get("h", "")))
            except ValueError:
                return
            except XmppctlError as error:
                error.step, error.by = self.trace.step, self._wire.peer
                self._wire.fail(error)
                return
            if self.outbound.acked == self.outbound.sent:
                self._proven = self._sent
            self._acked.set()

    def _distribute(self, stanza: Element, number: int | None) -> bool:
        # presence that nobody asked for needs no second delivery; a message does
        taken = stanza.tag == PRESENCE
        for box in self._inboxes:
            if box.matches(stanza):
                box.count += 1
                box.queue.put_nowait(stanza)
                if box.keep:
                    taken = True
                elif number is not None:
                    self._numbers[id(stanza)] = (stanza, number)
        return taken

    def _iq(self, iq: Element) -> bool:
        kind = iq.get("type")
        if kind in ("result", "error"):
            self._resolve(iq)
        elif kind in ("get", "set"):
            self._respond(iq)
        return True

    def _resolve(self, iq: Element) -> None:
        pending = self._pending.get(iq.get("id", ""))
        if pending is None:
            return
        own = {self.bare, str(self.jid), self.domain}
        if not pending.may_be_answered_by(iq.get("from"), own):
            self.trace.note(f"dropped an answer that came from {iq.get('from')}")
            return
        # what was sent before this request has been processed too (RFC 6120 §10.1)
        self._proven = max(self._proven, self._requests.get(iq.get("id", ""), 0))
        if not pending.future.done():
            pending.future.set_result(iq)

    def _respond(self, iq: Element) -> None:
        reply = self._responder.reply(iq)
        settled = self._proven >= self._sent
        self.send(reply)
        if settled:  # nobody needs a proof that the answer arrived
            self._proven = self._sent

    def _ended(self, error: XmppctlError) -> None:
        self._end_told = bool(self._pending or self._inboxes)
        for pending in self._pending.values():
            if not pending.future.done():
                pending.future.set_exception(error)
        for box in self._inboxes:
            box.queue.put_nowait(error)
        self._acked.set()

    # --- the end

    async def close(self, *, wait: float | None = None) -> None:
        """Close the stream.

        Where an answer of the server proved that it processed all that was sent, nothing is
        waited for; otherwise the server has ``wait`` seconds (default: the account's timeout) to
        close the stream too. Raises DeadlineError (step "close"), and what ended the stream before
        that proof, unless somebody who waited was told so.
        """
        self.trace.enter("close")
        if self._proven >= self._sent or self._end_told:
            await self._wire.close(None)
            return
        await self._wire.close(self.account.timeout if wait is None else wait)


def _retrieve(future: asyncio.Future[Element]) -> None:
    """Errors of answers that nobody waits for are not worth a warning at exit."""
    if not future.cancelled():
        future.exception()
