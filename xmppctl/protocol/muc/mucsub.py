"""MUC/Sub of ejabberd (urn:xmpp:mucsub:0): events of a room for who is not in it.

No XEP; https://docs.ejabberd.im/developer/xmpp-clients-bots/extensions/muc-sub/
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.muc import Subscriber, Subscription
from xmppctl.protocol import disco
from xmppctl.protocol.muc import rooms
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

NS = "urn:xmpp:mucsub:0"
_NODES = "urn:xmpp:mucsub:nodes:"
_EVENT = f"{{{NS}}}event"
_SUBSCRIPTIONS = f"{{{NS}}}subscriptions"

S = TypeVar("S", bound=Subscription)


def _check(features: Sequence[str], where: Jid) -> None:
    if NS not in features:
        raise UnsupportedError(
            f"{where} does not offer subscriptions ({NS})",
            step="subscribe",
            condition="feature-not-implemented",
            by=str(where),
        )


async def subscribe(
    session: Session,
    room: Jid,
    nick: str,
    events: Sequence[str],
    *,
    subscriber: Jid | None = None,
    password: str | None = None,
) -> Subscription:
    """Subscribe the account, or as a moderator ``subscriber``, to exactly these events.

    Raises UnsupportedError where the room has no subscriptions, RefusedError where there is no
    such room or it refuses, or takes only some of the events.
    """
    _check((await rooms.facts(session, room)).features, room)
    element = Element(f"{{{NS}}}subscribe", {"nick": nick})
    if subscriber is not None:
        element.set("jid", str(subscriber))
    if password is not None:
        element.set("password", password)
    for event in events:
        SubElement(element, _EVENT, {"node": f"{_NODES}{event}"})
    what = f"the subscription to {room}"
    try:
        answer = await session.request(element, to=room, type="set", step="subscribe", what=what)
    except RefusedError as error:
        if error.condition == "not-authorized":
            error.hint = "the room has a password: --room-password-file"
        raise
    taken = _events(answer) if answer is not None else []
    lacking = sorted(set(events) - set(taken))
    if lacking:
        raise RefusedError(
            f"{room} did not take the subscription to: {', '.join(lacking)}",
            step="subscribe",
            condition="not-applied",
            by=str(room),
        )
    return Subscription(str(room), str(subscriber or session.bare), nick, taken)


async def unsubscribe(
    session: Session, room: Jid, *, subscriber: Jid | None, if_exists: bool
) -> Subscription:
    """End a subscription; what it was.

    Raises UnsupportedError, RefusedError (item-not-found where there is none, unless
    ``if_exists``).
    """
    _check((await rooms.facts(session, room)).features, room)
    whose = str(subscriber or session.bare)
    was = await _subscription(session, room, subscriber)
    if was is None:
        if if_exists:
            return Subscription(str(room), whose)
        raise RefusedError(
            f"{whose} is not subscribed to {room}",
            step="subscribe",
            condition="item-not-found",
            by=str(room),
            hint="--if-exists makes this no error",
        )
    element = Element(f"{{{NS}}}unsubscribe")
    if subscriber is not None:
        element.set("jid", str(subscriber))
    what = f"ending the subscription of {whose} to {room}"
    await session.request(element, to=room, type="set", step="subscribe", what=what)
    if await _subscription(session, room, subscriber) is not None:
        raise RefusedError(
            f"{whose} is still subscribed to {room}",
            step="subscribe",
            condition="not-applied",
            by=str(room),
        )
    return was


async def _subscription(session: Session, room: Jid, subscriber: Jid | None) -> Subscription | None:
    """The room's own list tells it of others, the service's of the account."""
    if subscriber is not None:
        found: Sequence[Subscription] = await _subscribers(session, room)
        return next((s for s in found if s.jid == str(subscriber)), None)
    mine = await _mine(session, Jid(None, room.domain, None))
    return next((s for s in mine if s.room == str(room)), None)


async def subscriptions(session: Session, service: Jid) -> list[Subscription]:
    """The rooms of ``service`` that the account is subscribed to."""
    _check((await disco.info(session, service)).features, service)
    return await _mine(session, service)


async def _mine(session: Session, service: Jid) -> list[Subscription]:
    return [
        Subscription(room=jid, jid=session.bare, nick=nick, events=events)
        for jid, nick, events in await _list(session, service)
    ]


async def subscribers(session: Session, room: Jid) -> list[Subscriber]:
    """Who is subscribed to the room. Raises RefusedError for who may not know."""
    _check((await rooms.facts(session, room)).features, room)
    return await _subscribers(session, room)


async def _subscribers(session: Session, room: Jid) -> list[Subscriber]:
    return [
        Subscriber(room=str(room), jid=jid, nick=nick, events=events)
        for jid, nick, events in await _list(session, room)
    ]


async def _list(session: Session, where: Jid) -> list[tuple[str, str | None, list[str]]]:
    what = f"the subscriptions of {where}"
    answer = await session.request(Element(_SUBSCRIPTIONS), to=where, step="subscribe", what=what)
    if answer is None or answer.tag != _SUBSCRIPTIONS:
        raise malformed("no list of subscriptions", str(where))
    return [
        (str(lenient(child.get("jid", ""))), child.get("nick"), _events(child))
        for child in answer.findall(f"{{{NS}}}subscription")
        if child.get("jid")
    ]


def _events(element: Element) -> list[str]:
    nodes = {child.get("node", "").removeprefix(_NODES) for child in element.iter(_EVENT)}
    return sorted(filter(None, nodes))
