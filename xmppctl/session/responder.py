"""RFC 6120 §8: answers to what others ask; every request gets one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError
from xmppctl.session.conditions import NS_STANZAS
from xmppctl.session.xml import NS_CLIENT

Later = Coroutine[Any, Any, Element | None]

IqHandler = Callable[[Element], Element | Later | None]
"""Gets the whole iq of type get or set; gives the payload of the result (None: an empty one), or
raises RefusedError whose condition and type go into the error. Where it gives a coroutine, what
that gives or raises is the answer, when it is over."""

LATER = 4
"""How many answers may be under way; who asks for more is told to wait."""

_GIVE_UP = 0.5  # seconds for what is given up to clear away what it began

PING = "{urn:xmpp:ping}ping"
"""The payload of a ping (XEP-0199)."""

_IQ = f"{{{NS_CLIENT}}}iq"


class RefusalError(RefusedError):
    """How to refuse a request: a defined condition, and what an extension says about it.

    ``detail``: an element beside the condition, as ``{namespace}name`` (RFC 6120 §8.3.4).
    """

    def __init__(self, condition: str, type: str = "cancel", detail: str | None = None) -> None:
        super().__init__(f"refused: {condition}", condition=condition, type=type)
        self.detail = detail


class Responder:
    """The handlers of one session, by the ``{namespace}name`` of the payload.

    ``late`` is called with the answers that ``reply`` does not give; it must not fail.
    """

    def __init__(self, late: Callable[[Element], None]) -> None:
        self._handlers: dict[str, IqHandler] = {PING: lambda iq: None}
        self._late = late
        self._later: dict[asyncio.Task[None], Element] = {}

    def handle(self, tag: str, handler: IqHandler) -> None:
        """From now on requests with this payload go to ``handler``."""
        self._handlers[tag] = handler

    def reply(self, iq: Element) -> Element | None:
        """The answer to a request, an error where nobody handles it (§8.4); None: it comes late."""
        payload = next(iter(iq), None)
        handler = self._handlers.get(payload.tag) if payload is not None else None
        try:
            if handler is None:
                raise RefusedError("", condition="service-unavailable")
            outcome = handler(iq)
            if isinstance(outcome, Coroutine):
                self._begin(iq, outcome)
                return None
            return _result(iq, outcome)
        except RefusedError as error:
            return _refusal(iq, error)

    def _begin(self, iq: Element, work: Later) -> None:
        if len(self._later) >= LATER:
            work.close()
            raise RefusedError("", condition="resource-constraint", type="wait")

        def over(task: asyncio.Task[None]) -> None:
            work.close()  # it may have been given up before it began
            self._later.pop(task, None)

        task = asyncio.ensure_future(self._finish(iq, work))
        self._later[task] = iq
        task.add_done_callback(over)

    async def _finish(self, iq: Element, work: Later) -> None:
        try:
            reply = _result(iq, await work)
        except RefusedError as error:
            reply = _refusal(iq, error)
        except Exception:  # a bug; who asked gets an answer all the same
            self._late(_refusal(iq, RefusedError("", condition="internal-server-error")))
            raise
        self._late(reply)

    async def give_up(self) -> bool:
        """End what is under way, within half a second, and tell those who wait; False: nobody."""
        given_up = [(task, iq) for task, iq in self._later.items() if not task.done()]
        gone = RefusedError("", condition="recipient-unavailable", type="wait")
        for task, iq in given_up:
            task.cancel()
            self._late(_refusal(iq, gone))
        if given_up:
            await asyncio.wait([task for task, _ in given_up], timeout=_GIVE_UP)
        return bool(given_up)


def _reply(iq: Element, kind: str) -> Element:
    reply = Element(_IQ, {"id": iq.get("id", "")})
    if iq.get("from") is not None:
        reply.set("to", iq.get("from", ""))
    reply.set("type", kind)
    return reply


def _result(iq: Element, payload: Element | None) -> Element:
    reply = _reply(iq, "result")
    if payload is not None:
        reply.append(payload)
    return reply


def _refusal(iq: Element, error: RefusedError) -> Element:
    reply = _reply(iq, "error")
    child = SubElement(reply, f"{{{NS_CLIENT}}}error", {"type": error.type or "cancel"})
    SubElement(child, f"{{{NS_STANZAS}}}{error.condition}")
    if isinstance(error, RefusalError) and error.detail is not None:
        SubElement(child, error.detail)
    return reply
