"""XEP-0258: Security Labels in XMPP: the labels that a server offers for messages to somebody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from xmppctl.errors import UnsupportedError, UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.server import CatalogueLabel
from xmppctl.protocol import Xep, disco
from xmppctl.protocol.payload import Context, seclabel
from xmppctl.protocol.server.asking import ask
from xmppctl.session.stream import Session
from xmppctl.session.xml import serialise

XEPS = (Xep("0258", "1.1.1", "partial", "of messages, and the catalogues of them"),)

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


async def catalogue(session: Session, server: Jid, to: Jid) -> list[CatalogueLabel]:
    """The labels that ``server`` offers for messages to ``to`` (§4), in its order.

    Raises UnsupportedError, RefusedError, DeadlineError.
    """
    answer = await ask(
        session,
        server,
        Element(_CATALOG, {"to": str(to.bare)}),
        feature=NS,
        named="security labels (XEP-0258)",
        step="labels",
        what=f"the security labels for {to.bare}",
    )
    if answer.get("restrict") in ("1", "true"):
        session.trace.note("the catalogue is restrictive: only its labels are to be used")
    found = (_offered(item) for item in answer.findall(_ITEM))
    return [each for each in found if each is not None]


def _offered(item: Element) -> CatalogueLabel | None:
    """The record of an item; None where its content is no label."""
    selector = item.get("selector") or None
    default = item.get("default") in ("1", "true")
    if not len(item):
        return CatalogueLabel(selector, default=default)
    element = item.find(seclabel.LABELLED)
    if element is None or not seclabel.is_label(element):
        return None
    marking = seclabel.read(Element("message"), {seclabel.LABELLED: [element]}, Context(""))
    label = marking["security_label"]
    return CatalogueLabel(
        selector,
        label=serialise(element, ""),
        display=label.display,
        fg=label.fgcolor,
        bg=label.bgcolor,
        default=default,
    )


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
