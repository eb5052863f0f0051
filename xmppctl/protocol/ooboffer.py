"""XEP-0066 §2: files offered by request (``jabber:iq:oob``), which is answered when they arrived.

The peer fetches the file from its URL: what is proven by its answer is that it has the whole.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import DeadlineError, ErrorInfo, RefusedError, XmppctlError
from xmppctl.model.jid import Jid
from xmppctl.model.payload.file import MessageFile, Oob
from xmppctl.model.sent import SendResult
from xmppctl.model.stanza import Stanza
from xmppctl.protocol import Xep
from xmppctl.session import acks
from xmppctl.session.conditions import stanza_error
from xmppctl.session.responder import Later
from xmppctl.session.stream import IQ, Session
from xmppctl.session.weburl import Url, parse_url
from xmppctl.session.xml import serialise

XEPS = (Xep("0066", "1.5", "partial", "files are offered by request, and taken where asked for"),)

NS = "jabber:iq:oob"
TAG = f"{{{NS}}}query"

REFUSALS = frozenset({"file-too-large", "insecure-url", "insecure-redirect"})
"""Conditions of a fetch that was not made, or not to its end, because it was not wanted."""

_URL = f"{{{NS}}}url"
_DESC = f"{{{NS}}}desc"
_LONGEST = 10_000
"""Characters of URL and description that are looked at."""

_HINTS = {
    "item-not-found": "the peer could not fetch what is at the URL",
    "not-acceptable": "the peer refuses the file, or takes none from this account",
    "resource-constraint": "the peer is busy fetching; try again later",
    "service-unavailable": "the client is not online, or takes no files in this way",
    "feature-not-implemented": "the client takes no files in this way",
}


# --- offering


def compose(url: str, desc: str | None = None) -> Element:
    """The payload of an offer."""
    query = Element(TAG)
    SubElement(query, _URL).text = url
    if desc is not None:
        SubElement(query, _DESC).text = desc
    return query


def request(to: Jid, url: str, desc: str | None = None) -> Element:
    """The whole stanza as it would go out."""
    iq = Element(IQ, {"type": "set", "id": Session.new_id(), "to": str(to)})
    iq.append(compose(url, desc))
    return iq


async def offer(
    session: Session, to: Jid, url: str, desc: str | None = None, *, timeout: float | None = None
) -> SendResult:
    """Offer the file at ``url`` to a client and wait until it has fetched it.

    ``confirmed``: it says so. What fails is in the record: RefusedError with the condition of
    the peer, DeadlineError after ``timeout`` seconds (default: the account's), the stream's end.
    """
    pending = session.ask(compose(url, desc), to=to, type="set")
    result = SendResult(to=str(to), id=pending.element.get("id", ""), origin_id=None)
    number: int | None = None
    try:
        session.send(*session.enabling(), pending.element)
        if session.outbound is not None:
            number = session.outbound.sent
            session.send(acks.REQUEST)
        iq = await session.answer(pending, step="offer", timeout=timeout)
    except XmppctlError as error:
        acked = (
            number is not None and session.outbound is not None and session.outbound.acked >= number
        )
        if isinstance(error, DeadlineError):
            error.hint = (
                "the peer may still be fetching, or waits for somebody to agree: "
                "--wait-timeout gives it longer"
            )
        return replace(result, acked=acked, error=_blamed(error, to))
    if iq.get("type") == "error":
        refused = stanza_error(iq, f"the offer to {to}")
        refused.hint = _HINTS.get(refused.condition or "", refused.hint)
        return replace(result, acked=True, error=_blamed(refused, to))
    return replace(result, acked=True, confirmed=True)


def _blamed(error: XmppctlError, to: Jid) -> ErrorInfo:
    error.step = error.step or "offer"
    error.by = error.by or str(to)
    return error.info()


# --- taking

Fetch = Callable[[Url], Awaitable[MessageFile]]
"""Fetches a file and gives its facts when it is there as a whole; raises XmppctlError."""


class Taker:
    """Takes offers: a handler for ``Session.handle_iq``.

    ``wanted`` says of a record, which has no file yet, whether it is to be taken at all. ``fetch``
    gets the file. ``told`` is called with the request when its record can be had by ``record``,
    before the answer goes out.
    """

    def __init__(
        self,
        wanted: Callable[[Stanza], bool],
        fetch: Fetch,
        told: Callable[[Element], None],
        *,
        raw: bool = False,
    ) -> None:
        self._wanted = wanted
        self._fetch = fetch
        self._told = told
        self._raw = raw
        self._records: dict[int, Stanza] = {}
        self._over = False

    def close(self) -> None:
        """Take no further ones."""
        self._over = True

    def record(self, iq: Element) -> Stanza | None:
        """What became of this offer; to be asked for once. None: it is not one of these."""
        return self._records.pop(id(iq), None)

    def __call__(self, iq: Element) -> Later:
        """Answer a request (§2). Raises RefusedError where nothing is going to be fetched."""
        if self._over:
            raise RefusedError("", condition="recipient-unavailable", type="wait")
        offered = _read(iq[0]) if iq.get("type") == "set" else None
        if offered is None:
            raise RefusedError("", condition="bad-request", type="modify")
        record = Stanza(
            stanza="iq",
            id=iq.get("id"),
            from_=iq.get("from"),
            to=iq.get("to"),
            type="set",
            timestamp=datetime.now(UTC),
            oob=[offered],
            raw_xml=serialise(iq, "") if self._raw else None,
        )
        if not self._wanted(record):
            raise _not_acceptable()
        try:
            url = parse_url(offered.url)
        except ValueError as error:
            refusal = RefusedError(
                f"the URL cannot be fetched: {error}", step="offer", condition="unsupported-url"
            )
            self._tell(iq, replace(record, error_=refusal.info()))
            raise _not_acceptable() from None
        return self._take(iq, record, url)

    async def _take(self, iq: Element, record: Stanza, url: Url) -> None:
        try:
            file = await self._fetch(url)
        except XmppctlError as error:
            self._tell(iq, replace(record, error_=error.info()))
            if error.condition in REFUSALS:
                raise _not_acceptable() from None
            raise RefusedError("", condition="item-not-found", type="cancel") from None
        self._tell(iq, replace(record, timestamp=datetime.now(UTC), files=[file]))

    def _tell(self, iq: Element, record: Stanza) -> None:
        self._records[id(iq)] = record
        self._told(iq)


def _not_acceptable() -> RefusedError:
    return RefusedError("", condition="not-acceptable", type="modify")


def _read(query: Element) -> Oob | None:
    """What is offered, None where no URL is."""
    url = (query.findtext(_URL) or "").strip()
    if not 0 < len(url) <= _LONGEST:
        return None
    return Oob(url, (query.findtext(_DESC) or "")[:_LONGEST] or None)
