"""Adding, editing and removing bookmarks, proven by reading them again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from typing import Literal
from xml.etree.ElementTree import Element

from xmppctl.errors import ErrorInfo, RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.bookmark import BookmarkChange, BookmarkRemoval, Choice, Store
from xmppctl.protocol import pep
from xmppctl.protocol.bookmarks import NS, STEP, blob, elements, stores
from xmppctl.protocol.bookmarks.elements import Subject, Wish
from xmppctl.protocol.bookmarks.manner import Manner
from xmppctl.protocol.bookmarks.stores import Known, subject_of
from xmppctl.protocol.pubsub import Item, items
from xmppctl.records import dataclass
from xmppctl.session.stream import Session

Mode = Literal["add", "edit", "put"]
"""``add``: one that is there and says something else is a conflict; ``edit``: it has to be there;
``put``: add it, or change it."""

Action = Literal["added", "changed", "unchanged"]

_AT_ONCE = 20


@dataclass(frozen=True)
class _Plan:
    """What is to be done about a bookmark: ``wish`` it in ``homes``, unless there is an error."""

    wish: Wish
    homes: tuple[Store, ...] = ()
    action: Action = "unchanged"
    error: ErrorInfo | None = None


async def put(
    session: Session,
    wishes: Mapping[Subject, Wish],
    choice: Choice,
    mode: Mode,
    manner: Manner,
) -> list[BookmarkChange]:
    """Make bookmarks say what is wished; a record for each, in their order.

    A new one goes into the store of that ``choice``, the newest one for "auto"; one that is there
    is changed in all of the stores that ``choice`` means. What befalls a single one stands in its
    record. Raises RefusedError, UnsupportedError, DeadlineError.
    """
    known = await stores.read(session, choice, manner.warn, writing=True)
    considered = stores.considered(known, choice)
    return await _put(session, known, wishes, considered, mode, manner)


async def convert(
    session: Session, to: Store, source: Choice, manner: Manner
) -> tuple[list[BookmarkChange], bool]:
    """Copy to the store ``to`` what ``source`` has (all others for "auto") and it has not.

    What is in it already stays as it is; so does ``source``. A record for each bookmark of the
    sources; and whether the server itself keeps them as one. Raises as ``put``.
    """
    known = await stores.read(session, "auto", manner.warn, writing=True)
    (target,) = stores.considered(known, to)
    if target in known.missing:
        raise known.missing[target]
    present = stores.considered(known, "auto")
    wanted = present if source == "auto" else stores.considered(known, source)
    sources = [store for store in wanted if store != target]
    for store in sources:
        if store in known.missing:
            raise known.missing[store]
    wishes: dict[Subject, Wish] = {}
    pages: set[str] = set()
    for store in sources:
        for each in known.kept.get(store, ()):
            if target == "pep" and isinstance(each.subject, str):
                pages.add(each.subject)
            elif each.subject not in wishes:
                there = bool(known.all_of(target, each.subject))
                wishes[each.subject] = Wish() if there else elements.wish_of(each.element)
    if pages:
        manner.warn(f"left out: {len(pages)} of web pages, for which XEP-0402 has no place")
    changes = await _put(session, known, wishes, (target,), "put", manner)
    return changes, not sources and bool(known.views)


async def remove(
    session: Session,
    subjects: Sequence[Subject],
    choice: Choice,
    manner: Manner,
    *,
    if_exists: bool = False,
) -> list[BookmarkRemoval]:
    """Remove bookmarks from all stores that ``choice`` means; a record for each, in their order.

    One that is in none is item-not-found, unless ``if_exists``. Raises as ``put``.
    """
    known = await stores.read(session, choice, manner.warn, writing=True)
    considered = stores.considered(known, choice)
    homes = {subject: known.homes(subject, considered) for subject in subjects}
    gone = {subject for subject, found in homes.items() if found}
    errors: dict[Subject, ErrorInfo] = {}
    for store in considered:
        here = {subject for subject in gone if store in homes[subject]}
        if not here:
            continue
        error = await _take_out(session, known, store, here, manner)
        for subject in here:
            if known.all_of(store, subject):
                errors[subject] = (error or _not_confirmed(session, "still there")).info()
    if not if_exists:
        for subject in subjects:
            if subject not in gone:
                errors[subject] = _missing(
                    session, subject, "--if-exists takes that for success"
                ).info()
    return [
        BookmarkRemoval(
            jid=None if isinstance(subject, str) else str(subject),
            url=subject if isinstance(subject, str) else None,
            removed=subject in gone and subject not in errors,
            error=errors.get(subject),
        )
        for subject in subjects
    ]


async def _put(
    session: Session,
    known: Known,
    wishes: Mapping[Subject, Wish],
    considered: Sequence[Store],
    mode: Mode,
    manner: Manner,
) -> list[BookmarkChange]:
    plans = {
        subject: _plan(session, known, subject, wish, considered, mode)
        for subject, wish in wishes.items()
    }
    before = {each.subject for each in known.kept.get("pep", ())}
    for store in considered:
        here = {
            subject: plan.wish
            for subject, plan in plans.items()
            if plan.error is None and plan.action != "unchanged" and store in plan.homes
        }
        if not here:
            continue
        # a bookmark that is new is made, one that was removed meanwhile is not made again
        making = {subject for subject in here if plans[subject].action == "added"}
        if store != "pep" and (without := sum(bool(wish.extensions) for wish in here.values())):
            manner.warn(
                f"what clients keep with {without} of the bookmarks has no place in {store}"
            )
        error = await _write(session, known, store, here, making, manner)
        for subject, wish in here.items():
            if not _holds(known, store, subject, wish):
                failure = error or _not_confirmed(session, "not what was wanted")
                plans[subject] = replace(plans[subject], error=failure.info())
    lost = before - {each.subject for each in known.kept.get("pep", ())}
    if lost:
        manner.warn(
            f"{len(lost)} of the bookmarks that were there are gone: the server keeps a limited "
            "number of them, or another client removed them"
        )
    return [_changed(known, subject, plan) for subject, plan in plans.items()]


def _plan(
    session: Session,
    known: Known,
    subject: Subject,
    wish: Wish,
    considered: Sequence[Store],
    mode: Mode,
) -> _Plan:
    homes = tuple(known.homes(subject, considered))
    error: XmppctlError | None = None
    if homes:
        differs = any(
            elements.apply(deepcopy(each.element), wish)
            for store in homes
            for each in known.all_of(store, subject)
        )
        if wish.needs_pep and "pep" not in homes:
            error = _only_in_pep(session, subject, homes[0])
        elif differs and mode == "add":
            error = RefusedError(
                f"there is a bookmark of {subject} that says something else",
                step=STEP,
                condition="conflict",
                by=session.bare,
                hint="bookmark edit changes it, as does --update",
            )
        return _Plan(wish, homes, "changed" if differs else "unchanged", _info(error))
    if mode == "edit":
        error = _missing(session, subject)
        return _Plan(wish, error=error.info())
    able = [store for store in considered if store != "pep" or not isinstance(subject, str)]
    if not able:
        error = UnsupportedError(
            f"the server has no place for the bookmark of {subject}: it keeps them all by "
            "XEP-0402, which has none of web pages",
            step=STEP,
            condition="feature-not-implemented",
            by=session.bare,
        )
    elif wish.needs_pep and able[0] != "pep":
        error = _only_in_pep(session, subject, able[0])
    return _Plan(wish, tuple(able[:1]), "added", _info(error))


async def _write(
    session: Session,
    known: Known,
    store: Store,
    wishes: Mapping[Subject, Wish],
    making: set[Subject],
    manner: Manner,
) -> XmppctlError | None:
    """Write to a store, and let ``known`` have what is in it then; why it failed, if it did."""
    if store != "pep":
        return await _update(session, known, store, _putting(wishes, making), manner)
    content: list[Item] = []
    for subject, wish in wishes.items():
        found = known.all_of("pep", subject)
        for each in found:
            element = deepcopy(each.element)
            if elements.apply(element, wish):
                content.append(Item(each.id, element))
        if not found:
            element = elements.new(subject, legacy=False)
            elements.apply(element, wish)
            content.append(Item(str(subject), element))
    failure: XmppctlError | None = None
    try:
        await pep.publish(
            session,
            NS,
            content,
            pep.PRIVATE,
            reconfigure=manner.reconfigure,
            features=known.features,
        )
    except (RefusedError, UnsupportedError) as error:
        failure = error
    stores.take_items(known, await stores.read_items(session))
    return failure


def _putting(wishes: Mapping[Subject, Wish], making: set[Subject]) -> Callable[[Element], bool]:
    def change(storage: Element) -> bool:
        changed = False
        missing = set(making)
        for element in storage:
            subject = subject_of(element)
            if subject is not None and subject in wishes:
                missing.discard(subject)
                changed = elements.apply(element, wishes[subject]) or changed
        for subject in wishes:  # in their order
            if subject in missing:
                element = elements.new(subject, legacy=True)
                elements.apply(element, wishes[subject])
                storage.append(element)
                changed = True
        return changed

    return change


async def _take_out(
    session: Session, known: Known, store: Store, subjects: set[Subject], manner: Manner
) -> XmppctlError | None:
    """Remove from a store, and let ``known`` have what is in it then; why it failed, if it did."""
    if store != "pep":
        return await _update(session, known, store, _removing(subjects), manner)
    ids = [each.id or "" for subject in subjects for each in known.all_of("pep", subject)]
    failures: list[XmppctlError] = []
    for begin in range(0, len(ids), _AT_ONCE):
        answers = await asyncio.gather(
            *(items.retract(session, NS, each) for each in ids[begin : begin + _AT_ONCE]),
            return_exceptions=True,
        )
        for answer in answers:
            if isinstance(answer, RefusedError | UnsupportedError):
                failures.append(answer)
            elif isinstance(answer, BaseException):
                raise answer
    stores.take_items(known, await stores.read_items(session))
    return failures[0] if failures else None


def _removing(subjects: set[Subject]) -> Callable[[Element], bool]:
    def change(storage: Element) -> bool:
        found = [each for each in storage if subject_of(each) in subjects]
        for each in found:
            storage.remove(each)
        return bool(found)

    return change


async def _update(
    session: Session,
    known: Known,
    store: Store,
    change: Callable[[Element], bool],
    manner: Manner,
) -> XmppctlError | None:
    read = stores.read_private if store == "private" else stores.read_legacy_item
    failure: XmppctlError | None = None
    with manner.turn():
        # Read again: it may have taken a while to be one's turn, and where the server converts
        # (XEP-0411), writing the other store may have done it already.
        base = await read(session)
        try:
            base = await blob.update(
                session,
                store,
                base,
                change,
                features=known.features,
                reconfigure=manner.reconfigure,
            )
        except (RefusedError, UnsupportedError) as error:
            failure = error
            base = await read(session)
    stores.take_blob(known, store, base)
    return failure


def _holds(known: Known, store: Store, subject: Subject, wish: Wish) -> bool:
    found = known.all_of(store, subject)
    return bool(found) and not any(elements.apply(deepcopy(e.element), wish) for e in found)


def _changed(known: Known, subject: Subject, plan: _Plan) -> BookmarkChange:
    found = known.record(subject, plan.homes)
    if found is None:
        jid, url = (None, subject) if isinstance(subject, str) else (str(subject), None)
        return BookmarkChange(jid=jid, url=url, error=plan.error)
    action = plan.action if plan.error is None else None
    return BookmarkChange(**asdict(found), action=action, error=plan.error)


def _info(error: XmppctlError | None) -> ErrorInfo | None:
    return None if error is None else error.info()


def _missing(session: Session, subject: Subject, hint: str | None = None) -> RefusedError:
    return RefusedError(
        f"there is no bookmark of {subject}",
        step=STEP,
        condition="item-not-found",
        by=session.bare,
        hint=hint,
    )


def _not_confirmed(session: Session, what: str) -> RefusedError:
    return RefusedError(
        f"the server said yes, but the bookmark, read again, is {what}",
        step=STEP,
        condition="not-confirmed",
        by=session.bare,
        hint="another client may have changed it meanwhile",
    )


def _only_in_pep(session: Session, subject: Subject, store: Store) -> UnsupportedError:
    return UnsupportedError(
        f"{store} has no place for what the bookmark of {subject} is to have: to be pinned, or a "
        "setting for notifications",
        step=STEP,
        condition="feature-not-implemented",
        by=session.bare,
        hint="XEP-0402 has it: bookmark convert copies what is in other stores",
    )
