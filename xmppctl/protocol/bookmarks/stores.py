"""Which stores a server has, what is in them, and which of them are one and the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, get_args
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.bookmark import Bookmark, Choice, Store
from xmppctl.model.jid import Jid, parse
from xmppctl.protocol import disco, pep, privatexml
from xmppctl.protocol.bookmarks import (
    CONFERENCE,
    NS,
    NS_LEGACY,
    PAGE,
    ROOM,
    STEP,
    STORAGE,
    elements,
)
from xmppctl.protocol.bookmarks.elements import Subject
from xmppctl.protocol.bookmarks.manner import Warn
from xmppctl.protocol.pubsub import Item
from xmppctl.records import dataclass
from xmppctl.session.stream import Session

STORES: tuple[Store, ...] = get_args(Store)
LEGACY: tuple[Store, ...] = ("private", "pep-legacy")

_VIEWS: Mapping[str, Store] = {f"{NS}#compat": "private", f"{NS}#compat-pep": "pep-legacy"}
"""Features by which a server says that a legacy store shows what ``pep`` has (XEP-0402 §6)."""


@dataclass(frozen=True)
class Kept:
    """A bookmark in a store; ``id`` is that of its item (XEP-0402), as it was written."""

    subject: Subject
    element: Element
    id: str | None = None


@dataclass(frozen=True)
class Known:
    """What was read.

    ``features``: of the account. ``views``: stores that only show what ``pep`` has. ``missing``:
    stores that could not be read, and why. ``odd``: what is stored and is no bookmark, in words.
    """

    features: frozenset[str] = frozenset()
    views: frozenset[Store] = frozenset()
    kept: dict[Store, list[Kept]] = field(default_factory=dict)
    missing: dict[Store, XmppctlError] = field(default_factory=dict)
    odd: dict[Store, list[str]] = field(default_factory=dict)

    def homes(self, subject: Subject, stores: Iterable[Store]) -> list[Store]:
        """The ``stores`` that have a bookmark of ``subject``."""
        return [store for store in stores if self.all_of(store, subject)]

    def all_of(self, store: Store, subject: Subject) -> list[Kept]:
        """The bookmarks of ``subject`` in a store: one, or several that a client left there."""
        return [each for each in self.kept.get(store, ()) if each.subject == subject]

    def record(self, subject: Subject, stores: Iterable[Store], **more: bool) -> Bookmark | None:
        """The bookmark of ``subject``, of the first of ``stores`` that has it."""
        for store in stores:
            for each in self.all_of(store, subject):
                return elements.record(subject, each.element, store, **more)
        return None


async def read(session: Session, choice: Choice, warn: Warn, *, writing: bool = False) -> Known:
    """Read the store of that ``choice``, all of them for "auto", in one flight.

    A store that the server lacks counts as empty as long as there is another. Raises
    RefusedError, UnsupportedError, DeadlineError.
    """
    wanted = STORES if choice == "auto" else (choice,)
    if writing and choice in LEGACY:  # it may turn out to show what another one has
        wanted = ("pep", choice)
    ask_features = writing or choice == "auto"
    answers: list[Any] = await asyncio.gather(
        *([_features(session)] if ask_features else []),
        *(_READERS[store](session) for store in wanted),
        return_exceptions=True,
    )
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(
            answer, RefusedError | UnsupportedError
        ):
            raise answer
    features: frozenset[str] = answers.pop(0) if ask_features else frozenset()
    known = Known(features, frozenset(_VIEWS[each] for each in features & _VIEWS.keys()))
    for store, answer in zip(wanted, answers, strict=True):
        if isinstance(answer, XmppctlError):
            known.missing[store] = answer
        elif store not in known.views:
            _take(known, store, answer)
    _check(session, known, wanted, choice, warn)
    return known


def considered(known: Known, choice: Choice) -> tuple[Store, ...]:
    """The stores that a change is about, the newest first: none that only shows another one."""
    if choice != "auto":
        return ("pep",) if choice in known.views else (choice,)
    return tuple(
        store for store in STORES if store not in known.views and store not in known.missing
    )


def listed(known: Known, stores: Sequence[Store], *, password: bool = False) -> list[Bookmark]:
    """The bookmarks of ``stores``, each once, sorted: rooms, then web pages."""
    subjects = {each.subject for store in stores for each in known.kept.get(store, ())}
    ordered = sorted(subjects, key=lambda each: (isinstance(each, str), str(each)))
    found = (known.record(each, stores, password=password) for each in ordered)
    return [each for each in found if each is not None]


async def fetch(
    session: Session, choice: Choice, warn: Warn, *, password: bool = False
) -> list[Bookmark]:
    """The bookmarks of a store, or of all of them, with their passwords only if wanted.

    Raises as ``read``.
    """
    known = await read(session, choice, warn)
    stores = considered(known, choice) if choice == "auto" else (choice,)
    return listed(known, stores, password=password)


# --- each store


async def read_items(session: Session) -> list[Item]:
    """The items of ``pep``."""
    return await pep.read(session, NS)


async def read_private(session: Session) -> Element:
    """The element of ``private``."""
    return await privatexml.get(session, STORAGE, step=STEP)


async def read_legacy_item(session: Session) -> Element:
    """The element of ``pep-legacy``, empty where there is none."""
    found = [item for item in await pep.read(session, NS_LEGACY) if item.payload.tag == STORAGE]
    current = [item for item in found if item.id == "current"]
    return (current or found)[-1].payload if found else Element(STORAGE)


_READERS: Mapping[Store, Callable[[Session], Awaitable[Any]]] = {
    "pep": read_items,
    "private": read_private,
    "pep-legacy": read_legacy_item,
}


def take_items(known: Known, items: Iterable[Item]) -> None:
    """Let ``known`` have these items in place of those that it had."""
    known.kept["pep"] = kept = []
    known.odd["pep"] = odd = []
    for item in items:
        subject = room(item.id)
        if item.payload.tag != CONFERENCE or subject is None:
            odd.append(f"an item with the id {item.id!r}")
        else:
            kept.append(Kept(subject, item.payload, item.id))
    # of several for one room the one with its exact JID as id comes first
    kept.sort(key=lambda each: each.id != str(each.subject))


def take_blob(known: Known, store: Store, storage: Element) -> None:
    """Let ``known`` have this element in place of the one that it had."""
    known.kept[store] = []
    known.odd[store] = odd = []
    for element in storage:
        subject = subject_of(element)
        if subject is not None:
            known.kept[store].append(Kept(subject, element))
        elif element.tag in (ROOM, PAGE):
            odd.append(f"an entry with the JID {element.get('jid')!r}")


def subject_of(element: Element) -> Subject | None:
    """What a child of ``<storage/>`` is a bookmark of."""
    if element.tag == ROOM:
        return room(element.get("jid"))
    return element.get("url") or None if element.tag == PAGE else None


def room(text: str | None) -> Jid | None:
    """The JID of a room, None for what is none."""
    try:
        jid = parse(text or "")
    except ValueError:
        return None
    return jid if jid.is_bare and not (text or "").lower().startswith("xmpp:") else None


def _take(known: Known, store: Store, answer: Any) -> None:
    if store == "pep":
        take_items(known, answer)
    else:
        take_blob(known, store, answer)


def _check(
    session: Session, known: Known, wanted: Sequence[Store], choice: Choice, warn: Warn
) -> None:
    needed = wanted if choice == "auto" else (choice,)
    if all(store in known.missing for store in needed):
        raise known.missing[needed[0]]
    for store, error in known.missing.items():
        if isinstance(error, UnsupportedError):
            session.trace.note(f"{store}: {error.text}")
        else:
            warn(f"the bookmarks in {store} could not be read: {error.text}")
    odd: Counter[str] = Counter()
    for found in known.odd.values():
        odd |= Counter(found)  # a server may show the same entries in two stores
    if odd:
        for each in odd.elements():
            session.trace.note(f"left out: {each} is no bookmark of a room")
        number = odd.total()
        what = "an entry that is" if number == 1 else f"{number} entries that are"
        warn(f"left out: {what} no bookmark of a room; -v tells more")


async def _features(session: Session) -> frozenset[str]:
    return frozenset((await disco.info(session, session.bare)).features)
