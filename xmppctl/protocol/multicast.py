"""XEP-0033: one message to many through a multicast service, or one by one where there is none."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

from xmppctl.errors import ConnectError, ErrorInfo, XmppctlError
from xmppctl.model.jid import Jid, lenient, parse
from xmppctl.model.payload.delivery import Address
from xmppctl.model.sent import SendResult
from xmppctl.protocol import Xep, disco, flights, send
from xmppctl.protocol.delivery import blamed
from xmppctl.protocol.handover import dispatch
from xmppctl.protocol.payload import addresses
from xmppctl.protocol.settling import Settling
from xmppctl.records import dataclass
from xmppctl.session.conditions import stanza_error
from xmppctl.session.stream import MESSAGE, Session

XEPS = (Xep("0033", "1.2.1", "partial", "messages; no presence, no addresses outside of XMPP"),)

BATCH = 20
"""Addresses in one message: §9 wants services to allow at least as many."""


@dataclass(frozen=True)
class Plan:
    """To whom a message goes, and where answers to it are to go."""

    to: tuple[Jid, ...]
    bcc: tuple[Jid, ...] = ()
    reply_to: tuple[Jid, ...] = ()
    reply_room: tuple[Jid, ...] = ()
    no_reply: bool = False

    @property
    def replies(self) -> list[Address]:
        """The addresses that say where answers go."""
        found = [Address("replyto", str(jid)) for jid in self.reply_to]
        found += [Address("replyroom", str(jid)) for jid in self.reply_room]
        return found + ([Address("noreply")] if self.no_reply else [])

    @property
    def recipients(self) -> tuple[Jid, ...]:
        """All who get it."""
        return tuple(dict.fromkeys((*self.to, *self.bcc)))


async def find_service(session: Session) -> Jid | None:
    """The multicast service: the domain itself, or one of its items (§2.2); None where none is."""
    domain = Jid(None, session.domain, None)
    if await _offers(session, domain):
        return domain
    candidates: list[Jid] = []
    try:
        async for item in disco.items(session, domain):
            try:
                candidates.append(parse(item.jid))
            except ValueError:
                continue
    except ConnectError:
        raise
    except XmppctlError:
        return None
    # a component that does not answer must not cost the whole timeout
    limit = min(session.account.timeout, 5.0)
    found = await asyncio.gather(*(_offers(session, each, limit) for each in candidates))
    return next((each for each, offers in zip(candidates, found, strict=True) if offers), None)


async def _offers(session: Session, jid: Jid, timeout: float | None = None) -> bool:
    try:
        return addresses.NS in (await disco.info(session, jid, timeout=timeout)).features
    except ConnectError:
        raise
    except XmppctlError:
        return False


async def spread(
    session: Session, template: Element, plan: Plan, *, timeout: float | None = None
) -> AsyncIterator[SendResult]:
    """Send the message to all recipients of ``plan``; a result for each, in their order."""
    service = await find_service(session)
    if service is None:
        session.trace.note("no multicast service: a message to each recipient")
        async for result in send.send(session, _each(template, plan), timeout=timeout):
            yield result
        return
    session.trace.note(f"multicast by {service}")
    everybody = plan.recipients
    settling = Settling(session)
    for begin in range(0, len(everybody), BATCH):
        batch = everybody[begin : begin + BATCH]
        for result in await _through(session, service, template, plan, batch, timeout, settling):
            yield result


async def _each(template: Element, plan: Plan) -> AsyncIterator[send.Outgoing]:
    for message in copies(template, plan):
        yield message


def copies(template: Element, plan: Plan) -> Iterator[send.Outgoing]:
    """§6: without a service the client delivers, and marks what it delivers itself."""
    public = [Address("to", str(jid), delivered=True) for jid in plan.to]
    for jid in plan.recipients:
        stanza = copy.deepcopy(template)
        stanza.set("to", str(jid))
        hidden = [] if jid in plan.to else [Address("bcc", str(jid), delivered=True)]
        addresses.attach(stanza, [*public, *hidden, *plan.replies])
        yield send.Outgoing(jid, stanza)


async def _through(
    session: Session,
    service: Jid,
    template: Element,
    plan: Plan,
    batch: Sequence[Jid],
    timeout: float | None,
    settling: Settling,
) -> list[SendResult]:
    """One message to the service, with proof from it and from each recipient's server.

    First the service has to answer: then it has sent its copies on. The pings behind these tell
    of bounces as they do for single messages.
    """
    stanza = copy.deepcopy(template)
    stanza.set("to", str(service))
    # those of other batches are named, so that all see the same addresses, but not sent to again
    public = [Address("to", str(j), delivered=None if j in batch else True) for j in plan.to]
    hidden = [Address("bcc", str(j)) for j in batch if j not in plan.to]
    addresses.attach(stanza, [*public, *hidden, *plan.replies])
    results = {jid: send.Outgoing(jid, stanza).result for jid in batch}
    identifier = stanza.get("id")

    def bounces(each: Element) -> bool:
        return each.tag == MESSAGE and each.get("type") == "error" and each.get("id") == identifier

    with session.inbox(bounces) as box:
        try:
            service_barrier = flights.barrier(session, service)
            with dispatch(session, stanza, service_barrier.element):
                await session.answer(service_barrier, step="send", timeout=timeout)
        except XmppctlError as error:
            failure = blamed(error, service)
            return [replace(result, error=failure) for result in results.values()]
        answers = await _barriers(session, batch, timeout)
        await settling.wait()
        returned = {lenient(each.get("from", "")).bare: each for each in box.drain()}
    refusal = returned.get(service) or returned.get(lenient(session.bare))
    finished: list[SendResult] = []
    for jid, result in results.items():
        bounce = refusal if refusal is not None else returned.get(lenient(str(jid.bare)))
        info = answers[jid]
        if bounce is not None:
            info = blamed(stanza_error(bounce, f"the message to {jid}"), jid)
        finished.append(replace(result, acked=True, confirmed=info is None, error=info))
    return finished


async def _barriers(
    session: Session, batch: Sequence[Jid], timeout: float | None
) -> dict[Jid, ErrorInfo | None]:
    """What stands against each recipient having got it: silence, or nobody to be reached."""
    pending = {jid: flights.barrier(session, jid.bare) for jid in batch}
    session.send(*(each.element for each in pending.values()))

    async def wait(jid: Jid) -> ErrorInfo | None:
        try:
            answer = await session.answer(pending[jid], step="send", timeout=timeout)
        except XmppctlError as error:
            return blamed(error, jid)
        if answer.get("type") != "error":
            return None
        refusal = stanza_error(answer, f"the message to {jid}")
        return blamed(refusal, jid) if refusal.condition in flights.UNREACHABLE else None

    return dict(zip(batch, await asyncio.gather(*map(wait, batch)), strict=True))
