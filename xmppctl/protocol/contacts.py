"""RFC 6121 §2.3-§2.5: adding, changing and removing contacts, each proven by reading it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from xmppctl.errors import ErrorInfo, RefusedError, XmppctlError
from xmppctl.model.jid import Jid
from xmppctl.model.roster import Contact, ContactChange, Removal
from xmppctl.protocol import roster, subscription
from xmppctl.protocol.roster import Entry, key
from xmppctl.protocol.subscription import Note
from xmppctl.session.stream import Session

_STEP = "roster"


async def get(session: Session, jid: Jid) -> Contact:
    """One contact. Raises RefusedError (item-not-found), UnsupportedError, DeadlineError."""
    return _found(await roster.fetch(session), session, jid)


async def add(
    session: Session,
    jids: Sequence[Jid],
    *,
    name: str | None = None,
    groups: Sequence[str] = (),
    note: Note | None = None,
    told: roster.Told = lambda _: None,
) -> list[ContactChange]:
    """Put ``jids`` into the roster; with ``note`` a subscription in both directions is asked for.

    Contacts that are there keep their name, unless one is given, and their groups, to which
    ``groups`` are added. Raises UnsupportedError, DeadlineError; what befalls one JID stands in
    its record.
    """
    before = roster.index(await roster.fetch(session))
    entries = [_entry(jid, before.get(key(jid)), name, groups) for jid in jids]
    new = [entry for entry in entries if not _is(before.get(key(entry.jid)), entry)]
    outcome = await roster.put(session, new, told=told)
    failed: dict[Jid, XmppctlError] = {
        entry.jid: error for entry, error in zip(new, outcome, strict=True) if error is not None
    }
    asked = [jid for jid in jids if jid not in failed]
    known = list(before.values())
    if note is not None:
        found = await subscription.subscribe(session, asked, note, approve=True, before=known)
    else:
        after = roster.index(await roster.fetch(session) if new else known)
        found = [
            subscription.change(
                session,
                jid,
                after.get(key(jid)),
                None if key(jid) in after else _unconfirmed(session, f"{jid} is not in the roster"),
            )
            for jid in asked
        ]
    changes = dict(zip(asked, found, strict=True))
    return [
        subscription.change(session, entry.jid, before.get(key(entry.jid)), failed[entry.jid])
        if entry.jid in failed
        else _confirmed(session, changes[entry.jid], entry)
        for entry in entries
    ]


async def rename(session: Session, jid: Jid, name: str | None) -> Contact:
    """Give a contact another name, None for none; the contact as it is then.

    Raises as ``get``, and RefusedError (not-confirmed).
    """
    return await _alter(session, jid, lambda contact: Entry(jid, name, contact.groups))


async def regroup(
    session: Session,
    jid: Jid,
    *,
    only: Sequence[str] | None = None,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    if_exists: bool = False,
) -> Contact:
    """Change the groups of a contact: set them to ``only``, then ``add`` some, ``remove`` some.

    Raises as ``rename``; item-not-found where the contact is not in a group to be
    removed, unless ``if_exists``.
    """

    def changed(contact: Contact) -> Entry:
        groups = [*(contact.groups if only is None else only), *add]
        missing = sorted(set(remove) - set(groups))
        if missing and not if_exists:
            raise RefusedError(
                f"{jid} is not in the group {missing[0]!r}",
                step=_STEP,
                condition="item-not-found",
                by=session.bare,
            )
        return Entry(jid, contact.name, [group for group in groups if group not in remove])

    return await _alter(session, jid, changed)


async def remove(
    session: Session,
    jids: Sequence[Jid],
    *,
    if_exists: bool = False,
    told: roster.Told = lambda _: None,
) -> list[Removal]:
    """Remove ``jids`` with their subscriptions; one record for each, in their order.

    One that is not there is item-not-found on every server, unless ``if_exists``. Raises
    UnsupportedError, DeadlineError.
    """
    before = {key(contact.jid) for contact in await roster.fetch(session)}
    present = [jid for jid in jids if key(jid) in before]
    discarded = await roster.discard(session, present, told=told)
    outcome = dict(zip(present, discarded, strict=True))
    after = before
    if present:
        after = {key(contact.jid) for contact in await roster.fetch(session)}
    records = []
    for jid in jids:
        error = outcome.get(jid)
        if jid not in outcome and not if_exists:
            error = _missing(session, jid)
        elif error is None and key(jid) in after:
            error = _unconfirmed(session, f"{jid} is still in the roster")
        records.append(Removal(str(jid), jid in outcome and key(jid) not in after, _info(error)))
    return records


async def _alter(session: Session, jid: Jid, change: Callable[[Contact], Entry]) -> Contact:
    contact = await get(session, jid)
    entry = change(contact)
    if _is(contact, entry):
        return contact
    setting = session.ask(roster.setting(entry), type="set")
    reading = roster.asking(session)
    session.send(setting.element, reading.element)
    error = await roster.took(session, setting, jid)
    if error is not None:
        raise error
    after = _found(roster.read(await session.answer(reading, step=_STEP)), session, jid)
    if not _is(after, entry):
        raise _unconfirmed(session, f"{jid} has another name or other groups")
    return after


def _entry(jid: Jid, known: Contact | None, name: str | None, groups: Sequence[str]) -> Entry:
    if known is None:
        return Entry(jid, name, groups)
    return Entry(jid, known.name if name is None else name, [*known.groups, *groups])


def _is(contact: Contact | None, entry: Entry) -> bool:
    """Whether the contact is there with this name and these groups."""
    return (
        contact is not None
        and (contact.name or "") == (entry.name or "")
        and set(contact.groups) == set(entry.groups)
    )


def _confirmed(session: Session, change: ContactChange, entry: Entry) -> ContactChange:
    """``change``, or that it is not what was wanted; a server may add groups of its own."""
    named = (change.name or "") == (entry.name or "")
    if change.error is not None or (named and set(entry.groups) <= set(change.groups)):
        return change
    error = _unconfirmed(session, f"{entry.jid} has another name or other groups")
    return replace(change, error=error.info())


def _found(contacts: Sequence[Contact], session: Session, jid: Jid) -> Contact:
    for contact in contacts:
        if key(contact.jid) == key(jid):
            return contact
    raise _missing(session, jid)


def _missing(session: Session, jid: Jid) -> RefusedError:
    return RefusedError(
        f"{jid} is not in the roster", step=_STEP, condition="item-not-found", by=session.bare
    )


def _unconfirmed(session: Session, text: str) -> RefusedError:
    return RefusedError(text, step=_STEP, condition="not-confirmed", by=session.domain)


def _info(error: XmppctlError | None) -> ErrorInfo | None:
    return None if error is None else error.info()
