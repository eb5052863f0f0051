"""XEP-0124 and XEP-0206: the stream over HTTP requests, of which one waits for news (BOSH).

Not covered: several streams in one session, keys for connections without TLS (there are none
here), acknowledgements, pausing, compression.

A request carries its number (``rid``); both sides work through them in order, so a request whose
connection broke is sent again with the same number without being processed twice (§14.3).
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from xmppctl.errors import ConnectError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.model.xep import Xep
from xmppctl.session import boshbody, weblink
from xmppctl.session.boshbody import PLAIN, TERMINATE, Body
from xmppctl.session.httplane import Lane
from xmppctl.session.httpreply import NoHttpError
from xmppctl.session.trace import Trace
from xmppctl.session.weburl import Url
from xmppctl.session.wire import Wire

XEPS = (
    Xep("0124", "1.11.2", "partial", "one stream; no keys, acknowledgements, pauses, compression"),
    Xep("0206", "1.4", "complete"),
)

_MOST_LANES = 2
_TRIES = 3
"""How often one request is sent before its connection counts as lost."""

_PAUSE = 0.2
"""Seconds before a request is repeated that the connection manager could not handle."""

_GRACE = 0.01
"""Seconds that the next thing to send is waited for, before an empty request asks for news."""

_LINGER = 1.0
"""Seconds that the network may take for what is still to be sent at the end."""

_LARGEST = 64 * 1024
"""Characters of elements in one request, if there is more than one element."""

_MARGIN = 16 * 1024
"""What may go along with a first element that is larger than that."""

_LONG = 16 * 1024
_HEAD_START = 0.03
_HEAD_START_LONG = 1.0
"""Seconds that a request, and one of more bytes than that, has before the next may follow, on a
connection of its own; its answer ends them."""

_REPLY_MARGIN = 30.0
"""Seconds beyond ``wait`` after which a request counts as lost."""


async def connect(account: Account, url: str, trace: Trace, limit: float) -> BoshWire:
    """A wire whose first connection is open; ``open`` asks for the session.

    Raises ConnectError, TlsError, DeadlineError, and what ``weblink.connect`` raises.
    """
    try:
        place = weblink.endpoint(url)
    except ValueError as error:
        raise ConnectError(
            f"the URL of the BOSH endpoint cannot be used: {error}",
            step="bosh",
            condition="bad-url",
        ) from None
    wire = BoshWire(account, place, trace)
    await wire.connect(limit)
    trace.enter("bosh")
    return wire


class _Outgoing:
    """A body that waits for its turn: its frame, and the elements that it carries."""

    def __init__(self, frame: str) -> None:
        self.frame = frame
        self.payload: list[str] = []
        self._size = 0

    def take(self, part: str) -> bool:
        """Carry one element more, if there is room."""
        most = max(_LARGEST, len(self.payload[0]) + _MARGIN) if self.payload else len(part)
        if self.frame != PLAIN or self._size + len(part) > most:
            return False
        self.payload.append(part)
        self._size += len(part)
        return True


class BoshWire(Wire):
    """A stream over at most two HTTP connections."""

    transport = "bosh"
    speaks_first = False
    in_order = False  # the end of a session takes the place of answers that are not fetched yet

    def __init__(self, account: Account, url: Url, trace: Trace) -> None:
        super().__init__(trace, url.peer)
        self._account = account
        self._url = url
        self._idle: list[Lane] = []
        self._lanes: list[Lane] = []
        self._limit = account.connect_timeout
        self._rid = secrets.randbelow(2**52)
        self._sid: str | None = None
        self._asked = False
        self._opening_rid: int | None = None
        self._most = 1
        self._polling = 0
        self._wait = boshbody.WAIT
        self._outbox: deque[_Outgoing] = deque()
        self._flying: dict[int, _Outgoing] = {}
        self._unsent = 0
        self._answers: dict[int, Body] = {}
        self._next = self._rid + 1
        self._empty_since: float | None = None
        self._poll: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._moved = asyncio.Event()
        self._ahead: tuple[int, asyncio.TimerHandle] | None = None
        self._domain = ""
        self._terminated = False

    @property
    def ssl_object(self) -> ssl.SSLObject | None:
        """The TLS layer of the oldest connection."""
        return self._lanes[0].link.ssl_object if self._lanes else None

    async def connect(self, limit: float) -> None:
        """Open the first connection. Raises ConnectError, TlsError, DeadlineError."""
        self._limit = limit
        self._idle.append(await self._new_lane(self.trace))

    async def _new_lane(self, trace: Trace) -> Lane:
        lane = await Lane.open(self._account, self._url, trace, self._limit)
        self._lanes.append(lane)
        return lane

    # --- what goes out

    def _opening(self, to: str, sender: str | None) -> str:
        self._domain = to
        first, self._asked = not self._asked, True
        return (boshbody.creation if first else boshbody.restart)(to, sender)

    def _footer(self) -> str:
        return TERMINATE

    def _put(self, parts: Sequence[str]) -> None:
        for part in parts:
            last = self._outbox[-1] if self._outbox else None
            if part == TERMINATE and last is not None and last.frame == PLAIN:
                last.frame = TERMINATE  # what goes with it is forwarded before the end (§13)
            elif part.startswith("<body "):
                self._outbox.append(_Outgoing(part))
            elif last is None or not last.take(part):
                self._outbox.append(_Outgoing(PLAIN))
                self._outbox[-1].take(part)
        self._pump()

    def _pump(self) -> None:
        """Send what may be sent now; see to it that one request waits for news."""
        while self._outbox and self.error is None and self._may_send(self._outbox[0]):
            self._start(self._outbox.popleft())
        if self._flying or self.error is not None or self._sid is None:
            return
        if self._poll is None and not self._footer_seen:
            loop = asyncio.get_running_loop()
            delay = _GRACE
            if self._empty_since is not None:
                delay = max(delay, self._empty_since + self._polling - loop.time())
            self._poll = loop.call_later(delay, self._ask_for_news)

    def _may_send(self, body: _Outgoing) -> bool:
        # nothing overtakes the stream's opening, nor a request that is not on its way yet:
        # ejabberd 23.01 never answers what comes out of order
        if self._opening_rid is not None or self._unsent or self._ahead is not None:
            return False
        most = _MOST_LANES if body.frame == TERMINATE else self._most  # one more: §11
        return len(self._flying) < most

    def _ask_for_news(self) -> None:
        self._poll = None
        if not self._flying and self.error is None:
            self._empty_since = asyncio.get_running_loop().time()
            self._start(_Outgoing(PLAIN))

    def _start(self, body: _Outgoing) -> None:
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None
        self._rid += 1
        if body.frame == TERMINATE:
            self._terminated = True
        elif body.frame != PLAIN:
            self._opening_rid = self._rid
        if body.payload or body.frame != PLAIN:
            self._empty_since = None
        self._flying[self._rid] = body
        self._unsent += 1
        content = boshbody.written(body.frame, self._rid, self._sid, body.payload)
        task = asyncio.get_running_loop().create_task(self._carry(self._rid, content))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, rid: int, content: bytes) -> None:
        """One request until its answer, over a new connection where the old one broke."""
        try:
            answer = await self._answer_to(rid, content)
        except XmppctlError as error:
            self._end(error)
        except NoHttpError as error:
            self._end(
                ConnectError(
                    f"{self.peer} does not speak HTTP as it should ({error})",
                    step=self.trace.step,
                    condition="not-well-formed",
                    by=self.peer,
                )
            )
        else:
            if self._ahead is not None and self._ahead[0] == rid:
                self._ahead[1].cancel()
                self._ahead = None
            self._answers[rid] = answer
            while self.error is None and self._next in self._answers:
                number, self._next = self._next, self._next + 1
                del self._flying[number]
                self._process(number, self._answers.pop(number))
            self._moved.set()
            self._pump()

    async def _answer_to(self, rid: int, content: bytes) -> Body:
        first = True

        def sent() -> None:
            nonlocal first
            if first:
                first = False
                self._unsent -= 1
                seconds = _HEAD_START_LONG if len(content) > _LONG else _HEAD_START
                timer = asyncio.get_running_loop().call_later(seconds, self._caught_up)
                self._ahead = rid, timer
                self._moved.set()
                self._pump()

        request = self._head(len(content)) + content
        for attempt in range(1, _TRIES + 1):
            while self._idle and not self._idle[-1].usable:
                self._drop(self._idle.pop())
            lane = self._idle.pop() if self._idle else await self._new_lane(Trace())
            try:
                async with asyncio.timeout(self._wait + _REPLY_MARGIN):
                    reply = await lane.post(request, sent)
            except TimeoutError:
                raise self.silence(self._wait + _REPLY_MARGIN, self.trace.step) from None
            except OSError:
                self._drop(lane)
                continue
            if lane.usable:
                self._idle.append(lane)
            else:
                self._drop(lane)
            body = boshbody.read(reply, self.peer, self.trace.step)
            if body.kind != "error":
                return body
            await asyncio.sleep(_PAUSE * attempt)
        raise self._closed()

    def _caught_up(self) -> None:
        self._ahead = None
        self._pump()

    def _head(self, length: int) -> bytes:
        host, port = self._url.peer.rpartition(":")[::2]
        name = host if port == "443" else self._url.peer
        return (
            f"POST {self._url.target} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: xmppctl\r\n"
            f"Content-Type: text/xml; charset=utf-8\r\nContent-Length: {length}\r\n\r\n"
        ).encode("ascii")

    def _drop(self, lane: Lane) -> None:
        lane.link.close()
        if lane in self._lanes:
            self._lanes.remove(lane)

    # --- what comes in

    def _process(self, rid: int, body: Body) -> None:
        """One answer, in the order of the requests."""
        if self._sid is None and body.kind != "terminate" and not self._created(body):
            return
        if rid == self._opening_rid:
            known = self.header.get("id", self._sid or "")
            self._header_came(
                {
                    "id": body.attributes.get("authid", known),
                    "from": body.attributes.get("from", self._domain),
                    "version": "1.0",
                }
            )
        if body.elements:
            self._opening_rid = None
            self._empty_since = None
        for element in body.elements:
            if not element.tag.startswith(f"{{{boshbody.NS}}}"):
                self._element_came(element)
        if body.kind == "terminate":
            why = boshbody.ended(body, self.peer, self.trace.step)
            # ejabberd ends what waits for news so when it is told to end the session
            asked = self._terminated and body.attributes.get("condition") == "other-request"
            if why is None or asked:
                self._footer_came()
            else:
                self.ended_by_peer = True
                self._end(why)
        elif rid == self._opening_rid:
            self._opening_rid = -1  # it is answered, but the features are still to come

    def _created(self, body: Body) -> bool:
        sid = body.attributes.get("sid")
        if not sid:
            self._end(
                ConnectError(
                    f"{self.peer} gave no BOSH session",
                    step=self.trace.step,
                    condition="no-session",
                    by=self.peer,
                )
            )
            return False
        self._sid = sid
        self._wait = max(0, min(body.number("wait", boshbody.WAIT), boshbody.WAIT))
        self._most = max(1, min(body.number("requests", _MOST_LANES), _MOST_LANES))
        self._polling = body.number("polling", 0)
        return True

    # --- the end

    async def _hang_up(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                while self.error is None and self._sid and (self._outbox or self._unsent):
                    self._moved.clear()
                    await self._moved.wait()
        unsent = [lane for lane in self._lanes if lane.link.unsent()]
        self._stop()
        for lane in self._lanes:
            lane.link.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                for lane in unsent:
                    await lane.link.lost.wait()

    def abort(self) -> None:
        """Drop the connections."""
        self._stop()
        for lane in self._lanes:
            lane.link.abort()

    def _stop(self) -> None:
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None
        if self._ahead is not None:
            self._ahead[1].cancel()
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()
