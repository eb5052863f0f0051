"""The roster as it is to be shown: with requests, with those online, as a tree of groups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.roster import Contact, Listed, Roster, SubscriptionRequest
from xmppctl.protocol import (
    availability,
    metacontacts,
    privatexml,
    roster,
    rosterdelimiter,
    subscription,
)
from xmppctl.protocol.roster import key
from xmppctl.session.stream import Pending, Session


async def contacts(
    session: Session,
    *,
    known: Roster | None = None,
    store: Callable[[Roster], None] | None = None,
    pending: bool = False,
    online: bool = False,
    tree: bool = False,
    meta: bool = False,
    groups: Collection[str] = (),
    subscriptions: Collection[str] = (),
    warn: Callable[[str], None] = lambda _: None,
) -> list[Listed]:
    """The contacts, of all ``groups`` and ``subscriptions`` where none are given.

    With ``store`` the roster is asked for with its version, of which ``known`` is what was stored.
    ``pending``: only requests, those of the contacts too. ``online``: only contacts with an
    available client; ``warn`` is told of those that could not be asked. ``tree``: one for each
    group of a contact, in the order of the groups. ``meta``: with the metacontact of each. Raises
    RefusedError, UnsupportedError,
    DeadlineError.
    """
    offline = subscription.asking_for_offline(session) if pending else None
    delimiter = privatexml.reading(session, rosterdelimiter.ROSTER) if tree else None
    tags = privatexml.reading(session, metacontacts.STORAGE) if meta else None
    beside = [each for each in (offline, delimiter, tags) if each is not None]
    if store is None:
        found = await roster.fetch(session, beside=beside)
    else:
        whole = await roster.refresh(session, known, beside=beside)
        store(whole)
        found = whole.contacts
    shown = [_listed(contact) for contact in found]
    if offline is not None:
        shown = _pending(shown, await subscription.requests(session, offline))
    shown = [
        contact
        for contact in shown
        if (not groups or not set(groups).isdisjoint(contact.groups))
        and (not subscriptions or contact.subscription in subscriptions)
    ]
    if online:
        shown = await _online(session, shown, warn)
    if tags is not None:
        shown = _tagged(shown, await _stored(session, tags, metacontacts.STORAGE))
    if delimiter is not None:
        stored = await _stored(session, delimiter, rosterdelimiter.ROSTER)
        shown = branches(shown, rosterdelimiter.usable(stored.text or None), groups)
    return shown


def branches(
    shown: Iterable[Listed], delimiter: str | None, groups: Collection[str] = ()
) -> list[Listed]:
    """Each contact once for each of its groups (XEP-0083), sorted; without a group at the top.

    Where ``groups`` are given, once for each of those.
    """
    found = [
        replace(contact, path=path)
        for contact in shown
        for path in [
            _path(group, delimiter) for group in contact.groups if not groups or group in groups
        ]
        or [[]]
    ]
    return sorted(found, key=lambda contact: (contact.path or [], contact.jid))


def _path(group: str, delimiter: str | None) -> list[str]:
    parts = group.split(delimiter) if delimiter else [group]
    return [part for part in parts if part] or [group]


async def _stored(session: Session, asked: Pending, tag: str) -> Element:
    """What is stored beside the roster; an empty element where nothing is, or can be, stored."""
    try:
        return await privatexml.read(session, asked, tag, step="roster")
    except (RefusedError, UnsupportedError) as error:
        session.trace.note(error.text)
        return Element(tag)


def _tagged(shown: Iterable[Listed], storage: Element) -> list[Listed]:
    tags = {
        key(member.jid): found.tag
        for found in metacontacts.read(storage)
        for member in found.members
    }
    return [replace(contact, meta=tags.get(key(contact.jid))) for contact in shown]


def _pending(shown: list[Listed], requests: dict[str, SubscriptionRequest]) -> list[Listed]:
    there = {key(contact.jid) for contact in shown}
    strangers = [Listed(jid, request=requests[jid]) for jid in requests.keys() - there]
    asking = [_listed(contact, requests.get(key(contact.jid))) for contact in shown]
    found = [*strangers, *(each for each in asking if each.request or each.ask)]
    return sorted(found, key=lambda contact: contact.jid)


async def _online(
    session: Session, shown: list[Listed], warn: Callable[[str], None]
) -> list[Listed]:
    seen = [contact.jid for contact in shown if contact.subscription in ("to", "both")]
    if not seen:
        return []
    there, silent = await availability.online(session, seen)
    if silent:
        more = f" and {len(silent) - 1} more" if len(silent) > 1 else ""
        warn(f"the server of {silent[0]}{more} does not answer: taken for offline")
    return [contact for contact in shown if contact.jid in there]


def _listed(contact: Contact, request: SubscriptionRequest | None = None) -> Listed:
    return Listed(
        contact.jid,
        contact.name,
        contact.subscription,
        contact.ask,
        contact.approved,
        contact.groups,
        contact.ver,
        request,
    )
