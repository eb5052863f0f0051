"""XEP-0060: reading and retracting the items of a node, of any service or account."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.jid import Jid
from xmppctl.protocol.pubsub import FEATURE, NS, PUBSUB, STEP, Item
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session


async def read(
    session: Session,
    node: str,
    *,
    service: Jid | None = None,
    ids: Sequence[str] = (),
    last: int | None = None,
    feature: str = FEATURE,
) -> list[Item]:
    """Items with a payload of ``node`` of ``service`` (None: the own account), in their order.

    ``ids``: only these (§6.5.8); ``last``: the newest so many (§6.5.7). Raises RefusedError
    (item-not-found: no such node), UnsupportedError, DeadlineError.
    """
    query = Element(PUBSUB)
    items = SubElement(query, f"{{{NS}}}items", {"node": node})
    if last is not None:
        items.set("max_items", str(last))
    for each in ids:
        SubElement(items, f"{{{NS}}}item", {"id": each})
    answer = await session.request(
        query, to=service, step=STEP, what=f"the items of the node {node}", feature=feature
    )
    if answer is None or answer.tag != PUBSUB:
        error = malformed(f"no items of the node {node}", str(service or session.bare))
        error.step = STEP
        raise error
    return [
        Item(item.get("id"), item[0], item.get("publisher"))
        for item in answer.findall(f"{{{NS}}}items/{{{NS}}}item")
        if len(item)
    ]


async def retract(
    session: Session, node: str, identifier: str, *, service: Jid | None = None, notify: bool = True
) -> None:
    """Delete an item (§7.2); subscribers are told where ``notify``.

    Raises RefusedError (item-not-found where the service tells so: not all do), UnsupportedError.
    """
    query = Element(PUBSUB)
    inner = SubElement(query, f"{{{NS}}}retract", {"node": node})
    if notify:
        inner.set("notify", "true")
    SubElement(inner, f"{{{NS}}}item", {"id": identifier})
    await session.request(
        query,
        to=service,
        type="set",
        step=STEP,
        what=f"retracting {identifier} from the node {node}",
        feature=FEATURE,
    )
