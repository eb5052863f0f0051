"""XEP-0070: Verifying HTTP Requests: answering whether a request on the web is one's own.

A request is allowed only where the caller says so. What nobody waits for is denied where an answer
is due (iq), and left where it is none's business (message).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import DeadlineError, RefusedError, XmppctlError
from xmppctl.model.confirm import Answer, Confirmation
from xmppctl.model.jid import Jid, lenient
from xmppctl.protocol import Xep, caps_own, message, presence
from xmppctl.protocol.handover import dispatch
from xmppctl.protocol.payload import Context
from xmppctl.protocol.payload.httpconfirm import CONFIRM
from xmppctl.records import dataclass
from xmppctl.session.conditions import NS_STANZAS
from xmppctl.session.inbox import Inbox
from xmppctl.session.stream import IQ, MESSAGE, Session
from xmppctl.session.xml import NS_CLIENT, split

XEPS = (Xep("0070", "1.0.2", "complete"),)

NS = split(CONFIRM)[0]
STEP = "confirm"

_NEEDED = ("id", "method", "url")
_DELAY = f"{{{message.NS_DELAY}}}delay"


@dataclass(frozen=True)
class Wanted:
    """Which request is waited for; what is None may be anything.

    ``url`` says whether a URL is the one. ``stored``: also one that the server kept for a while.
    """

    id: str | None = None
    url: Callable[[str], bool] | None = None
    method: str | None = None
    sender: Jid | None = None
    stored: bool = True

    def fits(self, asked: Confirmation) -> bool:
        """Whether this is the request."""
        if self.sender is not None:
            found = lenient(asked.from_)
            if found != self.sender and (self.sender.is_full or found.bare != self.sender):
                return False
        return (
            (self.stored or not asked.delayed)
            and (self.id is None or asked.id == self.id)
            and (self.method is None or asked.method == self.method)
            and (self.url is None or self.url(asked.url))
        )


async def answer(
    session: Session,
    wanted: Wanted,
    decide: Callable[[Confirmation], Answer],
    *,
    seconds: float | None,
    ready: Callable[[], None],
) -> Confirmation:
    """Answer the first request that is ``wanted``; it, with the answer that was given.

    Waits for ``seconds`` after ``ready``, which is called when presence is in effect. ``decide``
    gets the request with the answer "deny". Raises DeadlineError where none came, and what ended
    the stream.
    """
    features = caps_own.FEATURES | {NS}
    with session.inbox(_is_request, keep=False) as box:
        desk = _Desk(session, box, wanted)
        session.handle_iq(CONFIRM, desk.requested)
        shown = presence.compose(priority=0, features=features)
        await presence.appear(session, shown, features=features)
        ready()
        session.trace.enter(STEP)
        deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
        try:
            async for stanza in presence.arriving(session, box, deadline):
                asked = read(stanza, session.bare)
                if asked is None or (stanza.tag == MESSAGE and not _fits(session, wanted, asked)):
                    continue  # one by iq was looked at when it came
                answered = decide(asked)
                if stanza.tag == IQ:
                    await desk.settle(stanza, answered)
                else:
                    with dispatch(session, reply(stanza, answered)) as sent:
                        await sent.wait()
                    session.handled(stanza)
                return replace(asked, answer=answered)
        finally:
            with suppress(XmppctlError):
                session.acknowledge()  # so that what was answered is not asked a second time
    raise DeadlineError(
        f"no request to confirm came within {seconds or 0:g} s",
        step=STEP,
        condition="timeout",
        hint="--for gives it longer",
    )


class _Desk:
    """Requests by iq: those that are waited for get their answer when it is decided."""

    def __init__(self, session: Session, box: Inbox, wanted: Wanted) -> None:
        self._session = session
        self._box = box
        self._wanted = wanted
        self._open: dict[int, asyncio.Future[Answer]] = {}

    def requested(self, iq: Element) -> Coroutine[Any, Any, Element | None]:
        """The handler of the session. Raises RefusedError."""
        asked = read(iq, self._session.bare) if iq.get("type") == "get" else None
        if asked is None:
            raise RefusedError("", condition="bad-request", type="modify")
        if self._open or not self._wanted.fits(asked):
            note = f"denied {asked.method} {asked.url} ({asked.id}) of {asked.from_}"
            self._session.trace.note(f"{note}: not what is waited for")
            raise _denied()
        decided: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._open[id(iq)] = decided
        self._box.queue.put_nowait(iq)

        async def later() -> None:
            if await decided == "deny":
                raise _denied()

        return later()

    async def settle(self, iq: Element, answer: Answer) -> None:
        """Give the answer, and let it go out."""
        self._open[id(iq)].set_result(answer)
        await asyncio.sleep(0)  # the responder, which waits for it, comes first


def reply(stanza: Element, answer: Answer) -> Element:
    """The answer to a request by message (§4.5): its thread and its ``<confirm/>``."""
    denied = answer == "deny"
    message = Element(MESSAGE, {"to": stanza.get("from", "")})
    message.set("type", "error" if denied else "normal")
    # an error has the id of what it answers (RFC 6120 §8.3.1)
    identifier = stanza.get("id") if denied else Session.new_id()
    if identifier is not None:
        message.set("id", identifier)
    for tag in (f"{{{NS_CLIENT}}}thread", CONFIRM):
        found = stanza.find(tag)
        if found is not None:
            copy = deepcopy(found)
            copy.tail = None
            message.append(copy)
    if denied:
        error = SubElement(message, f"{{{NS_CLIENT}}}error", {"type": "auth"})
        SubElement(error, f"{{{NS_STANZAS}}}not-authorized")
    return message


def _is_request(stanza: Element) -> bool:
    return (
        stanza.tag == MESSAGE
        and stanza.get("type", "normal") not in ("error", "groupchat")
        and stanza.get("from") is not None
        and stanza.find(CONFIRM) is not None
    )


def read(stanza: Element, own: str) -> Confirmation | None:
    """The request, not answered yet; None where it lacks what it must have (§4.4).

    ``own``: the bare JID of the account, which may say how long a message was stored.
    """
    element = stanza.find(CONFIRM)
    sender = stanza.get("from")
    if element is None or sender is None:
        return None
    identifier, method, url = ((element.get(name) or "").strip() for name in _NEEDED)
    if not (identifier and method and url):
        return None
    asked = Confirmation(sender, identifier, method, url, "deny")
    now = datetime.now(UTC).replace(microsecond=0)
    if stanza.tag == IQ:
        return replace(asked, at=now)
    known = message.facts(stanza, Context(own))
    hidden = known["encryption"]
    return replace(
        asked,
        stanza="message",
        thread=known["thread"],
        # beside something encrypted it is not what was said
        body=known["body"] if hidden is None else None,
        at=known["timestamp"] or now,
        delayed=stanza.find(_DELAY) is not None,
    )


def _fits(session: Session, wanted: Wanted, asked: Confirmation) -> bool:
    if wanted.fits(asked):
        return True
    session.trace.note(f"left {asked.method} {asked.url} ({asked.id}) of {asked.from_} alone")
    return False


def _denied() -> RefusedError:
    return RefusedError("", condition="not-authorized", type="auth")
