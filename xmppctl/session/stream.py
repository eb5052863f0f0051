"""A bound session: requests and their answers, messages and presence, acknowledgements.

One ``Session`` is one resource on one stream. Stanzas are handled in the order of their arrival;
nothing is handled on behalf of an operation that did not ask for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar
from xml.etree.ElementTree import Element

from xmppctl.errors import XmppctlError
from xmppctl.model.account import Account
from xmppctl.model.jid import Jid
from xmppctl.session import acks
from xmppctl.session.beginning import Beginning
from xmppctl.session.inbox import Inbox, Pending
from xmppctl.session.requests import IQ, Requests
from xmppctl.session.responder import IqHandler, Responder
from xmppctl.session.trace import Trace
from xmppctl.session.wire import FEATURES, Wire
from xmppctl.session.xml import NS_CLIENT, split

__all__ = ["IQ", "MESSAGE", "PRESENCE", "Inbox", "IqHandler", "Pending", "Session"]

T = TypeVar("T")

MESSAGE = f"{{{NS_CLIENT}}}message"
PRESENCE = f"{{{NS_CLIENT}}}presence"

_FAREWELL = 0.3  # seconds
_LAST_ACK = 1.0
"""Seconds that a server has to close the stream too, where only that tells whether it has read the
last acknowledgement: it may lose what comes right before the connection ends."""

_STANZAS = (MESSAGE, PRESENCE, IQ)


class Session(Requests):
    """An authenticated stream with a bound resource."""

    def __init__(
        self,
        wire: Wire,
        account: Account,
        jid: Jid,
        features: Element,
        trace: Trace,
        beginning: Beginning | None = None,
    ) -> None:
        super().__init__()
        self.account = account
        self.jid = jid
        self.features = features
        self.trace = trace
        self.outbound: acks.Outbound | None = None
        self.inbound: acks.Inbound | None = None
        self.carbons = False
        self.inactive = False
        self.at_end: list[Callable[[bool], Awaitable[None]]] = []
        self._wire = wire
        self._inboxes: list[Inbox] = []
        self._responder = Responder(self._answer_late)
        self._acked: asyncio.Event = asyncio.Event()
        self._numbers: dict[int, tuple[Element, int]] = {}
        self._sent = 0
        self._proven = 0
        # how much had been sent before the last unasked acknowledgement
        self._acknowledged = -1
        self._end_told = False
        self._beginning = beginning
        self._begun = asyncio.Event()
        self._reviving: asyncio.Task[None] | None = None
        self._never: XmppctlError | None = None
        self._late: asyncio.TimerHandle | None = None
        if beginning is not None:
            loop = asyncio.get_running_loop()
            self._late = loop.call_later(beginning.limit, self._too_late, beginning.limit)
        self._progress()
        wire.deliver(self._arrived, self._ended)

    # --- facts

    def offers(self, tag: str) -> bool:
        """Whether the stream features have the element ``{namespace}name``."""
        return self.features.find(tag) is not None

    # --- out

    def send(self, *items: Element | str) -> None:
        """Send stanzas (elements) and stream-level elements (text), all in one write.

        Raises what ended the stream, and UsageError for text that XML cannot carry.
        """
        if self._reviving is None:
            self._wire.send(*items)
        for item in items:
            if self._beginning is not None:
                self._beginning.went_out(item)
            if not isinstance(item, str) and item.tag in _STANZAS:
                self._sent += 1
                if self.outbound is not None:
                    self.outbound.count()
                if item.tag == IQ and item.get("id", "") in self._pending:
                    self._requests[item.get("id", "")] = self._sent

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
                    if self._wire.error is not None and self._reviving is None:
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

    def acknowledge(self) -> None:
        """Tell the server, unasked, what was taken over, so that it gives it to no other client.

        Nothing answers that: where nothing else does, the end of the stream waits for the server.
        """
        if self.inbound is not None:
            self.send(self.inbound.answer())
            self._acknowledged = self._sent

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
        if self._wire.error is not None and self._reviving is None:
            box.queue.put_nowait(self._wire.error)
        self._inboxes.append(box)
        try:
            yield box
        finally:
            self._inboxes.remove(box)

    def handle_iq(self, tag: str, handler: IqHandler) -> None:
        """Answer incoming requests whose payload is ``{namespace}name``.

        What a handler still has to do when the stream is closed is given up.
        """
        self._responder.handle(tag, handler)

    async def give_up(self) -> bool:
        """End what handlers still have to do, and answer that with an error; False: nothing."""
        return await self._responder.give_up()

    def _arrived(self, element: Element) -> None:
        if self._wire.closing:  # behind the footer nothing may be answered (RFC 6120 §4.4)
            return
        if self._beginning is not None and self._beginning.takes(element):
            self._begins(element)
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
        if name in ("enabled", "failed"):
            if name == "enabled":
                self.inbound = acks.Inbound()
            else:
                self.outbound = None
                self._acked.set()
            if self._beginning is not None:
                self._beginning.enabling_answered()
                self._progress()
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
        if self._beginning is not None:
            self._beginning.answered()
            self._progress()
        if not pending.future.done():
            pending.future.set_result(iq)

    def _respond(self, iq: Element) -> None:
        reply = self._responder.reply(iq)
        if reply is None:
            return
        settled = self._proven >= self._sent
        self.send(reply)
        if settled:  # nobody needs a proof that the answer arrived
            self._proven = self._sent

    def _answer_late(self, reply: Element) -> None:
        """Other than at once: what took so long is worth a proof that the answer arrived."""
        if not self._wire.closing:
            with suppress(XmppctlError):  # the stream ended, and with it the request
                self.send(reply)

    def _ended(self, error: XmppctlError) -> None:
        beginning = self._beginning
        if beginning is not None and beginning.unprocessed(error, self._wire):
            self.trace.note(f"{error.text}; once more, without what was known of the server")
            self._reviving = asyncio.ensure_future(self._revive(beginning))
            return
        if not self._begun.is_set():
            self._never = error
        self._settle_beginning()
        self._end_told = bool(self._pending or self._inboxes)
        for pending in self._pending.values():
            if not pending.future.done():
                pending.future.set_exception(error)
        for box in self._inboxes:
            box.queue.put_nowait(error)
        self._acked.set()

    # --- the beginning

    @property
    def settled_now(self) -> bool:
        """Whether ``settled`` would not wait."""
        return self._begun.is_set()

    async def settled(self) -> None:
        """Wait until ``jid`` and ``features`` are the server's word, and not a guess any more.

        Raises DeadlineError, and what ended the stream.
        """
        limit = self.account.timeout
        try:
            async with asyncio.timeout(limit):
                await self._begun.wait()
        except TimeoutError:
            raise self._wire.silence(limit, "bind") from None
        if self._never is not None:
            raise self._never

    def _begins(self, element: Element) -> None:
        assert self._beginning is not None
        if element.tag == FEATURES:
            self.features = element
            self._beginning.features_came(element)
            if self._beginning.acks_missing:  # ejabberd keeps silent to <enable/> then
                self.outbound = None
                self._acked.set()
        else:
            try:
                self.jid = self._beginning.bound(element)
            except XmppctlError as error:
                self._wire.fail(error)
                return
            self.tell_login()
        self._progress()

    def _progress(self) -> None:
        if self._beginning is not None and self._beginning.over:
            self._beginning = None
        if self._beginning is None or self._beginning.known:
            self._settle_beginning()

    def _settle_beginning(self) -> None:
        self._begun.set()
        if self._late is not None:
            self._late.cancel()

    def _too_late(self, limit: float) -> None:
        if self._reviving is None:  # which has a limit of its own
            self._wire.fail(self._wire.silence(limit, "bind"))

    def tell_login(self) -> None:
        """Note who is logged in, and how."""
        facts = self.trace.facts
        binding = facts.get("channel_binding")
        bound = f" (bound by {binding})" if binding else ""
        self.trace.note(
            f"logged in as {self.jid} at {self._wire.peer} with {facts.get('mechanism')}{bound}"
            f" over {facts.get('tls')}"
        )

    async def _revive(self, beginning: Beginning) -> None:
        """Do on a new stream what the old one is proven not to have done."""
        old = self._wire
        try:
            begun = await beginning.again()
        except XmppctlError as error:
            self._reviving, self._beginning = None, None
            self._ended(error)
            return
        finally:
            await old.close(None)
        self._wire, self.jid, self.features = begun.wire, begun.jid, begun.features
        self._reviving, self._beginning = None, None
        items = beginning.sent
        if not self.offers(acks.FEATURE):
            items = [each for each in items if each not in (acks.ENABLE, acks.REQUEST)]
            self.outbound = None
            self._acked.set()
        self._settle_beginning()
        self.tell_login()
        begun.wire.gather()
        if items:
            begun.wire.send(*items)
        begun.wire.deliver(self._arrived, self._ended)

    # --- the end

    async def abandon(self) -> None:
        """Close the stream without waiting for the server, or for a moment at most.

        What stands in ``at_end`` is told that the run did not come to its end.
        """
        for last in self.at_end:
            with suppress(XmppctlError):
                await last(False)
        told = await self.give_up()
        if self._reviving is not None:
            self._reviving.cancel()
        with suppress(XmppctlError):
            await self._wire.close(_FAREWELL if told or self._unsure else None)

    @property
    def _unsure(self) -> bool:
        """Whether nothing proves that the last unasked acknowledgement arrived."""
        return self._acknowledged >= self._proven

    async def close(self, *, wait: float | None = None) -> None:
        """Close the stream; what stands in ``at_end`` is done before, with all records behind it.

        Where an answer of the server proved that it processed all that was sent, nothing is
        waited for; otherwise the server has ``wait`` seconds (default: the account's timeout) to
        close the stream too. Raises DeadlineError (step "close"), and what ended the stream before
        that proof, unless somebody who waited was told so.
        """
        for last in self.at_end:
            await last(True)
        self.trace.enter("close")
        if self._reviving is not None:
            await self._reviving
        await self.give_up()
        if self._proven >= self._sent or self._end_told:
            with suppress(XmppctlError):
                await self._wire.close(_LAST_ACK if self._unsure else None)
            return
        await self._wire.close(self.account.timeout if wait is None else wait)
