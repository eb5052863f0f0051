"""What a listener does with what others offer: calls, files, streams of old; it tells of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from xmppctl.errors import XmppctlError
from xmppctl.model.jingle import JingleContent, JingleOffer
from xmppctl.model.stanza import Stanza
from xmppctl.protocol.jingle import JINGLE, NS_FILES, elements, files, si
from xmppctl.protocol.jingle.actions import unknown_session
from xmppctl.protocol.jingle.elements import Content, Jingle, Reason
from xmppctl.session.responder import RefusalError
from xmppctl.session.stream import Session
from xmppctl.session.xml import serialise, split

TAGS = (JINGLE, si.TAG)
"""The payloads of the requests."""

_EDITING = "urn:xmpp:jingle:transports:sxe"


class Decliner:
    """Answers offers of Jingle and of stream initiation: a handler for ``Session.handle_iq``.

    ``wanted`` says of a record whether it is to be told; who is not wanted finds nobody here.
    ``told`` gets the request when its record can be had by ``record``.
    """

    def __init__(
        self,
        session: Session,
        wanted: Callable[[Stanza], bool],
        told: Callable[[Element], None],
        *,
        raw: bool = False,
    ) -> None:
        self._session = session
        self._wanted = wanted
        self._told = told
        self._raw = raw
        self._records: dict[int, Stanza] = {}

    def record(self, iq: Element) -> Stanza | None:
        """What was offered; to be asked for once. None: it was nothing of this kind."""
        return self._records.pop(id(iq), None)

    def __call__(self, iq: Element) -> None:
        """Answer a request. Raises RefusalError."""
        record = Stanza(
            stanza="iq",
            id=iq.get("id"),
            from_=iq.get("from"),
            to=iq.get("to"),
            type="set",
            timestamp=datetime.now(UTC),
            raw_xml=serialise(iq, "") if self._raw else None,
        )
        if iq.get("type") != "set":
            raise RefusalError("bad-request", "modify")
        if iq[0].tag == JINGLE:
            self._decline(iq, record)
            return
        record = replace(record, si=si.read(iq[0]))
        if not self._wanted(record):
            raise RefusalError("service-unavailable")
        self._tell(iq, record)
        raise si.refusal(iq[0])

    def _decline(self, iq: Element, record: Stanza) -> None:
        try:
            jingle = elements.read(iq[0])
        except ValueError:
            raise RefusalError("bad-request", "modify") from None
        if jingle.action != "session-initiate":
            raise unknown_session()
        reason = _reason(jingle)
        record = replace(record, jingle=replace(offer(jingle, iq.get("from")), answer=reason))
        if not self._wanted(record):
            raise RefusalError("service-unavailable")
        end = Jingle("session-terminate", jingle.sid, reason=Reason(reason))
        pending = self._session.ask(elements.write(end), to=iq.get("from", ""), type="set")

        def decline() -> None:
            with suppress(XmppctlError):  # the stream is at its end
                self._session.send(pending.element)
            # who is told may end the stream at once
            self._tell(iq, record)

        # the offer is acknowledged first
        asyncio.get_running_loop().call_soon(decline)

    def _tell(self, iq: Element, record: Stanza) -> None:
        self._records[id(iq)] = record
        self._told(iq)


def _reason(jingle: Jingle) -> str:
    """Files have a command of their own; the rest this program will never do."""
    for content in jingle.contents:
        if content.description is not None and content.description.tag == files.DESCRIPTION:
            return "decline"
        if content.transport is not None and split(content.transport.tag)[0] == _EDITING:
            return "unsupported-transports"
    return "unsupported-applications"


def offer(jingle: Jingle, sender: str | None) -> JingleOffer:
    """The record of an offer."""
    contents = [_content(each) for each in jingle.contents]
    return JingleOffer(jingle.action, jingle.sid, sender, contents)


def _content(content: Content) -> JingleContent:
    description, transport = content.description, content.transport
    file = files.read(description)
    return JingleContent(
        name=content.name,
        creator=content.creator,
        senders=content.senders,
        description=None if description is None else split(description.tag)[0],
        media=None if description is None else description.get("media"),
        transport=None if transport is None else split(transport.tag)[0],
        file=None if file is None else file.record,
    )


def described(description: Element) -> JingleContent:
    """The record of what a proposal is about (XEP-0353 §3.1)."""
    namespace = split(description.tag)[0]
    file = files.read(description) if namespace == NS_FILES else None
    return JingleContent(
        description=namespace,
        media=description.get("media"),
        file=None if file is None else file.record,
    )
