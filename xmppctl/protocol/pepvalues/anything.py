"""Items of nodes of an account (XEP-0163) whose payload nobody here knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError
from xmppctl.model.pep import PepItem
from xmppctl.protocol import Xep, pep, pepvalues
from xmppctl.protocol.pubsub import STEP, Item
from xmppctl.session.stream import Session
from xmppctl.session.xml import serialise

XEPS = (
    Xep("0152", "1.0", "partial", "read and published as XML"),
    Xep("0196", "0.3", "partial", "read and published as XML"),
)

_PRIVATE = (
    "ngxchat:",
    "storage:",
    "urn:xmpp:bookmarks:",
    "urn:xmpp:contacts",
    "urn:xmpp:mds:",
    "urn:xmpp:openpgp:0:secret-key",
)
"""How the names of nodes for private data begin (XEP-0048, 0292, 0373, 0402, 0490)."""


def records(jid: str, node: str, items: Sequence[Item], ids: Sequence[str]) -> list[PepItem]:
    """The items; raises RefusedError (item-not-found) where one of ``ids`` is not there."""
    missing = set(ids) - {item.id for item in items}
    if missing:
        raise RefusedError(
            f"{jid} has no item {sorted(missing)[0]} in the node {node}",
            step=STEP,
            condition="item-not-found",
            by=jid,
        )
    return [
        PepItem(jid, node, item.id, item.publisher, serialise(item.payload, "")) for item in items
    ]


async def emptied(session: Session, node: str, identifier: str | None) -> tuple[str, Element]:
    """The id of an item of the own account, the newest without ``identifier``, and its element
    without what is in it. Raises RefusedError (item-not-found).
    """
    ids = () if identifier is None else (identifier,)
    found = await pepvalues.of(session, node, None, ids=ids, last=None if ids else 1)
    if not found:
        raise RefusedError(
            f"there is no item {identifier or ''} in the node {node}".replace("  ", " "),
            step=STEP,
            condition="item-not-found",
            by=session.bare,
        )
    return found[-1].id or pepvalues.CURRENT, Element(found[-1].payload.tag)


def is_private(node: str) -> bool:
    """Whether the node is known for private data."""
    return node.startswith(_PRIVATE)


def privacy(node: str) -> Mapping[str, str]:
    """What the node has to be where it is known for private data (XEP-0223 §3)."""
    return pep.PRIVATE if is_private(node) else {}
