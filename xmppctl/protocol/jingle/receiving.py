"""Take files that others offer (XEP-0234 §6.1), several at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Protocol
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import ConnectError, ErrorInfo, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.jingle import Transfer
from xmppctl.protocol import caps_own, flights, presence
from xmppctl.protocol.jingle import FEATURES, incoming, messages, proxies, si
from xmppctl.protocol.jingle.bytestream import Ways, prepare
from xmppctl.protocol.jingle.elements import Jingle, Reason
from xmppctl.protocol.jingle.files import File
from xmppctl.protocol.jingle.incoming import Declined, Offer
from xmppctl.protocol.jingle.link import Switchboard
from xmppctl.protocol.jingle.transports import Choice
from xmppctl.records import dataclass
from xmppctl.session.inbox import Inbox
from xmppctl.session.responder import RefusalError
from xmppctl.session.stream import MESSAGE, PRESENCE, Session

AT_ONCE = 8
"""Files that are on their way at the same time."""


_MOST_PROPOSED = 100


class Place(Protocol):
    """Where a file goes to; it has its name only when it is complete.

    ``offset``: bytes that are there already, from an earlier transfer.
    """

    offset: int

    def digest(self, update: Callable[[bytes], object]) -> None:
        """Give the bytes that are there already to ``update``."""

    def write(self, block: bytes) -> None:
        """Append."""

    def commit(self) -> str:
        """It is complete: the path of the file."""

    def discard(self, *, keep: bool) -> None:
        """It is not. ``keep``: the bytes so far are those of the file, for another time."""


@dataclass(frozen=True)
class Options:
    """Which files to take, and how.

    ``senders``: whose, everybody's where it is empty. ``place`` gives where a file goes to, by the
    JID of the sender's client and what is said of it; raises LocalError. ``direct`` as in
    ``sending``. ``count``: end after so many offers. ``moved`` gets the session id of a transfer,
    its size and the bytes so far.
    """

    senders: tuple[Jid, ...]
    place: Callable[[str, File], Place]
    max_size: int
    direct: bool | None = None
    transport: Choice = "auto"
    count: int | None = None
    seconds: float | None = None
    progress: bool = False
    moved: Callable[[str, File, int], None] = lambda sid, file, done: None
    warn: Callable[[str], None] = lambda text: None


async def receive(
    session: Session, options: Options, ready: Callable[[], None]
) -> AsyncGenerator[Transfer, None]:
    """What became of each file that was offered; with ``progress`` also the steps to that.

    ``ready`` is called when offers may come. Ends after ``count`` or ``seconds``. Raises
    DeadlineError where fewer than ``count`` came, and what ended the stream.
    """
    receiver = _Receiver(session, options)
    contacts = await presence.appear(session, None)
    receiver.listen(contacts)
    preparing = asyncio.ensure_future(_prepare(session, options))
    receiver.use(preparing, frozenset(contacts) | {session.bare})
    try:
        with session.inbox(lambda stanza: stanza.tag == MESSAGE, keep=False) as box:
            here = presence.compose(priority=_priority(session), features=receiver.features)
            barrier = flights.barrier(session)
            session.send(here, barrier.element)
            await session.answer(barrier, step="presence")
            ready()
            session.trace.enter("listen")
            listening = asyncio.ensure_future(receiver.follow(box))
            try:
                async for record in receiver.records(listening):
                    yield record
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
                await receiver.close()
    finally:
        preparing.cancel()
        for found in await asyncio.gather(preparing, return_exceptions=True):
            if isinstance(found, Ways):
                await found.close()


async def _prepare(session: Session, options: Options) -> Ways:
    if options.transport == "ibb":
        return Ways()
    direct = options.direct is not False
    return await prepare(session, proxies.usable(session), direct=direct)


def _priority(session: Session) -> int:
    """Proposals come to who gets messages; that is done only where these can be given back."""
    lossy = session.trace.facts.get("transport") == "bosh"
    return -1 if session.inbound is None or lossy else 0


class _Receiver:
    def __init__(self, session: Session, options: Options) -> None:
        self._session = session
        self._options = options
        self._me = str(lenient(str(session.jid)))
        self._steps: asyncio.Queue[Transfer | BaseException | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._begun = 0
        self._over = False
        self._proposed: dict[str, str] = {}
        self._ways: asyncio.Future[Ways] | None = None
        self._known: frozenset[str] = frozenset()
        self.features = caps_own.FEATURES | FEATURES | {messages.NS}

    def use(self, found: asyncio.Future[Ways], known: frozenset[str]) -> None:
        """How bytes may come, and the bare JIDs of those who may know the own address."""
        self._ways, self._known = found, known

    def listen(self, contacts: dict[str, str]) -> None:
        """Answer requests from now on."""
        self._board = Switchboard(self._session, self._offered)
        self._session.handle_iq(si.TAG, self._refuse_si)

        def trusted(bare: str) -> bool:
            # who may send files has to find out that this client takes them
            return contacts.get(bare) in ("from", "both") or self._wants(bare)

        caps_own.answer_questions(self._session, self.features, trusted)

    def _wants(self, jid: str) -> bool:
        senders = self._options.senders
        return not senders or any(
            presence.covers(each, jid) or str(each.bare) == jid for each in senders
        )

    async def records(self, listening: asyncio.Future[None]) -> AsyncGenerator[Transfer, None]:
        """The records, until enough have come."""
        seconds, wanted = self._options.seconds, self._options.count
        deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
        listening.add_done_callback(self._ended)
        ended = 0
        while wanted is None or ended < wanted:
            try:
                async with asyncio.timeout_at(deadline):
                    record = await self._steps.get()
            except TimeoutError:
                # what has begun may come to its end
                self._over, deadline = True, None
                record = None
            if isinstance(record, BaseException):
                raise record
            if record is None:
                if self._over and not self._tasks and self._steps.empty():
                    break
            elif record.is_outcome:
                ended += 1
                yield record
            elif self._options.progress:
                yield record
        if wanted is not None and seconds is not None and ended < wanted:
            raise presence.too_few(ended, wanted, seconds)

    def _ended(self, listening: asyncio.Future[None]) -> None:
        if not listening.cancelled():
            self._steps.put_nowait(listening.exception())

    async def close(self) -> None:
        """Give up what is under way; the peers are told."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- proposals (XEP-0353)

    async def follow(self, box: Inbox) -> None:
        """Answer proposals as they come; other messages stay with the server."""
        async for stanza in presence.arriving(self._session, box, None):
            told = messages.read(stanza)
            sender = lenient(stanza.get("from", ""))
            if told is None:
                continue
            self._session.handled(stanza)
            action, id, element = told
            if action != "propose" or not messages.is_of_file(element):
                continue
            wanted = sender.is_full and self._wants(str(sender)) and self._has_room()
            if wanted and len(self._proposed) < _MOST_PROPOSED:
                self._proposed[id] = str(sender)
                self._session.send(messages.compose("proceed", sender, id), self._directed(sender))

    def _directed(self, to: Jid) -> Element:
        """Who does not see the presence gets to know what this client can do (§3.4)."""
        stanza = Element(PRESENCE, {"to": str(to)})
        SubElement(stanza, "{jabber:client}priority").text = "0"
        caps_own.decorate(stanza, self.features)
        return stanza

    # --- offers

    def _has_room(self) -> bool:
        count = self._options.count
        return not self._over and (count is None or self._begun < count)

    def _offered(self, sender: str, jingle: Jingle) -> None:
        if not self._wants(sender):
            self._session.trace.note(f"refused an offer of {sender}")
            raise RefusalError("service-unavailable")
        if len(self._tasks) >= AT_ONCE or not self._has_room():
            raise RefusalError("resource-constraint", "wait")
        offer = incoming.read(self._board, self._me, sender, jingle, self._options.transport)
        offer = incoming.limited(offer, self._options.max_size)
        counts = not isinstance(offer, Declined) or offer.error is not None
        self._begun += counts
        task = asyncio.ensure_future(self._take(offer))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._steps.put_nowait(None if task.cancelled() else task.exception())

    async def _take(self, offer: Offer | Declined) -> None:
        try:
            if isinstance(offer, Declined):
                await incoming.decline(offer)
                if offer.error is not None:
                    self._tell(offer.record, offer.error)
                return
            direct = self._options.direct
            if self._options.transport == "ibb":
                direct = False
            elif direct is None:
                direct = str(lenient(offer.peer).bare) in self._known
            found = await asyncio.shield(self._ways) if self._ways is not None else Ways()
            await self._receive(offer, found if direct else replace(found, direct=False, host=None))
        except XmppctlError as error:
            self._tell(offer.record, error.info())
            if isinstance(error, ConnectError):
                self._steps.put_nowait(error)

    def _tell(self, record: Transfer, error: ErrorInfo) -> None:
        self._steps.put_nowait(replace(record, state="failed", error=error))

    async def _receive(self, offer: Offer, found: Ways) -> None:
        self._steps.put_nowait(offer.record)
        reception = incoming.Reception(
            self._session,
            self._board,
            offer,
            found,
            self._steps.put_nowait,
            lambda done: self._options.moved(offer.jingle.sid, offer.file, done),
        )
        record = await reception.run(self._options.place, self._options.max_size)
        if record.state == "done" and record.verified is None:
            self._options.warn(f"{record.path}: the sender told no hash by which to check it")
        if self._proposed.pop(offer.jingle.sid, None) is not None:
            reason = Reason("success" if record.state == "done" else "failed-application")
            peer = lenient(offer.peer)
            self._session.send(messages.compose("finish", peer, offer.jingle.sid, reason))
        self._steps.put_nowait(record)

    def _refuse_si(self, iq: Element) -> None:
        sender = iq.get("from", "")
        if self._wants(str(lenient(sender))):
            what = si.read(iq[0]).file
            name = f" of {what.name}" if what is not None and what.name else ""
            self._options.warn(
                f"refused an offer{name} by {sender}: it is made in the way before Jingle "
                "(stream initiation, XEP-0095)"
            )
        raise si.refusal(iq[0])
