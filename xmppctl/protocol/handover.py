"""XEP-0198: whether the own server took a stanza over.

``<r/>`` goes out behind the stanza. A server without XEP-0198 is asked by a ping to itself: it
processes what one client sends in order (RFC 6120 §10.1), so its answer says the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import Element

from xmppctl.protocol import Xep, flights
from xmppctl.session import acks
from xmppctl.session.inbox import Pending
from xmppctl.session.stream import Session

XEPS = (Xep("0198", "1.6.3", "partial", "acknowledgements; streams are never resumed"),)

_MODULUS = 1 << 32


class Handover:
    """A stanza that was sent: ``number`` is its count (XEP-0198), or ``own`` the server's ping."""

    def __init__(self, session: Session, number: int, own: Pending | None) -> None:
        self._session = session
        self._number = number
        self._own = own

    @property
    def taken(self) -> bool:
        """Whether the own server is known to have the stanza."""
        if self._own is not None:
            future = self._own.future
            return future.done() and not future.cancelled() and future.exception() is None
        outbound = self._session.outbound
        return outbound is not None and (outbound.acked - self._number) % _MODULUS < _MODULUS // 2

    async def wait(self, timeout: float | None = None) -> None:
        """Wait until the server has it. Raises DeadlineError, ConnectError."""
        if self._own is None:
            if await self._session.acknowledged(self._number, step="send", timeout=timeout):
                return
            # acknowledgements were offered, and then refused
            self._own = flights.barrier(self._session)
            self._session.send(self._own.element)
        await self._session.answer(self._own, step="send", timeout=timeout)

    def forget(self) -> None:
        """Nobody is interested any more."""
        if self._own is not None:
            self._session.forget(self._own)


@contextmanager
def dispatch(session: Session, stanza: Element, *after: Element) -> Iterator[Handover]:
    """Send ``stanza``, the question whether it was taken over, and ``after``, in one flight.

    Raises what ended the stream.
    """
    enabling = session.enabling()
    if session.outbound is not None:
        session.send(*enabling, stanza, acks.REQUEST, *after)
        sent = Handover(session, session.outbound.sent - len(after), None)
    else:
        own = flights.barrier(session)
        sent = Handover(session, 0, own)
        session.send(stanza, own.element, *after)
    try:
        yield sent
    finally:
        sent.forget()
