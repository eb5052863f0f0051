"""What a file has of an account (XEP-0227), put into the own one, as far as a client can.

Nothing is taken away, and what is there already stays unless it is to be replaced; so a second run
does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from copy import deepcopy
from dataclasses import replace
from xml.etree.ElementTree import Element

from xmppctl.errors import (
    ErrorInfo,
    RefusedError,
    UnsupportedError,
    XmppctlError,
    summarise,
)
from xmppctl.model.jid import Jid, parse
from xmppctl.model.portable import BOOKMARKS, ImportedPart, Part, Wanted
from xmppctl.model.rosterfile import BadEntry
from xmppctl.protocol import blocking, privatexml, roster, rosterimport
from xmppctl.protocol.portable import collect
from xmppctl.protocol.portable.content import Content
from xmppctl.protocol.portable.nodes import Node
from xmppctl.protocol.portable.placing import place
from xmppctl.records import dataclass
from xmppctl.session.stream import Session
from xmppctl.session.xml import serialise, split

_STEP = "import"
_AT_ONCE = 8
_LARGE = 32 * 1024
"""Characters of an item from which on its node is made alone: the server may end the stream."""

_KEYS = {
    "{storage:bookmarks}conference": "jid",
    "{storage:bookmarks}url": "url",
    "{storage:rosternotes}note": "jid",
    "{storage:metacontacts}meta": "jid",
}
"""What tells one child from another, in elements that are lists."""

_LISTS = frozenset(
    {"{storage:bookmarks}storage", "{storage:rosternotes}storage", "{storage:metacontacts}storage"}
)


@dataclass(frozen=True)
class Manner:
    """How a file is put into the account."""

    wanted: Wanted
    replacing: bool = False
    subscribe: bool = False
    dry_run: bool = False


async def apply(
    session: Session, content: Content, manner: Manner
) -> AsyncGenerator[ImportedPart, None]:
    """A record for each part of the file; what befalls it stands there.

    Raises ConnectError, DeadlineError.
    """
    wanted = manner.wanted
    if wanted.has("roster") and content.contacts:
        async for record in _contacts(session, content, manner):
            yield record
    if wanted.has("vcard") and content.vcard is not None:
        yield await _vcard(session, content.vcard, manner)
    for element in content.private:
        if wanted.private(split(element.tag)[0]):
            yield await _private(session, element, manner)
    if wanted.has("blocking") and (content.blocked or content.rules):
        yield await _blocking(session, content, manner)
    async for record in _nodes(session, content, manner):
        yield record
    lost: tuple[tuple[Part, int, str], ...] = (
        ("offline", content.offline, "a client cannot make messages wait"),
        ("mam", content.archived, "a client cannot write into the archive"),
    )
    for part, number, reason in lost:
        if number and wanted.has(part):
            yield ImportedPart(part, total=number, skipped=number, reason=reason)
    if content.requests and wanted.has("roster"):
        reason = "requests of others to see the presence: they have to be made again"
        yield ImportedPart(
            "requests", total=content.requests, skipped=content.requests, reason=reason
        )
    for tag, number in content.others.items() if wanted.whole else ():
        yield ImportedPart("other", tag, number, skipped=number, reason="this is not known here")


async def _contacts(
    session: Session, content: Content, manner: Manner
) -> AsyncGenerator[ImportedPart, None]:
    every = content.entries()
    entries = [each for each in every if isinstance(each, BadEntry) or each.jid != session.bare]
    try:
        before = await roster.fetch(session)
    except (RefusedError, UnsupportedError) as error:
        yield ImportedPart("roster", total=len(every), error=error.info())
        return
    steps = rosterimport.plan(session, before, entries, subscribe=manner.subscribe)
    done, asked, errors = 0, 0, list[ErrorInfo | None]()
    if manner.dry_run:
        done = sum(step.action in ("added", "changed") for step in steps)
        asked = sum(step.ask for step in steps if step.bad is None)
        errors = [step.bad for step in steps]
    else:
        async for change in rosterimport.apply(session, steps):
            done += change.error is None and change.action in ("added", "changed")
            asked += bool(change.asked)
            errors.append(change.error)
    failed = sum(each is not None for each in errors)
    why = []
    if len(entries) > done + failed:
        why.append("they are there already")
    if len(every) > len(entries):
        why.append("the account itself is no contact of its own")
    yield ImportedPart(
        "roster",
        total=len(every),
        done=done,
        skipped=len(every) - done - failed,
        reason="; ".join(why) or None,
        error=summarise(errors),
    )
    seen = [each for each in content.contacts if each.get("subscription") in ("to", "both")]
    seeing = sum(each.get("subscription") in ("from", "both") for each in content.contacts)
    if not seen and not seeing:
        return
    known = roster.index(before)
    open_ = [
        each
        for each in seen
        if (contact := known.get(roster.key(each.get("jid", "")))) is None
        or not (contact.ask or contact.subscription in ("to", "both"))
    ]
    reasons = []
    if len(open_) > asked:
        reasons.append(
            "some could not be asked" if manner.subscribe else "--subscribe asks for them"
        )
    elif len(seen) > asked:
        reasons.append("they are asked for already")
    if seeing:
        reasons.append(f"{seeing} who saw the presence have to ask for it themselves")
    yield ImportedPart(
        "subscriptions",
        total=len(seen),
        done=asked,
        skipped=max(0, len(seen) - asked),
        reason="; ".join(reasons) or None,
    )


async def _vcard(session: Session, card: Element, manner: Manner) -> ImportedPart:
    record = ImportedPart("vcard", total=1)
    card = deepcopy(card)
    card.tail = None
    try:
        before = await collect.read_vcard(session, step=_STEP)
        if before is not None and privatexml.same(before, card):
            return replace(record, skipped=1, reason="it is there already")
        if before is not None and not manner.replacing:
            kept = "a vCard is there: --replace takes the file's"
            return replace(record, skipped=1, reason=kept)
        if manner.dry_run:
            return replace(record, done=1)
        await session.request(
            card, type="set", step=_STEP, what="to set the vCard", feature="vCards (XEP-0054)"
        )
        after = await collect.read_vcard(session, step=_STEP)
    except (RefusedError, UnsupportedError) as error:
        return replace(record, error=error.info())
    if after is None:
        failure = RefusedError(
            "the server said yes, but there is no vCard",
            step=_STEP,
            condition="not-confirmed",
            by=session.bare,
        )
        return replace(record, error=failure.info())
    reason = None if privatexml.same(after, card) else "the server keeps it in a form of its own"
    return replace(record, done=1, reason=reason)


async def _private(session: Session, element: Element, manner: Manner) -> ImportedPart:
    total = len(element) if element.tag in _LISTS else 1
    record = ImportedPart("private", element.tag, total)
    wanted = deepcopy(element)
    wanted.tail = None
    try:
        before = await privatexml.get(session, element.tag, step=_STEP)
        result = deepcopy(before)
        done, kept = _merge(result, wanted, manner.replacing)
        if done and not manner.dry_run:
            replacing = manner.replacing

            def change(stored: Element) -> bool:
                return bool(_merge(stored, wanted, replacing)[0])

            await privatexml.update(session, before, change, step=_STEP)
    except (RefusedError, UnsupportedError) as error:
        return replace(record, error=error.info())
    reason = f"{kept} kept as they are there: --replace takes the file's" if kept else None
    if not kept and done < total:
        reason = "they are there already"
    return replace(record, done=done, skipped=total - done, reason=reason)


def _merge(stored: Element, wanted: Element, replacing: bool) -> tuple[int, int]:
    """Put ``wanted`` into ``stored``: how many things were, how many are there and are other."""
    if wanted.tag not in _LISTS:
        if privatexml.same(stored, wanted):
            return 0, 0
        if (len(stored) or (stored.text or "").strip() or stored.attrib) and not replacing:
            return 0, 1
        stored.clear()
        stored.attrib.update(wanted.attrib)
        stored.text = wanted.text
        stored.extend(deepcopy(list(wanted)))
        return 1, 0
    known = {_key(each): number for number, each in enumerate(stored)}
    done = kept = 0
    for each in wanted:
        number = known.get(_key(each))
        if number is None:
            stored.append(deepcopy(each))
            known[_key(each)] = len(stored) - 1
            done += 1
        elif privatexml.same(stored[number], each):
            continue
        elif replacing:
            stored[number] = deepcopy(each)
            done += 1
        else:
            kept += 1
    return done, kept


def _key(element: Element) -> tuple[str, str]:
    name = _KEYS.get(element.tag)
    if name is None:
        return element.tag, serialise(element)
    return element.tag, element.get(name, "")


async def _blocking(session: Session, content: Content, manner: Manner) -> ImportedPart:
    total = len(content.blocked) + content.rules
    record = ImportedPart("blocking", total=total)
    reasons = []
    if content.rules:
        reasons.append(f"{content.rules} rules of privacy lists say more than a block list can")
    wanted: list[Jid] = []
    errors: list[ErrorInfo | None] = []
    try:
        there = {roster.key(each.jid) for each in await blocking.fetch(session)}
        for text in dict.fromkeys(content.blocked):
            try:
                jid = parse(text)
            except ValueError as error:
                failure = RefusedError(
                    f"{text!r} is not a JID: {error}", step=_STEP, condition="jid-malformed"
                )
                errors.append(failure.info())
                continue
            if roster.key(jid) not in there:
                wanted.append(jid)
        done = len(wanted)
        if wanted and not manner.dry_run:
            changes = await blocking.add(session, wanted)
            done = sum(change.error is None for change in changes)
            errors += [change.error for change in changes]
    except (RefusedError, UnsupportedError) as error:
        return replace(record, error=error.info())
    failed = sum(each is not None for each in errors)
    if total - content.rules > done + failed:
        reasons.append("the others are there already")
    return replace(
        record,
        done=done,
        skipped=total - done - failed,
        reason="; ".join(reasons) or None,
        error=summarise(errors),
    )


def _size(node: Node) -> int:
    return max((len(serialise(each)) for each in node.items), default=0)


async def _nodes(
    session: Session, content: Content, manner: Manner
) -> AsyncGenerator[ImportedPart, None]:
    chosen = [node for node in content.nodes.values() if manner.wanted.node(node.name)]
    # servers make one kind of bookmarks of another: the newest form last, one after the other
    alone = sorted((node for node in chosen if node.name in BOOKMARKS), key=lambda node: node.name)
    # what may be too large for the server, which ends the stream then, comes last
    others = sorted((node for node in chosen if node.name not in BOOKMARKS), key=_size)

    async def one(node: Node) -> ImportedPart | XmppctlError:
        try:
            return await place(
                session, node, was=content.jid, replacing=manner.replacing, dry_run=manner.dry_run
            )
        except XmppctlError as error:
            return error

    small = [node for node in others if _size(node) < _LARGE]
    groups = [[node] for node in alone]
    groups += [small[begin : begin + _AT_ONCE] for begin in range(0, len(small), _AT_ONCE)]
    groups += [[node] for node in others[len(small) :]]
    for group in groups:
        ended: XmppctlError | None = None
        for node, found in zip(group, await asyncio.gather(*map(one, group)), strict=True):
            if isinstance(found, ImportedPart):
                yield found
                continue
            ended = found
            yield ImportedPart("pep", node.name, len(node.items), error=found.info())
        if ended is not None:
            raise ended
