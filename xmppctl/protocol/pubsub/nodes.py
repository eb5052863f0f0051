"""XEP-0060 §5: which nodes a service or an account has, and what they tell of themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from datetime import datetime
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError, XmppctlError
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.form import Form
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.pubsub import Node, NodeInfo
from xmppctl.protocol import Xep, disco, forms
from xmppctl.protocol.dates import parse_datetime
from xmppctl.protocol.pubsub import NS, NS_OWNER, OWNER, STEP
from xmppctl.protocol.pubsub.asking import (
    flight,
    is_error,
    is_service,
    name_of,
    not_found,
    offer_of,
    query,
    refusal,
    unsupported,
)
from xmppctl.session.conditions import UNSUPPORTED
from xmppctl.session.stream import Session

XEPS = (
    Xep("0060", "1.30.0", "partial", "nodes and what they tell of themselves"),
    Xep("0248", "0.5.0", "partial", "collections are made, configured and listed"),
)


async def listing(
    session: Session, service: Jid | None, parent: str | None = None
) -> AsyncGenerator[Node, None]:
    """The nodes of a service or an account, or those in the collection ``parent``.

    Raises RefusedError (item-not-found: no such collection), UnsupportedError where it has no
    nodes at all, DeadlineError.
    """
    by = name_of(session, service)
    own = lenient(by)
    # an entity without nodes has an empty list of them as well: what it is tells them apart
    offer = asyncio.ensure_future(disco.info(session, by))
    offer.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        found = False
        try:
            async with aclosing(disco.items(session, by, parent)) as items:
                async for item in items:
                    # what has no node is an item, or a resource of the account (§5.5)
                    if item.node is not None and lenient(item.jid) == own:
                        found = True
                        yield Node(by, item.node, item.name)
        except RefusedError as error:
            raise await _explained(session, service, error, offer) from None
        if not found:
            with suppress(RefusedError):
                if not is_service(await offer):
                    raise unsupported("the list of nodes", by, offer_of(session, service))
    finally:
        offer.cancel()


async def _explained(
    session: Session, service: Jid | None, error: RefusedError, offer: asyncio.Future[DiscoInfo]
) -> XmppctlError:
    """Why there is no list: the entity has no nodes, or shows them to others only."""
    by = name_of(session, service)
    error.step = STEP
    with suppress(RefusedError):
        if error.condition in UNSUPPORTED and not is_service(await offer):
            return unsupported("the list of nodes", by, offer_of(session, service))
    if error.condition in UNSUPPORTED and service is not None and service.local is not None:
        error.hint = "it may not exist, or show its nodes to its contacts only"
    return error


async def info(session: Session, service: Jid | None, node: str) -> NodeInfo:
    """What a node tells of itself (§5.3, §5.4), with its configuration where that may be read.

    Raises RefusedError (item-not-found: no such node), UnsupportedError, DeadlineError.
    """
    by = name_of(session, service)
    asked, _ = query("configure", node, owner=True)
    told, settings = await flight(
        session, service, [("get", disco.info_request(node)), ("get", asked)]
    )
    what = f"the node {node} of {by}"
    if is_error(told):
        raise await refusal(session, service, told, what, "meta-data")
    found = disco.read_info(disco.check_info(next(iter(told), None), by), by, node)
    metadata = next(
        (
            forms.read(form)
            for form in told[0].findall(forms.FORM)
            if forms.read(form).form_type == f"{NS}#meta-data"
        ),
        None,
    )
    types = [each.type for each in found.identities if each.category == "pubsub"]
    if not types and metadata is None:
        # one server tells of the account whose node is not there (§5.3: there is an identity)
        raise not_found(session, service, f"{by} has no node {node}")
    return _record(by, node, found, types, metadata, _configuration(settings))


def _configuration(answer: Element) -> Form | None:
    """The configuration in an answer; None for who is no owner."""
    if is_error(answer):
        return None
    form = answer.find(f"{OWNER}/{{{NS_OWNER}}}configure/{forms.FORM}")
    return None if form is None else forms.read(form)


def _record(
    by: str,
    node: str,
    found: DiscoInfo,
    types: list[str],
    metadata: Form | None,
    configuration: Form | None,
) -> NodeInfo:
    def values(name: str) -> list[str]:
        for form in (metadata, configuration):
            for field in form.fields if form is not None else ():
                if field.var == f"pubsub#{name}" and any(field.values):
                    return [each for each in field.values if each]
        return []

    def value(name: str) -> str | None:
        return next(iter(values(name)), None)

    kinds = [each for each in types if each in ("leaf", "collection")]
    persist = value("persist_items")
    subscribers = value("num_subscribers") or ""
    return NodeInfo(
        service=by,
        node=node,
        type=next(iter(kinds), value("node_type")),
        title=value("title"),
        description=value("description"),
        access_model=value("access_model"),
        publish_model=value("publish_model"),
        payload_type=value("type"),
        max_items=value("max_items"),
        persist_items=None if persist is None else persist in ("1", "true"),
        created_at=_moment(value("creation_date")),
        creator=value("creator"),
        owners=values("owner"),
        publishers=values("publisher"),
        subscribers=int(subscribers) if _is_number(subscribers) else None,
        features=found.features,
        metadata=metadata,
        configuration=configuration,
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_datetime(text)
    except ValueError:
        return None
