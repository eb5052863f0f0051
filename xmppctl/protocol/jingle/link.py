"""Jingle sessions on a stream: which request is for which, what follows from it, how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from xml.etree.ElementTree import Element

from xmppctl.errors import (
    DeadlineError,
    RefusedError,
    UnsupportedError,
    XmppctlError,
)
from xmppctl.model.jid import lenient
from xmppctl.protocol.jingle import JINGLE, elements, ibb
from xmppctl.protocol.jingle.actions import Action, Ended, Say, unknown_session
from xmppctl.protocol.jingle.elements import Jingle, Reason
from xmppctl.protocol.jingle.machine import Machine
from xmppctl.session.conditions import stanza_error
from xmppctl.session.inbox import Pending
from xmppctl.session.responder import RefusalError
from xmppctl.session.stream import Session

T = TypeVar("T")

FAREWELL = 5.0
"""Seconds that a peer has to acknowledge the end of a session."""

_UNSUPPORTED = frozenset({"unsupported-applications", "unsupported-transports"})
_GONE = frozenset(
    {"item-not-found", "service-unavailable", "recipient-unavailable", "gone",
     "remote-server-not-found", "remote-server-timeout"}
)  # fmt: skip
_ABSENT = frozenset({"service-unavailable", "recipient-unavailable", "gone"})
_HINTS = {
    "connectivity-error": "--transport ibb goes through the servers, which always works",
    "busy": "try again later",
    "file-too-large": "the receiver takes no files of this size",
    "resource-constraint": "the client takes no more files at the moment",
}


class Link:
    """One session: actions of its machine that somebody has to do come out of ``next``."""

    def __init__(self, board: Switchboard, machine: Machine) -> None:
        self.machine = machine
        self.session = board.session
        self.ended: Ended | None = None
        self.error: XmppctlError | None = None
        """What the peer, or its server, answered to something that was said."""
        self._board = board
        self._actions: asyncio.Queue[Action] = asyncio.Queue()
        self._over = asyncio.Event()
        self._said: list[tuple[str, Pending]] = []

    def perform(self, actions: Sequence[Action]) -> None:
        """Say what is to be said, and hand on the rest."""
        for action in actions:
            if isinstance(action, Say):
                self._say(action.jingle)
                continue
            if isinstance(action, Ended):
                self.ended = action
                self._over.set()
            self._actions.put_nowait(action)

    def _say(self, jingle: Jingle) -> None:
        pending = self.session.ask(elements.write(jingle), to=self.machine.peer, type="set")
        self._said.append((jingle.action, pending))
        try:
            self.session.send(pending.element)
        except XmppctlError as error:  # the stream is at its end
            self._failed(error)
            return
        pending.future.add_done_callback(lambda done: self._answered(jingle.action, done))

    def _answered(self, action: str, done: asyncio.Future[Element]) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if isinstance(error, XmppctlError):
            self._failed(error)
            return
        answer = done.result()
        if answer.get("type") != "error" or action in ("session-terminate", "session-info"):
            return
        self.error = self.error or self._refused(action, answer)
        if action == "session-initiate" or self.error.condition in _GONE:
            self.perform(self.machine.lost())
        else:
            self.perform(self.machine.end(Reason("general-error")))

    def _refused(self, action: str, answer: Element) -> XmppctlError:
        peer = self.machine.peer
        refused = stanza_error(answer, f"{peer} refused {action}")
        refused.step, refused.by = "negotiate", refused.by or peer
        if refused.condition in _ABSENT and action == "session-initiate":
            refused = RefusedError(
                f"{peer} is not online, or takes no files from this account ({refused.condition})",
                step="offer",
                condition=refused.condition,
                type=refused.type,
                by=refused.by,
            )
        refused.hint = _HINTS.get(refused.condition or "", refused.hint)
        return refused

    def _failed(self, error: XmppctlError) -> None:
        self.error = self.error or error
        self.perform(self.machine.lost())

    async def next(self, seconds: float, what: str) -> Action:
        """The next action. Raises DeadlineError that ``what`` was missing for so long."""
        try:
            async with asyncio.timeout(seconds):
                return await self._actions.get()
        except TimeoutError:
            raise DeadlineError(
                f"{self.machine.peer}: {what} within {seconds:g} s",
                step="negotiate",
                condition="timeout",
                by=self.machine.peer,
            ) from None

    async def while_alive(self, work: Coroutine[Any, Any, T], *, success: bool = False) -> T:
        """What the work gives, unless the session ends before. Raises ``failure`` then.

        ``success``: a peer that is content with all may end it before the work is done.
        """
        task = asyncio.ensure_future(work)
        over = asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait({task, over}, return_when=asyncio.FIRST_COMPLETED)
            content = self.ended is not None and self.ended.reason.condition == "success"
            if task.done() or (success and content):
                return await task
            raise self.failure()
        finally:
            task.cancel()
            over.cancel()
            await asyncio.gather(task, over, return_exceptions=True)

    def failure(self) -> XmppctlError:
        """Why the session is over."""
        if self.error is not None:
            return self.error
        reason = Reason("gone") if self.ended is None else self.ended.reason
        peer = self.machine.peer
        if self.ended is not None and not self.ended.by_peer:
            text = f"the session with {peer} failed: {reason}"
        elif reason.condition == "decline":
            text = f"{peer} declined the file" + (f": {reason.text}" if reason.text else "")
        elif reason.condition == "success":  # Gajim, when its connection breaks
            text, reason = f"{peer} ended the session too early", Reason("truncated")
        else:
            text = f"{peer} ended the session: {reason}"
        kind = UnsupportedError if reason.condition in _UNSUPPORTED else RefusedError
        condition = reason.detail or reason.condition
        hint = _HINTS.get(condition)
        return kind(text, step="negotiate", condition=condition, by=peer, hint=hint)

    async def end(self, reason: Reason, *, wait: bool = True) -> None:
        """End the session if it is not over, and wait until the peer has acknowledged that."""
        self.perform(self.machine.end(reason))
        last = [pending for action, pending in self._said if action == "session-terminate"]
        if wait and last:
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await asyncio.wait([pending.future for pending in last])

    def write(self, sid: str, closed: Callable[[], None] | None) -> None:
        """As ``Switchboard.write``, of the peer of this session."""
        self._board.write(self.machine.peer, sid, closed)

    def close(self) -> None:
        """Nobody cares for this session any more."""
        self._board.forget(self)
        for _, pending in self._said:
            self.session.forget(pending)


Offered = Callable[[str, Jingle], None]
"""Gets the full JID of who offers, and the offer; raises RefusalError.

What it begins comes later, behind the acknowledgement."""


class Switchboard:
    """Takes what peers ask for, and knows the sessions and bytestreams that it is for.

    ``offered``: who is told of new sessions; without it there are none.
    """

    def __init__(self, session: Session, offered: Offered | None = None) -> None:
        self.session = session
        self._offered = offered
        self._links: dict[tuple[str, str], Link] = {}
        self._streams: dict[tuple[str, str], ibb.Incoming] = {}
        self._written: dict[tuple[str, str], Callable[[], None]] = {}
        session.handle_iq(JINGLE, self._jingle)
        session.handle_iq(ibb.OPEN, lambda iq: self._stream(iq).open(iq[0]))
        session.handle_iq(ibb.DATA, lambda iq: self._stream(iq).data(iq[0]))
        session.handle_iq(ibb.CLOSE, self._close)

    def open(self, machine: Machine) -> Link:
        """A link for this session, which belongs to its peer and id from now on."""
        link = Link(self, machine)
        self._links[(machine.peer, machine.sid)] = link
        return link

    def forget(self, link: Link) -> None:
        """The session is over."""
        self._links.pop((link.machine.peer, link.machine.sid), None)

    def expect(self, peer: str, sid: str, stream: ibb.Incoming) -> None:
        """Bytes of this in-band bytestream may come."""
        self._streams[(peer, sid)] = stream

    def unexpect(self, peer: str, sid: str) -> None:
        """They may not any more."""
        self._streams.pop((peer, sid), None)

    def write(self, peer: str, sid: str, closed: Callable[[], None] | None) -> None:
        """Who is told that the peer closes this in-band bytestream, to which this side writes."""
        if closed is None:
            self._written.pop((peer, sid), None)
        else:
            self._written[(peer, sid)] = closed

    def _close(self, iq: Element) -> None:
        closed = self._written.pop((_sender(iq), iq[0].get("sid", "")), None)
        if closed is None or iq.get("type") != "set":
            self._stream(iq).close()
        else:
            closed()

    def _stream(self, iq: Element) -> ibb.Incoming:
        found = self._streams.get((_sender(iq), iq[0].get("sid", "")))
        if found is None or iq.get("type") != "set":
            raise RefusalError("item-not-found")
        return found

    def _jingle(self, iq: Element) -> None:
        sender = _sender(iq)
        try:
            jingle = elements.read(iq[0])
        except ValueError as error:
            self.session.trace.note(f"refused what {sender} asks: {error}")
            raise RefusalError("bad-request", "modify") from None
        if iq.get("type") != "set":
            raise RefusalError("bad-request", "modify")
        link = self._links.get((sender, jingle.sid))
        if link is not None:
            actions = link.machine.receive(jingle)
            # the acknowledgement goes out first
            asyncio.get_running_loop().call_soon(link.perform, actions)
        elif jingle.action == "session-initiate" and self._offered is not None:
            self._offered(sender, jingle)
        elif jingle.action == "session-initiate":
            raise RefusalError("service-unavailable")
        else:
            raise unknown_session()


def _sender(iq: Element) -> str:
    return str(lenient(iq.get("from", "")))
