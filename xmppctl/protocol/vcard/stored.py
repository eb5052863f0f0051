"""XEP-0054 and XEP-0292: cards as servers keep them: in the account's vCard, or in a PEP node.

Some servers keep one card, in one of the two forms, and make the other and the avatar (XEP-0084)
of it whenever they are asked (Prosody 0.12); some change the avatar with every vCard that is set
(ejabberd 23.01). What a change does not name is put back where a server lost it on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.jid import Jid
from xmppctl.protocol import Xep, largestanza, pep
from xmppctl.protocol.pubsub import NS, PUBSUB, Item, items
from xmppctl.protocol.vcard import (
    STEP,
    STRUCTURED,
    Card,
    Property,
    edit,
    is_empty,
    record,
    temp,
    xcard,
)
from xmppctl.session.conditions import stanza_error
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Pending, Session

XEPS = (
    Xep("0054", "1.3.0", "complete"),
    Xep("0292", "0.12.0", "partial", "cards of accounts and services, not those in private nodes"),
)

NODE = "urn:xmpp:vcard4"
METADATA = "urn:xmpp:avatar:metadata"
DATA = "urn:xmpp:avatar:data"
ID = "current"

_FEATURE = "vCards (XEP-0054)"
_FEATURE_4 = "vCard4 (XEP-0292)"

Edit = Callable[[Card], Card]


class Stored(NamedTuple):
    """A card that was changed, as it is then, and as it was sent.

    ``lost``: names of properties that the server did not keep.
    """

    card: Card
    wanted: Card
    lost: list[str]


# --- asking


async def fetch(session: Session, jid: Jid | None, version: int) -> Card:
    """The card of an account or service; None: of the own account.

    Raises RefusedError (item-not-found: there is none, or an empty one), UnsupportedError,
    DeadlineError.
    """
    card = await (_ask_4(session, jid) if version == 4 else _ask(session, jid))
    if is_empty(card):
        raise absent(str(jid or session.bare), version)
    return card


def absent(jid: str, version: int) -> RefusedError:
    """There is no card."""
    return RefusedError(
        f"{jid} has no {'vCard4' if version == 4 else 'vCard'}",
        step=STEP,
        condition="item-not-found",
        by=jid,
    )


async def _ask(session: Session, jid: Jid | None) -> Card:
    pending = session.ask(Element(temp.VCARD), to=jid)
    session.send(pending.element)
    return await _answered(session, pending, jid)


async def _answered(session: Session, pending: Pending, jid: Jid | None) -> Card:
    iq = await session.answer(pending, step=STEP)
    name = str(jid or session.bare)
    if iq.get("type") == "error":
        # of an account elsewhere it may only mean that there is no such account
        told = _FEATURE if jid is None or jid.is_domain else None
        error = stanza_error(iq, f"the vCard of {name}", feature=told)
        if isinstance(error, RefusedError) and error.condition == "item-not-found":
            return []
        error.step, error.by = STEP, error.by or name
        raise error
    if not len(iq):  # an empty result says so too (XEP-0054 §3.1)
        return []
    if iq[0].tag != temp.VCARD:
        raise _malformed("no vCard", name)
    return temp.read(iq[0])


async def _ask_4(session: Session, jid: Jid | None) -> Card:
    """By PEP, and of others by a request too, which some answer for services."""
    name = str(jid or session.bare)
    asked = [] if jid is not None and jid.is_domain else [session.ask(_query(NODE), to=jid)]
    if jid is not None:
        asked.append(session.ask(Element(xcard.VCARD), to=jid))
    session.send(*(each.element for each in asked))
    found: list[Element | None] = []
    errors: list[XmppctlError] = []
    for pending in asked:
        iq = await session.answer(pending, step=STEP)
        if iq.get("type") == "error":
            errors.append(stanza_error(iq, f"the vCard4 of {name}", feature=_FEATURE_4))
        else:
            found.append(iq.find(f".//{xcard.VCARD}"))
    for each in found:
        if each is not None:
            return xcard.read(each)
    if found or any(each.condition == "item-not-found" for each in errors):
        return []
    error = errors[0]
    error.step, error.by = STEP, error.by or name
    if error.condition == "forbidden":
        error.hint = "some servers say so too where there is none"
    raise error


def _query(node: str) -> Element:
    query = Element(PUBSUB)
    SubElement(query, f"{{{NS}}}items", {"node": node, "max_items": "1"})
    return query


# --- changing


async def change(session: Session, apply: Edit, *, size: int = 0, whole: bool = False) -> Stored:
    """Change the own vCard and read it back; what ``apply`` leaves alone is kept.

    ``size``: bytes of a picture that ``apply`` puts in. ``whole``: nothing of the old card is to
    be kept. Raises RefusedError (file-too-large), UnsupportedError, DeadlineError.
    """
    before = await _look(session)
    wanted = apply(before.card)
    if wanted == before.card and not is_empty(before.card):
        return Stored(before.card, wanted, [])
    same_photo = not whole and record.photo(wanted) == record.photo(before.card)
    data = await _picture(session, before) if same_photo else None
    with largestanza.explained(session, size, "a picture", STEP):
        await session.request(
            temp.write(wanted), type="set", step=STEP, what="setting the vCard", feature=_FEATURE
        )
    after = await _look(session)
    restored = await _restore(session, before, after, data) if same_photo else False
    if not whole and await _restore_4(session, before, after, apply):
        restored = True
    card = (await _look(session)).card if restored else after.card
    return Stored(card, wanted, _lost(wanted, card))


class _State(NamedTuple):
    """What a vCard that is set may change; items are None where there are none."""

    card: Card
    metadata: Item | None
    four: Item | None


async def _look(session: Session) -> _State:
    pending = session.ask(Element(temp.VCARD))
    nodes = [session.ask(_query(node)) for node in (METADATA, NODE)]
    session.send(pending.element, *(each.element for each in nodes))
    card = await _answered(session, pending, None)
    found = [_item(await session.answer(each, step=STEP)) for each in nodes]
    return _State(card, *found)


def _item(iq: Element) -> Item | None:
    if iq.get("type") == "error":
        return None
    item = iq.find(f"{PUBSUB}/{{{NS}}}items/{{{NS}}}item")
    return Item(item.get("id"), item[0]) if item is not None and len(item) else None


def _same(one: Item | None, other: Item | None) -> bool:
    if one is None or other is None:
        return one is other
    texts = [
        sorted((each.tag, *sorted(each.items())) for each in item.payload) for item in (one, other)
    ]
    return texts[0] == texts[1]


async def _picture(session: Session, before: _State) -> Item | None:
    """The avatar's bytes, where the vCard has not got them although the avatar has."""
    if before.metadata is None or record.photo(before.card) is not None:
        return None
    id = next((e.get("id") for e in before.metadata.payload if e.get("url") is None), None)
    if id is None:
        return None
    try:
        found = await items.read(session, DATA, ids=[id])
    except (RefusedError, UnsupportedError):
        return None
    return found[0] if found else None


async def _restore(session: Session, before: _State, after: _State, data: Item | None) -> bool:
    """Publish the avatar again that the server changed although the picture is the same."""
    if before.metadata is None or not len(before.metadata.payload):
        return False
    if _same(before.metadata, after.metadata):
        return False
    session.trace.note("setting the vCard changed the avatar, which is put back")
    if data is not None:
        await pep.publish(session, DATA, [data], {})
    await pep.publish(session, METADATA, [before.metadata], {})
    return True


async def _restore_4(session: Session, before: _State, after: _State, apply: Edit) -> bool:
    """Publish the vCard4 again that the server made anew of the vCard, with the change in it."""
    if before.four is None or after.four is None:
        return False
    old, new = xcard.read(before.four.payload), xcard.read(after.four.payload)
    if old == new:
        return False
    wanted = apply(old)
    if not any(each.name == "photo" for each in old):
        wanted = [each for each in wanted if each.name != "photo"]
    if all(each.empty or any(_tells(other, each) for other in new) for each in wanted):
        return False
    session.trace.note("setting the vCard lost parts of the vCard4, which are put back")
    await pep.publish(session, NODE, [Item(after.four.id, xcard.write(wanted))], {})
    return True


async def change_4(
    session: Session,
    apply: Edit,
    *,
    access: str | None = None,
    reconfigure: bool = False,
    size: int = 0,
) -> Stored:
    """Change the own vCard4 and read it back; what ``apply`` leaves alone is kept.

    ``access``: the node's access model; None leaves that alone, and makes a new node open
    (XEP-0222). ``reconfigure``: where it has another one, change that. Raises what
    ``pep.publish`` raises, and RefusedError (file-too-large).
    """
    exists, old = await _own_4(session)
    before = xcard.read(old.payload) if old is not None else []
    wanted = apply(before)
    if wanted == before and old is not None and access is None:
        return Stored(before, wanted, [])
    want: Mapping[str, str] = {}
    if not exists or access is not None:
        want = {**pep.PUBLIC, "access_model": access or "open"}
    item = Item(ID if old is None or old.id is None else old.id, xcard.write(wanted))
    with largestanza.explained(session, size, "a picture", STEP):
        await pep.publish(session, NODE, [item], want, reconfigure=reconfigure)
    _, stored = await _own_4(session)
    card = xcard.read(stored.payload) if stored is not None else []
    return Stored(card, wanted, _lost(wanted, card))


async def _own_4(session: Session) -> tuple[bool, Item | None]:
    """Whether there is a node, and the card in it."""
    try:
        found = await items.read(session, NODE, last=1, feature=_FEATURE_4)
    except RefusedError as error:
        if error.condition != "item-not-found":
            raise
        return False, None
    return True, next((each for each in found if each.payload.tag == xcard.VCARD), None)


def _lost(wanted: Card, found: Card) -> list[str]:
    """Names of what is not there, in the order of the card; a value counts, its form does not."""
    kept = [_meaning(each) for each in found]
    said = [each for each in wanted if not each.empty and _meaning(each) not in kept]
    return list(dict.fromkeys(each.name for each in said))


def _tells(one: Property, other: Property) -> bool:
    """Whether ``one`` has the value of ``other``, and its parameters."""
    same = _meaning(one) == _meaning(other) and one.group == other.group
    return same and all(one.params.get(name) == each for name, each in other.params.items())


def _meaning(each: Property) -> tuple[str, str]:
    name = "note" if each.name == "desc" else each.name
    if name == "tel":
        return name, edit.digits(temp.number(each))
    if name in STRUCTURED:
        return name, ";".join(each.parts).rstrip(";")
    return name, ",".join(each.values)


# --- removing


async def remove(session: Session, version: int, *, if_exists: bool) -> bool:
    """Remove the own card; whether there was one. Read back.

    Raises RefusedError (item-not-found where there is none, unless ``if_exists``).
    """
    if version == 4:
        found = await pep.read(session, NODE)
        there = any(
            not is_empty(xcard.read(each.payload)) for each in found if each.payload is not None
        )
    else:
        found, there = [], not is_empty(await _ask(session, None))
    if not there:
        if not if_exists:
            raise absent(session.bare, version)
        return False
    if version == 4:
        for each in found:
            if each.id is not None:
                await items.retract(session, NODE, each.id)
        left: Sequence[object] = await pep.read(session, NODE)
    else:
        what = "removing the vCard"
        await session.request(Element(temp.VCARD), type="set", step=STEP, what=what)
        left = [each for each in await _ask(session, None) if not each.empty]
    if left:
        raise RefusedError(
            "the server accepted the removal, but the card is still there",
            step=STEP,
            condition="not-applied",
            by=session.bare,
        )
    return True


def _malformed(text: str, by: str) -> RefusedError:
    error = malformed(text, by)
    error.step = STEP
    return error
