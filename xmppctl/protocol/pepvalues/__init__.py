"""XEP-0163: what an account tells of itself: one item of a node of its own, published and read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.protocol import largestanza, pep
from xmppctl.protocol.privatexml import same
from xmppctl.protocol.pubsub import STEP, Item, items
from xmppctl.session.conditions import UNSUPPORTED
from xmppctl.session.stream import Session
from xmppctl.session.xml import serialise, split

CURRENT = "current"
"""The id of the only item of a node (XEP-0060 §12.20)."""

FEATURE = "personal eventing (XEP-0163)"

_CLOSED = frozenset({"forbidden", "not-authorized", "not-allowed", "subscription-required"})


class Value(NamedTuple):
    """The payload of an item; ``at``: when it was published, None where nobody told."""

    payload: Element
    at: datetime | None = None


async def fetch(session: Session, node: str, jid: Jid | None, tag: str) -> Value:
    """The newest item of ``node`` of ``jid`` (None: the own account), a ``{namespace}name``.

    Raises RefusedError (item-not-found: it never published one; malformed-answer),
    UnsupportedError, DeadlineError.
    """
    found = await of(session, node, jid, last=1)
    if not found:
        raise _nothing(node, owner(session, jid))
    payload = found[-1].payload
    if payload.tag != tag:
        namespace, name = split(payload.tag)
        raise RefusedError(
            f"what {owner(session, jid)} published is <{name} xmlns='{namespace}'/>, not "
            f"<{split(tag)[1]} xmlns='{split(tag)[0]}'/>",
            step=STEP,
            condition="malformed-answer",
            by=owner(session, jid),
        )
    return Value(payload)


async def of(
    session: Session,
    node: str,
    jid: Jid | None,
    *,
    ids: tuple[str, ...] = (),
    last: int | None = None,
) -> list[Item]:
    """The items of ``node`` of ``jid``, who alone may answer. Raises as ``fetch``."""
    by = owner(session, jid)
    try:
        return await items.read(
            session,
            node,
            service=None if by == session.bare else jid,
            ids=ids,
            last=last,
            feature=FEATURE,
        )
    except UnsupportedError as error:
        if by == session.bare:
            raise
        raise _stranger(error, by) from None
    except RefusedError as error:
        if error.condition == "item-not-found":
            raise _nothing(node, by) from None
        if error.condition in _CLOSED:
            error.hint = f"a subscription may be needed: xmppctl roster subscribe {by}"
        raise


async def publish(
    session: Session,
    node: str,
    payload: Element,
    want: Mapping[str, str],
    *,
    reconfigure: bool = False,
    identifier: str = CURRENT,
) -> Value:
    """Publish the item of ``node``; what is there then, read back.

    ``want`` and ``reconfigure``: see ``pep.publish``. Raises as that, and RefusedError
    (not-confirmed where something else is read; file-too-large).
    """
    size = len(serialise(payload).encode())
    with largestanza.explained(session, size, "an element", STEP, picture=False):
        return await _publish(session, node, payload, want, reconfigure, identifier)


async def _publish(
    session: Session,
    node: str,
    payload: Element,
    want: Mapping[str, str],
    reconfigure: bool,
    identifier: str,
) -> Value:
    item = Item(identifier, payload)
    if want:
        ids = await pep.publish(session, node, [item], want, reconfigure=reconfigure)
        found = await _read_back(session, node, ids[0] or identifier)
    else:
        # in one flight, handled in order (RFC 6120 §10.1)
        told, read = await asyncio.gather(
            pep.publish(session, node, [item], want),
            _read_back(session, node, identifier),
            return_exceptions=True,
        )
        if isinstance(told, BaseException):
            raise told
        if isinstance(read, BaseException):
            raise read
        found = read
        if found is None or not same(found.payload, payload):
            found = await _read_back(session, node, identifier)  # it may have been too early
    if found is None or not same(found.payload, payload):
        raise RefusedError(
            f"the server said yes, but what was published is not in the node {node}",
            step=STEP,
            condition="not-confirmed",
            by=session.bare,
            hint="another client may publish there too",
        )
    return Value(found.payload, datetime.now(UTC).replace(microsecond=0))


async def _read_back(session: Session, node: str, identifier: str) -> Item | None:
    try:
        found = await items.read(session, node, ids=(identifier,), feature=FEATURE)
    except RefusedError as error:
        if error.condition != "item-not-found":
            raise
        return None
    return next((each for each in found if each.id == identifier), None)


def owner(session: Session, jid: Jid | None) -> str:
    """The account that is meant, as text."""
    return session.bare if jid is None else str(jid.bare)


def text(element: Element, tag: str) -> str | None:
    """The text of the first child ``{namespace}name``; None where there is none."""
    found = element.find(tag)
    return None if found is None else (found.text or "").strip() or None


def make(tag: str, values: Mapping[str, str | None]) -> Element:
    """``{namespace}name`` with a child of that namespace for each value that is not None."""
    namespace, _ = split(tag)
    element = Element(tag)
    for name, value in values.items():
        if value is not None:
            SubElement(element, f"{{{namespace}}}{name}").text = value
    return element


def _nothing(node: str, by: str) -> RefusedError:
    return RefusedError(
        f"{by} has published nothing in the node {node}",
        step=STEP,
        condition="item-not-found",
        by=by,
    )


def _stranger(error: XmppctlError, by: str) -> RefusedError:
    """An account that does not exist answers as one that tells strangers nothing."""
    assert error.condition in UNSUPPORTED
    told = lenient(error.by or by)
    return RefusedError(
        f"{by} tells nothing, or does not exist ({error.condition})",
        step=STEP,
        condition=error.condition,
        type=error.type,
        by=str(told),
        hint=f"check the JID; a subscription may be needed: xmppctl roster subscribe {by}",
    )
