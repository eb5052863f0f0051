"""RFC 6121 §3: presence subscriptions: ask, approve, deny, cancel; requests that wait.

What a server did is read back from the roster. Nothing of this needs presence, but for requests
that wait for an answer: a server tells those to available clients alone (§3.1.3).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import DeadlineError, RefusedError, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.roster import Contact, ContactChange, SubscriptionRequest
from xmppctl.protocol import Xep, caps_own, flights, roster
from xmppctl.protocol.roster import index, key
from xmppctl.records import dataclass
from xmppctl.session.conditions import stanza_error
from xmppctl.session.stream import PRESENCE, Pending, Session
from xmppctl.session.xml import NS_CLIENT

XEPS = (
    Xep("0172", "1.1", "partial", "in subscription requests"),
    Xep("0379", "0.3.3", "partial", "requests with a token; tokens are made by the server"),
)

NS_MOVED = "urn:xmpp:moved:1"
PRE_APPROVAL = "{urn:xmpp:features:pre-approval}sub"
OFFLINE = "http://jabber.org/protocol/offline"

_NICK = "{http://jabber.org/protocol/nick}nick"
_PREAUTH = "{urn:xmpp:pars:0}preauth"
_INFO = "{http://jabber.org/protocol/disco#info}query"
_IDENTITY = "{http://jabber.org/protocol/disco#info}identity"
_STEP = "subscription"

_NOT_DELIVERED = frozenset({"not-acceptable", "remote-server-not-found", "remote-server-timeout"})
"""Errors of the own server that say that nothing gets to the contact."""


@dataclass(frozen=True)
class Note:
    """What goes with a request: nickname (XEP-0172), text, token of an invitation (XEP-0379).

    ``moved``: the bare JID that the own account had before (XEP-0283).
    """

    nick: str | None = None
    message: str | None = None
    token: str | None = None
    moved: str | None = None


async def subscribe(
    session: Session,
    jids: Sequence[Jid],
    note: Note,
    *,
    approve: bool = False,
    before: Sequence[Contact] | None = None,
) -> list[ContactChange]:
    """Ask to see the presence of ``jids``; with ``approve`` they may see the own one too.

    ``approve`` answers a request that waits, or approves one in advance where the server takes
    that. ``before`` is the roster, if it was asked for already. A request counts when the roster
    has it and the contact's server has been reached. Raises UnsupportedError, DeadlineError.
    """
    if before is None:
        before = await roster.fetch(session)
    known = index(before)
    reached: dict[Jid, Pending] = {}

    def stanzas(jid: Jid) -> Iterator[Element]:
        if not _sees(known.get(key(jid))):
            reached[jid] = flights.barrier(session, str(jid))
            yield from (_request(jid, note), reached[jid].element)
        if approve:
            yield _presence(jid, "subscribed")

    with _errors(session) as refused:
        after = await _send(session, jids, stanzas)
        answers = await flights.answers(session, reached, step=_STEP)
        failed = refused()
    changes = []
    for jid in jids:
        contact = after.get(key(jid))
        error = failed.get(key(jid)) or (
            _unreached(session, jid, answers.get(jid)) if jid in reached else None
        )
        if error is None and not _asked(contact):
            error = _unconfirmed(session, f"{jid} has not been asked")
        changes.append(change(session, jid, contact, error))
    return changes


async def approve(session: Session, jids: Sequence[Jid]) -> list[ContactChange]:
    """Let ``jids`` see the own presence: those who asked, or, where the server takes it, will ask.

    item-not-found where neither is the case. Raises UnsupportedError, DeadlineError.
    """
    pushed: set[str] = set()
    await roster.fetch(session)  # who has not asked for it gets no pushes (RFC 6121 §2.2)
    roster.listen(session, lambda query: pushed.update(_jids(query)))
    with _errors(session) as refused:
        # even where it is granted: a server that granted it in advance may not have told
        after = await _send(session, jids, lambda jid: iter([_presence(jid, "subscribed")]))
        failed = refused()
    changes = []
    for jid in jids:
        contact, error = after.get(key(jid)), failed.get(key(jid))
        # one server stores an approval in advance, pushes the contact, and does not show it
        if contact and session.offers(PRE_APPROVAL) and key(jid) in pushed:
            contact = replace(contact, approved=contact.approved or not _may_see(contact))
        if error is None and not (contact and (_may_see(contact) or contact.approved)):
            error = _nothing(
                session,
                f"{jid} has not asked to see the presence"
                + ("" if session.offers(PRE_APPROVAL) else ", and approval in advance is unknown"),
            )
        changes.append(change(session, jid, contact, error))
    return changes


async def cancel(
    session: Session, jids: Sequence[Jid], *, if_exists: bool = False
) -> list[ContactChange]:
    """No longer see the presence of ``jids``, or take the request for it back.

    item-not-found where there is neither, unless ``if_exists``. Raises as ``approve``.
    """
    known = index(await roster.fetch(session))
    there = [jid for jid in jids if _asked(known.get(key(jid)))]
    with _errors(session) as refused:
        after = await _send(session, there, lambda jid: iter([_presence(jid, "unsubscribe")]))
        failed = refused()
    changes = []
    for jid in jids:
        contact, error = after.get(key(jid)), failed.get(key(jid))
        if jid not in there and not if_exists:
            error = _nothing(session, f"there is no subscription to {jid}, and no request", _END)
        elif error is None and _asked(contact):
            error = _unconfirmed(session, f"the subscription to {jid} is still there")
        changes.append(change(session, jid, contact, error))
    return changes


async def deny(
    session: Session, jids: Sequence[Jid], *, if_exists: bool = False
) -> list[ContactChange]:
    """Let ``jids`` no longer see the own presence, or refuse their request for it.

    item-not-found where there is neither, unless ``if_exists``. Raises as ``approve``.
    """
    offline = asking_for_offline(session)
    known = index(await roster.fetch(session, beside=[offline]))
    hidden = session.offers(PRE_APPROVAL)

    def approved(jid: Jid) -> bool:
        contact = known.get(key(jid))
        # one server does not show what is approved in advance: any contact may be
        return contact is not None and (_may_see(contact) or contact.approved or hidden)

    there = {jid for jid in jids if approved(jid)}
    waiting: Collection[str] = ()
    if len(there) < len(set(jids)):
        waiting = await requests(session, offline)
    else:
        session.forget(offline)
    there |= {jid for jid in jids if key(jid) in waiting}

    def stanzas(jid: Jid) -> Iterator[Element]:
        yield _presence(jid, "unsubscribed")
        contact = known.get(key(jid))
        if hidden and contact is not None and not _may_see(contact):
            # ... and forgets it only when the contact is set anew
            entry = roster.Entry(jid, contact.name, contact.groups)
            yield session.ask(roster.setting(entry), type="set").element

    with _errors(session) as refused:
        after = await _send(session, [jid for jid in jids if jid in there], stanzas)
        failed = refused()
    lost = [jid for jid in jids if _sees(known.get(key(jid))) and not _sees(after.get(key(jid)))]
    if lost:
        # one server ends the other direction too, unlike the contact's, which grants it at once
        await subscribe(session, lost, Note(), before=list(after.values()))
        after = index(await roster.fetch(session))
    changes = []
    for jid in jids:
        contact, error = after.get(key(jid)), failed.get(key(jid))
        if jid not in there and not if_exists:
            error = _nothing(session, f"{jid} has not asked, and does not see the presence", _END)
        elif error is None and contact and (_may_see(contact) or contact.approved):
            error = _unconfirmed(session, f"{jid} still sees the presence")
        changes.append(change(session, jid, contact, error))
    return changes


def asking_for_offline(session: Session) -> Pending:
    """A question to be answered before ``requests``: may offline messages be left alone?

    To a server that knows XEP-0013 the question itself is the wish (§2.2).
    """
    return session.ask(Element(_INFO, {"node": OFFLINE}))


async def requests(session: Session, offline: Pending) -> dict[str, SubscriptionRequest]:
    """The requests that wait for an answer, by bare JID.

    ``offline`` has been sent. Contacts see the account as online for a moment, at a priority at
    which it gets no messages (§8.5.2.1). One server tells of requests only at another priority:
    that one is taken where messages can be left on the server all the same.
    """
    answer = await session.answer(offline, step=_STEP)
    leaves = any(
        each.get("category") == "automation" for each in answer.iterfind(f"{_INFO}/{_IDENTITY}")
    )
    with session.inbox(_is("subscribe")) as box:
        barrier = flights.barrier(session)
        shown = [_available(0)] if leaves else []
        session.send(*session.enabling(), *shown, _available(-1), barrier.element)
        await session.answer(barrier, step=_STEP)
        return {
            str(lenient(sender).bare): _read(each)
            for each in box.drain()
            if (sender := each.get("from"))
        }


async def _send(
    session: Session, jids: Sequence[Jid], stanzas: Callable[[Jid], Iterator[Element]]
) -> dict[str, Contact]:
    """Send what is to be sent for each of ``jids``; the roster behind it, read in that flight."""
    portions = range(0, max(1, len(jids)), roster.FLIGHT)
    for begin in portions:
        flight = [
            each
            for jid in jids[begin : begin + roster.FLIGHT]
            if roster.refuse_own(session, jid) is None
            for each in stanzas(jid)
        ]
        last = begin == portions[-1]
        barrier = roster.asking(session) if last else flights.barrier(session)
        session.send(*flight, barrier.element)
        answer = await session.answer(barrier, step=_STEP)
    return index(roster.read(answer))


@contextmanager
def _errors(session: Session) -> Iterator[Callable[[], dict[str, XmppctlError]]]:
    """Presence errors from here on, by bare JID: what could not be sent to whom."""
    with session.inbox(_is("error")) as box:

        def refused() -> dict[str, XmppctlError]:
            return {key(each.get("from", "")): _refusal(each) for each in box.drain()}

        yield refused


def _refusal(stanza: Element) -> XmppctlError:
    error = stanza_error(stanza, f"the request to {stanza.get('from')}")
    error.step = _STEP
    return error


def _unreached(session: Session, jid: Jid, answer: Element | None) -> XmppctlError | None:
    hint = f"the request stays with the own server: xmppctl roster cancel {jid}"
    if answer is None:
        limit = session.account.timeout
        return DeadlineError(
            f"asked, but nothing came from {jid.domain} within {limit:g} s",
            step=_STEP,
            condition="timeout",
            by=jid.domain,
            hint=hint,
        )
    if answer.get("type") != "error":
        return None
    error = stanza_error(answer, f"the request does not get to {jid}")
    if error.condition not in _NOT_DELIVERED:
        return None  # whoever says so has been reached
    error.step, error.hint = _STEP, hint
    return error


def _request(jid: Jid, note: Note) -> Element:
    stanza = _presence(jid, "subscribe")
    if note.message:
        SubElement(stanza, f"{{{NS_CLIENT}}}status").text = note.message
    if note.nick:
        SubElement(stanza, _NICK).text = note.nick
    if note.token:
        SubElement(stanza, _PREAUTH, {"token": note.token})
    if note.moved:
        moved = SubElement(stanza, f"{{{NS_MOVED}}}moved")
        SubElement(moved, f"{{{NS_MOVED}}}old-jid").text = note.moved
    return stanza


def _read(stanza: Element) -> SubscriptionRequest:
    preauth = stanza.find(_PREAUTH)
    return SubscriptionRequest(
        nick=(stanza.findtext(_NICK) or "").strip() or None,
        message=stanza.findtext(f"{{{NS_CLIENT}}}status") or None,
        token=None if preauth is None else preauth.get("token") or None,
    )


def _presence(jid: Jid, kind: str) -> Element:
    return Element(PRESENCE, {"to": str(jid), "type": kind, "id": Session.new_id()})


def _available(priority: int) -> Element:
    stanza = Element(PRESENCE, {"id": Session.new_id()})
    SubElement(stanza, f"{{{NS_CLIENT}}}priority").text = str(priority)
    caps_own.leave_avatar(stanza)
    return stanza


def _is(kind: str) -> Callable[[Element], bool]:
    return lambda stanza: stanza.tag == PRESENCE and stanza.get("type") == kind


def _sees(contact: Contact | None) -> bool:
    return contact is not None and contact.subscription in ("to", "both")


def _asked(contact: Contact | None) -> bool:
    return contact is not None and (contact.ask is not None or _sees(contact))


def _may_see(contact: Contact | None) -> bool:
    return contact is not None and contact.subscription in ("from", "both")


def _jids(query: Element) -> Iterator[str]:
    return (key(item.get("jid", "")) for item in query.iterfind(roster.ITEM))


def change(
    session: Session, jid: Jid, contact: Contact | None, error: XmppctlError | None = None
) -> ContactChange:
    """The record of ``contact``, which is None where the roster, read again, has not got it."""
    found = contact or Contact(str(jid))
    error = roster.refuse_own(session, jid) or error
    return ContactChange(
        found.jid,
        found.name,
        found.subscription,
        found.ask,
        found.approved,
        found.groups,
        found.ver,
        None if error is None else error.info(),
    )


_END = "--if-exists takes that for success"


def _nothing(session: Session, text: str, hint: str | None = None) -> RefusedError:
    return RefusedError(text, step=_STEP, condition="item-not-found", by=session.bare, hint=hint)


def _unconfirmed(session: Session, text: str) -> RefusedError:
    return RefusedError(text, step=_STEP, condition="not-confirmed", by=session.domain)
