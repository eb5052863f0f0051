"""XEP-0209: Metacontacts: which contacts are one person, in the account's private storage."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.rosterdata import Member, Metacontact, MetaRemoved
from xmppctl.protocol import Xep, privatexml
from xmppctl.session.stream import Session

XEPS = (Xep("0209", "0.1", "complete"),)

NS = "storage:metacontacts"
STORAGE = f"{{{NS}}}storage"
META = f"{{{NS}}}meta"
LARGEST = 2**32 - 1
"""Of an order, which is an unsigned integer of 32 bits."""
_STEP = "metacontacts"


async def fetch(session: Session) -> list[Metacontact]:
    """All metacontacts, sorted by tag. Raises RefusedError, UnsupportedError, DeadlineError.

    One with a single member is one too: the others may be in another account (§4.1).
    """
    return read(await privatexml.get(session, STORAGE, step=_STEP))


async def put(
    session: Session, tag: str, jids: Sequence[Jid], order: int | None = None
) -> Metacontact:
    """Put ``jids`` into the metacontact ``tag``, out of any other; the metacontact then.

    Its other members stay. With ``order``, that is the order of the last of ``jids``, and each one
    before has the next higher. Without it, orders stay as they are. Raises as ``fetch``, and
    RefusedError (not-confirmed).
    """

    def change(storage: Element) -> bool:
        done = [_put(storage, tag, jid, given) for jid, given in _orders(jids, order)]
        return any(done)

    base = await privatexml.get(session, STORAGE, step=_STEP)
    stored = await privatexml.update(session, base, change, step=_STEP)
    return next(each for each in read(stored) if each.tag == tag)


async def remove(session: Session, jid: Jid, *, if_exists: bool = False) -> MetaRemoved:
    """Take ``jid`` out of its metacontact.

    Raises as ``fetch``; where it is in none RefusedError (item-not-found), unless ``if_exists``.
    """

    def change(storage: Element) -> bool:
        found = _of(storage, jid)
        for each in found:
            storage.remove(each)
        return bool(found)

    base = await privatexml.get(session, STORAGE, step=_STEP)
    found = _of(base, jid)
    if found:
        await privatexml.update(session, base, change, step=_STEP)
        return MetaRemoved(str(jid), found[0].get("tag"))
    if not if_exists:
        raise RefusedError(
            f"{jid} is in no metacontact",
            step=_STEP,
            condition="item-not-found",
            by=session.bare,
            hint="--if-exists takes that for success",
        )
    return MetaRemoved(str(jid))


def _put(storage: Element, tag: str, jid: Jid, order: int | None) -> bool:
    found = _of(storage, jid)
    first = next((each for each in found if each.get("tag") == tag), None)
    wanted = {} if order is None else {"order": str(order)}
    if len(found) == 1 and first is not None and wanted.items() <= first.attrib.items():
        return False
    for each in found:
        if each is not first:
            storage.remove(each)
    if first is None:
        first = SubElement(storage, META, {"jid": str(jid), "tag": tag})
    first.attrib.update(wanted)
    return True


def _orders(jids: Sequence[Jid], order: int | None) -> list[tuple[Jid, int | None]]:
    last = len(jids) - 1
    return [
        (jid, None if order is None else order + last - number) for number, jid in enumerate(jids)
    ]


def _of(storage: Element, jid: Jid) -> list[Element]:
    return [each for each in storage.findall(META) if lenient(each.get("jid", "")) == jid]


def read(storage: Element) -> list[Metacontact]:
    """All metacontacts of the stored element, sorted by tag."""
    tags: dict[str, dict[str, Member]] = {}
    seen: set[str] = set()
    for meta in storage.iterfind(META):
        jid, tag = str(lenient(meta.get("jid", "")).bare), meta.get("tag")
        if not jid or not tag or jid in seen:  # a JID is in one only (§4.1)
            continue
        seen.add(jid)
        tags.setdefault(tag, {})[jid] = Member(jid, _order(meta.get("order")))
    return [Metacontact(tag, sorted(tags[tag].values(), key=_rank)) for tag in sorted(tags)]


def _order(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def _rank(member: Member) -> tuple[int, str]:
    # §5.3: who has no order comes last
    return 1 if member.order is None else -member.order, member.jid
