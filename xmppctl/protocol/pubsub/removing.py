"""XEP-0060 §7.2, §8.4, §8.5: removing items and nodes; each is looked for before and afterwards."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, XmppctlError
from xmppctl.model.jid import Jid
from xmppctl.model.pubsub import NodeDeletion, NodePurge, Retracted
from xmppctl.protocol.pubsub import NS, NS_OWNER, PUBSUB, STEP
from xmppctl.protocol.pubsub.asking import (
    flight,
    glance,
    is_error,
    name_of,
    not_found,
    query,
    refusal,
)
from xmppctl.session.stream import Session

_AT_ONCE = 50


async def retract(
    session: Session, service: Jid | None, node: str, ids: Sequence[str], *, notify: bool
) -> AsyncGenerator[Retracted, None]:
    """Delete items (§7.2); subscribers are told where ``notify``.

    What is not there, and what stays, has an error. Raises DeadlineError.
    """
    by = name_of(session, service)
    wanted = list(dict.fromkeys(ids))
    for begin in range(0, len(wanted), _AT_ONCE):
        now = wanted[begin : begin + _AT_ONCE]
        before, *answers, after = await flight(
            session,
            service,
            [
                ("get", _these(node, now)),
                *(("set", _retraction(node, each, notify)) for each in now),
                ("get", _these(node, now)),
            ],
        )
        there, left = _found(before), _found(after)
        for identifier, answer in zip(now, answers, strict=True):
            error: XmppctlError | None = None
            if there is not None and identifier not in there:
                text = f"the node {node} of {by} has no item {identifier}"
                if is_error(before):
                    text = f"{by} has no node {node}"
                error = not_found(session, service, text)
            elif is_error(answer):
                what = f"retracting {identifier} from the node {node}"
                error = await refusal(session, service, answer, what, "delete-items")
            elif left is not None and identifier in left:
                error = _stays(session, service, f"the item {identifier} of the node {node}")
            yield Retracted(by, node, identifier, None if error is None else error.info())


def _retraction(node: str, identifier: str, notify: bool) -> Element:
    whole, inner = query("retract", node)
    if notify:
        inner.set("notify", "true")
    SubElement(inner, f"{{{NS}}}item", {"id": identifier})
    return whole


def _these(node: str, ids: Sequence[str]) -> Element:
    whole, inner = query("items", node)
    for each in ids:
        SubElement(inner, f"{{{NS}}}item", {"id": each})
    return whole


def _found(answer: Element) -> set[str | None] | None:
    """The ids of the items in an answer; None where who retracts may not read."""
    if is_error(answer, "item-not-found"):
        return set()
    if is_error(answer):
        return None
    return {each.get("id") for each in answer.iterfind(f"{PUBSUB}/{{{NS}}}items/{{{NS}}}item")}


async def purge(session: Session, service: Jid | None, node: str, *, if_exists: bool) -> NodePurge:
    """Remove all items of a node (§8.5), which then has none when it is read.

    Raises RefusedError (item-not-found: no such node), UnsupportedError, DeadlineError.
    """
    by = name_of(session, service)
    asked, _ = query("purge", node, owner=True)
    before, done, after = await flight(
        session, service, [("get", glance(node)), ("set", asked), ("get", glance(node))]
    )
    if is_error(before, "item-not-found"):
        if if_exists:
            return NodePurge(by, node, existed=False)
        raise not_found(session, service, f"{by} has no node {node}")
    if is_error(done):
        what = f"purging the node {node}"
        raise await refusal(session, service, done, what, "purge-nodes")
    if _found(after):
        raise _stays(session, service, f"what was in the node {node}")
    return NodePurge(by, node)


async def delete(
    session: Session, service: Jid | None, node: str, *, redirect: str | None, if_exists: bool
) -> NodeDeletion:
    """Delete a node and all its items (§8.4), which then is not found.

    ``redirect``: where subscribers are told to go. Raises as ``purge``.
    """
    by = name_of(session, service)
    asked, inner = query("delete", node, owner=True)
    if redirect is not None:
        SubElement(inner, f"{{{NS_OWNER}}}redirect", {"uri": redirect})
    before, done, after = await flight(
        session, service, [("get", glance(node)), ("set", asked), ("get", glance(node))]
    )
    if is_error(before, "item-not-found"):
        if if_exists:
            return NodeDeletion(by, node, redirect, existed=False)
        raise not_found(session, service, f"{by} has no node {node}")
    if is_error(done):
        what = f"deleting the node {node}"
        raise await refusal(session, service, done, what, "delete-nodes")
    if not is_error(after):
        raise _stays(session, service, f"the node {node}")
    return NodeDeletion(by, node, redirect)


def _stays(session: Session, service: Jid | None, what: str) -> RefusedError:
    by = name_of(session, service)
    return RefusedError(
        f"{by} said that {what} was removed, and it is still there",
        step=STEP,
        condition="not-applied",
        by=by,
    )
