"""XEP-0060 §5.6: the own subscriptions to nodes, and what errors about them mean."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing, suppress
from typing import TypeVar, cast, get_args
from xml.etree.ElementTree import Element

from xmppctl.errors import ErrorInfo, RefusedError, UnsupportedError, UsageError, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.pubsubsub import NodeSubscription, State
from xmppctl.protocol import Xep, disco
from xmppctl.protocol.dates import parse_datetime
from xmppctl.protocol.pubsub import NS, PUBSUB, STEP, asking
from xmppctl.session.stream import Session

T = TypeVar("T")

XEPS = (
    Xep("0060", "1.30.0", "partial", "own subscriptions with their options, of any service"),
    Xep("0248", "0.5.0", "partial", "subscriptions to collections, where a service has them"),
)

_PATIENCE = 10.0
"""Seconds for each entity of the own server to say what it is."""

_GONE = frozenset({"not-subscribed", "invalid-subid", "no-such-subid"})
"""Conditions of XEP-0060 that say that there is no such subscription."""


async def refusal(
    session: Session, service: Jid | None, answer: Element, what: str, *needs: str
) -> XmppctlError:
    """As ``asking.refusal``; a subscription that is not there is item-not-found everywhere."""
    found = asking.application(answer)
    name = "" if found is None else found.tag.rpartition("}")[2]
    if name in _GONE:
        by = asking.name_of(session, service)
        return asking.not_found(session, service, f"{what}: {by} has no such subscription")
    error = await asking.refusal(session, service, answer, what, *needs)
    if name == "configuration-required":
        error.hint = "give options: --option NAME=VALUE"
    return error


def read(element: Element, service: str, node: str | None) -> NodeSubscription | None:
    """The record of a ``<subscription/>``; None where it does not say whose, or what it is.

    ``node``: the one that was asked about; some services do not repeat it.
    """
    name, jid = element.get("node") or node, element.get("jid")
    state = element.get("subscription", "")
    if not name or not jid or state not in get_args(State):
        return None
    expiry = None
    with suppress(ValueError):
        expiry = parse_datetime(element.get("expiry", ""))
    return NodeSubscription(
        service, name, jid, cast(State, state), element.get("subid") or None, expiry
    )


def listing(node: str | None) -> Element:
    """The question for the own subscriptions (§5.6), to one node or to all."""
    return asking.query("subscriptions", node)[0]


async def listed(
    session: Session, service: Jid | None, answer: Element, node: str | None
) -> list[NodeSubscription]:
    """The subscriptions in the answer to ``listing``. Raises RefusedError, UnsupportedError."""
    by = asking.name_of(session, service)
    if asking.is_error(answer):
        what = f"the subscriptions at {by}" + ("" if node is None else f", to the node {node}")
        raise await refusal(session, service, answer, what, "retrieve-subscriptions")
    whole = asking.payload_of(session, service, answer, PUBSUB)
    found = [
        read(element, by, node)
        for element in whole.iterfind(f"{{{NS}}}subscriptions/{{{NS}}}subscription")
    ]
    return [each for each in found if each is not None and node in (None, each.node)]


async def subscriptions(
    session: Session, service: Jid | None, node: str | None = None
) -> list[NodeSubscription]:
    """The own subscriptions at a service, to ``node`` or to all of its nodes.

    Raises RefusedError (item-not-found: no such node), UnsupportedError, DeadlineError.
    """
    asked = [("get", listing(node))]
    if node is not None:
        asked.append(("get", disco.info_request(node)))
    answer, *more = await asking.flight(session, service, asked)
    found = await listed(session, service, answer, node)
    # one service has an empty list for a node that there is not
    if node is not None and not found and asking.is_error(more[0], "item-not-found"):
        by = asking.name_of(session, service)
        raise asking.not_found(session, service, f"{by} has no node {node}")
    return found


async def services(session: Session) -> list[Jid]:
    """The publish-subscribe services of the own server (§5.1)."""
    matches = disco.matcher((), "pubsub", "service")
    timeout = min(session.account.timeout, _PATIENCE)
    found = []
    async with aclosing(disco.walk(session, session.domain, depth=1, timeout=timeout)) as walk:
        async for entry in walk:
            if entry.depth and matches(entry):
                found.append(lenient(entry.jid))
    return found


async def at_all(
    session: Session,
    ask: Callable[[Session, Jid | None], Awaitable[list[T]]],
    failed: Callable[[str, ErrorInfo], T],
) -> list[T]:
    """What ``ask`` tells of the own account and of the services of the own server.

    A service that fails has the record that ``failed`` gives for its JID; those that do not tell
    are left out, unless none does: UnsupportedError.
    """
    places: list[Jid | None] = [None, *await services(session)]
    asked = (ask(session, place) for place in places)
    found: list[T] = []
    lacking: list[UnsupportedError] = []
    for place, told in zip(
        places, await asyncio.gather(*asked, return_exceptions=True), strict=True
    ):
        if isinstance(told, UnsupportedError):
            lacking.append(told)
        elif isinstance(told, RefusedError):
            found.append(failed(asking.name_of(session, place), told.info()))
        elif isinstance(told, BaseException):
            raise told
        else:
            found += told
    if len(lacking) == len(places):
        raise lacking[-1]
    return found


async def everywhere(session: Session) -> list[NodeSubscription]:
    """The own subscriptions at all places. Raises as ``at_all``."""
    told = await at_all(
        session, subscriptions, lambda by, error: NodeSubscription(by, None, error=error)
    )
    found: dict[object, NodeSubscription] = {}
    for each in told:
        # one service lists those to nodes of the account too
        key = (each.node, each.jid, each.subid) if each.subid else len(found)
        found.setdefault(key, each)
    return list(found.values())


def choose(
    session: Session,
    service: Jid | None,
    known: Iterable[NodeSubscription],
    node: str,
    jid: Jid,
    subid: str | None,
) -> NodeSubscription:
    """The subscription of ``jid`` that is meant.

    Raises RefusedError: item-not-found; subid-required where there are several and no ``subid``.
    """
    there = [each for each in known if each.node == node and each.state != "none"]
    mine = [each for each in there if lenient(each.jid or "") == jid]
    if subid is not None:  # a service without ids ignores it (§6.2.3.5)
        mine = [each for each in mine if each.subid in (None, subid)]
    if not mine:
        which = "" if subid is None else f" with the id {subid}"
        error = asking.not_found(
            session,
            service,
            f"{jid} has no subscription{which} to the node {node} of "
            f"{asking.name_of(session, service)}",
        )
        others = dict.fromkeys(each.jid or "" for each in there if lenient(each.jid or "") != jid)
        if others:
            error.hint = f"subscribed: {', '.join(others)}; --subscriber names one"
        raise error
    if len(mine) > 1:
        raise RefusedError(
            f"{jid} has several subscriptions to the node {node}",
            step=STEP,
            condition="subid-required",
            by=asking.name_of(session, service),
            hint=f"--subid names one of {', '.join(each.subid or '?' for each in mine)}",
        )
    return mine[0]


async def known(session: Session, service: Jid | None, node: str) -> list[NodeSubscription] | None:
    """The own subscriptions to a node; None where the service does not tell."""
    try:
        return await subscriptions(session, service, node)
    except UnsupportedError:
        return None


def own_jid(session: Session, jid: Jid | None) -> Jid:
    """The JID to subscribe: an own one, the bare one by default (§6.1.3.1). Raises UsageError."""
    own = session.jid.bare
    if jid is not None and jid.bare != own:
        raise UsageError(f"{jid} is not a JID of this account ({own})", step=STEP)
    return jid or own
