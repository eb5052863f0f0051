"""XEP-0144: what becomes of suggestions: waiting for them, deciding, changing the contact list.

Nothing is changed but what ``approve`` agrees to. Who is trusted to suggest removals is somebody
with a presence subscription (§8.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError, XmppctlError
from xmppctl.model.jid import Jid, lenient, parse
from xmppctl.model.roster import Contact
from xmppctl.model.rosterx import Applied, Outcome, Suggested
from xmppctl.protocol import caps_own, presence, roster, rosterx, subscription
from xmppctl.records import dataclass
from xmppctl.session.stream import MESSAGE, Session

Approve = Callable[[str], bool]
"""Asks the user a question."""


@dataclass(frozen=True)
class Decision:
    """What a suggestion comes to; ``contact`` as it would be then, for "added" and "changed"."""

    outcome: Outcome
    reason: str | None = None
    contact: Contact | None = None


def decide(item: Suggested, contact: Contact | None, *, trusted: bool) -> Decision:
    """What is to be done about ``item`` (§3.1-§3.3); ``contact`` is what the list has of it."""
    if item.action == "add":
        if contact is None:
            return Decision("added", None, Contact(item.jid, item.name, groups=item.groups))
        if set(item.groups) <= set(contact.groups):
            return Decision("unchanged")
        groups = sorted({*contact.groups, *item.groups})
        return Decision("changed", None, replace(contact, groups=groups))
    if item.action == "modify":
        if contact is None:
            return Decision("ignored", "it is not in the list")
        wanted = replace(
            contact, name=item.name or contact.name, groups=item.groups or contact.groups
        )
        return Decision("unchanged") if wanted == contact else Decision("changed", None, wanted)
    if contact is None:
        return Decision("unchanged")
    if not trusted:
        return Decision("ignored", "there is no subscription with who suggests it")
    if item.groups and not set(item.groups) & set(contact.groups):
        return Decision("ignored", "it is not in the group")
    left = sorted(set(contact.groups) - set(item.groups))
    if item.groups and left:
        return Decision("changed", None, replace(contact, groups=left))
    return Decision("removed")


async def carry_out(
    session: Session, sender: str, items: Sequence[Suggested], approve: Approve
) -> list[Applied]:
    """Change the list as ``sender`` suggests, as far as ``approve`` agrees; a record for each item.

    What is added is asked for its presence too (§3.1). What befalls one item stands in its record.
    Raises UnsupportedError, DeadlineError.
    """
    if len(items) > rosterx.MANY:
        reason = f"more than {rosterx.MANY} contacts at once"
        return [_record(sender, item, Decision("ignored", reason)) for item in items]
    known = roster.index(await roster.fetch(session))
    bare = roster.key(lenient(sender).bare)
    trusted = bare == session.bare or (bare in known and known[bare].subscription != "none")
    decided: list[tuple[Suggested, Decision]] = []
    for item in items:
        decision = decide(item, known.get(roster.key(item.jid)), trusted=trusted)
        if decision.outcome in ("added", "changed", "removed"):
            if not approve(_question(sender, item, decision)):
                decision = Decision("declined")
            elif decision.contact is not None:
                known[roster.key(item.jid)] = decision.contact
            else:
                del known[roster.key(item.jid)]
        decided.append((item, decision))
    return await _change(session, sender, decided)


async def _change(
    session: Session, sender: str, decided: Sequence[tuple[Suggested, Decision]]
) -> list[Applied]:
    records = [_record(sender, item, decision) for item, decision in decided]
    sets = {
        number: roster.Entry(parse(item.jid), decision.contact.name, decision.contact.groups)
        for number, (item, decision) in enumerate(decided)
        if decision.contact is not None
    }
    removals = {
        number: parse(item.jid)
        for number, (item, decision) in enumerate(decided)
        if decision.outcome == "removed"
    }
    errors = dict(zip(sets, await roster.put(session, list(sets.values())), strict=True))
    gone = await roster.discard(session, list(removals.values()))
    errors |= dict(zip(removals, gone, strict=True))
    for number, error in errors.items():
        if error is not None:
            records[number] = replace(records[number], outcome=None, error=error.info())
    added = [number for number, record in enumerate(records) if record.outcome == "added"]
    if added:
        jids = [parse(records[number].jid) for number in added]
        asked = await subscription.subscribe(session, jids, subscription.Note(), before=())
        for number, each in zip(added, asked, strict=True):
            records[number] = replace(records[number], asked=each.error is None, error=each.error)
    return records


def _record(sender: str, item: Suggested, decision: Decision) -> Applied:
    return Applied(
        from_=sender,
        action=item.action,
        jid=item.jid,
        name=item.name,
        groups=item.groups,
        outcome=decision.outcome,
        reason=decision.reason,
    )


def _question(sender: str, item: Suggested, decision: Decision) -> str:
    if decision.contact is None:
        return f"{sender} suggests to remove {item.jid}: remove it?"
    what = [f"name {decision.contact.name}"] if decision.contact.name else []
    what += [f"groups {', '.join(decision.contact.groups)}"] if decision.contact.groups else []
    verb = "add" if decision.outcome == "added" else "change"
    with_ = f" ({'; '.join(what)})" if what else ""
    return f"{sender} suggests to {item.action} {item.jid}: {verb} it{with_}?"


def comes_from(sender: Jid, found: str) -> bool:
    """Whether ``found`` is ``sender`` or, where that is no full JID, one of its resources.

    A domain stands for itself alone, not for everybody there.
    """
    jid = lenient(found)
    return jid == sender if sender.is_full else jid.bare == sender


async def incoming(
    session: Session,
    sender: Jid,
    *,
    count: int | None,
    seconds: float | None,
    ready: Callable[[], None],
) -> AsyncGenerator[tuple[str, list[Suggested]], None]:
    """Suggestions of ``sender`` as they come: by whom, and the items of one stanza.

    Until ``count`` of them or ``seconds`` after ``ready``, which is called when presence is in
    effect. To ``sender`` alone is said that suggestions are taken (§8.3). A message counts as
    taken over when the next suggestion is asked for. Raises DeadlineError where ``count`` was not
    reached, and what ended the stream.
    """
    features = caps_own.FEATURES | {rosterx.NS}

    def wanted(stanza: Element) -> bool:
        return (
            stanza.tag == MESSAGE
            and stanza.get("type") not in ("error", "groupchat")
            and stanza.find(rosterx.X) is not None
            and comes_from(sender, stanza.get("from", session.bare))
        )

    with session.inbox(wanted, keep=False) as box:

        def requested(iq: Element) -> None:
            if iq.get("type") != "set" or not comes_from(sender, iq.get("from", session.bare)):
                raise RefusedError("", condition="service-unavailable")
            if len(iq[0]) > rosterx.MANY:
                raise RefusedError("", condition="not-acceptable", type="modify")
            box.queue.put_nowait(iq)

        session.handle_iq(rosterx.X, requested)
        shown = presence.compose(priority=0, features=features)
        await presence.appear(session, shown, features=features, rooms=(sender,))
        ready()
        session.trace.enter("listen")
        deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
        came = 0
        try:
            async for stanza in presence.arriving(session, box, deadline):
                x = stanza.find(rosterx.X)
                yield (
                    stanza.get("from", session.bare),
                    list(rosterx.read(x)) if x is not None else [],
                )
                session.handled(stanza)
                came += 1
                if came == count:
                    break
        finally:
            with suppress(XmppctlError):
                session.acknowledge()  # so that nothing of it comes a second time
        if count is not None and seconds is not None and came < count:
            raise presence.too_few(came, count, seconds)
