"""XEP-0049: Private XML Storage: one element of any namespace, kept by the server for the account.

The storage knows no versions: who changes a part of an element writes all of it. ``update`` reads
it again in the very flight that writes, and once more behind it, and so notices nearly always what
another client wrote in between.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError
from xmppctl.model.private import PrivateElement, PrivateRemoval
from xmppctl.protocol import Xep, largestanza
from xmppctl.session.conditions import stanza_error
from xmppctl.session.stream import Pending, Session
from xmppctl.session.xml import serialise, split

XEPS = (Xep("0049", "1.2", "complete"),)

NS = "jabber:iq:private"
QUERY = f"{{{NS}}}query"

STEP = "private"

ATTEMPTS = 5
"""How often a change is tried while another client changes the same element."""

Change = Callable[[Element], bool]
"""Changes the element in place; False where it is already as wanted."""


async def get(session: Session, tag: str, *, step: str) -> Element:
    """The stored element ``{namespace}name``; an empty one where none is stored.

    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    pending = reading(session, tag)
    session.send(pending.element)
    return await read(session, pending, tag, step=step)


async def put(session: Session, element: Element, *, step: str) -> Element:
    """Store ``element`` in place of what has its tag; what is stored then, read in the same flight.

    Raises as ``get``, and RefusedError (not-confirmed) where that is something else.
    """
    write, after = _writing(session, element), reading(session, element.tag)
    session.send(write.element, after.element)
    await _written(session, write, step)
    stored = await read(session, after, element.tag, step=step)
    if not same(stored, element):
        raise _not_confirmed(session, step)
    return stored


async def update(session: Session, base: Element, change: Change, *, step: str) -> Element:
    """Apply ``change`` to the stored element, of which ``base`` was read; what is stored then.

    Nothing is written where ``change`` says that nothing is to be done. What another client wrote
    behind ``base`` is kept: the change is applied to that too. Raises as ``get``, and RefusedError
    (not-confirmed) where the element, read again, has not got the change.
    """
    expected = base
    for _ in range(ATTEMPTS):
        wanted = deepcopy(base)
        if not change(wanted) and same(wanted, expected):
            return expected
        before, write = reading(session, base.tag), _writing(session, wanted)
        # in one flight, handled in order (RFC 6120 §10.1)
        session.send(before.element, write.element)
        found = await read(session, before, base.tag, step=step)
        await _written(session, write, step)
        # only now: another client may have read before this was written, and write behind it
        stored = await get(session, base.tag, step=step)
        if not same(found, expected):
            # what was just written lacks what another client had written before it
            session.trace.note("another client changed the private storage; its change is kept")
            base, expected = found, stored
        elif change(deepcopy(stored)):
            base = expected = stored
        else:
            return stored
    raise _not_confirmed(session, step)


async def fetch(session: Session, tag: str) -> PrivateElement:
    """The stored element ``{namespace}name`` as a record.

    Raises RefusedError (item-not-found: nothing is stored), UnsupportedError, DeadlineError.
    """
    element = await get(session, tag, step=STEP)
    if is_nothing(element):
        raise _nothing(session, tag)
    return _record(element)


async def store(session: Session, element: Element) -> PrivateElement:
    """Store ``element``; what is stored then. Raises as ``put``; RefusedError (file-too-large)."""
    size = len(serialise(element).encode())
    with largestanza.explained(session, size, "an element", STEP, picture=False):
        return _record(await put(session, element, step=STEP))


async def remove(session: Session, tag: str, *, if_exists: bool = False) -> PrivateRemoval:
    """Store nothing in place of ``{namespace}name``; proven by reading it again.

    Raises as ``fetch`` (item-not-found unless ``if_exists``) and ``put``.
    """
    namespace, name = split(tag)
    there = not is_nothing(await get(session, tag, step=STEP))
    if there:
        await put(session, Element(tag), step=STEP)
    elif not if_exists:
        raise _nothing(session, tag)
    return PrivateRemoval(namespace, name, removed=there)


def is_nothing(element: Element) -> bool:
    """Whether it is what stands for no element (§2.2): an empty one."""
    return not len(element) and not element.attrib and not (element.text or "").strip()


def _record(element: Element) -> PrivateElement:
    namespace, name = split(element.tag)
    return PrivateElement(namespace, name, serialise(element, ""))


def _nothing(session: Session, tag: str) -> RefusedError:
    namespace, name = split(tag)
    return RefusedError(
        f"no <{name}/> of {namespace} is in the private storage",
        step=STEP,
        condition="item-not-found",
        by=session.bare,
    )


def _not_confirmed(session: Session, step: str) -> RefusedError:
    return RefusedError(
        "the server said yes, but the change is not in the private storage",
        step=step,
        condition="not-confirmed",
        by=session.domain,
        hint="another client may be changing it too",
    )


def same(one: Element, other: Element) -> bool:
    """Whether two elements say the same; white space around children counts for nothing."""
    return (
        one.tag == other.tag
        and one.attrib == other.attrib
        and _texts(one) == _texts(other)
        and len(one) == len(other)
        and all(same(a, b) for a, b in zip(one, other, strict=True))
    )


def _texts(element: Element) -> list[str]:
    if not len(element):
        return [element.text or ""]
    return [(text or "").strip() for text in (element.text, *(child.tail for child in element))]


def reading(session: Session, tag: str) -> Pending:
    """The question for the stored element, to be sent with others."""
    query = Element(QUERY)
    query.append(Element(tag))
    return session.ask(query)


def _writing(session: Session, element: Element) -> Pending:
    query = Element(QUERY)
    query.append(element)
    return session.ask(query, type="set")


async def read(session: Session, pending: Pending, tag: str, *, step: str) -> Element:
    """The answer to ``reading``. Raises as ``get``."""
    iq = await _answer(session, pending, step, "the private storage")
    found = iq.find(f"{QUERY}/{tag}")
    return Element(tag) if found is None else found


async def _written(session: Session, pending: Pending, step: str) -> None:
    await _answer(session, pending, step, "to write the private storage")


async def _answer(session: Session, pending: Pending, step: str, what: str) -> Element:
    iq = await session.answer(pending, step=step)
    if iq.get("type") == "error":
        error = stanza_error(iq, what, feature="private XML storage (XEP-0049)")
        error.step, error.by = step, error.by or session.domain
        raise error
    return iq
