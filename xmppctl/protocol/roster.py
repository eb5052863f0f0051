"""RFC 6121 §2: the roster: read, set, remove; pushes. The subscriptions are in subscription.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError, UsageError, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.roster import Contact, Roster, Subscription
from xmppctl.protocol import Xep, flights
from xmppctl.session.conditions import stanza_error
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Pending, Session

XEPS = (Xep("0237", "1.3", "complete"),)

NS = "jabber:iq:roster"
QUERY = f"{{{NS}}}query"
ITEM = f"{{{NS}}}item"
GROUP = f"{{{NS}}}group"
VERSIONING = "{urn:xmpp:features:rosterver}ver"

_STEP = "roster"
_FEATURE = "a roster (RFC 6121)"

FLIGHT = 64
"""Changes under way at once, at most: each is a request of its own (RFC 6121 §2.1.5)."""

SLOW = 0.5
"""Seconds after which an answer is late: a server that writes the whole list for every change would
be kept from its other clients, so fewer are sent then."""

Told = Callable[[int], None]
"""Gets the number of contacts that are done."""

_SUBSCRIPTIONS: dict[str | None, Subscription] = {
    each: each for each in ("none", "to", "from", "both")
}


class Entry(NamedTuple):
    """A contact as it is to be: ``name`` None or empty for none, ``groups`` for all of them."""

    jid: Jid
    name: str | None = None
    groups: Collection[str] = ()


async def fetch(session: Session, *, beside: Sequence[Pending] = ()) -> list[Contact]:
    """All contacts, sorted by JID; ``beside`` are requests for the same flight.

    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    listen(session)
    pending = asking(session)
    session.send(pending.element, *(each.element for each in beside))
    return read(await session.answer(pending, step=_STEP))


async def refresh(
    session: Session, known: Roster | None, *, beside: Sequence[Pending] = ()
) -> Roster:
    """The roster of now, where the server can, told by what has changed since ``known`` (§2.6).

    An empty result means that ``known`` holds but for the pushes behind it; these have come when
    the server answers the request behind (§2.6.3, RFC 6120 §10.1). Raises as ``fetch``.
    """
    if not session.offers(VERSIONING):
        return Roster(None, await fetch(session, beside=beside))
    asked = asking(session, ver=known.ver if known is not None and known.ver else "")
    barrier = flights.barrier(session)
    pushes: list[Element] = []
    # what was pushed before the result is in it
    listen(session, lambda query: pushes.append(query) if asked.future.done() else None)
    session.send(asked.element, barrier.element, *(each.element for each in beside))
    answer = await session.answer(asked, step=_STEP)
    await session.answer(barrier, step=_STEP)
    if known is not None and answer.get("type") != "error" and not len(answer):
        return _merge(known, pushes)
    contacts = read(answer)
    return _merge(Roster(answer[0].get("ver"), contacts), pushes)


def listen(session: Session, taken: Callable[[Element], None] = lambda _: None) -> None:
    """Answer roster pushes from now on, and hand their queries to ``taken``.

    One that does not come from the own account is forged and refused (§2.1.6).
    """

    def pushed(iq: Element) -> None:
        sender = iq.get("from")
        if iq.get("type") != "set" or (sender is not None and str(lenient(sender)) != session.bare):
            raise RefusedError("", condition="service-unavailable")
        taken(iq[0])

    session.handle_iq(QUERY, pushed)


def asking(session: Session, *, ver: str = "") -> Pending:
    """The request for the roster, to be sent; ``ver`` is the version that is known, "" for none."""
    query = Element(QUERY)
    if session.offers(VERSIONING):  # only then (§2.6.2)
        query.set("ver", ver)
    return session.ask(query)


def read(answer: Element) -> list[Contact]:
    """The contacts of the answering iq, sorted by JID. Raises RefusedError, UnsupportedError."""
    if answer.get("type") == "error":
        raise _failure(answer, "the roster", answer.get("from"))
    query = next(iter(answer), None)
    if query is None or query.tag != QUERY:
        error = malformed("it holds no roster", answer.get("from"))
        error.step = _STEP
        raise error
    found = {contact.jid: contact for contact in _contacts(query)}
    return [found[jid] for jid in sorted(found)]


async def set_contact(
    session: Session, jid: Jid, name: str | None, groups: Collection[str]
) -> None:
    """Put one contact into the roster, or give it these name and groups.

    Raises RefusedError, UnsupportedError, UsageError (a JID that cannot be a contact).
    """
    (error,) = await put(session, [Entry(jid, name, groups)])
    if error is not None:
        raise error


async def remove(session: Session, jid: Jid) -> None:
    """Take one contact out of the roster, with the subscriptions in both directions (§2.5).

    Where it is not there, some servers say so and some say yes. Raises as ``set_contact``.
    """
    (error,) = await discard(session, [jid])
    if error is not None:
        raise error


async def put(
    session: Session, entries: Sequence[Entry], *, told: Told = lambda _: None
) -> list[XmppctlError | None]:
    """Many times ``set_contact``, several on their way at once; None for each that the server took.

    Raises UnsupportedError where there is no roster, DeadlineError.
    """
    refused = [refuse_own(session, entry.jid) for entry in entries]
    fit = [entry for entry, error in zip(entries, refused, strict=True) if error is None]
    outcome = iter(await _change(session, [(entry.jid, setting(entry)) for entry in fit], told))
    return [next(outcome) if error is None else error for error in refused]


async def discard(
    session: Session, jids: Sequence[Jid], *, told: Told = lambda _: None
) -> list[XmppctlError | None]:
    """Many times ``remove``, as ``put``."""
    return await _change(session, [(jid, removing(jid)) for jid in jids], told)


def setting(entry: Entry) -> Element:
    """The payload that sets one contact."""
    query = Element(QUERY)
    item = SubElement(query, ITEM, {"jid": str(entry.jid)})
    if entry.name:  # absent and empty are the same (§2.1.2.4)
        item.set("name", entry.name)
    for group in dict.fromkeys(entry.groups):
        SubElement(item, GROUP).text = group
    return query


def key(jid: Jid | str) -> str:
    """What is equal for two spellings of one bare JID."""
    return str(lenient(str(jid)))


def index(contacts: Iterable[Contact]) -> dict[str, Contact]:
    """The contacts by what ``key`` makes of their JID."""
    return {key(contact.jid): contact for contact in contacts}


def refuse_own(session: Session, jid: Jid) -> UsageError | None:
    """Why ``jid`` cannot be a contact, None where it can; not every server refuses it."""
    if jid.is_full:
        return UsageError(f"{jid} has a resource, a contact has none", step=_STEP)
    if key(jid) == session.bare:
        return UsageError(f"{jid} is the own account, which is no contact", step=_STEP)
    return None


async def _change(
    session: Session, changes: Sequence[tuple[Jid, Element]], told: Told
) -> list[XmppctlError | None]:
    loop = asyncio.get_running_loop()
    outcome: list[XmppctlError | None] = []
    size = FLIGHT
    while len(outcome) < len(changes):
        begin = len(outcome)
        flight = [
            (jid, session.ask(payload, type="set"))
            for jid, payload in changes[begin : begin + size]
        ]
        sent = loop.time()
        session.send(*(pending.element for _, pending in flight))
        outcome += [await took(session, pending, jid) for jid, pending in flight]
        size = max(1, size // 2) if loop.time() - sent > SLOW else min(FLIGHT, 2 * size)
        told(len(outcome))
    return outcome


async def took(session: Session, pending: Pending, jid: Jid) -> XmppctlError | None:
    """Wait for the answer to a change: None where the server took it.

    Raises UnsupportedError, DeadlineError.
    """
    answer = await session.answer(pending, step=_STEP)
    if answer.get("type") != "error":
        return None
    error = _failure(answer, f"to change the contact {jid}", session.domain)
    if isinstance(error, UnsupportedError):
        raise error
    return error


def removing(jid: Jid | str) -> Element:
    """The payload that removes one contact."""
    query = Element(QUERY)
    SubElement(query, ITEM, {"jid": str(jid), "subscription": "remove"})
    return query


def _failure(answer: Element, what: str, by: str | None) -> XmppctlError:
    error = stanza_error(answer, what, feature=_FEATURE)
    error.step, error.by = _STEP, error.by or by
    return error


def _contacts(query: Element) -> Iterator[Contact]:
    ver = query.get("ver")
    for item in query.iterfind(ITEM):
        jid = item.get("jid")
        if jid:
            # "remove" means nothing in an answer (§2.1.2.5)
            yield Contact(
                jid=jid,
                name=item.get("name") or None,
                subscription=_SUBSCRIPTIONS.get(item.get("subscription"), "none"),
                ask="subscribe" if item.get("ask") == "subscribe" else None,
                approved=item.get("approved") in ("true", "1"),
                groups=sorted({group.text for group in item.iterfind(GROUP) if group.text}),
                ver=ver,
            )


def _merge(known: Roster, pushes: Sequence[Element]) -> Roster:
    """``known`` with what was pushed behind it, under the version of the last push."""
    contacts = {contact.jid: contact for contact in known.contacts}
    ver = known.ver
    for query in pushes:
        ver = query.get("ver", ver)
        removed = {
            item.get("jid", "")
            for item in query.iterfind(ITEM)
            if item.get("subscription") == "remove"
        }
        contacts.update((contact.jid, contact) for contact in _contacts(query))
        for jid in removed:
            contacts.pop(jid, None)
    return Roster(ver, [_versioned(contacts[jid], ver) for jid in sorted(contacts)])


def _versioned(contact: Contact, ver: str | None) -> Contact:
    return contact if contact.ver == ver else replace(contact, ver=ver)
