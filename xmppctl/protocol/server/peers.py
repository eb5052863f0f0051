"""XEP-0485: PubSub Server Information: with which servers a server is connected."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from xmppctl.errors import ConnectError, RefusedError, XmppctlError
from xmppctl.model.jid import Jid, parse
from xmppctl.model.server import Peer
from xmppctl.protocol import Xep, disco
from xmppctl.protocol.pubsub import items as pubsub
from xmppctl.protocol.server.asking import fields_of, lacking, misread
from xmppctl.protocol.server.contacts import FORM_TYPE
from xmppctl.session.stream import Session

XEPS = (Xep("0485", "1.0.0", "partial", "domains and connections; no further data of the server"),)

NS = "urn:xmpp:serverinfo:0"

_FIELD = "serverinfo-pubsub-node"
_NODE = "serverinfo"
_STEP = "peers"
_DIRECTIONS = ("incoming", "outgoing", "bidi")
_MOST = 100
"""Items of a domain that are looked at for its pubsub service."""


async def fetch(session: Session, server: Jid) -> list[Peer]:
    """The servers that ``server`` says to be connected with.

    Raises UnsupportedError where it does not say, RefusedError, DeadlineError.
    """
    info = await disco.info(session, server)
    if NS not in info.features:  # that there is a node proves nothing (§3)
        raise lacking(server, "information about its peers (XEP-0485)", "disco#info")
    told = (fields_of(info, FORM_TYPE) or {}).get(_FIELD, [])
    if told:
        try:
            service, node = place(told[0])
        except ValueError as error:
            raise misread(str(error), server, _STEP) from None
    else:
        service, node = await _first_service(session, server), _NODE
    found = await pubsub.read(session, node, service=service, last=1)
    for item in found:
        if item.payload.tag == f"{{{NS}}}serverinfo":
            return list(read(item.payload))
    if found:
        raise misread(f"no <serverinfo/> in the node {node}", service, _STEP)
    return []


def place(uri: str) -> tuple[Jid, str]:
    """Service and node of a URI (XEP-0060 §12.22). Raises ValueError."""
    before, _, query = uri.partition("?")
    service = parse(before)
    pairs = (part.partition("=") for part in query.split(";"))
    node = next((unquote(value) for name, _, value in pairs if name == "node"), "")
    if not uri[:5].lower() == "xmpp:" or not node:
        raise ValueError(f"{uri!r} is no URI of a node")
    return service, node


def read(serverinfo: Element) -> Iterator[Peer]:
    """The peers in a ``<serverinfo/>`` (§4)."""
    for domain in serverinfo.findall(f"{{{NS}}}domain"):
        for remote in domain.findall(f"{{{NS}}}federation/{{{NS}}}remote-domain"):
            kinds = (each.get("type", "") for each in remote.findall(f"{{{NS}}}connection"))
            yield Peer(
                domain.get("name") or None,
                remote.get("name") or None,
                [kind for kind in kinds if kind in _DIRECTIONS],
            )


async def _first_service(session: Session, server: Jid) -> Jid:
    """The first pubsub service among the items of ``server`` (§3). Raises RefusedError."""
    candidates: list[Jid] = []
    async with aclosing(disco.items(session, server, number=_MOST)) as found:
        async for item in found:
            try:
                candidates.append(parse(item.jid))
            except ValueError:
                continue

    async def serves(jid: Jid) -> bool:
        try:
            info = await disco.info(session, jid)
        except ConnectError:
            raise
        except XmppctlError:
            return False
        return any(i.category == "pubsub" and i.type == "service" for i in info.identities)

    answers = await asyncio.gather(*(serves(each) for each in candidates))
    for candidate, is_one in zip(candidates, answers, strict=True):
        if is_one:
            return candidate
    raise RefusedError(
        f"{server} has no pubsub service that could tell of its peers",
        step=_STEP,
        condition="item-not-found",
        by=str(server),
    )
