"""XEP-0060 §6.1, §7.1.2: watching nodes, subscribed to them for that time.

The subscription is one of this client alone, with its full JID: at a service it needs no presence,
and it leaves those of the account as they are. Where a node admits only a subscription that the
account has already, its notifications are for the bare JID, and the client has to be available.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.pubsubsub import NodeEvent, NodeSubscription
from xmppctl.protocol import flights, presence
from xmppctl.protocol.listen import Acknowledging
from xmppctl.protocol.pubsub import STEP, asking, events
from xmppctl.protocol.pubsub.events import Past
from xmppctl.protocol.pubsub.subscribing import subscribed, subscribing, unsubscribing
from xmppctl.protocol.pubsub.subscriptions import listed, listing
from xmppctl.records import dataclass
from xmppctl.session.inbox import Inbox
from xmppctl.session.stream import Session

_LAST_WORDS = 0.5
"""Seconds for the answers to what is undone when a signal ends the watch."""

PATIENCE = 2.0
"""Seconds in which it may be told what was there; who is later is not waited for."""


@dataclass(frozen=True)
class Options:
    """How to watch. ``settle``: seconds from a record being handed on until it is flushed."""

    count: int | None = None
    seconds: float | None = None
    new_only: bool = False
    settle: float = 0.0
    raw: bool = False


Wanted = Callable[[Element], Collection[str]]
"""The nodes that count for a stanza; none where its sender is not believed."""


async def watch(
    session: Session,
    service: Jid | None,
    nodes: Sequence[str],
    options: Options,
    ready: Callable[[], None],
) -> AsyncGenerator[NodeEvent, None]:
    """What happens at ``nodes``, until ``count`` events or ``seconds`` after ``ready``.

    ``ready`` is called when the subscriptions are in effect; those that are made for the watch
    end with it. Raises DeadlineError where ``count`` was not reached, UnsupportedError,
    RefusedError (pending-subscription: an owner would have to approve it).
    """
    nodes = list(dict.fromkeys(nodes))
    by = lenient(asking.name_of(session, service))
    matches = events.may_tell(session, lambda jid: jid == by, nodes)
    with session.inbox(matches, keep=False) as box:
        known, newest = await _before(session, service, nodes, options)
        async with _subscriptions(session, service, nodes, known) as borrowed:
            # some accounts tell only who is available what somebody subscribed to
            visible = bool(borrowed) or by.local is not None
            past = Past(lasting=visible)
            for node, answer in newest.items():
                past.knows(str(by), node, answer)
            if visible:
                own = presence.compose(priority=0 if borrowed else -1)
                await presence.appear(session, own)
            if visible and options.new_only:
                await quiet(box)

            def wanted(stanza: Element) -> Collection[str]:
                to = stanza.get("to")
                # what this client has a subscription for comes to the account too
                return nodes if to is None or lenient(to).is_full else borrowed

            async with aclosing(follow(session, box, wanted, options, past, ready)) as found:
                async for event in found:
                    yield event


async def follow(
    session: Session,
    box: Inbox,
    wanted: Wanted,
    options: Options,
    past: Past,
    ready: Callable[[], None],
) -> AsyncGenerator[NodeEvent, None]:
    """The events of ``box`` from now on. Raises DeadlineError, and what ended the stream."""
    early = list(box.drain())
    ready()
    session.trace.enter("listen")
    deadline = None
    if options.seconds is not None:
        deadline = asyncio.get_running_loop().time() + options.seconds
    shown = 0
    with Acknowledging(session, box, options.settle) as taken:
        async for stanza in _in_order(session, box, early, past, deadline):
            nodes = wanted(stanza)
            for event in events.read(stanza, session.bare, nodes, raw=options.raw):
                if options.new_only and past.has(event):
                    continue
                yield event
                shown += 1
                if shown == options.count:
                    break
            if nodes:
                taken.over(stanza)
            if shown == options.count:
                break
        await taken.settled()
    if options.count is not None and options.seconds is not None and shown < options.count:
        raise presence.too_few(shown, options.count, options.seconds)


async def quiet(box: Inbox) -> None:
    """Wait until those have told what was there who tell it to who appears."""
    loop = asyncio.get_running_loop()
    end, count = loop.time() + PATIENCE, -1
    while count != box.count and loop.time() < end:
        count = box.count
        await asyncio.sleep(presence.QUIET)


async def _in_order(
    session: Session, box: Inbox, early: Sequence[Element], past: Past, deadline: float | None
) -> AsyncIterator[Element]:
    for stanza in early:
        yield stanza
    past.ends()
    async for stanza in presence.arriving(session, box, deadline):
        yield stanza


async def _before(
    session: Session, service: Jid | None, nodes: Sequence[str], options: Options
) -> tuple[list[NodeSubscription], Mapping[str, Element]]:
    """The own subscriptions to the nodes, and if need be the answers with their newest items."""
    asked = [session.ask(listing(node), to=service) for node in nodes]
    looking = nodes if options.new_only else ()
    glances = {node: session.ask(asking.glance(node), to=service) for node in looking}
    flight = [*asked, *glances.values()]
    session.send(*session.enabling(), *(each.element for each in flight))
    known: list[NodeSubscription] = []
    for node, each in zip(nodes, asked, strict=True):
        answer = await session.answer(each, step=STEP)
        with suppress(RefusedError, UnsupportedError):  # subscribing tells why
            known += await listed(session, service, answer, node)
    newest = {node: await session.answer(each, step=STEP) for node, each in glances.items()}
    return known, newest


@asynccontextmanager
async def _subscriptions(
    session: Session, service: Jid | None, nodes: Sequence[str], known: Sequence[NodeSubscription]
) -> AsyncIterator[Collection[str]]:
    """Be subscribed to ``nodes``; gives those of which only the account gets notifications."""
    by, full = asking.name_of(session, service), session.jid
    there = {(each.node, lenient(each.jid or "")) for each in known if each.state == "subscribed"}
    missing = [node for node in nodes if (node, full) not in there]
    made = {node: NodeSubscription(by, node, str(full)) for node in missing}
    borrowed: set[str] = set()
    asked = [session.ask(subscribing(n, str(full)), to=service, type="set") for n in missing]
    # the last item of a node comes before the answer of the barrier
    barrier = flights.barrier(session, by)
    try:
        session.send(*(each.element for each in asked), barrier.element)
        answers = [await session.answer(each, step=STEP) for each in asked]
        for node, answer in zip(missing, answers, strict=True):
            error: XmppctlError | None = None
            try:
                found, required = await subscribed(session, service, answer, node)
                made[node] = found
                if found.state == "pending" or required:
                    error = _waits(by, node, required=required)
            except RefusedError as refused:
                del made[node]
                error = refused
            if error is not None and (node, full.bare) not in there:
                raise error
            if error is not None:
                borrowed.add(node)
        await session.answer(barrier, step=STEP)
        yield borrowed
    finally:
        await _end(session, service, made)


def _waits(by: str, node: str, *, required: bool) -> RefusedError:
    if required:
        text, condition = "wants options to be set first", "configuration-required"
    else:
        text, condition = "admits subscribers only when an owner approved", "pending-subscription"
    return RefusedError(
        f"the node {node} of {by} {text}",
        step=STEP,
        condition=condition,
        by=by,
        hint=f"subscribe before: xmppctl pubsub subscribe {by} NODE",
    )


async def _end(session: Session, service: Jid | None, made: Mapping[str, NodeSubscription]) -> None:
    """End the subscriptions of the watch; also when a signal ended it, but then in a hurry."""
    task = asyncio.current_task()
    hurry = task is not None and task.cancelling() > 0
    asked = [
        session.ask(unsubscribing(each, node), to=service, type="set")
        for node, each in made.items()
    ]
    try:
        session.send(*(each.element for each in asked))
        for each in asked:
            answer = await session.answer(each, step=STEP, timeout=_LAST_WORDS if hurry else None)
            if asking.is_error(answer):
                session.trace.note(f"a subscription of the watch was gone: {answer.get('from')}")
    except XmppctlError as error:
        session.trace.note(f"the subscriptions of the watch may be left: {error.text}")
