"""Many contacts at once: what a file would change (RFC 6121 §2), and the change itself.

A roster set is about one contact (§2.1.5), so thousands of them are kept on their way together.
Only what differs is sent, and the result of each set is the proof (§2.1.5).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

from xmppctl.errors import ErrorInfo, UnsupportedError, XmppctlError
from xmppctl.model.jid import lenient, parse
from xmppctl.model.roster import Contact
from xmppctl.model.rosterfile import BadEntry, Entry, RosterAction, RosterChange, RosterDiff
from xmppctl.protocol import roster, subscription
from xmppctl.records import dataclass
from xmppctl.session.inbox import Pending
from xmppctl.session.stream import Session

_STEP = "roster import"


@dataclass(frozen=True)
class Step:
    """What is to be done about one contact; ``bad`` is a record that is none."""

    jid: str
    action: RosterAction | None
    name: str | None = None
    groups: tuple[str, ...] = ()
    before: Contact | None = None
    ask: bool = False
    bad: ErrorInfo | None = None

    @property
    def difference(self) -> RosterDiff:
        """It as a record of ``roster diff``."""
        kinds = {"added": "add", "changed": "change", "removed": "remove"}
        return RosterDiff(
            jid=self.jid,
            change=kinds.get(self.action or ""),  # type: ignore[arg-type]
            name=self.name,
            old_name=self.before.name if self.before else None,
            groups=list(self.groups),
            old_groups=list(self.before.groups) if self.before else [],
            error=self.bad,
        )


def plan(
    session: Session,
    contacts: Iterable[Contact],
    wanted: Sequence[Entry | BadEntry],
    *,
    subscribe: bool = False,
    prune: bool = False,
) -> list[Step]:
    """What makes ``contacts`` the ``wanted`` ones, in the order of these; removals come last.

    What an entry does not say stays as it is. With ``subscribe`` the presence of those is asked
    for that had it when the file was written, or of which the file does not say.
    """
    known = roster.index(contacts)
    steps = [_step(session, known, each, subscribe) for each in wanted]
    if prune:
        kept = {roster.key(step.jid) for step in steps}
        steps += [
            Step(contact.jid, "removed", before=contact)
            for key, contact in known.items()
            if key not in kept
        ]
    return steps


def _step(
    session: Session, known: dict[str, Contact], entry: Entry | BadEntry, subscribe: bool
) -> Step:
    if isinstance(entry, BadEntry):
        return Step(entry.text, None, bad=entry.error)
    refused = roster.refuse_own(session, parse(entry.jid))
    if refused is not None:
        return Step(entry.jid, None, bad=refused.info())
    before = known.get(roster.key(entry.jid))
    old_name, old_groups = (before.name, before.groups) if before else (None, [])
    name = old_name if entry.name is None else entry.name or None
    groups = tuple(old_groups) if entry.groups is None else entry.groups
    action: RosterAction = "unchanged"
    if before is None:
        action = "added"
    elif (name, set(groups)) != (old_name, set(old_groups)):
        action = "changed"
    return Step(entry.jid, action, name, groups, before, subscribe and _asks(entry, before))


def _asks(entry: Entry, before: Contact | None) -> bool:
    if before is not None and (before.subscription in ("to", "both") or before.ask):
        return False
    return entry.subscription in (None, "to", "both") or entry.ask == "subscribe"


async def apply(session: Session, steps: Sequence[Step]) -> AsyncIterator[RosterChange]:
    """Carry the steps out; a record for each, in their order.

    Nothing is raised for a single contact: what befalls it stands in its record, also where the
    stream ended and its fate is unknown.
    """
    changes = _changes(session, steps)
    if not any(step.ask for step in steps):
        async for _, change in changes:
            yield change
        return
    done = [pair async for pair in changes]
    to_ask = [step.jid for step, change in done if step.ask and change.error is None]
    errors = await _subscribe(session, to_ask) if to_ask else {}
    for step, change in done:
        if step.ask and change.error is None:
            error = errors.get(step.jid)
            change = replace(change, asked=error is None, error=error)
        yield change


async def _changes(
    session: Session, steps: Sequence[Step]
) -> AsyncIterator[tuple[Step, RosterChange]]:
    loop = asyncio.get_running_loop()
    window: deque[tuple[Step, Pending | None, float]] = deque()
    allowed = roster.FLIGHT
    failure: XmppctlError | None = None

    async def first() -> tuple[Step, RosterChange]:
        nonlocal failure, allowed
        step, pending, sent = window.popleft()
        change = RosterChange(step.jid, step.action, error=step.bad)
        if pending is None:
            return step, change
        try:
            if failure is not None and not pending.future.done():
                raise failure  # who was silent once is not waited for a thousand times
            refusal = await roster.took(session, pending, lenient(step.jid))
            late = loop.time() - sent > roster.SLOW
            allowed = max(1, len(window) // 2) if late else min(roster.FLIGHT, allowed + 1)
        except UnsupportedError as error:
            refusal = error
        except XmppctlError as error:
            failure = refusal = error
        if refusal is None or (step.action == "removed" and refusal.condition == "item-not-found"):
            return step, change  # another client may have removed it meanwhile
        return step, _failed(step, refusal)

    for step in steps:
        pending = None
        if step.action in ("added", "changed", "removed"):
            if failure is not None:
                yield step, _failed(step, failure)
                continue
            pending = session.ask(_request(step), type="set")
            try:
                session.send(pending.element)
            except XmppctlError as error:
                failure = error
        window.append((step, pending, loop.time()))
        while len(window) >= allowed or (window and window[0][1] is None):
            yield await first()
    while window:
        yield await first()
    if failure is None:
        session.settle()  # all is answered; whether replies to pushes arrive does not matter


def _request(step: Step) -> Element:
    if step.action == "removed":
        return roster.removing(step.jid)
    return roster.setting(roster.Entry(parse(step.jid), step.name, step.groups))


def _failed(step: Step, error: XmppctlError) -> RosterChange:
    error.step = error.step or _STEP
    return RosterChange(step.jid, None, error=error.info())


async def _subscribe(session: Session, jids: Sequence[str]) -> dict[str, ErrorInfo]:
    """Ask for the presence of ``jids``; why not, of those where it did not work."""
    try:
        asked = await subscription.subscribe(
            session, [parse(jid) for jid in jids], subscription.Note(), before=()
        )
    except XmppctlError as error:
        return dict.fromkeys(jids, error.info())
    return {
        jid: each.error for jid, each in zip(jids, asked, strict=True) if each.error is not None
    }
