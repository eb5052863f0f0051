"""XEP-0258: Security Labels in XMPP: the labels that a server offers for messages to somebody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from xmppctl.errors import UnsupportedError, UsageError
from xmppctl.model.jid import Jid
from xmppctl.protocol import Xep, disco
from xmppctl.protocol.payload import seclabel
from xmppctl.session.stream import Session

XEPS = (
    Xep("0258", "1.1.1", "partial", "of messages; catalogues are asked for one label, not listed"),
)

NS = "urn:xmpp:sec-label:catalog:2"

_CATALOG, _ITEM = f"{{{NS}}}catalog", f"{{{NS}}}item"
_PARALLEL = 16


async def choose(
    session: Session, recipients: Sequence[Jid], selector: str
) -> Mapping[str, Element | None]:
    """The label with that selector for each recipient, by bare JID; None where it means no label.

    Each has a catalogue of its own (§4). Raises UnsupportedError where the own server has none,
    UsageError where one lacks the selector, RefusedError, DeadlineError.
    """
    domain = Jid(None, session.domain, None)
    if NS not in (await disco.info(session, domain)).features:
        raise UnsupportedError(
            f"{domain} offers no security labels (XEP-0258)",
            step="labels",
            condition="feature-not-implemented",
            by=str(domain),
            hint="--label-xml sends a label of your own",
        )
    gate = asyncio.Semaphore(_PARALLEL)

    async def one(to: str) -> Element | None:
        async with gate:
            return _select(await _catalogue(session, domain, to), selector, to)

    whom = list(dict.fromkeys(str(jid.bare) for jid in recipients))
    tasks = [asyncio.ensure_future(one(to)) for to in whom]
    try:
        return dict(zip(whom, await asyncio.gather(*tasks), strict=True))
    finally:
        for task in tasks:
            task.cancel()


async def _catalogue(session: Session, server: Jid, to: str) -> list[Element]:
    """The items for messages to ``to``: the own server knows them, whoever that is (§4)."""
    answer = await session.request(
        Element(_CATALOG, {"to": to}),
        to=server,
        step="labels",
        what=f"the security labels for {to}",
        feature="security labels (XEP-0258)",
    )
    return answer.findall(_ITEM) if answer is not None and answer.tag == _CATALOG else []


def _select(items: Sequence[Element], selector: str, to: str) -> Element | None:
    """The label of an item, as it is. An item without one offers to send without (§4)."""
    offered = [item.get("selector") or "" for item in items]
    for item, name in zip(items, offered, strict=True):
        if name != selector:
            continue
        if not len(item):
            return None
        label = item.find(seclabel.LABELLED)
        if label is not None and seclabel.is_label(label):
            return label
    known = ", ".join(name for name in offered if name)
    raise UsageError(
        f"there is no security label {selector!r} for {to}; nothing was sent",
        step="labels",
        hint=f"its labels: {known or 'none'}",
    )
