"""XEP-0030: Service Discovery, with the forms of XEP-0128 and the pages of XEP-0059."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aioxmpp.disco.xso as disco_xso
import aioxmpp.rsm.xso as rsm_xso
import aioxmpp.xso as xso

from xmppctl.errors import ConnectError, ErrorInfo, RefusedError, XmppctlError
from xmppctl.model.disco import DiscoEntry, DiscoInfo, DiscoItem, Identity, InfoField, InfoForm
from xmppctl.model.jid import Jid
from xmppctl.protocol import Xep, rsm
from xmppctl.session.conditions import UNSUPPORTED
from xmppctl.session.stream import Session

XEPS = (
    Xep("0030", "2.5.0", "complete"),
    Xep("0128", "1.0.1", "complete"),
    Xep("0068", "1.3.0", "complete"),
)

PAGE = 100
"""Items asked for at once."""

_PARALLEL = 16
"""Questions under way at once while a tree is walked."""


class Items(disco_xso.ItemsQuery):  # type: ignore[misc]
    """The items of an entity, a page of them (§4.6, XEP-0059)."""

    page = xso.Child([rsm_xso.ResultSetMetadata])


async def info(
    session: Session, jid: Jid | str, node: str | None = None, *, timeout: float | None = None
) -> DiscoInfo:
    """What the entity is and can do (§3). Raises RefusedError, DeadlineError."""
    answer = await session.request(
        disco_xso.InfoQuery(node=node),
        expect=disco_xso.InfoQuery,
        to=jid,
        step="disco#info",
        what=f"disco info of {jid}" + (f" node {node}" if node else ""),
        timeout=timeout,
    )
    return DiscoInfo(
        jid=str(jid),
        node=node,
        identities=[
            Identity(
                category=identity.category,
                type=identity.type_,
                name=identity.name or None,
                lang=str(identity.lang) if identity.lang else None,
            )
            for identity in answer.identities
        ],
        features=sorted(answer.features),
        forms=[_form(form) for form in answer.exts],
    )


def _form(form: Any) -> InfoForm:
    form_type = None
    fields: list[InfoField] = []
    for field in form.fields:
        values = list(field.values)
        if field.var == "FORM_TYPE":
            form_type = values[0] if values else None
        elif field.var:
            fields.append(InfoField(field.var, values, field.label or None))
    return InfoForm(form_type, fields)


async def items(
    session: Session, jid: Jid | str, node: str | None = None, *, timeout: float | None = None
) -> AsyncIterator[DiscoItem]:
    """The entity's items (§4), page by page where the entity pages its answer (XEP-0059)."""
    guard = rsm.Guard()
    answer = await _first_items(session, jid, node, timeout)
    while True:
        page = rsm.read(answer.page)
        if page is not None:
            guard.check(page, by=str(jid))
        for item in answer.items:
            yield DiscoItem(str(item.jid), item.node, item.name or None)
        if page is None or page.last is None or page.is_last(len(answer.items)):
            return
        result_set = rsm.request(maximum=PAGE, after=page.last)
        answer = await _items(session, jid, node, result_set, timeout)


async def _first_items(
    session: Session, jid: Jid | str, node: str | None, timeout: float | None
) -> Any:
    # one server lists all its rooms only to who asks for pages
    try:
        return await _items(session, jid, node, rsm.request(maximum=PAGE), timeout)
    except RefusedError as error:
        if error.condition not in ("bad-request", "feature-not-implemented"):
            raise
    return await _items(session, jid, node, None, timeout)


async def _items(
    session: Session, jid: Jid | str, node: str | None, result_set: Any, timeout: float | None
) -> Any:
    query = Items(node=node)
    query.page = result_set
    return await session.request(
        query,
        expect=Items,
        to=jid,
        step="disco#items",
        what=f"disco items of {jid}" + (f" node {node}" if node else ""),
        timeout=timeout,
    )


async def walk(
    session: Session, jid: Jid | str, node: str | None = None, *, depth: int, timeout: float
) -> AsyncIterator[DiscoEntry]:
    """The entity, its items, their items, down to ``depth``; each asked what it is.

    Breadth first, every level's questions side by side: a component that does not answer costs
    its own timeout and becomes an entry with an error. Items are told apart by JID and node
    together (a server may list itself under several nodes).
    """
    seen: set[tuple[str, str | None]] = {(str(jid), node)}
    level = [DiscoItem(str(jid), node)]
    limit = asyncio.Semaphore(_PARALLEL)
    for number in range(depth + 1):
        deeper = number < depth

        async def visit(
            item: DiscoItem, number: int = number, deeper: bool = deeper
        ) -> tuple[DiscoEntry, list[DiscoItem]]:
            async with limit:
                return await _visit(session, item, number, deeper, timeout)

        following: list[DiscoItem] = []
        tasks = [asyncio.ensure_future(visit(item)) for item in level]
        try:
            for task in tasks:
                entry, below = await task
                yield entry
                for item in below:
                    key = (item.jid, item.node)
                    if key not in seen:
                        seen.add(key)
                        following.append(item)
        finally:
            for task in tasks:
                task.cancel()
        level = following


async def _visit(
    session: Session, item: DiscoItem, depth: int, deeper: bool, timeout: float
) -> tuple[DiscoEntry, list[DiscoItem]]:
    below: list[DiscoItem] = []
    error: ErrorInfo | None = None
    found = DiscoInfo(item.jid, item.node)

    async def ask_items() -> None:
        try:
            async for child in items(session, item.jid, item.node, timeout=timeout):
                below.append(child)
        except RefusedError as error:
            # who knows nothing of items has none; whether it is alive, disco#info tells
            if error.condition not in UNSUPPORTED:
                raise

    answers: list[Any] = await asyncio.gather(
        info(session, item.jid, item.node, timeout=timeout),
        *([ask_items()] if deeper else []),
        return_exceptions=True,
    )
    for answer in answers:
        if isinstance(answer, DiscoInfo):
            found = answer
        elif isinstance(answer, XmppctlError) and not isinstance(answer, ConnectError):
            error = error or answer.info()
        elif isinstance(answer, BaseException):
            raise answer
    entry = DiscoEntry(
        item.jid, item.node, item.name, depth, found.identities, found.features, error
    )
    return entry, below


def matcher(
    features: tuple[str, ...], category: str | None, type_: str | None
) -> Callable[[DiscoEntry], bool]:
    """Whether an entry has all these features and an identity of that category and type."""

    def matches(entry: DiscoEntry) -> bool:
        if not set(features) <= set(entry.features):
            return False
        if category is None and type_ is None:
            return True
        return any(
            category in (None, identity.category) and type_ in (None, identity.type)
            for identity in entry.identities
        )

    return matches
